#include <ctype.h>
#include <limits.h>
#include <stdlib.h>

#include "base/limits.h"
#include "map/column_codec.h"
#include "map/infer/draft.h"
#include "map/naming.h"

enum {
    PRESENCE_PER_MILLE_MIN = 5, /* rarer attributes stay in ddb_extra */
    CHECK_VALUES_MAX = 10,
    CHECK_ITEMS_PER_VALUE_MIN = 10,
    CHECK_ITEMS_MIN = 100,
    INTEGER_MAX_DIGITS = 9,
};

/* ---- types ---- */

static const struct column_codec *codec_of(enum column_type type, const char *name)
{
    return column_codec_find(type, span_from_cstr(name));
}

static uint64_t held_strings(const struct attr_stats *stats, const struct column_codec *codec)
{
    static const struct {
        const char *name;
        enum timestamp_format format;
    } formats[] = {
        { "iso8601", TIMESTAMP_ISO8601 },
        { "iso8601_ms", TIMESTAMP_ISO8601_MS },
        { "iso8601_us", TIMESTAMP_ISO8601_US },
        { "iso8601_offset", TIMESTAMP_ISO8601_OFFSET },
        { "iso8601_ms_offset", TIMESTAMP_ISO8601_MS_OFFSET },
        { "iso8601_us_offset", TIMESTAMP_ISO8601_US_OFFSET },
    };
    if (codec->type == COLUMN_UUID)
        return stats->uuid;
    if (codec->type == COLUMN_DATE)
        return stats->dates;
    for (size_t i = 0; codec->type == COLUMN_TIMESTAMPTZ && i < sizeof formats / sizeof *formats; i++)
        if (strcmp(codec->name, formats[i].name) == 0)
            return stats->timestamps[formats[i].format];
    return stats->types[VALUE_S] - stats->with_nul;
}

static uint64_t held_numbers(const struct attr_stats *stats, const struct column_codec *codec)
{
    if (codec->type == COLUMN_INTEGER)
        return stats->int32s;
    if (codec->type == COLUMN_BIGINT)
        return stats->integers;
    if (codec->type == COLUMN_TIMESTAMPTZ)
        return strcmp(codec->name, "epoch_s") == 0 ? stats->epoch_seconds : stats->epoch_milliseconds;
    return stats->types[VALUE_N];
}

/* How many of the attribute's values a type with this codec does not hold exactly (absence is no value). */
static uint64_t count_exceptions(const struct attr_stats *stats, const struct column_codec *codec)
{
    uint64_t held;
    if (codec->value == VALUE_TYPES)
        held = stats->json_exact;
    else if (codec->value == VALUE_S)
        held = held_strings(stats, codec);
    else if (codec->value == VALUE_N)
        held = held_numbers(stats, codec);
    else if (codec->value == VALUE_L)
        held = stats->string_lists;
    else
        held = stats->types[codec->value];
    return stats->present - held;
}

static bool is_word_of_time(struct span word)
{
    static const char *const words[] = { "at",     "on",   "date",   "time",  "timestamp", "ts",   "start",  "end",
                                         "expire", "ttl",  "expiry", "since", "until",     "when", "caught", "expires",
                                         "seen",   "sent", "login",  "begin", "due",       "dob",  NULL };
    for (const char *const *known = words; *known; known++)
        if (span_equal(word, span_from_cstr(*known)))
            return true;
    return word.len > 4 && span_ends_with(word, SPAN("ed")); /* created, issued, joined */
}

/* Whether a name says that its numbers are instants. */
static bool names_an_instant(struct span snake)
{
    while (snake.len) {
        size_t end = span_find_byte(snake, '_');
        if (is_word_of_time(span_of(snake.ptr, end)))
            return true;
        snake = span_from(snake, end + 1);
    }
    return false;
}

struct choice {
    double type_share_min;
    const struct attr_stats *stats;
    struct span name; /* snake case */
};

/* NULLs say nothing about a scalar's type, so the share is taken of the rest. */
static bool is_held(const struct choice *choice, const struct column_codec *codec)
{
    uint64_t nulls = codec->value == VALUE_TYPES ? 0 : choice->stats->types[VALUE_NULL];
    uint64_t values = choice->stats->present - nulls;
    uint64_t exceptions = count_exceptions(choice->stats, codec) - nulls;
    return values > 0 && (double)(values - exceptions) >= (double)values * choice->type_share_min;
}

