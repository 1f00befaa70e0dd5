#include "gateway/table.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "gateway/shape_write.h"
#include "gateway/store/store.h"
#include "map/key_group.h"

enum { DEFINITION_BYTES_MAX = 4 * 1024 * 1024 };

#define SELECT_TABLES                                                                                                        \
    "SELECT t.id::text, t.version::text, CASE WHEN t.version > $1::text::bigint THEN t.definition::text END, t.name::text, " \
    "t.table_id::text, t.status, t.is_mapped::text, coalesce(t.ttl_attribute, ''), coalesce(t.stream_label, ''), "           \
    "floor(extract(epoch FROM t.created_at) * 1000)::bigint::text, t.ttl_is_filling::text, coalesce(t.restoring, 0)::text, " \
    "coalesce((SELECT concat_ws('|', p.phase, p.epoch, coalesce(p.fence, ''), p.reads_percent, p.shadow_percent, "           \
    "(p.readable_at IS NOT NULL)::int, coalesce(floor(extract(epoch FROM p.flipped_at) * 1000)::bigint, 0), "                \
    "CASE WHEN p.by_exports THEN '' ELSE p.stream_arn END, coalesce(p.stream_view, ''), "                                    \
    "coalesce(cardinality(p.reads_entities), 0), "                                                                           \
    "coalesce(array_to_string(p.reads_entities || p.moved_entities, E'\\n'), '')) FROM landfall.phase p WHERE "              \
    "p.table_name = t.name), ''), "                                                                                          \
    "coalesce((SELECT string_agg(concat_ws(' ', i.name, i.slot, i.status, i.is_backfilling::text), E'\\n') "                 \
    "FROM landfall.dynamodb_index i WHERE i.table_id = t.id), '') "                                                          \
    "FROM landfall.dynamodb_table t "

const char table_select[] = SELECT_TABLES "ORDER BY t.name";
const char table_select_named[] = SELECT_TABLES "WHERE t.name = $2";

/* What `struct table` is the first member of. */
struct table_home {
    struct table table;
    struct arena arena;
    _Atomic uint64_t refs;
};

static const char *const status_names[] = { "CREATING", "ACTIVE", "UPDATING", "DELETING" };

const char *table_status_name(enum table_status status)
{
    return status_names[status];
}

static enum lf_code read_status(struct span text, enum table_status *ret_status, struct err *err)
{
    for (size_t i = 0; i < sizeof status_names / sizeof *status_names; i++)
        if (span_equal(text, span_from_cstr(status_names[i]))) {
            *ret_status = (enum table_status)i;
            return LF_OK;
        }
    return ERR(err, LF_ROW, "'%.*s' is no status of a table", SPAN_ARG(text));
}

/* Keys ------------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code type_of_attribute(const struct create_table_request *definition, struct span name, enum value_type *ret_type,
                                      struct err *err)
{
    const struct api_attribute_definition_list *list = &definition->attribute_definitions;
    for (size_t i = 0; i < list->count; i++)
        if (span_equal(list->values[i].attribute_name, name)) {
            static const enum value_type types[] = {
                [API_ATTRIBUTE_TYPE_S] = VALUE_S,
                [API_ATTRIBUTE_TYPE_N] = VALUE_N,
                [API_ATTRIBUTE_TYPE_B] = VALUE_B,
            };
            *ret_type = types[list->values[i].attribute_type];
            return LF_OK;
        }
    return ERR(err, LF_ROW, "key attribute '%.*s' has no definition", SPAN_ARG(name));
}

static enum lf_code put_key_attribute(struct key_attribute *attributes, size_t *count, struct key_attribute attribute,
                                      struct err *err)
{
    if (*count == INDEX_KEY_ATTRIBUTES_MAX)
        return ERR(err, LF_ROW, "more than %d key attributes", INDEX_KEY_ATTRIBUTES_MAX);
    attributes[(*count)++] = attribute;
    return LF_OK;
}

static enum lf_code read_index_key(const struct create_table_request *definition, const struct api_key_schema_element_list *key,
                                   struct table_index *index, struct err *err)
{
    for (size_t i = 0; i < key->count; i++) {
        struct key_attribute attribute = { .name = key->values[i].attribute_name };
        bool is_partition = key->values[i].key_type == API_KEY_TYPE_HASH;
        TRY(type_of_attribute(definition, attribute.name, &attribute.type, err));
        TRY(put_key_attribute(is_partition ? index->partition : index->sort,
                              is_partition ? &index->partition_count : &index->sort_count, attribute, err));
    }
    return LF_OK;
}

static enum lf_code read_key(const struct create_table_request *definition, struct key_schema *ret_key, struct err *err)
{
    struct table_index whole = { 0 };
    TRY(read_index_key(definition, &definition->key_schema, &whole, err));
    if (whole.partition_count != 1 || whole.sort_count > 1)
        return ERR(err, LF_ROW, "a table's key is one partition key attribute and at most one sort key attribute");
    *ret_key = (struct key_schema){ .partition = whole.partition[0], .sort = whole.sort[0] };
    return LF_OK;
}

/* Indexes ---------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code read_state_line(struct span line, struct table_index *index, struct err *err)
{
    index->slot = (unsigned)span_to_number(span_cut(&line, ' '));
    TRY(read_status(span_cut(&line, ' '), &index->status, err));
    index->is_backfilling = span_equal(line, SPAN("true"));
    return LF_OK;
}

/* The index's line among "name slot status backfilling\n…". */
static enum lf_code read_state(struct span lines, struct table_index *index, struct err *err)
{
    while (lines.len) {
        struct span line = span_cut_line(&lines);
        if (span_equal(span_cut(&line, ' '), index->name))
            return read_state_line(line, index, err);
    }
    return ERR(err, LF_ROW, "index '%.*s' has no state", SPAN_ARG(index->name));
}

