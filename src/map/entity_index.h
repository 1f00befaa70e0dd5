/*
 * entity_index: where each attribute of an entity goes, found by its name in one step.
 *
 * The row encoder and decoder run once per item, so what follows from the map alone is worked out once per entity: a hash table
 * from attribute names to slots. A slot is an attribute that the map names; it has one role, the one that stores it (or rebuilds
 * it). Where the map names an attribute twice the column wins: a template or a constant of the same attribute then only decides
 * whether the entity claims the item.
 *
 *     item attribute ──name──► slot ──role──► column │ flattened columns │ child table │ template │ constant
 *           └── no slot: ddb_extra
 *
 * Built by map_finish in the map's arena, immutable afterwards: threads share it.
 */
#pragma once

#include "map/model.h"

/* A hash table from names to numbers, by open addressing; at most half full. */
struct name_table {
    struct name_entry *entries;
    size_t mask; /* number of entries - 1 */
};

enum { NAME_NONE = 0xffffffff };

/* The number of a name, or NAME_NONE. */
unsigned name_table_find(const struct name_table *table, struct span name);

enum attribute_role {
    ROLE_MATCH,    /* at: entity->matches */
    ROLE_TEMPLATE, /* at: entity->templates */
    ROLE_COLUMN,   /* at: entity->columns */
    ROLE_FLATTEN,  /* at: entity_index->flattens */
    ROLE_CHILD,    /* at: entity->children */
};

struct attribute_slot {
    struct span name;
    enum attribute_role role;
    unsigned at;
};

/* A map attribute whose entries are columns. */
struct flatten {
    struct name_table members; /* entry name -> index into entity->columns */
    unsigned *columns;
    size_t column_count;
};

struct child_index {
    struct name_table members; /* entry name -> index into child->columns */
    unsigned element;          /* the column of the element itself, or NAME_NONE */
};

struct template_index {
    unsigned slot;        /* of the template's attribute */
    enum value_type type; /* of the key attribute: VALUE_S, VALUE_N or VALUE_B */
    bool gives_columns;   /* some COLUMN_FROM_KEY column takes its value from here */
};

struct entity_index {
    struct name_table names; /* attribute name -> slot */
    struct attribute_slot *slots;
    size_t slot_count;
    struct flatten *flattens;
    size_t flatten_count;
    struct child_index *children;     /* as entity->children */
    struct template_index *templates; /* as entity->templates */
    unsigned *column_templates;       /* per column: COLUMN_FROM_KEY's template, else NAME_NONE */
};

/* Sets entity->index. Needs entity->dynamodb_table. Errors: LF_MAP, "line N: …", when two columns or templates claim the same
 * attribute or a COLUMN_FROM_KEY column is in no template; LF_MEMORY. */
enum lf_code entity_index_build(struct entity *entity, struct arena *arena, struct err *err) MUST_CHECK;