/* Whether nearly all values are of one DynamoDB type, whatever a column can make of them. */
static bool is_mostly(const struct choice *choice, enum value_type type)
{
    uint64_t values = choice->stats->present - choice->stats->types[VALUE_NULL];
    return (double)choice->stats->types[type] >= (double)values * choice->type_share_min;
}

static const struct column_codec *choose_string(const struct choice *choice)
{
    static const char *const formats[] = { "iso8601_ms",        "iso8601",        "iso8601_us",
                                           "iso8601_us_offset", "iso8601_offset", "iso8601_ms_offset" };
    if (is_held(choice, codec_of(COLUMN_UUID, "")))
        return codec_of(COLUMN_UUID, "");
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (is_held(choice, codec_of(COLUMN_TIMESTAMPTZ, formats[i])))
            return codec_of(COLUMN_TIMESTAMPTZ, formats[i]);
    if (is_held(choice, codec_of(COLUMN_DATE, "")))
        return codec_of(COLUMN_DATE, "");
    return codec_of(COLUMN_TEXT, "");
}

static const struct column_codec *choose_number(const struct choice *choice)
{
    if (names_an_instant(choice->name)) {
        if (is_held(choice, codec_of(COLUMN_TIMESTAMPTZ, "epoch_s")))
            return codec_of(COLUMN_TIMESTAMPTZ, "epoch_s");
        if (is_held(choice, codec_of(COLUMN_TIMESTAMPTZ, "epoch_ms")))
            return codec_of(COLUMN_TIMESTAMPTZ, "epoch_ms");
    }
    if (is_held(choice, codec_of(COLUMN_INTEGER, "")))
        return codec_of(COLUMN_INTEGER, "");
    if (is_held(choice, codec_of(COLUMN_BIGINT, "")))
        return codec_of(COLUMN_BIGINT, "");
    return codec_of(COLUMN_NUMERIC, "");
}

static const struct column_codec *choose_codec(const struct choice *choice)
{
    const struct attr_stats *stats = choice->stats;
    if (stats->types[VALUE_NULL] == stats->present)
        return codec_of(COLUMN_TEXT, "");
    if (is_mostly(choice, VALUE_S))
        return choose_string(choice);
    if (is_mostly(choice, VALUE_N))
        return choose_number(choice);
    static const struct {
        enum column_type type;
        const char *name;
    } others[] = { { COLUMN_BOOLEAN, "" },
                   { COLUMN_BYTEA, "" },
                   { COLUMN_TEXT_ARRAY, "set" },
                   { COLUMN_NUMERIC_ARRAY, "set" },
                   { COLUMN_BYTEA_ARRAY, "set" } };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (is_held(choice, codec_of(others[i].type, others[i].name)))
            return codec_of(others[i].type, others[i].name);
    if (stats->nonempty_lists && is_held(choice, codec_of(COLUMN_TEXT_ARRAY, "list")))
        return codec_of(COLUMN_TEXT_ARRAY, "list");
    return codec_of(COLUMN_JSONB, "");
}

const struct column_codec *infer_choose_codec(const struct attr_stats *stats, struct span name, double type_share_min)
{
    struct choice choice = { type_share_min, stats, name };
    return choose_codec(&choice);
}

/* A column that keys are made of must hold every value and have a text in SQL. */
static const struct column_codec *choose_key_codec(const struct choice *choice)
{
    const struct column_codec *codec = choose_codec(choice);
    if (codec->text_sql && count_exceptions(choice->stats, codec) == 0)
        return codec;
    if (choice->stats->types[VALUE_N] == choice->stats->present)
        return codec_of(choice->stats->integers == choice->stats->present ? COLUMN_BIGINT : COLUMN_NUMERIC, "");
    if (choice->stats->types[VALUE_B] == choice->stats->present)
        return codec_of(COLUMN_BYTEA, "");
    return codec_of(COLUMN_TEXT, "");
}

/* ---- evidence ---- */

