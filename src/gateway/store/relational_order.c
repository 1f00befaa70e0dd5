#include "gateway/store/relational_order.h"

#include "gateway/store/item_columns.h"
#include "map/ddl.h"

/* Orders -----------------------------------------------------------------------------------------------------------------------
 */

static void add(struct page_order *order, const struct key_attribute *attribute, bool is_of_index, size_t part)
{
    order->attributes[order->count++] = (struct order_attribute){ attribute, is_of_index, part };
}

static const struct key_schema *schema_of(const struct page_order *order)
{
    return order->index ? &order->table->map->indexes[order->index_at].key : &order->table->map->key;
}

struct page_order page_order_of(const struct table *table, const struct table_index *index, bool is_scan)
{
    struct page_order order = { .table = table, .index = index };
    const struct key_schema *key = &table->map->key;
    if (index)
        order.index_at = relational_index_of(table, index);
    const struct key_schema *own = schema_of(&order);
    order.partition = (struct order_attribute){ &own->partition, index != NULL, 0 };
    if (is_scan)
        add(&order, &own->partition, index != NULL, 0);
    if (key_schema_has_sort(own))
        add(&order, &own->sort, index != NULL, 1);
    if (index && !index->is_local)
        add(&order, &key->partition, false, 0);
    if (index && key_schema_has_sort(key))
        add(&order, &key->sort, false, 1);
    return order;
}

bool page_order_has(const struct page_order *order, const struct relational_source *source)
{
    return !source->entity || !order->index || source->indexes[order->index_at].count;
}

/* Attributes in SQL ------------------------------------------------------------------------------------------------------------
 */

/* An attribute to compare with, and the value for it. */
struct operand {
    const struct order_attribute *attribute;
    struct key_operand key; /* of entities */
    struct pg_field field;
};

static const struct key_search_part *part_of(const struct page_order *order, const struct relational_source *source,
                                             const struct order_attribute *attribute)
{
    return attribute->is_of_index ? &source->indexes[order->index_at].parts[attribute->part]
                                  : &source->key.parts[attribute->part];
}

/* U+0000, which PostgreSQL cannot hold, is U+0001 in landfall.item_text. */
static void put_item_attribute(struct binary_sql *sql, const struct order_attribute *attribute)
{
    enum value_type type = attribute->attribute->type;
    if (!attribute->is_of_index) {
        binary_sql_put(sql, attribute->part ? "t.sk" : "t.pk");
        return;
    }
    binary_sql_put(sql, type == VALUE_B ? "decode(landfall.item_text(t.item, " : "(landfall.item_text(t.item, ");
    ddl_put_literal(&sql->text, attribute->attribute->name);
    buf_printf(&sql->text, ", '%s')%s", value_type_name(type),
               type == VALUE_B   ? ", 'base64')"
               : type == VALUE_N ? "::numeric)"
                                 : " COLLATE \"C\")");
}

static void put_operand(struct binary_sql *sql, const struct relational_source *source, const struct operand *operand)
{
    if (source->entity)
        key_operand_put(&sql->text, &operand->key);
    else
        put_item_attribute(sql, operand->attribute);
}

static void put_attribute(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source,
                          const struct order_attribute *attribute)
{
    struct operand operand = { .attribute = attribute };
    if (source->entity)
        operand.key = key_search_operand(part_of(order, source, attribute));
    put_operand(sql, source, &operand);
}

static const char *operand_type(const struct relational_source *source, const struct operand *operand)
{
    if (source->entity)
        return key_operand_type(&operand->key);
    if (!operand->attribute->is_of_index)
        return "bytea";
    enum value_type type = operand->attribute->attribute->type;
    return type == VALUE_S ? "text" : type == VALUE_N ? "numeric" : "bytea";
}

/* Values -----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code without_nul(struct span bytes, struct arena *arena, struct span *ret_bytes, struct err *err)
{
    TRY(arena_copy(arena, bytes, ret_bytes, err));
    for (size_t i = 0; i < ret_bytes->len; i++)
        if (ret_bytes->ptr[i] == '\0')
            ((char *)ret_bytes->ptr)[i] = '\1';
    return LF_OK;
}

/* As key_search_ceiling, of landfall.item. */
static enum lf_code item_ceiling(const struct order_attribute *attribute, struct span bytes, struct arena *arena,
                                 struct key_ceiling *ret_ceiling, struct err *err)
{
    struct key_search_part expression = { .type = attribute->attribute->type };
    if (attribute->is_of_index && expression.type == VALUE_S)
        TRY(without_nul(bytes, arena, &bytes, err));
    if (!attribute->is_of_index)
        expression.type = VALUE_B;
    return key_search_ceiling(&expression, bytes, arena, ret_ceiling, err);
}

