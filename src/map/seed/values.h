/*
 * values: one value for one column, like those that applications write; for seed/ only.
 *
 * Which maker a column gets is decided once, by its type and by what its name says (`created_at`, `email`, `total_price`). Times
 * go through the column's codec, so a new codec of a known type needs nothing here. Pure.
 */
#pragma once

#include "map/model.h"
#include "map/seed/random.h"

/* What a value is made for. */
struct seed_subject {
    uint64_t number;  /* of the item; no other item of the run has it */
    int64_t pick;     /* of a column that is a digit of the key: which of its values, else SEED_PICK_ANY */
    int64_t begin_us; /* when the item came to be; since 2000 */
};

enum { SEED_PICK_ANY = -1 };

struct seed_field;

/* Errors: LF_MEMORY only. */
typedef enum lf_code seed_value(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                                struct arena *arena, struct value *ret_value, struct err *err);

/* Writes one text. */
typedef void seed_text(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw);

struct seed_field {
    const struct column *column;
    const struct span *check; /* allowed values: the column's, or those of a column that refers to it */
    size_t check_count;
    seed_value *make;
    seed_text *text; /* of text columns */
    uint64_t salt;
    bool is_unique;        /* carries the number */
    bool is_short;         /* stands in a key or an index */
    bool is_plain;         /* its text is found again inside a key: a-z and 0-9 only */
    unsigned absent_share; /* of 1024 */
};

/* Chooses the maker; `check` and `is_…` are set already. */
void seed_field_choose(struct seed_field *field);

/* How many values a column has when it is a digit of a key: of closed lists, booleans and days. 0: it is none. */
uint64_t seed_field_values(const struct seed_field *field);

/* How well a column carries the number: 0 not at all, more is better; and how many numbers it can carry. */
unsigned seed_field_rank(const struct seed_field *field);
uint64_t seed_field_capacity(const struct column *column);

/* When the item of this number came to be. */
int64_t seed_begin_us(uint64_t salt);

/* texts.c: what a text column's name says of its texts. */
seed_text *seed_text_find(const struct seed_field *field);

/* words.c */
void seed_put_word(struct buf *buf, struct draw *draw);
const char *seed_noun(uint64_t at); /* any number; neighbours differ */
enum { SEED_NOUNS = 64 };
