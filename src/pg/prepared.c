#include "pg/prepared.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

enum { CAPACITY_MIN = 64 };

/* The slot of the statement, or the free one where it would stand. */
static struct prepared *slot_of(const struct prepared_set *set, const struct pg_statement *statement)
{
    size_t mask = set->capacity - 1;
    uintptr_t address = (uintptr_t)statement;
    size_t at = (size_t)hash64(span_of((const char *)&address, sizeof address), 0) & mask;
    while (set->slots[at].statement && set->slots[at].statement != statement)
        at = (at + 1) & mask;
    return &set->slots[at];
}

/* At least half of the slots stay free. */
static bool make_room(struct prepared_set *set)
{
    if (set->count < set->capacity / 2)
        return true;
    size_t capacity = set->capacity ? set->capacity * 2 : CAPACITY_MIN;
    struct prepared_set larger = { calloc(capacity, sizeof *larger.slots), capacity, set->count, set->last_number };
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < set->capacity; i++)
        if (set->slots[i].statement)
            *slot_of(&larger, set->slots[i].statement) = set->slots[i];
    free(set->slots);
    *set = larger;
    return true;
}

struct prepared *prepared_get(struct prepared_set *set, const struct pg_statement *statement)
{
    if (!make_room(set))
        return NULL;
    struct prepared *slot = slot_of(set, statement);
    if (!slot->statement) {
        *slot = (struct prepared){ .statement = statement, .number = ++set->last_number };
        set->count++;
    }
    return slot;
}

struct prepared_name prepared_name(const struct prepared *prepared)
{
    struct prepared_name name;
    (void)snprintf(name.text, sizeof name.text, "s%u", prepared->number);
    return name;
}

void prepared_confirm(struct prepared_set *set, const struct pg_statement *statement, bool is_done)
{
    struct prepared *prepared = prepared_get(set, statement);
    if (prepared)
        prepared->state = is_done ? PREPARED_YES : PREPARED_NOT;
}

void prepared_used(struct prepared_set *set, const struct pg_statement *statement)
{
    struct prepared *prepared = prepared_get(set, statement);
    if (prepared && prepared->state == PREPARED_YES)
        prepared->has_worked = true;
}

/* The name is unknown, taken, or belongs to a plan with other result columns than the tables have by now. */
static bool asks_for_new_name(const char *sqlstate)
{
    return strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "42P05") == 0 || strcmp(sqlstate, "0A000") == 0;
}

/* A statement that never worked gets no other name: it would fail under that as well, and leave a plan behind each time. */
void prepared_failed(struct prepared_set *set, const struct pg_statement *statement, const char *sqlstate)
{
    struct prepared *prepared = asks_for_new_name(sqlstate) ? prepared_get(set, statement) : NULL;
    if (!prepared || prepared->state == PREPARED_ASKED || !prepared->has_worked)
        return;
    prepared->state = PREPARED_NOT;
    prepared->number = ++set->last_number;
    prepared->has_worked = false;
}

void prepared_done(struct prepared_set *set)
{
    free(set->slots);
    *set = (struct prepared_set){ 0 };
}
