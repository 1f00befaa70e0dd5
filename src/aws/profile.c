#include "aws/profile.h"

#include <stdlib.h>

#include "base/file_text.h"

enum { FILE_BYTES_MAX = 4 * 1024 * 1024 };

/* Reading the files -------------------------------------------------------------------------------------------------------- */

static enum lf_code path_of(const char *variable, const char *below_home, struct arena *arena, struct span *ret_path,
                            struct err *err)
{
    const char *named = getenv(variable), *home = getenv("HOME");
    if (named && *named)
        return arena_copy(arena, span_from_cstr(named), ret_path, err);
    return arena_printf(arena, ret_path, err, "%s/%s", home ? home : "", below_home);
}

/* One that lies where it usually does may be missing; one that was named may not. */
static enum lf_code read_file(const char *variable, const char *below_home, struct arena *arena, struct span *ret_text,
                              struct err *err)
{
    struct span path;
    const char *named = getenv(variable);
    TRY(path_of(variable, below_home, arena, &path, err));
    struct err reason = ERR_INIT;
    enum lf_code code = file_text_read(path, FILE_BYTES_MAX, arena, ret_text, &reason);
    if (code == LF_NOT_FOUND && !(named && *named)) {
        *ret_text = SPAN("");
        return LF_OK;
    }
    if (code == LF_OK)
        return LF_OK;
    *err = reason;
    return named && *named ? err_while(err, "reading the file that %s names", variable) : code;
}

enum lf_code profile_files_read(struct arena *arena, struct profile_files *ret_files, struct err *err)
{
    struct profile_files files;
    TRY(read_file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", arena, &files.credentials, err));
    TRY(read_file("AWS_CONFIG_FILE", ".aws/config", arena, &files.config, err));
    *ret_files = files;
    return LF_OK;
}

/* Finding a setting -------------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span text)
{
    while (text.len && is_blank(text.ptr[0]))
        text = span_from(text, 1);
    while (text.len && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* "[profile reader]" and "[reader]" are of the profile reader; "[sso-session x]" and "[services x]" of none. */
static bool is_section_of(struct span line, struct span profile)
{
    struct span name = span_from(line, 1);
    name = trim(span_of(name.ptr, span_find_byte(name, ']')));
    if (span_starts_with(name, SPAN("profile ")) || span_starts_with(name, SPAN("profile\t")))
        name = trim(span_from(name, sizeof "profile" - 1));
    return span_equal(name, profile);
}

/* " # what follows a blank and a mark is a comment" */
static struct span without_comment(struct span value)
{
    for (size_t i = 1; i < value.len; i++)
        if ((value.ptr[i] == '#' || value.ptr[i] == ';') && is_blank(value.ptr[i - 1]))
            return trim(span_of(value.ptr, i));
    return trim(value);
}

/* Finds the section and in it the setting; with an empty name the section alone counts. */
static bool find(struct span text, struct span profile, struct span name, struct span *ret_value)
{
    bool inside = false;
    while (text.len) {
        struct span line = span_cut_line(&text);
        if (line.len == 0 || is_blank(line.ptr[0]) || strchr("#;", line.ptr[0]))
            continue;
        size_t equals = span_find_byte(line, '=');
        if (line.ptr[0] == '[')
            inside = is_section_of(line, profile);
        else if (inside && name.len && span_equal(trim(span_of(line.ptr, equals)), name)) {
            *ret_value = without_comment(span_from(line, equals + 1));
            return true;
        }
        if (inside && name.len == 0)
            return true;
    }
    return false;
}

bool profile_exists(const struct profile_files *files, struct span profile)
{
    struct span ignored;
    return find(files->credentials, profile, SPAN(""), &ignored) || find(files->config, profile, SPAN(""), &ignored);
}

struct span profile_setting(const struct profile_files *files, struct span profile, struct span name)
{
    struct span value = SPAN("");
    if (!find(files->credentials, profile, name, &value))
        (void)find(files->config, profile, name, &value);
    return value;
}
