/*
 * The proposals of drift as SQL and YAML.
 *
 * A conversion is three expressions: which values of ddb_extra the column holds exactly, the column's value, and the way back. In
 * them @ stands for the text of the value (of its DynamoDB type), # for its JSON, % for the column. Conditions that cast do so in
 * a CASE, because PostgreSQL may evaluate the sides of AND in any order.
 */
#include "map/column_codec.h"
#include "map/ddl.h"
#include "map/drift.h"
#include "map/map_yaml.h"
#include "map/yaml_text.h"

/* Every day of the calendar, years 0001 to 9999. */
#define DAYS                                                                                                  \
    "(?!0000)([0-9]{4}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)" \
    "|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
#define INSTANTS(fraction, zone) "@ ~ '^" DAYS "T([01][0-9]|2[0-3])(:[0-5][0-9]){2}" fraction zone "$'"
#define ARE_INTEGERS(digits) "@ ~ '^(0|-?[1-9][0-9]{0," digits "})$'"
#define INTEGERS(digits) "CASE WHEN " ARE_INTEGERS(digits) " THEN "

struct conversion {
    enum column_type type;
    const char *codec;     /* name */
    const char *tag;       /* the value's type in DynamoDB JSON; NULL: several */
    const char *condition; /* or NULL: every value of the type */
    const char *value;
    const char *back; /* DynamoDB JSON; NULL: the tag with the codec's text */
};

static const struct conversion conversions[] = {
    { COLUMN_TEXT, "text", "S", NULL, "@", NULL },
    { COLUMN_UUID, "uuid", "S", "@ ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'", "(@)::uuid", NULL },
    { COLUMN_TIMESTAMPTZ, "iso8601", "S", INSTANTS("", "Z"), "(@)::timestamptz", NULL },
    { COLUMN_TIMESTAMPTZ, "iso8601_ms", "S", INSTANTS("[.][0-9]{3}", "Z"), "(@)::timestamptz", NULL },
    { COLUMN_TIMESTAMPTZ, "iso8601_us", "S", INSTANTS("[.][0-9]{6}", "Z"), "(@)::timestamptz", NULL },
    { COLUMN_TIMESTAMPTZ, "iso8601_offset", "S", INSTANTS("", "[+]00:00"), "(@)::timestamptz", NULL },
    { COLUMN_TIMESTAMPTZ, "iso8601_ms_offset", "S", INSTANTS("[.][0-9]{3}", "[+]00:00"), "(@)::timestamptz", NULL },
    { COLUMN_TIMESTAMPTZ, "iso8601_us_offset", "S", INSTANTS("[.][0-9]{6}", "[+]00:00"), "(@)::timestamptz", NULL },
    { COLUMN_TIMESTAMPTZ, "epoch_s", "N", ARE_INTEGERS("9"), "timestamptz 'epoch' + (@)::bigint * interval '1 second'", NULL },
    { COLUMN_TIMESTAMPTZ, "epoch_ms", "N", ARE_INTEGERS("12"), "timestamptz 'epoch' + (@)::bigint * interval '1 millisecond'",
      NULL },
    { COLUMN_DATE, "date", "S", "@ ~ '^" DAYS "$'", "(@)::date", NULL },
    { COLUMN_BIGINT, "bigint", "N",
      INTEGERS("18") "(@)::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 ELSE false END", "(@)::bigint", NULL },
    { COLUMN_INTEGER, "integer", "N", INTEGERS("9") "(@)::bigint BETWEEN -2147483648 AND 2147483647 ELSE false END",
      "(@)::integer", NULL },
    { COLUMN_NUMERIC, "numeric", "N", NULL, "trim_scale((@)::numeric)", NULL },
    { COLUMN_BOOLEAN, "boolean", "BOOL", NULL, "(@)::boolean", "jsonb_build_object('BOOL', %)" },
    { COLUMN_BYTEA, "bytea", "B", NULL, "decode(@, 'base64')",
      "jsonb_build_object('B', translate(encode(%, 'base64'), E'\\n', ''))" },
    { COLUMN_JSONB, "json", NULL, NULL, "pg_temp.landfall_plain(#)", "pg_temp.landfall_attribute(%)" },
    { COLUMN_TEXT_ARRAY, "set", "SS", NULL,
      "ARRAY(SELECT m FROM jsonb_array_elements_text(#) AS members(m) ORDER BY m COLLATE \"C\")",
      "jsonb_build_object('SS', to_jsonb(%))" },
    { COLUMN_TEXT_ARRAY, "list", "L", "NOT EXISTS (SELECT FROM jsonb_array_elements(#) AS members(m) WHERE NOT m ? 'S')",
      "ARRAY(SELECT m->>'S' FROM jsonb_array_elements(#) WITH ORDINALITY AS members(m, n) ORDER BY n)",
      "jsonb_build_object('L', (SELECT coalesce(jsonb_agg(jsonb_build_object('S', m) ORDER BY n), '[]')"
      " FROM unnest(%) WITH ORDINALITY AS members(m, n)))" },
    { COLUMN_NUMERIC_ARRAY, "set", "NS", NULL,
      "ARRAY(SELECT trim_scale(m::numeric) FROM jsonb_array_elements_text(#) AS members(m) ORDER BY m::numeric)",
      "jsonb_build_object('NS', (SELECT jsonb_agg(trim_scale(m)::text) FROM unnest(%) AS members(m)))" },
    { COLUMN_BYTEA_ARRAY, "set", "BS", NULL,
      "ARRAY(SELECT decode(m, 'base64') FROM jsonb_array_elements_text(#) AS members(m) ORDER BY decode(m, 'base64'))",
      "jsonb_build_object('BS', (SELECT jsonb_agg(translate(encode(m, 'base64'), E'\\n', ''))"
      " FROM unnest(%) AS members(m)))" },
};

