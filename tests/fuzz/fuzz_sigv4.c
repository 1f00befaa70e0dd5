/*
 * sigv4: input "path?query\nheader value". What was made canonical is canonical: signing it again, as S3's path and query are
 * written there, gives the same request.
 */
#include "codec/sigv4.h"
#include "fuzz.h"

static struct span cut(struct span *rest, char at)
{
    size_t end = span_find_byte(*rest, at);
    struct span part = span_of(rest->ptr, end);
    *rest = span_from(*rest, end + 1);
    return part;
}

static struct span sign(struct span path, struct span query, struct span value, struct arena *arena)
{
    struct err err = ERR_INIT;
    struct sigv4_signature signature;
    const struct sigv4_header headers[] = { { SPAN("B"), value }, { SPAN("a"), value }, { SPAN("b"), SPAN("x") } };
    const struct sigv4_request request = { SPAN("GET"), path, query, headers, 3, SPAN("hash"), true };
    const struct sigv4_scope scope = { SPAN("20130524T000000Z"), SPAN("region"), SPAN("s3") };
    CHECK(sigv4_sign(&request, &scope, secret_of(value), arena, &signature, &err) == LF_OK);
    CHECK(signature.text.len == SIGV4_SIGNATURE_BYTES && span_equal(signature.signed_headers, SPAN("a;b")));
    return signature.canonical_request;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, FUZZ_MEMORY_BYTES);
    struct span value = fuzz_input(data, size);
    struct span query = cut(&value, '\n');
    struct span path = cut(&query, '?');
    struct span canonical = sign(path, query, value, &arena), rest = canonical;
    CHECK(span_equal(cut(&rest, '\n'), SPAN("GET")));
    path = cut(&rest, '\n');
    query = cut(&rest, '\n');
    CHECK(span_equal(sign(path, query, value, &arena), canonical));
    arena_done(&arena);
    return 0;
}
