#include "codec/sigv4.h"

#include <stdlib.h>

#include "codec/sha256.h"

/* The usual ones are of an ordinary request: enough for one allocation each. */
enum { CANONICAL_BYTES_MAX = 16 * 1024 * 1024, CANONICAL_BYTES_USUAL = 1024, NAMES_BYTES_USUAL = 128, DATE_BYTES = 8 };
static const char algorithm[] = "AWS4-HMAC-SHA256";

/* Percent encoding --------------------------------------------------------------------------------------------------------- */

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

void sigv4_put_encoded(struct buf *buf, struct span text, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        unsigned char byte = (unsigned char)c;
        if (is_unreserved(c) || (c == '/' && keep_slash))
            buf_put_byte(buf, c);
        else
            buf_put(buf, (char[]){ '%', digits[byte >> 4], digits[byte & 15] }, 3);
    }
}

/* What is no escape stays as it is. */
static enum lf_code decode(struct span text, struct arena *arena, struct span *ret_bytes, struct err *err)
{
    char *bytes = arena_alloc(arena, text.len, err);
    size_t len = 0;
    if (!bytes)
        return err->code;
    for (size_t i = 0; i < text.len; i++) {
        int high = text.ptr[i] == '%' && text.len - i > 2 ? span_hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? span_hex_digit(text.ptr[i + 2]) : -1;
        bytes[len++] = (char)(low < 0 ? text.ptr[i] : high << 4 | low);
        i += low < 0 ? 0 : 2;
    }
    *ret_bytes = span_of(bytes, len);
    return LF_OK;
}

static enum lf_code encode_again(struct span text, struct arena *arena, struct span *ret_text, struct err *err)
{
    struct span bytes;
    struct buf encoded;
    TRY(decode(text, arena, &bytes, err));
    buf_init(&encoded, CANONICAL_BYTES_MAX);
    sigv4_put_encoded(&encoded, bytes, false);
    enum lf_code code = buf_check(&encoded, err);
    if (code == LF_OK)
        code = arena_copy(arena, buf_span(&encoded), ret_text, err);
    buf_done(&encoded);
    return code;
}

/* Canonical request -------------------------------------------------------------------------------------------------------- */

static enum lf_code put_path(struct buf *out, const struct sigv4_request *request, struct arena *arena, struct err *err)
{
    struct span path = request->path;
    if (request->is_s3)
        TRY(decode(request->path, arena, &path, err));
    sigv4_put_encoded(out, path.len ? path : SPAN("/"), true);
    buf_put_byte(out, '\n');
    return LF_OK;
}

/* A name and a value of the query or of the headers, in canonical form. */
struct pair {
    struct span name, value;
    size_t number; /* in the request */
};

static int compare_queries(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    int order = span_compare(left->name, right->name);
    return order ? order : span_compare(left->value, right->value);
}

static int compare_headers(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    int order = span_compare(left->name, right->name);
    return order ? order : (left->number > right->number) - (left->number < right->number);
}

static size_t count_parameters(struct span query)
{
    size_t count = 1;
    for (size_t i = 0; i < query.len; i++)
        count += query.ptr[i] == '&';
    return count;
}

static enum lf_code read_parameter(struct span parameter, struct arena *arena, struct pair *ret_pair, struct err *err)
{
    size_t equals = span_find_byte(parameter, '=');
    TRY(encode_again(span_of(parameter.ptr, equals), arena, &ret_pair->name, err));
    return encode_again(span_from(parameter, equals + 1), arena, &ret_pair->value, err);
}

