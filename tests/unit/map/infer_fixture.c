#include "infer_fixture.h"

int infer_setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof *f);
    arena_init(&f->arena, ARENA_BYTES);
    arena_init(&f->map_arena, ARENA_BYTES);
    buf_init(&f->yaml, ARENA_BYTES);
    f->table.name = SPAN("shop");
    f->table.key.partition = (struct key_attribute){ SPAN("pk"), VALUE_S };
    f->table.key.sort = (struct key_attribute){ SPAN("sk"), VALUE_S };
    *state = f;
    return 0;
}

int infer_teardown(void **state)
{
    struct fixture *f = *state;
    arena_done(&f->arena);
    arena_done(&f->map_arena);
    buf_done(&f->yaml);
    test_free(f);
    return 0;
}

void check(struct fixture *f, enum lf_code code)
{
    if (code != LF_OK)
        fail_msg("%s (%s:%d)", f->err.message, f->err.file, f->err.line);
}

void add(struct fixture *f, const char *format, ...)
{
    char line[4096];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert_in_range(len, 1, (int)sizeof line - 1);
    assert_true(f->count < LINES_MAX);
    check(f, arena_copy(&f->arena, span_of(line, (size_t)len), &f->lines[f->count++], &f->err));
}

void set_index(struct fixture *f, struct secondary_index index)
{
    f->indexes[0] = index;
    f->table.indexes = f->indexes;
    f->table.index_count = 1;
}

void draft_with(struct fixture *f, size_t worker_count)
{
    struct infer_options options = { .type_share_min = 0.999, .enforce = ENFORCE_CONTRACT };
    struct infer *infer;
    struct infer_worker *workers[WORKERS_MAX];
    check(f, infer_new(&f->table, 1, &options, &infer, &f->err));
    struct item item;
    for (size_t i = 0; i < (f->sampled ? f->sampled : f->count); i++) {
        check(f, ddbjson_read_line(f->lines[i], &f->arena, &item, &f->err));
        check(f, infer_sample(infer, 0, &item, &f->err));
    }
    check(f, infer_discover(infer, &f->err));
    for (size_t w = 0; w < worker_count; w++)
        check(f, infer_worker_new(infer, &workers[w], &f->err));
    for (size_t i = 0; i < f->count; i++) {
        check(f, ddbjson_read_line(f->lines[i], &f->arena, &item, &f->err));
        check(f, infer_observe(workers[i * 7 % worker_count], 0, &item, &f->err));
    }
    check(f, infer_finish(infer, workers, worker_count, &f->map_arena, &f->map, &f->evidence, &f->err));
    for (size_t w = 0; w < worker_count; w++)
        infer_worker_free(workers[w]);
    infer_free(infer);
    buf_reset(&f->yaml);
    map_put_yaml(&f->yaml, &f->map);
}

void draft(struct fixture *f)
{
    draft_with(f, 1);
}

const struct entity *entity(struct fixture *f, const char *name)
{
    const struct entity *found = map_find_entity(&f->map, span_from_cstr(name));
    if (!found)
        fail_msg("no entity %s in\n%s", name, buf_cstr(&f->yaml));
    return found;
}

const struct column *column(struct fixture *f, const char *entity_name, const char *name)
{
    const struct entity *e = entity(f, entity_name);
    size_t at = entity_find_column(e, span_from_cstr(name));
    if (at == e->column_count)
        fail_msg("no column %s in\n%s", name, buf_cstr(&f->yaml));
    return &e->columns[at];
}

void assert_template(struct fixture *f, const char *entity_name, const char *attr, const char *text)
{
    const struct entity *e = entity(f, entity_name);
    for (size_t i = 0; i < e->template_count; i++)
        if (span_equal(e->templates[i].attr, span_from_cstr(attr))) {
            struct buf buf;
            buf_init(&buf, 4096);
            template_put(&buf, &e->templates[i].template);
            assert_string_equal(buf_cstr(&buf), text);
            buf_done(&buf);
            return;
        }
    if (text)
        fail_msg("%s has no template for %s in\n%s", entity_name, attr, buf_cstr(&f->yaml));
}

void assert_primary_key(struct fixture *f, const char *entity_name, const char *columns)
{
    const struct entity *e = entity(f, entity_name);
    char text[256] = "";
    for (size_t i = 0; i < e->primary_key_count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s", i ? "," : "",
                 SPAN_ARG(e->columns[e->primary_key[i]].name));
    assert_string_equal(text, columns);
}

void assert_reference(struct fixture *f, const char *child, const char *column_name, const char *parent)
{
    const struct entity *e = entity(f, child);
    for (size_t i = 0; i < e->foreign_key_count; i++)
        if (span_equal(e->columns[e->foreign_keys[i].columns[0]].name, span_from_cstr(column_name))) {
            assert_true(parent && span_equal(e->foreign_keys[i].parent->table, span_from_cstr(parent)));
            return;
        }
    if (parent)
        fail_msg("%s.%s refers to nothing in\n%s", child, column_name, buf_cstr(&f->yaml));
}

void assert_all_claimed(struct fixture *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct item item;
        struct row row;
        check(f, ddbjson_read_line(f->lines[i], &f->arena, &item, &f->err));
        check(f, row_encode(&f->map.tables[0], &item, &f->arena, &row, &f->err));
        if (!row.entity)
            fail_msg("%.*s: %.*s", SPAN_ARG(f->lines[i]), SPAN_ARG(row.reason));
    }
}

void assert_claimed_by(struct fixture *f, size_t line, const char *name)
{
    struct item item;
    struct row row;
    check(f, ddbjson_read_line(f->lines[line], &f->arena, &item, &f->err));
    check(f, row_encode(&f->map.tables[0], &item, &f->arena, &row, &f->err));
    if (!row.entity || !span_equal(row.entity->name, span_from_cstr(name)))
        fail_msg("%.*s is not claimed by %s in\n%s", SPAN_ARG(f->lines[line]), name, buf_cstr(&f->yaml));
}