/* NULL from landfall_plain says that plain JSON would not give the value back. */
static const char plain_function[] =
    "CREATE OR REPLACE FUNCTION pg_temp.landfall_plain(attribute jsonb) RETURNS jsonb\n"
    "    LANGUAGE plpgsql IMMUTABLE STRICT AS $$\n"
    "DECLARE\n"
    "    tag text;\n"
    "    body jsonb;\n"
    "    plain jsonb;\n"
    "    is_whole boolean;\n"
    "BEGIN\n"
    "    IF jsonb_typeof(attribute) <> 'object' THEN\n"
    "        RETURN NULL;\n"
    "    END IF;\n"
    "    SELECT key, value INTO tag, body FROM jsonb_each(attribute);\n"
    "    IF tag IN ('S', 'BOOL') THEN\n"
    "        RETURN body;\n"
    "    ELSIF tag = 'N' THEN\n"
    "        RETURN to_jsonb((body #>> '{}')::numeric);\n"
    "    ELSIF tag = 'NULL' THEN\n"
    "        RETURN 'null'::jsonb;\n"
    "    ELSIF tag = 'L' THEN\n"
    "        SELECT coalesce(jsonb_agg(p ORDER BY n), '[]'), coalesce(bool_and(p IS NOT NULL), true)\n"
    "            INTO plain, is_whole\n"
    "            FROM (SELECT pg_temp.landfall_plain(m) AS p, n\n"
    "                FROM jsonb_array_elements(body) WITH ORDINALITY AS members(m, n)) AS list;\n"
    "    ELSIF tag = 'M' THEN\n"
    "        SELECT coalesce(jsonb_object_agg(k, p), '{}'), coalesce(bool_and(p IS NOT NULL), true)\n"
    "            INTO plain, is_whole\n"
    "            FROM (SELECT pg_temp.landfall_plain(m) AS p, k\n"
    "                FROM jsonb_each(body) AS entries(k, m)) AS map;\n"
    "    END IF;\n"
    "    RETURN CASE WHEN is_whole THEN plain END;\n"
    "END $$;\n";

