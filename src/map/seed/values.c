#include "map/seed/values.h"

#include "codec/timestamp.h"
#include "codec/uuid.h"
#include "map/codec_functions.h"

enum {
    YEARS_BEGIN_DAY = 6940,  /* 2019-01-01 */
    YEARS_DAYS = 2192,       /* to the end of 2024 */
    KEY_DAYS = 20000,        /* of dates that are digits of a key: half a century */
    KEY_DAYS_BEGIN = -10868, /* 1970-03-31 */
    KEY_YEARS_BEGIN_DAY = 0, /* of instants that carry the number: from 2000 on */
    KEY_YEARS_DAYS = 25 * 365,
    US_PER_MS = 1000,
    SEQUENCE_FIRST = 1, /* of numbers that count items */
};

static const int64_t us_per_second = 1000000, us_per_day = (int64_t)86400 * 1000000;

/* ---- shared ---- */

/* The digit of a key, or any of `count`, the first ones more often. */
static uint64_t pick_of(const struct seed_subject *subject, struct draw *draw, uint64_t count)
{
    return subject->pick != SEED_PICK_ANY ? (uint64_t)subject->pick : seed_scale(seed_square(draw_next(draw)), count);
}

static enum lf_code value_of_number(const struct seed_field *field, struct number number, struct arena *arena,
                                    struct value *ret_value, struct err *err)
{
    char text[NUMBER_TEXT_BYTES];
    if (field->column->codec->value == VALUE_S)
        return value_of_text(text, number_format(number, text), arena, ret_value, err);
    *ret_value = value_number(number);
    return LF_OK;
}

static bool is_named(const struct seed_field *field, const char *word)
{
    return span_find(field->column->name, span_from_cstr(word)) < field->column->name.len;
}

static bool is_named_any(const struct seed_field *field, const char *const *words)
{
    for (; *words; words++)
        if (is_named(field, *words))
            return true;
    return false;
}

/* ---- texts ---- */

static enum lf_code make_text(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                              struct arena *arena, struct value *ret_value, struct err *err)
{
    enum { TEXT_BYTES_MAX = 32 * 1024 };
    char bytes[TEXT_BYTES_MAX];
    struct span text;
    struct buf buf = { .data = bytes, .cap = sizeof bytes, .limit = sizeof bytes };
    field->text(&buf, field, subject, draw);
    TRY(buf_check(&buf, err));
    TRY(arena_copy(arena, buf_span(&buf), &text, err));
    *ret_value = value_string(text);
    return LF_OK;
}

/* ---- closed lists, booleans ---- */

static enum lf_code make_choice(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                                struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)arena, (void)err;
    *ret_value = value_string(field->check[pick_of(subject, draw, field->check_count)]);
    return LF_OK;
}

static enum lf_code make_boolean(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                                 struct arena *arena, struct value *ret_value, struct err *err)
{
    static const uint64_t true_shares[] = { 1, 3, 8, 13, 15 }; /* of 16 */
    (void)arena, (void)err;
    bool is_true = draw_below(draw, 16) < true_shares[field->salt % (sizeof true_shares / sizeof *true_shares)];
    if (subject->pick != SEED_PICK_ANY)
        is_true = subject->pick != 0;
    *ret_value = (struct value){ .type = VALUE_BOOL, .boolean = is_true };
    return LF_OK;
}

/* ---- times ---- */

int64_t seed_begin_us(uint64_t salt)
{
    struct draw draw = { salt };
    return YEARS_BEGIN_DAY * us_per_day + (int64_t)draw_below(&draw, (uint64_t)(YEARS_DAYS * us_per_day));
}

/* Later than the item itself, for what happens to it afterwards. */
static int64_t instant_us(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    static const char *const first[] = { "creat", "insert", "regist", "placed", NULL };
    static const char *const far[] = { "expir", "ttl", "due", "valid_to", "until", NULL };
    enum { SOON_DAYS = 90, FAR_DAYS = 800 };
    if (is_named_any(field, first))
        return subject->begin_us;
    uint64_t days = is_named_any(field, far) ? FAR_DAYS : SOON_DAYS;
    return subject->begin_us + (int64_t)draw_skewed(draw, days * (uint64_t)us_per_day);
}

