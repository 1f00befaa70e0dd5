/*
 * internal: what the files of `infer` share (infer.h is its page).
 *
 *     infer.c      life cycle, the sample
 *     discover.c   sample -> kinds (candidate entities): marker, discriminator, key shapes
 *     template.c   kinds -> templates of their keys
 *     observe.c    every item -> counters of its kind
 *     draft.c      counters -> map: entities, in order
 *     columns.c    counters -> columns and templates
 *     keys.c       counters -> primary keys, indexes
 *     relations.c  counters -> foreign keys
 *     circles.c    foreign keys that a person would not write down are taken away
 *     copies.c     counters -> which entities say the same
 *     names.c      what things are called
 *     sketch.c     counters of bounded size
 *
 * A *kind* is a set of items that look like one entity. Its *variables* are the parts of its keys that differ from item to item:
 * attributes, or pieces of the table's key that no attribute holds.
 */
#pragma once

#include <stdatomic.h>

#include "codec/timestamp.h"
#include "map/infer.h"
#include "map/infer/sketch.h"

enum {
    INFER_KINDS_MAX = 128,               /* of one table; more means the marker was none */
    INFER_MINE_ITEMS = 256,              /* of a kind, to find its templates */
    INFER_VARIABLES_MAX = 32,            /* of a kind */
    INFER_CANDIDATES_MAX = 128,          /* attributes that may stand in a key */
    INFER_TUPLE_PARTS_MAX = 6,           /* columns of a composite key that others may refer to */
    INFER_TUPLES_MAX = 32,               /* combinations of variables that are followed for relations, of a kind */
    INFER_LATE_BYTES = 32 * 1024 * 1024, /* items of kinds that the sample did not show, per worker */
    INFER_ATTRIBUTES_MAX = 4096,         /* names counted, of a kind */
};

/* A piece that varies: the text of an attribute, or of the n-th varying piece of a table key. */
struct variable {
    struct span attr;  /* ptr NULL: piece of the key */
    struct span hint;  /* the word before it in the key: what a key piece is called after */
    unsigned template; /* of a key piece: which table-key template holds it */
    unsigned part;     /* and where */
};

struct kind_template {
    struct span attr; /* the key attribute */
    enum value_type type;
    struct template template; /* part.column indexes kind.variables */
    bool is_identity;         /* "{attr}": the attribute is a column of its own */
    bool is_constant;         /* no variable */
};

/* Values that together are a kind's key, or may refer to the key of another kind. */
struct tuple {
    struct {
        struct span attr;  /* ptr NULL: */
        unsigned variable; /* a piece of the key */
    } parts[INFER_TUPLE_PARTS_MAX];
    unsigned count;
    size_t parent_table, parent_kind; /* whose key it is or may refer to */
};

struct kind {
    struct span marker;     /* value of the table's marker attribute; ptr NULL: none */
    struct span classes[2]; /* literal beginning (or whole) of partition and sort key; ptr NULL: none */
    bool whole[2];          /* the class is the whole key text */
    bool shares_partitions; /* some partition has several of its items */
    struct span inner[2];   /* a word further on in the key, "ITEM" in ORDER#1#ITEM#2; ptr NULL: none */
    struct span words[2];   /* what these say of the thing, snake_case; empty: nothing */
    struct span name;       /* of the entity, snake_case */
    struct variable *variables;
    size_t variable_count;
    struct kind_template *templates; /* table key first */
    size_t template_count;
    struct tuple *tuples;
    size_t tuple_count;
    struct item *sample; /* up to INFER_MINE_ITEMS, borrowed from the table's sample */
    size_t sample_count;
    uint64_t sampled; /* of the table's sample, how many are of this kind */
};

/* A word inside keys with the same beginning, whose items are another kind than those without it. */
struct inner_word {
    struct span prefix, word;
};

/* Literal beginnings of one key attribute that tell kinds apart. */
struct key_classes {
    struct span *prefixes; /* "PHOTO#", sorted */
    size_t prefix_count;
    struct span *wholes; /* "root" */
    size_t whole_count;
    struct inner_word *inners;
    size_t inner_count;
};

struct table_model {
    const struct map_table *table;
    struct item *sample;
    size_t sample_count, sample_capacity;
    struct span marker; /* attribute that tells kinds apart; ptr NULL: none */
    struct span decided_by;
    struct key_classes classes[2];
    struct kind *kinds;
    size_t kind_count;
};

struct infer {
    struct arena arena;
    struct infer_options options;
    struct table_model *models;
    size_t model_count;
    size_t sample_bytes;
    bool discovered;
    _Atomic uint64_t hash_bytes; /* of the budget, used by all workers */
};

/* Counters of one attribute or key piece of one kind. */
struct attr_stats {
    struct span name;
    uint64_t name_hash;
    uint64_t present;
    uint64_t types[VALUE_TYPES];
    uint64_t uuid, dates, timestamps[TIMESTAMP_FORMATS];
    uint64_t with_nul, empty_strings;
    uint64_t integers, int32s, epoch_seconds, epoch_milliseconds;
    uint64_t string_lists, nonempty_lists;
    uint64_t json_exact; /* jsonb holds it */
    uint64_t bytes_max;
    struct hash_sample distinct;
    struct small_set values;
    struct examples examples;
};

