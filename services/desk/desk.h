/* Desk -- the process: its settings, its connections, and what all handlers share. */
#pragma once

#include "desk/api/request.h"
#include "desk/settings.h"
#include "kafka/producer.h"
#include "keyring/keyring.h"
#include "postgres/pool.h"
#include "redis/client.h"
#include "runtime/runtime.h"
#include "store/configuration.h"

struct Desk {
    const DeskConfig *config;
    Runtime *runtime;
    Loop *loop;
    HttpServer *http;
    struct Router *routes; /* api/routes.c: the trie */
    struct Limits *limits; /* api/limits.c: requests of a minute by token */
    struct Waiting *waiting;
    PostgresPool *pool; /* reads, and small changes that touch no ticket */
    Configuration *configuration;
    Vault *vault;
    RedisClient *redis;
    KafkaProducer *producer;
    Keyring *keyring;
    bool draining, measured;
    struct {
        struct Metric *in_flight, *running, *waiting, *oldest;
    } metrics;

    /* A room of this folder with a life of its own keeps its state behind one pointer here, and a
     * line in desk.c's table of parts. */
    struct Follower *follower; /* views/follower.c */
    struct Changes *changes;   /* tickets/changes.c: whatever changes a ticket */
    struct Closing *closing;   /* tickets/closing.c: what is solved and left alone */
    struct Store **stores;     /* tickets/changes_part.c: its own */
    size_t stores_n;
    struct Jobs *jobs;           /* tickets/job_runner.c */
    struct TicketReader *reader; /* tickets/read.c */
    struct Access *access;       /* access/access.h */
    struct Presence *presence;   /* people/presence.c */
    struct Files *files;         /* files/files.c */
    struct Histories *histories; /* tickets/slas.c */
    struct Live *live;           /* live/live.c */
};

/* A part that is started after everything above stands, and stopped in reverse before it goes. */
typedef struct DeskPart {
    const char *name;
    /* 0, or <0 with the reason in *ret_problem. NULL: nothing to start. */
    int (*start)(Desk *d, Buf *ret_problem);
    bool (*drained)(Desk *d); /* NULL: always; asked every 20 ms once the desk drains */
    void (*stop)(Desk *d);    /* also when start() failed or was never called */
} DeskPart;

/* The Service's functions. */
int desk_start(Runtime *r, const void *config, void **ret_self);
bool desk_drain(void *self);
void desk_stop(void *self);
