#include "generate_map.h"

#include <stdio.h>
#include <stdlib.h>

#include "map/column_codec.h"

static struct err fatal_err;

static bool one_in(struct generator *generator, size_t count)
{
    return generate_below(generator, count) == 0;
}

static void *must(void *memory)
{
    if (!memory) {
        fprintf(stderr, "out of memory: %s\n", fatal_err.message);
        abort();
    }
    return memory;
}

static void *new_array(struct arena *arena, size_t count, size_t size)
{
    return must(arena_calloc(arena, count, size, &fatal_err));
}

static struct span copy(struct arena *arena, struct span text)
{
    struct span result;
    must(arena_copy(arena, text, &result, &fatal_err) ? NULL : arena);
    return result;
}

static const struct span plain_words[] = {
    { "case", 4 },    { "docket_number", 13 }, { "order", 5 },  { "user", 4 },  { "id", 2 },
    { "message", 7 }, { "status", 6 },         { "select", 6 }, { "table", 5 }, { "group", 5 },
    { "end", 3 },     { "created_at", 10 },    { "y", 1 },      { "null", 4 },  { "Yes", 3 },
    { "false", 5 },   { "naïve", 6 },          { "日本", 6 },   { "_", 1 },     { "a-b", 3 },
    { "x.y", 3 },     { "MixedCase", 9 },
};
static const struct span odd_words[] = {
    { "a: b", 4 },
    { " lead", 5 },
    { "trail ", 6 },
    { "#c", 2 },
    { "a #c", 4 },
    { "{x}", 3 },
    { "[", 1 },
    { "\"q\"", 3 },
    { "it's", 4 },
    { "back\\slash", 10 },
    { "12", 2 },
    { "0x1F", 4 },
    { "1e5", 3 },
    { "-", 1 },
    { "--- a", 5 },
    { "? b", 3 },
    { "*alias", 6 },
    { "&anchor", 7 },
    { "!tag", 4 },
    { "%dir", 4 },
    { "@at", 3 },
    { "`tick", 5 },
    { "~", 1 },
    { "<<", 2 },
    { "a\nb", 3 },
    { "\t", 1 },
    { "\x01\x1f", 2 },
    { "\x7f", 1 },
    { "a\0b", 3 },
    { "\xC2\x85", 2 },
    { "\xE2\x80\xA8", 3 },
    { "\xEF\xBB\xBF", 3 },
    { "\xEF\xBF\xBF", 3 },
    { "\xF0\x9F\x98\x80", 4 },
    { ",", 1 },
    { "$", 1 },
    { "-- migrate:down", 15 },
};

static struct span numbered(struct arena *arena, struct span word, unsigned number)
{
    char text[4096];
    memcpy(text, word.ptr, word.len);
    int digits = snprintf(text + word.len, 16, "%u", number);
    return copy(arena, span_of(text, word.len + (size_t)digits));
}

static struct span any_word(struct generator *generator)
{
    if (one_in(generator, 3))
        return odd_words[generate_below(generator, sizeof odd_words / sizeof *odd_words)];
    return plain_words[generate_below(generator, sizeof plain_words / sizeof *plain_words)];
}

/* Distinct by `number`. */
static struct span attribute_name(struct generator *generator, struct arena *arena, unsigned number)
{
    static char long_name[3000];
    if (one_in(generator, 40)) {
        memset(long_name, one_in(generator, 2) ? 'l' : 1, sizeof long_name);
        return numbered(arena, span_of(long_name, 1 + generate_below(generator, sizeof long_name)), number);
    }
    return numbered(arena, any_word(generator), number);
}

static bool has_control(struct span word)
{
    for (size_t i = 0; i < word.len; i++)
        if ((unsigned char)word.ptr[i] < 0x20 || word.ptr[i] == 0x7f)
            return true;
    return false;
}

static struct span sql_name(struct generator *generator, struct arena *arena, unsigned number)
{
    struct span word = any_word(generator);
    while (has_control(word))
        word = any_word(generator);
    char text[64];
    size_t len = 0;
    memcpy(text, word.ptr, word.len);
    len = word.len;
    while (one_in(generator, 60) && len < 50) /* long names collide when index names are cut */
        text[len++] = 'x';
    if (one_in(generator, 30)) {
        memset(text + len, 'x', 58 - len);
        len = 58;
    }
    return numbered(arena, span_of(text, len), number);
}

static struct span any_note(struct generator *generator, struct arena *arena)
{
    return one_in(generator, 2) ? span_of(NULL, 0) : copy(arena, any_word(generator));
}

struct builder {
    struct generator *generator;
    struct arena *arena;
    unsigned number; /* makes names distinct */
    struct map map;
};

static struct span next_attribute(struct builder *b)
{
    return attribute_name(b->generator, b->arena, b->number++);
}

