#include "map/column_codec.h"
#include "map/ddl_steps.h"

static void put_alter_table(struct buf *buf, const struct map *map, const struct ddl_constraint *constraint)
{
    buf_put_cstr(buf, "ALTER TABLE ");
    ddl_put_table(buf, map, constraint->child ? constraint->child->table : constraint->entity->table);
}

static void put_check(struct buf *buf, const struct column *column)
{
    buf_put_cstr(buf, "CHECK (");
    ddl_put_identifier(buf, column->name);
    for (size_t i = 0; i < column->check_count; i++) {
        buf_put_cstr(buf, i ? ", " : " IN (");
        ddl_put_literal(buf, column->check[i]);
    }
    buf_put_cstr(buf, "))");
}

static void put_foreign_key(struct buf *buf, const struct map *map, const struct entity *entity, const struct foreign_key *key)
{
    buf_put_cstr(buf, "FOREIGN KEY (");
    ddl_put_columns(buf, entity, key->columns, key->count);
    buf_put_cstr(buf, ") REFERENCES ");
    ddl_put_table(buf, map, key->parent->table);
    buf_put_cstr(buf, " (");
    ddl_put_columns(buf, key->parent, key->references, key->count);
    buf_put_byte(buf, ')');
}

/* A list lives and dies with its item. */
static void put_parent(struct buf *buf, const struct map *map, const struct entity *entity)
{
    buf_put_cstr(buf, "FOREIGN KEY (");
    ddl_put_columns(buf, entity, entity->primary_key, entity->primary_key_count);
    buf_put_cstr(buf, ") REFERENCES ");
    ddl_put_table(buf, map, entity->table);
    buf_put_cstr(buf, " (");
    ddl_put_columns(buf, entity, entity->primary_key, entity->primary_key_count);
    buf_put_cstr(buf, ") ON DELETE CASCADE");
}

/* NOT VALID and VALIDATE, so that writers are not kept out while rows are checked. */
static void put_constraint(struct buf *buf, const struct map *map, const struct ddl_constraint *constraint)
{
    put_alter_table(buf, map, constraint);
    buf_put_cstr(buf, "\n    ADD CONSTRAINT ");
    ddl_put_identifier(buf, constraint->name);
    buf_put_cstr(buf, "\n    ");
    if (constraint->kind == DDL_CHECK)
        put_check(buf, constraint->column);
    else if (constraint->kind == DDL_FOREIGN_KEY)
        put_foreign_key(buf, map, constraint->entity, constraint->foreign_key);
    else
        put_parent(buf, map, constraint->entity);
    buf_put_cstr(buf, " NOT VALID;\n");
    put_alter_table(buf, map, constraint);
    buf_put_cstr(buf, "\n    VALIDATE CONSTRAINT ");
    ddl_put_identifier(buf, constraint->name);
    buf_put_cstr(buf, ";\n");
}

static void put_drop_constraint(struct buf *buf, const struct map *map, const struct ddl_constraint *constraint)
{
    put_alter_table(buf, map, constraint);
    buf_put_cstr(buf, " DROP CONSTRAINT ");
    ddl_put_identifier(buf, constraint->name);
    buf_put_cstr(buf, ";\n");
}

/* Foreign keys that wait for the contract, or everything else. */
static bool waits_for_contract(const struct ddl_constraint *constraint)
{
    return constraint->kind == DDL_FOREIGN_KEY && constraint->foreign_key->enforce == ENFORCE_CONTRACT;
}

static void put_constraints(struct buf *buf, const struct map *map, const struct ddl_plan *plan, bool of_contract)
{
    for (size_t i = 0; i < plan->constraint_count; i++)
        if (waits_for_contract(&plan->constraints[i]) == of_contract)
            put_constraint(buf, map, &plan->constraints[i]);
}

static void put_drop_constraints(struct buf *buf, const struct map *map, const struct ddl_plan *plan, bool of_contract)
{
    for (size_t i = plan->constraint_count; i-- > 0;)
        if (waits_for_contract(&plan->constraints[i]) == of_contract)
            put_drop_constraint(buf, map, &plan->constraints[i]);
}

void ddl_put_constraints(struct buf *buf, const struct map *map, const struct ddl_plan *plan)
{
    buf_put_cstr(buf, "-- migrate:up\n\n");
    put_constraints(buf, map, plan, false);
    buf_put_cstr(buf, "\n-- migrate:down\n\n");
    put_drop_constraints(buf, map, plan, false);
}

/* The contract */

