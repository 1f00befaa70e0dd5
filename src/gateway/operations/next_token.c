#include "gateway/operations/next_token.h"

#include "base/hash.h"
#include "codec/base64.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

enum { TOKEN_BYTES_MAX = 64 * 1024 };

uint64_t next_token_binding(struct span statement, const struct api_value_list *parameters)
{
    uint64_t binding = hash64(statement, 0);
    for (size_t i = 0; i < parameters->count; i++) {
        struct hash128 hash = value_hash(&parameters->values[i]);
        binding = hash64(span_of((const char *)&hash, sizeof hash), binding);
    }
    return binding;
}

enum lf_code next_token_make(uint64_t binding, const struct item *key, struct arena *arena, struct span *ret_token,
                             struct err *err)
{
    struct buf plain, token;
    buf_init(&plain, TOKEN_BYTES_MAX);
    buf_init(&token, TOKEN_BYTES_MAX);
    buf_put(&plain, &binding, sizeof binding);
    ddbjson_put_item(&plain, key);
    base64_put(&token, buf_span(&plain));
    enum lf_code code = buf_check(&plain, err);
    if (!code)
        code = buf_check(&token, err);
    if (!code)
        code = arena_copy(arena, buf_span(&token), ret_token, err);
    buf_done(&plain);
    buf_done(&token);
    return code;
}

static enum lf_code refuse(enum lf_code code, struct err *err)
{
    return code == LF_MEMORY ? code : ERR(err, LF_VALIDATION, "Invalid NextToken");
}

enum lf_code next_token_read(uint64_t binding, struct span token, struct arena *arena, struct item *ret_key, struct err *err)
{
    struct span plain;
    struct json_reader json;
    enum lf_code code = base64_decode(token, arena, &plain, err);
    if (code || plain.len < sizeof binding)
        return refuse(code, err);
    if (memcmp(plain.ptr, &binding, sizeof binding) != 0)
        return ERR(err, LF_VALIDATION, "NextToken does not match request");
    json_init(&json, span_from(plain, sizeof binding), arena);
    code = ddbjson_read_item(&json, ret_key, err);
    return code ? refuse(code, err) : LF_OK;
}