static struct span next_key_name(struct builder *b)
{
    struct span name = next_attribute(b);
    while (name.len > 255)
        name = next_attribute(b);
    return name;
}

static struct key_attribute any_key_attribute(struct builder *b)
{
    static const enum value_type types[] = { VALUE_S, VALUE_S, VALUE_S, VALUE_N, VALUE_B };
    return (struct key_attribute){ next_key_name(b), types[generate_below(b->generator, 5)] };
}

static struct key_schema any_key_schema(struct builder *b)
{
    struct key_schema key = { .partition = any_key_attribute(b) };
    if (!one_in(b->generator, 3))
        key.sort = any_key_attribute(b);
    return key;
}

static void set_type(struct builder *b, struct column *column)
{
    column->codec = &column_codecs[generate_below(b->generator, column_codec_count)];
    column->type = column->codec->type;
}

static struct column *add_column(struct builder *b, struct entity *entity, enum column_source source, struct span attr)
{
    struct column *column = &entity->columns[entity->column_count++];
    *column = (struct column){ .name = sql_name(b->generator, b->arena, b->number++), .source = source, .attr = attr };
    set_type(b, column);
    column->not_null = one_in(b->generator, 3);
    column->note = any_note(b->generator, b->arena);
    return column;
}

/* A column whose codec satisfies `wanted`. */
static void retype(struct builder *b, struct column *column, bool (*wanted)(const struct column_codec *))
{
    while (!wanted(column->codec))
        set_type(b, column);
}

static bool has_text(const struct column_codec *codec)
{
    return codec->text_sql != NULL;
}

static bool holds_string(const struct column_codec *codec)
{
    return codec->value == VALUE_S;
}

static bool holds_number(const struct column_codec *codec)
{
    return codec->value == VALUE_N;
}

static bool holds_binary(const struct column_codec *codec)
{
    return codec->value == VALUE_B;
}

static void add_part(struct template *template, struct template_part part)
{
    template->parts[template->count++] = part;
}

/* A column's name that can stand in a template. */
static void rename_for_template(struct builder *b, struct column *column)
{
    while (span_find_byte(column->name, '{') + span_find_byte(column->name, '}') + span_find_byte(column->name, '|') <
           3 * column->name.len)
        column->name = sql_name(b->generator, b->arena, b->number++);
}

static void own_column(struct builder *b, struct entity *entity, struct key_template *key, enum value_type type, bool not_null)
{
    struct column *column = add_column(b, entity, COLUMN_FROM_ATTRIBUTE, key->attr);
    retype(b, column, type == VALUE_S ? holds_string : type == VALUE_N ? holds_number : holds_binary);
    column->not_null = not_null;
    rename_for_template(b, column);
    add_part(&key->template, (struct template_part){ .is_variable = true, .name = column->name });
}

static void made_template(struct builder *b, struct entity *entity, struct key_template *key, bool is_table_key)
{
    size_t variables = generate_below(b->generator, 3);
    for (size_t i = 0; i <= variables; i++) {
        struct span literal = any_word(b->generator);
        if (span_find_byte(literal, '\0') == literal.len && (i == 0 || !one_in(b->generator, 4)))
            add_part(&key->template, (struct template_part){ .literal = literal });
        if (one_in(b->generator, 6) && key->template.count)
            break;
        bool from_key = is_table_key && one_in(b->generator, 2);
        struct column *column = add_column(b, entity, from_key ? COLUMN_FROM_KEY : COLUMN_FROM_ATTRIBUTE,
                                           from_key ? span_of(NULL, 0) : next_attribute(b));
        retype(b, column, has_text);
        rename_for_template(b, column);
        bool optional = !from_key && one_in(b->generator, 4);
        column->not_null = column->not_null || (is_table_key && !optional);
        add_part(&key->template,
                 (struct template_part){
                     .is_variable = true, .name = column->name, .lower = one_in(b->generator, 4), .optional = optional });
    }
}

static void add_template(struct builder *b, struct entity *entity, const struct key_attribute *attribute, bool is_table_key)
{
    struct key_template *key = &entity->templates[entity->template_count++];
    *key = (struct key_template){ .attr = attribute->name, .note = any_note(b->generator, b->arena) };
    key->template.parts = new_array(b->arena, 8, sizeof *key->template.parts);
    if (attribute->type != VALUE_S || one_in(b->generator, 4))
        own_column(b, entity, key, attribute->type, is_table_key);
    else
        made_template(b, entity, key, is_table_key);
}

static bool has_template(const struct entity *entity, struct span attr)
{
    for (size_t i = 0; i < entity->template_count; i++)
        if (span_equal(entity->templates[i].attr, attr))
            return true;
    return false;
}

