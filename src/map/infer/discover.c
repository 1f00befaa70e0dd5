#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "map/infer/internal.h"
#include "map/naming.h"

/*
 * Kinds are told apart by, in this order: the marker that a library writes, an attribute that is named like one and splits the
 * items into groups with few attributes in common, and the literal beginnings of the keys.
 */

enum {
    MARKER_SHARE_PERCENT = 95, /* of the sample must have it */
    GROUPS_MAX = 64,           /* values of a discriminator, distinct prefixes of a key */
    PREFIX_ITEMS_MIN = 2,
    WHOLE_ITEMS_MIN = 3,
    WHOLES_MAX = 8,
    INNERS_MAX = 32,
    INNER_ITEMS_SHARE = 20,  /* a word inside keys counts from one key in so many */
    HELD_SHARE_PERCENT = 95, /* of keys begin with what an attribute says */
    SPREAD_MIN = 5,          /* beginnings among the keys of one marker's items */
    CLASS_BYTES_MAX = 48,
    PROFILE_ATTRIBUTES = 256,
};
static const double SIMILARITY_MAX = 0.6; /* share of attributes in common up to which two groups are two kinds */

static const char *const library_markers[] = { "__edb_e__", "_type", "_et", "__en", "__typename", "__type" };
static const char *const entity_words[] = {
    "entity_name",   "entity_type", "entity",      "type",        "kind",          "model",
    "model_name",    "item_type",   "record_type", "object_type", "doc_type",      "document_type",
    "discriminator", "class",       "object",      "row_type",    "resource_type", "t"
};

/* ---- groups of items by the value of something ---- */

struct group {
    struct span value;
    uint64_t items;
};
struct groups {
    struct group items[GROUPS_MAX + 1];
    size_t count;
    bool overflow;
};

static void groups_add(struct groups *groups, struct span value)
{
    for (size_t i = 0; i < groups->count; i++)
        if (span_equal(groups->items[i].value, value)) {
            groups->items[i].items++;
            return;
        }
    if (groups->count == GROUPS_MAX) {
        groups->overflow = true;
        return;
    }
    groups->items[groups->count++] = (struct group){ value, 1 };
}

/* ---- how alike two sets of items are: attributes that most of each set have ---- */

struct profile {
    struct {
        struct span name;
        uint64_t items;
    } attributes[PROFILE_ATTRIBUTES];
    size_t count;
    uint64_t items;
};

static bool is_key_attribute(const struct map_table *table, struct span name)
{
    if (span_equal(name, table->key.partition.name) ||
        (key_schema_has_sort(&table->key) && span_equal(name, table->key.sort.name)))
        return true;
    return infer_is_generic_key_name(name);
}

static void profile_add(struct profile *profile, const struct map_table *table, const struct item *item)
{
    profile->items++;
    for (size_t i = 0; i < item->count; i++) {
        struct span name = item->attributes[i].name;
        if (is_key_attribute(table, name))
            continue;
        size_t at = 0;
        while (at < profile->count && !span_equal(profile->attributes[at].name, name))
            at++;
        if (at == PROFILE_ATTRIBUTES)
            continue;
        if (at == profile->count) {
            profile->attributes[at].name = name;
            profile->attributes[at].items = 0;
            profile->count++;
        }
        profile->attributes[at].items++;
    }
}

static bool profile_has(const struct profile *profile, struct span name)
{
    for (size_t i = 0; i < profile->count; i++)
        if (span_equal(profile->attributes[i].name, name))
            return profile->attributes[i].items * 2 >= profile->items;
    return false;
}

/* Jaccard: attributes in common over attributes of either; two sets without any are alike. */
static double profile_similarity(const struct profile *a, const struct profile *b)
{
    size_t both = 0, either = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (a->attributes[i].items * 2 < a->items)
            continue;
        either++;
        both += profile_has(b, a->attributes[i].name);
    }
    for (size_t i = 0; i < b->count; i++)
        if (b->attributes[i].items * 2 >= b->items && !profile_has(a, b->attributes[i].name))
            either++;
    return either ? (double)both / (double)either : 1.0;
}

/* ---- the marker ---- */

static struct span string_attribute(const struct item *item, struct span name)
{
    const struct value *value = item_get(item, name);
    return value && value->type == VALUE_S && value->bytes.len ? value->bytes : (struct span){ NULL, 0 };
}