/* The finest step that the codec tells apart. */
static int64_t step_us(const struct column *column)
{
    if (strstr(column->codec->name, "_us"))
        return 1;
    return strstr(column->codec->name, "_ms") ? US_PER_MS : us_per_second;
}

static uint64_t instants_of_key(const struct column *column)
{
    return (uint64_t)(KEY_YEARS_DAYS * us_per_day / step_us(column));
}

static int64_t unique_instant_us(const struct seed_field *field, const struct seed_subject *subject)
{
    uint64_t at = seed_permute(field->salt, instants_of_key(field->column), subject->number);
    return KEY_YEARS_BEGIN_DAY * us_per_day + (int64_t)at * step_us(field->column);
}

static enum lf_code make_instant(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                                 struct arena *arena, struct value *ret_value, struct err *err)
{
    struct pg_field bytes;
    int64_t us = field->is_unique ? unique_instant_us(field, subject) : instant_us(field, subject, draw);
    TRY(field_of_int64(us, arena, &bytes, err));
    return field->column->codec->to_item(bytes, arena, ret_value, err);
}

static enum lf_code make_date(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                              struct arena *arena, struct value *ret_value, struct err *err)
{
    static const char *const birth[] = { "birth", "born", "dob", NULL };
    enum { BIRTH_BEGIN = -20000, BIRTH_DAYS = 24000 };
    int64_t day = instant_us(field, subject, draw) / us_per_day;
    if (is_named_any(field, birth))
        day = BIRTH_BEGIN + (int64_t)draw_below(draw, BIRTH_DAYS);
    if (subject->pick != SEED_PICK_ANY)
        day = KEY_DAYS_BEGIN + subject->pick;
    struct pg_field bytes;
    TRY(field_of_int32((int32_t)day, arena, &bytes, err));
    return field->column->codec->to_item(bytes, arena, ret_value, err);
}

/* ---- numbers ---- */

struct range {
    const char *word;
    int64_t from, to;
};

/* By what the name says; the first that fits. Small numbers are more frequent than large ones. */
static const struct range integer_ranges[] = {
    { "year", 1990, 2026 },    { "age", 18, 96 },        { "cent", 99, 500000 },    { "price", 99, 500000 },
    { "amount", 99, 2000000 }, { "total", 99, 2000000 }, { "byte", 120, 40000000 }, { "size", 120, 40000000 },
    { "quantity", 1, 40 },     { "qty", 1, 40 },         { "percent", 0, 101 },     { "score", 0, 101 },
    { "level", 0, 10 },        { "position", 0, 60 },    { "index", 0, 60 },        { "order", 0, 60 },
    { "version", 1, 30 },      { "duration", 1, 90000 }, { "count", 0, 900 },       { "page", 1, 400 },
    { "", 0, 1000000 },
};

static const struct range *range_of(const struct seed_field *field)
{
    const struct range *range = integer_ranges;
    while (!is_named(field, range->word))
        range++;
    return range;
}

static enum lf_code make_integer(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                                 struct arena *arena, struct value *ret_value, struct err *err)
{
    const struct range *range = range_of(field);
    int64_t integer = range->from + (int64_t)seed_scale(seed_square(draw_next(draw)), (uint64_t)(range->to - range->from));
    if (field->is_unique)
        integer = SEQUENCE_FIRST + (int64_t)subject->number;
    return value_of_number(field, number_from_int64(integer), arena, ret_value, err);
}

/* `units` times 10^-places. */
static struct number decimal(int64_t units, int places)
{
    struct number number = number_from_int64(units);
    if (units != 0)
        number.exponent -= places;
    return number;
}