static enum lf_code add_index(struct table *table, struct table_index index, const struct api_key_schema_element_list *key,
                              const struct api_projection *projection, struct span states, struct err *err)
{
    TRY(read_index_key(table->definition, key, &index, err));
    index.projection = projection && projection->projection_type ? projection->projection_type : API_PROJECTION_TYPE_ALL;
    if (projection) {
        index.included = projection->non_key_attributes.values;
        index.included_count = projection->non_key_attributes.count;
    }
    TRY(read_state(states, &index, err));
    table->indexes[table->index_count++] = index;
    return LF_OK;
}

static enum lf_code read_indexes(struct table *table, struct span states, struct arena *arena, struct err *err)
{
    const struct create_table_request *definition = table->definition;
    const struct api_global_secondary_index_list *global = &definition->global_secondary_indexes;
    const struct api_local_secondary_index_list *local = &definition->local_secondary_indexes;
    table->indexes = arena_calloc(arena, global->count + local->count + 1, sizeof *table->indexes, err);
    if (!table->indexes)
        return err->code;
    for (size_t i = 0; i < global->count; i++)
        TRY(add_index(table, (struct table_index){ .name = global->values[i].index_name }, &global->values[i].key_schema,
                      global->values[i].projection, states, err));
    for (size_t i = 0; i < local->count; i++)
        TRY(add_index(table, (struct table_index){ .name = local->values[i].index_name, .is_local = true },
                      &local->values[i].key_schema, local->values[i].projection, states, err));
    return LF_OK;
}

