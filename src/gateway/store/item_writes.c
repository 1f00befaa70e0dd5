#include "gateway/store/item_writes.h"

#include <stdlib.h>

#include "gateway/store/row_arrays.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

enum { JSON_BYTES_MAX = 64 * 1024 * 1024 };

/* A row ------------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code put_content(const struct table *table, const struct item *item, struct arena *arena, struct item_row *row,
                                struct err *err)
{
    row->size = (int32_t)item_size(item);
    row->has_ttl = item_ttl(table, item, &row->ttl);
    row->indexes = arena_calloc(arena, table->index_count + 1, sizeof *row->indexes, err);
    if (!row->indexes)
        return err->code;
    for (size_t i = 0; i < table->index_count; i++)
        TRY(index_columns(&table->indexes[i], item, arena, &row->indexes[i], err));
    return ddbjson_item_text(item, JSON_BYTES_MAX, arena, &row->item, err);
}

static enum item_write kind_of(const struct store_write *write)
{
    bool is_guarded = write->guard == WRITE_VERSION;
    bool was_present = is_guarded && write->old->is_present;
    if (write->item)
        return !is_guarded ? ITEM_UPSERT : was_present ? ITEM_UPDATE : ITEM_INSERT;
    return is_guarded ? ITEM_REMOVE : ITEM_DELETE;
}

/* A write that changes nothing leaves no record in the stream. */
static enum lf_code put_images(const struct table *table, const struct store_write *write, struct arena *arena,
                               struct item_row *row, struct err *err)
{
    struct item old;
    if (table->stream == API_STREAM_VIEW_TYPE_UNSET || write->guard != WRITE_VERSION)
        return LF_OK;
    row->has_images = true;
    if (!write->old->is_present)
        return LF_OK;
    struct stored_item copy = *write->old;
    TRY(stored_item_json(&copy, arena, &row->old_item, err));
    if (!write->item)
        return LF_OK;
    TRY(stored_item_parse(&copy, arena, &old, err));
    row->has_images = !item_equal(&old, write->item);
    return LF_OK;
}

enum lf_code item_row_new(const struct table *table, const struct store_write *write, struct arena *arena,
                          struct item_row *ret_row, struct err *err)
{
    struct item_row row = { .kind = kind_of(write), .pk = write->key.bytes.partition, .by_ttl = write->by_ttl };
    row.is_idle = row.kind == ITEM_REMOVE && !write->old->is_present;
    row.lock = store_lock_id(table, &write->key.bytes);
    TRY(item_place(&write->key.bytes, arena, &row.place, err));
    if (write->old)
        row.version = (uint32_t)write->old->version[0];
    if (write->item)
        TRY(put_content(table, write->item, arena, &row, err));
    TRY(put_images(table, write, arena, &row, err));
    *ret_row = row;
    return LF_OK;
}

/* The statement's parameters, as item_table.h lists them ------------------------------------------------------------------------
 */

static bool has_version(enum item_write kind)
{
    return kind == ITEM_UPDATE || kind == ITEM_REMOVE;
}

static bool has_content(enum item_write kind)
{
    return kind != ITEM_DELETE && kind != ITEM_REMOVE;
}

static void add_content(struct row_arrays *arrays, const struct table *table, size_t count, bool has_old)
{
    static const enum pg_oid content[] = { PG_OID_BYTEA, PG_OID_INT4, PG_OID_INT8, PG_OID_JSON };
    for (size_t i = 0; i < sizeof content / sizeof *content; i++)
        row_arrays_add(arrays, content[i], count);
    if (has_old)
        row_arrays_add(arrays, PG_OID_JSON, count);
    for (size_t i = 0; i < table->index_count; i++)
        for (int part = table->indexes[i].is_local ? 1 : 0; part < 2 && table->indexes[i].status != TABLE_DELETING; part++)
            row_arrays_add(arrays, PG_OID_BYTEA, count);
}

