/* The first byte chooses the operation, the rest is the body: what is accepted keeps the shape's promises; what is refused is
 * refused in DynamoDB's words. */
#include "fuzz.h"

#include "gateway/shape.h"

enum { REQUEST_BYTES_MAX = 4096 };

static void check_refusal(enum lf_code code, const struct err *err)
{
    CHECK(code == LF_SERIALIZATION || code == LF_VALIDATION);
    CHECK(err->code == code && err->message[0] != '\0');
}

static void check_values(const struct shape_head *head)
{
    struct err err = ERR_INIT;
    enum lf_code code = shape_check_values(head, &err);
    CHECK(code == LF_OK || (code == LF_VALIDATION && err.message[0] != '\0'));
}

static void check_strings(const struct shape *shape, const char *request)
{
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        struct span text;
        memcpy(&text, request + member->offset, sizeof text);
        if (member->shape->type != SHAPE_STRING)
            continue;
        CHECK(!member->is_required || text.ptr);
        CHECK(!text.ptr || !member->shape->has_max || text.len <= (size_t)member->shape->max);
        CHECK(!text.ptr || !member->shape->has_min || text.len >= (size_t)member->shape->min);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    max_align_t request[REQUEST_BYTES_MAX / sizeof(max_align_t)];
    struct arena arena;
    struct err err = ERR_INIT;
    if (size == 0)
        return 0;
    const struct shape *shape = operation_info((enum operation)(data[0] % OPERATIONS))->request;
    CHECK(shape->size <= sizeof request);
    arena_init(&arena, FUZZ_MEMORY_BYTES);
    enum lf_code code = shape_read(shape, fuzz_input(data + 1, size - 1), &arena, request, &err);
    if (code == LF_OK) {
        check_values((const struct shape_head *)request);
        check_strings(shape, (const char *)request);
    } else {
        check_refusal(code, &err);
    }
    arena_done(&arena);
    return 0;
}
