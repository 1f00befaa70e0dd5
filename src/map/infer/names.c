#include <ctype.h>
#include <strings.h>

#include "map/infer/internal.h"
#include "map/naming.h"

enum { NAME_WORDS_MAX = 32, SHORT_WORD_BYTES = 2 };

struct words {
    struct span items[NAME_WORDS_MAX];
    size_t count;
};

static bool is_one_of(struct span word, const char *const *list)
{
    for (; *list; list++)
        if (span_equal(word, span_from_cstr(*list)))
            return true;
    return false;
}

static void split_words(struct span snake, struct words *ret_words)
{
    ret_words->count = 0;
    while (snake.len && ret_words->count < NAME_WORDS_MAX) {
        size_t end = span_find_byte(snake, '_');
        if (end > 0)
            ret_words->items[ret_words->count++] = span_of(snake.ptr, end);
        snake = span_from(snake, end + 1);
    }
}

/* ---- names of tables ---- */

static bool is_stage(struct span word)
{
    static const char *const stages[] = { "dev",     "development", "prod",    "production", "staging", "stage",
                                          "stg",     "test",        "testing", "local",      "qa",      "uat",
                                          "sandbox", "demo",        "table",   "tbl",        NULL };
    return is_one_of(word, stages);
}

static enum lf_code table_words(struct infer *infer, const struct table_model *model, struct words *ret_words, struct err *err)
{
    struct span snake;
    TRY(name_snake_case(model->table->name, &infer->arena, &snake, err));
    split_words(snake, ret_words);
    return LF_OK;
}

/* How many words all tables of the run have in common at the beginning (or, `from_end`, at the end). */
static enum lf_code shared_words(struct infer *infer, const struct words *words, bool from_end, size_t *ret_shared,
                                 struct err *err)
{
    size_t shared = infer->model_count > 1 ? words->count : 0;
    for (size_t m = 0; m < infer->model_count; m++) {
        struct words other;
        TRY(table_words(infer, &infer->models[m], &other, err));
        size_t same = 0;
        while (same < shared && same < other.count &&
               span_equal(words->items[from_end ? words->count - 1 - same : same],
                          other.items[from_end ? other.count - 1 - same : same]))
            same++;
        shared = same;
    }
    *ret_shared = shared;
    return LF_OK;
}

static enum lf_code join_words(struct infer *infer, const struct words *words, size_t first, size_t end, struct span *ret_name,
                               struct err *err)
{
    struct span name = { NULL, 0 };
    for (size_t i = first; i < end; i++)
        TRY(arena_printf(&infer->arena, &name, err, "%.*s%s%.*s", SPAN_ARG(name), name.len ? "_" : "",
                         SPAN_ARG(words->items[i])));
    *ret_name = name;
    return LF_OK;
}

/* "ProductDetails" -> product_detail; stage words and what all tables share at their ends are dropped. */
static enum lf_code name_table(struct infer *infer, const struct table_model *model, struct span *ret_name, struct err *err)
{
    struct words words;
    TRY(table_words(infer, model, &words, err));
    size_t first, at_end;
    TRY(shared_words(infer, &words, false, &first, err));
    TRY(shared_words(infer, &words, true, &at_end, err));
    size_t end = words.count - at_end;
    while (first < end && is_stage(words.items[first]))
        first++;
    while (first < end && is_stage(words.items[end - 1]))
        end--;
    if (first >= end) {
        first = 0;
        end = words.count;
    }
    struct span name;
    TRY(join_words(infer, &words, first, end, &name, err));
    return name_singular(name, &infer->arena, ret_name, err);
}

/* ---- names of attributes ---- */

enum lf_code infer_name_attribute(struct span attr, struct arena *arena, struct span *ret_name, struct err *err)
{
    static const struct {
        const char *attr, *name;
    } library[] = { { "_ct", "created_at" }, { "_md", "modified_at" } };
    for (size_t i = 0; i < sizeof library / sizeof *library; i++)
        if (span_equal(attr, span_from_cstr(library[i].attr)))
            return arena_copy(arena, span_from_cstr(library[i].name), ret_name, err);
    return name_snake_case(attr, arena, ret_name, err);
}

/* ---- names that say "key" and nothing else ---- */

/* The longest word of keys that stands at the beginning of `letters`; 0: none. */
static size_t key_word_length(struct span letters)
{
    static const char *const words[] = { "pk", "sk",  "hk",  "rk",  "hash",  "range", "partition", "sort", "gs",
                                         "ls", "gsi", "lsi", "key", "index", "idx",   "data",      NULL };
    size_t longest = 0;
    for (const char *const *word = words; *word; word++) {
        size_t len = strlen(*word);
        if (len > longest && len <= letters.len && strncasecmp(*word, letters.ptr, len) == 0)
            longest = len;
    }
    return longest;
}

/* Words that say "key" beside others only: an attribute may be called sort, and a key_hash or data_index is of some other key. */
static bool is_of_its_own(struct span name, size_t first_word, size_t word_count)
{
    static const char *const words[] = { "data", "key", "sort", "partition", "gs", "ls", NULL };
    for (const char *const *word = words; *word; word++)
        if (first_word == strlen(*word) && strncasecmp(name.ptr, *word, first_word) == 0)
            return name.len == first_word || (word_count > 1 && word - words < 2);
    return false;
}

