#include "cli/export_report.h"

#include <stdio.h>

#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"

bool export_report_progress(void *progress, uint64_t items_written, uint64_t items_total)
{
    progress_show(progress, items_written, items_total > 0 ? (double)items_written / (double)items_total : -1);
    return interrupt_asked();
}

void export_report_print(const struct cli_options *options, const struct export_result *result)
{
    char items[2 * COUNT_TEXT_BYTES], files[2 * COUNT_TEXT_BYTES], bytes[COUNT_TEXT_BYTES], seconds[SECONDS_TEXT_BYTES];
    printf("%s in %s (%s bytes) under %s, in %s\n", count_of_text(result->items, "item", "items", items),
           count_of_text(result->files, "file", "files", files), count_text(result->bytes, bytes), options->output,
           seconds_text(result->seconds, seconds));
}
