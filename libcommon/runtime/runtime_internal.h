/* What the life of a service, its ops port and its arguments share. */
#pragma once

#include "http/server.h"
#include "metrics/metrics.h"
#include "runtime/runtime.h"

enum { READY_CHECKS_LIMIT = 32 };

typedef struct ReadyCheck {
    const char *name;
    bool (*ok)(void *arg, Buf *ret_reason);
    void *arg;
} ReadyCheck;

typedef enum RuntimeState { RUNTIME_STARTING, RUNTIME_RUNNING, RUNTIME_DRAINING } RuntimeState;

/* The keys that every service has. */
typedef struct CommonConfig {
    char *ops_listen, *log_format, *log_level, *instance;
    int64_t drain_ms;
} CommonConfig;

struct Runtime {
    const Service *service;
    ConfigKey *keys; /* the service's and ours, for one struct: the service's, then CommonConfig */
    size_t n_keys;
    void *config;
    const CommonConfig *common; /* inside config */
    Loop *loop;
    HttpServer *ops;
    int ops_port;
    RuntimeState state;
    bool ready, told_unready; /* as logged last */
    int exit_code;
    bool leaving; /* the loop is to end */
    void *self;
    ReadyCheck checks[READY_CHECKS_LIMIT];
    size_t n_checks;
    LoopSignal *terminate, *interrupt;
    LoopTimer *tick, *drain_tick;
    Metric *late; /* how late the tick fires */
    int64_t tick_due_ms, drain_until_ms;
};

/* settings.c: one table out of two. `file` may be NULL. 0, or -EINVAL with *ret_problem. */
void settings_init(Runtime *r);
int settings_load(Runtime *r, const char *file, Buf *ret_problem);
void settings_done(Runtime *r);

/* ops.c: /health/live, /health/ready, /metrics. */
int ops_open(Runtime *r, Buf *ret_problem);
/* Asks the checks; appends a line for each to *ret_lines and "name: reason" of those that fail to
 * *ret_failing. */
bool ops_is_ready(const Runtime *r, Buf *ret_lines, Buf *ret_failing);
