/*
 * store: where items are, behind one interface.
 *
 * The item store keeps items whole, as JSON in the wire's form (item_store.h); the relational store keeps them as rows of the
 * map's tables (relational_store.h). Operations do not know which they have. Stores know nothing of expressions, capacity or
 * requests: they find, page, and write items; what to write is decided above them (write.h), on the old item.
 *
 * Each callback runs on a fiber and may suspend it. One call is one statement, hence one snapshot, unless its comment says more.
 * Errors of all: LF_SQL, LF_CONNECT (outcome unknown where it writes), LF_MEMORY, LF_THROTTLING when the queue is full.
 */
#pragma once

#include "gateway/catalog.h"

struct reply;
struct worker;

/* The key of one item: as bytes, and as its attributes. */
struct item_key {
    struct key bytes;
    struct item attributes; /* one or two */
};

/* An item as a store found it. Either `json` (the wire's form, without outer white space) or `item` is there; the other is made
 * when stored_item_json or stored_item_parse asks. */
struct stored_item {
    bool is_present;
    bool has_item;
    uint32_t size_bytes; /* as item_size */
    struct span json;    /* ptr NULL: not made */
    struct item item;
    uint64_t version[2]; /* the store's own: what a guarded write compares */
};

enum lf_code stored_item_json(struct stored_item *stored, struct arena *arena, struct span *ret_json, struct err *err) MUST_CHECK;
enum lf_code stored_item_parse(struct stored_item *stored, struct arena *arena, struct item *ret_item,
                               struct err *err) MUST_CHECK;
/* As the next value of an answer. */
void stored_item_reply(const struct stored_item *stored, struct reply *reply);

/* Part of a collection, in order of the sort key: of the table, or of an index. */
struct store_bound {
    struct span bytes; /* of the sort key, in key order; ptr NULL: unbounded */
    bool is_inclusive;
};

struct key_condition;
struct store_range {
    const struct table_index *index;       /* NULL: the table */
    struct item partition;                 /* the partition key's attributes with their values */
    struct store_bound from, to;           /* begins_with is from prefix to its successor */
    const struct key_condition *condition; /* that they were made from; borrowed */
    bool is_consistent;                    /* where it makes a difference: of what DynamoDB has */
    bool is_descending;
    const struct item *start; /* ExclusiveStartKey, checked; NULL: from the beginning */
    size_t items_max;         /* 0: no Limit */
    size_t bytes_max;         /* a page ends with the item that passes it */
};

struct store_scan {
    const struct table_index *index; /* NULL: the table */
    uint32_t segment, segments;      /* 0 of 1: everything */
    bool is_consistent;              /* as of a range */
    const struct item *start;
    size_t items_max, bytes_max;
};

struct store_page {
    struct stored_item *items;
    size_t count;
    bool has_more; /* something may be behind the last item */
};

/* What a write is. `item` NULL deletes. */
enum write_guard {
    WRITE_ALWAYS,  /* whatever is there */
    WRITE_VERSION, /* only if `old` is still the one (or still absent) */
};

struct store_write {
    struct item_key key;
    const struct item *item;       /* new; its key is `key` */
    const struct stored_item *old; /* as read; NULL with WRITE_ALWAYS when nobody needs it */
    enum write_guard guard;
    bool by_ttl; /* the stream's record carries the service principal */
};

struct store {
    const char *name;

    /* Point reads; `ret_items[i]` is of keys[i]. Reads of one turn of the loop are gathered into one statement. */
    enum lf_code (*get)(struct worker *worker, const struct table *table, const struct item_key *keys, size_t count,
                        struct arena *arena, struct stored_item *ret_items, struct err *err);

    enum lf_code (*query)(struct worker *worker, const struct table *table, const struct store_range *range, struct arena *arena,
                          struct store_page *ret_page, struct err *err);
    enum lf_code (*scan)(struct worker *worker, const struct table *table, const struct store_scan *scan, struct arena *arena,
                         struct store_page *ret_page, struct err *err);

    /* Writes whose keys differ, each by itself, with their images for the stream. ret_applied[i] false: the guard of writes[i]
     * did not hold. Writes of one turn are gathered; the caller holds the keys' turns (write.h). */
    enum lf_code (*write)(struct worker *worker, const struct table *table, const struct store_write *writes, size_t count,
                          struct arena *arena, bool *ret_applied, struct err *err);

