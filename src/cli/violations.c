#include "cli/violations.h"

#include <stdio.h>

#include "cli/output.h"

static const char *place_of(const struct violation *violation)
{
    return violation->is_rejected ? "landfall.reject" : "landfall.item";
}

void violations_print(const struct violations *violations)
{
    char items[2 * COUNT_TEXT_BYTES];
    for (size_t i = 0; i < violations->count; i++) {
        const struct violation *violation = &violations->items[i];
        printf("%s of %.*s moved to %s (%.*s): ", count_of_text(violation->items, "row", "rows", items),
               SPAN_ARG(violation->table), place_of(violation), SPAN_ARG(violation->constraint));
        for (size_t k = 0; k < violation->key_count; k++)
            printf("%s%.*s", k ? "; " : "", SPAN_ARG(violation->keys[k]));
        printf("%s\n", violation->items > violation->key_count ? "; …" : "");
    }
}

void violations_put_json(struct buf *json, const struct violations *violations)
{
    json_out_open(json, "violations", '[');
    for (size_t i = 0; i < violations->count; i++) {
        const struct violation *violation = &violations->items[i];
        json_out_open(json, NULL, '{');
        json_out_text(json, "table", violation->table);
        json_out_text(json, "constraint", violation->constraint);
        json_out_text(json, "moved_to", span_from_cstr(place_of(violation)));
        json_out_count(json, "items", violation->items);
        json_out_open(json, "keys", '[');
        for (size_t k = 0; k < violation->key_count; k++)
            json_out_text(json, NULL, violation->keys[k]);
        json_out_close(json, ']');
        json_out_close(json, '}');
    }
    json_out_close(json, ']');
}

enum lf_code violations_check(const struct violations *violations, struct err *err)
{
    char items[2 * COUNT_TEXT_BYTES];
    if (violations->moved)
        return ERR(err, LF_REJECTS,
                   "%s constraints; see reason in landfall.item (if they are many, the map's "
                   "`primary_key`, `unique` or `foreign_keys` promise too much)",
                   count_of_text(violations->moved, "item breaks", "items break", items));
    if (violations->rejected)
        return ERR(err, LF_REJECTS, "%s a DynamoDB key that another item has; see landfall.reject",
                   count_of_text(violations->rejected, "item has", "items have", items));
    return LF_OK;
}
