#include "gateway/auth/access_key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_text.h"
#include "codec/json.h"

enum {
    FILE_KEY_BYTES = 32,
    FILE_TEXT_BYTES = 2 * FILE_KEY_BYTES,
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    ID_BYTES = 20,
    SECRET_BYTES = 40,
    SECRET_BYTES_MAX = 256,
    GRANTS_MAX = 256,
    ARENA_BYTES_MAX = 64 * 1024 * 1024,
};

struct key_file {
    unsigned char bytes[FILE_KEY_BYTES];
};

struct access_keys {
    _Atomic size_t owners;
    struct arena arena;
    struct access_key *keys; /* in order of id */
    size_t count;
    char *secrets; /* all of them in a row; wiped at the end */
    size_t secrets_len;
    struct err left_out; /* why the first key that cannot be used is not here; LF_OK: all are */
};

/* The key file ------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code make_file(const char *path, struct err *err)
{
    unsigned char bytes[FILE_KEY_BYTES];
    char text[FILE_TEXT_BYTES + 2];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? LF_OK : ERR(err, LF_IO, "cannot make the key file %s: %m", path);
    bool is_good = RAND_bytes(bytes, sizeof bytes) == 1;
    for (size_t i = 0; i < sizeof bytes; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    text[FILE_TEXT_BYTES] = '\n';
    is_good = is_good && write(fd, text, FILE_TEXT_BYTES + 1) == FILE_TEXT_BYTES + 1 && fsync(fd) == 0;
    secret_wipe(bytes, sizeof bytes);
    secret_wipe(text, sizeof text);
    (void)close(fd);
    return is_good ? LF_OK : ERR(err, LF_IO, "cannot write the key file %s", path);
}

/* Two digits a byte. */
static bool read_hex(struct span digits, unsigned char *ret_bytes)
{
    for (size_t i = 0; i + 1 < digits.len; i += 2) {
        int high = span_hex_digit(digits.ptr[i]), low = span_hex_digit(digits.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret_bytes[i / 2] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static enum lf_code check_owner_only(const char *path, struct err *err)
{
    struct stat status;
    if (stat(path, &status) == 0 && status.st_mode & (S_IRWXG | S_IRWXO))
        return ERR(err, LF_USAGE, "the key file %s can be read by others; chmod 600 it", path);
    return LF_OK;
}

static enum lf_code read_file(const char *path, struct arena *arena, struct key_file *file, struct err *err)
{
    struct span text;
    TRY(check_owner_only(path, err));
    TRY(file_text_read(span_from_cstr(path), 2 * FILE_TEXT_BYTES, arena, &text, err));
    struct span rest = text, line = span_cut_line(&rest);
    bool is_good = line.len == FILE_TEXT_BYTES && read_hex(line, file->bytes);
    secret_wipe((char *)(uintptr_t)text.ptr, text.len);
    return is_good ? LF_OK : ERR(err, LF_USAGE, "the key file %s does not hold 64 hexadecimal digits and a newline", path);
}

enum lf_code key_file_read(const char *path, bool create, struct key_file **ret_file, struct err *err)
{
    struct arena arena;
    if (create)
        TRY(make_file(path, err));
    struct key_file *file = calloc(1, sizeof *file);
    if (!file)
        return ERR(err, LF_MEMORY, "no memory for the key file");
    arena_init(&arena, ARENA_BYTES_MAX);
    enum lf_code code = read_file(path, &arena, file, err);
    arena_done(&arena);
    if (code)
        key_file_free(file);
    else
        *ret_file = file;
    return code;
}

void key_file_free(struct key_file *file)
{
    if (file)
        secret_wipe(file, sizeof *file);
    free(file);
}

/* Secrets: nonce, ciphertext, tag; the id is authenticated with them
 * -------------------------------------------------------------- */

static enum lf_code seal(const struct key_file *file, struct span id, struct span secret, char *ret_sealed, struct err *err)
{
    unsigned char *nonce = (unsigned char *)ret_sealed, *text = nonce + NONCE_BYTES, *tag = text + secret.len;
    int len = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    bool is_good = cipher && RAND_bytes(nonce, NONCE_BYTES) == 1 &&
                   EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, file->bytes, nonce) == 1 &&
                   EVP_EncryptUpdate(cipher, NULL, &len, (const unsigned char *)id.ptr, (int)id.len) == 1 &&
                   EVP_EncryptUpdate(cipher, text, &len, (const unsigned char *)secret.ptr, (int)secret.len) == 1 &&
                   EVP_EncryptFinal_ex(cipher, text + len, &len) == 1 &&
                   EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, tag) == 1;
    EVP_CIPHER_CTX_free(cipher);
    return is_good ? LF_OK : ERR(err, LF_MEMORY, "cannot encrypt a secret");
}

static bool unseal(const struct key_file *file, struct span id, struct span sealed, char *ret_secret)
{
    const unsigned char *nonce = (const unsigned char *)sealed.ptr, *text = nonce + NONCE_BYTES;
    size_t text_len = sealed.len - NONCE_BYTES - TAG_BYTES;
    unsigned char tag[TAG_BYTES];
    int len = 0;
    memcpy(tag, text + text_len, TAG_BYTES);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    bool is_good = cipher && EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, file->bytes, nonce) == 1 &&
                   EVP_DecryptUpdate(cipher, NULL, &len, (const unsigned char *)id.ptr, (int)id.len) == 1 &&
                   EVP_DecryptUpdate(cipher, (unsigned char *)ret_secret, &len, text, (int)text_len) == 1 &&
                   EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
                   EVP_DecryptFinal_ex(cipher, (unsigned char *)ret_secret + len, &len) == 1;
    EVP_CIPHER_CTX_free(cipher);
    return is_good;
}

