/* Follower -- keeps desk.ticket_index and desk.counters where the tickets are, by following
 * docket.events (group docket-desk) on a connection of its own.
 *
 * An event only says which ticket to look at: desk.follow() reads the ticket's row, writes its
 * index row if that is older, and moves the counters by the difference, all in one transaction
 * under the tenant's lock. So replays, gaps, events out of order and two desks on one ticket end in
 * the same figures. Offsets are stored after the commit. What was there before the first desk, or
 * was lost with Kafka's retention, is read from the tickets, a page between two batches
 * (desk.fill()). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "loop/loop.h"

typedef struct Follower Follower;

typedef struct FollowerSettings {
    const char *kafka_brokers, *kafka_options; /* options: "" or NULL: none */
    const char *topic, *group;                 /* "docket.events", "docket-desk" */
    const char *instance;                      /* unique per process */
    const char *postgres_url;
} FollowerSettings;

/* NULL and a sentence when the settings are no good. Waits for no server. */
Follower *follower_new(Loop *loop, const FollowerSettings *settings, Buf *ret_problem);
/* After follower_drain() said true, or in any case at the end: what is in flight is forgotten and
 * comes again. */
Follower *follower_free(Follower *f);
/* Takes nothing more; true once nothing is in flight. */
bool follower_drain(Follower *f);

/* For readiness pages: in touch with Kafka and PostgreSQL? Being behind is no lack of health: it is
 * docket_desk_follower_lag_messages and docket_desk_follower_oldest_seconds. */
bool follower_healthy(const Follower *f, Buf *ret_reason);
