#define _GNU_SOURCE /* O_DIRECTORY */
#include "base/folder_sync.h"

#include <fcntl.h>
#include <unistd.h>

bool folder_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_synced = fsync(fd) == 0;
    (void)close(fd);
    return is_synced;
}