static void group_by_attribute(const struct table_model *model, struct span attr, struct groups *ret_groups,
                               uint64_t *ret_present)
{
    *ret_groups = (struct groups){ .count = 0 };
    *ret_present = 0;
    for (size_t i = 0; i < model->sample_count; i++) {
        struct span value = string_attribute(&model->sample[i], attr);
        if (!value.ptr)
            continue;
        ++*ret_present;
        groups_add(ret_groups, value);
    }
}

static bool covers(const struct table_model *model, uint64_t present)
{
    return present * 100 >= model->sample_count * MARKER_SHARE_PERCENT && present > 0;
}

/* The mean similarity of the groups that an attribute makes. */
static enum lf_code mean_similarity(struct infer *infer, const struct table_model *model, struct span attr,
                                    const struct groups *groups, double *ret_similarity, struct err *err)
{
    struct arena_mark mark = arena_mark(&infer->arena);
    struct profile *profiles = arena_calloc(&infer->arena, groups->count, sizeof *profiles, err);
    if (!profiles)
        return err->code;
    for (size_t i = 0; i < model->sample_count; i++) {
        struct span value = string_attribute(&model->sample[i], attr);
        for (size_t g = 0; value.ptr && g < groups->count; g++)
            if (span_equal(groups->items[g].value, value))
                profile_add(&profiles[g], model->table, &model->sample[i]);
    }
    double sum = 0;
    size_t pairs = 0;
    for (size_t a = 0; a < groups->count; a++)
        for (size_t b = a + 1; b < groups->count; b++, pairs++)
            sum += profile_similarity(&profiles[a], &profiles[b]);
    *ret_similarity = pairs ? sum / (double)pairs : 1.0;
    arena_rewind(&infer->arena, mark);
    return LF_OK;
}

static enum lf_code find_library_marker(struct infer *infer, struct table_model *model, struct err *err)
{
    for (size_t i = 0; i < sizeof library_markers / sizeof *library_markers; i++) {
        struct span attr = span_from_cstr(library_markers[i]);
        struct groups groups;
        uint64_t present;
        group_by_attribute(model, attr, &groups, &present);
        if (!covers(model, present) || groups.overflow)
            continue;
        model->marker = attr;
        return arena_printf(&infer->arena, &model->decided_by, err,
                            "entities told apart by attribute %s, written by the application's library", library_markers[i]);
    }
    return LF_OK;
}

static bool is_entity_word(struct span snake)
{
    for (size_t i = 0; i < sizeof entity_words / sizeof *entity_words; i++)
        if (span_equal(snake, span_from_cstr(entity_words[i])))
            return true;
    return false;
}

static enum lf_code consider_discriminator(struct infer *infer, struct table_model *model, struct span attr, struct err *err)
{
    struct groups groups;
    uint64_t present;
    group_by_attribute(model, attr, &groups, &present);
    if (!covers(model, present) || groups.overflow || groups.count < 2 || groups.count * 2 > model->sample_count)
        return LF_OK;
    double similarity;
    TRY(mean_similarity(infer, model, attr, &groups, &similarity, err));
    if (similarity > SIMILARITY_MAX)
        return LF_OK;
    TRY(arena_copy(&infer->arena, attr, &model->marker, err));
    return arena_printf(&infer->arena, &model->decided_by, err,
                        "entities told apart by attribute %.*s: %zu values, whose items share %.0f %% of their attributes",
                        SPAN_ARG(attr), groups.count, similarity * 100);
}

enum lf_code infer_find_marker(struct infer *infer, struct table_model *model, struct err *err)
{
    TRY(find_library_marker(infer, model, err));
    for (size_t i = 0; i < model->sample_count && i < INFER_MINE_ITEMS; i++) {
        const struct item *item = &model->sample[i];
        for (size_t a = 0; a < item->count && !model->marker.ptr; a++) {
            struct span snake;
            TRY(name_snake_case(item->attributes[a].name, &infer->arena, &snake, err));
            if (is_entity_word(snake))
                TRY(consider_discriminator(infer, model, item->attributes[a].name, err));
        }
    }
    return LF_OK;
}

/* ---- key classes ---- */

static bool is_class_separator(char c)
{
    return c == '#' || c == '|' || c == '$' || c == ':' || c == '/';
}

static bool is_word(struct span text)
{
    if (text.len == 0 || text.len > CLASS_BYTES_MAX || !isalpha((unsigned char)text.ptr[0]))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!isalpha((unsigned char)text.ptr[i]) && text.ptr[i] != '_' && text.ptr[i] != '-' && text.ptr[i] != '.')
            return false;
    return true;
}

