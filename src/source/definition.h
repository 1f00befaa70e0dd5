/* definition: finds the table.json that belongs to a folder's data (the rule is in source.h). */
#pragma once

#include "map/model.h"
#include "source/folder.h"

struct definition {
    struct span path; /* of the table.json; empty when there is none */
    struct map_table table;
};

/* `table` is the table's name as far as it is known, else the folder's. Errors: as of table_json_read. */
enum lf_code definition_find(const struct folder *folder, struct span table, bool is_export, struct arena *arena,
                             struct definition *ret_definition, struct err *err) MUST_CHECK;