static struct number any_numeric(const struct seed_field *field, struct draw *draw)
{
    static const char *const ratios[] = { "rate", "ratio", "percent", "score", "weight", "share", NULL };
    enum { MICRODEGREES = 1000000 };
    if (is_named(field, "latitude") || span_equal(field->column->name, SPAN("lat")))
        return decimal((int64_t)draw_below(draw, 130 * MICRODEGREES) - 60 * MICRODEGREES, 6);
    if (is_named(field, "longitude") || is_named(field, "lng") || span_equal(field->column->name, SPAN("lon")))
        return decimal((int64_t)draw_below(draw, 360 * MICRODEGREES) - 180 * MICRODEGREES, 6);
    if (is_named_any(field, ratios))
        return decimal((int64_t)draw_below(draw, 100000), 3);
    return decimal((int64_t)(99 + seed_scale(seed_square(draw_next(draw)), 2000000)), 2);
}

static enum lf_code make_numeric(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                                 struct arena *arena, struct value *ret_value, struct err *err)
{
    struct number number =
        field->is_unique ? number_from_int64(SEQUENCE_FIRST + (int64_t)subject->number) : any_numeric(field, draw);
    return value_of_number(field, number, arena, ret_value, err);
}

/* ---- bytes ---- */

enum { NUMBER_BITS = 48 }; /* room for LIMIT_SEED_ITEMS, and the last 12 digits of a uuid */

static void put_big_endian(char *out, uint64_t number, size_t len)
{
    for (size_t i = len; i > 0; i--, number >>= 8)
        out[i - 1] = (char)(number & 0xff);
}

static enum lf_code make_uuid(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                              struct arena *arena, struct value *ret_value, struct err *err)
{
    char bytes[UUID_BYTES], *text = arena_alloc(arena, UUID_TEXT_BYTES, err);
    if (!text)
        return err->code;
    put_big_endian(bytes, draw_next(draw), 8);
    put_big_endian(bytes + 8, draw_next(draw), 8);
    if (field->is_unique)
        put_big_endian(bytes + 10, seed_permute(field->salt, (uint64_t)1 << NUMBER_BITS, subject->number), NUMBER_BITS / 8);
    bytes[6] = (char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (char)((bytes[8] & 0x3f) | 0x80);
    uuid_format(bytes, text);
    *ret_value = value_string(span_of(text, UUID_TEXT_BYTES));
    return LF_OK;
}

static enum lf_code make_bytes(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                               struct arena *arena, struct value *ret_value, struct err *err)
{
    enum { WORD = 8, WORDS_SHORT = 2, WORDS_MAX = 40 };
    size_t words = field->is_short ? WORDS_SHORT : 1 + (size_t)draw_skewed(draw, WORDS_MAX);
    char *bytes = arena_alloc(arena, words * WORD, err);
    if (!bytes)
        return err->code;
    for (size_t i = 0; i < words; i++)
        put_big_endian(bytes + i * WORD, draw_next(draw), WORD);
    if (field->is_unique)
        put_big_endian(bytes, seed_permute(field->salt, (uint64_t)1 << NUMBER_BITS, subject->number), NUMBER_BITS / 8);
    *ret_value = (struct value){ .type = VALUE_B, .bytes = span_of(bytes, words * WORD) };
    return LF_OK;
}

/* ---- collections ---- */

enum { MEMBERS_MAX = 6 };

static enum lf_code new_list(enum value_type type, size_t count, struct arena *arena, struct value *ret_list, struct err *err)
{
    struct value *values = arena_calloc(arena, count, sizeof *values, err);
    if (!values)
        return err->code;
    *ret_list = (struct value){ .type = type };
    ret_list->list.values = values;
    ret_list->list.count = count;
    return LF_OK;
}

/* Members of a set are neighbours in a list of distinct things, so they are distinct. */
static enum lf_code make_text_set(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                                  struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)field, (void)subject;
    uint64_t first = draw_next(draw) >> 1;
    TRY(new_list(VALUE_SS, 1 + draw_skewed(draw, MEMBERS_MAX), arena, ret_value, err));
    for (size_t i = 0; i < ret_value->list.count; i++)
        ret_value->list.values[i] = value_string(span_from_cstr(seed_noun(first + i)));
    return LF_OK;
}

