#include "map/model_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "codec/utf8.h"
#include "map/entity_index.h"

struct line_prefix line_prefix(unsigned line)
{
    struct line_prefix prefix = { "" };
    if (line)
        (void)snprintf(prefix.text, sizeof prefix.text, "line %u: ", line);
    return prefix;
}

/* By name, then by line, so that the later of two is the one to blame. */
static int compare_named(const void *left, const void *right)
{
    const struct named *a = left, *b = right;
    int order = span_compare(a->name, b->name);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

enum lf_code check_distinct(struct named *names, size_t count, const char *what, struct err *err)
{
    if (count > 1)
        qsort(names, count, sizeof *names, compare_named);
    for (size_t i = 1; i < count; i++)
        if (span_equal(names[i - 1].name, names[i].name))
            return ERR(err, LF_MAP, "%s'%.*s' stands twice among the %s", AT_LINE(names[i].line), SPAN_ARG(names[i].name), what);
    return LF_OK;
}

enum lf_code check_name(struct span name, size_t max, const char *what, unsigned line, struct err *err)
{
    if (name.len == 0)
        return ERR(err, LF_MAP, "%s%s is empty", AT_LINE(line), what);
    if (name.len > max)
        return ERR(err, LF_LIMIT, "%s%s '%.*s…' has %zu bytes, at most %zu are allowed", AT_LINE(line), what,
                   SPAN_ARG(utf8_cut(name, 40)), name.len, max);
    if (utf8_invalid_at(name) < name.len)
        return ERR(err, LF_MAP, "%s%s is not UTF-8", AT_LINE(line), what);
    return LF_OK;
}

enum lf_code check_identifier(struct span name, const char *what, unsigned line, struct err *err)
{
    TRY(check_name(name, LIMIT_IDENTIFIER_BYTES, what, line, err));
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
            return ERR(err, LF_MAP, "%s%s has a control character", AT_LINE(line), what);
    return LF_OK;
}

static enum lf_code check_key_attribute(const struct key_attribute *attribute, unsigned line, struct err *err)
{
    TRY(check_name(attribute->name, LIMIT_KEY_NAME_BYTES, "a key attribute", line, err));
    if (attribute->type != VALUE_S && attribute->type != VALUE_N && attribute->type != VALUE_B)
        return ERR(err, LF_MAP, "%sthe key attribute '%.*s' is neither S, N nor B", AT_LINE(line), SPAN_ARG(attribute->name));
    return LF_OK;
}

static enum lf_code check_key_schema(const struct key_schema *key, unsigned line, struct err *err)
{
    TRY(check_key_attribute(&key->partition, line, err));
    if (!key_schema_has_sort(key))
        return LF_OK;
    TRY(check_key_attribute(&key->sort, line, err));
    if (span_equal(key->partition.name, key->sort.name))
        return ERR(err, LF_MAP, "%sthe attribute '%.*s' is both partition and sort key", AT_LINE(line), SPAN_ARG(key->sort.name));
    return LF_OK;
}

/* Both schemas are of one table: an attribute has one type. */
static enum lf_code check_same_types(const struct map_table *table, const struct key_schema *key,
                                     const struct key_attribute *attribute, struct err *err)
{
    const struct key_attribute *others[] = { &key->partition, &key->sort };
    for (size_t i = 0; i < 2; i++)
        if (others[i]->name.ptr && span_equal(others[i]->name, attribute->name) && others[i]->type != attribute->type)
            return ERR(err, LF_MAP, "%stable %.*s: the key attribute '%.*s' is of type %s and %s", AT_LINE(table->line),
                       SPAN_ARG(table->name), SPAN_ARG(attribute->name), value_type_name(others[i]->type),
                       value_type_name(attribute->type));
    return LF_OK;
}

static enum lf_code check_index(const struct map_table *table, size_t index_at, struct err *err)
{
    const struct secondary_index *index = &table->indexes[index_at];
    TRY(check_name(index->name, LIMIT_KEY_NAME_BYTES, "an index's name", table->line, err));
    TRY(check_key_schema(&index->key, table->line, err));
    if (index->is_local && (!key_schema_has_sort(&table->key) || !key_schema_has_sort(&index->key) ||
                            !span_equal(index->key.partition.name, table->key.partition.name)))
        return ERR(err, LF_MAP, "%slocal index %.*s: its key must be the table's partition key and another attribute",
                   AT_LINE(table->line), SPAN_ARG(index->name));
    for (size_t i = 0; i < index->included_count; i++)
        TRY(check_name(index->included[i], LIMIT_KEY_NAME_BYTES, "a projected attribute", table->line, err));
    for (size_t i = 0; i <= index_at; i++) {
        const struct key_schema *earlier = i ? &table->indexes[i - 1].key : &table->key;
        TRY(check_same_types(table, earlier, &index->key.partition, err));
        if (key_schema_has_sort(&index->key))
            TRY(check_same_types(table, earlier, &index->key.sort, err));
    }
    return LF_OK;
}

static enum lf_code check_table(const struct map_table *table, struct arena *arena, struct err *err)
{
    TRY(check_name(table->name, LIMIT_KEY_NAME_BYTES, "a table's name", table->line, err));
    TRY(check_key_schema(&table->key, table->line, err));
    if (table->entity_count > LIMIT_ENTITIES)
        return ERR(err, LF_LIMIT, "%stable %.*s has %zu entities, at most %d are allowed", AT_LINE(table->line),
                   SPAN_ARG(table->name), table->entity_count, LIMIT_ENTITIES);
    struct named *names = arena_calloc(arena, table->index_count, sizeof *names, err);
    if (!names)
        return err->code;
    for (size_t i = 0; i < table->index_count; i++) {
        TRY(check_index(table, i, err));
        names[i] = (struct named){ table->indexes[i].name, table->line };
    }
    return check_distinct(names, table->index_count, "indexes", err);
}

static enum lf_code check_tables(struct map *map, struct arena *arena, struct err *err)
{
    if (map->table_count > LIMIT_TABLES)
        return ERR(err, LF_LIMIT, "the map has %zu tables, at most %d are allowed", map->table_count, LIMIT_TABLES);
    struct named *names = arena_calloc(arena, map->table_count, sizeof *names, err);
    if (!names)
        return err->code;
    for (size_t i = 0; i < map->table_count; i++) {
        TRY(check_table(&map->tables[i], arena, err));
        names[i] = (struct named){ map->tables[i].name, map->tables[i].line };
    }
    return check_distinct(names, map->table_count, "DynamoDB tables", err);
}

/* The contract migration drops the schema `landfall`; pg_ and information_schema are PostgreSQL's. */
static enum lf_code check_schema(const struct map *map, struct err *err)
{
    TRY(check_identifier(map->schema, "the schema", 0, err));
    if (span_equal(map->schema, SPAN("landfall")) || span_equal(map->schema, SPAN("information_schema")) ||
        span_starts_with(map->schema, SPAN("pg_")))
        return ERR(err, LF_MAP, "the schema '%.*s' is not for tables of an application", SPAN_ARG(map->schema));
    return LF_OK;
}

/* Calls `visit` for every entity, in order. */
typedef enum lf_code entity_visit(struct entity *entity, struct arena *arena, struct err *err);
static enum lf_code each_entity(struct map *map, entity_visit *visit, struct arena *arena, struct err *err)
{
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            TRY(visit(&map->tables[t].entities[e], arena, err));
    return LF_OK;
}

static enum lf_code check_relations(struct entity *entity, struct arena *arena, struct err *err)
{
    (void)arena;
    TRY(check_distribution(entity, err));
    return check_foreign_keys(entity, err);
}

static void link_entities(struct map *map)
{
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            map->tables[t].entities[e].dynamodb_table = &map->tables[t];
}

/* Names of entities, and of PostgreSQL tables with those of children, are distinct over the whole map. */
static enum lf_code check_entity_names(const struct map *map, struct arena *arena, struct err *err)
{
    size_t entity_count = 0, table_count = 0;
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++, entity_count++)
            table_count += 1 + map->tables[t].entities[e].child_count;
    struct named *entities = arena_calloc(arena, entity_count, sizeof *entities, err);
    struct named *tables = entities ? arena_calloc(arena, table_count, sizeof *tables, err) : NULL;
    if (!tables)
        return err->code;

    struct named *next_entity = entities, *next_table = tables;
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++) {
            const struct entity *entity = &map->tables[t].entities[e];
            *next_entity++ = (struct named){ entity->name, entity->line };
            *next_table++ = (struct named){ entity->table, entity->line };
            for (size_t c = 0; c < entity->child_count; c++)
                *next_table++ = (struct named){ entity->children[c].table, entity->children[c].line };
        }
    TRY(check_distinct(entities, entity_count, "entities", err));
    return check_distinct(tables, table_count, "PostgreSQL tables", err);
}

enum lf_code map_finish(struct map *map, struct arena *arena, struct err *err)
{
    TRY(check_schema(map, err));
    TRY(check_tables(map, arena, err));
    link_entities(map);
    TRY(each_entity(map, check_entity, arena, err));
    TRY(check_entity_names(map, arena, err));
    TRY(each_entity(map, check_relations, arena, err));
    return each_entity(map, entity_index_build, arena, err);
}
