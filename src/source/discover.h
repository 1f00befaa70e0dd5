/* discover: walks a path and finds the tables and data files in it; the rules are in source.h. */
#pragma once

#include "source/source.h"

enum { SOURCE_DEPTH_MAX = 16 }; /* folders below each other */

/* Opens the tree, fills tables, files, counts and notice of `source`, whose arena owns them. Errors: as of source_open. */
enum lf_code discover(const char *path, const struct source_options *options, struct source *source, struct err *err) MUST_CHECK;
