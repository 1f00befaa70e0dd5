#include "map/report.h"

#include <stdio.h>

#include "map/column_codec.h"

enum {
    ROW_HEIGHT = 18,
    CHARACTER_WIDTH = 7, /* of the diagram's 12 px monospace */
    LINE_CHARACTERS_MAX = 46,
    COLUMN_GAP = 100,
    BOX_GAP = 22,
    MARGIN = 12,
    DIAGRAM_ENTITIES_MAX = 60,
    LAYERS_MAX = 12,
};

static void put_escaped(struct buf *buf, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '&')
            buf_put_cstr(buf, "&amp;");
        else if (c == '<')
            buf_put_cstr(buf, "&lt;");
        else if (c == '>')
            buf_put_cstr(buf, "&gt;");
        else if (c == '"')
            buf_put_cstr(buf, "&quot;");
        else if (c < 0x20 || c == 0x7F)
            buf_put_cstr(buf, "\xEF\xBF\xBD");
        else
            buf_put_byte(buf, (char)c);
    }
}

static void put_element(struct buf *buf, const char *open, struct span text, const char *close)
{
    buf_put_cstr(buf, open);
    put_escaped(buf, text);
    buf_put_cstr(buf, close);
}

static void put_count(struct buf *buf, uint64_t count)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf_put_byte(buf, ',');
        buf_put_byte(buf, digits[i]);
    }
}

/* ---- head ---- */

static void put_head(struct buf *buf, const struct map *map)
{
    buf_put_cstr(buf, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Landfall: ");
    put_escaped(buf, map->schema);
    buf_put_cstr(
        buf,
        "</title>\n<style>\n"
        ":root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6b7c; --line: #d7dee6; --paper: #fff; --band: #f5f7fa; "
        "--accent: #0b6e8f; --warn: #9a5b00; }\n"
        "@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ef; --soft: #98a5b5; --line: #33404e; --paper: #141a21; "
        "--band: #1b232c; --accent: #5cc2e0; --warn: #f0b25a; } }\n"
        "body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 76rem; margin: "
        "2rem auto; padding: 0 1.2rem; }\n"
        "h1 { font-size: 1.7rem; margin-bottom: .2rem; } h2 { margin-top: 2.4rem; border-bottom: 1px solid var(--line); } h3 { "
        "margin: 1.6rem 0 .3rem; }\n"
        "p, li { max-width: 60rem; } .soft { color: var(--soft); } code, td.mono { font: 13px/1.45 ui-monospace, monospace; }\n"
        ".scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; margin: .5rem 0; } th, td { text-align: "
        "left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }\n"
        "th { background: var(--band); font-weight: 600; white-space: nowrap; } td.number { text-align: right; white-space: "
        "nowrap; } td.examples { color: var(--soft); overflow-wrap: anywhere; }\n"
        ".fill { display: inline-block; width: 4rem; height: .55rem; background: var(--line); border-radius: .2rem; "
        "margin-right: .4rem; } .fill i { display: block; height: 100%; background: var(--accent); border-radius: .2rem; }\n"
        ".doubt { border-left: 4px solid var(--warn); background: var(--band); padding: .6rem 1rem; } .tag { font-size: 12px; "
        "border: 1px solid var(--line); border-radius: .3rem; padding: 0 .35rem; color: var(--soft); }\n"
        "svg { max-width: 100%; height: auto; } svg text { font: 12px ui-monospace, monospace; fill: var(--ink); } svg .box { "
        "fill: var(--band); stroke: var(--line); } "
        "svg .name { font-weight: 700; } svg .link { fill: none; stroke: var(--accent); stroke-width: 1.4; }\n"
        "</style>\n</head>\n<body>\n");
}

static void put_summary(struct buf *buf, const struct map *map, const struct evidence *evidence)
{
    uint64_t items = 0, unclaimed = 0;
    size_t entities = 0;
    for (size_t t = 0; t < map->table_count; t++) {
        items += evidence->tables[t].items;
        entities += map->tables[t].entity_count;
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            unclaimed += evidence->tables[t].entities[e].unclaimed;
    }
    put_element(buf, "<h1>", map->schema, "</h1>\n<p class=\"soft\">");
    put_count(buf, items);
    buf_printf(buf, " items in %zu DynamoDB table%s become %zu PostgreSQL table%s; ", map->table_count,
               map->table_count == 1 ? "" : "s", entities, entities == 1 ? "" : "s");
    put_count(buf, unclaimed);
    buf_put_cstr(buf, " items fit no entity and are kept whole in <code>landfall.item</code>. Drafted by <code>landfall "
                      "inspect</code> from all items.</p>\n");
}

/* ---- what is uncertain, on top ---- */

static void put_doubts(struct buf *buf, const struct map *map, const struct evidence *evidence)
{
    bool any = false;
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++) {
            const struct entity_evidence *entity = &evidence->tables[t].entities[e];
            for (size_t i = 0; i < entity->uncertain_count; i++) {
                buf_put_cstr(buf, any ? "<li>" : "<h2 id=\"uncertain\">To look at</h2>\n<div class=\"doubt\"><ul>\n<li>");
                put_element(buf, "<a href=\"#", map->tables[t].entities[e].table, "\">");
                put_element(buf, "<b>", map->tables[t].entities[e].name, "</b></a>: ");
                put_element(buf, "", entity->uncertain[i], "</li>\n");
                any = true;
            }
        }
    buf_put_cstr(buf, any ? "</ul></div>\n" : "<p>Nothing is uncertain: every value of every item fits its column.</p>\n");
}

