#include "move/item_row.h"

#include "codec/sha256.h"
#include "item/ddbjson.h"

enum { HASH_BYTES = SHA256_BYTES / 2, JSON_BYTES_MAX = 16 * 1024 * 1024 };

static struct pg_field field_of(struct span bytes)
{
    return (struct pg_field){ bytes.ptr ? bytes.ptr : "", bytes.len };
}

enum lf_code item_row_place(const struct key *key, struct arena *arena, struct item_row_place *ret_place, struct err *err)
{
    struct span hash;
    unsigned char digest[SHA256_BYTES];
    sha256(key->partition, digest);
    TRY(arena_copy(arena, span_of((const char *)digest, HASH_BYTES), &hash, err));
    *ret_place = (struct item_row_place){ field_of(hash), field_of(key->sort) };
    return LF_OK;
}

enum lf_code item_row_fields(struct span table_name, const struct key *key, const struct item *item, struct span reason,
                             struct arena *arena, struct pg_field ret_fields[ITEM_ROW_FIELDS], struct err *err)
{
    struct span hash, json;
    unsigned char digest[SHA256_BYTES];
    sha256(key->partition, digest);
    TRY(arena_copy(arena, span_of((const char *)digest, HASH_BYTES), &hash, err));
    TRY(ddbjson_item_text(item, JSON_BYTES_MAX, arena, &json, err));
    ret_fields[0] = field_of(table_name);
    ret_fields[1] = field_of(hash);
    ret_fields[2] = field_of(key->sort);
    ret_fields[3] = field_of(key->partition);
    ret_fields[4] = field_of(json);
    ret_fields[5] = field_of(span_of(reason.ptr, span_find_byte(reason, '\0')));
    return LF_OK;
}
