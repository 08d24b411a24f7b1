/* RedisUrl -- where Redis is and who we are, read from one URL. Pure; of this room only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum { REDIS_URL_HOSTS = 16 };

typedef enum RedisUrlKind { REDIS_URL_TCP, REDIS_URL_UNIX, REDIS_URL_CLUSTER } RedisUrlKind;

typedef struct RedisHost {
    char host[256]; /* or the socket's path */
    int port;
} RedisHost;

typedef struct RedisUrl {
    RedisUrlKind kind;
    RedisHost hosts[REDIS_URL_HOSTS]; /* more than one only for a cluster */
    size_t n_hosts;
    char user[128], password[256]; /* "" when there is none */
    int db;
} RedisUrl;

/* 0, or -EINVAL and what is wrong in *problem (never the password). */
int redis_url_parse(const char *url, RedisUrl *ret, Buf *problem);
