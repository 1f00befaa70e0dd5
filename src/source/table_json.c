#include "source/table_json.h"

#include "codec/json.h"

enum {
    INDEXES_MAX = 64, /* DynamoDB: 20 global ones by default, more on request, and 5 local ones */
    ATTRIBUTES_MAX = 2 + 2 * INDEXES_MAX,
    INCLUDED_MAX = 100, /* DynamoDB: of all indexes of a table together */
};

/* What is read, before types are known: the schemas name attributes that AttributeDefinitions, later or earlier, give types to.
 */
struct reading {
    struct json_reader *json;
    struct arena *arena;
    struct map_table *table;
    struct secondary_index indexes[INDEXES_MAX];
    size_t index_count;
    struct key_attribute attributes[ATTRIBUTES_MAX];
    size_t attribute_count;
};

typedef enum lf_code read_member(struct reading *reading, struct span name, const struct json_token *value, void *context,
                                 struct err *err);

/* Calls `member` for each member of the object whose opening brace was just read; what it does not take it must skip. */
static enum lf_code read_object(struct reading *reading, const struct json_token *first, read_member *member, void *context,
                                struct err *err)
{
    struct json_token name, value;
    if (first->kind != JSON_OBJECT_BEGIN)
        return ERR_AT(err, LF_SOURCE, first->offset, "byte %zu: expected an object", first->offset);
    for (;;) {
        TRY(json_next(reading->json, &name, err));
        if (name.kind == JSON_OBJECT_END)
            return LF_OK;
        TRY(json_next(reading->json, &value, err));
        TRY(member(reading, name.text, &value, context, err));
    }
}

typedef enum lf_code read_element(struct reading *reading, const struct json_token *value, void *context, struct err *err);

static enum lf_code read_array(struct reading *reading, const struct json_token *first, read_element *element, void *context,
                               struct err *err)
{
    struct json_token value;
    if (first->kind == JSON_NULL)
        return LF_OK;
    if (first->kind != JSON_ARRAY_BEGIN)
        return ERR_AT(err, LF_SOURCE, first->offset, "byte %zu: expected an array", first->offset);
    for (;;) {
        TRY(json_next(reading->json, &value, err));
        if (value.kind == JSON_ARRAY_END)
            return LF_OK;
        TRY(element(reading, &value, context, err));
    }
}

static enum lf_code read_string(struct reading *reading, const struct json_token *value, struct span *ret_text, struct err *err)
{
    if (value->kind != JSON_STRING)
        return ERR_AT(err, LF_SOURCE, value->offset, "byte %zu: expected a string", value->offset);
    return arena_copy(reading->arena, value->text, ret_text, err);
}

static enum lf_code skip(struct reading *reading, const struct json_token *value, struct err *err)
{
    return json_skip(reading->json, value, err);
}

/* {"AttributeName": "pk", "KeyType": "HASH"} */
struct key_element {
    struct span name;
    struct span type;
};

static enum lf_code key_element_member(struct reading *reading, struct span name, const struct json_token *value, void *context,
                                       struct err *err)
{
    struct key_element *element = context;
    if (span_equal(name, SPAN("AttributeName")))
        return read_string(reading, value, &element->name, err);
    if (span_equal(name, SPAN("KeyType")) || span_equal(name, SPAN("AttributeType")))
        return read_string(reading, value, &element->type, err);
    return skip(reading, value, err);
}

static enum lf_code key_schema_element(struct reading *reading, const struct json_token *value, void *context, struct err *err)
{
    struct key_schema *schema = context;
    struct key_element element = { 0 };
    TRY(read_object(reading, value, key_element_member, &element, err));
    if (element.name.len == 0)
        return ERR_AT(err, LF_SOURCE, value->offset, "byte %zu: a key without AttributeName", value->offset);
    if (span_equal(element.type, SPAN("HASH")))
        schema->partition.name = element.name;
    else if (span_equal(element.type, SPAN("RANGE")))
        schema->sort.name = element.name;
    else
        return ERR_AT(err, LF_SOURCE, value->offset, "byte %zu: KeyType is neither HASH nor RANGE", value->offset);
    return LF_OK;
}

static enum lf_code attribute_element(struct reading *reading, const struct json_token *value, void *context, struct err *err)
{
    (void)context;
    struct key_element element = { 0 };
    TRY(read_object(reading, value, key_element_member, &element, err));
    if (reading->attribute_count == ATTRIBUTES_MAX)
        return ERR(err, LF_LIMIT, "more than %d AttributeDefinitions", ATTRIBUTES_MAX);
    struct key_attribute *attribute = &reading->attributes[reading->attribute_count++];
    attribute->name = element.name;
    if (!value_type_from_name(element.type, &attribute->type) || attribute->type > VALUE_B)
        return ERR_AT(err, LF_SOURCE, value->offset, "byte %zu: AttributeType is not S, N or B", value->offset);
    return LF_OK;
}

static enum lf_code included_element(struct reading *reading, const struct json_token *value, void *context, struct err *err)
{
    struct secondary_index *index = context;
    if (index->included_count == INCLUDED_MAX)
        return ERR(err, LF_LIMIT, "more than %d NonKeyAttributes", INCLUDED_MAX);
    return read_string(reading, value, &index->included[index->included_count++], err);
}

