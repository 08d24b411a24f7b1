/* Acts -- the router's answer to the scheduler's signals: promise_warned, promise_breached,
 * promise_escalated become one ledger row each, and what its step asks becomes of the ticket.
 *
 * A signal is a claim about the past, and the ledger decides. Each is looked up by its cause first:
 * what an earlier life recorded is published and told to Redis again, nothing more. Where the
 * ledger knows rows that the scheduler did not (or documents have changed since), the ticket's life
 * is told anew and judged at the signal's instant; what is not true then is refused. The row is
 * written only on the version at which it was found true, or all of it begins again. */
#pragma once

#include "events/signal.h"
#include "loop/loop.h"
#include "publish/publication.h"
#include "router/roster.h"
#include "router/settler.h"
#include "store/configuration.h"
#include "store/histories.h"
#include "store/store.h"

enum { ACTS_MAX = 256 };

typedef struct Acts Acts;

typedef struct ActsParts { /* all of them outlive the acts */
    Loop *loop;
    Store *store; /* its own */
    Roster *roster;
    Settler *settler;
    const Publisher *publisher;
    const Configuration *configuration;
    Histories *histories;
} ActsParts;

typedef struct ActsAsk {
    const Signal *signal; /* signal_is_promise() */
    const char *dead;     /* out: why it can never be processed, or NULL; in the acts' arena, until
                             the next acts_run() */
} ActsAsk;

Acts *acts_new(const ActsParts *parts);
Acts *acts_free(Acts *a);

/* At most ACTS_MAX; `asked` and its signals live until done(arg), which comes once all of them are
 * stored, published and told, or refused; never inside this call. One run at a time. */
void acts_run(Acts *a, ActsAsk *asked, size_t n, LoopCallback done, void *arg);
