/*
 * yaml_text: texts as YAML scalars and comments, for yaml_write.c.
 *
 * A scalar is plain only where no reader of YAML, 1.1 or 1.2, could take it for something else, in block and in flow; all others
 * are double-quoted on one line.
 */
#pragma once

#include "base/buf.h"

void yaml_put_scalar(struct buf *buf, struct span text);
/* Always in double quotes. */
void yaml_put_quoted(struct buf *buf, struct span text);
/* The key of a flow mapping and ": ". YAML wants a "? " in front where it is long. */
void yaml_put_flow_key(struct buf *buf, struct span text);

/* "# " and the text, with "?" for what may not stand in YAML. Of one line: a line break becomes a space. */
void yaml_put_comment(struct buf *buf, struct span text);
