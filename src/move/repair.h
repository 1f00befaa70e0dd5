/*
 * repair: makes the target equal for the keys that differ.
 *
 * For each key the rows that hold it, in whichever table, give way to the source's item, where there is one, written by the same
 * encoder that the backfill uses, in one transaction (repair_batch.h). Other writers of these tables must rest meanwhile.
 */
#pragma once

#include "move/verify_keys.h"

enum lf_code repair_run(struct comparison *comparison, const struct key_differences *differences, struct err *err) MUST_CHECK;
