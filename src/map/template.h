/*
 * template: the pattern of a key attribute, "case|{docket_number}".
 *
 *     template  = { literal | "{{" | "}}" | "{" column { "|" filter } "}" }
 *     filter    = "lower" | "optional"
 *
 * A variable stands for the text of a column's attribute: a string as it is, a number in its plain decimal form, a boolean as
 * true or false. `lower` folds ASCII letters (ElectroDB writes its keys so), `optional` lets an absent attribute stand as
 * nothing. A template of a number or binary key attribute is exactly one variable without filters. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

struct template_part {
    struct span literal; /* when not is_variable */
    bool is_variable;
    bool lower;
    bool optional;
    unsigned column;  /* index into the entity's columns, once resolved */
    struct span name; /* of the column, as written */
};

struct template
{
    struct template_part *parts; /* never two literals side by side */
    size_t count;
};

/* Errors: LF_SYNTAX with the offset in the text, LF_LIMIT past LIMIT_TEMPLATE_PARTS. Parts are in the arena; `column` is not set
 * yet. */
enum lf_code template_parse(struct span text, struct arena *arena, struct template *ret_template, struct err *err) MUST_CHECK;

/* The text that template_parse reads back. */
void template_put(struct buf *buf, const struct template *template);

/* The text of variable `column`, before filters; false when it is absent. */
typedef bool template_lookup(void *context, unsigned column, struct span *ret_text);

/* Puts the parts together; false when a variable that is not optional is absent. `ret_text` is in the arena (or, for a single
 * unfiltered variable, what the lookup gave). LF_MEMORY only. */
enum lf_code template_render(const struct template *template, template_lookup *lookup, void *context, struct arena *arena,
                             bool *ret_present, struct span *ret_text, struct err *err) MUST_CHECK;

/*
 * The inverse: splits `text` into the texts of the variables, one span per part (literals too), borrowed from `text`. Each
 * variable ends where the following literal next occurs, the last takes the rest up to a closing literal. False when the text
 * does not have this shape, and when two variables stand side by side: nothing says where the first ends. What it gives must be
 * rendered again to be sure: a variable may contain the separator.
 */
bool template_match(const struct template *template, struct span text, struct span *ret_parts);

/* Whether sort order by the text is sort order by the one variable: a literal prefix at most, one variable, no filter. */
bool template_keeps_order(const struct template *template);
