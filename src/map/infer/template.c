#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/limits.h"
#include "map/infer/internal.h"
#include "map/naming.h"

/*
 * Mining a key's template from a few hundred items of one kind.
 *
 * Each key text is cut into atoms: the text of another attribute of the same item where one stands there (exactly, or in lower
 * case), else a separator, else the run up to the next separator.
 *
 *     $store#customer_ada lovelace#order_7      attributes: customer "Ada Lovelace", order 7
 *     │└──┬┘│└──┬───┘│└────┬─────┘│└─┬─┘││
 *     sep word  word  sep  customer   …    order
 *
 * Atoms at the same place in all items are then laid over each other: the same text everywhere is a literal, an attribute that is
 * there everywhere is a variable, what is left is a piece of the key that no attribute holds. The result is tried on every item
 * of the sample.
 */

enum { ATOMS_MAX = 48, WORD_BYTES_MAX = 48, CONSTANT_ITEMS_MIN = 3 };

/* What may stand in a key: attributes, and the pieces of keys that have been mined before: TEAM#1 / TEAM#1. */
struct candidates {
    struct span names[INFER_CANDIDATES_MAX]; /* of the attribute; of a piece the word before it */
    unsigned pieces[INFER_CANDIDATES_MAX];   /* the piece's variable, from attribute_count on */
    size_t attribute_count;
    size_t count;
};

struct candidate_set {
    uint64_t bits[INFER_CANDIDATES_MAX / 64];
};

struct atom {
    struct span text;
    struct candidate_set exact, lower; /* attributes whose text this is */
};

struct atoms {
    struct atom items[ATOMS_MAX];
    size_t count;
};

/* Atoms of one place over all items. */
struct place {
    struct span text; /* of the first item */
    bool constant;
    struct candidate_set exact, lower;
};

static bool has_template(const struct kind *kind, struct span attr)
{
    for (size_t i = 0; i < kind->template_count; i++)
        if (!kind->templates[i].is_identity && span_equal(kind->templates[i].attr, attr))
            return true;
    return false;
}

static bool set_has(const struct candidate_set *set, size_t i)
{
    return set->bits[i / 64] >> (i % 64) & 1;
}

