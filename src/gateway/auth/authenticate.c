#include "gateway/auth/authenticate.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "base/hash.h"
#include "codec/timestamp.h"

enum { CACHE_SLOTS = 256, DATE_BYTES = 8, REGION_BYTES_MAX = 64, SIGNED_MAX = SERVER_HEADERS_MAX };

/* A signing key and what it was made for. */
struct cached_key {
    char id[32];
    char date[DATE_BYTES];
    char region[REGION_BYTES_MAX];
    unsigned char secret_hash[8]; /* of the secret, in case an id gets another */
    struct sigv4_key key;
};

struct auth_cache {
    struct cached_key slots[CACHE_SLOTS];
};

enum lf_code auth_cache_new(struct auth_cache **ret_cache, struct err *err)
{
    *ret_cache = calloc(1, sizeof **ret_cache);
    return *ret_cache ? LF_OK : ERR(err, LF_MEMORY, "no memory for signing keys");
}

void auth_cache_free(struct auth_cache *cache)
{
    if (cache)
        secret_wipe(cache, sizeof *cache);
    free(cache);
}

/* The Authorization header
 * ------------------------------------------------------------------------------------------------------- */

struct authorization {
    struct span id, date, region, service, terminator;
    struct span signed_headers;
    struct span signature;
};