static enum lf_code put_query(struct buf *out, struct span query, struct arena *arena, struct err *err)
{
    size_t count = 0;
    struct pair *pairs = arena_calloc(arena, count_parameters(query), sizeof *pairs, err);
    if (!pairs)
        return err->code;
    while (query.len) {
        size_t end = span_find_byte(query, '&');
        if (end)
            TRY(read_parameter(span_of(query.ptr, end), arena, &pairs[count++], err));
        query = span_from(query, end + 1);
    }
    qsort(pairs, count, sizeof *pairs, compare_queries);
    for (size_t i = 0; i < count; i++) {
        buf_put_cstr(out, i ? "&" : "");
        buf_put_span(out, pairs[i].name);
        buf_put_byte(out, '=');
        buf_put_span(out, pairs[i].value);
    }
    buf_put_byte(out, '\n');
    return LF_OK;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Spaces around it go, runs of spaces in it become one. */
static enum lf_code fold_value(struct span value, struct arena *arena, struct span *ret_folded, struct err *err)
{
    char *folded = arena_alloc(arena, value.len, err);
    size_t len = 0;
    if (!folded)
        return err->code;
    for (size_t i = 0; i < value.len; i++) {
        if (!is_space(value.ptr[i]))
            folded[len++] = value.ptr[i];
        else if (len && folded[len - 1] != ' ')
            folded[len++] = ' ';
    }
    len -= len && folded[len - 1] == ' ';
    *ret_folded = span_of(folded, len);
    return LF_OK;
}

static enum lf_code lower_name(struct span name, struct arena *arena, struct span *ret_lower, struct err *err)
{
    char *lower = arena_alloc(arena, name.len, err);
    if (!lower)
        return err->code;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? (char)(name.ptr[i] | 0x20) : name.ptr[i];
    *ret_lower = span_of(lower, name.len);
    return LF_OK;
}

static enum lf_code sort_headers(const struct sigv4_request *request, struct arena *arena, struct pair **ret_pairs,
                                 struct err *err)
{
    struct pair *pairs = arena_calloc(arena, request->header_count, sizeof *pairs, err);
    if (!pairs)
        return err->code;
    for (size_t i = 0; i < request->header_count; i++) {
        pairs[i].number = i;
        TRY(lower_name(request->headers[i].name, arena, &pairs[i].name, err));
        TRY(fold_value(request->headers[i].value, arena, &pairs[i].value, err));
    }
    qsort(pairs, request->header_count, sizeof *pairs, compare_headers);
    *ret_pairs = pairs;
    return LF_OK;
}

/* Writes the headers to `out` and their names to `names`. */
static enum lf_code put_headers(struct buf *out, struct buf *names, const struct sigv4_request *request, struct arena *arena,
                                struct err *err)
{
    struct pair *pairs;
    TRY(sort_headers(request, arena, &pairs, err));
    for (size_t i = 0; i < request->header_count; i++) {
        bool goes_on = i && span_equal(pairs[i].name, pairs[i - 1].name);
        if (i)
            buf_put_byte(out, goes_on ? ',' : '\n');
        if (!goes_on) {
            buf_put_cstr(names, i ? ";" : "");
            buf_put_span(names, pairs[i].name);
            buf_put_span(out, pairs[i].name);
            buf_put_byte(out, ':');
        }
        buf_put_span(out, pairs[i].value);
    }
    buf_put_cstr(out, "\n\n");
    return LF_OK;
}

static enum lf_code put_canonical(struct buf *out, struct buf *names, const struct sigv4_request *request, struct arena *arena,
                                  struct err *err)
{
    buf_put_span(out, request->method);
    buf_put_byte(out, '\n');
    TRY(put_path(out, request, arena, err));
    TRY(put_query(out, request->query, arena, err));
    TRY(put_headers(out, names, request, arena, err));
    buf_put_span(out, buf_span(names));
    buf_put_byte(out, '\n');
    buf_put_span(out, request->payload_hash);
    TRY(buf_check(names, err));
    return buf_check(out, err);
}

static enum lf_code make_canonical(const struct sigv4_request *request, struct arena *arena, struct sigv4_signature *signature,
                                   struct err *err)
{
    struct buf out, names;
    buf_init(&out, CANONICAL_BYTES_MAX);
    buf_init(&names, CANONICAL_BYTES_MAX);
    (void)buf_reserve(&out, CANONICAL_BYTES_USUAL);
    (void)buf_reserve(&names, NAMES_BYTES_USUAL);
    enum lf_code code = put_canonical(&out, &names, request, arena, err);
    if (code == LF_OK)
        code = arena_copy(arena, buf_span(&out), &signature->canonical_request, err);
    if (code == LF_OK)
        code = arena_copy(arena, buf_span(&names), &signature->signed_headers, err);
    buf_done(&out);
    buf_done(&names);
    return code;
}

/* Signature ---------------------------------------------------------------------------------------------------------------- */

enum lf_code sigv4_payload_hash(struct span body, struct arena *arena, struct span *ret_hash, struct err *err)
{
    char text[SHA256_HEX_BYTES + 1];
    sha256_hex(body, text);
    return arena_copy(arena, span_of(text, SHA256_HEX_BYTES), ret_hash, err);
}

static void derive_key(struct span first, const struct sigv4_scope *scope, unsigned char key[SHA256_BYTES])
{
    struct span last = span_of((const char *)key, SHA256_BYTES);
    hmac_sha256(first, span_of(scope->time.ptr, DATE_BYTES), key);
    hmac_sha256(last, scope->region, key);
    hmac_sha256(last, scope->service, key);
    hmac_sha256(last, SPAN("aws4_request"), key);
}

enum lf_code sigv4_key_derive(struct secret secret_key, const struct sigv4_scope *scope, struct sigv4_key *ret_key,
                              struct err *err)
{
    struct buf first;
    buf_init(&first, CANONICAL_BYTES_MAX);
    buf_put_cstr(&first, "AWS4");
    buf_put_span(&first, secret_reveal(secret_key));
    enum lf_code code = buf_check(&first, err);
    if (code == LF_OK)
        derive_key(buf_span(&first), scope, ret_key->bytes);
    secret_wipe(first.data, first.len);
    buf_done(&first);
    return code;
}

static enum lf_code string_to_sign(const struct sigv4_scope *scope, struct span canonical, struct arena *arena,
                                   struct span *ret_text, struct err *err)
{
    char hash[SHA256_HEX_BYTES + 1];
    sha256_hex(canonical, hash);
    const struct span parts[] = {
        span_from_cstr(algorithm),
        SPAN("\n"),
        scope->time,
        SPAN("\n"),
        span_of(scope->time.ptr, DATE_BYTES),
        SPAN("/"),
        scope->region,
        SPAN("/"),
        scope->service,
        SPAN("/aws4_request\n"),
        span_of(hash, SHA256_HEX_BYTES),
    };
    return arena_join(arena, parts, sizeof parts / sizeof *parts, ret_text, err);
}

/* "20130524T000000Z" */
static bool is_time(struct span time)
{
    for (size_t i = 0; i < time.len; i++)
        if (i == DATE_BYTES ? time.ptr[i] != 'T' : i < SIGV4_TIME_BYTES - 1 && (time.ptr[i] < '0' || time.ptr[i] > '9'))
            return false;
    return time.len == SIGV4_TIME_BYTES && time.ptr[SIGV4_TIME_BYTES - 1] == 'Z';
}

static enum lf_code check_time(struct span time, struct err *err)
{
    if (!is_time(time))
        return ERR(err, LF_USAGE, "\"%.*s\" is no time of a signature, like 20130524T000000Z", SPAN_ARG(time));
    return LF_OK;
}

enum lf_code sigv4_sign_with(const struct sigv4_request *request, const struct sigv4_scope *scope, const struct sigv4_key *key,
                             struct arena *arena, struct sigv4_signature *ret_signature, struct err *err)
{
    struct sigv4_signature signature;
    struct span text;
    unsigned char digest[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES + 1];
    TRY(check_time(scope->time, err));
    TRY(make_canonical(request, arena, &signature, err));
    TRY(string_to_sign(scope, signature.canonical_request, arena, &text, err));
    hmac_sha256(span_of((const char *)key->bytes, sizeof key->bytes), text, digest);
    sha256_put_hex(digest, hex);
    TRY(arena_copy(arena, span_of(hex, SHA256_HEX_BYTES), &signature.text, err));
    *ret_signature = signature;
    return LF_OK;
}

enum lf_code sigv4_sign(const struct sigv4_request *request, const struct sigv4_scope *scope, struct secret secret_key,
                        struct arena *arena, struct sigv4_signature *ret_signature, struct err *err)
{
    struct sigv4_key key;
    TRY(check_time(scope->time, err));
    TRY(sigv4_key_derive(secret_key, scope, &key, err));
    enum lf_code code = sigv4_sign_with(request, scope, &key, arena, ret_signature, err);
    secret_wipe(&key, sizeof key);
    return code;
}

enum lf_code sigv4_authorization(const struct sigv4_signature *signature, const struct sigv4_scope *scope,
                                 struct span access_key_id, struct arena *arena, struct span *ret_value, struct err *err)
{
    return arena_printf(arena, ret_value, err,
                        "%s Credential=%.*s/%.*s/%.*s/%.*s/aws4_request, SignedHeaders=%.*s, Signature=%.*s", algorithm,
                        SPAN_ARG(access_key_id), DATE_BYTES, scope->time.ptr, SPAN_ARG(scope->region), SPAN_ARG(scope->service),
                        SPAN_ARG(signature->signed_headers), SPAN_ARG(signature->text));
}