static void set_add(struct candidate_set *set, size_t i)
{
    set->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static void set_intersect(struct candidate_set *set, const struct candidate_set *other)
{
    for (size_t i = 0; i < INFER_CANDIDATES_MAX / 64; i++)
        set->bits[i] &= other->bits[i];
}

static void set_unite(struct candidate_set *set, const struct candidate_set *other)
{
    for (size_t i = 0; i < INFER_CANDIDATES_MAX / 64; i++)
        set->bits[i] |= other->bits[i];
}

static bool is_separator(char c)
{
    return c == '#' || c == '|' || c == '$' || c == ':' || c == '/' || c == '_' || c == '@';
}

/* ---- atoms ---- */

static int compare_span_pointers(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

/* Scalar attributes of the sample that may stand in a key, sorted by name. */
static void collect_candidates(const struct table_model *model, const struct kind *kind, struct span key,
                               struct candidates *ret_candidates)
{
    ret_candidates->count = 0;
    for (size_t i = 0; i < kind->sample_count; i++)
        for (size_t a = 0; a < kind->sample[i].count; a++) {
            const struct attribute *attribute = &kind->sample[i].attributes[a];
            char number[NUMBER_TEXT_BYTES];
            struct span text;
            if (ret_candidates->count == INFER_CANDIDATES_MAX || !infer_value_text(&attribute->value, number, &text) ||
                span_equal(attribute->name, key) || span_equal(attribute->name, model->marker) ||
                infer_is_generic_key_name(attribute->name) || span_starts_with(attribute->name, SPAN("__")) ||
                has_template(kind, attribute->name))
                continue;
            size_t at = 0;
            while (at < ret_candidates->count && !span_equal(ret_candidates->names[at], attribute->name))
                at++;
            if (at == ret_candidates->count)
                ret_candidates->names[ret_candidates->count++] = attribute->name;
        }
    qsort(ret_candidates->names, ret_candidates->count, sizeof *ret_candidates->names, compare_span_pointers);
    ret_candidates->attribute_count = ret_candidates->count;
}

static void add_pieces(const struct kind *kind, struct candidates *candidates)
{
    for (unsigned v = 0; v < kind->variable_count && candidates->count < INFER_CANDIDATES_MAX; v++)
        if (!kind->variables[v].attr.ptr) {
            candidates->names[candidates->count] = kind->variables[v].hint;
            candidates->pieces[candidates->count++] = v;
        }
}

/* The text of a candidate in the item that `lookup` has split. */
static bool candidate_text(const struct candidates *candidates, size_t c, const struct variable_lookup *lookup,
                           char number[NUMBER_TEXT_BYTES], struct span *ret_text)
{
    if (c >= candidates->attribute_count) {
        *ret_text = lookup->pieces[candidates->pieces[c]];
        return ret_text->ptr != NULL;
    }
    const struct value *value = item_get(lookup->item, candidates->names[c]);
    return value && infer_value_text(value, number, ret_text);
}

static bool equals_in_lower_case(struct span key, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (key.ptr[i] != (c >= 'A' && c <= 'Z' ? (char)(c + 32) : c))
            return false;
    }
    return true;
}

/* The longest text of an attribute that stands at the beginning of `key` and ends at a separator or its end. */
static size_t match_attribute(const struct candidates *candidates, const struct variable_lookup *lookup, struct span key,
                              struct atom *ret_atom)
{
    size_t longest = 0;
    for (size_t c = 0; c < candidates->count; c++) {
        char number[NUMBER_TEXT_BYTES];
        struct span text;
        if (!candidate_text(candidates, c, lookup, number, &text) || text.len == 0 || text.len > key.len || text.len < longest)
            continue;
        if (text.len < key.len && !is_separator(key.ptr[text.len]))
            continue;
        bool exact = memcmp(key.ptr, text.ptr, text.len) == 0;
        if (!exact && !equals_in_lower_case(key, text))
            continue;
        if (text.len > longest)
            *ret_atom = (struct atom){ .text = span_of(key.ptr, text.len) };
        longest = text.len;
        set_add(&ret_atom->lower, c);
        if (exact)
            set_add(&ret_atom->exact, c);
    }
    return longest;
}

/* "2024-01-02T03": a colon behind it parts hours and minutes. */
static bool is_date_and_hour(struct span text)
{
    static const char form[] = "dddd-dd-ddTdd";
    if (text.len < sizeof form - 1)
        return false;
    for (size_t i = 0; i < sizeof form - 1; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text.ptr[i]) : text.ptr[i] != form[i])
            return false;
    return true;
}

/* The run up to the next separator. */
static size_t run_length(struct span key)
{
    size_t len = 1;
    while (len < key.len && (!is_separator(key.ptr[len]) || (key.ptr[len] == ':' && is_date_and_hour(span_of(key.ptr, len)))))
        len++;
    return len;
}

static bool cut_atoms(const struct candidates *candidates, const struct kind *kind, const struct item *item, struct span key,
                      struct atoms *ret_atoms)
{
    struct variable_lookup lookup = { .kind = kind, .item = item };
    if (candidates->count > candidates->attribute_count && !infer_split_key(&lookup))
        return false;
    ret_atoms->count = 0;
    for (size_t at = 0; at < key.len;) {
        if (ret_atoms->count == ATOMS_MAX)
            return false;
        struct atom *atom = &ret_atoms->items[ret_atoms->count++];
        *atom = (struct atom){ .text = span_of(key.ptr + at, 1) };
        bool at_boundary = at == 0 || is_separator(key.ptr[at - 1]);
        if (at_boundary && match_attribute(candidates, &lookup, span_from(key, at), atom)) {
            at += atom->text.len;
            continue;
        }
        if (!is_separator(key.ptr[at]))
            atom->text.len = run_length(span_from(key, at));
        at += atom->text.len;
    }
    return true;
}