/* Grants: [{"table": "Orders*", "allow": ["read", "write"]}]
 * ---------------------------------------------------------------------- */

static enum lf_code read_allow(struct json_reader *reader, unsigned *ret_allows, struct err *err)
{
    static const struct span names[] = {
        [GRANT_READ] = { "read", 4 }, [GRANT_WRITE] = { "write", 5 }, [GRANT_ADMIN] = { "admin", 5 }
    };
    struct json_token token;
    TRY(json_expect(reader, JSON_ARRAY_BEGIN, &token, err));
    TRY(json_next(reader, &token, err));
    while (token.kind != JSON_ARRAY_END) {
        unsigned before = *ret_allows;
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
            if (token.kind == JSON_STRING && span_equal(token.text, names[i]))
                *ret_allows |= 1u << i;
        if (before == *ret_allows)
            return ERR_AT(err, LF_USAGE, token.offset, "grants allow \"read\", \"write\" or \"admin\", each once");
        TRY(json_next(reader, &token, err));
    }
    return LF_OK;
}

static enum lf_code read_grant(struct json_reader *reader, struct access_grant *grant, struct err *err)
{
    struct json_token token;
    TRY(json_next(reader, &token, err));
    while (token.kind != JSON_OBJECT_END) {
        if (span_equal(token.text, SPAN("table"))) {
            TRY(json_expect(reader, JSON_STRING, &token, err));
            grant->pattern = token.text;
        } else if (span_equal(token.text, SPAN("allow"))) {
            TRY(read_allow(reader, &grant->allows, err));
        } else {
            return ERR_AT(err, LF_USAGE, token.offset, "a grant has \"table\" and \"allow\", not \"%.*s\"", SPAN_ARG(token.text));
        }
        TRY(json_next(reader, &token, err));
    }
    if (!grant->pattern.len || !grant->allows)
        return ERR_AT(err, LF_USAGE, token.offset, "a grant needs \"table\", a pattern, and \"allow\", a list");
    return LF_OK;
}