static bool text_calls_landfall(const struct column *column)
{
    return column->codec->text_sql && strstr(column->codec->text_sql, "landfall.");
}

static bool calls_landfall(const struct entity *entity, const struct ddl_key_part *part)
{
    if (part->match || !part->template)
        return !part->match && !part->is_native && text_calls_landfall(&entity->columns[part->column]);
    for (size_t i = 0; i < part->template->template.count; i++) {
        const struct template_part *text = &part->template->template.parts[i];
        if (text->is_variable && text_calls_landfall(&entity->columns[text->column]))
            return true;
    }
    return false;
}

/* Whether the index is on functions of the schema landfall. */
static bool needs_landfall(const struct ddl_index *index)
{
    if (!index->key)
        return false;
    const struct span attrs[] = { index->key->partition.name, index->key->sort.name };
    struct ddl_key_part part;
    for (size_t i = 0; i < 2; i++)
        if (attrs[i].ptr && ddl_key_part_find(index->entity, attrs[i], &part) && calls_landfall(index->entity, &part))
            return true;
    return false;
}

static void put_extra_columns(struct buf *buf, const struct map *map, const char *what)
{
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++) {
            buf_put_cstr(buf, "ALTER TABLE ");
            ddl_put_table(buf, map, map->tables[t].entities[e].table);
            buf_put_cstr(buf, what);
        }
}

static void put_shadow_again(struct buf *buf, const struct map *map, const struct ddl_plan *plan)
{
    for (size_t i = 0; i < plan->index_count; i++) {
        const struct ddl_index *index = &plan->indexes[i];
        if (index->kind != DDL_SHADOW)
            continue;
        if (needs_landfall(index)) {
            buf_put_cstr(buf, "-- Not made again, it needs functions of the schema landfall: ");
            ddl_put_identifier(buf, index->name);
            buf_put_byte(buf, '\n');
        } else {
            ddl_put_index(buf, map, index);
        }
    }
}

/* Tables that were made through the API live on: their items are in the schema dynamodb, their descriptions in landfall. */
static const char drop_landfall[] =
    "\nDO $landfall$\n"
    "DECLARE\n"
    "    changed regprocedure;\n"
    "BEGIN\n"
    "    IF to_regclass('landfall.dynamodb_table') IS NOT NULL THEN\n"
    "        IF EXISTS (SELECT FROM landfall.gateway WHERE beat_at > clock_timestamp() - interval '5 seconds')\n"
    "            AND EXISTS (SELECT FROM landfall.dynamodb_table WHERE is_mapped) THEN\n"
    "            RAISE EXCEPTION 'a gateway still serves these tables to applications: stop it first';\n"
    "        END IF;\n"
    "        DELETE FROM landfall.dynamodb_table WHERE is_mapped;\n"
    "        IF EXISTS (SELECT FROM landfall.dynamodb_table) THEN\n"
    "            FOR changed IN SELECT oid::regprocedure FROM pg_proc\n"
    "                WHERE pronamespace = 'landfall'::regnamespace AND prorettype = 'trigger'::regtype LOOP\n"
    "                EXECUTE format('DROP FUNCTION %s CASCADE', changed);\n"
    "            END LOOP;\n"
    "            DELETE FROM landfall.load;\n"
    "            DELETE FROM landfall.item;\n"
    "            DELETE FROM landfall.window;\n"
    "            RETURN;\n"
    "        END IF;\n"
    "    END IF;\n"
    "    DROP SCHEMA IF EXISTS landfall CASCADE;\n"
    "END $landfall$;\n";

void ddl_put_contract(struct buf *buf, const struct map *map, const struct ddl_plan *plan)
{
    buf_put_cstr(buf, "-- migrate:up\n\n-- The scaffolding comes down: what remains has no trace of DynamoDB.\n");
    for (size_t i = 0; i < plan->index_count; i++)
        if (plan->indexes[i].kind == DDL_SHADOW)
            ddl_put_drop_index(buf, map, &plan->indexes[i]);
    put_extra_columns(buf, map, " DROP COLUMN ddb_extra;\n");
    put_constraints(buf, map, plan, true);
    buf_put_cstr(buf, drop_landfall);

    buf_put_cstr(buf,
                 "\n-- migrate:down\n\n-- What cannot be taken back: the contents of ddb_extra and of the schema landfall.\n");
    put_drop_constraints(buf, map, plan, true);
    put_extra_columns(buf, map, " ADD COLUMN ddb_extra jsonb;\n");
    put_shadow_again(buf, map, plan);
}
