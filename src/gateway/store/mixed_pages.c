#include "gateway/store/mixed_pages.h"

#include "gateway/store/item_columns.h"
#include "gateway/store/relational_pages.h"
#include "gateway/upstream/upstream_page.h"

enum { SCAN_PAGES_MAX = 8 /* that are read for one, once it has an item */ };

/* What both read ---------------------------------------------------------------------------------------------------------------
 */

struct mixed {
    struct worker *worker;
    const struct table *table;
    struct arena *arena;
    size_t items_max, bytes_max;
    size_t bytes; /* of the page so far */
    struct store_page page;
    size_t room;
};

static bool is_full(const struct mixed *mixed)
{
    return mixed->bytes >= mixed->bytes_max || (mixed->items_max && mixed->page.count >= mixed->items_max);
}

static size_t items_left(const struct mixed *mixed)
{
    return mixed->items_max ? mixed->items_max - mixed->page.count : 0;
}

static enum lf_code give(struct mixed *mixed, const struct stored_item *item, struct err *err)
{
    struct store_page *page = &mixed->page;
    if (page->count == mixed->room) {
        size_t room = mixed->room ? 2 * mixed->room : 32;
        struct stored_item *items = arena_calloc(mixed->arena, room, sizeof *items, err);
        if (!items)
            return err->code;
        if (page->count)
            memcpy(items, page->items, page->count * sizeof *items);
        page->items = items;
        mixed->room = room;
    }
    page->items[page->count++] = *item;
    mixed->bytes += item->size_bytes;
    return LF_OK;
}

/* The last item of a page of PostgreSQL's, which the next one begins behind. */
static enum lf_code last_of(const struct mixed *mixed, const struct store_page *page, const struct item **ret_last,
                            struct err *err)
{
    *ret_last = NULL;
    if (!page->has_more || !page->count)
        return LF_OK;
    struct item *last = arena_calloc(mixed->arena, 1, sizeof *last, err);
    if (!last)
        return err->code;
    *ret_last = last;
    return stored_item_parse(&page->items[page->count - 1], mixed->arena, last, err);
}

/* Query: two sides in one order ------------------------------------------------------------------------------------------------
 */

/* How far a side has been read. */
struct side {
    bool is_dynamodb;
    struct store_range range; /* what is still to be read */
    struct store_page own;    /* that is not given out yet: its own items */
    bool has_more;            /* behind these */
    struct span edge;         /* the sort key that the side has been read to; ptr NULL: it has not been read */
    struct span given;        /* an index's: DynamoDB's items of this sort key are on earlier pages; ptr NULL: none */
};

struct merge {
    struct mixed mixed;
    const struct key_attribute *sort; /* that it is ordered by; NULL: all are equal */
    bool is_descending;
    struct side theirs, ours;
};

static enum lf_code sort_bytes(const struct merge *merge, const struct item *item, struct span *ret_bytes, struct err *err)
{
    *ret_bytes = SPAN("");
    if (!merge->sort)
        return LF_OK;
    TRY(item_key_bytes(merge->sort, 1, item, merge->mixed.arena, ret_bytes, err));
    return ret_bytes->ptr ? LF_OK : ERR(err, LF_ITEM, "an item without the key of the index that it was found by");
}

static enum lf_code drop_given(const struct merge *merge, struct side *side, struct err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < side->own.count && side->given.ptr; i++) {
        struct item item;
        struct span bytes;
        TRY(stored_item_parse(&side->own.items[i], merge->mixed.arena, &item, err));
        TRY(sort_bytes(merge, &item, &bytes, err));
        if (!span_equal(bytes, side->given))
            side->own.items[kept++] = side->own.items[i];
    }
    side->own.count = side->given.ptr ? kept : side->own.count;
    return LF_OK;
}