/* ---- laying the items' atoms over each other ---- */

struct mining {
    struct infer *infer;
    const struct table_model *model;
    struct kind *kind;
    struct span key; /* the attribute */
    bool is_table_key;
    bool is_class; /* the kind is told by the beginning of this key */
    unsigned template_index;
    struct candidates candidates;
    struct place places[ATOMS_MAX];
    size_t place_count;
    size_t items; /* that have the key */
};

/* The number of atoms that most items have. */
static size_t usual_count(const struct mining *mining, struct atoms *scratch)
{
    size_t counts[ATOMS_MAX + 1] = { 0 };
    for (size_t i = 0; i < mining->kind->sample_count; i++) {
        const struct value *value = item_get(&mining->kind->sample[i], mining->key);
        if (value && value->type == VALUE_S &&
            cut_atoms(&mining->candidates, mining->kind, &mining->kind->sample[i], value->bytes, scratch))
            counts[scratch->count]++;
    }
    size_t usual = 0;
    for (size_t n = 1; n <= ATOMS_MAX; n++)
        if (counts[n] > counts[usual])
            usual = n;
    return counts[usual] ? usual : 0;
}

static void lay_over(struct mining *mining, const struct atoms *atoms)
{
    for (size_t p = 0; p < mining->place_count; p++) {
        struct place *place = &mining->places[p];
        const struct atom *atom = &atoms->items[p];
        if (mining->items == 0) {
            *place = (struct place){ atom->text, true, atom->exact, atom->lower };
            continue;
        }
        place->constant = place->constant && span_equal(place->text, atom->text);
        set_intersect(&place->exact, &atom->exact);
        set_intersect(&place->lower, &atom->lower);
    }
    mining->items++;
}

static void survey(struct mining *mining)
{
    struct atoms atoms;
    mining->items = 0;
    mining->place_count = usual_count(mining, &atoms);
    for (size_t i = 0; i < mining->kind->sample_count; i++) {
        const struct value *value = item_get(&mining->kind->sample[i], mining->key);
        if (value && value->type == VALUE_S &&
            cut_atoms(&mining->candidates, mining->kind, &mining->kind->sample[i], value->bytes, &atoms) &&
            atoms.count == mining->place_count)
            lay_over(mining, &atoms);
    }
}

/* ---- from places to parts ---- */

/* Letters and digits of both, case folded, are the same: repoowner and repoOwner. */
static bool same_word(struct span a, struct span b)
{
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a.len && !isalnum((unsigned char)a.ptr[i]))
            i++;
        while (j < b.len && !isalnum((unsigned char)b.ptr[j]))
            j++;
        if (i == a.len || j == b.len)
            return i == a.len && j == b.len;
        if (tolower((unsigned char)a.ptr[i++]) != tolower((unsigned char)b.ptr[j++]))
            return false;
    }
}

/* Whether an attribute is called after the word before its place: TENANT# and tenant, tenantId, tenant_code. */
static bool is_called_after(struct span attr, struct span word)
{
    static const char *const endings[] = { "", "id", "uuid", "key", "code", "name", "number", "slug", NULL };
    for (const char *const *ending = endings; word.ptr && *ending; ending++) {
        size_t len = strlen(*ending);
        if (len < attr.len && strncasecmp(attr.ptr + attr.len - len, *ending, len) == 0 &&
            same_word(span_of(attr.ptr, attr.len - len), word))
            return true;
    }
    return false;
}

static struct span word_before(const struct mining *mining, size_t place)
{
    while (place-- > 0)
        if (mining->places[place].constant && !is_separator(mining->places[place].text.ptr[0]))
            return mining->places[place].text;
        else if (!mining->places[place].constant)
            break;
    return (struct span){ NULL, 0 };
}

/* Keys in lower case are made of what they are called after, or by ElectroDB: acme in TENANT#acme need not be the name "Acme". */
static bool may_be_lower(const struct mining *mining, size_t candidate, struct span word)
{
    return span_equal(mining->model->marker, SPAN("__edb_e__")) || is_called_after(mining->candidates.names[candidate], word);
}