/* "PHOTO#01E4" -> "PHOTO#", "#META#x" -> "#META#"; ptr NULL when there is no word and separator at the beginning. */
static struct span word_prefix(struct span text)
{
    size_t start = 0;
    while (start < text.len && is_class_separator(text.ptr[start]))
        start++;
    size_t end = start;
    while (end < text.len && !is_class_separator(text.ptr[end]))
        end++;
    if (end == text.len || !is_word(span_of(text.ptr + start, end - start)))
        return (struct span){ NULL, 0 };
    return span_of(text.ptr, end + 1);
}

static bool contains(const struct span *values, size_t count, struct span value)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(values[i], value))
            return true;
    return false;
}

static struct span key_text(const struct map_table *table, size_t part, const struct item *item)
{
    return string_attribute(item, part == 0 ? table->key.partition.name : table->key.sort.name);
}

static size_t key_part_count(const struct map_table *table)
{
    return key_schema_has_sort(&table->key) ? 2 : 1;
}

/* ---- beginnings of keys that are values: the names of tenants ---- */

/* The known beginning of a key: its number, classes->prefix_count when it has none. */
static size_t prefix_index(const struct key_classes *classes, struct span text)
{
    struct span prefix = word_prefix(text);
    size_t i = 0;
    while (i < classes->prefix_count && !(prefix.ptr && span_equal(classes->prefixes[i], prefix)))
        i++;
    return i;
}

static bool begins_with_value(struct span text, struct span value)
{
    size_t start = 0;
    while (start < text.len && is_class_separator(text.ptr[start]))
        start++;
    struct span rest = span_from(text, start);
    return value.len > 0 && value.len < rest.len && is_class_separator(rest.ptr[value.len]) &&
           strncasecmp(rest.ptr, value.ptr, value.len) == 0;
}

/* Whether the keys begin with what the attribute says. */
static bool attribute_holds_beginnings(const struct table_model *model, size_t part, const struct key_classes *classes,
                                       struct span attr)
{
    uint64_t keys = 0, held = 0;
    for (size_t i = 0; i < model->sample_count; i++) {
        struct span text = key_text(model->table, part, &model->sample[i]);
        if (prefix_index(classes, text) == classes->prefix_count)
            continue;
        keys++;
        held += begins_with_value(text, string_attribute(&model->sample[i], attr));
    }
    return held * 100 >= keys * HELD_SHARE_PERCENT;
}

static bool any_attribute_holds_beginnings(const struct table_model *model, size_t part, const struct key_classes *classes)
{
    const struct item *first = &model->sample[0];
    for (size_t a = 0; a < first->count; a++)
        if (!span_equal(first->attributes[a].name, model->marker) && !is_key_attribute(model->table, first->attributes[a].name) &&
            attribute_holds_beginnings(model, part, classes, first->attributes[a].name))
            return true;
    return false;
}

/* How many beginnings the keys of a marker's items have, and how many items these are. */
static size_t count_beginnings(const struct table_model *model, size_t part, const struct key_classes *classes,
                               struct span marker, size_t *ret_items)
{
    bool seen[GROUPS_MAX] = { false };
    size_t distinct = 0;
    *ret_items = 0;
    for (size_t i = 0; i < model->sample_count; i++) {
        size_t at = prefix_index(classes, key_text(model->table, part, &model->sample[i]));
        if (at == classes->prefix_count || !span_equal(string_attribute(&model->sample[i], model->marker), marker))
            continue;
        ++*ret_items;
        distinct += !seen[at];
        seen[at] = true;
    }
    return distinct;
}

/* Whether the items of every marker that has enough of them are spread over the beginnings. */
static bool markers_are_spread(const struct table_model *model, size_t part, const struct key_classes *classes)
{
    struct groups markers;
    uint64_t present;
    bool any = false;
    group_by_attribute(model, model->marker, &markers, &present);
    for (size_t i = 0; i < markers.count; i++) {
        size_t items, distinct = count_beginnings(model, part, classes, markers.items[i].value, &items);
        bool is_spread = distinct >= SPREAD_MIN && distinct * 2 >= classes->prefix_count;
        if (items >= 2 * classes->prefix_count && !is_spread)
            return false;
        any = any || (items >= 2 * classes->prefix_count);
    }
    return any;
}

