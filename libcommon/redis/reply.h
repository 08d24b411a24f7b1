/* RedisReply -- what a Redis server answered, read through these. A reply given to a callback lives
 * until the callback returns. All accept NULL (as nil). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

typedef struct RedisReply RedisReply;

typedef enum RedisType {
    REPLY_NIL,
    REPLY_ERROR,
    REPLY_STATUS,
    REPLY_STRING,
    REPLY_INTEGER,
    REPLY_ARRAY
} RedisType;

RedisType redis_reply_type(const RedisReply *r);
int64_t redis_reply_int(const RedisReply *r); /* also of a decimal string; 0 when it is no number */
Str redis_reply_str(const RedisReply *r); /* string, status or error text; {NULL, 0} otherwise */
size_t redis_reply_count(const RedisReply *r); /* elements; 0 when it is no array */
const RedisReply *redis_reply_at(const RedisReply *r, size_t i); /* NULL beyond the end */
