/* RedisCluster -- one connection per primary of a Redis Cluster, each command to the one that holds
 * its slot. Of this room only.
 *
 * The map of slots is asked for when a node comes or goes, when a command was redirected, and
 * every half second while a slot has nobody. A redirected command is sent on, up to five times;
 * while its slot is moving or has nobody it waits, within its time. So commands may overtake one
 * another while slots move. */
#pragma once

#include "redis/client.h"
#include "redis/url.h"

typedef struct RedisCluster RedisCluster;

/* url and the pointers in settings must outlive it. */
RedisCluster *redis_cluster_new(Loop *loop, const RedisUrl *url, const RedisSettings *settings,
                                const RedisEvents *events, void *arg);
RedisCluster *redis_cluster_free(RedisCluster *c);

/* slot -1: any node. Returns as redis_command(). */
int redis_cluster_send(RedisCluster *c, int slot, Str command, RedisCallback cb, void *arg);
bool redis_cluster_served(const RedisCluster *c); /* every slot has a connected primary */
const char *redis_cluster_run_id(const RedisCluster *c, int slot);
const char *redis_cluster_trouble(const RedisCluster *c);
size_t redis_cluster_outstanding(const RedisCluster *c);
RedisReply *redis_cluster_keep_reply(RedisCluster *c);