static enum lf_code read_side(struct merge *merge, struct side *side, struct err *err)
{
    struct mixed *mixed = &merge->mixed;
    struct upstream_page theirs = { 0 };
    const struct item *next = NULL;
    side->range.items_max = items_left(mixed);
    side->range.bytes_max = mixed->bytes_max - mixed->bytes;
    if (side->is_dynamodb) {
        TRY(upstream_query(mixed->worker, mixed->table, &side->range, mixed->arena, &theirs, err));
        side->own = theirs.page;
        next = theirs.next;
    } else {
        TRY(relational_query(mixed->worker, mixed->table, &side->range, mixed->arena, &side->own, err));
        TRY(last_of(mixed, &side->own, &next, err));
    }
    side->has_more = next != NULL;
    if (next) {
        side->range.start = next;
        TRY(sort_bytes(merge, next, &side->edge, err));
    }
    return drop_given(merge, side, err);
}

/* Whether nothing of the other side comes before the side's first item. */
static enum lf_code is_next(const struct merge *merge, struct side *side, struct side *other, bool *ret_next, struct err *err)
{
    struct item item, others;
    struct span bytes, edge = other->edge;
    *ret_next = side->own.count > 0;
    if (!side->own.count || (!other->own.count && !other->has_more))
        return LF_OK;
    TRY(stored_item_parse(side->own.items, merge->mixed.arena, &item, err));
    TRY(sort_bytes(merge, &item, &bytes, err));
    if (other->own.count) {
        TRY(stored_item_parse(other->own.items, merge->mixed.arena, &others, err));
        TRY(sort_bytes(merge, &others, &edge, err));
    }
    int order = edge.ptr ? span_compare(bytes, edge) * (merge->is_descending ? -1 : 1) : 1;
    *ret_next = side->is_dynamodb ? order <= 0 : order < 0;
    return LF_OK;
}

static enum lf_code give_first(struct merge *merge, struct side *side, struct err *err)
{
    TRY(give(&merge->mixed, side->own.items, err));
    side->own.items++;
    side->own.count--;
    return LF_OK;
}

/* Gives an item out, or reads on where that takes it. */
static enum lf_code step(struct merge *merge, bool *ret_is_over, struct err *err)
{
    struct side *theirs = &merge->theirs, *ours = &merge->ours;
    bool is_theirs = false, is_ours = false;
    TRY(is_next(merge, theirs, ours, &is_theirs, err));
    if (is_theirs)
        return give_first(merge, theirs, err);
    TRY(is_next(merge, ours, theirs, &is_ours, err));
    if (is_ours)
        return give_first(merge, ours, err);
    if (!theirs->own.count && theirs->has_more)
        return read_side(merge, theirs, err);
    if (!ours->own.count && ours->has_more)
        return read_side(merge, ours, err);
    *ret_is_over = true;
    return LF_OK;
}

/* Behind an index items have equal sort keys, in each side's own order: of the side that gave out the start key what comes behind
 * it, of the other all with that sort key or none. */
static enum lf_code begin_in_index(struct merge *merge, const struct item *start, struct err *err)
{
    struct span bytes;
    struct store_range *ours = &merge->ours.range;
    TRY(sort_bytes(merge, start, &bytes, err));
    if (!table_key_is_dynamodbs(merge->mixed.table, start)) {
        merge->theirs.given = bytes;
        merge->theirs.has_more = merge->sort != NULL;
        return LF_OK;
    }
    ours->start = NULL;
    if (merge->sort)
        *(ours->is_descending ? &ours->to : &ours->from) = (struct store_bound){ bytes, true };
    return LF_OK;
}

enum key_group_reach mixed_reach(const struct key_group *group, const struct store_range *range)
{
    const struct key_bounds bounds = { range->from.bytes, range->to.bytes, range->to.is_inclusive };
    return key_group_reach(group, &range->partition.attributes[0].value, &bounds);
}

