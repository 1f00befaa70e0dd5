#include "map/key_search.h"

#include "codec/utf8.h"
#include "map/codec_functions.h"
#include "map/column_codec.h"
#include "map/ddl.h"
#include "map/ddl_plan.h"

/* Parts ------------------------------------------------------------------------------------------------------------------------
 */

static void set_texts(struct key_search_part *part, const struct template *template)
{
    const struct template_part *first = &template->parts[0], *last = &template->parts[template->count - 1];
    if (!first->is_variable)
        part->prefix = first->literal;
    part->is_constant = template->count == 1 && !first->is_variable;
    if (last != first && !last->is_variable)
        part->suffix = last->literal;
}

static bool is_of_type(const struct key_search_part *part)
{
    if (part->match)
        return part->match->value.type == part->type;
    return part->holder ? part->holder->codec->value == part->type : part->type == VALUE_S;
}

/* What begins and ends every key of the table; ddb_extra may say otherwise of other attributes. */
static bool is_exact(const struct entity *entity, const struct key_template *key)
{
    return (size_t)(key - entity->templates) < entity_key_count(entity);
}

static bool find_part(const struct entity *entity, const struct key_attribute *attribute, struct key_search_part *part,
                      struct ddl_key_part *ret_plan)
{
    if (!ddl_key_part_find(entity, attribute->name, ret_plan))
        return false;
    *part = (struct key_search_part){ entity, attribute->type, .template = ret_plan->template, .match = ret_plan->match };
    if (!part->match && (!part->template || part->template->is_column))
        part->holder = &entity->columns[ret_plan->column];
    else if (part->template && is_exact(entity, part->template))
        set_texts(part, &part->template->template);
    if (part->match && part->type == VALUE_S) {
        part->prefix = part->match->value.bytes;
        part->is_constant = true;
    }
    return is_of_type(part);
}

/* Whether the index holds the column itself though other parts of the key are expressions. */
static bool is_plain_element(const struct key_search_part *part, const struct column *column)
{
    return !part->template || (part->template->is_column && column->codec->value != VALUE_S);
}

bool key_search_find(const struct entity *entity, const struct key_schema *key, struct key_search *ret_search)
{
    struct key_search search = { .count = key_schema_has_sort(key) ? 2 : 1 };
    struct ddl_key_part plans[2];
    bool is_native = true;
    for (size_t i = 0; i < search.count; i++) {
        if (!find_part(entity, i ? &key->sort : &key->partition, &search.parts[i], &plans[i]))
            return false;
        is_native = is_native && (plans[i].is_native || plans[i].is_constant);
    }
    for (size_t i = 0; i < search.count; i++) {
        const struct column *column = plans[i].is_native ? &entity->columns[plans[i].column] : NULL;
        if (column && (is_native || is_plain_element(&search.parts[i], column)))
            search.parts[i].column = column;
    }
    *ret_search = search;
    return true;
}

/* Operands ---------------------------------------------------------------------------------------------------------------------
 */

static void put_column(struct buf *buf, const struct column *column)
{
    buf_put_cstr(buf, "t.");
    ddl_put_identifier(buf, column->name);
}

static void put_expression(struct buf *buf, const struct key_search_part *part)
{
    if (part->match) {
        ddl_put_match(buf, part->match);
    } else if (part->type == VALUE_B) {
        put_column(buf, part->holder);
    } else if (part->template && part->type == VALUE_S) {
        ddl_put_template(buf, part->entity, part->template);
    } else {
        ddl_put_column_key(buf, part->holder);
    }
}

void key_operand_put(struct buf *buf, const struct key_operand *operand)
{
    if (operand->is_expression)
        put_expression(buf, operand->part);
    else
        put_column(buf, operand->part->column);
}

const char *key_operand_type(const struct key_operand *operand)
{
    if (!operand->is_expression)
        return column_type_name(operand->part->column->type);
    return operand->part->type == VALUE_S ? "text" : operand->part->type == VALUE_N ? "numeric" : "bytea";
}

enum pg_oid key_operand_oid(const struct key_operand *operand)
{
    if (!operand->is_expression)
        return column_type_oid(operand->part->column->type);
    return operand->part->type == VALUE_S ? PG_OID_TEXT : operand->part->type == VALUE_N ? PG_OID_NUMERIC : PG_OID_BYTEA;
}