static enum lf_code find_ceiling(const struct page_order *order, const struct relational_source *source,
                                 const struct order_attribute *attribute, struct span bytes, struct arena *arena,
                                 struct key_ceiling *ret_ceiling, struct err *err)
{
    if (!source->entity)
        return item_ceiling(attribute, bytes, arena, ret_ceiling, err);
    return key_search_ceiling(part_of(order, source, attribute), bytes, arena, ret_ceiling, err);
}

static enum key_order compare(const struct page_order *order, const struct relational_source *source,
                              const struct order_attribute *attribute, struct span bytes)
{
    return source->entity ? key_search_order(part_of(order, source, attribute), bytes) : KEY_MIXED;
}

static void put_comparison(struct binary_sql *sql, const struct relational_source *source, const struct operand *operand,
                           const char *sign)
{
    binary_sql_put(sql, " AND ");
    put_operand(sql, source, operand);
    binary_sql_put(sql, sign);
    binary_sql_param(sql, operand->field, operand_type(source, operand));
}

/* Conditions -------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code put_entity_partition(struct binary_sql *sql, const struct page_order *order,
                                         const struct relational_source *source, struct span bytes, bool *ret_none,
                                         struct err *err)
{
    struct operand operand = { .attribute = &order->partition };
    const struct key_search_part *part = part_of(order, source, &order->partition);
    bool is_held = false;
    operand.key = key_search_operand(part);
    TRY(key_search_value(part, bytes, sql->arena, &is_held, &operand.field, err));
    *ret_none = !is_held;
    if (is_held)
        put_comparison(sql, source, &operand, " = ");
    return LF_OK;
}

static enum lf_code put_hash(struct binary_sql *sql, struct span bytes, struct err *err)
{
    struct span hash;
    TRY(place_hash(bytes, sql->arena, &hash, err));
    binary_sql_put(sql, " AND t.h = ");
    binary_sql_span(sql, hash, "bytea");
    return LF_OK;
}

enum lf_code page_put_partition(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source,
                                struct span bytes, bool *ret_none, struct err *err)
{
    struct key_ceiling ceiling;
    *ret_none = false;
    if (source->entity)
        return put_entity_partition(sql, order, source, bytes, ret_none, err);
    if (!order->index || order->index->is_local)
        return put_hash(sql, bytes, err);
    TRY(item_ceiling(&order->partition, bytes, sql->arena, &ceiling, err));
    put_comparison(sql, source, &(struct operand){ .attribute = &order->partition, .field = ceiling.field }, " = ");
    return LF_OK;
}

static const char *sign_of(bool is_lower, bool is_inclusive)
{
    return is_lower ? is_inclusive ? " >= " : " > " : is_inclusive ? " <= " : " < ";
}

enum lf_code page_put_bound(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source,
                            const struct store_bound *bound, bool is_lower, bool *ret_none, struct err *err)
{
    const struct order_attribute *attribute = &order->attributes[0];
    struct key_ceiling ceiling;
    *ret_none = false;
    if (!bound->bytes.ptr)
        return LF_OK;
    enum key_order known = compare(order, source, attribute, bound->bytes);
    if (known != KEY_MIXED) {
        *ret_none = known == KEY_EQUAL ? !bound->is_inclusive : (known == KEY_BEFORE) == is_lower;
        return LF_OK;
    }
    TRY(find_ceiling(order, source, attribute, bound->bytes, sql->arena, &ceiling, err));
    *ret_none = !ceiling.field.data && is_lower;
    bool is_inclusive = ceiling.is_exact ? bound->is_inclusive : is_lower;
    if (ceiling.field.data)
        put_comparison(sql, source, &(struct operand){ attribute, ceiling.operand, ceiling.field },
                       sign_of(is_lower, is_inclusive));
    return LF_OK;
}

/* The comparison of as many attributes as it takes. */
struct behind {
    struct operand operands[ORDER_ATTRIBUTES_MAX];
    size_t count;
    bool is_inclusive; /* rows that are equal in these are behind, too */
};

static enum lf_code add_attribute(struct behind *behind, const struct page_order *order, const struct relational_source *source,
                                  const struct order_attribute *attribute, struct span bytes, struct arena *arena,
                                  bool *ret_goes_on, struct err *err)
{
    struct key_ceiling ceiling = { .is_exact = true };
    enum key_order known = compare(order, source, attribute, bytes);
    if (known == KEY_MIXED)
        TRY(find_ceiling(order, source, attribute, bytes, arena, &ceiling, err));
    if (known == KEY_MIXED && !ceiling.field.data)
        known = KEY_BEFORE;
    *ret_goes_on = known == KEY_EQUAL || (known == KEY_MIXED && ceiling.is_exact);
    behind->is_inclusive = known == (order->is_descending ? KEY_BEFORE : KEY_BEHIND);
    if (known == KEY_MIXED) {
        behind->operands[behind->count++] = (struct operand){ attribute, ceiling.operand, ceiling.field };
        behind->is_inclusive = !ceiling.is_exact && !order->is_descending;
    }
    return LF_OK;
}