static struct span trim(struct span text)
{
    while (text.len && text.ptr[0] == ' ')
        text = span_from(text, 1);
    while (text.len && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

static struct span cut(struct span *rest, char separator)
{
    size_t at = span_find_byte(*rest, separator);
    struct span first = span_of(rest->ptr, at);
    *rest = span_from(*rest, at + 1);
    return first;
}

static void read_credential(struct span text, struct authorization *authorization)
{
    authorization->id = cut(&text, '/');
    authorization->date = cut(&text, '/');
    authorization->region = cut(&text, '/');
    authorization->service = cut(&text, '/');
    authorization->terminator = text;
}

static enum lf_code read_authorization(struct span header, struct authorization *ret_authorization, struct err *err)
{
    struct authorization authorization = { 0 };
    struct span rest = header;
    if (!span_equal(cut(&rest, ' '), SPAN("AWS4-HMAC-SHA256")))
        return ERR(err, LF_INCOMPLETE_SIGNATURE, "Unsupported AWS 'algorithm': '%.*s'",
                   SPAN_ARG(span_of(header.ptr, span_find_byte(header, ' '))));
    while (rest.len) {
        struct span part = trim(cut(&rest, ','));
        struct span name = cut(&part, '=');
        if (span_equal(name, SPAN("Credential")))
            read_credential(part, &authorization);
        else if (span_equal(name, SPAN("SignedHeaders")))
            authorization.signed_headers = part;
        else if (span_equal(name, SPAN("Signature")))
            authorization.signature = part;
    }
    const char *missing = !authorization.id.len               ? "Credential"
                          : !authorization.signature.len      ? "Signature"
                          : !authorization.signed_headers.len ? "SignedHeaders"
                                                              : NULL;
    if (missing)
        return ERR(err, LF_INCOMPLETE_SIGNATURE, "Authorization header requires '%s' parameter. Authorization=%.*s", missing,
                   SPAN_ARG(header));
    *ret_authorization = authorization;
    return LF_OK;
}

/* Time
 * -----------------------------------------------------------------------------------------------------------------------------
 */

/* "20130524T000000Z" is "2013-05-24T00:00:00Z" without its punctuation. */
static bool read_time(struct span text, int64_t *ret_s)
{
    static const char form[] = "0123-56-89T12:45:78Z";
    char extended[sizeof form] = { 0 };
    int64_t us = 0;
    if (text.len != SIGV4_TIME_BYTES)
        return false;
    for (size_t i = 0, at = 0; i < sizeof form - 1; i++)
        extended[i] = form[i] == '-' || form[i] == ':' ? form[i] : text.ptr[at++];
    bool is_time = timestamp_parse(span_from_cstr(extended), TIMESTAMP_ISO8601, &us);
    *ret_s = us / 1000000 + TIMESTAMP_EPOCH_UNIX_SECONDS;
    return is_time;
}

static void put_time(int64_t at_s, char text[SIGV4_TIME_BYTES + 1])
{
    time_t at = (time_t)at_s;
    struct tm time;
    (void)gmtime_r(&at, &time);
    (void)strftime(text, SIGV4_TIME_BYTES + 1, "%Y%m%dT%H%M%SZ", &time);
}

static enum lf_code check_time(struct span text, const struct authorization *authorization, int64_t now_s, struct err *err)
{
    int64_t signed_s = 0;
    char now[SIGV4_TIME_BYTES + 1], bound[SIGV4_TIME_BYTES + 1];
    if (!read_time(text, &signed_s))
        return ERR(err, LF_INCOMPLETE_SIGNATURE,
                   "Date must be in ISO-8601 'basic format'. Got '%.*s'. See http://en.wikipedia.org/wiki/ISO_8601",
                   SPAN_ARG(text));
    if (!span_equal(span_of(text.ptr, DATE_BYTES), authorization->date))
        return ERR(err, LF_INVALID_SIGNATURE,
                   "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%.*s' != '%.*s', "
                   "from '%.*s'.",
                   SPAN_ARG(authorization->date), DATE_BYTES, text.ptr, SPAN_ARG(text));
    if (signed_s >= now_s - AUTH_SKEW_S_MAX && signed_s <= now_s + AUTH_SKEW_S_MAX)
        return LF_OK;
    put_time(now_s, now);
    if (signed_s < now_s) {
        put_time(now_s - AUTH_SKEW_S_MAX, bound);
        return ERR(err, LF_INVALID_SIGNATURE, "Signature expired: %.*s is now earlier than %s (%s - 5 min.)", SPAN_ARG(text),
                   bound, now);
    }
    put_time(now_s + AUTH_SKEW_S_MAX, bound);
    return ERR(err, LF_INVALID_SIGNATURE, "Signature not yet current: %.*s is still later than %s (%s + 5 min.)", SPAN_ARG(text),
               bound, now);
}

static enum lf_code check_scope(const struct authorization *authorization, struct err *err)
{
    if (!authorization->region.len || authorization->region.len > REGION_BYTES_MAX ||
        !span_equal(authorization->terminator, SPAN("aws4_request")))
        return ERR(err, LF_INCOMPLETE_SIGNATURE,
                   "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term");
    if (!span_equal(authorization->service, SPAN("dynamodb")))
        return ERR(err, LF_INVALID_SIGNATURE, "Credential should be scoped to correct service: 'dynamodb'.");
    return LF_OK;
}

/* The request as its client signed it
 * ---------------------------------------------------------------------------------------------- */

static bool equal_without_case(struct span a, struct span b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static size_t add_header(const struct http_request *request, struct span name, struct sigv4_header *headers, size_t count)
{
    for (size_t i = 0; i < request->header_count && count < SIGNED_MAX; i++)
        if (equal_without_case(request->headers[i].name, name))
            headers[count++] = request->headers[i];
    return count;
}

/* A host that is not signed could be another's, a date that is not signed any. */
static enum lf_code signed_headers(const struct http_request *request, struct span list, struct sigv4_header *headers,
                                   size_t *ret_count, struct err *err)
{
    bool has_host = false, has_date = false;
    size_t count = 0;
    while (list.len) {
        struct span name = cut(&list, ';');
        size_t before = count;
        count = add_header(request, name, headers, count);
        if (count == before)
            return ERR(err, LF_INVALID_SIGNATURE, "'%.*s' is named in SignedHeaders and not among the request's headers.",
                       SPAN_ARG(name));
        has_host |= equal_without_case(name, SPAN("host"));
        has_date |= equal_without_case(name, SPAN("x-amz-date"));
    }
    if (!has_host || !has_date)
        return ERR(err, LF_INVALID_SIGNATURE, "'Host' or 'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization.");
    *ret_count = count;
    return LF_OK;
}

/* Keys
 * ------------------------------------------------------------------------------------------------------------------------------
 */

static bool fits(const struct cached_key *slot, const struct access_key *key, const struct authorization *authorization,
                 uint64_t secret_hash)
{
    return strncmp(slot->id, key->id.ptr, key->id.len) == 0 && !slot->id[key->id.len] &&
           memcmp(slot->date, authorization->date.ptr, DATE_BYTES) == 0 &&
           strncmp(slot->region, authorization->region.ptr, authorization->region.len) == 0 &&
           (authorization->region.len == REGION_BYTES_MAX || !slot->region[authorization->region.len]) &&
           memcmp(slot->secret_hash, &secret_hash, sizeof secret_hash) == 0;
}

static enum lf_code signing_key(struct auth_cache *cache, const struct access_key *key, const struct authorization *authorization,
                                const struct sigv4_scope *scope, const struct sigv4_key **ret_key, struct err *err)
{
    uint64_t secret_hash = hash64(secret_reveal(key->secret), 0);
    struct cached_key *slot = &cache->slots[hash64(authorization->region, hash64(key->id, secret_hash)) % CACHE_SLOTS];
    if (key->id.len >= sizeof slot->id)
        return ERR(err, LF_UNRECOGNIZED_CLIENT, "The security token included in the request is invalid.");
    if (!fits(slot, key, authorization, secret_hash)) {
        secret_wipe(slot, sizeof *slot);
        TRY(sigv4_key_derive(key->secret, scope, &slot->key, err));
        memcpy(slot->id, key->id.ptr, key->id.len);
        memcpy(slot->date, authorization->date.ptr, DATE_BYTES);
        memcpy(slot->region, authorization->region.ptr, authorization->region.len);
        memcpy(slot->secret_hash, &secret_hash, sizeof secret_hash);
    }
    *ret_key = &slot->key;
    return LF_OK;
}

/* All together
 * ---------------------------------------------------------------------------------------------------------------------- */

static enum lf_code check_signature(struct auth_cache *cache, const struct access_key *key, const struct http_request *request,
                                    const struct authorization *authorization, struct span time, struct err *err)
{
    struct sigv4_header headers[SIGNED_MAX];
    struct sigv4_request canonical = {
        .method = request->method, .path = request->path, .query = request->query, .headers = headers
    };
    struct sigv4_scope scope = { .time = time, .region = authorization->region, .service = authorization->service };
    const struct sigv4_key *signing = NULL;
    struct sigv4_signature signature;
    TRY(signed_headers(request, authorization->signed_headers, headers, &canonical.header_count, err));
    TRY(sigv4_payload_hash(request->body, request->arena, &canonical.payload_hash, err));
    TRY(signing_key(cache, key, authorization, &scope, &signing, err));
    TRY(sigv4_sign_with(&canonical, &scope, signing, request->arena, &signature, err));
    if (authorization->signature.len != signature.text.len ||
        CRYPTO_memcmp(authorization->signature.ptr, signature.text.ptr, signature.text.len) != 0)
        return ERR(
            err, LF_INVALID_SIGNATURE,
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
            "signing method. Consult the service documentation for details.");
    return LF_OK;
}

enum lf_code authenticate(struct auth_cache *cache, const struct access_keys *keys, const struct http_request *request,
                          int64_t now_s, const struct access_key **ret_key, struct err *err)
{
    struct authorization authorization;
    const struct span *header = http_request_header(request, "authorization");
    const struct span *time = http_request_header(request, "x-amz-date");
    if (!header)
        return ERR(err, LF_MISSING_AUTHENTICATION_TOKEN, "Request is missing Authentication Token");
    TRY(read_authorization(*header, &authorization, err));
    if (!time)
        return ERR(err, LF_INCOMPLETE_SIGNATURE,
                   "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=%.*s",
                   SPAN_ARG(*header));
    TRY(check_scope(&authorization, err));
    TRY(check_time(*time, &authorization, now_s, err));
    const struct access_key *key = access_keys_find(keys, authorization.id);
    if (!key)
        return ERR(err, LF_UNRECOGNIZED_CLIENT, "The security token included in the request is invalid.");
    TRY(check_signature(cache, key, request, &authorization, *time, err));
    *ret_key = key;
    return LF_OK;
}
