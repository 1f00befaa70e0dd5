#include "gateway/left_marks.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/store/row_arrays.h"

enum { BATCH = 256 };

struct left_mark {
    struct left_mark *next;
    int64_t attempt, lands_ms, forget_ms; /* what was sent may land until; not there until then: it never was */
    struct span table, h, sk;             /* behind this */
};

struct left_marks {
    struct worker *worker;
    struct left_mark *first, *again; /* to be told; told in vain */
    struct loop_timer timer;
    bool is_telling;
};

/* Telling ------------------------------------------------------------------------------------------------------------------- */

static int32_t seconds_until(int64_t ms, int64_t now_ms)
{
    return ms > now_ms ? (int32_t)((ms - now_ms + 999) / 1000) : 0;
}

static enum lf_code tell_params(struct left_marks *left, const struct left_mark *marks, size_t count, struct row_arrays *arrays,
                                struct pg_params *ret_params, struct err *err)
{
    const char *owner = catalog_gateway_id(left->worker->catalog);
    int64_t now_ms = loop_now_ms(left->worker->loop);
    static const unsigned types[] = { PG_OID_TEXT, PG_OID_BYTEA, PG_OID_BYTEA, PG_OID_INT8, PG_OID_INT4, PG_OID_TEXT };
    row_arrays_init(arrays);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        row_arrays_add(arrays, types[i], count);
    for (; marks; marks = marks->next) {
        row_arrays_put_span(arrays, marks->table);
        row_arrays_put_span(arrays, marks->h);
        row_arrays_put_span(arrays, marks->sk);
        row_arrays_put_int64(arrays, marks->attempt);
        row_arrays_put_int32(arrays, seconds_until(marks->lands_ms, now_ms));
        row_arrays_put_span(arrays, span_from_cstr(owner));
    }
    return row_arrays_params(arrays, ret_params, err);
}

static enum lf_code tell(struct left_marks *left, const struct left_mark *marks, size_t count, struct pg_result **ret_rows,
                         struct err *err)
{
    static const struct pg_statement leave = {
        .sql = "UPDATE landfall.dirty_key d SET is_left = true, settled_at = greatest(d.settled_at, clock_timestamp() + "
               "make_interval(secs => k.seconds)) FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::int8[], $5::int4[], "
               "$6::text[]) AS k (table_name, h, sk, attempt, seconds, owner) WHERE d.table_name = k.table_name AND d.h = k.h "
               "AND d.sk = k.sk AND d.attempt = k.attempt AND d.owner = k.owner::uuid RETURNING d.attempt::text",
    };
    struct row_arrays arrays;
    struct pg_params params;
    enum lf_code code = tell_params(left, marks, count, &arrays, &params, err);
    if (!code)
        code = db_write(left->worker->db, &leave, &params, ret_rows, err);
    row_arrays_done(&arrays);
    return code;
}

static struct left_mark *take_some(struct left_marks *left, size_t *ret_count)
{
    struct left_mark *some = left->first, **end = &left->first;
    for (*ret_count = 0; *end && *ret_count < BATCH; ++*ret_count)
        end = &(*end)->next;
    left->first = *end;
    *end = NULL;
    return some;
}

static bool was_there(const struct pg_result *rows, const struct left_mark *mark)
{
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        if (pg_result_int64(rows, i, 0) == mark->attempt)
            return true;
    return false;
}

/* `rows` NULL: nobody was told. */
static void keep_or_forget(struct left_marks *left, struct left_mark *marks, const struct pg_result *rows)
{
    int64_t now_ms = loop_now_ms(left->worker->loop);
    for (struct left_mark *next; marks; marks = next) {
        next = marks->next;
        if (rows && (was_there(rows, marks) || now_ms >= marks->forget_ms)) {
            free(marks);
            continue;
        }
        marks->next = left->again;
        left->again = marks;
    }
}

static void tell_all(void *context)
{
    struct left_marks *left = context;
    enum lf_code code = LF_OK;
    while (!code && left->first) {
        size_t count;
        struct err err = ERR_INIT;
        PG_RESULT_CLEANUP struct pg_result *rows = NULL;
        struct left_mark *some = take_some(left, &count);
        code = tell(left, some, count, &rows, &err);
        keep_or_forget(left, some, rows);
        if (code)
            worker_log(left->worker, SPAN(""), &err);
    }
    left->is_telling = false;
    if (left->first || left->again)
        loop_timer_set(left->worker->loop, &left->timer, LEFT_MARKS_AGAIN_MS);
}

static void on_timer(void *context)
{
    struct left_marks *left = context;
    struct err err = ERR_INIT;
    struct left_mark **end = &left->first;
    if (left->is_telling)
        return;
    while (*end)
        end = &(*end)->next;
    *end = left->again;
    left->again = NULL;
    left->is_telling = true;
    if (!fiber_start(loop_fibers(left->worker->loop), tell_all, left, &err))
        return;
    left->is_telling = false;
    loop_timer_set(left->worker->loop, &left->timer, LEFT_MARKS_AGAIN_MS);
}

/* Adding --------------------------------------------------------------------------------------------------------------------- */

static struct span put(char **at, struct span bytes)
{
    char *begin = *at;
    memcpy(begin, bytes.ptr, bytes.len);
    *at += bytes.len;
    return span_of(begin, bytes.len);
}

static struct left_mark *copy(const struct mark *mark)
{
    struct span table = mark->table->name, h = mark->place.h, sk = mark->place.sk;
    struct left_mark *left = malloc(sizeof *left + table.len + h.len + sk.len);
    if (!left)
        return NULL;
    char *at = (char *)(left + 1);
    *left = (struct left_mark){ .attempt = mark->attempt };
    left->table = put(&at, table);
    left->h = put(&at, h);
    left->sk = put(&at, sk);
    return left;
}

/* Without memory for it the repairer finds the mark by its age. */
void left_marks_add(struct left_marks *left, const struct mark *marks, size_t count, unsigned seconds, bool is_taking)
{
    int64_t now_ms = loop_now_ms(left->worker->loop);
    for (size_t i = 0; i < count; i++) {
        struct left_mark *mark = copy(&marks[i]);
        if (!mark)
            continue;
        mark->lands_ms = now_ms + (int64_t)seconds * 1000;
        mark->forget_ms = now_ms + (is_taking ? LEFT_MARKS_TAKING_MS : 0);
        mark->next = left->first;
        left->first = mark;
    }
    if (left->is_telling)
        return;
    left->is_telling = true;
    tell_all(left);
}

/* Life ----------------------------------------------------------------------------------------------------------------------- */

enum lf_code left_marks_new(struct worker *worker, struct left_marks **ret_left, struct err *err)
{
    struct left_marks *left = calloc(1, sizeof *left);
    if (!left)
        return ERR(err, LF_MEMORY, "no memory for a gateway's marks");
    left->worker = worker;
    left->timer = (struct loop_timer){ .fire = on_timer, .context = left };
    *ret_left = left;
    return LF_OK;
}

static void free_list(struct left_mark *marks)
{
    for (struct left_mark *next; marks; marks = next) {
        next = marks->next;
        free(marks);
    }
}

void left_marks_free(struct left_marks *left)
{
    if (!left)
        return;
    loop_timer_cancel(left->worker->loop, &left->timer);
    free_list(left->first);
    free_list(left->again);
    free(left);
}