const char *infer_count_text(uint64_t count, char out[COUNT_TEXT_BYTES])
{
    char digits[24];
    size_t len = 0, at = COUNT_TEXT_BYTES;
    do
        digits[len++] = (char)('0' + count % 10);
    while (count /= 10);
    out[--at] = '\0';
    for (size_t i = 0; i < len; i++) {
        if (i && i % 3 == 0)
            out[--at] = ',';
        out[--at] = digits[i];
    }
    return out + at;
}

enum lf_code infer_describe_types(const struct attr_stats *stats, struct arena *arena, struct span *ret_text, struct err *err)
{
    struct span text = { NULL, 0 };
    for (enum value_type type = 0; type < VALUE_TYPES; type++) {
        char count[COUNT_TEXT_BYTES];
        if (stats->types[type])
            TRY(arena_printf(arena, &text, err, "%.*s%s%s %s", SPAN_ARG(text), text.len ? ", " : "", value_type_name(type),
                             infer_count_text(stats->types[type], count)));
    }
    *ret_text = text;
    return LF_OK;
}

static enum lf_code fill_evidence(struct draft *draft, const struct attr_stats *stats, const struct column *column,
                                  struct column_evidence *ret_evidence, struct err *err)
{
    struct column_evidence evidence = { .present = stats->present,
                                        .exceptions = count_exceptions(stats, column->codec),
                                        .distinct = hash_sample_distinct(&stats->distinct) };
    if (evidence.distinct > stats->present)
        evidence.distinct = stats->present;
    TRY(infer_describe_types(stats, draft->arena, &evidence.types, err));
    for (unsigned i = 0; i < stats->examples.count; i++)
        TRY(arena_copy(draft->arena, span_of(stats->examples.texts[i], stats->examples.lengths[i]), &evidence.examples[i], err));
    *ret_evidence = evidence;
    return LF_OK;
}

/* "4,980 of 5,000 items; S 4,979, NULL 1; about 12 distinct; 1 kept in ddb_extra" */
static enum lf_code write_note(struct draft *draft, const struct draft_entity *entity, const struct attr_stats *stats,
                               const struct column_evidence *evidence, struct span *ret_note, struct err *err)
{
    char present[COUNT_TEXT_BYTES], items[COUNT_TEXT_BYTES], distinct[COUNT_TEXT_BYTES], exceptions[COUNT_TEXT_BYTES];
    struct span note;
    TRY(arena_printf(draft->arena, &note, err, "%s/%s", infer_count_text(stats->present, present),
                     infer_count_text(entity->stats->items, items)));
    if (stats->types[VALUE_S] + stats->types[VALUE_N])
        TRY(arena_printf(draft->arena, &note, err, "%.*s, %s%s distinct", SPAN_ARG(note),
                         hash_sample_is_exact(&stats->distinct) ? "" : "about ", infer_count_text(evidence->distinct, distinct)));
    if (evidence->exceptions)
        TRY(arena_printf(draft->arena, &note, err, "%.*s; %.*s; %s kept in ddb_extra", SPAN_ARG(note), SPAN_ARG(evidence->types),
                         infer_count_text(evidence->exceptions, exceptions)));
    *ret_note = note;
    return LF_OK;
}

/* ---- columns ---- */

static bool column_is_taken(void *context, struct span name)
{
    const struct entity *entity = context;
    return span_equal(name, SPAN("ddb_extra")) || entity_find_column(entity, name) < entity->column_count;
}

static enum lf_code unique_column_name(struct draft *draft, const struct draft_entity *entity, struct span wanted,
                                       struct span *ret_name, struct err *err)
{
    return name_unique(wanted, column_is_taken, entity->entity, draft->arena, ret_name, err);
}

/* A key of an index that no template makes, as GSI1SK: nothing but DynamoDB needs it, and no SQL should have to write it. */
static bool is_scaffold(const struct draft_entity *entity, const struct column *column)
{
    return column->source == COLUMN_FROM_ATTRIBUTE && infer_is_generic_key_name(column->attr) &&
           infer_is_index_key(entity->model->table, column->attr);
}

