#include "gateway/store/relational_table.h"

#include <stdlib.h>

#include "map/ddl.h"
#include "map/key_group.h"
#include "map/row.h"

enum { TEXTS_BYTES_MAX = 64 * 1024 * 1024 };

bool relational_source_is_ours(const struct table *table, const struct relational_source *source)
{
    return !table_is_mixed(table) || !source->entity || table->moved->has[source->entity - table->map->entities];
}

static enum lf_code put_shape(struct binary_sql *sql, const struct entity *entity, struct err *err)
{
    static const char *const columns[] = { "(t.pk LIKE ", " AND t.sk LIKE " };
    const struct key_schema *schema = &entity->dynamodb_table->key;
    const struct key_attribute *const attributes[] = { &schema->partition, &schema->sort };
    for (size_t i = 0; i < entity_key_count(entity); i++) {
        struct span pattern;
        TRY(key_group_pattern(&entity->templates[i], attributes[i], sql->arena, &pattern, err));
        binary_sql_put(sql, columns[i]);
        binary_sql_span(sql, pattern, "bytea");
    }
    binary_sql_put(sql, ")");
    return LF_OK;
}

enum lf_code relational_put_ours(struct binary_sql *sql, const struct table *table, const struct relational_source *source,
                                 struct err *err)
{
    const char *joint = " AND (";
    binary_sql_put(sql, source->entity ? "true" : "t.table_name = ");
    if (source->entity)
        return LF_OK;
    binary_sql_span(sql, table->name, "text");
    for (size_t i = 0; table_is_mixed(table) && i < table->map->entity_count; i++) {
        if (!table->moved->has[i])
            continue;
        binary_sql_put(sql, joint);
        TRY(put_shape(sql, &table->map->entities[i], err));
        joint = " OR ";
    }
    binary_sql_put(sql, table_is_mixed(table) ? ")" : "");
    return LF_OK;
}

size_t relational_source_of(const struct table *table, const struct entity *entity)
{
    return entity ? (size_t)(entity - table->map->entities) : table->map->entity_count;
}

size_t relational_index_of(const struct table *table, const struct table_index *index)
{
    for (size_t i = 0; i < table->map->index_count; i++)
        if (span_equal(table->map->indexes[i].name, index->name))
            return i;
    return table->map->index_count;
}

/* Texts ------------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code take(struct buf *buf, struct arena *arena, struct span *ret_text, struct err *err)
{
    enum lf_code code = buf_check(buf, err);
    if (!code)
        code = arena_copy(arena, buf_span(buf), ret_text, err);
    buf_done(buf);
    return code;
}

static enum lf_code make_name(const struct table *table, struct relational_source *source, struct arena *arena, struct err *err)
{
    struct buf buf;
    buf_init(&buf, TEXTS_BYTES_MAX);
    if (source->entity)
        ddl_put_table(&buf, table->whole_map, source->entity->table);
    else
        buf_put_cstr(&buf, "landfall.item");
    return take(&buf, arena, &source->name, err);
}

static enum lf_code find_keys(const struct table *table, struct relational_source *source, struct arena *arena, struct err *err)
{
    source->indexes = arena_calloc(arena, table->map->index_count + 1, sizeof *source->indexes, err);
    if (!source->indexes)
        return err->code;
    if (!key_search_find(source->entity, &table->map->key, &source->key))
        return ERR(err, LF_MAP, "entity %.*s has no template of the table's key", SPAN_ARG(source->entity->name));
    for (size_t i = 0; i < table->map->index_count; i++)
        if (!key_search_find(source->entity, &table->map->indexes[i].key, &source->indexes[i]))
            source->indexes[i].count = 0;
    return LF_OK;
}

/* The types whose equal values are one text. */
static bool is_spelled_one_way(enum column_type type)
{
    return type == COLUMN_TEXT || type == COLUMN_UUID || type == COLUMN_BIGINT || type == COLUMN_INTEGER;
}

static bool is_primary_key_column(const struct entity *entity, unsigned column)
{
    for (size_t i = 0; i < entity->primary_key_count; i++)
        if (entity->primary_key[i] == column)
            return true;
    return false;
}

/* Whether all variables are columns of the primary key, as they are; counts them in `used`. */
static bool is_of_primary_key(const struct entity *entity, const struct template *template, bool *used)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        if (!part->is_variable)
            continue;
        if (part->lower || part->optional || !is_primary_key_column(entity, part->column) ||
            !is_spelled_one_way(entity->columns[part->column].type))
            return false;
        used[part->column] = true;
    }
    return true;
}

/* The key's templates are made of all columns of the primary key, and of nothing else. */
static enum lf_code is_by_key(const struct entity *entity, struct arena *arena, bool *ret_is, struct err *err)
{
    bool *used = arena_calloc(arena, entity->column_count, sizeof *used, err);
    if (!used)
        return err->code;
    *ret_is = entity->primary_key_count > 0;
    for (size_t i = 0; i < entity_key_count(entity) && *ret_is; i++)
        *ret_is = is_of_primary_key(entity, &entity->templates[i].template, used);
    for (size_t i = 0; i < entity->primary_key_count && *ret_is; i++)
        *ret_is = used[entity->primary_key[i]];
    return LF_OK;
}

static enum lf_code make_source(const struct table *table, struct relational_table *state, size_t number, struct err *err)
{
    struct relational_source *source = &state->sources[number];
    if (number < table->map->entity_count) {
        source->entity = &table->map->entities[number];
        source->field_count = row_select_count(source->entity);
        TRY(find_keys(table, source, &state->arena, err));
        TRY(is_by_key(source->entity, &state->arena, &source->is_by_key, err));
    } else {
        source->field_count = 1;
    }
    return make_name(table, source, &state->arena, err);
}