/* The attribute that a place is best named by: the one the word before it says, else the first exact one, else the first. */
static size_t choose_candidate(const struct mining *mining, size_t place)
{
    const struct place *p = &mining->places[place];
    struct span word = word_before(mining, place);
    struct candidate_set any = p->exact;
    set_unite(&any, &p->lower);
    size_t first = INFER_CANDIDATES_MAX, first_exact = INFER_CANDIDATES_MAX;
    for (size_t c = mining->candidates.count; c-- > 0;) {
        if (!set_has(&any, c) || (!set_has(&p->exact, c) && !may_be_lower(mining, c, word)))
            continue;
        if (is_called_after(mining->candidates.names[c], word))
            return c;
        first = c;
        if (set_has(&p->exact, c))
            first_exact = c;
    }
    return first_exact < INFER_CANDIDATES_MAX ? first_exact : first;
}

/* U+0000, which PostgreSQL cannot hold, is no text of a template: such a place is a piece, and its items are claimed by nobody.
 */
static bool looks_like_word(struct span text)
{
    if (text.len > WORD_BYTES_MAX || span_find_byte(text, '\0') < text.len)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (isdigit((unsigned char)text.ptr[i]) && text.len > 2)
            return false;
    return true;
}

enum part_kind { PART_LITERAL, PART_ATTRIBUTE, PART_PIECE };

static enum part_kind judge_place(const struct mining *mining, size_t place, size_t *ret_candidate)
{
    const struct place *p = &mining->places[place];
    size_t candidate = choose_candidate(mining, place);
    *ret_candidate = candidate;
    bool has_attribute = candidate < INFER_CANDIDATES_MAX;
    if (p->constant) {
        if (is_separator(p->text.ptr[0]) && p->text.len == 1 && !has_attribute)
            return PART_LITERAL;
        struct span word = word_before(mining, place);
        bool named = has_attribute && is_called_after(mining->candidates.names[candidate], word);
        bool sparse = mining->items < mining->kind->sample_count; /* a constant would say that all items have the key */
        if (has_attribute && (named || sparse || mining->items < CONSTANT_ITEMS_MIN || !looks_like_word(p->text)))
            return PART_ATTRIBUTE;
        return looks_like_word(p->text) ? PART_LITERAL : PART_PIECE;
    }
    return has_attribute ? PART_ATTRIBUTE : PART_PIECE;
}

static enum lf_code add_variable(struct mining *mining, struct variable variable, unsigned *ret_index, struct err *err)
{
    struct kind *kind = mining->kind;
    for (unsigned i = 0; i < kind->variable_count; i++)
        if (variable.attr.ptr && kind->variables[i].attr.ptr && span_equal(kind->variables[i].attr, variable.attr)) {
            *ret_index = i;
            return LF_OK;
        }
    if (kind->variable_count == INFER_VARIABLES_MAX)
        return ERR(err, LF_LIMIT, "the keys of one kind of items have more than %d parts", INFER_VARIABLES_MAX);
    kind->variables[kind->variable_count] = variable;
    *ret_index = (unsigned)kind->variable_count++;
    return LF_OK;
}

static void add_literal(struct template *template, struct span text)
{
    struct template_part *last = template->count ? &template->parts[template->count - 1] : NULL;
    if (last && !last->is_variable && last->literal.ptr + last->literal.len == text.ptr) {
        last->literal.len += text.len;
        return;
    }
    template->parts[template->count++] = (struct template_part){ .literal = text };
}

static enum lf_code add_attribute_part(struct mining *mining, struct template *template, size_t place, size_t candidate,
                                       struct err *err)
{
    unsigned index = mining->candidates.pieces[candidate];
    struct variable variable = { .attr = mining->candidates.names[candidate], .hint = word_before(mining, place) };
    if (candidate < mining->candidates.attribute_count)
        TRY(add_variable(mining, variable, &index, err));
    bool lower = !set_has(&mining->places[place].exact, candidate);
    template->parts[template->count++] = (struct template_part){ .is_variable = true, .lower = lower, .column = index };
    return LF_OK;
}