static enum lf_code read_grants(struct span json, struct arena *arena, struct access_key *key, struct err *err)
{
    struct json_reader reader;
    struct json_token token;
    struct access_grant *grants = arena_calloc(arena, GRANTS_MAX, sizeof *grants, err);
    if (!grants)
        return err->code;
    json_init(&reader, json, arena);
    TRY(json_expect(&reader, JSON_ARRAY_BEGIN, &token, err));
    TRY(json_next(&reader, &token, err));
    while (token.kind == JSON_OBJECT_BEGIN) {
        if (key->grant_count == GRANTS_MAX)
            return ERR_AT(err, LF_USAGE, token.offset, "a key has at most %d grants", GRANTS_MAX);
        TRY(read_grant(&reader, &grants[key->grant_count++], err));
        TRY(json_next(&reader, &token, err));
    }
    if (token.kind != JSON_ARRAY_END)
        return ERR_AT(err, LF_USAGE, token.offset, "grants are a list of objects");
    key->grants = grants;
    return json_end(&reader, err);
}

/* `*` stands for any characters, `?` for one. */
static bool matches(struct span pattern, struct span name)
{
    size_t p = 0, n = 0, star = pattern.len, behind = 0;
    while (n < name.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            behind = n;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == name.ptr[n])) {
            p++;
            n++;
        } else if (star < pattern.len) {
            p = star + 1;
            n = ++behind;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool access_key_allows(const struct access_key *key, enum operation_grant grant, struct span table_name)
{
    for (size_t i = 0; key && i < key->grant_count; i++)
        if (key->grants[i].allows & 1u << grant && matches(key->grants[i].pattern, table_name))
            return true;
    return !key;
}

/* Sets
 * --------------------------------------------------------------------------------------------------------------------------- */

static struct span field_of(const struct pg_result *rows, size_t row, size_t column)
{
    return span_from_cstr(pg_result_text(rows, row, column));
}

static enum lf_code take_key(struct access_keys *keys, const struct key_file *file, const struct pg_result *rows, size_t row,
                             struct err *err)
{
    unsigned char sealed[SECRET_BYTES_MAX];
    struct access_key key = { 0 };
    struct span json;
    struct span digits = span_from(field_of(rows, row, 1), 2); /* bytea in text form begins with \x */
    size_t len = digits.len / 2;
    char *secret = keys->secrets + keys->secrets_len;
    TRY(arena_copy(&keys->arena, field_of(rows, row, 0), &key.id, err));
    TRY(arena_copy(&keys->arena, field_of(rows, row, 2), &json, err));
    if (len < NONCE_BYTES + TAG_BYTES || len > sizeof sealed || !read_hex(digits, sealed) ||
        !unseal(file, key.id, span_of((const char *)sealed, len), secret))
        return ERR(err, LF_CREDENTIALS, "the secret of access key %.*s was encrypted with another key file", SPAN_ARG(key.id));
    key.secret = secret_of(span_of(secret, len - NONCE_BYTES - TAG_BYTES));
    keys->secrets_len += len - NONCE_BYTES - TAG_BYTES;
    if (read_grants(json, &keys->arena, &key, err))
        return err_while(err, "reading the grants of access key %.*s", SPAN_ARG(key.id));
    keys->keys[keys->count++] = key;
    return LF_OK;
}

static enum lf_code take_keys(struct access_keys *keys, const struct key_file *file, const struct pg_result *rows,
                              struct err *err)
{
    size_t count = pg_result_rows(rows);
    keys->keys = arena_calloc(&keys->arena, count + 1, sizeof *keys->keys, err);
    keys->secrets = calloc(count + 1, SECRET_BYTES_MAX);
    if (!keys->keys || !keys->secrets)
        return ERR(err, LF_MEMORY, "no memory for access keys");
    for (size_t i = 0; i < count; i++) {
        struct err why = ERR_INIT;
        if (take_key(keys, file, rows, i, &why) && !keys->left_out.code)
            keys->left_out = why;
    }
    return LF_OK;
}

enum lf_code access_keys_ask(struct pg_conn *conn, struct pg_result **ret_rows, struct err *err)
{
    return pg_query(conn, "SELECT id, secret, grants::text FROM landfall.access_key WHERE disabled_at IS NULL ORDER BY id",
                    &(struct pg_params){ 0 }, ret_rows, err);
}

enum lf_code access_keys_new(const struct pg_result *rows, const struct key_file *file, struct access_keys **ret_keys,
                             struct err *err)
{
    struct access_keys *keys = calloc(1, sizeof *keys);
    if (!keys)
        return ERR(err, LF_MEMORY, "no memory for access keys");
    atomic_init(&keys->owners, 1);
    arena_init(&keys->arena, ARENA_BYTES_MAX);
    enum lf_code code = take_keys(keys, file, rows, err);
    if (code)
        access_keys_unref(keys);
    else
        *ret_keys = keys;
    return code;
}

const struct err *access_keys_left_out(const struct access_keys *keys)
{
    return &keys->left_out;
}

size_t access_keys_count(const struct access_keys *keys)
{
    return keys->count;
}

void access_keys_ref(struct access_keys *keys)
{
    atomic_fetch_add(&keys->owners, 1);
}

void access_keys_unref(struct access_keys *keys)
{
    if (!keys || atomic_fetch_sub(&keys->owners, 1) > 1)
        return;
    if (keys->secrets)
        secret_wipe(keys->secrets, keys->secrets_len);
    free(keys->secrets);
    arena_done(&keys->arena);
    free(keys);
}

static int compare_ids(const void *id, const void *key)
{
    return span_compare(*(const struct span *)id, ((const struct access_key *)key)->id);
}

const struct access_key *access_keys_find(const struct access_keys *keys, struct span id)
{
    return keys->count ? bsearch(&id, keys->keys, keys->count, sizeof *keys->keys, compare_ids) : NULL;
}

/* Making one
 * --------------------------------------------------------------------------------------------------------------------- */

static enum lf_code random_text(const char *first, const char *letters, size_t letter_count, size_t len, struct arena *arena,
                                struct span *ret_text, struct err *err)
{
    unsigned char bytes[64];
    char text[64];
    size_t at = strlen(first);
    memcpy(text, first, at);
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return ERR(err, LF_IO, "no random bytes");
    for (; at < len; at++)
        text[at] = letters[bytes[at] % letter_count];
    return arena_copy(arena, span_of(text, len), ret_text, err);
}

static enum lf_code insert(struct pg_conn *conn, const struct key_file *file, const struct access_key *key, struct span grants,
                           struct span note, struct err *err)
{
    char sealed[NONCE_BYTES + SECRET_BYTES + TAG_BYTES];
    struct span secret = secret_reveal(key->secret);
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(seal(file, key->id, secret, sealed, err));
    struct pg_field values[] = { { key->id.ptr, key->id.len },
                                 { sealed, sizeof sealed },
                                 { grants.ptr, grants.len },
                                 { note.ptr ? note.ptr : "", note.len } };
    return pg_query(conn, "INSERT INTO landfall.access_key (id, secret, grants, note) VALUES ($1, $2, $3::text::jsonb, $4)",
                    &(struct pg_params){ .values = values, .binary = (bool[]){ false, true, false, false }, .count = 4 }, &result,
                    err);
}

/* Gateways open all keys with one file; a key of another would be lost on them. */
static enum lf_code check_file_of_others(struct pg_conn *conn, const struct key_file *file, struct err *err)
{
    struct access_keys *others = NULL;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(access_keys_ask(conn, &rows, err));
    TRY(access_keys_new(rows, file, &others, err));
    if (others->left_out.code)
        *err = others->left_out;
    enum lf_code code = others->left_out.code;
    access_keys_unref(others);
    return code;
}

enum lf_code access_key_create(struct pg_conn *conn, const struct key_file *file, struct span grants, struct span note,
                               struct arena *arena, struct access_key *ret_key, struct err *err)
{
    static const char id_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    static const char secret_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct access_key key = { 0 };
    struct span secret;
    if (read_grants(grants, arena, &key, err))
        return err->code = LF_USAGE, err_while(err, "reading the grants of a key");
    TRY(check_file_of_others(conn, file, err));
    TRY(random_text("LFKA", id_letters, sizeof id_letters - 1, ID_BYTES, arena, &key.id, err));
    TRY(random_text("", secret_letters, sizeof secret_letters - 1, SECRET_BYTES, arena, &secret, err));
    key.secret = secret_of(secret);
    TRY(insert(conn, file, &key, grants, note, err));
    *ret_key = key;
    return LF_OK;
}