/* ---- the diagram: parents to the left of their children ---- */

struct box {
    const struct entity *entity;
    unsigned layer;
    unsigned x, y, width, height;
};

struct diagram {
    struct box boxes[DIAGRAM_ENTITIES_MAX];
    size_t count;
    unsigned width, height;
};

static size_t find_box(const struct diagram *diagram, const struct entity *entity)
{
    size_t i = 0;
    while (i < diagram->count && diagram->boxes[i].entity != entity)
        i++;
    return i;
}

/* A child is at least one layer to the right of its parents; cycles stop at LAYERS_MAX. */
static void find_layers(struct diagram *diagram)
{
    for (unsigned round = 0; round < LAYERS_MAX; round++)
        for (size_t i = 0; i < diagram->count; i++)
            for (size_t f = 0; f < diagram->boxes[i].entity->foreign_key_count; f++) {
                size_t parent = find_box(diagram, diagram->boxes[i].entity->foreign_keys[f].parent);
                if (parent < diagram->count && parent != i && diagram->boxes[parent].layer >= diagram->boxes[i].layer &&
                    diagram->boxes[i].layer < LAYERS_MAX - 1)
                    diagram->boxes[i].layer =
                        diagram->boxes[parent].layer + 1 < LAYERS_MAX ? diagram->boxes[parent].layer + 1 : LAYERS_MAX - 1;
            }
}

/* Lines of a box: its name, its key, one per foreign key. */
static unsigned line_count(const struct entity *entity)
{
    return (unsigned)(2 + entity->foreign_key_count);
}

static size_t columns_length(const struct entity *entity, const unsigned *columns, size_t count)
{
    size_t length = 4;
    for (size_t i = 0; i < count; i++)
        length += entity->columns[columns[i]].name.len + 2;
    return length < LINE_CHARACTERS_MAX ? length : LINE_CHARACTERS_MAX;
}

static unsigned box_width(const struct entity *entity)
{
    size_t longest = entity->table.len + 2;
    size_t key = columns_length(entity, entity->primary_key, entity->primary_key_count);
    longest = key > longest ? key : longest;
    for (size_t f = 0; f < entity->foreign_key_count; f++) {
        size_t line = columns_length(entity, entity->foreign_keys[f].columns, entity->foreign_keys[f].count);
        longest = line > longest ? line : longest;
    }
    return (unsigned)longest * CHARACTER_WIDTH + 20;
}

/* All boxes of a layer are as wide as its widest. */
static void size_boxes(struct diagram *diagram, unsigned widths[LAYERS_MAX])
{
    memset(widths, 0, LAYERS_MAX * sizeof *widths);
    for (size_t i = 0; i < diagram->count; i++) {
        struct box *box = &diagram->boxes[i];
        unsigned width = box_width(box->entity);
        box->height = line_count(box->entity) * ROW_HEIGHT + 8;
        widths[box->layer] = width > widths[box->layer] ? width : widths[box->layer];
    }
}

static void place_boxes(struct diagram *diagram)
{
    unsigned widths[LAYERS_MAX], lefts[LAYERS_MAX], bottoms[LAYERS_MAX];
    size_boxes(diagram, widths);
    for (unsigned i = 0; i < LAYERS_MAX; i++) {
        lefts[i] = i ? lefts[i - 1] + widths[i - 1] + COLUMN_GAP : MARGIN;
        bottoms[i] = MARGIN;
    }
    for (size_t i = 0; i < diagram->count; i++) {
        struct box *box = &diagram->boxes[i];
        box->x = lefts[box->layer];
        box->y = bottoms[box->layer];
        box->width = widths[box->layer];
        bottoms[box->layer] += box->height + BOX_GAP;
        unsigned right = box->x + box->width + COLUMN_GAP / 2;
        diagram->width = right > diagram->width ? right : diagram->width;
        diagram->height = bottoms[box->layer] > diagram->height ? bottoms[box->layer] : diagram->height;
    }
}