/* A marker has told the kinds. Where keys of all of them begin with the same words, or with what an attribute holds, the words
 * tell tenants apart and not kinds. */
static bool beginnings_are_values(const struct table_model *model, size_t part, const struct key_classes *classes)
{
    return model->marker.ptr && classes->prefix_count > 1 &&
           (any_attribute_holds_beginnings(model, part, classes) || markers_are_spread(model, part, classes));
}

/* ---- classes of a key ---- */

/* Whether the items whose key is exactly `whole` have other attributes than the rest. */
static enum lf_code whole_stands_apart(struct infer *infer, const struct table_model *model, size_t part, struct span whole,
                                       bool *ret_apart, struct err *err)
{
    struct arena_mark mark = arena_mark(&infer->arena);
    struct profile *profiles = arena_calloc(&infer->arena, 2, sizeof *profiles, err);
    if (!profiles)
        return err->code;
    for (size_t i = 0; i < model->sample_count; i++) {
        bool is_whole = span_equal(key_text(model->table, part, &model->sample[i]), whole);
        profile_add(&profiles[is_whole], model->table, &model->sample[i]);
    }
    *ret_apart = profiles[0].items > 0 && profile_similarity(&profiles[0], &profiles[1]) <= SIMILARITY_MAX;
    arena_rewind(&infer->arena, mark);
    return LF_OK;
}

static enum lf_code take_prefixes(struct infer *infer, const struct groups *groups, struct key_classes *classes, struct err *err)
{
    classes->prefixes = arena_calloc(&infer->arena, groups->count, sizeof *classes->prefixes, err);
    if (!classes->prefixes)
        return err->code;
    for (size_t i = 0; i < groups->count && !groups->overflow; i++)
        if (groups->items[i].items >= PREFIX_ITEMS_MIN)
            classes->prefixes[classes->prefix_count++] = groups->items[i].value;
    return LF_OK;
}

static enum lf_code take_wholes(struct infer *infer, const struct table_model *model, size_t part, const struct groups *groups,
                                struct key_classes *classes, struct err *err)
{
    struct span wholes[WHOLES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < groups->count && !groups->overflow; i++) {
        if (groups->items[i].items < WHOLE_ITEMS_MIN)
            continue;
        bool apart;
        TRY(whole_stands_apart(infer, model, part, groups->items[i].value, &apart, err));
        if (!apart)
            continue;
        if (count == WHOLES_MAX)
            return LF_OK;
        wholes[count++] = groups->items[i].value;
    }
    classes->wholes = arena_calloc(&infer->arena, count, sizeof *classes->wholes, err);
    if (!classes->wholes)
        return err->code;
    memcpy(classes->wholes, wholes, count * sizeof *wholes);
    classes->whole_count = count;
    return LF_OK;
}

/* The next word of a key that has a separator behind it; `at` moves behind that. ptr NULL at the end. */
static struct span next_word(struct span text, size_t *at)
{
    while (*at < text.len) {
        size_t start = *at, end = start;
        while (end < text.len && !is_class_separator(text.ptr[end]))
            end++;
        *at = end + 1;
        struct span word = span_of(text.ptr + start, end - start);
        if (end < text.len && is_word(word))
            return word;
    }
    return (struct span){ NULL, 0 };
}

static bool has_word_behind(struct span text, size_t start, struct span wanted)
{
    for (struct span word; (word = next_word(text, &start)).ptr;)
        if (span_equal(word, wanted))
            return true;
    return false;
}

/* Whether, among keys that begin with `prefix`, items with the word have other attributes than those without. */
static enum lf_code inner_stands_apart(struct infer *infer, const struct table_model *model, size_t part, struct inner_word inner,
                                       bool *ret_apart, struct err *err)
{
    struct arena_mark mark = arena_mark(&infer->arena);
    struct profile *profiles = arena_calloc(&infer->arena, 2, sizeof *profiles, err);
    if (!profiles)
        return err->code;
    for (size_t i = 0; i < model->sample_count; i++) {
        struct span text = key_text(model->table, part, &model->sample[i]);
        if (span_starts_with(text, inner.prefix))
            profile_add(&profiles[has_word_behind(text, inner.prefix.len, inner.word)], model->table, &model->sample[i]);
    }
    *ret_apart = profiles[0].items > 0 && profile_similarity(&profiles[0], &profiles[1]) <= SIMILARITY_MAX;
    arena_rewind(&infer->arena, mark);
    return LF_OK;
}