static const char attribute_function[] =
    "CREATE OR REPLACE FUNCTION pg_temp.landfall_attribute(plain jsonb) RETURNS jsonb\n"
    "    LANGUAGE plpgsql IMMUTABLE STRICT AS $$\n"
    "BEGIN\n"
    "    RETURN CASE jsonb_typeof(plain)\n"
    "        WHEN 'string' THEN jsonb_build_object('S', plain)\n"
    "        WHEN 'number' THEN jsonb_build_object('N', plain #>> '{}')\n"
    "        WHEN 'boolean' THEN jsonb_build_object('BOOL', plain)\n"
    "        WHEN 'null' THEN jsonb_build_object('NULL', true)\n"
    "        WHEN 'array' THEN jsonb_build_object('L', (SELECT coalesce(jsonb_agg(pg_temp.landfall_attribute(m) ORDER BY n), "
    "'[]')\n"
    "            FROM jsonb_array_elements(plain) WITH ORDINALITY AS members(m, n)))\n"
    "        ELSE jsonb_build_object('M', (SELECT coalesce(jsonb_object_agg(k, pg_temp.landfall_attribute(m)), '{}')\n"
    "            FROM jsonb_each(plain) AS entries(k, m)))\n"
    "    END;\n"
    "END $$;\n\n";

/* ---- expressions ---- */

/* Of every codec that inference chooses. */
static const struct conversion *conversion_of(const struct column_codec *codec)
{
    size_t at = 0;
    while (conversions[at].type != codec->type || strcmp(conversions[at].codec, codec->name) != 0)
        at++;
    return &conversions[at];
}

static void put_attribute(struct buf *buf, const struct column *column)
{
    buf_put_cstr(buf, "ddb_extra->");
    ddl_put_literal(buf, column->attr);
}

static void put_tagged(struct buf *buf, const struct column *column, const char *tag, bool as_text)
{
    put_attribute(buf, column);
    if (tag)
        buf_printf(buf, "%s'%s'", as_text ? "->>" : "->", tag);
}

static void put_expression(struct buf *buf, const char *expression, const struct column *column, const char *tag)
{
    for (const char *at = expression; *at; at++)
        if (*at == '@' || *at == '#')
            put_tagged(buf, column, tag, *at == '@');
        else if (*at == '%')
            ddl_put_identifier(buf, column->name);
        else
            buf_put_byte(buf, *at);
}

/* The codec's text, whose one %s stands for the column. */
static void put_text_sql(struct buf *buf, const struct column *column)
{
    const char *sql = column->codec->text_sql, *at = strstr(sql, "%s");
    buf_put(buf, sql, (size_t)(at - sql));
    ddl_put_identifier(buf, column->name);
    buf_put_cstr(buf, at + 2);
}

static void put_back(struct buf *buf, const struct conversion *conversion, const struct column *column)
{
    if (conversion->back) {
        put_expression(buf, conversion->back, column, NULL);
        return;
    }
    buf_printf(buf, "jsonb_build_object('%s', ", conversion->tag);
    put_text_sql(buf, column);
    buf_put_byte(buf, ')');
}

/* ---- statements ---- */

typedef void put_proposal(struct buf *buf, const struct drift_report *report, const struct drift_entity *entity,
                          const struct drift_attribute *attribute);

static void put_alter(struct buf *buf, const struct drift_report *report, const struct drift_entity *entity)
{
    buf_put_cstr(buf, "ALTER TABLE ");
    ddl_put_table(buf, report->map, entity->entity->table);
}

static void put_update(struct buf *buf, const struct drift_report *report, const struct drift_entity *entity)
{
    buf_put_cstr(buf, "UPDATE ");
    ddl_put_table(buf, report->map, entity->entity->table);
}

