#include "expression/path.h"

#include <stdio.h>

#include "codec/utf8.h"
#include "expression/parser.h"

bool path_element_equal(const struct path_element *a, const struct path_element *b)
{
    if (path_element_is_index(a) || path_element_is_index(b))
        return path_element_is_index(a) && path_element_is_index(b) && a->index == b->index;
    return span_equal(a->name, b->name);
}

bool document_path_equal(const struct document_path *a, const struct document_path *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!path_element_equal(&a->elements[i], &b->elements[i]))
            return false;
    return true;
}

/* --- in messages --- */

static size_t put_text(char *out, size_t at, struct span text)
{
    struct span cut = utf8_cut(text, PATH_TEXT_BYTES - 1 - at);
    memcpy(out + at, cut.ptr, cut.len);
    return at + cut.len;
}

static size_t put_element(char *out, size_t at, const struct path_element *element)
{
    if (!path_element_is_index(element))
        return put_text(out, at, element->name);
    char index[32];
    int len = snprintf(index, sizeof index, "[%zu]", element->index);
    return put_text(out, at, span_of(index, (size_t)len));
}

const char *document_path_text(const struct document_path *path, char out[PATH_TEXT_BYTES])
{
    size_t at = put_text(out, 0, SPAN("["));
    for (size_t i = 0; i < path->count; i++) {
        at = put_text(out, at, i ? SPAN(", ") : SPAN(""));
        at = put_element(out, at, &path->elements[i]);
    }
    out[put_text(out, at, SPAN("]"))] = '\0';
    return out;
}

const char *expression_value_text(const struct value *value, char out[VALUE_TEXT_BYTES])
{
    char scratch[NUMBER_TEXT_BYTES];
    struct span content = value->bytes;
    if (value->type == VALUE_N)
        content = span_of(scratch, number_format(value->number, scratch));
    if (value->type == VALUE_B) /* as AWS prints one */
        content = span_of(scratch, (size_t)snprintf(scratch, sizeof scratch, "java.nio.HeapByteBuffer[pos=0 lim=%zu cap=%zu]",
                                                    value->bytes.len, value->bytes.len));
    size_t at = put_text(out, 0, SPAN("AttributeValue: {"));
    at = put_text(out, at, span_from_cstr(value_type_name(value->type)));
    at = put_text(out, at, SPAN(":"));
    at = put_text(out, at, content);
    out[put_text(out, at, SPAN("}"))] = '\0';
    return out;
}

/* --- among themselves --- */

/* NULL, or what is wrong between the two. */
static const char *clash(const struct document_path *a, const struct document_path *b)
{
    size_t common = a->count < b->count ? a->count : b->count;
    for (size_t i = 0; i < common; i++) {
        if (path_element_is_index(&a->elements[i]) != path_element_is_index(&b->elements[i]))
            return "conflict";
        if (!path_element_equal(&a->elements[i], &b->elements[i]))
            return NULL;
    }
    return "overlap";
}

static enum lf_code check_pair(const struct document_path *one, const struct document_path *two, enum expression_kind kind,
                               struct err *err)
{
    const char *what = clash(one, two);
    if (!what)
        return LF_OK;
    char text_one[PATH_TEXT_BYTES], text_two[PATH_TEXT_BYTES];
    return ERR(err, LF_VALIDATION,
               "Invalid %s: Two document paths %s with each other; must remove or rewrite one of these paths; path one: %s, path "
               "two: %s",
               expression_kind_name(kind), what, document_path_text(one, text_one), document_path_text(two, text_two));
}

enum lf_code document_paths_check(const struct document_path *paths, size_t count, size_t first, enum expression_kind kind,
                                  struct err *err)
{
    for (size_t one = count; one-- > first;)
        for (size_t two = one + 1; two < count; two++)
            TRY(check_pair(&paths[one], &paths[two], kind, err));
    return LF_OK;
}

/* --- in items --- */

const struct value *path_element_get(const struct path_element *element, const struct value *parent)
{
    if (!path_element_is_index(element))
        return parent->type == VALUE_M ? map_get(parent, element->name) : NULL;
    return parent->type == VALUE_L && element->index < parent->list.count ? &parent->list.values[element->index] : NULL;
}

const struct value *document_path_get(const struct document_path *path, const struct item *item)
{
    const struct value *value = item_get(item, path->elements[0].name);
    for (size_t i = 1; value && i < path->count; i++)
        value = path_element_get(&path->elements[i], value);
    return value;
}