/* {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["total"]} */
static enum lf_code projection_member(struct reading *reading, struct span name, const struct json_token *value, void *context,
                                      struct err *err)
{
    struct secondary_index *index = context;
    struct span type;
    if (span_equal(name, SPAN("ProjectionType"))) {
        TRY(read_string(reading, value, &type, err));
        index->is_partial = !span_equal(type, SPAN("ALL"));
        return LF_OK;
    }
    if (!span_equal(name, SPAN("NonKeyAttributes")))
        return skip(reading, value, err);
    index->included = arena_calloc(reading->arena, INCLUDED_MAX, sizeof *index->included, err);
    return index->included ? read_array(reading, value, included_element, index, err) : err->code;
}

static enum lf_code index_member(struct reading *reading, struct span name, const struct json_token *value, void *context,
                                 struct err *err)
{
    struct secondary_index *index = context;
    if (span_equal(name, SPAN("IndexName")))
        return read_string(reading, value, &index->name, err);
    if (span_equal(name, SPAN("KeySchema")))
        return read_array(reading, value, key_schema_element, &index->key, err);
    if (span_equal(name, SPAN("Projection")))
        return read_object(reading, value, projection_member, index, err);
    return skip(reading, value, err);
}

static enum lf_code index_element(struct reading *reading, const struct json_token *value, void *context, struct err *err)
{
    const bool *is_local = context;
    if (reading->index_count == INDEXES_MAX)
        return ERR(err, LF_LIMIT, "more than %d indexes", INDEXES_MAX);
    struct secondary_index *index = &reading->indexes[reading->index_count++];
    *index = (struct secondary_index){ .is_local = *is_local };
    TRY(read_object(reading, value, index_member, index, err));
    if (index->name.len == 0)
        return ERR_AT(err, LF_SOURCE, value->offset, "byte %zu: an index without IndexName", value->offset);
    return LF_OK;
}

static enum lf_code table_member(struct reading *reading, struct span name, const struct json_token *value, void *context,
                                 struct err *err)
{
    bool is_local = span_equal(name, SPAN("LocalSecondaryIndexes"));
    if (span_equal(name, SPAN("Table")) || span_equal(name, SPAN("TableDescription")))
        return read_object(reading, value, table_member, context, err);
    if (span_equal(name, SPAN("TableName")))
        return read_string(reading, value, &reading->table->name, err);
    if (span_equal(name, SPAN("KeySchema")))
        return read_array(reading, value, key_schema_element, &reading->table->key, err);
    if (span_equal(name, SPAN("AttributeDefinitions")))
        return read_array(reading, value, attribute_element, NULL, err);
    if (is_local || span_equal(name, SPAN("GlobalSecondaryIndexes")))
        return read_array(reading, value, index_element, &is_local, err);
    return skip(reading, value, err);
}

static enum lf_code resolve_type(const struct reading *reading, struct key_attribute *key, struct err *err)
{
    for (size_t i = 0; i < reading->attribute_count; i++) {
        if (span_equal(reading->attributes[i].name, key->name)) {
            key->type = reading->attributes[i].type;
            return LF_OK;
        }
    }
    return ERR(err, LF_SOURCE, "AttributeDefinitions lacks the key attribute %.*s", SPAN_ARG(key->name));
}

static enum lf_code resolve_schema(const struct reading *reading, struct key_schema *schema, const char *what, struct span name,
                                   struct err *err)
{
    if (!schema->partition.name.ptr)
        return ERR(err, LF_SOURCE, "%s %.*s has no KeySchema with a HASH key", what, SPAN_ARG(name));
    TRY(resolve_type(reading, &schema->partition, err));
    return key_schema_has_sort(schema) ? resolve_type(reading, &schema->sort, err) : LF_OK;
}

static enum lf_code finish(struct reading *reading, struct err *err)
{
    struct map_table *table = reading->table;
    if (table->name.len == 0)
        return ERR(err, LF_SOURCE, "no TableName");
    TRY(resolve_schema(reading, &table->key, "table", table->name, err));
    for (size_t i = 0; i < reading->index_count; i++)
        TRY(resolve_schema(reading, &reading->indexes[i].key, "index", reading->indexes[i].name, err));
    table->indexes = arena_calloc(reading->arena, reading->index_count, sizeof *table->indexes, err);
    if (!table->indexes)
        return err->code;
    if (reading->index_count)
        memcpy(table->indexes, reading->indexes, reading->index_count * sizeof *table->indexes);
    table->index_count = reading->index_count;
    return LF_OK;
}

enum lf_code table_json_parse(struct span text, struct arena *arena, struct map_table *ret_table, struct err *err)
{
    struct json_reader json;
    struct json_token first;
    struct map_table table = { 0 };
    struct reading reading = { .json = &json, .arena = arena, .table = &table };
    json_init(&json, text, arena);
    TRY(json_next(&json, &first, err));
    TRY(read_object(&reading, &first, table_member, NULL, err));
    TRY(json_end(&json, err));
    TRY(finish(&reading, err));
    *ret_table = table;
    return LF_OK;
}

enum lf_code table_json_read(struct tree *tree, struct span path, struct arena *arena, struct map_table *ret_table,
                             struct err *err)
{
    struct span text;
    TRY(tree_read_text(tree, path, TABLE_JSON_BYTES_MAX, arena, &text, err));
    return table_json_parse(text, arena, ret_table, err) == LF_OK ? LF_OK : err_while(err, "reading %s", path.ptr);
}
