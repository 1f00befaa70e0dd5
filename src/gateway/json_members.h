/*
 * json_members: the members of a JSON object as texts, for who passes most of them on as they came. Pure.
 */
#pragma once

#include "codec/json.h"

enum { JSON_MEMBERS_MAX = 128 /* a batch may be of 100 tables */ };

struct json_member {
    struct span name;  /* unescaped */
    struct span value; /* JSON, as written */
};

struct json_members {
    struct json_member members[JSON_MEMBERS_MAX];
    size_t count;
};

/* Errors: LF_SYNTAX when it is no object; LF_LIMIT when it has more than JSON_MEMBERS_MAX; LF_MEMORY. */
enum lf_code json_members_read(struct span object, struct arena *arena, struct json_members *ret_members,
                               struct err *err) MUST_CHECK;

/* The value of a member, "" when it is not there. */
struct span json_members_get(const struct json_members *members, struct span name);

/* The elements of an array, as JSON. Errors: LF_SYNTAX when it is none; LF_MEMORY. */
enum lf_code json_elements_read(struct span array, struct arena *arena, struct span **ret_elements, size_t *ret_count,
                                struct err *err) MUST_CHECK;

/* An object of the members of both; where both have one, objects are merged alike, arrays joined, and of all else the first is
 * taken. */
enum lf_code json_members_merge(struct span first, struct span second, struct arena *arena, struct buf *out,
                                struct err *err) MUST_CHECK;
