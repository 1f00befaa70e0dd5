/* item_batches: what a gather (gather.h) runs on tables of the item store. */
#pragma once

#include "gateway/store/gather.h"
#include "gateway/store/item_writes.h"

/* What a member's `what` is: keys, and where the items go. */
struct item_reads {
    const struct item_place *places;
    struct stored_item *items;
};
gather_run item_read_batch;

/* As well: rows of one kind and one answer to has_images, whose is_applied is set. Keys must differ from those of all writes
 * under way in this worker (write.h sees to that). */
struct item_batch_rows {
    struct item_row **rows;
};
gather_run item_write_batch;