bool infer_is_generic_key_name(struct span name)
{
    size_t words = 0, first = 0;
    for (size_t i = 0; i < name.len;) {
        if (!isalpha((unsigned char)name.ptr[i])) {
            i++;
            continue;
        }
        size_t len = key_word_length(span_from(name, i));
        if (!len)
            return false;
        first = i == 0 ? len : first;
        words++;
        i += len;
    }
    return words > 0 && !is_of_its_own(name, first, words);
}

/* ---- names of kinds ---- */

/* As naming.h: what is not ASCII counts as letters. */
static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* The word of a class: "#PHOTO#" -> photo. Empty when there is no class, or nothing but separators. */
static enum lf_code class_word(struct infer *infer, struct span class, struct span *ret_word, struct err *err)
{
    *ret_word = (struct span){ NULL, 0 };
    while (class.len && !is_word_byte(class.ptr[0]))
        class = span_from(class, 1);
    while (class.len && !is_word_byte(class.ptr[class.len - 1]))
        class.len--;
    return class.len ? name_snake_case(class, &infer->arena, ret_word, err) : LF_OK;
}

static bool says_nothing(struct span word)
{
    static const char *const generic[] = { "root",   "metadata", "meta",   "info",    "detail", "details", "data",       "main",
                                           "header", "item",     "record", "profile", "self",   "base",    "attributes", NULL };
    return word.len == 0 || is_one_of(word, generic);
}

/* Whether `attr`, in snake case, begins with the letters of a short word; then its first word without "id". */
static struct span longer_word(struct span snake, struct span word)
{
    if (snake.len <= word.len || strncasecmp(snake.ptr, word.ptr, word.len) != 0)
        return (struct span){ NULL, 0 };
    struct span first = span_of(snake.ptr, span_find_byte(snake, '_'));
    if (first.len > SHORT_WORD_BYTES + 2 && span_ends_with(first, SPAN("id")))
        first.len -= 2;
    return first.len > SHORT_WORD_BYTES ? first : (struct span){ NULL, 0 };
}

static bool kind_has_word(struct infer *infer, const struct kind *kind, struct span word)
{
    struct err ignored = ERR_INIT;
    for (size_t part = 0; part < 2; part++) {
        struct span other;
        if (class_word(infer, kind->classes[part], &other, &ignored) == LF_OK && other.len && span_equal(other, word))
            return true;
    }
    return false;
}

/* "I" -> invoice, where items under that word have attributes such as InvoiceDate; most of them decide. */
static enum lf_code expand_word(struct infer *infer, const struct table_model *model, struct span word, struct span *ret_word,
                                struct err *err)
{
    struct span best = word;
    size_t best_count = 0;
    for (size_t k = 0; word.len && word.len <= SHORT_WORD_BYTES && k < model->kind_count; k++) {
        const struct kind *kind = &model->kinds[k];
        if (!kind->sample_count || !kind_has_word(infer, kind, word))
            continue;
        for (size_t a = 0; a < kind->sample[0].count; a++) {
            struct span snake;
            TRY(name_snake_case(kind->sample[0].attributes[a].name, &infer->arena, &snake, err));
            struct span longer = longer_word(snake, word);
            size_t count = 0;
            for (size_t b = 0; longer.ptr && b < kind->sample[0].count; b++)
                count += strncasecmp(kind->sample[0].attributes[b].name.ptr, longer.ptr,
                                     longer.len < kind->sample[0].attributes[b].name.len ? longer.len : 0) == 0 &&
                         kind->sample[0].attributes[b].name.len >= longer.len;
            if (count > best_count || (count == best_count && count && span_compare(longer, best) < 0)) {
                best = longer;
                best_count = count;
            }
        }
    }
    *ret_word = best;
    return LF_OK;
}

enum lf_code infer_word_name(struct infer *infer, const struct table_model *model, struct span text, struct span *ret_word,
                             struct err *err)
{
    struct span word;
    TRY(class_word(infer, text, &word, err));
    return expand_word(infer, model, word, ret_word, err);
}

static bool any_has_word(struct infer *infer, const struct table_model *model, struct span word)
{
    for (size_t k = 0; k < model->kind_count; k++)
        if (kind_has_word(infer, &model->kinds[k], word))
            return true;
    return false;
}

/* "order". Where a word inside the key makes the kind, that word if it says enough: TENANT#x#CUSTOMER#y is a customer, but
 * ORDER#x#ITEM#y an order_item. */
static enum lf_code part_word(struct infer *infer, const struct table_model *model, const struct kind *kind, size_t part,
                              struct span *ret_word, struct err *err)
{
    TRY(class_word(infer, kind->classes[part], ret_word, err));
    TRY(expand_word(infer, model, *ret_word, ret_word, err));
    if (!kind->inner[part].ptr)
        return LF_OK;
    struct span inner;
    TRY(class_word(infer, kind->inner[part], &inner, err));
    if (!says_nothing(inner) && inner.len > SHORT_WORD_BYTES && !any_has_word(infer, model, inner)) {
        *ret_word = inner;
        return LF_OK;
    }
    return arena_printf(&infer->arena, ret_word, err, "%.*s_%.*s", SPAN_ARG(*ret_word), SPAN_ARG(inner));
}

