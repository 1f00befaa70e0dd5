#include "map/yaml_tree.h"

#include <stdlib.h>
#include <yaml.h>

#include "base/limits.h"
#include "codec/utf8.h"

struct tree_reader {
    yaml_parser_t parser;
    const char *file;
    struct arena *arena;
    unsigned depth;
};

#define YAML_ERR(err, code, reader, mark, format, ...) \
    ERR(err, code, "%s:%zu:%zu: " format, (reader)->file, (mark).line + 1, (mark).column + 1, __VA_ARGS__)

const struct yaml_node *yaml_get(const struct yaml_node *mapping, struct span key)
{
    for (size_t i = 0; i < mapping->count; i++)
        if (span_equal(yaml_key(mapping, i)->text, key))
            return yaml_value(mapping, i);
    return NULL;
}

const char *yaml_kind_name(const struct yaml_node *node)
{
    if (node->kind == NODE_SEQUENCE)
        return "a list";
    if (node->kind == NODE_MAPPING)
        return "a mapping";
    return node->is_plain && node->text.len == 0 ? "nothing" : "a text";
}

static enum lf_code parser_failed(const struct tree_reader *reader, struct err *err)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return ERR(err, LF_MEMORY, "out of memory reading YAML");
    const char *problem = parser->problem ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR) /* it has no mark */
        return ERR_AT(err, LF_SYNTAX, parser->problem_offset, "%s: byte %zu: %s", reader->file, parser->problem_offset, problem);
    return YAML_ERR(err, LF_SYNTAX, reader, parser->problem_mark, "%s%s%s", problem, parser->context ? " " : "",
                    parser->context ? parser->context : "");
}

/* The next event; whoever calls it deletes the event. */
static enum lf_code next_event(struct tree_reader *reader, yaml_event_t *ret_event, struct err *err)
{
    return yaml_parser_parse(&reader->parser, ret_event) ? LF_OK : parser_failed(reader, err);
}

static const char *refused_feature(const yaml_event_t *event)
{
    if (event->type == YAML_ALIAS_EVENT)
        return "an alias";
    if (event->type == YAML_SCALAR_EVENT)
        return event->data.scalar.anchor ? "an anchor" : event->data.scalar.tag ? "a tag" : NULL;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return event->data.sequence_start.anchor ? "an anchor" : event->data.sequence_start.tag ? "a tag" : NULL;
    return event->data.mapping_start.anchor ? "an anchor" : event->data.mapping_start.tag ? "a tag" : NULL;
}

static enum lf_code read_node(struct tree_reader *reader, const yaml_event_t *first, struct yaml_node *ret_node, struct err *err);

static enum lf_code read_scalar(struct tree_reader *reader, const yaml_event_t *event, struct yaml_node *node, struct err *err)
{
    node->kind = NODE_SCALAR;
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct span text = span_of((const char *)event->data.scalar.value, event->data.scalar.length);
    return arena_copy(reader->arena, text, &node->text, err);
}

/* Room for one more item; the array doubles. */
static enum lf_code grow_items(struct tree_reader *reader, struct yaml_node *node, size_t used, size_t *capacity, struct err *err)
{
    if (used < *capacity)
        return LF_OK;
    size_t larger = *capacity ? *capacity * 2 : 8;
    struct yaml_node *items = arena_calloc(reader->arena, larger, sizeof *items, err);
    if (!items)
        return err->code;
    if (used)
        memcpy(items, node->items, used * sizeof *items);
    node->items = items;
    *capacity = larger;
    return LF_OK;
}

static enum lf_code read_items(struct tree_reader *reader, yaml_event_type_t end, struct yaml_node *node, struct err *err)
{
    size_t capacity = 0, used = 0, per_entry = node->kind == NODE_MAPPING ? 2 : 1;
    for (;;) {
        yaml_event_t event;
        TRY(next_event(reader, &event, err));
        bool is_end = event.type == end;
        enum lf_code code = LF_OK;
        if (!is_end && used >= YAML_COUNT_MAX * per_entry)
            code = YAML_ERR(err, LF_LIMIT, reader, event.start_mark, "more than %d entries", YAML_COUNT_MAX);
        else if (!is_end)
            code = grow_items(reader, node, used, &capacity, err);
        if (!is_end && code == LF_OK)
            code = read_node(reader, &event, &node->items[used++], err);
        yaml_event_delete(&event);
        TRY(code);
        if (is_end)
            break;
    }
    node->count = used / per_entry;
    return LF_OK;
}

static int compare_keys(const void *left, const void *right)
{
    const struct yaml_node *a = *(const struct yaml_node *const *)left, *b = *(const struct yaml_node *const *)right;
    int order = span_compare(a->text, b->text);
    return order ? order : a > b ? 1 : -1;
}

