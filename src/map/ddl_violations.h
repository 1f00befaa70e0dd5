/*
 * ddl_violations: the SQL that finds rows which break what a map promises, while the index or constraint that would refuse them
 * is not there, and takes them out of their tables.
 *
 * What is found goes to a temporary table that lives as long as the transaction, a line for each row:
 *
 *     n │ entity (its number) │ place (ctid) │ what (the constraint) │ reason (in PostgreSQL's manner) │ again
 *
 * Places hold while the tables are locked against writers. `again`: another row with the same DynamoDB key stays. Of rows that
 * repeat a value the one with the smallest DynamoDB key stays: the same on every run. A row is listed once, and what is listed
 * counts as gone. Where two rows have one primary key, the rows of their child tables cannot be told apart: then none is listed.
 * Deterministic. Pure.
 */
#pragma once

#include "base/buf.h"
#include "map/model.h"

enum ddl_violation_kind {
    DDL_VIOLATES_UNIQUE,     /* the DynamoDB key, primary keys, unique indexes */
    DDL_VIOLATES_VALUES,     /* NOT NULL, CHECK */
    DDL_VIOLATES_REFERENCES, /* foreign keys that are enforced before the contract; again while it finds more */
    DDL_VIOLATES_CONTRACT,   /* all foreign keys; again while it finds more */
};

/* The entity of a number: they are counted through all tables of the map. */
const struct entity *ddl_violation_entity(const struct map *map, size_t number);

/* CREATE TEMPORARY TABLE, and LOCK TABLE for all entities. */
void ddl_put_violations_begin(struct buf *buf, const struct map *map);

/* INSERT INTO …, several statements. */
void ddl_put_violations_find(struct buf *buf, const struct map *map, enum ddl_violation_kind kind);

/* SELECT n, what, reason, again, then the row as ddl_put_select has it; of one entity, those behind `after` (of n), in order of
 * n, at most `limit`. */
void ddl_put_violations_select(struct buf *buf, const struct map *map, size_t number, int64_t after, unsigned limit);

/* One statement that deletes all rows that are listed, of these entities, with the rows of their child tables: at its end, when
 * foreign keys are looked at, parents and children are gone. */
void ddl_put_violations_delete(struct buf *buf, const struct map *map, const size_t *numbers, size_t count);
