/*
 * model: the map in memory; what landfall.yaml says (docs/map.md is its reference).
 *
 *     map ─┬─ table (a DynamoDB table) ─┬─ key schema, indexes
 *          │                            └─ entity ─┬─ match: constants that must hold
 *          │                                       ├─ templates: key attributes rebuilt from columns
 *          │                                       ├─ columns of its PostgreSQL table
 *          │                                       ├─ children: lists that are tables of their own
 *          │                                       └─ primary key, foreign keys, indexes
 *          └─ …
 *
 * Everything lies in one arena (the map's) and is immutable once `map_finish` has run: threads share it. Columns are named by
 * index into `entity.columns` everywhere but in YAML. `line` is where the thing stands in landfall.yaml, 0 when it was inferred.
 */
#pragma once

#include "codec/pgbinary.h"
#include "item/key.h"
#include "map/template.h"

enum column_type {
    COLUMN_TEXT,
    COLUMN_UUID,
    COLUMN_TIMESTAMPTZ,
    COLUMN_DATE,
    COLUMN_BIGINT,
    COLUMN_INTEGER,
    COLUMN_NUMERIC,
    COLUMN_BOOLEAN,
    COLUMN_BYTEA,
    COLUMN_JSONB,
    COLUMN_TEXT_ARRAY,
    COLUMN_NUMERIC_ARRAY,
    COLUMN_BYTEA_ARRAY,
    COLUMN_TYPES,
};

struct column_codec; /* column_codec.h */
struct entity_index; /* entity_index.h */

/* Where a column's value comes from in the item. */
enum column_source {
    COLUMN_FROM_ATTRIBUTE, /* the attribute `attr` */
    COLUMN_FROM_MEMBER,    /* flatten: the entry `member` of the map attribute `attr` */
    COLUMN_FROM_KEY,       /* no attribute holds it: the variable of a table-key template */
    COLUMN_FROM_ELEMENT,   /* in a child table: the list's element itself */
};

struct column {
    struct span name; /* of the PostgreSQL column, at most 63 bytes */
    enum column_source source;
    struct span attr;
    struct span member;
    enum column_type type;
    const struct column_codec *codec; /* static */
    bool not_null;                    /* `null: false`; an item without the value goes to landfall.item */
    struct span *check;               /* allowed values (text columns), or NULL */
    size_t check_count;
    struct span note; /* evidence, one line, written as a YAML comment */
    unsigned line;
};

/* `match: { attribute: constant }`. The constant is an S or N value; the attribute is not stored but rebuilt from here. */
struct match {
    struct span attr;
    struct value value;
    unsigned line;
};

/* A string attribute made from columns: of the table key, of an index key, or any other (`keys:`). */
struct key_template {
    struct span attr;
    struct template template;
    bool is_column; /* the template is one variable whose column's attribute is `attr` itself: nothing to rebuild */
    struct span note;
    unsigned line;
};

enum enforce { ENFORCE_CONTRACT, ENFORCE_NOW };

struct foreign_key {
    unsigned *columns;    /* of this entity */
    unsigned *references; /* columns of `parent`, same count */
    size_t count;
    struct entity *parent;
    enum enforce enforce;
    struct span note;
    unsigned line;
};

struct index_def {
    unsigned *columns;
    size_t count;
    bool unique;
    struct span note;
    unsigned line;
};

/* A list attribute whose elements are rows of their own table: (parent's primary key, position, columns). */
struct child {
    struct span attr;
    struct span table;
    struct column *columns; /* COLUMN_FROM_ATTRIBUTE: entry of an element that is a map; COLUMN_FROM_ELEMENT: the element */
    size_t column_count;
    struct span note;
    unsigned line;
};

struct map_table;

struct entity {
    struct span name;                 /* "Message", in the map only */
    struct map_table *dynamodb_table; /* borrowed: the table it is in */
    struct match *matches;
    size_t match_count;
    struct key_template *templates; /* first the partition key, then the sort key where there is one, then `keys:` */
    size_t template_count;
    struct span table; /* of PostgreSQL */
    struct column *columns;
    size_t column_count;
    unsigned *primary_key;
    size_t primary_key_count;
    struct foreign_key *foreign_keys;
    size_t foreign_key_count;
    struct index_def *indexes;
    size_t index_count;
    struct child *children;
    size_t child_count;
    unsigned *search; /* columns of the text search index */
    size_t search_count;
    struct span distribute_by;  /* column name, Citus only; empty when absent */
    struct entity_index *index; /* derived: attributes by name, for row.h */
    struct span note;
    unsigned line;
};

struct secondary_index {
    struct span name;
    struct key_schema key; /* partition.name.ptr is never NULL */
    bool is_local;
    bool is_partial;       /* it has the table's key, its own and `included`; else all attributes */
    struct span *included; /* names of attributes */
    size_t included_count;
};

struct map_table {
    struct span name;
    struct key_schema key;
    struct secondary_index *indexes;
    size_t index_count;
    struct entity *entities;
    size_t entity_count;
    struct span note;
    unsigned line;
};

struct map {
    struct span schema; /* of PostgreSQL */
    struct map_table *tables;
    size_t table_count;
    struct span note; /* the comment block at the top, lines separated by \n */
};

/*
 * Checks the whole map and fills what is derived (is_column, dynamodb_table, index): names within 63 bytes and distinct,
 * templates that name existing columns, key templates for every key attribute, primary keys of NOT NULL columns, references to
 * primary keys, codecs that fit their types, limits; last `entity_index_build` of each entity. What is derived is put in the
 * map's arena. Errors: LF_MAP, "line N: …"; LF_MEMORY.
 */
enum lf_code map_finish(struct map *map, struct arena *arena, struct err *err) MUST_CHECK;

const struct map_table *map_find_table(const struct map *map, struct span name);
/* Number of the index of that name, or index_count when there is none. */
size_t map_table_find_index(const struct map_table *table, struct span name);
struct entity *map_find_entity(const struct map *map, struct span name);

/* Index of the column, or column_count when there is none. */
size_t entity_find_column(const struct entity *entity, struct span name);

/* Number of templates that make the table's own key: 1 or 2. */
static inline size_t entity_key_count(const struct entity *entity)
{
    return key_schema_has_sort(&entity->dynamodb_table->key) ? 2 : 1;
}

/* "timestamptz", "text[]", … */
const char *column_type_name(enum column_type type);
/* Of the type in PostgreSQL; of arrays that of text, as which they travel. */
enum pg_oid column_type_oid(enum column_type type);
bool column_type_from_name(struct span name, enum column_type *ret_type);
