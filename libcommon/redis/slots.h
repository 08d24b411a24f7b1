/* Slots -- which of a Redis Cluster's 16,384 slots a key lives in, and what the cluster says about
 * who holds them. Pure; of this room only. */
#pragma once

#include "base/text.h"
#include "redis/reply.h"
#include "redis/url.h"

enum { REDIS_SLOTS = 16384 };

/* CRC16 of the key, or of what stands between its first "{" and the next "}" if that is not empty.
 */
int redis_slot(Str key);

typedef enum RedisRedirect { REDIRECT_NONE, REDIRECT_MOVED, REDIRECT_ASK } RedisRedirect;

/* "MOVED 3999 127.0.0.1:6381" and "ASK …" of an error's text; an empty host is `asked`'s. */
RedisRedirect redis_redirect_parse(Str error, const char *asked, int *ret_slot, RedisHost *ret);

/* One line of CLUSTER SLOTS: 0, or -EINVAL. */
int redis_slot_range(const RedisReply *range, const char *asked, int *ret_first, int *ret_last,
                     RedisHost *ret);
