/* folder_sync: what was created, renamed or removed in a folder is on the disk when it returns. */
#pragma once

#include <stdbool.h>

/* False, with errno, when it cannot be opened or synced. */
bool folder_sync(const char *path);
