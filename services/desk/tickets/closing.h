/* Closing -- solved tickets that nobody has touched for the tenant's days (`settings.close_after`)
 * are closed by the system. Every desk looks, one tenant after the other; whoever comes second
 * finds the ticket overtaken. */
#pragma once

#include "desk/tickets/changes.h"
#include "postgres/pool.h"
#include "store/configuration.h"

typedef struct Closing Closing;

typedef struct ClosingParts { /* all of them outlive it */
    Loop *loop;
    PostgresPool *pool; /* answers which: the index of the projection */
    Changes *changes;
    const Configuration *configuration;
} ClosingParts;

Closing *closing_new(const ClosingParts *parts);
Closing *closing_free(Closing *c);
void closing_stop(Closing *c); /* begins nothing any more */
bool closing_idle(const Closing *c);
