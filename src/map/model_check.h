/*
 * model_check: the rules of a map, as map_finish applies them; for model_check*.c only.
 *
 * Each check returns LF_MAP (or LF_LIMIT past a limit of limits.h) with "line N: …" in front where the thing has a line.
 */
#pragma once

#include "map/model.h"

/* "line 12: ", or "" for what was inferred. By value, so that it lives as long as the ERR(…) it stands in. */
struct line_prefix {
    char text[24];
};
struct line_prefix line_prefix(unsigned line);
#define AT_LINE(line) (line_prefix(line).text)

enum {
    INDEX_COLUMNS_MAX = 32, /* INDEX_MAX_KEYS of PostgreSQL */
};

/* A name that must differ from the others of its kind. */
struct named {
    struct span name;
    unsigned line;
};
/* Sorts `names`. `what`: "tables", "columns", … */
enum lf_code check_distinct(struct named *names, size_t count, const char *what, struct err *err) MUST_CHECK;

/* A PostgreSQL name: 1 to 63 bytes of UTF-8 without control characters. */
enum lf_code check_identifier(struct span name, const char *what, unsigned line, struct err *err) MUST_CHECK;
/* A DynamoDB name: 1 to `max` bytes of UTF-8. */
enum lf_code check_name(struct span name, size_t max, const char *what, unsigned line, struct err *err) MUST_CHECK;

/* Everything of one entity but references to others; fills is_column and the templates' columns. `arena` is for scratch memory.
 */
enum lf_code check_entity(struct entity *entity, struct arena *arena, struct err *err) MUST_CHECK;
/* Foreign keys; needs all entities checked. */
enum lf_code check_foreign_keys(const struct entity *entity, struct err *err) MUST_CHECK;
/* The rules of a distributed table (Citus); needs all entities checked. */
enum lf_code check_distribution(const struct entity *entity, struct err *err) MUST_CHECK;