static enum lf_code check_keys(struct tree_reader *reader, const struct yaml_node *mapping, struct err *err)
{
    const struct yaml_node **keys = arena_calloc(reader->arena, mapping->count, sizeof *keys, err);
    if (!keys)
        return err->code;
    for (size_t i = 0; i < mapping->count; i++) {
        keys[i] = yaml_key(mapping, i);
        if (keys[i]->kind != NODE_SCALAR)
            return ERR(err, LF_MAP, "%s:%u:%u: a key must be a text, not %s", reader->file, keys[i]->line, keys[i]->column,
                       yaml_kind_name(keys[i]));
    }
    if (mapping->count > 1)
        qsort(keys, mapping->count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < mapping->count; i++)
        if (span_equal(keys[i - 1]->text, keys[i]->text))
            return ERR(err, LF_MAP, "%s:%u:%u: the key '%.*s' stands here twice (first in line %u)", reader->file, keys[i]->line,
                       keys[i]->column, SPAN_ARG(utf8_cut(keys[i]->text, 80)), keys[i - 1]->line);
    return LF_OK;
}

static enum lf_code read_collection(struct tree_reader *reader, const yaml_event_t *first, struct yaml_node *node,
                                    struct err *err)
{
    if (reader->depth >= YAML_DEPTH_MAX)
        return YAML_ERR(err, LF_LIMIT, reader, first->start_mark, "nested deeper than %d levels", YAML_DEPTH_MAX);
    reader->depth++;
    bool is_mapping = first->type == YAML_MAPPING_START_EVENT;
    node->kind = is_mapping ? NODE_MAPPING : NODE_SEQUENCE;
    TRY(read_items(reader, is_mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT, node, err));
    reader->depth--;
    return is_mapping ? check_keys(reader, node, err) : LF_OK;
}

static enum lf_code read_node(struct tree_reader *reader, const yaml_event_t *first, struct yaml_node *ret_node, struct err *err)
{
    const char *refused = refused_feature(first);
    if (refused)
        return YAML_ERR(err, LF_MAP, reader, first->start_mark, "%s: not in a map", refused);
    struct yaml_node node = { .line = (unsigned)first->start_mark.line + 1, .column = (unsigned)first->start_mark.column + 1 };
    TRY(first->type == YAML_SCALAR_EVENT ? read_scalar(reader, first, &node, err) : read_collection(reader, first, &node, err));
    *ret_node = node;
    return LF_OK;
}

/* An event that must be of this type; it carries nothing. */
static enum lf_code expect_event(struct tree_reader *reader, yaml_event_type_t type, const char *message, struct err *err)
{
    yaml_event_t event;
    TRY(next_event(reader, &event, err));
    enum lf_code code = event.type == type ? LF_OK : YAML_ERR(err, LF_SYNTAX, reader, event.start_mark, "%s", message);
    yaml_event_delete(&event);
    return code;
}

static enum lf_code read_document(struct tree_reader *reader, struct yaml_node *ret_root, struct err *err)
{
    TRY(expect_event(reader, YAML_STREAM_START_EVENT, "not YAML", err));
    TRY(expect_event(reader, YAML_DOCUMENT_START_EVENT, "the file is empty", err));
    yaml_event_t event;
    TRY(next_event(reader, &event, err));
    enum lf_code code = read_node(reader, &event, ret_root, err);
    yaml_event_delete(&event);
    TRY(code);
    TRY(expect_event(reader, YAML_DOCUMENT_END_EVENT, "not YAML", err));
    return expect_event(reader, YAML_STREAM_END_EVENT, "a map is one document", err);
}

enum lf_code yaml_parse(struct span text, const char *file, struct arena *arena, struct yaml_node *ret_root, struct err *err)
{
    if (text.len > LIMIT_MAP_BYTES)
        return ERR(err, LF_LIMIT, "%s: %zu bytes, at most %d are allowed", file, text.len, LIMIT_MAP_BYTES);
    size_t invalid = utf8_invalid_at(text);
    if (invalid < text.len)
        return ERR_AT(err, LF_SYNTAX, invalid, "%s: byte %zu is not UTF-8", file, invalid);
    if (span_starts_with(text, SPAN("\xef\xbb\xbf"))) /* byte order mark */
        text = span_from(text, 3);

    struct tree_reader reader = { .file = file, .arena = arena };
    if (!yaml_parser_initialize(&reader.parser))
        return ERR(err, LF_MEMORY, "out of memory reading YAML");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)(text.ptr ? text.ptr : ""), text.len);
    enum lf_code code = read_document(&reader, ret_root, err);
    yaml_parser_delete(&reader.parser);
    return code;
}