/* Pieces side by side, with only "_@:/" between them, are one piece: john@example.com, a_b. */
static bool joins_piece(const struct template *template, struct span separator)
{
    return template->count && template->parts[template->count - 1].is_variable && separator.len == 1 &&
           (separator.ptr[0] == '_' || separator.ptr[0] == '@' || separator.ptr[0] == ':' || separator.ptr[0] == '/');
}

static bool last_is_piece(const struct mining *mining, const struct template *template)
{
    return template->count && template->parts[template->count - 1].is_variable &&
           !mining->kind->variables[template->parts[template->count - 1].column].attr.ptr;
}

/* Whether the piece before goes on behind the separator at `place`. What is behind an @ belongs to it, even where it is the same
 * in all items: the domain of their addresses. */
static bool piece_goes_on(const struct mining *mining, const struct template *template, size_t place)
{
    struct span separator = mining->places[place].text;
    size_t candidate;
    if (!last_is_piece(mining, template) || !joins_piece(template, separator) || place + 1 == mining->place_count)
        return false;
    enum part_kind next = judge_place(mining, place + 1, &candidate);
    return next == PART_PIECE || (next == PART_LITERAL && separator.ptr[0] == '@');
}

static enum lf_code add_piece_part(struct mining *mining, struct template *template, size_t place, struct err *err)
{
    unsigned index;
    struct variable variable = { .hint = word_before(mining, place),
                                 .template = mining->template_index,
                                 .part = (unsigned)template->count };
    TRY(add_variable(mining, variable, &index, err));
    template->parts[template->count++] = (struct template_part){ .is_variable = true, .column = index };
    return LF_OK;
}

/* What becomes of the places of a key, in the order in which it is tried. */
enum pieces {
    PIECES_APART,        /* each place for itself */
    PIECES_TO_END,       /* one piece of everything from the first place on that is no literal and no attribute */
    PIECES_AFTER_LITERAL /* and attributes are taken in as well: a time has colons, and so has the key */
};

static enum lf_code build_template(struct mining *mining, enum pieces pieces, struct template *ret_template, struct err *err)
{
    struct template template = { arena_calloc(&mining->infer->arena, ATOMS_MAX, sizeof(struct template_part), err), 0 };
    if (!template.parts)
        return err->code;
    for (size_t p = 0; p < mining->place_count; p++) {
        size_t candidate;
        enum part_kind kind = judge_place(mining, p, &candidate);
        if (kind == PART_ATTRIBUTE && pieces == PIECES_AFTER_LITERAL)
            kind = PART_PIECE;
        if (kind == PART_LITERAL) {
            if (piece_goes_on(mining, &template, p))
                p++; /* the piece before takes in this separator and the next piece */
            else
                add_literal(&template, mining->places[p].text);
        } else if (kind == PART_ATTRIBUTE) {
            TRY(add_attribute_part(mining, &template, p, candidate, err));
        } else {
            if (!last_is_piece(mining, &template))
                TRY(add_piece_part(mining, &template, p, err));
            if (pieces != PIECES_APART)
                break;
        }
    }
    if (template.count > LIMIT_TEMPLATE_PARTS)
        return ERR(err, LF_LIMIT, "a key has more than %d parts", LIMIT_TEMPLATE_PARTS);
    *ret_template = template;
    return LF_OK;
}

/* ---- trying a template on items ---- */

bool infer_lookup(void *context, unsigned variable, struct span *ret_text)
{
    struct variable_lookup *lookup = context;
    const struct variable *v = &lookup->kind->variables[variable];
    if (!v->attr.ptr) {
        *ret_text = lookup->pieces[variable];
        return ret_text->ptr != NULL;
    }
    const struct value *value = item_get(lookup->item, v->attr);
    return value && infer_value_text(value, lookup->numbers[variable], ret_text);
}

