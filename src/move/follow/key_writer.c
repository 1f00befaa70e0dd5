#include "move/follow/key_writer.h"

#include <stdlib.h>

#include "move/exec_binary.h"
#include "move/follow/referrers.h"
#include "move/row_set.h"

enum lf_code key_writer_init(struct key_writer *writer, const struct map *map, const struct map_table *table,
                             struct pg_conn *conn, struct err *err)
{
    struct repair_batch *batch = malloc(sizeof *batch);
    if (!batch)
        return ERR(err, LF_MEMORY, "out of memory for a batch");
    repair_batch_init(batch, map, conn);
    *writer = (struct key_writer){ map, table, conn, batch };
    return LF_OK;
}

void key_writer_done(struct key_writer *writer)
{
    if (writer->batch)
        repair_batch_done(writer->batch);
    free(writer->batch);
    writer->batch = NULL;
}

void key_writer_reset(struct key_writer *writer)
{
    repair_batch_drop(writer->batch);
}

/* Keys whose item is gone. */
static enum lf_code delete_rows(struct key_writer *writer, const struct key_change *changes, size_t count,
                                const struct key_rows *rows, struct arena *arena, struct err *err)
{
    size_t total = 0;
    const struct row_identity **gone = arena_calloc(arena, rows->first[count], sizeof *gone, err);
    if (!gone)
        return err->code;
    for (size_t i = 0; i < count; i++)
        for (size_t k = rows->first[i]; !changes[i].item && k < rows->first[i + 1]; k++)
            gone[total++] = &rows->identities[k];
    return total ? row_set_delete(writer->conn, writer->map, gone, total, arena, err) : LF_OK;
}

static enum lf_code write_rows(struct key_writer *writer, const struct key_change *changes, size_t count,
                               const struct key_rows *rows, struct arena *arena, struct err *err)
{
    struct key_difference *keys = arena_calloc(arena, count, sizeof *keys, err);
    if (!keys)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        if (!changes[i].item)
            continue;
        keys[i].key = key_hash128(&changes[i].key);
        keys[i].table = (uint32_t)(writer->table - writer->map->tables);
        TRY(repair_batch_add(writer->batch, writer->table, &keys[i], changes[i].item, rows->identities + rows->first[i],
                             key_rows_count(rows, i), err));
    }
    return repair_batch_flush(writer->batch, NULL, NULL, err);
}

static enum lf_code write_together(struct key_writer *writer, const struct key_change *changes, size_t count, struct arena *arena,
                                   struct err *err)
{
    struct key_rows rows;
    struct key *keys = arena_calloc(arena, count, sizeof *keys, err);
    if (!keys)
        return err->code;
    for (size_t i = 0; i < count; i++)
        keys[i] = changes[i].key;
    TRY(key_rows_find(writer->conn, writer->map, writer->table, keys, count, KEY_ROWS_IDENTITIES, arena, &rows, err));
    TRY(delete_rows(writer, changes, count, &rows, arena, err));
    return write_rows(writer, changes, count, &rows, arena, err);
}

/* *ret_broken: it broke a constraint, and nothing of it is left. */
static enum lf_code try_together(struct key_writer *writer, const struct key_change *changes, size_t count, struct arena *arena,
                                 bool *ret_broken, struct err *err)
{
    struct err violation = ERR_INIT;
    TRY(pg_exec(writer->conn, "SAVEPOINT keys", err));
    enum lf_code code = write_together(writer, changes, count, arena, &violation);
    *ret_broken = code && is_constraint_violation(&violation);
    if (!code)
        return pg_exec(writer->conn, "RELEASE keys", err);
    key_writer_reset(writer);
    if (*ret_broken)
        return pg_exec(writer->conn, "ROLLBACK TO keys; RELEASE keys", err);
    *err = violation;
    return code;
}

static enum lf_code move_referrers(struct key_writer *writer, const struct key *key, struct arena *arena, struct err *err)
{
    struct key_rows rows;
    TRY(key_rows_find(writer->conn, writer->map, writer->table, key, 1, KEY_ROWS_IDENTITIES, arena, &rows, err));
    for (size_t i = 0; i < rows.first[1]; i++)
        TRY(referrers_move(writer->conn, writer->map, &rows.identities[i], arena, err));
    return LF_OK;
}

static enum lf_code write_alone(struct key_writer *writer, const struct key_change *change, struct arena *arena, struct err *err)
{
    bool is_broken;
    TRY(try_together(writer, change, 1, arena, &is_broken, err));
    if (!is_broken)
        return LF_OK;
    TRY(move_referrers(writer, &change->key, arena, err));
    return write_together(writer, change, 1, arena, err);
}

/* Deletions last: what refers to a row that is to go may be written elsewhere before. */
static enum lf_code write_each(struct key_writer *writer, const struct key_change *changes, size_t count, struct arena *arena,
                               struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (changes[i].item)
            TRY(write_alone(writer, &changes[i], arena, err));
    for (size_t i = 0; i < count; i++)
        if (!changes[i].item)
            TRY(write_alone(writer, &changes[i], arena, err));
    return LF_OK;
}

enum lf_code key_writer_lock(struct pg_conn *conn, struct span table, struct err *err)
{
    const struct pg_field name = pg_text_field(table);
    PG_RESULT_CLEANUP struct pg_result *locked = NULL;
    return pg_query(conn, "SELECT pg_catalog.pg_advisory_xact_lock(" KEY_WRITER_LOCK("$1") ")",
                    &(struct pg_params){ .values = &name, .count = 1 }, &locked, err);
}

enum lf_code key_writer_write(struct key_writer *writer, const struct key_change *changes, size_t count, struct arena *arena,
                              struct err *err)
{
    bool is_broken;
    if (!count)
        return LF_OK;
    TRY(key_writer_lock(writer->conn, writer->table->name, err));
    TRY(try_together(writer, changes, count, arena, &is_broken, err));
    if (is_broken)
        TRY(write_each(writer, changes, count, arena, err));
    key_writer_reset(writer); /* it notes what was refused, for repairs that try again */
    return LF_OK;
}
