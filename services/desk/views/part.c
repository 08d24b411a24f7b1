/* The follower's life within the desk. */
#include "desk/views/part.h"

#include "desk/views/follower.h"

static int start(Desk *d, Buf *ret_problem) {
    FollowerSettings settings = {.kafka_brokers = d->config->kafka_brokers,
                                 .kafka_options = d->config->kafka_options,
                                 .topic = "docket.events",
                                 .group = "docket-desk",
                                 .instance = runtime_instance(d->runtime),
                                 .postgres_url = d->config->postgres_url};
    d->follower = follower_new(d->loop, &settings, ret_problem);
    return d->follower ? 0 : -1;
}

static bool drained(Desk *d) {
    return !d->follower || follower_drain(d->follower);
}

static void stop(Desk *d) {
    d->follower = follower_free(d->follower);
}

const DeskPart follower_part = {"follower", start, drained, stop};