bool infer_split_key(struct variable_lookup *lookup)
{
    const struct kind *kind = lookup->kind;
    struct span parts[LIMIT_TEMPLATE_PARTS];
    memset(lookup->pieces, 0, sizeof lookup->pieces);
    for (size_t v = 0; v < kind->variable_count; v++) {
        if (kind->variables[v].attr.ptr || kind->variables[v].template >= kind->template_count)
            continue; /* an attribute, or a piece of the template that is being mined */
        const struct kind_template *t = &kind->templates[kind->variables[v].template];
        const struct value *value = item_get(lookup->item, t->attr);
        if (!value || value->type != VALUE_S || !template_match(&t->template, value->bytes, parts))
            return false;
        lookup->pieces[v] = parts[kind->variables[v].part];
    }
    return true;
}

static enum lf_code rebuilds(const struct mining *mining, const struct kind_template *t, const struct item *item,
                             bool *ret_rebuilt, struct err *err)
{
    char numbers[INFER_VARIABLES_MAX][NUMBER_TEXT_BYTES];
    struct variable_lookup lookup = { .kind = mining->kind, .item = item, .numbers = numbers };
    const struct value *value = item_get(item, t->attr);
    *ret_rebuilt = false;
    if (!value || value->type != VALUE_S)
        return LF_OK;
    struct span parts[LIMIT_TEMPLATE_PARTS];
    bool has_pieces = mining->is_table_key && template_match(&t->template, value->bytes, parts);
    if (!infer_split_key(&lookup))
        return LF_OK;
    for (size_t v = 0; v < mining->kind->variable_count; v++) {
        const struct variable *variable = &mining->kind->variables[v];
        if (!variable->attr.ptr && variable->template == mining->template_index && has_pieces)
            lookup.pieces[v] = parts[variable->part];
    }
    struct arena_mark mark = arena_mark(&mining->infer->arena);
    struct span text;
    bool present;
    TRY(template_render(&t->template, infer_lookup, &lookup, &mining->infer->arena, &present, &text, err));
    *ret_rebuilt = present && span_equal(text, value->bytes);
    arena_rewind(&mining->infer->arena, mark);
    return LF_OK;
}

static enum lf_code count_rebuilt(const struct mining *mining, const struct kind_template *t, size_t *ret_rebuilt,
                                  size_t *ret_present, struct err *err)
{
    *ret_rebuilt = *ret_present = 0;
    for (size_t i = 0; i < mining->kind->sample_count; i++) {
        bool rebuilt;
        TRY(rebuilds(mining, t, &mining->kind->sample[i], &rebuilt, err));
        *ret_rebuilt += rebuilt;
        *ret_present += item_get(&mining->kind->sample[i], t->attr) != NULL;
    }
    return LF_OK;
}

/* Attributes that are absent where the key leaves an empty place. */
static enum lf_code try_optional(const struct mining *mining, struct kind_template *t, size_t *rebuilt, struct err *err)
{
    struct kind_template optional = *t;
    optional.template.parts = arena_calloc(&mining->infer->arena, t->template.count, sizeof *t->template.parts, err);
    if (!optional.template.parts)
        return err->code;
    memcpy(optional.template.parts, t->template.parts, t->template.count * sizeof *t->template.parts);
    for (size_t i = 0; i < t->template.count; i++)
        optional.template.parts[i].optional =
            t->template.parts[i].is_variable && mining->kind->variables[t->template.parts[i].column].attr.ptr;
    size_t again, present;
    TRY(count_rebuilt(mining, &optional, &again, &present, err));
    if (again > *rebuilt) {
        *t = optional;
        *rebuilt = again;
    }
    return LF_OK;
}

/* A piece of the table's key counts as an attribute where another template uses it again. */
static enum part_kind part_kind(const struct mining *mining, const struct template_part *part)
{
    if (!part->is_variable)
        return PART_LITERAL;
    const struct variable *variable = &mining->kind->variables[part->column];
    return variable->attr.ptr || variable->template != mining->template_index ? PART_ATTRIBUTE : PART_PIECE;
}