/* As many names as fit on a line of a box. */
static void put_columns(struct buf *buf, const struct entity *entity, const unsigned *columns, size_t count)
{
    size_t length = 4;
    for (size_t i = 0; i < count; i++) {
        struct span name = entity->columns[columns[i]].name;
        length += name.len + 2;
        if (length > LINE_CHARACTERS_MAX) {
            buf_put_cstr(buf, i ? ", &#8230;" : "&#8230;");
            return;
        }
        buf_put_cstr(buf, i ? ", " : "");
        put_escaped(buf, name);
    }
}

static void put_box(struct buf *buf, const struct box *box)
{
    const struct entity *entity = box->entity;
    buf_printf(buf, "<rect class=\"box\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"5\"/>\n", box->x, box->y, box->width,
               box->height);
    buf_printf(buf, "<text class=\"name\" x=\"%u\" y=\"%u\">", box->x + 8, box->y + ROW_HEIGHT - 2);
    put_element(buf, "", entity->table, "</text>\n");
    buf_printf(buf, "<text x=\"%u\" y=\"%u\">PK ", box->x + 8, box->y + 2 * ROW_HEIGHT - 2);
    put_columns(buf, entity, entity->primary_key, entity->primary_key_count);
    buf_put_cstr(buf, "</text>\n");
    for (size_t f = 0; f < entity->foreign_key_count; f++) {
        buf_printf(buf, "<text x=\"%u\" y=\"%u\">&#8592; ", box->x + 8, box->y + (unsigned)(f + 3) * ROW_HEIGHT - 2);
        put_columns(buf, entity, entity->foreign_keys[f].columns, entity->foreign_keys[f].count);
        buf_put_cstr(buf, "</text>\n");
    }
}

static void put_link(struct buf *buf, const struct box *child, size_t key, const struct box *parent)
{
    unsigned y = child->y + (unsigned)(key + 3) * ROW_HEIGHT - 6;
    if (child == parent) {
        unsigned right = child->x + child->width;
        buf_printf(buf, "<path class=\"link\" d=\"M%u %u C%u %u %u %u %u %u\"/>\n", right, y, right + 40, y, right + 40,
                   child->y + 10, right, child->y + 10);
        return;
    }
    unsigned from = child->x, to = parent->x + parent->width, to_y = parent->y + ROW_HEIGHT;
    unsigned middle = from > to ? (from + to) / 2 : from > 40 ? from - 40 : 0;
    buf_printf(buf, "<path class=\"link\" d=\"M%u %u C%u %u %u %u %u %u\"/>\n", from, y, middle, y, middle, to_y, to, to_y);
}

static void put_diagram(struct buf *buf, const struct map *map)
{
    struct diagram diagram = { .count = 0 };
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count && diagram.count < DIAGRAM_ENTITIES_MAX; e++)
            diagram.boxes[diagram.count++].entity = &map->tables[t].entities[e];
    find_layers(&diagram);
    place_boxes(&diagram);
    buf_printf(buf,
               "<h2>Relations</h2>\n<div class=\"scroll\"><svg role=\"img\" aria-label=\"tables and their relations\" "
               "width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\">\n",
               diagram.width, diagram.height, diagram.width, diagram.height);
    for (size_t i = 0; i < diagram.count; i++)
        for (size_t f = 0; f < diagram.boxes[i].entity->foreign_key_count; f++) {
            size_t parent = find_box(&diagram, diagram.boxes[i].entity->foreign_keys[f].parent);
            if (parent < diagram.count)
                put_link(buf, &diagram.boxes[i], f, &diagram.boxes[parent]);
        }
    for (size_t i = 0; i < diagram.count; i++)
        put_box(buf, &diagram.boxes[i]);
    buf_put_cstr(buf, "</svg></div>\n");
}

/* ---- entities ---- */

static bool is_in(const unsigned *columns, size_t count, size_t column)
{
    for (size_t i = 0; i < count; i++)
        if (columns[i] == column)
            return true;
    return false;
}

static void put_tags(struct buf *buf, const struct entity *entity, size_t column)
{
    if (is_in(entity->primary_key, entity->primary_key_count, column))
        buf_put_cstr(buf, " <span class=\"tag\">primary key</span>");
    for (size_t f = 0; f < entity->foreign_key_count; f++)
        if (is_in(entity->foreign_keys[f].columns, entity->foreign_keys[f].count, column))
            put_element(buf, " <span class=\"tag\">&#8594; ", entity->foreign_keys[f].parent->table, "</span>");
    if (entity->columns[column].not_null)
        buf_put_cstr(buf, " <span class=\"tag\">not null</span>");
    if (entity->columns[column].check_count)
        buf_printf(buf, " <span class=\"tag\">one of %zu values</span>", entity->columns[column].check_count);
}

