/*
 * yaml_tree: a YAML text as a tree of nodes with their places, for yaml_read.c.
 *
 * The part of YAML that a map needs: one document of mappings, sequences and scalars. Anchors, aliases, tags, duplicate keys and
 * keys that are not scalars are refused. Scalars are their text; `is_plain` tells `false` from "false". Everything is in the
 * arena.
 */
#pragma once

#include "base/arena.h"

enum node_kind { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

struct yaml_node {
    enum node_kind kind;
    bool is_plain;           /* scalar without quotes */
    struct span text;        /* of a scalar */
    struct yaml_node *items; /* of a sequence; of a mapping: key, value, key, value, … */
    size_t count;            /* of items, or of pairs */
    unsigned line, column;   /* from 1 */
};

enum {
    YAML_DEPTH_MAX = 16,
    YAML_COUNT_MAX = 8192, /* entries of one sequence or mapping */
};

static inline const struct yaml_node *yaml_key(const struct yaml_node *mapping, size_t i)
{
    return &mapping->items[2 * i];
}

static inline const struct yaml_node *yaml_value(const struct yaml_node *mapping, size_t i)
{
    return &mapping->items[2 * i + 1];
}

/* The value of a key, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, struct span key);

/* "a mapping", … for messages. */
const char *yaml_kind_name(const struct yaml_node *node);

/* Errors: LF_SYNTAX "file:line:column: …", LF_MAP (what YAML allows and a map does not), LF_LIMIT, LF_MEMORY. */
enum lf_code yaml_parse(struct span text, const char *file, struct arena *arena, struct yaml_node *ret_root,
                        struct err *err) MUST_CHECK;