static size_t count_parts(const struct mining *mining, const struct template *template, enum part_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < template->count; i++)
        count += part_kind(mining, &template->parts[i]) == kind;
    return count;
}

static bool has_strong_separator(const struct template *template)
{
    for (size_t i = 0; i < template->count; i++)
        for (size_t c = 0; !template->parts[i].is_variable && c < template->parts[i].literal.len; c++)
            if (strchr("#|$", template->parts[i].literal.ptr[c]))
                return true;
    return false;
}

/* Whether the key's first word is what tells this kind from others: then no other template may lose it. */
static bool tells_apart(const struct mining *mining)
{
    return mining->is_class && mining->model->kind_count > 1;
}

/* Whether a person would say that this text is made from that template. */
static bool is_convincing(const struct mining *mining, const struct template *template, size_t rebuilt, size_t present)
{
    size_t attributes = count_parts(mining, template, PART_ATTRIBUTE), pieces = count_parts(mining, template, PART_PIECE);
    size_t literals = count_parts(mining, template, PART_LITERAL);
    bool generic = infer_is_generic_key_name(mining->key);
    if (present == 0 || template->count == 0)
        return false;
    if (mining->is_table_key ? rebuilt < present : rebuilt * 2 < present)
        return false;
    if (pieces && !mining->is_table_key)
        return false;
    if (attributes == 0 && pieces == 0)
        return generic && (present >= CONSTANT_ITEMS_MIN || mining->is_class);
    if (attributes == 0)
        return literals > 0 && (tells_apart(mining) || has_strong_separator(template));
    if (literals == 0)
        return generic && pieces == 0 && present >= CONSTANT_ITEMS_MIN;
    return generic || tells_apart(mining) || has_strong_separator(template);
}

static enum lf_code try_template(struct mining *mining, enum pieces pieces, struct kind_template *t, bool *ret_convincing,
                                 struct err *err)
{
    size_t variables = mining->kind->variable_count;
    TRY(build_template(mining, pieces, &t->template, err));
    size_t rebuilt, present;
    TRY(count_rebuilt(mining, t, &rebuilt, &present, err));
    if (rebuilt < present && !mining->is_table_key)
        TRY(try_optional(mining, t, &rebuilt, err));
    *ret_convincing = is_convincing(mining, &t->template, rebuilt, present);
    if (!*ret_convincing)
        mining->kind->variable_count = variables;
    return LF_OK;
}

static enum lf_code make_identity(struct mining *mining, struct kind_template *t, struct err *err)
{
    unsigned index;
    TRY(add_variable(mining, (struct variable){ .attr = t->attr }, &index, err));
    t->template.parts = arena_calloc(&mining->infer->arena, 1, sizeof *t->template.parts, err);
    if (!t->template.parts)
        return err->code;
    t->template.parts[0] = (struct template_part){ .is_variable = true, .column = index };
    t->template.count = 1;
    t->is_identity = true;
    return LF_OK;
}

static enum lf_code mine_template(struct infer *infer, const struct table_model *model, struct kind *kind,
                                  struct key_attribute key, bool is_table_key, struct err *err)
{
    struct mining *mining = arena_calloc(&infer->arena, 1, sizeof *mining, err);
    if (!mining)
        return err->code;
    *mining = (struct mining){ .infer = infer,
                               .model = model,
                               .kind = kind,
                               .key = key.name,
                               .is_table_key = is_table_key,
                               .template_index = (unsigned)kind->template_count };
    mining->is_class = is_table_key && kind->classes[kind->template_count].ptr;
    struct kind_template t = { .attr = key.name, .type = key.type };
    bool convincing = false;
    if (key.type == VALUE_S) {
        collect_candidates(model, kind, key.name, &mining->candidates);
        if (!is_table_key || (kind->template_count > 0 && kind->sample_count >= CONSTANT_ITEMS_MIN))
            add_pieces(kind, &mining->candidates);
        survey(mining);
        for (enum pieces pieces = PIECES_APART; pieces <= PIECES_AFTER_LITERAL && !convincing; pieces++)
            TRY(try_template(mining, pieces, &t, &convincing, err));
    }
    if (!convincing && !is_table_key)
        return LF_OK;
    if (!convincing)
        TRY(make_identity(mining, &t, err));
    t.is_constant = count_parts(mining, &t.template, PART_LITERAL) == t.template.count;
    kind->templates[kind->template_count++] = t;
    return LF_OK;
}

