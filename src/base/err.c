#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* vsnprintf may have cut a multi-byte character in two: step back to the last whole one. */
static void cut_at_character(char *message, size_t size, size_t written)
{
    if (written < size)
        return;
    size_t end = size - 1;
    while (end > 0 && ((unsigned char)message[end - 1] & 0xC0) == 0x80)
        end--;
    if (end > 0 && ((unsigned char)message[end - 1] & 0x80))
        end--;
    message[end] = '\0';
}

static void append(struct err *err, size_t used, const char *format, va_list args)
{
    int written = vsnprintf(err->message + used, sizeof err->message - used, format, args);
    if (written > 0)
        cut_at_character(err->message + used, sizeof err->message - used, (size_t)written);
}

enum lf_code err_set(struct err *err, enum lf_code code, const char *file, int line, const char *format, ...)
{
    *err = (struct err){ .code = code, .offset = -1, .file = file, .line = line };
    va_list args;
    va_start(args, format);
    append(err, 0, format, args);
    va_end(args);
    return code;
}

enum lf_code err_set_at(struct err *err, enum lf_code code, int64_t offset, const char *file, int line, const char *format, ...)
{
    *err = (struct err){ .code = code, .offset = offset, .file = file, .line = line };
    va_list args;
    va_start(args, format);
    append(err, 0, format, args);
    va_end(args);
    return code;
}

enum lf_code err_while(struct err *err, const char *format, ...)
{
    static const char joint[] = " while ";
    size_t used = strlen(err->message);
    if (sizeof err->message - used > sizeof joint) {
        memcpy(err->message + used, joint, sizeof joint);
        va_list args;
        va_start(args, format);
        append(err, used + sizeof joint - 1, format, args);
        va_end(args);
    }
    return err->code;
}