struct template_stats {
    uint64_t present; /* items with the attribute */
    uint64_t rebuilt; /* of these, equal to the template's text */
    uint64_t phantom; /* without it, although the template gives a text */
};

/* One kind's counters of one worker. */
struct kind_stats {
    uint64_t items;
    uint64_t unclaimed;             /* table key is not rebuilt by its templates */
    struct attr_stats **attributes; /* owned; open addressing by name_hash */
    size_t attribute_count, attribute_capacity;
    uint64_t attributes_beyond; /* occurrences of names past INFER_ATTRIBUTES_MAX */
    struct attr_stats *pieces;  /* by variable: counters of key pieces; only those without attr are used */
    struct template_stats *templates;
    struct uniqueness *unique;  /* by variable */
    struct hash_sample *tuples; /* by tuple */
};

struct infer_worker {
    struct infer *infer; /* borrowed; immutable but for hash_bytes */
    struct arena names;  /* of attributes */
    struct arena scratch;
    struct kind_stats *(*kinds)[INFER_KINDS_MAX]; /* owned, by table and kind */
    uint64_t *items;                              /* by table */
    struct arena late;                            /* items of unknown kinds */
    struct item *late_items;                      /* owned */
    size_t *late_tables;                          /* owned, parallel */
    size_t late_count, late_capacity;
    uint64_t *late_dropped; /* by table: no room in `late` */
};

/* The text that an attribute gives to a template; false for types that cannot stand in one. */
bool infer_value_text(const struct value *value, char number[NUMBER_TEXT_BYTES], struct span *ret_text);

/* Which kind an item is of, or kind_count. */
size_t infer_classify(const struct table_model *model, const struct item *item);
/* Finds marker and key classes (first call of a model) and adds the kinds among `items`; mines their templates. */
enum lf_code infer_find_marker(struct infer *infer, struct table_model *model, struct err *err) MUST_CHECK;
enum lf_code infer_add_kinds(struct infer *infer, struct table_model *model, const struct item *items, size_t count,
                             struct err *err) MUST_CHECK;
/* For every kind of the run: the tuples that are followed. */
enum lf_code infer_plan_tuples(struct infer *infer, struct err *err) MUST_CHECK;

enum lf_code infer_mine_templates(struct infer *infer, const struct table_model *model, struct kind *kind,
                                  struct err *err) MUST_CHECK;
/* The text of a variable of an item; key pieces come out of the key by template_match. */
struct variable_lookup {
    const struct kind *kind;
    const struct item *item;
    struct span pieces[INFER_VARIABLES_MAX]; /* of key pieces; ptr NULL: absent */
    char (*numbers)[NUMBER_TEXT_BYTES];      /* room for one text per variable */
};
bool infer_split_key(struct variable_lookup *lookup);
bool infer_lookup(void *context, unsigned variable, struct span *ret_text);

enum lf_code infer_kind_stats_init(const struct kind *kind, struct kind_stats **ret_stats, struct err *err) MUST_CHECK;
void infer_kind_stats_free(const struct kind *kind, struct kind_stats *stats);
/* Adds what `from` counted; `names` owns the names of attributes that `into` had not seen. */
enum lf_code infer_merge_kind(const struct kind *kind, struct kind_stats *into, struct kind_stats *from, struct arena *names,
                              struct err *err) MUST_CHECK;
enum lf_code infer_merge_worker(struct infer_worker *into, struct infer_worker *from, struct err *err) MUST_CHECK;
/* The counters of a name, added when they are new; NULL (and no error) when there are too many names. */
enum lf_code infer_attribute_of(struct kind_stats *stats, struct span name, struct arena *names, struct attr_stats **ret_stats,
                                struct err *err) MUST_CHECK;
enum lf_code infer_observe_value(struct attr_stats *stats, const struct value *value, struct err *err) MUST_CHECK;
const struct attr_stats *infer_find_attribute(const struct kind_stats *stats, struct span name);

/* Names every kind of a table that has none yet; `items` are theirs. */
enum lf_code infer_name_kinds(struct infer *infer, struct table_model *model, const struct item *items, size_t count,
                              struct err *err) MUST_CHECK;
/* An attribute's name as a column's; what libraries abbreviate is written out (_ct -> created_at). */
enum lf_code infer_name_attribute(struct span attr, struct arena *arena, struct span *ret_name, struct err *err) MUST_CHECK;
/* The word of a key part as a name: "PHOTO" -> photo, "I" -> invoice where the items say so. */
enum lf_code infer_word_name(struct infer *infer, const struct table_model *model, struct span text, struct span *ret_word,
                             struct err *err) MUST_CHECK;
/* pk, GSI1SK, gsi_2_pk, …: a name that says "key" and nothing else. */
bool infer_is_generic_key_name(struct span name);