static void add_templates(struct builder *b, struct entity *entity)
{
    const struct map_table *table = entity->dynamodb_table;
    entity->templates = new_array(b->arena, 16, sizeof *entity->templates);
    add_template(b, entity, &table->key.partition, true);
    if (key_schema_has_sort(&table->key))
        add_template(b, entity, &table->key.sort, true);
    for (size_t i = 0; i < table->index_count; i++) {
        const struct key_schema *key = &table->indexes[i].key;
        if (!one_in(b->generator, 3) && !has_template(entity, key->partition.name))
            add_template(b, entity, &key->partition, false);
        if (key_schema_has_sort(key) && !one_in(b->generator, 3))
            add_template(b, entity, &key->sort, false);
    }
    if (one_in(b->generator, 4))
        add_template(b, entity, &(struct key_attribute){ next_attribute(b), VALUE_S }, false);
}

static void add_check(struct builder *b, struct column *column)
{
    if (column->type != COLUMN_TEXT || !one_in(b->generator, 3))
        return;
    column->check = new_array(b->arena, 4, sizeof *column->check);
    for (size_t count = 1 + generate_below(b->generator, 3); column->check_count < count;) {
        struct span value = attribute_name(b->generator, b->arena, b->number++);
        if (span_find_byte(value, '\0') == value.len)
            column->check[column->check_count++] = value;
    }
}

static void add_plain_columns(struct builder *b, struct entity *entity)
{
    for (size_t i = generate_below(b->generator, 8); i > 0; i--)
        add_check(b, add_column(b, entity, COLUMN_FROM_ATTRIBUTE, next_attribute(b)));
    for (size_t i = generate_below(b->generator, 3); i > 0; i--) {
        struct span attr = next_attribute(b);
        for (size_t members = 1 + generate_below(b->generator, 3); members > 0; members--) {
            struct column *column = add_column(b, entity, COLUMN_FROM_MEMBER, attr);
            column->member = next_attribute(b);
            if (one_in(b->generator, 5)) /* cuts the run of members */
                add_column(b, entity, COLUMN_FROM_ATTRIBUTE, next_attribute(b));
        }
    }
}

/* Distinct columns, in an order of their own. */
static unsigned *pick_columns(struct builder *b, const struct entity *entity, size_t max, bool (*wanted)(const struct column *),
                              size_t *ret_count)
{
    unsigned *columns = new_array(b->arena, entity->column_count, sizeof *columns);
    size_t count = 0, start = entity->column_count ? generate_below(b->generator, entity->column_count) : 0;
    for (size_t i = 0; i < entity->column_count && count < max; i++) {
        size_t at = (start + i) % entity->column_count;
        if (wanted(&entity->columns[at]) && one_in(b->generator, 2))
            columns[count++] = (unsigned)at;
    }
    *ret_count = count;
    return columns;
}

static bool any_column(const struct column *column)
{
    return column->type != COLUMN_JSONB;
}

static bool not_null_column(const struct column *column)
{
    return column->not_null;
}

static bool text_column(const struct column *column)
{
    return column->type == COLUMN_TEXT;
}

static void add_indexes(struct builder *b, struct entity *entity)
{
    entity->indexes = new_array(b->arena, 8, sizeof *entity->indexes);
    for (int is_unique = 0; is_unique < 2; is_unique++)
        for (size_t i = generate_below(b->generator, 3); i > 0; i--) {
            struct index_def index = { .unique = is_unique, .note = any_note(b->generator, b->arena) };
            index.columns = pick_columns(b, entity, 3, any_column, &index.count);
            if (index.count)
                entity->indexes[entity->index_count++] = index;
        }
    entity->search = pick_columns(b, entity, 3, text_column, &entity->search_count);
}

static void add_children(struct builder *b, struct entity *entity)
{
    entity->children = new_array(b->arena, 3, sizeof *entity->children);
    for (size_t i = entity->primary_key_count ? generate_below(b->generator, 3) : 0; i > 0; i--) {
        struct child *child = &entity->children[entity->child_count++];
        *child = (struct child){ .attr = next_attribute(b), .table = sql_name(b->generator, b->arena, b->number++) };
        child->note = any_note(b->generator, b->arena);
        struct entity columns = { .columns = new_array(b->arena, 4, sizeof(struct column)) };
        if (one_in(b->generator, 3))
            add_column(b, &columns, COLUMN_FROM_ELEMENT, span_of(NULL, 0));
        else
            for (size_t count = 1 + generate_below(b->generator, 3); columns.column_count < count;)
                add_column(b, &columns, COLUMN_FROM_ATTRIBUTE, next_attribute(b));
        child->columns = columns.columns;
        child->column_count = columns.column_count;
    }
}