/* Tables ----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code copy_texts(const struct pg_result *rows, size_t row, struct table *table, struct arena *arena,
                               struct err *err)
{
    TRY(arena_copy(arena, pg_result_span(rows, row, TABLE_FIELD_NAME), &table->name, err));
    TRY(arena_copy(arena, pg_result_span(rows, row, TABLE_FIELD_TABLE_ID), &table->table_id, err));
    TRY(arena_copy(arena, pg_result_span(rows, row, TABLE_FIELD_TTL_ATTRIBUTE), &table->ttl_attribute, err));
    TRY(arena_copy(arena, pg_result_span(rows, row, TABLE_FIELD_STREAM_LABEL), &table->stream_label, err));
    return arena_printf(arena, &table->arn, err, "%.*s%.*s", SPAN_ARG(TABLE_ARN_PREFIX), SPAN_ARG(table->name));
}

static struct span next_part(struct span *text)
{
    size_t len = span_find_byte(*text, '|');
    struct span part = span_of(text->ptr, len);
    *text = span_from(*text, len + 1);
    return part;
}

static struct span next_lines(struct span *text, int64_t count)
{
    struct span lines = *text;
    while (count-- > 0)
        (void)span_cut_line(text);
    lines.len -= text->len;
    return lines;
}

static enum lf_code read_phase(struct span name, enum phase *ret_phase, struct err *err)
{
    for (enum phase phase = PHASE_FOLLOW; phase < PHASES; phase++)
        if (span_equal(name, span_from_cstr(phase_names[phase]))) {
            *ret_phase = phase;
            return LF_OK;
        }
    return ERR(err, LF_ROW, "'%.*s' is no phase", SPAN_ARG(name));
}

static enum lf_code read_move(struct span text, struct table_move *ret_move, struct err *err)
{
    struct table_move move = { .has_phase = text.len > 0 };
    if (move.has_phase)
        TRY(read_phase(next_part(&text), &move.phase, err));
    move.epoch = span_to_number(next_part(&text));
    move.is_fenced = next_part(&text).len > 0;
    move.reads_percent = (unsigned)span_to_number(next_part(&text));
    move.shadow_percent = (unsigned)span_to_number(next_part(&text));
    move.is_readable = span_to_number(next_part(&text)) == 1;
    move.flipped_ms = span_to_number(next_part(&text));
    move.stream_arn = next_part(&text);
    move.stream_view = next_part(&text);
    int64_t reads_entities = span_to_number(next_part(&text));
    move.reads_entities = next_lines(&text, reads_entities);
    move.moved_entities = text;
    *ret_move = move;
    return LF_OK;
}

static enum lf_code read_definition(struct span json, struct table *table, struct arena *arena, struct err *err)
{
    struct span text;
    TRY(arena_copy(arena, json, &text, err));
    struct create_table_request *definition = arena_calloc(arena, 1, sizeof *definition, err);
    if (!definition)
        return err->code;
    TRY(shape_read(&shape_create_table_request, text, arena, definition, err));
    table->definition = definition;
    const struct api_stream_specification *stream = definition->stream_specification;
    table->stream_view = stream && stream->stream_view_type ? stream->stream_view_type : API_STREAM_VIEW_TYPE_NEW_AND_OLD_IMAGES;
    if (stream && stream->stream_enabled)
        table->stream = table->stream_view;
    return read_key(definition, &table->key, err);
}

static enum lf_code copy_move(struct table_move *move, struct arena *arena, struct err *err)
{
    TRY(arena_copy(arena, move->stream_arn, &move->stream_arn, err));
    TRY(arena_copy(arena, move->stream_view, &move->stream_view, err));
    TRY(arena_copy(arena, move->reads_entities, &move->reads_entities, err));
    return arena_copy(arena, move->moved_entities, &move->moved_entities, err);
}

static enum lf_code read_group(const struct table *table, struct span names, struct arena *arena,
                               const struct key_group **ret_group, struct err *err)
{
    if (!names.len)
        return LF_OK;
    if (!table->map)
        return ERR(err, LF_MAP, "entities of it move by themselves, and no map was given that has them (--map)");
    struct key_group *group = arena_calloc(arena, 1, sizeof *group, err);
    if (!group)
        return err->code;
    TRY(key_group_make(table->map, names, arena, group, err));
    *ret_group = group;
    return key_group_check(group, err);
}

/* What is left of shares of reads in other phases is of no account, whatever the map says by then. */
static enum lf_code read_groups(struct table *table, struct arena *arena, struct err *err)
{
    const struct table_move *move = &table->move;
    if (move->phase == PHASE_DUAL_WRITE)
        TRY(read_group(table, move->reads_entities, arena, &table->shared, err));
    return read_group(table, move->moved_entities, arena, &table->moved, err);
}

