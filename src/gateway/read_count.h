/*
 * read_count: how many reads each side has answered (landfall.read_count), and the retreat when PostgreSQL fails too often.
 *
 * Counted in the worker, written once a second. READ_FALLBACKS_MAX reads of a table within READ_WINDOW_MS that PostgreSQL failed
 * to answer put its percentage back to 0, for all gateways. One worker, one thread.
 */
#pragma once

#include "gateway/worker.h"

enum { READ_FALLBACKS_MAX = 20, READ_WINDOW_MS = 10000 };

enum read_kind { READ_DYNAMODB, READ_POSTGRES, READ_FALLBACK, READ_SHADOWED, READ_DIFFERENT, READ_KINDS };

struct read_counts;
enum lf_code read_counts_new(struct worker *worker, struct read_counts **ret_counts, struct err *err) MUST_CHECK;
void read_counts_free(struct read_counts *counts); /* NULL is fine. Not while the loop runs. */

/* On a fiber, which the last fallback of too many suspends. */
void read_count(struct worker *worker, const struct table *table, enum read_kind kind);