static enum lf_code add_column(struct draft *draft, struct draft_entity *entity, const struct attr_stats *stats,
                               struct column column, unsigned *ret_index, struct err *err)
{
    unsigned index = (unsigned)entity->entity->column_count;
    bool whole = stats->present == entity->stats->items && count_exceptions(stats, column.codec) == 0;
    bool is_kept = !is_scaffold(entity, &column);
    column.type = column.codec->type;
    column.not_null = column.not_null || (whole && is_kept && entity->stats->items >= NOT_NULL_ITEMS_MIN);
    TRY(fill_evidence(draft, stats, &column, &entity->evidence->columns[index], err));
    TRY(write_note(draft, entity, stats, &entity->evidence->columns[index], &column.note, err));
    entity->columns[index] = stats;
    entity->entity->columns[index] = column;
    entity->entity->column_count++;
    *ret_index = index;
    return LF_OK;
}

static enum lf_code add_attribute_column(struct draft *draft, struct draft_entity *entity, const struct attr_stats *stats,
                                         bool is_key, bool is_variable, unsigned *ret_index, struct err *err)
{
    struct span snake, name;
    TRY(infer_name_attribute(stats->name, draft->arena, &snake, err));
    TRY(unique_column_name(draft, entity, snake, &name, err));
    struct choice choice = { draft->infer->options.type_share_min, stats, snake };
    struct column column = { .name = name, .source = COLUMN_FROM_ATTRIBUTE, .not_null = is_key };
    TRY(arena_copy(draft->arena, stats->name, &column.attr, err));
    column.codec = is_key ? choose_key_codec(&choice) : choose_codec(&choice);
    if (is_variable && !is_key && !column.codec->text_sql)
        column.codec = choose_key_codec(&choice);
    return add_column(draft, entity, stats, column, ret_index, err);
}

static bool looks_like_id(const struct attr_stats *stats)
{
    if (stats->uuid == stats->present)
        return true;
    for (unsigned i = 0; i < stats->examples.count; i++) {
        bool digit = false, prose = false;
        for (unsigned c = 0; c < stats->examples.lengths[i]; c++) {
            digit = digit || isdigit((unsigned char)stats->examples.texts[i][c]);
            prose = prose || stats->examples.texts[i][c] == ' ' || stats->examples.texts[i][c] == '@';
        }
        if (!digit || prose)
            return false;
    }
    return true;
}

/* A piece without a word before it is called after the key's attribute, or, where that says nothing, after what it is. */
static enum lf_code name_bare_piece(struct draft *draft, struct span attr, const struct column_codec *codec,
                                    struct span *ret_name, struct err *err)
{
    bool is_generic = infer_is_generic_key_name(attr);
    if (is_generic && (codec->type == COLUMN_DATE || codec->type == COLUMN_TIMESTAMPTZ))
        attr = codec->type == COLUMN_DATE ? SPAN("date") : SPAN("timestamp");
    return name_snake_case(attr, draft->arena, ret_name, err);
}

/* The word before a key piece, written out where it is an abbreviation of the entity's name: I# in invoice -> invoice_id. */
static enum lf_code name_piece(struct draft *draft, const struct draft_entity *entity, unsigned variable,
                               const struct column_codec *codec, struct span *ret_name, struct err *err)
{
    const struct variable *v = &entity->kind->variables[variable];
    struct span word = { NULL, 0 };
    if (v->hint.ptr)
        TRY(infer_word_name(draft->infer, entity->model, v->hint, &word, err));
    if (!word.len)
        TRY(name_bare_piece(draft, entity->kind->templates[v->template].attr, codec, &word, err));
    else if (looks_like_id(&entity->stats->pieces[variable]) && !span_ends_with(word, SPAN("_id")))
        TRY(arena_printf(draft->arena, &word, err, "%.*s_id", SPAN_ARG(word)));
    return unique_column_name(draft, entity, word, ret_name, err);
}

static enum lf_code add_piece_column(struct draft *draft, struct draft_entity *entity, unsigned variable, unsigned *ret_index,
                                     struct err *err)
{
    struct column column = { .source = COLUMN_FROM_KEY, .not_null = true };
    struct choice choice = { draft->infer->options.type_share_min, &entity->stats->pieces[variable], { NULL, 0 } };
    column.codec = choose_key_codec(&choice);
    TRY(name_piece(draft, entity, variable, column.codec, &column.name, err));
    return add_column(draft, entity, &entity->stats->pieces[variable], column, ret_index, err);
}

