/* Telling -- follows docket.events and writes down who is to be told of what: notify.deliveries.
 *
 * One batch of events is one transaction; its offsets move after the commit. A delivery is keyed by
 * what happened, so an event that comes again, here or at another instance, finds its deliveries
 * written. What a batch needs to know of a ticket is told from its ledger up to the event's own
 * row, so every instance decides the same, whenever it does. */
#pragma once

#include "notifier/settings.h"
#include "runtime/runtime.h"
#include "store/configuration.h"

typedef struct Teller Teller;

typedef struct TellerParts {
    Runtime *runtime;
    Loop *loop;
    const NotifierSettings *settings;
    const char *instance;
    Configuration *configuration;
    LoopCallback told; /* some deliveries have just been committed; may be NULL */
    void *arg;
} TellerParts;

/* NULL with *ret_problem. Waits for PostgreSQL and for the documents by itself, then joins. */
Teller *teller_new(const TellerParts *parts, Buf *ret_problem);
Teller *teller_free(Teller *t);
void teller_documents(Teller *t); /* some tenant's documents were read */
void teller_tick(Teller *t);      /* every second */
bool teller_drain(Teller *t);     /* takes nothing more; true: nothing is under way */