static void ask_who_can_have_some(struct merge *merge, const struct store_range *range)
{
    enum key_group_reach reach = mixed_reach(merge->mixed.table->moved, range);
    merge->ours.has_more = reach != KEY_GROUP_NONE;
    merge->theirs.has_more = reach != KEY_GROUP_ALL;
}

static enum lf_code begin(struct merge *merge, const struct store_range *range, struct err *err)
{
    const struct table *table = merge->mixed.table;
    const struct key_attribute *sort = range->index ? range->index->sort : &table->key.sort;
    merge->sort = (range->index ? range->index->sort_count > 0 : key_schema_has_sort(&table->key)) ? sort : NULL;
    merge->is_descending = range->is_descending;
    merge->theirs = (struct side){ .is_dynamodb = true, .range = *range, .has_more = true };
    merge->ours = (struct side){ .range = *range, .has_more = true };
    if (!range->index)
        ask_who_can_have_some(merge, range);
    return range->index && range->start ? begin_in_index(merge, range->start, err) : LF_OK;
}

enum lf_code mixed_query(struct worker *worker, const struct table *table, const struct store_range *range, struct arena *arena,
                         struct store_page *ret_page, struct err *err)
{
    bool is_over = false;
    struct merge merge = {
        .mixed = { worker, table, arena, .items_max = range->items_max, .bytes_max = range->bytes_max },
    };
    TRY(begin(&merge, range, err));
    while (!is_over && !is_full(&merge.mixed))
        TRY(step(&merge, &is_over, err));
    *ret_page = merge.mixed.page;
    ret_page->has_more = !is_over;
    return LF_OK;
}

/* Scan: one side behind the other ----------------------------------------------------------------------------------------------
 */

static enum lf_code read_scan(const struct mixed *mixed, bool is_dynamodb, const struct store_scan *scan,
                              struct store_page *ret_page, const struct item **ret_next, struct err *err)
{
    struct upstream_page theirs = { 0 };
    if (!is_dynamodb) {
        TRY(relational_scan(mixed->worker, mixed->table, scan, mixed->arena, ret_page, err));
        return last_of(mixed, ret_page, ret_next, err);
    }
    TRY(upstream_scan(mixed->worker, mixed->table, scan, mixed->arena, &theirs, err));
    *ret_page = theirs.page;
    *ret_next = theirs.next;
    return LF_OK;
}

/* To the side's end, or to that of the page. */
static enum lf_code scan_side(struct mixed *mixed, bool is_dynamodb, struct store_scan scan, bool *ret_is_over, struct err *err)
{
    *ret_is_over = false;
    for (size_t pages = 0; !is_full(mixed) && (pages < SCAN_PAGES_MAX || !mixed->page.count) && !*ret_is_over; pages++) {
        struct store_page page;
        scan.items_max = items_left(mixed);
        scan.bytes_max = mixed->bytes_max - mixed->bytes;
        TRY(read_scan(mixed, is_dynamodb, &scan, &page, &scan.start, err));
        for (size_t i = 0; i < page.count && !is_full(mixed); i++)
            TRY(give(mixed, &page.items[i], err));
        *ret_is_over = scan.start == NULL;
    }
    return LF_OK;
}

enum lf_code mixed_scan(struct worker *worker, const struct table *table, const struct store_scan *scan, struct arena *arena,
                        struct store_page *ret_page, struct err *err)
{
    struct mixed mixed = { worker, table, arena, .items_max = scan->items_max, .bytes_max = scan->bytes_max };
    struct store_scan ours = *scan;
    bool is_over = true;
    if (!scan->start || table_key_is_dynamodbs(table, scan->start)) {
        TRY(scan_side(&mixed, true, *scan, &is_over, err));
        ours.start = NULL;
    }
    if (is_over)
        TRY(scan_side(&mixed, false, ours, &is_over, err));
    *ret_page = mixed.page;
    ret_page->has_more = !is_over || is_full(&mixed);
    return LF_OK;
}