static void add_columns(struct row_arrays *arrays, const struct table *table, const struct item_row *model, size_t count)
{
    row_arrays_init(arrays);
    row_arrays_add(arrays, PG_OID_BYTEA, count);
    row_arrays_add(arrays, PG_OID_BYTEA, count);
    if (has_version(model->kind))
        row_arrays_add(arrays, PG_OID_XID, count);
    else if (has_content(model->kind))
        row_arrays_add(arrays, PG_OID_INT8, count);
    if (has_content(model->kind))
        add_content(arrays, table, count, model->has_images && model->kind == ITEM_UPDATE);
    if (model->kind == ITEM_REMOVE && model->has_images) {
        row_arrays_add(arrays, PG_OID_JSON, count);
        row_arrays_add(arrays, PG_OID_BOOL, count);
    }
}

static void put_content_fields(struct row_arrays *arrays, const struct table *table, const struct item_row *row)
{
    row_arrays_put_span(arrays, row->pk);
    row_arrays_put_int32(arrays, row->size);
    if (row->has_ttl)
        row_arrays_put_int64(arrays, row->ttl);
    else
        row_arrays_put(arrays, PG_NULL);
    row_arrays_put_span(arrays, row->item);
    if (row->has_images && row->kind == ITEM_UPDATE)
        row_arrays_put_span(arrays, row->old_item);
    for (size_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i].status == TABLE_DELETING)
            continue;
        if (!table->indexes[i].is_local)
            row_arrays_put_span(arrays, row->indexes[i].h);
        row_arrays_put_span(arrays, row->indexes[i].s);
    }
}

static void put_fields(struct row_arrays *arrays, const struct table *table, const struct item_row *row)
{
    row_arrays_put_span(arrays, row->place.h);
    row_arrays_put_span(arrays, row->place.sk);
    if (has_version(row->kind))
        row_arrays_put_int32(arrays, (int32_t)row->version);
    else if (has_content(row->kind))
        row_arrays_put_int64(arrays, row->lock);
    if (has_content(row->kind))
        put_content_fields(arrays, table, row);
    if (row->kind == ITEM_REMOVE && row->has_images) {
        row_arrays_put_span(arrays, row->old_item);
        row_arrays_put_boolean(arrays, row->by_ttl);
    }
}

/* Writing ----------------------------------------------------------------------------------------------------------------------
 */

static int compare_places(const struct item_place *a, const struct item_place *b)
{
    int order = span_compare(a->h, b->h);
    return order ? order : span_compare(a->sk, b->sk);
}

static int compare_rows(const void *a, const void *b)
{
    return compare_places(&(*(struct item_row *const *)a)->place, &(*(struct item_row *const *)b)->place);
}

static int compare_place_to_row(const void *place, const void *row)
{
    return compare_places(place, &(*(struct item_row *const *)row)->place);
}

static void mark_written(struct item_row **rows, size_t count, const struct pg_result *written)
{
    for (size_t i = 0; i < pg_result_rows(written); i++) {
        struct pg_field h = pg_result_get(written, i, 0), sk = pg_result_get(written, i, 1);
        struct item_place place = { span_of(h.data, h.len), span_of(sk.data, sk.len) };
        struct item_row **row = bsearch(&place, rows, count, sizeof *rows, compare_place_to_row);
        if (row)
            (*row)->is_applied = true;
    }
}

enum lf_code item_rows_write(struct db *db, const struct table *table, struct item_row **rows, size_t count, item_run *run,
                             void *context, struct err *err)
{
    struct row_arrays arrays;
    struct pg_params params;
    const struct pg_statement *statement = NULL;
    PG_RESULT_CLEANUP struct pg_result *written = NULL;
    const struct item_statements *statements = item_statements_of(table);
    enum item_write kind = rows[0]->kind;
    TRY(db_statement(db, rows[0]->has_images ? statements->write_stream[kind] : statements->write[kind], &statement, err));
    qsort(rows, count, sizeof *rows, compare_rows);
    add_columns(&arrays, table, rows[0], count);
    for (size_t i = 0; i < count; i++)
        put_fields(&arrays, table, rows[i]);
    enum lf_code code = row_arrays_params(&arrays, &params, err);
    if (!code)
        code = run(context, statement, &params, &written, err);
    row_arrays_done(&arrays);
    TRY(code);
    for (size_t i = 0; i < count; i++)
        rows[i]->is_applied = !item_write_is_guarded(kind);
    mark_written(rows, count, written);
    return LF_OK;
}