static void put_add(struct buf *buf, const struct drift_report *report, const struct drift_entity *entity,
                    const struct drift_attribute *attribute)
{
    if (!attribute->proposal)
        return;
    put_alter(buf, report, entity);
    buf_put_cstr(buf, " ADD COLUMN ");
    ddl_put_identifier(buf, attribute->proposal->name);
    buf_printf(buf, " %s;\n", column_type_name(attribute->proposal->type));
}

static void put_condition(struct buf *buf, const struct conversion *conversion, const struct column *column)
{
    if (!conversion->tag) {
        put_expression(buf, conversion->value, column, NULL);
        buf_put_cstr(buf, " IS NOT NULL");
        return;
    }
    put_attribute(buf, column);
    buf_printf(buf, " ? '%s'", conversion->tag);
    if (!conversion->condition)
        return;
    buf_put_cstr(buf, "\n   AND ");
    put_expression(buf, conversion->condition, column, conversion->tag);
}

static void put_fill(struct buf *buf, const struct drift_report *report, const struct drift_entity *entity,
                     const struct drift_attribute *attribute)
{
    const struct column *column = attribute->proposal;
    if (!column)
        return;
    const struct conversion *conversion = conversion_of(column->codec);
    buf_put_byte(buf, '\n');
    put_update(buf, report, entity);
    buf_put_cstr(buf, "\n   SET ");
    ddl_put_identifier(buf, column->name);
    buf_put_cstr(buf, " = ");
    put_expression(buf, conversion->value, column, conversion->tag);
    buf_put_cstr(buf, ",\n       ddb_extra = nullif(ddb_extra - ");
    ddl_put_literal(buf, column->attr);
    buf_put_cstr(buf, ", '{}')\n WHERE ");
    put_condition(buf, conversion, column);
    buf_put_cstr(buf, ";\n");
}

static void put_empty(struct buf *buf, const struct drift_report *report, const struct drift_entity *entity,
                      const struct drift_attribute *attribute)
{
    const struct column *column = attribute->proposal;
    if (!column)
        return;
    put_update(buf, report, entity);
    buf_put_cstr(buf, "\n   SET ddb_extra = coalesce(ddb_extra, '{}') || jsonb_build_object(");
    ddl_put_literal(buf, column->attr);
    buf_put_cstr(buf, ", ");
    put_back(buf, conversion_of(column->codec), column);
    buf_put_cstr(buf, ")\n WHERE ");
    ddl_put_identifier(buf, column->name);
    buf_put_cstr(buf, " IS NOT NULL;\n\n");
}

static void put_drop(struct buf *buf, const struct drift_report *report, const struct drift_entity *entity,
                     const struct drift_attribute *attribute)
{
    if (!attribute->proposal)
        return;
    put_alter(buf, report, entity);
    buf_put_cstr(buf, " DROP COLUMN ");
    ddl_put_identifier(buf, attribute->proposal->name);
    buf_put_cstr(buf, ";\n");
}

/* Rewrites the table and may break views and queries, so it is for people to decide. */
static void put_widen(struct buf *buf, const struct drift_report *report, const struct drift_entity *entity,
                      const struct drift_attribute *attribute)
{
    if (!attribute->wider)
        return;
    buf_put_cstr(
        buf, "-- To widen (rewrites the table; change the type in the map with it; values in ddb_extra may stay there):\n-- ");
    put_alter(buf, report, entity);
    buf_put_cstr(buf, " ALTER COLUMN ");
    ddl_put_identifier(buf, attribute->column->name);
    buf_printf(buf, " TYPE %s USING ", column_type_name(attribute->wider->type));
    if (attribute->wider->type == COLUMN_TEXT)
        put_text_sql(buf, attribute->column);
    else
        ddl_put_identifier(buf, attribute->column->name);
    buf_put_cstr(buf, ";\n");
}