static enum lf_code read_row(const struct pg_result *rows, size_t row, struct span definition, const struct map *map,
                             struct table *table, struct arena *arena, struct err *err)
{
    table->id = pg_result_int64(rows, row, TABLE_FIELD_ID);
    table->version = pg_result_int64(rows, row, TABLE_FIELD_VERSION);
    table->created_ms = pg_result_int64(rows, row, TABLE_FIELD_CREATED_MS);
    table->restoring = pg_result_int64(rows, row, TABLE_FIELD_RESTORING);
    table->ttl_is_filling = span_equal(pg_result_span(rows, row, TABLE_FIELD_TTL_IS_FILLING), SPAN("true"));
    TRY(copy_texts(rows, row, table, arena, err));
    TRY(read_status(pg_result_span(rows, row, TABLE_FIELD_STATUS), &table->status, err));
    TRY(read_move(pg_result_span(rows, row, TABLE_FIELD_MOVE), &table->move, err));
    TRY(copy_move(&table->move, arena, err));
    TRY(read_definition(definition, table, arena, err));
    TRY(read_indexes(table, pg_result_span(rows, row, TABLE_FIELD_INDEXES), arena, err));
    if (span_equal(pg_result_span(rows, row, TABLE_FIELD_IS_MAPPED), SPAN("true"))) {
        table->map = map ? map_find_table(map, table->name) : NULL;
        if (!table->map)
            return ERR(err, LF_MAP, "its items are in the tables of a map, and no map was given that has it (--map)");
    }
    table->whole_map = table->map ? map : NULL;
    TRY(read_groups(table, arena, err));
    table->store = table->map ? &relational_store : &item_store;
    return table->store->open(table, err);
}

static enum lf_code new_table(const struct pg_result *rows, size_t row, struct span definition, const struct map *map,
                              struct table **ret_table, struct err *err)
{
    struct table_home *home = calloc(1, sizeof *home);
    if (!home)
        return ERR(err, LF_MEMORY, "no memory for a table's description");
    arena_init(&home->arena, DEFINITION_BYTES_MAX);
    atomic_init(&home->refs, 1);
    if (read_row(rows, row, definition, map, &home->table, &home->arena, err)) {
        struct span name = pg_result_span(rows, row, TABLE_FIELD_NAME);
        table_unref(&home->table);
        return err_while(err, "reading the description of table '%.*s'", SPAN_ARG(name));
    }
    *ret_table = &home->table;
    return LF_OK;
}

enum lf_code table_new(const struct pg_result *rows, size_t row, const struct map *map, struct table **ret_table, struct err *err)
{
    return new_table(rows, row, pg_result_span(rows, row, TABLE_FIELD_DEFINITION), map, ret_table, err);
}

enum lf_code table_renew(const struct table *present, const struct pg_result *rows, size_t row, const struct map *map,
                         struct table **ret_table, struct err *err)
{
    struct buf definition;
    buf_init(&definition, DEFINITION_BYTES_MAX);
    shape_write(&shape_create_table_request, present->definition, &definition);
    enum lf_code code = buf_check(&definition, err);
    if (!code)
        code = new_table(rows, row, buf_span(&definition), map, ret_table, err);
    buf_done(&definition);
    return code;
}

enum lf_code table_moves_alike(const struct table *table, const struct pg_result *rows, size_t row, bool *ret_alike,
                               struct err *err)
{
    struct table_move move = { 0 };
    TRY(read_move(pg_result_span(rows, row, TABLE_FIELD_MOVE), &move, err));
    const struct table_move *present = &table->move;
    *ret_alike = move.has_phase == present->has_phase && move.phase == present->phase && move.epoch == present->epoch &&
                 move.is_fenced == present->is_fenced && move.reads_percent == present->reads_percent &&
                 move.shadow_percent == present->shadow_percent && move.is_readable == present->is_readable &&
                 span_equal(move.reads_entities, present->reads_entities) && move.flipped_ms == present->flipped_ms &&
                 span_equal(move.stream_arn, present->stream_arn) && span_equal(move.stream_view, present->stream_view) &&
                 span_equal(move.moved_entities, present->moved_entities);
    return LF_OK;
}

bool table_key_is_dynamodbs(const struct table *table, const struct item *item)
{
    return table_is_mixed(table) ? !key_group_has(table->moved, item) : table_is_dynamodbs(table);
}

static struct table_home *home_of(const struct table *table)
{
    return (struct table_home *)(uintptr_t)table;
}

void table_ref(const struct table *table)
{
    atomic_fetch_add(&home_of(table)->refs, 1);
}

bool table_is_unused(const struct table *table)
{
    return atomic_load(&home_of(table)->refs) == 1;
}

void table_unref(const struct table *table)
{
    if (!table || atomic_fetch_sub(&home_of(table)->refs, 1) > 1)
        return;
    struct table_home *home = home_of(table);
    if (home->table.store_state)
        home->table.store->close(&home->table);
    arena_done(&home->arena);
    free(home);
}

const struct table_index *table_find_index(const struct table *table, struct span name)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (span_equal(table->indexes[i].name, name))
            return &table->indexes[i];
    return NULL;
}
