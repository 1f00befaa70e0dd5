#include "gateway/store/db_statements.h"

#include <stdlib.h>

#include "base/hash.h"

enum { CAPACITY_MIN = 64 };

struct db_statement {
    struct pg_statement statement;
    uint64_t hash;
    struct span sql;
    char text[];
};

/* The slot of the text, or the free one where it would stand. */
static struct db_statement **slot_of(const struct db_statements *statements, uint64_t hash, struct span sql)
{
    size_t mask = statements->capacity - 1;
    size_t at = (size_t)hash & mask;
    for (; statements->slots[at]; at = (at + 1) & mask)
        if (statements->slots[at]->hash == hash && span_equal(statements->slots[at]->sql, sql))
            break;
    return &statements->slots[at];
}

/* At least half of the slots stay free. */
static bool make_room(struct db_statements *statements)
{
    if (statements->count < statements->capacity / 2)
        return true;
    size_t capacity = statements->capacity ? statements->capacity * 2 : CAPACITY_MIN;
    struct db_statements larger = { calloc(capacity, sizeof(struct db_statement *)), capacity, statements->count };
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < statements->capacity; i++) {
        struct db_statement *kept = statements->slots[i];
        if (kept)
            *slot_of(&larger, kept->hash, kept->sql) = kept;
    }
    free(statements->slots);
    *statements = larger;
    return true;
}

static struct db_statement *new_statement(struct span sql, uint64_t hash)
{
    struct db_statement *made = malloc(sizeof *made + sql.len + 1);
    if (!made)
        return NULL;
    memcpy(made->text, sql.ptr, sql.len);
    made->text[sql.len] = '\0';
    made->statement = (struct pg_statement){ .sql = made->text };
    made->hash = hash;
    made->sql = span_of(made->text, sql.len);
    return made;
}

enum lf_code db_statements_get(struct db_statements *statements, struct span sql, const struct pg_statement **ret_statement,
                               struct err *err)
{
    uint64_t hash = hash64(sql, 0);
    if (!make_room(statements))
        return ERR(err, LF_MEMORY, "out of memory for statements");
    struct db_statement **slot = slot_of(statements, hash, sql);
    if (!*slot) {
        *slot = new_statement(sql, hash);
        if (!*slot)
            return ERR(err, LF_MEMORY, "out of memory for statements");
        statements->count++;
    }
    *ret_statement = &(*slot)->statement;
    return LF_OK;
}

void db_statements_done(struct db_statements *statements)
{
    for (size_t i = 0; i < statements->capacity; i++)
        free(statements->slots[i]);
    free(statements->slots);
    *statements = (struct db_statements){ 0 };
}
