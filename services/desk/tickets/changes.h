/* Changes -- the desk's one way to change tickets: edits asked by many requests at once are
 * gathered, stored by the next free Store as one batch, and after the commit their events and
 * signals leave the outbox for Kafka.
 *
 * What stands in the outbox of somebody who died is swept (also the routers', twice is harmless).
 * Kafka away: work goes on, the rows wait in PostgreSQL. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kafka/producer.h"
#include "loop/loop.h"
#include "store/edits.h"

typedef struct Changes Changes;
typedef struct ChangesWait ChangesWait;

enum {
    CHANGES_STORES_MAX = 16,
    CHANGES_BATCH = 64,
    CHANGES_WAITING_MAX = 4096,      /* edits */
    CHANGES_WAITING_BYTES = 64 << 20 /* with everything that they point to */
};

typedef enum ChangesOutcome {
    CHANGES_STORED,  /* PostgreSQL has answered: edit->fate says what became of it */
    CHANGES_REFUSED, /* PostgreSQL can never store this one (class 22 or 23): a text or number that
                        it cannot hold, or a mistake of ours. 422 */
    CHANGES_AWAY,    /* not known: PostgreSQL is away or too busy. 503 with Retry-After; asked again
                        with the same cause it is not done twice */
} ChangesOutcome;

/* `edit` is our copy with its out members filled; it and all they point to live until this returns.
 * `problem` for the log, NULL when stored. */
typedef void (*ChangesDone)(void *arg, ChangesOutcome outcome, const TicketEdit *edit,
                            const char *problem);

typedef struct ChangesParts { /* all of them outlive the changes */
    Loop *loop;
    Store *const *stores; /* nobody else uses them */
    size_t stores_n;      /* 1 .. CHANGES_STORES_MAX */
    KafkaProducer *producer;
    const char *instance;     /* "desk-1" */
    const char *topic_events; /* "docket.events" */
    int64_t sweep_age_ms; /* outbox rows older than this are somebody else's leavings; 0: 2,000 */
} ChangesParts;

Changes *changes_new(const ChangesParts *parts);
/* Whoever waits still gets CHANGES_AWAY. Before the stores, whose last answers it still hears. */
Changes *changes_free(Changes *c);

/* Copies the edit and everything that it points to. The callback comes once, never inside this
 * call. NULL: too much waits already, answer 503. */
ChangesWait *changes_ask(Changes *c, const TicketEdit *edit, ChangesDone done, void *arg);
/* Whoever asked is gone, before the callback came: the change may happen all the same, the callback
 * does not come. */
void changes_forget(ChangesWait *w);

/* Rows of the outbox that somebody else's transaction has just committed: copied, published at once
 * and deleted then. */
void changes_publish(Changes *c, const OutboxRow *rows, size_t n);

/* True when nothing waits, runs or flies: the drain's question. */
bool changes_idle(const Changes *c);
/* Is PostgreSQL there for changes? false: appends why. */
bool changes_healthy(const Changes *c, Buf *ret_reason);
