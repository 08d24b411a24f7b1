/* hiredis' reply behind ours. */
#include "redis/reply.h"

#include <hiredis/hiredis.h>

static const redisReply *of(const RedisReply *r) {
    return (const redisReply *)(const void *)r;
}

RedisType redis_reply_type(const RedisReply *r) {
    if (!r) return REPLY_NIL;
    switch (of(r)->type) {
    case REDIS_REPLY_STRING:
        return REPLY_STRING;
    case REDIS_REPLY_ARRAY:
        return REPLY_ARRAY;
    case REDIS_REPLY_INTEGER:
        return REPLY_INTEGER;
    case REDIS_REPLY_STATUS:
        return REPLY_STATUS;
    case REDIS_REPLY_ERROR:
        return REPLY_ERROR;
    default:
        return REPLY_NIL;
    }
}

int64_t redis_reply_int(const RedisReply *r) {
    int64_t v;
    if (redis_reply_type(r) == REPLY_INTEGER) return of(r)->integer;
    return str_to_i64(redis_reply_str(r), &v) == 0 ? v : 0;
}

Str redis_reply_str(const RedisReply *r) {
    RedisType type = redis_reply_type(r);
    if (type != REPLY_STRING && type != REPLY_STATUS && type != REPLY_ERROR) return (Str){NULL, 0};
    return (Str){of(r)->str, (size_t)of(r)->len};
}

size_t redis_reply_count(const RedisReply *r) {
    return redis_reply_type(r) == REPLY_ARRAY ? of(r)->elements : 0;
}

const RedisReply *redis_reply_at(const RedisReply *r, size_t i) {
    if (i >= redis_reply_count(r)) return NULL;
    return (const RedisReply *)(const void *)of(r)->element[i];
}
