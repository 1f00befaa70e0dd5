/*
 * by_key: statements on tables of landfall's own that fill and empty at once (spool, dirty_key), whose statistics tell the
 * planner nothing: between these two, in one transaction, they go by their indexes.
 */
#pragma once

#define BY_KEY_BEGIN "SET LOCAL enable_seqscan = off"
#define BY_KEY_END "SET LOCAL enable_seqscan = on"