/* ---- templates ---- */

/* Derived attributes are worth a template when it holds for most items; else they are columns. */
static bool is_worth_it(const struct draft_entity *entity, size_t template)
{
    const struct template_stats *stats = &entity->stats->templates[template];
    uint64_t wrong = stats->present - stats->rebuilt + stats->phantom;
    return stats->present > 0 && wrong * 5 <= entity->stats->items;
}

bool infer_key_templates_hold(const struct kind_stats *stats)
{
    return stats->unclaimed * 1000 <= stats->items;
}

static enum lf_code column_of_variable(struct draft *draft, struct draft_entity *entity, unsigned variable, bool is_key,
                                       struct err *err)
{
    if (entity->variables[variable] != UINT_MAX)
        return LF_OK;
    const struct variable *v = &entity->kind->variables[variable];
    if (!v->attr.ptr)
        return entity->identity_key ? LF_OK : add_piece_column(draft, entity, variable, &entity->variables[variable], err);
    const struct attr_stats *stats = infer_find_attribute(entity->stats, v->attr);
    return stats ? add_attribute_column(draft, entity, stats, is_key, true, &entity->variables[variable], err) : LF_OK;
}

static enum lf_code copy_template(struct draft *draft, struct draft_entity *entity, const struct kind_template *t,
                                  struct key_template *ret_template, struct err *err)
{
    struct key_template copy = { .attr = t->attr, .is_column = t->is_identity };
    TRY(arena_copy(draft->arena, t->attr, &copy.attr, err));
    copy.template.parts = arena_calloc(draft->arena, t->template.count, sizeof *copy.template.parts, err);
    if (!copy.template.parts)
        return err->code;
    copy.template.count = t->template.count;
    for (size_t i = 0; i < t->template.count; i++) {
        struct template_part part = t->template.parts[i];
        if (part.is_variable) {
            part.column = entity->variables[part.column];
            part.name = entity->entity->columns[part.column].name;
        } else {
            TRY(arena_copy(draft->arena, part.literal, &part.literal, err));
        }
        copy.template.parts[i] = part;
    }
    *ret_template = copy;
    return LF_OK;
}

static bool has_all_columns(const struct draft_entity *entity, const struct kind_template *t)
{
    for (size_t i = 0; i < t->template.count; i++)
        if (t->template.parts[i].is_variable && entity->variables[t->template.parts[i].column] == UINT_MAX)
            return false;
    return true;
}

static enum lf_code note_template(struct draft *draft, struct draft_entity *entity, size_t template, struct key_template *t,
                                  struct err *err)
{
    const struct template_stats *stats = &entity->stats->templates[template];
    uint64_t wrong = stats->present - stats->rebuilt;
    if (wrong == 0 && stats->phantom == 0)
        return LF_OK;
    char present[COUNT_TEXT_BYTES], rebuilt[COUNT_TEXT_BYTES], phantom[COUNT_TEXT_BYTES];
    TRY(arena_printf(draft->arena, &t->note, err,
                     "rebuilds %s of %s, absent in %s that could have it; exceptions are kept in ddb_extra",
                     infer_count_text(stats->rebuilt, rebuilt), infer_count_text(stats->present, present),
                     infer_count_text(stats->phantom, phantom)));
    return infer_doubt(draft, entity, err, "%.*s: the template %.*s", SPAN_ARG(t->attr), SPAN_ARG(t->note));
}

static enum lf_code draft_template(struct draft *draft, struct draft_entity *entity, size_t template, bool is_key,
                                   struct err *err)
{
    const struct kind_template *t = &entity->kind->templates[template];
    for (size_t i = 0; i < t->template.count; i++)
        if (t->template.parts[i].is_variable)
            TRY(column_of_variable(draft, entity, t->template.parts[i].column, is_key, err));
    if (!has_all_columns(entity, t))
        return LF_OK;
    struct key_template *copy = &entity->entity->templates[entity->entity->template_count];
    TRY(copy_template(draft, entity, t, copy, err));
    entity->entity->template_count++;
    return is_key ? LF_OK : note_template(draft, entity, template, copy, err);
}

