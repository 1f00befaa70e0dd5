/*
 * drift: `landfall inspect --drift`: what the items of a source say against the map, for people or as JSON, and, with --output, a
 * folder with the lines for the map (columns.yaml) and the migration (VERSION_drift.sql) that would make them fit.
 *
 * VERSION is the last one before the contract migration of --migrations where that folder has one, for the contract has to stay
 * the last; else it is the present time.
 */
#pragma once

#include "cli/command.h"

/* LF_DIFFERENCES when anything drifted. */
enum lf_code drift_inspect(const struct cli_options *options, struct err *err) MUST_CHECK;