/* Columns ----------------------------------------------------------------------------------------------------------------------
 */

enum { TYPE_RECORDS = COLUMN_TYPES, TYPE_JSON, TYPES };

static const char *type_name(unsigned type)
{
    return type == TYPE_RECORDS ? "record[]" : type == TYPE_JSON ? "json" : column_type_name(type);
}

static unsigned type_of(const struct relational_source *source, size_t field)
{
    const struct entity *entity = source->entity;
    if (!entity)
        return TYPE_JSON;
    if (field < entity->column_count)
        return entity->columns[field].type;
    return field == entity->column_count ? COLUMN_JSONB : TYPE_RECORDS;
}

/* Where the columns of each type begin, behind the source's number; the last is where they end. */
struct column_types {
    unsigned first[TYPES + 1];
};

static struct column_types find_types(const struct relational_table *state)
{
    struct column_types types = { .first[0] = 1 };
    unsigned most[TYPES] = { 0 };
    for (size_t i = 0; i < state->count; i++) {
        unsigned count[TYPES] = { 0 };
        for (size_t field = 0; field < state->sources[i].field_count; field++) {
            unsigned type = type_of(&state->sources[i], field);
            count[type]++;
            most[type] = count[type] > most[type] ? count[type] : most[type];
        }
    }
    for (unsigned type = 0; type < TYPES; type++)
        types.first[type + 1] = types.first[type] + most[type];
    return types;
}

static enum lf_code place_fields(struct relational_source *source, struct column_types types, struct arena *arena,
                                 struct err *err)
{
    source->field_columns = arena_calloc(arena, source->field_count, sizeof *source->field_columns, err);
    if (!source->field_columns)
        return err->code;
    for (size_t field = 0; field < source->field_count; field++)
        source->field_columns[field] = types.first[type_of(source, field)]++;
    return LF_OK;
}

static void put_column(struct buf *buf, const struct table *table, const struct relational_source *source, unsigned column,
                       unsigned type)
{
    size_t field = 0;
    while (field < source->field_count && source->field_columns[field] != column)
        field++;
    if (field == source->field_count)
        buf_printf(buf, "NULL::%s", type_name(type));
    else if (source->entity)
        ddl_put_field(buf, table->whole_map, source->entity, field);
    else
        buf_put_cstr(buf, "t.item");
}

static enum lf_code make_columns(const struct table *table, struct relational_table *state, size_t number,
                                 const struct column_types *types, struct err *err)
{
    struct buf buf;
    struct relational_source *source = &state->sources[number];
    TRY(place_fields(source, *types, &state->arena, err));
    buf_init(&buf, TEXTS_BYTES_MAX);
    buf_printf(&buf, "%zu", number);
    for (unsigned type = 0; type < TYPES; type++)
        for (unsigned column = types->first[type]; column < types->first[type + 1]; column++) {
            buf_put_cstr(&buf, ", ");
            put_column(&buf, table, source, column, type);
        }
    return take(&buf, &state->arena, &source->columns, err);
}

/* Foreign keys -----------------------------------------------------------------------------------------------------------------
 */

static bool refers_to(const struct entity *entity, const struct entity *parent)
{
    for (size_t i = 0; entity && parent && entity != parent && i < entity->foreign_key_count; i++)
        if (entity->foreign_keys[i].parent == parent && entity->foreign_keys[i].enforce == ENFORCE_NOW)
            return true;
    return false;
}

static bool must_wait(const struct relational_table *state, const bool *taken, size_t number)
{
    for (size_t i = 0; i < state->count; i++)
        if (!taken[i] && refers_to(state->sources[number].entity, state->sources[i].entity))
            return true;
    return false;
}

/* In a circle of foreign keys any is the next. */
static size_t next_source(const struct relational_table *state, const bool *taken)
{
    size_t waiting = 0;
    for (size_t i = state->count; i-- > 0;)
        if (!taken[i] && !must_wait(state, taken, i))
            return i;
        else if (!taken[i])
            waiting = i;
    return waiting;
}

static enum lf_code order_sources(struct relational_table *state, struct err *err)
{
    bool *taken = arena_calloc(&state->arena, state->count, sizeof *taken, err);
    state->parents_first = taken ? arena_calloc(&state->arena, state->count, sizeof *state->parents_first, err) : NULL;
    if (!state->parents_first)
        return err->code;
    for (size_t i = 0; i < state->count; i++) {
        state->parents_first[i] = next_source(state, taken);
        taken[state->parents_first[i]] = true;
    }
    return LF_OK;
}

/* Life -------------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code fill(const struct table *table, struct relational_table *state, struct err *err)
{
    state->count = table->map->entity_count + 1;
    state->sources = arena_calloc(&state->arena, state->count, sizeof *state->sources, err);
    if (!state->sources)
        return err->code;
    for (size_t i = 0; i < state->count; i++)
        TRY(make_source(table, state, i, err));
    const struct column_types types = find_types(state);
    for (size_t i = 0; i < state->count; i++)
        TRY(make_columns(table, state, i, &types, err));
    return order_sources(state, err);
}

enum lf_code relational_table_open(struct table *table, struct err *err)
{
    struct relational_table *state = calloc(1, sizeof *state);
    if (!state)
        return ERR(err, LF_MEMORY, "no memory for the statements of a table");
    arena_init(&state->arena, TEXTS_BYTES_MAX);
    table->store_state = state;
    return fill(table, state, err);
}

void relational_table_close(struct table *table)
{
    struct relational_table *state = relational_table_of(table);
    if (!state)
        return;
    arena_done(&state->arena);
    free(state);
    table->store_state = NULL;
}
