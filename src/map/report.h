/*
 * report: what `inspect --report` writes, one self-contained HTML page for people.
 *
 * Uncertain things on top; then per table its entities: columns with types, fill rate and examples, keys, relations as a diagram
 * (inline SVG). No script, no outside resource; every text from the data is escaped. Pure.
 */
#pragma once

#include "map/infer.h"

void report_put_html(struct buf *buf, const struct map *map, const struct evidence *evidence);
