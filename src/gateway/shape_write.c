#include "gateway/shape_write.h"

#include "gateway/reply.h"

/* What lists and maps have in common in C. */
struct collection {
    const char *values;
    size_t count;
};

static const void *pointer_at(const char *field)
{
    const void *pointer;
    memcpy(&pointer, field, sizeof pointer);
    return pointer;
}

static bool is_given(const struct shape_member *member, const char *structure)
{
    const char *field = structure + member->offset;
    int32_t value = 0;
    if (member->has_offset)
        return *(const bool *)(structure + member->has_offset);
    if (member->shape->type == SHAPE_ENUM) {
        memcpy(&value, field, sizeof value);
        return value > 0;
    }
    return pointer_at(field) != NULL; /* strings, lists, maps and items begin with their pointer */
}

static void put_value(struct reply *reply, const struct shape *shape, const void *value);

static void put_members(struct reply *reply, const struct shape *shape, const char *structure)
{
    reply_object_begin(reply);
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        const void *field = structure + member->offset;
        if (!is_given(member, structure))
            continue;
        reply_name(reply, member->name);
        bool is_pointer = member->shape->type == SHAPE_STRUCTURE || member->shape->type == SHAPE_VALUE;
        put_value(reply, member->shape, is_pointer ? pointer_at(field) : field);
    }
    reply_object_end(reply);
}

static void put_list(struct reply *reply, const struct shape *shape, const struct collection *list)
{
    reply_array_begin(reply);
    for (size_t i = 0; i < list->count; i++)
        put_value(reply, shape->element, list->values + i * shape->element->size);
    reply_array_end(reply);
}

static void put_map(struct reply *reply, const struct shape *shape, const struct collection *map)
{
    reply_object_begin(reply);
    for (size_t i = 0; i < map->count; i++) {
        const char *entry = map->values + i * shape->entry_size;
        struct span name;
        memcpy(&name, entry, sizeof name); /* entries begin with it */
        reply_user_name(reply, name);
        put_value(reply, shape->element, entry + shape->entry_value_offset);
    }
    reply_object_end(reply);
}

static struct collection collection_at(const void *value)
{
    struct collection collection;
    memcpy(&collection, value, sizeof collection);
    return collection;
}

static void put_enum(struct reply *reply, const struct shape *shape, const void *value)
{
    int32_t number;
    memcpy(&number, value, sizeof number);
    reply_string(reply, shape->enum_values[number - 1]);
}

static void put_value(struct reply *reply, const struct shape *shape, const void *value)
{
    struct collection collection;
    switch (shape->type) {
    case SHAPE_STRING:
    case SHAPE_BLOB:
        reply_string(reply, *(const struct span *)value);
        break;
    case SHAPE_ENUM:
        put_enum(reply, shape, value);
        break;
    case SHAPE_INTEGER:
    case SHAPE_LONG:
        reply_integer(reply, *(const int64_t *)value);
        break;
    case SHAPE_DOUBLE:
        reply_double(reply, *(const double *)value);
        break;
    case SHAPE_BOOLEAN:
        reply_boolean(reply, *(const bool *)value);
        break;
    case SHAPE_TIMESTAMP:
        reply_timestamp(reply, *(const int64_t *)value);
        break;
    case SHAPE_STRUCTURE:
        put_members(reply, shape, value);
        break;
    case SHAPE_LIST:
        collection = collection_at(value);
        put_list(reply, shape, &collection);
        break;
    case SHAPE_MAP:
        collection = collection_at(value);
        put_map(reply, shape, &collection);
        break;
    case SHAPE_ITEM:
        reply_item(reply, value);
        break;
    case SHAPE_VALUE:
        reply_value(reply, value);
        break;
    }
}

void shape_write(const struct shape *shape, const void *structure, struct buf *buf)
{
    struct reply reply;
    reply_init(&reply, buf);
    put_members(&reply, shape, structure);
}