static void put_behind(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source,
                       const struct behind *behind)
{
    binary_sql_put(sql, " AND (");
    for (size_t i = 0; i < behind->count; i++) {
        binary_sql_put(sql, i ? ", " : "");
        put_operand(sql, source, &behind->operands[i]);
    }
    binary_sql_put(sql, ")");
    binary_sql_put(sql, sign_of(!order->is_descending, behind->is_inclusive));
    binary_sql_put(sql, "(");
    for (size_t i = 0; i < behind->count; i++) {
        binary_sql_put(sql, i ? ", " : "");
        binary_sql_param(sql, behind->operands[i].field, operand_type(source, &behind->operands[i]));
    }
    binary_sql_put(sql, ")");
}

/* A Scan of landfall.item goes by item_in_order, where of a sort key there is only the beginning. */
static bool goes_by_beginning(const struct page_order *order, const struct relational_source *source)
{
    return !source->entity && !order->index && order->count > 1;
}

#define BEGINNING_OF_SORT_KEY "substring(t.sk for 256)"
enum { BEGINNING_BYTES = 256 };

static void put_beginning_behind(struct binary_sql *sql, const struct span *place)
{
    struct span beginning = span_of(place[1].ptr, place[1].len < BEGINNING_BYTES ? place[1].len : BEGINNING_BYTES);
    binary_sql_put(sql, " AND (t.pk, " BEGINNING_OF_SORT_KEY ") >= (");
    binary_sql_span(sql, place[0], "bytea");
    binary_sql_put(sql, ", ");
    binary_sql_span(sql, beginning, "bytea");
    binary_sql_put(sql, ")");
}

enum lf_code page_put_behind(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source,
                             const struct span *place, bool *ret_none, struct err *err)
{
    struct behind behind = { .count = 0 };
    bool goes_on = true;
    for (size_t i = 0; i < order->count && goes_on; i++)
        TRY(add_attribute(&behind, order, source, &order->attributes[i], place[i], sql->arena, &goes_on, err));
    *ret_none = behind.count == 0 && !behind.is_inclusive;
    if (behind.count)
        put_behind(sql, order, source, &behind);
    if (goes_by_beginning(order, source))
        put_beginning_behind(sql, place);
    return LF_OK;
}

void page_put_presence(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source)
{
    for (size_t i = 0; order->index && i < order->count; i++) {
        if (!order->attributes[i].is_of_index)
            continue;
        binary_sql_put(sql, " AND ");
        put_attribute(sql, order, source, &order->attributes[i]);
        binary_sql_put(sql, " IS NOT NULL");
    }
}

/* Segments ---------------------------------------------------------------------------------------------------------------------
 */

static bool put_hashed(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source)
{
    enum value_type type = order->partition.attribute->type;
    bool has_hash = !source->entity && (!order->index || order->index->is_local);
    if (has_hash)
        binary_sql_put(sql, "t.h");
    if (has_hash || !source->entity || type == VALUE_N)
        return has_hash;
    const struct key_search_part *part = part_of(order, source, &order->partition);
    struct key_operand operand = { part, !part->column || type == VALUE_S };
    binary_sql_put(sql, type == VALUE_S ? "sha256(convert_to(" : "sha256(");
    key_operand_put(&sql->text, &operand);
    binary_sql_put(sql, type == VALUE_S ? ", 'UTF8'))" : ")");
    return true;
}

static void put_segment_bound(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source,
                              struct span bytes, const char *sign)
{
    size_t before = sql->text.len;
    binary_sql_put(sql, " AND ");
    if (put_hashed(sql, order, source)) {
        binary_sql_put(sql, sign);
        binary_sql_span(sql, bytes, "bytea");
    } else {
        sql->text.len = before;
    }
}

void page_put_segment(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source,
                      struct span from, struct span to)
{
    put_segment_bound(sql, order, source, from, " >= ");
    if (to.len)
        put_segment_bound(sql, order, source, to, " < ");
}

/* Order ------------------------------------------------------------------------------------------------------------------------
 */

static bool is_constant(const struct page_order *order, const struct relational_source *source,
                        const struct order_attribute *attribute)
{
    return source->entity && part_of(order, source, attribute)->is_constant;
}

void page_put_order(struct binary_sql *sql, const struct page_order *order, const struct relational_source *source)
{
    const char *before = " ORDER BY ";
    for (size_t i = 0; i < order->count; i++) {
        if (is_constant(order, source, &order->attributes[i]))
            continue;
        binary_sql_put(sql, before);
        if (i == 1 && goes_by_beginning(order, source))
            binary_sql_put(sql, BEGINNING_OF_SORT_KEY ", ");
        put_attribute(sql, order, source, &order->attributes[i]);
        binary_sql_put(sql, order->is_descending ? " DESC" : "");
        before = ", ";
    }
}
