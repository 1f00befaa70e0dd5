#include "gateway/reply.h"
#include "gateway/store/store.h"
#include "item/ddbjson.h"

enum { JSON_BYTES_MAX = 64 * 1024 * 1024 };

enum lf_code stored_item_parse(struct stored_item *stored, struct arena *arena, struct item *ret_item, struct err *err)
{
    if (!stored->has_item) {
        struct json_reader reader;
        json_init(&reader, stored->json, arena);
        if (ddbjson_read_item(&reader, &stored->item, err))
            return err_while(err, "reading an item from its table");
        stored->has_item = true;
    }
    *ret_item = stored->item;
    return LF_OK;
}

enum lf_code stored_item_json(struct stored_item *stored, struct arena *arena, struct span *ret_json, struct err *err)
{
    if (!stored->json.ptr) {
        struct buf json;
        buf_init(&json, JSON_BYTES_MAX);
        ddbjson_put_item(&json, &stored->item);
        enum lf_code code = buf_check(&json, err);
        if (!code)
            code = arena_copy(arena, buf_span(&json), &stored->json, err);
        buf_done(&json);
        TRY(code);
    }
    *ret_json = stored->json;
    return LF_OK;
}

void stored_item_reply(const struct stored_item *stored, struct reply *reply)
{
    if (stored->json.ptr)
        reply_raw(reply, stored->json);
    else
        reply_item(reply, &stored->item);
}