static enum lf_code make_text_list(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                                   struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)field, (void)subject;
    TRY(new_list(VALUE_L, draw_skewed(draw, MEMBERS_MAX + 1), arena, ret_value, err));
    for (size_t i = 0; i < ret_value->list.count; i++)
        ret_value->list.values[i] = value_string(span_from_cstr(seed_noun(draw_next(draw))));
    return LF_OK;
}

static enum lf_code make_numeric_set(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                                     struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)field, (void)subject;
    int64_t first = (int64_t)draw_below(draw, 10000), step = 1 + (int64_t)draw_below(draw, 300);
    TRY(new_list(VALUE_NS, 1 + draw_skewed(draw, MEMBERS_MAX), arena, ret_value, err));
    for (size_t i = 0; i < ret_value->list.count; i++)
        ret_value->list.values[i] = value_number(decimal(first + step * (int64_t)i, 1));
    return LF_OK;
}

static enum lf_code make_bytes_set(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                                   struct arena *arena, struct value *ret_value, struct err *err)
{
    enum { MEMBER_BYTES = 8 };
    (void)field, (void)subject;
    uint64_t first = draw_next(draw);
    TRY(new_list(VALUE_BS, 1 + draw_skewed(draw, MEMBERS_MAX), arena, ret_value, err));
    for (size_t i = 0; i < ret_value->list.count; i++) {
        char *bytes = arena_alloc(arena, MEMBER_BYTES, err);
        if (!bytes)
            return err->code;
        put_big_endian(bytes, first + i, MEMBER_BYTES);
        ret_value->list.values[i] = (struct value){ .type = VALUE_B, .bytes = span_of(bytes, MEMBER_BYTES) };
    }
    return LF_OK;
}

/* ---- documents ---- */

enum { DOCUMENT_DEPTH_MAX = 3, DOCUMENT_ENTRIES_MAX = 5 };

static enum lf_code make_document(const struct seed_field *field, unsigned depth, struct draw *draw, struct arena *arena,
                                  struct value *ret_value, struct err *err);

static enum lf_code make_document_list(struct draw *draw, struct arena *arena, struct value *ret_value, struct err *err)
{
    TRY(new_list(VALUE_L, 1 + draw_skewed(draw, MEMBERS_MAX), arena, ret_value, err));
    for (size_t i = 0; i < ret_value->list.count; i++)
        ret_value->list.values[i] = value_string(span_from_cstr(seed_noun(draw_next(draw))));
    return LF_OK;
}

/* An entry's name decides its kind, so that the documents of a column look alike. */
static enum lf_code make_entry(const struct seed_field *field, uint64_t name, unsigned depth, struct draw *draw,
                               struct arena *arena, struct value *ret_value, struct err *err)
{
    switch (name % 8) {
    case 0:
        return make_document(field, depth + 1, draw, arena, ret_value, err);
    case 1:
        return make_document_list(draw, arena, ret_value, err);
    case 2:
        *ret_value = (struct value){ .type = VALUE_BOOL, .boolean = draw_below(draw, 4) == 0 };
        return LF_OK;
    case 3:
    case 4:
        *ret_value = value_number(decimal((int64_t)draw_skewed(draw, 1000000), name % 8 == 3 ? 0 : 2));
        return LF_OK;
    default:
        *ret_value = value_string(span_from_cstr(seed_noun(draw_next(draw))));
        return LF_OK;
    }
}