static void add_matches(struct builder *b, struct entity *entity)
{
    entity->match_count = generate_below(b->generator, 3);
    entity->matches = new_array(b->arena, entity->match_count, sizeof *entity->matches);
    for (size_t i = 0; i < entity->match_count; i++) {
        struct value value = value_string(any_word(b->generator));
        if (one_in(b->generator, 3))
            value = value_number(number_from_int64((int64_t)generate_uint64(b->generator)));
        entity->matches[i] = (struct match){ .attr = next_attribute(b), .value = value };
    }
}

static void fill_entity(struct builder *b, struct entity *entity, struct map_table *table)
{
    *entity = (struct entity){ .name = next_key_name(b), .dynamodb_table = table };
    entity->table = sql_name(b->generator, b->arena, b->number++);
    entity->note = any_note(b->generator, b->arena);
    entity->columns = new_array(b->arena, 100, sizeof *entity->columns);
    add_matches(b, entity);
    add_templates(b, entity);
    add_plain_columns(b, entity);
    entity->primary_key = pick_columns(b, entity, 4, not_null_column, &entity->primary_key_count);
    add_indexes(b, entity);
    add_children(b, entity);
    if (entity->primary_key_count && one_in(b->generator, 6))
        entity->distribute_by = entity->columns[entity->primary_key[0]].name;
}

static void add_projection(struct builder *b, struct secondary_index *index)
{
    if (!one_in(b->generator, 3))
        return;
    index->is_partial = true;
    index->included = new_array(b->arena, 3, sizeof *index->included);
    for (size_t i = generate_below(b->generator, 4); i > 0; i--)
        index->included[index->included_count++] = next_key_name(b);
}

static void fill_table(struct builder *b, struct map_table *table)
{
    *table = (struct map_table){ .name = next_key_name(b), .key = any_key_schema(b), .note = any_note(b->generator, b->arena) };
    table->indexes = new_array(b->arena, 4, sizeof *table->indexes);
    for (size_t i = generate_below(b->generator, 3); i > 0; i--)
        table->indexes[table->index_count++] = (struct secondary_index){ .name = next_key_name(b), .key = any_key_schema(b) };
    if (key_schema_has_sort(&table->key) && one_in(b->generator, 3)) {
        struct key_schema key = { table->key.partition, any_key_attribute(b) };
        table->indexes[table->index_count++] = (struct secondary_index){ .name = next_key_name(b), .key = key, .is_local = true };
    }
    for (size_t i = 0; i < table->index_count; i++)
        add_projection(b, &table->indexes[i]);
    size_t count = generate_below(b->generator, 5);
    table->entities = new_array(b->arena, count, sizeof *table->entities);
    table->entity_count = count;
    for (size_t i = 0; i < count; i++)
        fill_entity(b, &table->entities[i], table);
}

/* A foreign key where the entity has columns of the parent's key types. */
static void add_foreign_key(struct builder *b, struct entity *entity, struct entity *parent)
{
    struct foreign_key key = { .parent = parent, .note = any_note(b->generator, b->arena) };
    key.columns = new_array(b->arena, parent->primary_key_count, sizeof *key.columns);
    key.references = parent->primary_key;
    key.enforce = one_in(b->generator, 2) ? ENFORCE_NOW : ENFORCE_CONTRACT;
    bool used[100] = { false };
    for (; key.count < parent->primary_key_count; key.count++) {
        enum column_type type = parent->columns[parent->primary_key[key.count]].type;
        size_t at = 0;
        while (at < entity->column_count && (used[at] || entity->columns[at].type != type))
            at++;
        if (at == entity->column_count)
            return;
        used[at] = true;
        key.columns[key.count] = (unsigned)at;
    }
    if (key.count)
        entity->foreign_keys[entity->foreign_key_count++] = key;
}

static void add_foreign_keys(struct builder *b, struct map_table *table)
{
    for (size_t i = 0; i < table->entity_count; i++) {
        struct entity *entity = &table->entities[i];
        entity->foreign_keys = new_array(b->arena, table->entity_count, sizeof *entity->foreign_keys);
        for (size_t k = 0; k < table->entity_count; k++)
            if (one_in(b->generator, 2))
                add_foreign_key(b, entity, &table->entities[k]);
    }
}

struct map generate_map(struct generator *generator, struct arena *arena)
{
    struct builder b = { .generator = generator, .arena = arena };
    b.map.schema = sql_name(generator, arena, b.number++);
    b.map.note = any_note(generator, arena);
    b.map.table_count = generate_below(generator, 4);
    b.map.tables = new_array(arena, b.map.table_count, sizeof *b.map.tables);
    for (size_t i = 0; i < b.map.table_count; i++) {
        fill_table(&b, &b.map.tables[i]);
        add_foreign_keys(&b, &b.map.tables[i]);
    }
    return b.map;
}
