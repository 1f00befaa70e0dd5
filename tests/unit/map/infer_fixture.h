/*
 * infer_fixture: items as lines of DynamoDB JSON, and what inspect drafts from them; for the tests of inference.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "item/ddbjson.h"
#include "map/column_codec.h"
#include "map/infer.h"
#include "map/map_yaml.h"
#include "map/row.h"

enum { ARENA_BYTES = 128 * 1024 * 1024, WORKERS_MAX = 4, LINES_MAX = 30000 };

struct fixture {
    struct arena arena, map_arena;
    struct err err;
    struct span lines[LINES_MAX];
    size_t count;
    size_t sampled; /* of the lines, how many are in the sample; 0: all */
    struct map_table table;
    struct secondary_index indexes[2];
    struct map map;
    struct evidence evidence;
    struct buf yaml;
};

/* For cmocka: *state is a struct fixture, of a table "shop" with keys pk and sk. */
int infer_setup(void **state);
int infer_teardown(void **state);

#define INFER_TEST(function) cmocka_unit_test_setup_teardown(function, infer_setup, infer_teardown)

/* Fails with the message of f->err. */
void check(struct fixture *f, enum lf_code code);

/* An item. */
void add(struct fixture *f, const char *format, ...) PRINTF_LIKE(2, 3);

void set_index(struct fixture *f, struct secondary_index index); /* the only one; before items are drafted */
void draft_with(struct fixture *f, size_t worker_count);
void draft(struct fixture *f);

/* Of the draft; where there is none the test fails and shows it. */
const struct entity *entity(struct fixture *f, const char *name);
const struct column *column(struct fixture *f, const char *entity_name, const char *name);

/* `text` NULL: none. */
void assert_template(struct fixture *f, const char *entity_name, const char *attr, const char *text);
void assert_primary_key(struct fixture *f, const char *entity_name, const char *columns);
/* `parent` NULL: the column refers to nothing. */
void assert_reference(struct fixture *f, const char *child, const char *column_name, const char *parent);

/* Every line is claimed by an entity and comes back from its row's encoding: the draft can be loaded. */
void assert_all_claimed(struct fixture *f);
/* Whose a key is, by the entity that claims it. */
void assert_claimed_by(struct fixture *f, size_t line, const char *name);
