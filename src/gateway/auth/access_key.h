/*
 * access_key: who may call the gateway, and what they may do.
 *
 * An access key is a row of landfall.access_key: its secret, encrypted by AES-256-GCM with a key from the key file (64
 * hexadecimal digits, readable by its owner only), and its grants: patterns of table names (`*` and `?`), each with what it
 * allows. All keys are read into an immutable set, again and again, by whoever holds it; secrets are in memory that is wiped when
 * the set goes.
 *
 *     [{"table": "Orders*", "allow": ["read", "write"]}, {"table": "*", "allow": ["admin"]}]
 *
 * Threads: a set is immutable and has owners in all workers; ref and unref may be called anywhere.
 */
#pragma once

#include "base/secret.h"
#include "gateway/shape.h"
#include "pg/conn.h"

struct access_key {
    struct span id;
    struct secret secret;
    const struct access_grant *grants;
    size_t grant_count;
};

struct access_grant {
    struct span pattern;
    unsigned allows; /* bits 1 << enum operation_grant */
};

/* Whoever called: an access key, or, without authentication, NULL, which may do everything. */
bool access_key_allows(const struct access_key *key, enum operation_grant grant, struct span table_name);

struct access_keys; /* a set */
struct key_file;

/* Errors: LF_IO, LF_USAGE (not 64 digits, or readable by others). `create` makes one where there is none. */
enum lf_code key_file_read(const char *path, bool create, struct key_file **ret_file, struct err *err) MUST_CHECK;
void key_file_free(struct key_file *file); /* wipes; NULL is fine */

/* The rows of all keys that are not disabled, with their secrets as they are encrypted. Errors: those of pg_query. */
enum lf_code access_keys_ask(struct pg_conn *conn, struct pg_result **ret_rows, struct err *err) MUST_CHECK;
/* A set of them, with one owner; those that cannot be used are left out. LF_MEMORY. */
enum lf_code access_keys_new(const struct pg_result *rows, const struct key_file *file, struct access_keys **ret_keys,
                             struct err *err) MUST_CHECK;
/* Why the first of those that were left out is: LF_CREDENTIALS (its secret was encrypted with another key file), or what is wrong
 * with its grants; LF_OK: none was. */
const struct err *access_keys_left_out(const struct access_keys *keys);
size_t access_keys_count(const struct access_keys *keys);
void access_keys_ref(struct access_keys *keys);   /* another owner */
void access_keys_unref(struct access_keys *keys); /* wipes with the last one; NULL is fine */
const struct access_key *access_keys_find(const struct access_keys *keys, struct span id); /* NULL when there is none */

/* A new key with these grants (JSON); its id (20 characters) and secret (40) are in the arena. LF_USAGE when the grants are none,
 * LF_CREDENTIALS when the other keys are of another file. */
enum lf_code access_key_create(struct pg_conn *conn, const struct key_file *file, struct span grants, struct span note,
                               struct arena *arena, struct access_key *ret_key, struct err *err) MUST_CHECK;