/* The words in keys that begin with `prefix`; the number of such keys. */
static uint64_t collect_inner_words(const struct table_model *model, size_t part, struct span prefix, struct groups *ret_groups)
{
    uint64_t keys = 0;
    ret_groups->count = 0;
    for (size_t i = 0; i < model->sample_count; i++) {
        struct span text = key_text(model->table, part, &model->sample[i]);
        size_t at = prefix.len;
        if (!span_starts_with(text, prefix))
            continue;
        keys++;
        for (struct span word; (word = next_word(text, &at)).ptr;)
            groups_add(ret_groups, word);
    }
    return keys;
}

static enum lf_code take_inner_words(struct infer *infer, const struct table_model *model, size_t part, struct span prefix,
                                     struct key_classes *classes, struct err *err)
{
    struct groups words = { .count = 0 };
    uint64_t keys = collect_inner_words(model, part, prefix, &words);
    for (size_t i = 0; i < words.count && classes->inner_count < INNERS_MAX; i++) {
        struct inner_word inner = { prefix, words.items[i].value };
        bool apart = false;
        if (words.items[i].items >= WHOLE_ITEMS_MIN && words.items[i].items * INNER_ITEMS_SHARE >= keys)
            TRY(inner_stands_apart(infer, model, part, inner, &apart, err));
        if (apart)
            classes->inners[classes->inner_count++] = inner;
    }
    return LF_OK;
}

static enum lf_code find_inner_words(struct infer *infer, const struct table_model *model, size_t part,
                                     struct key_classes *classes, struct err *err)
{
    if (model->marker.ptr)
        return LF_OK; /* a marker has told the kinds; words inside their keys are values */
    classes->inners = arena_calloc(&infer->arena, INNERS_MAX, sizeof *classes->inners, err);
    if (!classes->inners)
        return err->code;
    for (size_t i = 0; i < classes->prefix_count; i++)
        TRY(take_inner_words(infer, model, part, classes->prefixes[i], classes, err));
    return LF_OK;
}

static enum lf_code find_classes(struct infer *infer, struct table_model *model, size_t part, struct err *err)
{
    struct groups prefixes = { .count = 0 }, wholes = { .count = 0 };
    for (size_t i = 0; i < model->sample_count; i++) {
        struct span text = key_text(model->table, part, &model->sample[i]);
        struct span prefix = word_prefix(text);
        if (prefix.ptr)
            groups_add(&prefixes, prefix);
        else if (is_word(text))
            groups_add(&wholes, text);
    }
    TRY(take_prefixes(infer, &prefixes, &model->classes[part], err));
    if (beginnings_are_values(model, part, &model->classes[part]))
        model->classes[part].prefix_count = 0;
    TRY(find_inner_words(infer, model, part, &model->classes[part], err));
    return take_wholes(infer, model, part, &wholes, &model->classes[part], err);
}

/* ---- kinds ---- */

static struct span class_of(const struct key_classes *classes, struct span text, bool *ret_whole)
{
    *ret_whole = false;
    struct span prefix = word_prefix(text);
    if (prefix.ptr && contains(classes->prefixes, classes->prefix_count, prefix))
        return prefix;
    if (contains(classes->wholes, classes->whole_count, text)) {
        *ret_whole = true;
        return text;
    }
    return (struct span){ NULL, 0 };
}

/* The last word of the key that is known to make a kind of its own. */
static struct span inner_of(const struct key_classes *classes, struct span prefix, struct span text)
{
    struct span inner = { NULL, 0 };
    size_t at = prefix.len;
    for (struct span word; (word = next_word(text, &at)).ptr;)
        for (size_t i = 0; i < classes->inner_count; i++)
            if (span_equal(classes->inners[i].prefix, prefix) && span_equal(classes->inners[i].word, word))
                inner = word;
    return inner;
}

static bool same_or_both_absent(struct span a, struct span b)
{
    return (a.ptr != NULL) == (b.ptr != NULL) && span_equal(a, b);
}

/* What tells the item's kind: marker and classes of its keys. */
static struct kind signature(const struct table_model *model, const struct item *item)
{
    struct kind kind = { .marker = { NULL, 0 } };
    if (model->marker.ptr)
        kind.marker = string_attribute(item, model->marker);
    for (size_t part = 0; part < key_part_count(model->table); part++) {
        struct span text = key_text(model->table, part, item);
        kind.classes[part] = class_of(&model->classes[part], text, &kind.whole[part]);
        if (kind.classes[part].ptr && !kind.whole[part])
            kind.inner[part] = inner_of(&model->classes[part], kind.classes[part], text);
    }
    return kind;
}

