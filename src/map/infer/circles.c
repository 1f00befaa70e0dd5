#include "map/infer/draft.h"

/*
 * Foreign keys that a person would not write down.
 *
 * Circles of references: a user whose handle is a key of handles, and a handle whose user is a key of users. Where neither may be
 * NULL no statement could insert the first of them, so a person would write down only one. What stays is what the key is made of
 * (an address stands under its customer), then what refers to the entity that says more.
 *
 * What other foreign keys imply: they are checked anyway.
 */

struct edge {
    struct draft_entity *child;
    size_t key; /* of the child's foreign keys */
};

/* Whether a row needs its parent to be there before it. */
static bool needs_parent(const struct draft_entity *child, const struct foreign_key *key)
{
    if (key->parent == child->entity)
        return false;
    for (size_t i = 0; i < key->count; i++)
        if (!child->entity->columns[key->columns[i]].not_null)
            return false;
    return true;
}

/* Marks what must be there before a row of entity `at`: at most one call for each entity. */
static void mark_needed(const struct draft *draft, size_t at, bool *needed)
{
    const struct draft_entity *child = &draft->entities[at];
    for (size_t i = 0; i < child->entity->foreign_key_count; i++) {
        const struct foreign_key *key = &child->entity->foreign_keys[i];
        size_t parent = child->references[i].parent;
        if (!needs_parent(child, key) || needed[parent])
            continue;
        needed[parent] = true;
        mark_needed(draft, parent, needed);
    }
}

static bool closes_circle(const struct draft *draft, const struct edge *edge, bool *needed)
{
    const struct foreign_key *key = &edge->child->entity->foreign_keys[edge->key];
    if (!needs_parent(edge->child, key))
        return false;
    memset(needed, 0, draft->entity_count * sizeof *needed);
    mark_needed(draft, edge->child->references[edge->key].parent, needed);
    return needed[edge->child - draft->entities];
}

static bool is_in_key(const struct edge *edge)
{
    const struct foreign_key *key = &edge->child->entity->foreign_keys[edge->key];
    for (size_t i = 0; i < key->count; i++) {
        bool found = false;
        for (size_t k = 0; k < edge->child->key_column_count; k++)
            found = found || edge->child->key_columns[k] == key->columns[i];
        if (!found)
            return false;
    }
    return true;
}

static bool is_weaker(const struct edge *a, const struct edge *b)
{
    if (is_in_key(a) != is_in_key(b))
        return !is_in_key(a);
    size_t columns_a = a->child->entity->foreign_keys[a->key].parent->column_count;
    size_t columns_b = b->child->entity->foreign_keys[b->key].parent->column_count;
    return columns_a < columns_b; /* else the first one stays: entities are in the order of their names */
}

static bool find_weakest(const struct draft *draft, bool *needed, struct edge *ret_edge)
{
    bool found = false;
    for (size_t e = 0; e < draft->entity_count; e++)
        for (size_t k = 0; k < draft->entities[e].entity->foreign_key_count; k++) {
            struct edge edge = { &draft->entities[e], k };
            if (!closes_circle(draft, &edge, needed) || (found && !is_weaker(&edge, ret_edge)))
                continue;
            *ret_edge = edge;
            found = true;
        }
    return found;
}

static void drop_edge(const struct edge *edge)
{
    struct draft_entity *child = edge->child;
    size_t behind = --child->entity->foreign_key_count - edge->key;
    memmove(&child->entity->foreign_keys[edge->key], &child->entity->foreign_keys[edge->key + 1],
            behind * sizeof *child->entity->foreign_keys);
    memmove(&child->references[edge->key], &child->references[edge->key + 1], behind * sizeof *child->references);
}

static enum lf_code doubt_edge(struct draft *draft, const struct edge *edge, struct err *err)
{
    const struct entity *child = edge->child->entity;
    const struct foreign_key *key = &child->foreign_keys[edge->key];
    return infer_doubt(
        draft, edge->child, err,
        "%.*s holds keys of %.*s, whose rows need a row of %.*s first: as a foreign key too, none could be inserted",
        SPAN_ARG(child->columns[key->columns[0]].name), SPAN_ARG(key->parent->table), SPAN_ARG(child->table));
}

enum lf_code infer_break_circles(struct draft *draft, struct err *err)
{
    bool *needed = arena_calloc(draft->arena, draft->entity_count, sizeof *needed, err);
    if (!needed)
        return err->code;
    for (struct edge edge; find_weakest(draft, needed, &edge);) {
        TRY(doubt_edge(draft, &edge, err));
        drop_edge(&edge);
    }
    return LF_OK;
}

/* ---- what others imply ---- */

/* Whether `whole` and then the parent's `rest` lead from the columns of `key` to what `key` refers to. */
static bool leads_there(const struct foreign_key *key, const struct foreign_key *whole, const struct foreign_key *rest)
{
    if (rest->parent != key->parent || rest->count != key->count)
        return false;
    for (size_t i = 0; i < key->count; i++) {
        size_t at = 0;
        while (at < whole->count && whole->columns[at] != key->columns[i])
            at++;
        if (at == whole->count || whole->references[at] != rest->columns[i])
            return false;
    }
    return true;
}

/* An order of a tenant's customer is of that tenant: (tenant, customer) refers to a customer, whose tenant refers to the tenant.
 */
static bool is_implied(const struct draft *draft, const struct draft_entity *child, size_t key)
{
    const struct entity *e = child->entity;
    for (size_t w = 0; w < e->foreign_key_count; w++) {
        const struct draft_entity *parent = &draft->entities[child->references[w].parent];
        if (w == key || parent == child || !needs_parent(child, &e->foreign_keys[w]) || child->references[w].looked_up.orphans)
            continue;
        for (size_t r = 0; r < parent->entity->foreign_key_count; r++)
            if (leads_there(&e->foreign_keys[key], &e->foreign_keys[w], &parent->entity->foreign_keys[r]))
                return true;
    }
    return false;
}

void infer_drop_implied(struct draft *draft)
{
    for (size_t i = 0; i < draft->entity_count; i++)
        for (size_t k = draft->entities[i].entity->foreign_key_count; k-- > 0;)
            if (is_implied(draft, &draft->entities[i], k))
                drop_edge(&(struct edge){ &draft->entities[i], k });
}
