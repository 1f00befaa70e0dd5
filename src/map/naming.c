#include "map/naming.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* All that is not ASCII counts as letters: bytes of UTF-8 are kept as they are. */
static bool is_beyond_ascii(char c)
{
    return (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
    return is_lower(c) || is_upper(c) || is_digit(c) || is_beyond_ascii(c);
}

/* The longest start of `name` of at most `bytes` that ends neither inside a character nor with an underscore. */
static struct span cut(struct span name, size_t bytes)
{
    if (name.len <= bytes)
        return name;
    size_t len = bytes;
    while (len > 0 && ((unsigned char)name.ptr[len] & 0xC0) == 0x80)
        len--;
    while (len > 0 && name.ptr[len - 1] == '_')
        len--;
    return span_of(name.ptr, len);
}

static int compare_word(const void *key, const void *element)
{
    return span_compare(*(const struct span *)key, span_from_cstr(*(const char *const *)element));
}

/* `words` are sorted by bytes. */
static bool is_one_of(struct span name, const char *const *words, size_t count)
{
    return bsearch(&name, words, count, sizeof *words, compare_word) != NULL;
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- snake_case ---- */

/* One byte more than a name, so that one that is too long is seen. */
enum { DRAFT_BYTES = LIMIT_IDENTIFIER_BYTES + 1 };

struct draft {
    char bytes[DRAFT_BYTES];
    size_t len;
};

static void draft_put(struct draft *draft, char c)
{
    if (draft->len < DRAFT_BYTES)
        draft->bytes[draft->len++] = c;
}

/* From `at` to the next byte that is no part of a word: what a separator ends. */
static struct span next_chunk(struct span text, size_t at)
{
    while (at < text.len && !is_word(text.ptr[at]))
        at++;
    size_t end = at;
    while (end < text.len && is_word(text.ptr[end]))
        end++;
    return span_of(span_from(text, at).ptr, end - at);
}

/* "URLs", "userIDs": an s that makes a plural of an acronym and starts no word. */
static bool is_plural_of_acronym(struct span chunk, size_t at)
{
    return at >= 2 && chunk.ptr[at] == 's' && is_upper(chunk.ptr[at - 1]) && is_upper(chunk.ptr[at - 2]) &&
           (at + 1 == chunk.len || !is_lower(chunk.ptr[at + 1]));
}

/*
 * Whether a word starts at this capital: user|Id, s3|URL, HTML|Parser. A chunk without small letters is one word (GSI1PK).
 */
static bool starts_word(struct span chunk, size_t at)
{
    if (at == 0 || !is_upper(chunk.ptr[at]))
        return false;
    if (!is_upper(chunk.ptr[at - 1]))
        return true;
    return at + 1 < chunk.len && is_lower(chunk.ptr[at + 1]) && !is_plural_of_acronym(chunk, at + 1);
}

static bool has_lower(struct span chunk)
{
    for (size_t i = 0; i < chunk.len; i++) {
        if (is_lower(chunk.ptr[i]) && !is_plural_of_acronym(chunk, i))
            return true;
    }
    return false;
}

static void put_chunk(struct draft *draft, struct span chunk)
{
    bool is_mixed = has_lower(chunk);
    if (draft->len)
        draft_put(draft, '_');
    for (size_t i = 0; i < chunk.len; i++) {
        char c = chunk.ptr[i];
        if (is_mixed && starts_word(chunk, i))
            draft_put(draft, '_');
        draft_put(draft, is_upper(c) ? (char)(c - 'A' + 'a') : c);
    }
}

/* Names that no column can have. */
static bool is_system_column(struct span name)
{
    static const char *const columns[] = { "cmax", "cmin", "ctid", "tableoid", "xmax", "xmin" };
    return is_one_of(name, columns, COUNT(columns));
}

enum lf_code name_snake_case(struct span text, struct arena *arena, struct span *ret_name, struct err *err)
{
    struct draft draft = { .len = 0 };
    struct span chunk = next_chunk(text, 0);
    for (; chunk.len && draft.len < DRAFT_BYTES; chunk = next_chunk(text, (size_t)(chunk.ptr - text.ptr) + chunk.len))
        put_chunk(&draft, chunk);

    struct span name = draft.len ? span_of(draft.bytes, draft.len) : SPAN("attribute");
    const char *prefix = is_digit(name.ptr[0]) || is_system_column(name) ? "_" : "";
    name = cut(name, LIMIT_IDENTIFIER_BYTES - strlen(prefix));
    return arena_printf(arena, ret_name, err, "%s%.*s", prefix, SPAN_ARG(name));
}

/* ---- singular ---- */

struct plural {
    const char *plural;
    const char *singular;
};

/* Whole words that no ending explains, among them those that are singular already. Sorted. */
static const struct plural irregular[] = {
    { "aliases", "alias" },
    { "analytics", "analytics" },
    { "apis", "api" },
    { "atlas", "atlas" },
    { "atlases", "atlas" },
    { "avalanches", "avalanche" },
    { "aws", "aws" },
    { "axes", "axis" },
    { "bias", "bias" },
    { "biases", "bias" },
    { "brownies", "brownie" },
    { "caches", "cache" },
    { "calories", "calorie" },
    { "calves", "calf" },
    { "canvas", "canvas" },
    { "canvases", "canvas" },
    { "chaos", "chaos" },
    { "children", "child" },
    { "christmas", "christmas" },
    { "cookies", "cookie" },
    { "corps", "corps" },
    { "cosmos", "cosmos" },
    { "crises", "crisis" },
    { "criteria", "criterion" },
    { "css", "css" },
    { "diagnoses", "diagnosis" },
    { "dns", "dns" },
    { "economics", "economics" },
    { "emojis", "emoji" },
    { "feet", "foot" },
    { "foes", "foe" },
    { "gas", "gas" },
    { "gases", "gas" },
    { "geese", "goose" },
    { "goods", "goods" },
    { "gps", "gps" },
    { "gurus", "guru" },
    { "halves", "half" },
    { "headaches", "headache" },
    { "headquarters", "headquarters" },
    { "hoodies", "hoodie" },
    { "https", "https" },
    { "hypotheses", "hypothesis" },
    { "indices", "index" },
    { "ios", "ios" },
    { "knives", "knife" },
    { "kpis", "kpi" },
    { "kudos", "kudos" },
    { "leaves", "leaf" },
    { "lens", "lens" },
    { "lenses", "lens" },
    { "lives", "life" },
    { "loaves", "loaf" },
    { "logistics", "logistics" },
    { "mathematics", "mathematics" },
    { "matrices", "matrix" },
    { "means", "means" },
    { "men", "man" },
    { "menus", "menu" },
    { "mice", "mouse" },
    { "movies", "movie" },
    { "news", "news" },
    { "niches", "niche" },
    { "oases", "oasis" },
    { "overseas", "overseas" },
    { "parentheses", "parenthesis" },
    { "people", "person" },
    { "physics", "physics" },
    { "pos", "pos" },
    { "quizzes", "quiz" },
    { "rookies", "rookie" },
    { "selfies", "selfie" },
    { "selves", "self" },
    { "series", "series" },
    { "shelves", "shelf" },
    { "shoes", "shoe" },
    { "skis", "ski" },
    { "smoothies", "smoothie" },
    { "sms", "sms" },
    { "species", "species" },
    { "synopses", "synopsis" },
    { "taxis", "taxi" },
    { "teeth", "tooth" },
    { "theses", "thesis" },
    { "thieves", "thief" },
    { "toes", "toe" },
    { "uis", "ui" },
    { "uses", "use" },
    { "vertices", "vertex" },
    { "wikis", "wiki" },
    { "wives", "wife" },
    { "wolves", "wolf" },
    { "women", "woman" },
    { "zombies", "zombie" },
};

/* Endings, the first that fits. */
static const struct plural endings[] = {
    { "ss", "ss" },        /* address, class */
    { "sses", "ss" },      /* addresses, classes */
    { "xes", "x" },        /* boxes, taxes */
    { "zzes", "zz" },      /* buzzes */
    { "ches", "ch" },      /* matches, branches */
    { "shes", "sh" },      /* dishes, hashes */
    { "lyses", "lysis" },  /* analyses */
    { "auses", "ause" },   /* causes, clauses */
    { "ouses", "ouse" },   /* houses, warehouses */
    { "abuses", "abuse" }, /* not abus */
    { "excuses", "excuse" },
    { "fuses", "fuse" },
    { "reuses", "reuse" },
    { "uses", "us" }, /* statuses, buses, viruses */
    { "us", "us" },   /* status, bus */
    { "is", "is" },   /* analysis, basis */
    { "oes", "o" },   /* heroes, potatoes */
    { "ies", "y" },   /* categories */
    { "s", "" },
};

static int compare_plural(const void *key, const void *element)
{
    return span_compare(*(const struct span *)key, span_from_cstr(((const struct plural *)element)->plural));
}

static size_t last_word_at(struct span name)
{
    size_t at = name.len;
    while (at > 0 && name.ptr[at - 1] != '_')
        at--;
    return at;
}

static const struct plural *find_ending(struct span word)
{
    for (size_t i = 0; i < COUNT(endings); i++) {
        if (span_ends_with(word, span_from_cstr(endings[i].plural)))
            return &endings[i];
    }
    return NULL;
}

enum lf_code name_singular(struct span name, struct arena *arena, struct span *ret_name, struct err *err)
{
    enum { WORD_BYTES_MIN = 3, IE_BYTES_MAX = 4 }; /* "is", "os" are no plurals; "ties", "pies" keep their ie */
    struct span word = span_from(name, last_word_at(name));
    const struct plural *rule = bsearch(&word, irregular, COUNT(irregular), sizeof *irregular, compare_plural);
    if (!rule && word.len >= WORD_BYTES_MIN)
        rule = find_ending(word);
    static const struct plural drop_s = { "s", "" };
    if (rule && word.len <= IE_BYTES_MAX && span_ends_with(word, SPAN("ies")))
        rule = &drop_s;
    if (!rule)
        return arena_copy(arena, name, ret_name, err);
    struct span stem = span_of(name.ptr, name.len - strlen(rule->plural));
    return arena_printf(arena, ret_name, err, "%.*s%s", SPAN_ARG(stem), rule->singular);
}

/* ---- names that are free ---- */

enum lf_code name_unique(struct span name, name_taken *taken, void *context, struct arena *arena, struct span *ret_name,
                         struct err *err)
{
    enum { TRIES_MAX = 100000 };
    struct span base = cut(name, LIMIT_IDENTIFIER_BYTES);
    if (!taken(context, base))
        return arena_copy(arena, base, ret_name, err);
    for (unsigned n = 2; n <= TRIES_MAX; n++) {
        char suffix[16], candidate[LIMIT_IDENTIFIER_BYTES + 1];
        size_t suffix_len = (size_t)snprintf(suffix, sizeof suffix, "_%u", n);
        struct span stem = cut(name, LIMIT_IDENTIFIER_BYTES - suffix_len);
        int len = snprintf(candidate, sizeof candidate, "%.*s%s", SPAN_ARG(stem), suffix);
        if (!taken(context, span_of(candidate, (size_t)len)))
            return arena_copy(arena, span_of(candidate, (size_t)len), ret_name, err);
    }
    return ERR(err, LF_LIMIT, "all of \"%.*s\" to \"%.*s_%d\" are taken", SPAN_ARG(base), SPAN_ARG(base), TRIES_MAX);
}

/* ---- quotes ---- */

/* Every key word that quote_ident quotes (all but the unreserved ones), of PostgreSQL 14 to 18. Sorted. Source: its kwlist.h. */
static const char *const key_words[] = {
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_table",
    "json_value",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "merge_action",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
};

bool name_needs_quotes(struct span name)
{
    if (name.len == 0 || is_digit(name.ptr[0]))
        return true;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_lower(name.ptr[i]) && !is_digit(name.ptr[i]) && name.ptr[i] != '_')
            return true;
    }
    return is_one_of(name, key_words, COUNT(key_words));
}
