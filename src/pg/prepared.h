/*
 * prepared: which statements the server has prepared for one connection, and under which name.
 *
 *     NOT ──(sent with its preparation)──► ASKED ──(the server says yes)──► YES
 *      ▲                                     │ no                            │ the server does not know the name, or its tables
 * have └─────────────────────────────────────┴───────────────────────────────┘ changed: a new name
 *
 * One thread.
 */
#pragma once

#include "pg/pipeline.h"

enum prepared_state {
    PREPARED_NOT,
    PREPARED_ASKED,
    PREPARED_YES,
};

struct prepared {
    const struct pg_statement *statement; /* NULL: the slot is free */
    enum prepared_state state;
    unsigned number;
    bool has_worked; /* under this name */
};

/* Open addressing by the statement's address. */
struct prepared_set {
    struct prepared *slots; /* owned */
    size_t capacity, count; /* capacity: a power of two, or 0 */
    unsigned last_number;
};

struct prepared_name {
    char text[16];
};

/* The statement's entry, made when it is new; valid until the next call. NULL when memory is out. */
struct prepared *prepared_get(struct prepared_set *set, const struct pg_statement *statement);
struct prepared_name prepared_name(const struct prepared *prepared);

/* What became of a preparation, and of a use. */
void prepared_confirm(struct prepared_set *set, const struct pg_statement *statement, bool is_done);
void prepared_used(struct prepared_set *set, const struct pg_statement *statement);
void prepared_failed(struct prepared_set *set, const struct pg_statement *statement, const char *sqlstate);

void prepared_done(struct prepared_set *set); /* frees; safe on a zeroed set */
