/* ddl_steps: the four migrations of ddl.h, one per file; for ddl_*.c only. */
#pragma once

#include "map/ddl.h"
#include "map/ddl_plan.h"

typedef void ddl_put_step(struct buf *buf, const struct map *map, const struct ddl_plan *plan);

ddl_put_step ddl_put_tables;
ddl_put_step ddl_put_indexes;
ddl_put_step ddl_put_constraints;
ddl_put_step ddl_put_contract;

/* "a, b" */
void ddl_put_columns(struct buf *buf, const struct entity *entity, const unsigned *columns, size_t count);

/* CREATE INDEX …; or ALTER TABLE … ADD CONSTRAINT … PRIMARY KEY …; and what takes it back. */
void ddl_put_index(struct buf *buf, const struct map *map, const struct ddl_index *index);
void ddl_put_drop_index(struct buf *buf, const struct map *map, const struct ddl_index *index);