/* Values -----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code numeric_of(struct span bytes, struct arena *arena, struct pg_field *ret_field, struct err *err)
{
    struct number number;
    struct buf buf;
    TRY(number_from_key(bytes, &number, err));
    buf_init(&buf, NUMERIC_BYTES_MAX);
    pg_put_numeric(&buf, number);
    return field_take(&buf, arena, ret_field, err);
}

/* The bytes as the column has them: behind the template's text. */
static enum lf_code column_value(const struct key_search_part *part, struct span bytes, struct arena *arena, bool *ret_held,
                                 struct pg_field *ret_field, struct err *err)
{
    struct value *value = arena_alloc(arena, sizeof *value, err);
    if (!value)
        return err->code;
    *value = (struct value){ .type = part->type, .bytes = span_from(bytes, part->prefix.len) };
    if (part->type == VALUE_N)
        TRY(number_from_key(bytes, &value->number, err));
    return part->column->codec->to_row(value, arena, ret_held, ret_field, err);
}

static bool may_be(const struct key_search_part *part, struct span bytes)
{
    if (part->type != VALUE_S)
        return true;
    bool has_shape = span_starts_with(bytes, part->prefix) && span_ends_with(bytes, part->suffix) &&
                     bytes.len >= part->prefix.len + part->suffix.len;
    return has_shape && (!part->is_constant || bytes.len == part->prefix.len) && is_postgres_text(bytes) &&
           utf8_invalid_at(bytes) == bytes.len;
}

enum lf_code key_search_value(const struct key_search_part *part, struct span bytes, struct arena *arena, bool *ret_held,
                              struct pg_field *ret_field, struct err *err)
{
    *ret_field = PG_NULL;
    *ret_held = may_be(part, bytes);
    if (!*ret_held)
        return LF_OK;
    if (part->column)
        return column_value(part, bytes, arena, ret_held, ret_field, err);
    if (part->type == VALUE_N)
        return numeric_of(bytes, arena, ret_field, err);
    *ret_field = field_of(bytes);
    return LF_OK;
}

/* Order ------------------------------------------------------------------------------------------------------------------------
 */

enum key_order key_search_order(const struct key_search_part *part, struct span bytes)
{
    if (part->type != VALUE_S || (!part->is_constant && span_starts_with(bytes, part->prefix)))
        return KEY_MIXED;
    int order = span_compare(part->prefix, bytes);
    return order < 0 ? KEY_BEFORE : order > 0 ? KEY_BEHIND : KEY_EQUAL;
}

static enum lf_code text_ceiling(struct span bytes, struct arena *arena, struct key_ceiling *ceiling, struct err *err)
{
    struct span text;
    TRY(utf8_ceiling(bytes, arena, &text, err));
    bool is_there = text.ptr || bytes.len == 0;
    ceiling->field = is_there ? field_of(text) : PG_NULL;
    ceiling->is_exact = is_there && span_equal(text, bytes);
    return LF_OK;
}

enum lf_code key_search_ceiling(const struct key_search_part *part, struct span bytes, struct arena *arena,
                                struct key_ceiling *ret_ceiling, struct err *err)
{
    struct key_ceiling ceiling = { .operand = key_search_operand(part), .is_exact = true };
    bool is_held = false, has_prefix = part->column && span_starts_with(bytes, part->prefix);
    if (has_prefix && part->column->type == COLUMN_TEXT) {
        TRY(text_ceiling(span_from(bytes, part->prefix.len), arena, &ceiling, err));
    } else {
        if (has_prefix)
            TRY(column_value(part, bytes, arena, &is_held, &ceiling.field, err));
        ceiling.operand.is_expression = !is_held;
        if (!is_held && part->type == VALUE_S)
            TRY(text_ceiling(bytes, arena, &ceiling, err));
        else if (!is_held && part->type == VALUE_N)
            TRY(numeric_of(bytes, arena, &ceiling.field, err));
        else if (!is_held)
            ceiling.field = field_of(bytes);
    }
    *ret_ceiling = ceiling;
    return LF_OK;
}