    /* In a transaction that holds the keys' locks (store_lock_keys): reads these items FOR NO KEY UPDATE. */
    enum lf_code (*lock)(struct db_transaction *transaction, const struct table *table, const struct item_key *keys, size_t count,
                         struct arena *arena, struct stored_item *ret_items, struct err *err);
    /* Writes of items that `lock` has locked, all with WRITE_VERSION; deletes before puts. */
    enum lf_code (*write_locked)(struct db_transaction *transaction, const struct table *table, const struct store_write *writes,
                                 size_t count, struct arena *arena, struct err *err);
    /* Point reads in the transaction's snapshot. */
    enum lf_code (*get_in)(struct db_transaction *transaction, const struct table *table, const struct item_key *keys,
                           size_t count, struct arena *arena, struct stored_item *ret_items, struct err *err);

    /* Schema. In the transaction of the catalog's change. `drop` and `add_index` NULL: only the map's migrations do that. */
    enum lf_code (*create)(struct db_transaction *transaction, const struct table *table, struct err *err);
    enum lf_code (*drop)(struct db_transaction *transaction, const struct table *table, struct err *err);
    /* The columns of an index of status CREATING; then, when all gateways write them, in steps until *ret_done: fill a batch of
     * rows. */
    enum lf_code (*add_index)(struct db_transaction *transaction, const struct table *table, const struct table_index *index,
                              struct err *err);
    enum lf_code (*fill_index)(struct worker *worker, const struct table *table, const struct table_index *index,
                               struct arena *arena, bool *ret_done, struct err *err);
    enum lf_code (*drop_index)(struct db_transaction *transaction, const struct table *table, const struct table_index *index,
                               struct err *err);

    /* After TTL was switched on, as fill_index; NULL: nothing is kept of it beside the items. */
    enum lf_code (*fill_ttl)(struct worker *worker, const struct table *table, struct arena *arena, bool *ret_done,
                             struct err *err);
    /* Items whose TTL attribute (a number of seconds) is at most `now_s`, at most `items_max` of them. */
    enum lf_code (*expired)(struct worker *worker, const struct table *table, int64_t now_s, size_t items_max,
                            struct arena *arena, struct store_page *ret_page, struct err *err);
    /* For DescribeTable, of the table or (`index` not NULL) of an index: exact while it is small, else estimates. */
    enum lf_code (*measure)(struct worker *worker, const struct table *table, const struct table_index *index, int64_t *ret_items,
                            int64_t *ret_bytes, struct err *err);

    /* store_state of a table: made when the catalog reads it, freed with it. */
    enum lf_code (*open)(struct table *table, struct err *err);
    void (*close)(struct table *table);
};

extern const struct store item_store;
extern const struct store relational_store;

/* The id of a key's lock: the same in every gateway. */
int64_t store_lock_id(const struct table *table, const struct key *key);

/* Key locks of a transaction: 64 bits per key, exclusively, in order of lock id, one statement. From then on the transaction
 * waits STORE_LOCK_WAIT_MS at most for any lock, these included. *ret_id is for store_commit. */
enum { STORE_LOCK_WAIT_MS = 5000 };
struct store_transaction_id {
    int64_t xid;
    int64_t life; /* of the server (landfall.server_life), within which the xid is the transaction's alone */
};
struct store_lock {
    const struct table *table;
    struct key key;
};
enum lf_code store_lock_keys(struct db_transaction *transaction, const struct store_lock *locks, size_t count,
                             struct store_transaction_id *ret_id, struct err *err) MUST_CHECK;
/* The same as the first of the steps of db_write_all; `arrays` are the step's, done with after it. Without keys only the
 * settings are made. */
struct row_arrays;
enum lf_code store_lock_step(struct row_arrays *arrays, const struct store_lock *locks, size_t count, struct db_step *ret_step,
                             struct err *err) MUST_CHECK;

/* db_commit; when the connection goes away before the answer comes, another one asks PostgreSQL what became of the transaction.
 * LF_CONNECT: it did not happen, or not even that can be known. */
enum lf_code store_commit(struct db_transaction *transaction, struct store_transaction_id id, struct err *err) MUST_CHECK;

/* Whether a transaction failed because others held its locks, or changed its items. */
bool store_is_conflict(enum lf_code code, const struct err *err);