/* ---- which attributes have templates ---- */

struct names {
    struct span items[INFER_CANDIDATES_MAX];
    size_t count;
};

static void add_name(struct names *names, struct span name)
{
    for (size_t i = 0; i < names->count; i++)
        if (span_equal(names->items[i], name))
            return;
    if (names->count < INFER_CANDIDATES_MAX)
        names->items[names->count++] = name;
}

/* Attributes besides the table's key: index keys, and whatever is named like one or holds a '#'. */
static void collect_derived(const struct table_model *model, const struct kind *kind, struct names *ret_names)
{
    const struct map_table *table = model->table;
    ret_names->count = 0;
    for (size_t i = 0; i < kind->sample_count; i++)
        for (size_t a = 0; a < kind->sample[i].count; a++) {
            const struct attribute *attribute = &kind->sample[i].attributes[a];
            if (attribute->value.type != VALUE_S || span_equal(attribute->name, table->key.partition.name) ||
                span_equal(attribute->name, table->key.sort.name) || span_equal(attribute->name, model->marker))
                continue;
            bool composite =
                span_find_byte(attribute->value.bytes, '#') < attribute->value.bytes.len && attribute->value.bytes.len > 2;
            if (composite || infer_is_generic_key_name(attribute->name))
                add_name(ret_names, attribute->name);
        }
    qsort(ret_names->items, ret_names->count, sizeof *ret_names->items, compare_span_pointers);
}

/* ElectroDB's __edb_v__ and the like: always the same, so it is a template without variables. */
static enum lf_code add_library_constants(const struct table_model *model, struct infer *infer, struct kind *kind,
                                          struct err *err)
{
    struct span name = SPAN("__edb_v__");
    const struct value *first = kind->sample_count ? item_get(&kind->sample[0], name) : NULL;
    if (!first || first->type != VALUE_S || span_equal(model->marker, name) ||
        span_find_byte(first->bytes, '\0') < first->bytes.len)
        return LF_OK;
    struct kind_template t = { .attr = name, .type = VALUE_S, .is_constant = true };
    t.template.parts = arena_calloc(&infer->arena, 1, sizeof *t.template.parts, err);
    if (!t.template.parts)
        return err->code;
    t.template.parts[0].literal = first->bytes;
    t.template.count = 1;
    kind->templates[kind->template_count++] = t;
    return LF_OK;
}

enum lf_code infer_mine_templates(struct infer *infer, const struct table_model *model, struct kind *kind, struct err *err)
{
    const struct map_table *table = model->table;
    struct names derived;
    collect_derived(model, kind, &derived);
    kind->variables = arena_calloc(&infer->arena, INFER_VARIABLES_MAX, sizeof *kind->variables, err);
    kind->templates = arena_calloc(&infer->arena, derived.count + 3, sizeof *kind->templates, err);
    if (!kind->variables || !kind->templates)
        return err->code;
    TRY(mine_template(infer, model, kind, table->key.partition, true, err));
    if (key_schema_has_sort(&table->key))
        TRY(mine_template(infer, model, kind, table->key.sort, true, err));
    /* Composite attributes before index keys: a key is then made of city and dept, not of city_dept. */
    for (int generic = 0; generic <= 1; generic++)
        for (size_t i = 0; i < derived.count; i++)
            if (infer_is_generic_key_name(derived.items[i]) == generic)
                TRY(mine_template(infer, model, kind, (struct key_attribute){ derived.items[i], VALUE_S }, false, err));
    return add_library_constants(model, infer, kind, err);
}