static enum lf_code find_words(struct infer *infer, struct table_model *model, struct err *err)
{
    for (size_t k = 0; k < model->kind_count; k++)
        for (size_t part = 0; part < 2; part++)
            TRY(part_word(infer, model, &model->kinds[k], part, &model->kinds[k].words[part], err));
    return LF_OK;
}

/* Whether the kind is the thing that its partition key names: USER#x / USER#x, I#x / root, USER#x / METADATA#x. Where a partition
 * has several of them, ORDER#x / ITEM#1, the word does say something. */
static bool is_thing_itself(const struct kind *kind)
{
    return kind->words[1].len == 0 || span_equal(kind->words[1], kind->words[0]) ||
           (says_nothing(kind->words[1]) && !kind->shares_partitions);
}

static bool is_own(const struct table_model *model, struct span word)
{
    for (size_t k = 0; k < model->kind_count; k++)
        if (span_equal(model->kinds[k].words[0], word) && is_thing_itself(&model->kinds[k]))
            return true;
    return false;
}

/* Which kinds have several items in one partition. The others are a side of the thing, not something that belongs to it. */
static enum lf_code find_shared_partitions(struct table_model *model, const struct item *items, size_t count, struct err *err)
{
    struct hash_sample seen;
    hash_sample_init(&seen, INFER_SAMPLE_ITEMS);
    enum lf_code code = LF_OK;
    for (size_t i = 0; i < count && code == LF_OK; i++) {
        const struct value *pk = item_get(&items[i], model->table->key.partition.name);
        size_t kind = infer_classify(model, &items[i]);
        bool was_there = false;
        if (!pk || pk->type != VALUE_S || kind == model->kind_count)
            continue;
        uint64_t pair[2] = { hash64(pk->bytes, 0), kind }; /* as seeds, small numbers make equal hashes of short texts */
        code = hash_sample_add(&seen, hash64(span_of((const char *)pair, sizeof pair), 0), &was_there, err);
        model->kinds[kind].shares_partitions = model->kinds[kind].shares_partitions || was_there;
    }
    hash_sample_done(&seen);
    return code;
}

/* Items with nothing but keys connect two things. */
static bool is_link(const struct table_model *model, const struct kind *kind)
{
    for (size_t i = 0; i < kind->sample_count; i++)
        for (size_t a = 0; a < kind->sample[i].count; a++) {
            struct span name = kind->sample[i].attributes[a].name;
            if (!span_equal(name, model->table->key.partition.name) && !span_equal(name, model->table->key.sort.name) &&
                !infer_is_generic_key_name(name))
                return false;
        }
    return true;
}

static enum lf_code name_from_words(struct infer *infer, const struct table_model *model, const struct kind *kind,
                                    struct span *ret_name, struct err *err)
{
    struct span partition = kind->words[0], sort = kind->words[1];
    bool is_side = is_own(model, partition) && !kind->shares_partitions;
    *ret_name = is_thing_itself(kind) ? partition : sort;
    if (is_thing_itself(kind) || !partition.len ||
        !(is_own(model, sort) || is_side || says_nothing(sort) || is_link(model, kind)))
        return LF_OK;
    return arena_printf(&infer->arena, ret_name, err, "%.*s_%.*s", SPAN_ARG(partition), SPAN_ARG(sort));
}

static enum lf_code base_name(struct infer *infer, const struct table_model *model, size_t kind, struct span *ret_name,
                              struct err *err)
{
    struct span name = { NULL, 0 };
    if (model->kinds[kind].marker.ptr)
        TRY(name_snake_case(model->kinds[kind].marker, &infer->arena, &name, err));
    else if (model->kind_count > 1)
        TRY(name_from_words(infer, model, &model->kinds[kind], &name, err));
    if (name.len == 0)
        return name_table(infer, model, ret_name, err);
    return name_singular(name, &infer->arena, ret_name, err);
}

static bool is_taken(void *context, struct span name)
{
    const struct infer *infer = context;
    for (size_t m = 0; m < infer->model_count; m++)
        for (size_t k = 0; k < infer->models[m].kind_count; k++)
            if (span_equal(infer->models[m].kinds[k].name, name))
                return true;
    return false;
}

enum lf_code infer_name_kinds(struct infer *infer, struct table_model *model, const struct item *items, size_t count,
                              struct err *err)
{
    TRY(find_shared_partitions(model, items, count, err));
    TRY(find_words(infer, model, err));
    for (size_t k = 0; k < model->kind_count; k++) {
        if (model->kinds[k].name.ptr)
            continue;
        struct span name;
        TRY(base_name(infer, model, k, &name, err));
        TRY(name_unique(name, is_taken, infer, &infer->arena, &model->kinds[k].name, err));
    }
    return LF_OK;
}
