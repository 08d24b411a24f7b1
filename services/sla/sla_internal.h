/* The parts of docket-sla and whose turn it is: one thing at a time. */
#pragma once

#include "following/follower.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "postgres/pool.h"
#include "runtime/runtime.h"
#include "sla/batch.h"
#include "sla/drift.h"
#include "sla/settings.h"
#include "store/configuration.h"

enum { TURN_EVENTS, TURN_DUE, TURN_CHORES, TURNS };

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
    KafkaProducer *producer;
    Publisher publisher;

    Tenants *tenants;
    Follower *follower;
    Shares *shares; /* the follower's */
    Clocks *clocks;
    Batch *batch;

    Work work; /* what has the turn; WORK_NONE: nobody */
    int turn;  /* whose turn would be next */
    bool draining, stopped;
    int64_t settled_ms; /* when nothing was due that had not been told */
    LoopTimer *wake;    /* the next instant, and whatever was put off */
    LoopTimer *tick;    /* every second: chores, and who lost what */
    LoopTimer *retry;
    int64_t retry_ms;
    Params params[2];
    Drift drift;

    /* Loading. */
    int64_t load_tenant, load_ticket;
    size_t load_n;
    int64_t load_since_ms;

    /* Chores. */
    bool since_new, since_due, find_due, find_anew, sweep_due;
    int64_t find_tenant, find_ticket, found_n;
    int64_t chore_not_before_ms, sweep_ms, find_since_ms;

    Metric *old, *tickets, *armed, *ready, *bytes;
    Metric *settled, *wakes, *steps, *step_seconds, *loads, *revised, *found;
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
/* Claims what is assigned, or loads of what is claimed. Begins nothing while PostgreSQL is away. */
void loading_begin(Sla *s);

/* events.c */
int events_open(Sla *s, Buf *ret_problem);
/* chores.c */
void chores_tick(Sla *s);
void chores_find(Sla *s); /* open tickets may be unknown here: the ledger has them */
bool since_begin(Sla *s); /* asks since when the documents at hand hold */
/* Documents of a tenant are in force. */
void chores_documents(Sla *s, int64_t tenant_id, const Catalog *catalog);
