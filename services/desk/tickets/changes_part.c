/* The life of the stores and of the gatherer within the desk. */
#include "desk/tickets/changes_part.h"

#include <errno.h>
#include <stdlib.h>

#include "desk/tickets/changes.h"
#include "desk/tickets/closing.h"

static bool is_ready(void *arg, Buf *reason) {
    const Desk *d = arg;
    return d->changes && changes_healthy(d->changes, reason);
}

static int start(Desk *d, Buf *ret_problem) {
    StoreSettings settings = {.postgres_url = d->config->postgres_url,
                              .application_name = runtime_instance(d->runtime),
                              .row_level_security = true};
    size_t n = d->config->desk_stores < CHANGES_STORES_MAX ? (size_t)d->config->desk_stores
                                                           : CHANGES_STORES_MAX;
    if (n == 0) n = 1;
    d->stores = xcalloc(n, sizeof(Store *));
    for (; d->stores_n < n; d->stores_n++) {
        d->stores[d->stores_n] = store_new(d->loop, &settings, ret_problem);
        if (!d->stores[d->stores_n]) return -EINVAL;
    }
    d->changes = changes_new(&(ChangesParts){.loop = d->loop,
                                             .stores = d->stores,
                                             .stores_n = d->stores_n,
                                             .producer = d->producer,
                                             .instance = runtime_instance(d->runtime),
                                             .topic_events = "docket.events"});
    d->closing = closing_new(&(ClosingParts){.loop = d->loop,
                                             .pool = d->pool,
                                             .changes = d->changes,
                                             .configuration = d->configuration});
    runtime_ready_check(d->runtime, "changes", is_ready, d);
    return 0;
}

static bool drained(Desk *d) {
    if (!d->changes) return true;
    closing_stop(d->closing);
    return closing_idle(d->closing) && changes_idle(d->changes);
}

static void stop(Desk *d) {
    d->closing = closing_free(d->closing); /* hears the last answers of the changes and the pool */
    d->changes = changes_free(d->changes);
    for (size_t i = 0; i < d->stores_n; i++)
        store_free(d->stores[i]);
    free(d->stores);
    d->stores = NULL;
    d->stores_n = 0;
}

const DeskPart changes_part = {"changes", start, drained, stop};