/* The table's key as columns of its own: always true. */
static enum lf_code draft_identity_key(struct draft *draft, struct draft_entity *entity, struct span attr, struct err *err)
{
    const struct attr_stats *stats = infer_find_attribute(entity->stats, attr);
    struct key_template *t = &entity->entity->templates[entity->entity->template_count++];
    *t = (struct key_template){ .attr = attr, .is_column = true };
    t->template.parts = arena_calloc(draft->arena, 1, sizeof *t->template.parts, err);
    if (!t->template.parts)
        return err->code;
    unsigned column;
    TRY(add_attribute_column(draft, entity, stats, true, true, &column, err));
    t->template.parts[0] =
        (struct template_part){ .is_variable = true, .column = column, .name = entity->entity->columns[column].name };
    t->template.count = 1;
    return LF_OK;
}

static enum lf_code draft_table_key(struct draft *draft, struct draft_entity *entity, struct err *err)
{
    const struct map_table *table = entity->model->table;
    size_t parts = key_schema_has_sort(&table->key) ? 2 : 1;
    entity->identity_key = !infer_key_templates_hold(entity->stats);
    for (size_t i = 0; i < parts; i++)
        if (entity->identity_key)
            TRY(draft_identity_key(draft, entity, i ? table->key.sort.name : table->key.partition.name, err));
        else
            TRY(draft_template(draft, entity, i, true, err));
    return LF_OK;
}

static enum lf_code remember_key_columns(struct draft *draft, struct draft_entity *entity, struct err *err)
{
    entity->key_columns = arena_calloc(draft->arena, entity->entity->column_count, sizeof *entity->key_columns, err);
    if (!entity->key_columns)
        return err->code;
    for (size_t t = 0; t < entity->entity->template_count; t++)
        for (size_t p = 0; p < entity->entity->templates[t].template.count; p++) {
            const struct template_part *part = &entity->entity->templates[t].template.parts[p];
            bool known = !part->is_variable;
            for (size_t i = 0; i < entity->key_column_count && !known; i++)
                known = entity->key_columns[i] == part->column;
            if (!known)
                entity->key_columns[entity->key_column_count++] = part->column;
        }
    return LF_OK;
}

/* ---- all attributes ---- */

static bool has_column(const struct entity *entity, struct span attr)
{
    for (size_t i = 0; i < entity->column_count; i++)
        if (entity->columns[i].source == COLUMN_FROM_ATTRIBUTE && span_equal(entity->columns[i].attr, attr))
            return true;
    return false;
}

static bool has_template(const struct entity *entity, struct span attr)
{
    for (size_t i = 0; i < entity->template_count; i++)
        if (span_equal(entity->templates[i].attr, attr))
            return true;
    return false;
}

static bool begins_like(struct span name, const char *word)
{
    for (size_t i = 0; word[i]; i++)
        if (i == name.len || tolower((unsigned char)name.ptr[i]) != word[i])
            return false;
    return true;
}

/* People write what a thing is first and when it was touched last. */
static int rank(const struct attr_stats *stats)
{
    if (begins_like(stats->name, "created"))
        return 1;
    if (begins_like(stats->name, "updated") || begins_like(stats->name, "modified"))
        return 2;
    return begins_like(stats->name, "deleted") || begins_like(stats->name, "version") ? 3 : 0;
}

static int compare_attributes(const void *a, const void *b)
{
    const struct attr_stats *x = *(const struct attr_stats *const *)a, *y = *(const struct attr_stats *const *)b;
    int order = rank(x) - rank(y);
    return order ? order : span_compare(x->name, y->name);
}

static int compare_presence(const void *a, const void *b)
{
    const struct attr_stats *x = *(const struct attr_stats *const *)a, *y = *(const struct attr_stats *const *)b;
    if (x->present != y->present)
        return x->present > y->present ? -1 : 1;
    return span_compare(x->name, y->name);
}

bool infer_is_common(const struct attr_stats *stats, uint64_t items)
{
    bool lone = stats->present == 1 && items >= FEW_ITEMS;
    return stats->present * 1000 >= items * PRESENCE_PER_MILLE_MIN && !lone;
}

