/* The parts of docket-sla and whose turn it is: one thing at a time. */
#pragma once

#include "kafka/consumer.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "postgres/pool.h"
#include "runtime/runtime.h"
#include "sla/batch.h"
#include "sla/drift.h"
#include "sla/settings.h"
#include "store/configuration.h"

enum {
    TURN_EVENTS,
    TURN_DUE,
    TURN_CHORES,
    TURNS,
    PARTITIONS_MAX = SHARES_MAX_PARTITIONS,
};

typedef enum Work { WORK_NONE, WORK_EVENTS, WORK_DUE, WORK_CHORE, WORK_CLAIM, WORK_LOAD } Work;

typedef struct Sla {
    Runtime *runtime;
    Loop *loop;
    const SlaSettings *settings;
    const char *instance;
    bool test_clock;

    Connection *postgres;
    PostgresPool *pool; /* for the ledger */
    Histories *histories;
    Configuration *configuration;
    KafkaConsumer *consumer;
    KafkaProducer *producer;
    Publisher publisher;

    Tenants *tenants;
    Shares shares;
    Clocks *clocks;
    Batch *batch;

    Work work; /* what has the turn; WORK_NONE: nobody */
    int turn;  /* whose turn would be next */
    bool draining, stopped, revoking, assigned;
    bool claimed, load_done;             /* what was assigned last */
    int64_t next_ending[PARTITIONS_MAX]; /* of the events in the batch: the next offset; 0: none */
    int64_t settled_ms;                  /* when nothing was due that had not been told */
    int64_t oldest_ms;                   /* of the events in the batch; 0: none */
    KafkaMessage *messages;
    LoopTimer *wake; /* the next instant, and whatever was put off */
    LoopTimer *tick; /* every second: chores, and who lost what */
    LoopTimer *retry;
    int64_t retry_ms;
    Params params[2];
    Drift drift;

    /* Loading. */
    int64_t load_tenant, load_ticket;
    size_t load_n;
    int64_t load_since_ms;

    /* Chores. */
    bool since_due, find_due, sweep_due;
    int64_t find_tenant, find_ticket, found_n;
    int partitions; /* of the topic; 0: not known yet */
    int64_t chore_not_before_ms, sweep_ms, lost_since_ms;

    Metric *events, *old, *poison, *alarms, *lag, *oldest, *tickets, *armed, *ready, *bytes;
    Metric *settled, *wakes, *steps, *step_seconds, *loads, *owned, *revised, *found;
} Sla;

void sla_pump(Sla *s);
/* The work is over: whoever is next. */
void sla_turn_over(Sla *s);
/* Nothing is begun for a while; longer each time, until something went well. */
void sla_try_later(Sla *s, const char *problem);

/* Each: true when it has begun something (s->work is set, sla_turn_over() comes). */
bool events_begin(Sla *s);
bool due_begin(Sla *s);
bool chores_begin(Sla *s);
bool loading_begin(Sla *s); /* claims, then loads; false: all is there */

/* events.c */
int events_open(Sla *s, Buf *ret_problem);
bool events_healthy(const Sla *s, Buf *ret_reason);
void events_rejoin(Sla *s);
/* chores.c */
void chores_tick(Sla *s);
/* Documents of a tenant are in force. */
void chores_documents(Sla *s, int64_t tenant_id, const Catalog *catalog);
