/* Dispatch -- the one routine by which tickets already stored get somebody, or another group:
 * signals, hints from Redis, fallbacks. Takes from the queues, changes rows, publishes,
 * tells Redis.
 *
 * A take is a reservation like any other: died before the commit, it expires and is looked at; died
 * after it, the outbox rows are swept and the reservation is confirmed by the row. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "events/signal.h"
#include "loop/loop.h"
#include "publish/publication.h"
#include "router/placement.h"
#include "router/roster.h"
#include "router/settler.h"
#include "store/configuration.h"
#include "store/store.h"

typedef struct Dispatch Dispatch;

typedef struct DispatchParts { /* all of them outlive the dispatch */
    Loop *loop;
    Store *store; /* its own */
    Roster *roster;
    Settler *settler;
    const Publisher *publisher;
    const Configuration *configuration;
} DispatchParts;

Dispatch *dispatch_new(const DispatchParts *parts);
Dispatch *dispatch_free(Dispatch *d);

/* Somebody may have room. Twice is once. At most 20,000 wait; what is beyond is found again by the
 * reconciler. */
void dispatch_hint(Dispatch *d, int64_t tenant_id, int64_t agent_id);
/* The same for a signal: what it names is read and told to Redis first; its cause is that of what
 * is taken, and done(arg) comes once all of it is stored, published and told, or is left to an
 * expiring reservation. Always taken; `s` is copied. */
void dispatch_signal(Dispatch *d, const Signal *s, LoopCallback done, void *arg);

/* A ticket that waits goes to another group's queue. false: too many wait already, come again. */
bool dispatch_move(Dispatch *d, int64_t tenant_id, int64_t ticket_id, int32_t version,
                   int64_t from_group, int64_t to_group, Staffing staffing);

void dispatch_stop(Dispatch *d); /* takes no hints any more; signals are gone through to the end */
bool dispatch_idle(const Dispatch *d);
