#include "gateway/store/relational_at_once.h"

#include "gateway/store/relational_reads.h"
#include "gateway/store/relational_table.h"
#include "gateway/store/row_arrays.h"
#include "gateway/worker.h"

/* Which writes are so ----------------------------------------------------------------------------------------------------------
 */

static bool is_changed(const struct relational_change *change)
{
    return change->write->guard == WRITE_VERSION;
}

static enum lf_code has_rivals(const struct relational_table *state, const struct relational_change *change, struct arena *arena,
                               bool *ret_has, struct err *err)
{
    struct pg_field fields[2];
    *ret_has = false;
    for (size_t i = 0; i + 1 < state->count && !*ret_has; i++)
        if (i != change->source)
            TRY(relational_key_values(&state->sources[i], &change->write->key.bytes, arena, fields, ret_has, err));
    return LF_OK;
}

static enum lf_code is_at_once(const struct table *table, const struct relational_change *change, struct arena *arena,
                               bool *ret_is, struct err *err)
{
    const struct relational_table *state = relational_table_of(table);
    bool has_rival;
    *ret_is = false;
    if (!change->row.entity || change->row.entity->child_count)
        return LF_OK;
    if (is_changed(change)) {
        *ret_is = change->is_update;
        return LF_OK;
    }
    if (!state->sources[change->source].is_by_key)
        return LF_OK;
    TRY(has_rivals(state, change, arena, &has_rival, err));
    *ret_is = !has_rival;
    return LF_OK;
}

enum lf_code relational_are_at_once(const struct table *table, const struct relational_change *changes, size_t count,
                                    struct arena *arena, bool *ret_are, struct err *err)
{
    bool are = table->stream == API_STREAM_VIEW_TYPE_UNSET;
    for (size_t i = 0; i < count && are; i++)
        TRY(is_at_once(table, &changes[i], arena, &are, err));
    *ret_are = are;
    return LF_OK;
}

/* The statements ---------------------------------------------------------------------------------------------------------------
 */

/* One of the statements, behind the one that takes the locks. */
struct part {
    struct relational_change **changes;
    size_t count;
    bool is_update;
    struct binary_sql sql;
};

struct parts {
    struct worker *worker;
    const struct table *table;
    struct arena *arena;
    struct row_arrays locks;
    struct relational_change **left; /* room for the changes of parts to come */
    struct part *parts;
    struct db_step *steps; /* one more: the locks come first */
    size_t count;
};

/* Of the changes that no part has yet. */
static enum lf_code add_part(struct parts *parts, struct relational_change **changes, size_t count, size_t source, bool is_update,
                             struct err *err)
{
    struct part part = { .changes = parts->left, .is_update = is_update };
    for (size_t i = 0; i < count; i++)
        if (changes[i]->source == source && is_changed(changes[i]) == is_update)
            part.changes[part.count++] = changes[i];
    if (!part.count)
        return LF_OK;
    binary_sql_init(&part.sql, parts->arena);
    parts->left += part.count;
    parts->parts[parts->count++] = part;
    struct part *added = &parts->parts[parts->count - 1];
    TRY((is_update ? relational_put_update : relational_put_upsert)(&added->sql, parts->table, added->changes, added->count,
                                                                    err));
    return db_step_of(parts->worker->db, &added->sql, &parts->steps[parts->count], err);
}

/* Who changes a row makes no key present: the row's own lock, and its version, are enough. */
static enum lf_code add_locks(struct parts *parts, struct relational_change **changes, size_t count, struct err *err)
{
    size_t locked = 0;
    struct store_lock *locks = arena_calloc(parts->arena, count, sizeof *locks, err);
    if (!locks)
        return err->code;
    for (size_t i = 0; i < count; i++)
        if (!is_changed(changes[i]))
            locks[locked++] = (struct store_lock){ parts->table, changes[i]->write->key.bytes };
    return store_lock_step(&parts->locks, locks, locked, &parts->steps[0], err);
}

static bool make_room(struct parts *parts, size_t count, struct err *err)
{
    size_t most = 2 * relational_table_of(parts->table)->count;
    parts->parts = arena_calloc(parts->arena, most, sizeof *parts->parts, err);
    parts->steps = parts->parts ? arena_calloc(parts->arena, most + 1, sizeof *parts->steps, err) : NULL;
    parts->left = parts->steps ? arena_calloc(parts->arena, count, sizeof(struct relational_change *), err) : NULL;
    return parts->left != NULL;
}

/* Parents first, as foreign keys want the rows that are new. */
static enum lf_code add_parts(struct parts *parts, struct relational_change **changes, size_t count, struct err *err)
{
    const struct relational_table *state = relational_table_of(parts->table);
    for (size_t i = 0; i < state->count; i++)
        TRY(add_part(parts, changes, count, state->parents_first[i], false, err));
    for (size_t i = 0; i < state->count; i++)
        TRY(add_part(parts, changes, count, state->parents_first[i], true, err));
    return add_locks(parts, changes, count, err);
}

static enum lf_code note_part(const struct part *part, const struct pg_result *result, struct err *err)
{
    if (part->is_update)
        return relational_note_updated(part->changes, part->count, result, err);
    for (size_t i = 0; i < part->count; i++)
        part->changes[i]->is_written = true;
    return LF_OK;
}

static enum lf_code run_parts(const struct parts *parts, struct err *err)
{
    enum lf_code code = db_write_all(parts->worker->db, parts->steps, parts->count + 1, err);
    for (size_t i = 0; i < parts->count && !code; i++)
        code = note_part(&parts->parts[i], parts->steps[i + 1].result, err);
    for (size_t i = 0; i <= parts->count; i++)
        pg_result_free(parts->steps[i].result);
    return code;
}

enum lf_code relational_write_at_once(struct worker *worker, const struct table *table, struct relational_change **changes,
                                      size_t count, struct arena *arena, struct err *err)
{
    struct parts parts = { .worker = worker, .table = table, .arena = arena };
    if (!make_room(&parts, count, err))
        return err->code;
    row_arrays_init(&parts.locks);
    enum lf_code code = add_parts(&parts, changes, count, err);
    if (!code)
        code = run_parts(&parts, err);
    row_arrays_done(&parts.locks);
    for (size_t i = 0; i < parts.count; i++)
        binary_sql_done(&parts.parts[i].sql);
    return code;
}