static void put_examples(struct buf *buf, const struct column_evidence *evidence)
{
    for (size_t i = 0; i < EXAMPLE_COUNT; i++)
        if (evidence->examples[i].ptr) {
            buf_put_cstr(buf, i ? " &#183; " : "");
            put_escaped(buf, evidence->examples[i].len ? evidence->examples[i] : SPAN("(empty)"));
        }
}

static void put_column(struct buf *buf, const struct entity *entity, size_t index, const struct entity_evidence *entity_evidence)
{
    const struct column *column = &entity->columns[index];
    const struct column_evidence *evidence = &entity_evidence->columns[index];
    unsigned percent = entity_evidence->items ? (unsigned)(evidence->present * 100 / entity_evidence->items) : 0;
    put_element(buf, "<tr><td class=\"mono\">", column->name, "");
    put_tags(buf, entity, index);
    buf_printf(buf, "</td><td class=\"mono\">%s", column_type_name(column->type));
    if (column->codec != column_codec_find(column->type, (struct span){ NULL, 0 }))
        buf_printf(buf, " <span class=\"soft\">%s</span>", column->codec->name);
    put_element(buf, "</td><td class=\"mono\">", column->source == COLUMN_FROM_KEY ? SPAN("(from the key)") : column->attr,
                "</td>");
    buf_printf(buf,
               "<td class=\"number\"><span class=\"fill\"><i style=\"width:%u%%\"></i></span>%u %%</td><td class=\"number\">",
               percent, percent);
    if (evidence->distinct)
        put_count(buf, evidence->distinct);
    buf_put_cstr(buf, "</td><td class=\"number\">");
    put_count(buf, evidence->exceptions);
    put_element(buf, "</td><td>", evidence->types, "</td><td class=\"examples\">");
    put_examples(buf, evidence);
    buf_put_cstr(buf, "</td></tr>\n");
}

static void put_template_text(struct buf *buf, const struct template *template)
{
    struct buf text;
    buf_init(&text, SIZE_MAX / 2);
    template_put(&text, template);
    put_escaped(buf, buf_span(&text));
    buf_done(&text);
}

static void put_templates(struct buf *buf, const struct entity *entity)
{
    buf_put_cstr(buf, "<p class=\"soft\">");
    for (size_t i = 0; i < entity->match_count; i++) {
        put_element(buf, "<code>", entity->matches[i].attr, " = ");
        put_element(buf, "", entity->matches[i].value.type == VALUE_S ? entity->matches[i].value.bytes : SPAN("a number"),
                    "</code> ");
    }
    for (size_t i = 0; i < entity->template_count; i++) {
        put_element(buf, i || entity->match_count ? " &#183; <code>" : "<code>", entity->templates[i].attr, " = ");
        put_template_text(buf, &entity->templates[i].template);
        buf_put_cstr(buf, "</code>");
    }
    buf_put_cstr(buf, "</p>\n");
}

static void put_entity(struct buf *buf, const struct entity *entity, const struct entity_evidence *evidence)
{
    put_element(buf, "<h3 id=\"", entity->table, "\">");
    put_element(buf, "", entity->name, " <span class=\"soft\">&#8594; ");
    put_element(buf, "<code>", entity->table, "</code>, ");
    put_count(buf, evidence->items);
    buf_put_cstr(buf, " items</span></h3>\n");
    put_templates(buf, entity);
    buf_put_cstr(buf, "<div "
                      "class=\"scroll\"><table>\n<tr><th>column</th><th>type</th><th>attribute</th><th>filled</th><th>distinct</"
                      "th><th>exceptions</th>"
                      "<th>DynamoDB types</th><th>examples</th></tr>\n");
    for (size_t i = 0; i < entity->column_count; i++)
        put_column(buf, entity, i, evidence);
    buf_put_cstr(buf, "</table></div>\n");
}

void report_put_html(struct buf *buf, const struct map *map, const struct evidence *evidence)
{
    put_head(buf, map);
    put_summary(buf, map, evidence);
    put_doubts(buf, map, evidence);
    put_diagram(buf, map);
    for (size_t t = 0; t < map->table_count; t++) {
        put_element(buf, "<h2>", map->tables[t].name, "</h2>\n");
        put_element(buf, "<p class=\"soft\">", map->tables[t].note, "</p>\n");
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            put_entity(buf, &map->tables[t].entities[e], &evidence->tables[t].entities[e]);
    }
    buf_put_cstr(buf, "</body>\n</html>\n");
}
