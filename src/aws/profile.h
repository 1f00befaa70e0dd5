/*
 * profile: the files ~/.aws/credentials and ~/.aws/config. Source: AWS SDKs and Tools Reference Guide, "Shared config and
 * credentials files".
 *
 *     [profile reader]            in config; [reader] in credentials; [default] in both
 *     region = eu-central-1
 *     s3 =
 *         max_bandwidth = 1MB/s   lines that begin with a space belong to the setting above; none of ours has such
 */
#pragma once

#include "base/arena.h"

struct profile_files {
    struct span credentials, config; /* texts; empty when the file is not there */
};

/* AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE or those in the home folder. Errors: LF_NOT_FOUND for a file that is named by the
 * environment and not there; LF_IO, LF_LIMIT, LF_MEMORY. */
enum lf_code profile_files_read(struct arena *arena, struct profile_files *ret_files, struct err *err) MUST_CHECK;

bool profile_exists(const struct profile_files *files, struct span profile);

/* The value of a setting, "" when there is none; the credentials file comes first. Borrowed from the files' texts. */
struct span profile_setting(const struct profile_files *files, struct span profile, struct span name);
