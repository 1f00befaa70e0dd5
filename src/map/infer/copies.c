#include "map/infer/draft.h"

/*
 * Copies for another access path: ROOM#r / MEMBER#u beside USER#u / ROOM#r. Both stay as long as the application reads them, but
 * SQL needs one: two indexes are the two paths. What is compared is the values of the keys, not which of them stand together, so
 * it is a doubt and no decision.
 */

enum { COPY_ITEMS_MIN = 10 };

static const struct hash_sample *key_values(const struct draft_entity *entity, unsigned part)
{
    return &entity->columns[entity->entity->primary_key[part]]->distinct;
}

static bool are_equal(const struct hash_sample *a, const struct hash_sample *b)
{
    return hash_sample_contained(a, b).orphans == 0 && hash_sample_contained(b, a).orphans == 0;
}

static bool is_turned_around(const struct draft_entity *a, const struct draft_entity *b)
{
    if (a->table != b->table || a->stats->items != b->stats->items || a->stats->items < COPY_ITEMS_MIN ||
        a->entity->primary_key_count != 2 || b->entity->primary_key_count != 2)
        return false;
    return are_equal(key_values(a, 0), key_values(b, 1)) && are_equal(key_values(a, 1), key_values(b, 0));
}

/* The one that says less is called the copy. */
static enum lf_code doubt_copy(struct draft *draft, struct draft_entity *a, struct draft_entity *b, struct err *err)
{
    bool a_says_less = a->entity->column_count < b->entity->column_count;
    struct draft_entity *copy = a_says_less ? a : b, *original = a_says_less ? b : a;
    return infer_doubt(draft, copy, err,
                       "as many items as %.*s and the same keys the other way round: a copy for another access path, of which "
                       "SQL needs one",
                       SPAN_ARG(original->entity->table));
}

enum lf_code infer_doubt_copies(struct draft *draft, struct err *err)
{
    for (size_t i = 0; i < draft->entity_count; i++)
        for (size_t j = i + 1; j < draft->entity_count; j++)
            if (is_turned_around(&draft->entities[i], &draft->entities[j]))
                TRY(doubt_copy(draft, &draft->entities[i], &draft->entities[j], err));
    return LF_OK;
}
