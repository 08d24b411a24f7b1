/* What the blocking session needs of the client beyond its public page. */
#pragma once

#include "redis/client.h"

/* Inside a callback: makes its reply the caller's, for redis_reply_release(). */
RedisReply *redis_client_keep_reply(RedisClient *c);
