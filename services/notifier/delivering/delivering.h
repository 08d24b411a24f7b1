/* Delivering -- sends what waits in notify.deliveries: claims it under a lease, renders it, hands
 * it to its channel and records how it ended.
 *
 * Everything that waits is in PostgreSQL; in here is only what was claimed, within bounds. Several
 * instances work on the same table. Of one ticket and recipient one letter at a time is claimed, so
 * their order is kept; of one destination no more than its window (destinations.h).
 *
 * Once: a lease outlives the channel's whole timeout, no byte is sent once it is nearly over, and a
 * result counts only under the number of the lease it was sent under. What remains is a process
 * that dies, or sleeps for longer than its lease, after the other side took the letter and before
 * that was recorded: then it is sent once more, under the same key (Letter.key), which closes it
 * for receivers that look at it, and counted in `doubts`.
 *
 * Crash points: after-claim, before-send, after-send (taken, not recorded), after-record. */
#pragma once

#include "notifier/channels/channel.h"
#include "notifier/delivering/destinations.h"
#include "notifier/letters/letter.h"
#include "vault/vault.h"

typedef struct Delivering Delivering;

typedef struct DeliveringSettings {
    const char *postgres_url, *instance;
    DestinationLimits limits;
    int64_t lease_margin_ms;               /* a lease is the channel's timeout and twice this */
    int64_t look_ms;                       /* how often PostgreSQL is asked for what is due */
    int64_t retry_first_ms, retry_most_ms; /* backoff of what is not urgent; urgent: a tenth */
    int64_t pause_after_ms; /* a destination that failed for so long is paused, its owner told */
} DeliveringSettings;       /* borrowed texts */

/* Fills everything but the texts with what an operator would take. */
void delivering_defaults(DeliveringSettings *ret);

typedef struct DeliveringParts {
    Channel *channels[NOTIFY_WAYS]; /* NULL: not set up; the caller's */
    LetterWorld world;              /* texts borrowed */
    Vault *vault;
    /* Documents of a tenant in force; NULL: none. */
    const Catalog *(*catalog)(void *arg, int64_t tenant_id);
    void *arg;
} DeliveringParts;

/* NULL with *ret_problem. Waits for PostgreSQL by itself. */
Delivering *delivering_new(Loop *loop, const DeliveringSettings *settings,
                           const DeliveringParts *parts, Buf *ret_problem);
/* The channels must have been freed before (no callback of theirs comes any more). */
Delivering *delivering_free(Delivering *d);

void delivering_wake(Delivering *d); /* something new waits */
bool delivering_ready(const Delivering *d, Buf *ret_reason);
/* Claims nothing more; true: nothing is under way and everything is recorded. */
bool delivering_drain(Delivering *d);
