/* Lanes -- submissions from two topics: the express lane first, bulk with what it leaves over, so
 * that one tenant's storm queues behind itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kafka/consumer.h"
#include "loop/loop.h"
#include "router/settings.h"

typedef struct Lanes Lanes;

enum { LANES = 2, LANE_EXPRESS = 0, LANE_BULK = 1 };

typedef struct LanesEvents {
    void (*readable)(void *arg); /* lanes_ready() is above 0 */
    /* Partitions go: finish what was taken, then lanes_release(). */
    void (*revoked)(void *arg);
} LanesEvents;

typedef struct LaneMessage {
    KafkaMessage message;
    int lane;
} LaneMessage;

Lanes *lanes_new(Loop *loop, const RouterSettings *settings, const char *instance,
                 const LanesEvents *events, void *arg, Buf *ret_problem);
Lanes *lanes_free(Lanes *l); /* every message must be done */

size_t lanes_ready(const Lanes *l);
/* Up to max messages, and no more once they are `bytes` together. */
size_t lanes_take(Lanes *l, LaneMessage *ret, size_t max, size_t bytes);
/* All of these have taken effect, and so has everything taken before them. */
void lanes_store(Lanes *l, const LaneMessage *messages, size_t n);
void lanes_release(Lanes *l); /* nothing that was taken is unfinished; no-op without revoked() */
void lanes_pause(Lanes *l);
bool lanes_healthy(const Lanes *l, Buf *ret_reason);
int64_t lanes_lag(const Lanes *l, int lane);
/* How long, at most, the next one has waited in its topic; 0: nothing waits. Asked every second. */
int64_t lanes_oldest_ms(Lanes *l, int64_t now_ms);
