#include "source/tree.h"

enum lf_code tree_open(struct span path, struct tree **ret_tree, struct err *err)
{
    if (span_starts_with(path, SPAN("s3://")))
        return s3_tree_new(path, ret_tree, err);
    *ret_tree = local_tree();
    return LF_OK;
}