bool infer_is_index_key(const struct map_table *table, struct span attr)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (span_equal(table->indexes[i].key.partition.name, attr) || span_equal(table->indexes[i].key.sort.name, attr))
            return true;
    return false;
}

static enum lf_code draft_attributes(struct draft *draft, struct draft_entity *entity, struct err *err)
{
    const struct attr_stats **rest = arena_calloc(draft->arena, entity->stats->attribute_count, sizeof *rest, err);
    if (!rest)
        return err->code;
    size_t count = 0, rare = 0;
    for (size_t i = 0; i < entity->stats->attribute_capacity; i++) {
        const struct attr_stats *stats = entity->stats->attributes[i];
        if (!stats || has_column(entity->entity, stats->name) || has_template(entity->entity, stats->name) ||
            (entity->kind->marker.ptr && span_equal(stats->name, entity->model->marker)))
            continue;
        if (infer_is_common(stats, entity->stats->items) || infer_is_index_key(entity->model->table, stats->name))
            rest[count++] = stats;
        else
            rare++;
    }
    qsort(rest, count, sizeof *rest, compare_presence);
    size_t room = LIMIT_COLUMNS - 1 - entity->entity->column_count;
    size_t beyond = count > room ? count - room : 0;
    count -= beyond;
    qsort(rest, count, sizeof *rest, compare_attributes);
    for (size_t i = 0; i < count; i++) {
        unsigned column;
        TRY(add_attribute_column(draft, entity, rest[i], false, false, &column, err));
    }
    if (rare + beyond)
        TRY(infer_doubt(draft, entity, err,
                        "%zu attributes have no column: %zu are in fewer than %d of 1,000 items, %zu are past %d columns",
                        rare + beyond, rare, PRESENCE_PER_MILLE_MIN, beyond, LIMIT_COLUMNS));
    return LF_OK;
}

static enum lf_code draft_match(struct draft *draft, struct draft_entity *entity, struct err *err)
{
    if (!entity->kind->marker.ptr)
        return LF_OK;
    struct match *match = arena_calloc(draft->arena, 1, sizeof *match, err);
    if (!match)
        return err->code;
    TRY(arena_copy(draft->arena, entity->model->marker, &match->attr, err));
    match->value.type = VALUE_S;
    TRY(arena_copy(draft->arena, entity->kind->marker, &match->value.bytes, err));
    entity->entity->matches = match;
    entity->entity->match_count = 1;
    return LF_OK;
}

/* Whether strings, numbers and the like are mixed: jsonb holds them all, but no SQL compares them. */
static bool is_mixed(const struct attr_stats *stats, const struct column *column)
{
    const uint64_t *types = stats->types;
    return column->type == COLUMN_JSONB && types[VALUE_S] + types[VALUE_N] + types[VALUE_BOOL] > 0;
}

static enum lf_code doubt_column(struct draft *draft, struct draft_entity *entity, size_t index, struct err *err)
{
    const struct column_evidence *evidence = &entity->evidence->columns[index];
    const struct column *column = &entity->entity->columns[index];
    char exceptions[COUNT_TEXT_BYTES], present[COUNT_TEXT_BYTES];
    if (is_scaffold(entity, column) && !column->not_null)
        TRY(infer_doubt(
            draft, entity, err,
            "%.*s: no columns make this key of an index: it is a column, to be dropped when DynamoDB is no longer asked",
            SPAN_ARG(column->name)));
    if (is_mixed(entity->columns[index], column))
        TRY(infer_doubt(draft, entity, err, "%.*s is %s because its values are of several types (%.*s)", SPAN_ARG(column->name),
                        column_type_name(column->type), SPAN_ARG(evidence->types)));
    uint64_t nulls = column->type == COLUMN_JSONB ? 0 : entity->columns[index]->types[VALUE_NULL]; /* NULL in SQL as well */
    if (evidence->exceptions == nulls)
        return LF_OK;
    return infer_doubt(draft, entity, err, "%.*s %s does not hold %s of %s values (%.*s)", SPAN_ARG(column->name),
                       column_type_name(column->type), infer_count_text(evidence->exceptions, exceptions),
                       infer_count_text(evidence->present, present), SPAN_ARG(evidence->types));
}