static void put_each(struct buf *buf, const struct drift_report *report, put_proposal *put)
{
    for (size_t t = 0; t < report->map->table_count; t++)
        for (size_t e = 0; e < report->tables[t].entity_count; e++) {
            const struct drift_entity *entity = &report->tables[t].entities[e];
            for (size_t a = 0; a < entity->attribute_count; a++)
                put(buf, report, entity, &entity->attributes[a]);
        }
}

static bool has_plain_json(const struct drift_report *report)
{
    for (size_t t = 0; t < report->map->table_count; t++)
        for (size_t e = 0; e < report->tables[t].entity_count; e++) {
            const struct drift_entity *entity = &report->tables[t].entities[e];
            for (size_t a = 0; a < entity->attribute_count; a++)
                if (entity->attributes[a].proposal && entity->attributes[a].proposal->type == COLUMN_JSONB)
                    return true;
        }
    return false;
}

void drift_put_migration(struct buf *buf, const struct drift_report *report)
{
    bool has_json = has_plain_json(report);
    buf_put_cstr(buf, "-- Columns for attributes that the map did not name. Values that a column does not hold exactly stay in\n"
                      "-- ddb_extra, so every row still gives back its item. Goes with the lines in columns.yaml.\n"
                      "-- migrate:up\n");
    put_each(buf, report, put_add);
    buf_put_cstr(buf, has_json ? "\n" : "");
    buf_put_cstr(buf, has_json ? plain_function : "");
    put_each(buf, report, put_fill);
    buf_put_byte(buf, '\n');
    put_each(buf, report, put_widen);
    buf_put_cstr(buf, "\n-- migrate:down\n");
    buf_put_cstr(buf, has_json ? attribute_function : "");
    put_each(buf, report, put_empty);
    put_each(buf, report, put_drop);
}

/* ---- the map ---- */

static bool has_lines(const struct drift_entity *entity)
{
    for (size_t i = 0; i < entity->attribute_count; i++)
        if (entity->attributes[i].proposal || entity->attributes[i].wider)
            return true;
    return false;
}

static void put_wider_column(struct buf *buf, const struct drift_attribute *attribute)
{
    struct column wider = *attribute->column;
    wider.codec = attribute->wider;
    wider.type = wider.codec->type;
    wider.note = SPAN("wider");
    buf_put_cstr(buf, "          # instead of the present line, after ALTER COLUMN TYPE:\n#");
    map_put_yaml_column(buf, &wider);
}

static void put_entity_columns(struct buf *buf, const struct drift_entity *entity)
{
    buf_put_cstr(buf, "      ");
    yaml_put_scalar(buf, entity->entity->name);
    buf_put_cstr(buf, ":\n        columns:\n");
    for (size_t i = 0; i < entity->attribute_count; i++)
        if (entity->attributes[i].proposal)
            map_put_yaml_column(buf, entity->attributes[i].proposal);
        else if (entity->attributes[i].wider)
            put_wider_column(buf, &entity->attributes[i]);
}

static void put_table_columns(struct buf *buf, const struct drift_table *table)
{
    bool is_first = true;
    for (size_t i = 0; i < table->entity_count; i++) {
        if (!has_lines(&table->entities[i]))
            continue;
        if (is_first) {
            buf_put_cstr(buf, "  ");
            yaml_put_scalar(buf, table->table->name);
            buf_put_cstr(buf, ":\n    entities:\n");
        }
        is_first = false;
        put_entity_columns(buf, &table->entities[i]);
    }
}

void drift_put_columns(struct buf *buf, const struct drift_report *report)
{
    if (report->proposal_count + report->wider_count == 0)
        return;
    buf_put_cstr(buf, "# Lines to add to the map, each under its entity's columns.\ntables:\n");
    for (size_t i = 0; i < report->map->table_count; i++)
        put_table_columns(buf, &report->tables[i]);
}