static bool is_same_kind(const struct kind *a, const struct kind *b)
{
    bool same = same_or_both_absent(a->marker, b->marker);
    for (size_t part = 0; part < 2 && same; part++)
        same = same_or_both_absent(a->classes[part], b->classes[part]) && same_or_both_absent(a->inner[part], b->inner[part]);
    return same;
}

static size_t find_kind(const struct table_model *model, const struct kind *signature)
{
    size_t i = 0;
    while (i < model->kind_count && !is_same_kind(&model->kinds[i], signature))
        i++;
    return i;
}

size_t infer_classify(const struct table_model *model, const struct item *item)
{
    struct kind kind = signature(model, item);
    return find_kind(model, &kind);
}

static enum lf_code add_kind(struct infer *infer, struct table_model *model, struct kind kind, struct err *err)
{
    if (model->kind_count == INFER_KINDS_MAX)
        return LF_OK;
    if (!model->kinds) {
        model->kinds = arena_calloc(&infer->arena, INFER_KINDS_MAX, sizeof *model->kinds, err);
        if (!model->kinds)
            return err->code;
    }
    kind.sample = arena_calloc(&infer->arena, INFER_MINE_ITEMS, sizeof *kind.sample, err);
    if (!kind.sample)
        return err->code;
    model->kinds[model->kind_count++] = kind;
    return LF_OK;
}

/* A lone item in a large sample is an oddity, not an entity: it will live in landfall.item. */
static bool is_odd(const struct table_model *model, const struct kind *kind, size_t items)
{
    return kind->sampled < 3 && items >= 200 && !(kind->marker.ptr && model->marker.ptr && kind->classes[0].ptr);
}

static void drop_odd_kinds(struct table_model *model, size_t first, size_t items)
{
    size_t kept = first;
    for (size_t i = first; i < model->kind_count; i++)
        if (!is_odd(model, &model->kinds[i], items))
            model->kinds[kept++] = model->kinds[i];
    model->kind_count = kept;
}

static int compare_kinds(const void *a, const void *b)
{
    const struct kind *x = a, *y = b;
    int order = span_compare(x->marker, y->marker);
    for (size_t part = 0; part < 2 && order == 0; part++) {
        order = span_compare(x->classes[part], y->classes[part]);
        order = order ? order : span_compare(x->inner[part], y->inner[part]);
    }
    return order;
}

static enum lf_code group_into_kinds(struct infer *infer, struct table_model *model, const struct item *items, size_t count,
                                     struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct kind kind = signature(model, &items[i]);
        size_t at = find_kind(model, &kind);
        if (at == model->kind_count)
            TRY(add_kind(infer, model, kind, err));
        if (at == model->kind_count)
            continue; /* more than INFER_KINDS_MAX */
        struct kind *found = &model->kinds[at];
        found->sampled++;
        if (found->sample_count < INFER_MINE_ITEMS)
            found->sample[found->sample_count++] = items[i];
    }
    return LF_OK;
}

static enum lf_code explain_decision(struct infer *infer, struct table_model *model, struct err *err)
{
    if (model->decided_by.ptr)
        return LF_OK;
    if (model->kind_count > 1)
        return arena_copy(&infer->arena, SPAN("entities told apart by the words that keys begin with"), &model->decided_by, err);
    return arena_copy(&infer->arena, SPAN("one entity: nothing tells items apart"), &model->decided_by, err);
}

enum lf_code infer_add_kinds(struct infer *infer, struct table_model *model, const struct item *items, size_t count,
                             struct err *err)
{
    size_t first = model->kind_count;
    if (first == 0)
        for (size_t part = 0; part < key_part_count(model->table); part++)
            TRY(find_classes(infer, model, part, err));
    TRY(group_into_kinds(infer, model, items, count, err));
    drop_odd_kinds(model, first, count > model->sample_count ? count : model->sample_count);
    if (model->kind_count > first)
        qsort(model->kinds + first, model->kind_count - first, sizeof *model->kinds, compare_kinds);
    for (size_t i = first; i < model->kind_count; i++)
        TRY(infer_mine_templates(infer, model, &model->kinds[i], err));
    TRY(infer_name_kinds(infer, model, items, count, err));
    return explain_decision(infer, model, err);
}