static enum lf_code doubt_columns(struct draft *draft, struct draft_entity *entity, struct err *err)
{
    for (size_t i = 0; i < entity->entity->column_count; i++)
        TRY(doubt_column(draft, entity, i, err));
    return LF_OK;
}

enum lf_code infer_draft_columns(struct draft *draft, struct draft_entity *entity, struct err *err)
{
    size_t capacity = entity->kind->variable_count + entity->stats->attribute_count + 2;
    entity->entity->columns = arena_calloc(draft->arena, capacity, sizeof *entity->entity->columns, err);
    entity->columns = arena_calloc(draft->arena, capacity, sizeof *entity->columns, err);
    entity->evidence->columns = arena_calloc(draft->arena, capacity, sizeof *entity->evidence->columns, err);
    entity->variables = arena_alloc(draft->arena, entity->kind->variable_count * sizeof *entity->variables, err);
    entity->entity->templates =
        arena_calloc(draft->arena, entity->kind->template_count + 2, sizeof *entity->entity->templates, err);
    if (!entity->entity->columns || !entity->columns || !entity->evidence->columns || !entity->variables ||
        !entity->entity->templates)
        return err->code;
    for (size_t i = 0; i < entity->kind->variable_count; i++)
        entity->variables[i] = UINT_MAX;
    TRY(draft_match(draft, entity, err));
    TRY(draft_table_key(draft, entity, err));
    TRY(remember_key_columns(draft, entity, err));
    size_t parts = key_schema_has_sort(&entity->model->table->key) ? 2 : 1;
    for (size_t i = parts; i < entity->kind->template_count; i++)
        if (is_worth_it(entity, i))
            TRY(draft_template(draft, entity, i, false, err));
    TRY(draft_attributes(draft, entity, err));
    return doubt_columns(draft, entity, err);
}

/* ---- closed sets ---- */

static bool is_code(struct span text)
{
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.ptr[i]) && !strchr("_-.", text.ptr[i]))
            return false;
    return isalpha((unsigned char)text.ptr[0]);
}

/* A closed set: few values, each often, each looking like a code. */
static enum lf_code draft_check(struct draft *draft, const struct draft_entity *entity, const struct attr_stats *stats,
                                struct column *column, struct err *err)
{
    struct small_set set = stats->values;
    if (column->type != COLUMN_TEXT || set.overflow || set.count < 2 || set.count > CHECK_VALUES_MAX ||
        stats->present < CHECK_ITEMS_MIN || count_exceptions(stats, column->codec) || entity->stats->items < CHECK_ITEMS_MIN)
        return LF_OK;
    for (unsigned i = 0; i < set.count; i++)
        if (set.counts[i] < CHECK_ITEMS_PER_VALUE_MIN || !is_code(span_of(set.values[i], set.lengths[i])))
            return LF_OK;
    small_set_sort(&set);
    column->check = arena_calloc(draft->arena, set.count, sizeof *column->check, err);
    if (!column->check)
        return err->code;
    for (unsigned i = 0; i < set.count; i++)
        TRY(arena_copy(draft->arena, span_of(set.values[i], set.lengths[i]), &column->check[i], err));
    column->check_count = set.count;
    return LF_OK;
}

/* Keys and references say by themselves which values there may be. */
static bool is_key_or_reference(const struct draft_entity *entity, unsigned column)
{
    for (size_t i = 0; i < entity->key_column_count; i++)
        if (entity->key_columns[i] == column)
            return true;
    for (size_t f = 0; f < entity->entity->foreign_key_count; f++)
        for (size_t i = 0; i < entity->entity->foreign_keys[f].count; i++)
            if (entity->entity->foreign_keys[f].columns[i] == column)
                return true;
    return false;
}

enum lf_code infer_draft_checks(struct draft *draft, struct draft_entity *entity, struct err *err)
{
    for (unsigned c = 0; c < entity->entity->column_count; c++)
        if (!is_key_or_reference(entity, c))
            TRY(draft_check(draft, entity, entity->columns[c], &entity->entity->columns[c], err));
    return LF_OK;
}
