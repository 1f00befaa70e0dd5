#include "move/parity.h"

#include "codec/pgbinary.h"
#include "item/canonical.h"

enum { ENTRY_BYTES = 2 + 8 + 8 + 8 };

static void add_sum(struct parity_sum *sum, const struct parity_sum *other)
{
    sum->count += other->count;
    sum->sum = hash128_add(sum->sum, other->sum);
}

static void subtract_sum(struct parity_sum *sum, const struct parity_sum *other)
{
    sum->count -= other->count;
    sum->sum = hash128_subtract(sum->sum, other->sum);
}

void parity_add_item(struct parity *parity, const struct key *key, const struct item *item)
{
    add_sum(&parity->segments[key_segment(key)], &(struct parity_sum){ .count = 1, .sum = item_hash(item) });
}

void parity_subtract_item(struct parity *parity, const struct key *key, const struct item *item)
{
    subtract_sum(&parity->segments[key_segment(key)], &(struct parity_sum){ .count = 1, .sum = item_hash(item) });
}

void parity_add(struct parity *parity, const struct parity *other)
{
    for (size_t i = 0; i < PARITY_SEGMENTS; i++)
        add_sum(&parity->segments[i], &other->segments[i]);
}

void parity_subtract(struct parity *parity, const struct parity *other)
{
    for (size_t i = 0; i < PARITY_SEGMENTS; i++)
        subtract_sum(&parity->segments[i], &other->segments[i]);
}

uint64_t parity_count(const struct parity *parity)
{
    uint64_t count = 0;
    for (size_t i = 0; i < PARITY_SEGMENTS; i++)
        count += parity->segments[i].count;
    return count;
}

void parity_put(struct buf *buf, const struct parity *parity)
{
    for (size_t i = 0; i < PARITY_SEGMENTS; i++) {
        const struct parity_sum *segment = &parity->segments[i];
        if (segment->count == 0)
            continue;
        pg_put_int16(buf, (int16_t)i);
        pg_put_int64(buf, (int64_t)segment->count);
        pg_put_int64(buf, (int64_t)segment->sum.low);
        pg_put_int64(buf, (int64_t)segment->sum.high);
    }
}

static enum lf_code read_entry(struct pg_reader *reader, int *last, struct parity *parity, struct err *err)
{
    int16_t segment;
    int64_t count, low, high;
    TRY(pg_get_int16(reader, &segment, err));
    TRY(pg_get_int64(reader, &count, err));
    TRY(pg_get_int64(reader, &low, err));
    TRY(pg_get_int64(reader, &high, err));
    if (segment <= *last || segment >= PARITY_SEGMENTS || count <= 0)
        return ERR(err, LF_ROW, "not parity sums: segment %d with %lld items", segment, (long long)count);
    *last = segment;
    parity->segments[segment] = (struct parity_sum){
        .count = (uint64_t)count,
        .sum = { (uint64_t)low, (uint64_t)high },
    };
    return LF_OK;
}

enum lf_code parity_read(struct span bytes, struct parity *ret_parity, struct err *err)
{
    struct parity parity = { 0 };
    int last = -1;
    if (bytes.len % ENTRY_BYTES != 0)
        return ERR(err, LF_ROW, "not parity sums: %zu bytes", bytes.len);
    for (struct pg_reader reader = { bytes.ptr, bytes.ptr + bytes.len }; reader.pos < reader.end;)
        TRY(read_entry(&reader, &last, &parity, err));
    *ret_parity = parity;
    return LF_OK;
}