static enum lf_code make_document(const struct seed_field *field, unsigned depth, struct draw *draw, struct arena *arena,
                                  struct value *ret_value, struct err *err)
{
    size_t count = 1 + draw_below(draw, DOCUMENT_ENTRIES_MAX);
    uint64_t first = field->salt % SEED_NOUNS + depth * DOCUMENT_ENTRIES_MAX;
    struct attribute *entries = arena_calloc(arena, count, sizeof *entries, err);
    if (!entries)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        uint64_t name = first + i;
        entries[i].name = span_from_cstr(seed_noun(name));
        TRY(make_entry(field, depth + 1 < DOCUMENT_DEPTH_MAX ? name : name | 7, depth, draw, arena, &entries[i].value, err));
    }
    *ret_value = (struct value){ .type = VALUE_M };
    ret_value->map.attributes = entries;
    ret_value->map.count = count;
    return LF_OK;
}

static enum lf_code make_jsonb(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                               struct arena *arena, struct value *ret_value, struct err *err)
{
    (void)subject;
    return make_document(field, 0, draw, arena, ret_value, err);
}

/* ---- choosing ---- */

uint64_t seed_field_values(const struct seed_field *field)
{
    const struct column *column = field->column;
    if (field->check_count)
        return field->check_count;
    return column->type == COLUMN_BOOLEAN ? 2 : column->type == COLUMN_DATE ? KEY_DAYS : 0;
}

unsigned seed_field_rank(const struct seed_field *field)
{
    const struct column *column = field->column;
    static const unsigned ranks[COLUMN_TYPES] = {
        [COLUMN_UUID] = 7,    [COLUMN_TEXT] = 5,  [COLUMN_BIGINT] = 4,      [COLUMN_INTEGER] = 3,
        [COLUMN_NUMERIC] = 3, [COLUMN_BYTEA] = 3, [COLUMN_TIMESTAMPTZ] = 2,
    };
    bool is_id = span_equal(column->name, SPAN("id")) || span_ends_with(column->name, SPAN("_id")) ||
                 span_ends_with(column->name, SPAN("number"));
    return field->check_count || !ranks[column->type] ? 0 : ranks[column->type] + (is_id ? COLUMN_TYPES : 0);
}

uint64_t seed_field_capacity(const struct column *column)
{
    if (column->type == COLUMN_TIMESTAMPTZ)
        return instants_of_key(column);
    return column->type == COLUMN_INTEGER ? INT32_MAX - SEQUENCE_FIRST : (uint64_t)1 << NUMBER_BITS;
}

/* Of things that have not happened to most items yet. */
static unsigned absent_share(const struct seed_field *field)
{
    static const char *const rare[] = { "delete", "removed", "cancel", "archiv", "parent", "middle", NULL };
    static const unsigned shares[] = { 0, 20, 100, 300, 600 };
    if (field->column->not_null)
        return 0;
    return is_named_any(field, rare) ? 800 : shares[(field->salt >> 8) % (sizeof shares / sizeof *shares)];
}

void seed_field_choose(struct seed_field *field)
{
    static seed_value *const makers[COLUMN_TYPES] = {
        [COLUMN_TEXT] = make_text,
        [COLUMN_UUID] = make_uuid,
        [COLUMN_TIMESTAMPTZ] = make_instant,
        [COLUMN_DATE] = make_date,
        [COLUMN_BIGINT] = make_integer,
        [COLUMN_INTEGER] = make_integer,
        [COLUMN_NUMERIC] = make_numeric,
        [COLUMN_BOOLEAN] = make_boolean,
        [COLUMN_BYTEA] = make_bytes,
        [COLUMN_JSONB] = make_jsonb,
        [COLUMN_TEXT_ARRAY] = make_text_set,
        [COLUMN_NUMERIC_ARRAY] = make_numeric_set,
        [COLUMN_BYTEA_ARRAY] = make_bytes_set,
    };
    const struct column *column = field->column;
    field->make = makers[column->type];
    field->text = seed_text_find(field);
    if (field->check_count)
        field->make = make_choice;
    else if (column->type == COLUMN_TEXT_ARRAY && column->codec->value == VALUE_L)
        field->make = make_text_list;
    field->absent_share = absent_share(field);
}
