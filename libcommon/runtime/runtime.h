/* Runtime -- the life of a service: arguments, configuration, log, signals, health, metrics, drain.
 * A service is a value; its main.c is this value and one call.
 *
 * Order of a life: read arguments and configuration; raise RLIMIT_NOFILE; open the ops port;
 * start(); the log line `started ops=<port> instance=<name>`; the loop, where every change of
 * readiness is logged (`ready ops=<port> ...`, `not ready: kafka: <reason>`); on SIGTERM or SIGINT
 * readiness turns 503, drain() is asked at once and every 20 ms until it says true or drain_ms has
 * passed; stop(); exit. A second signal ends the drain at once. SIGHUP and SIGPIPE are ignored.
 * Never forks.
 *
 * Exit codes: 0 clean, 1 failed (start, runtime_fail(), a drain cut short), 2 wrong usage or
 * configuration. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "config/config.h"
#include "loop/loop.h"

typedef struct Runtime Runtime;

typedef struct Service {
    const char *name;    /* "intake": the log's service, docket-<name> in --help */
    const char *summary; /* one sentence for --help */
    /* The service's own table. Runtime adds: ops_listen, log_format, log_level, drain_ms, instance.
     */
    const ConfigKey *keys;
    size_t n_keys;
    size_t config_size; /* of the struct that `keys` fills */
    /* <0: it has logged why, and the process exits 1 (stop() is still called when *ret_self was
     * set). It may return before connections stand: readiness waits for the runtime_ready_check()s.
     */
    int (*start)(Runtime *, const void *config, void **ret_self);
    /* First call: take no new work. true: nothing is left in flight. NULL: always true. */
    bool (*drain)(void *self);
    void (*stop)(void *self); /* reverse of start; may be NULL */
} Service;

/* Parses the arguments (--config FILE --check-config --print-config --version --help) and lives. */
int service_main(int argc, char **argv, const Service *service);

Loop *runtime_loop(Runtime *r);
const char *runtime_instance(Runtime *r); /* "router-a1b2c3d4" unless configured */
bool runtime_draining(const Runtime *r);
/* /health/ready answers 200 when every check says true and nothing drains, else 503; ?verbose shows
 * a line each, `[+]kafka ok` or `[-]kafka: <reason>`. `ok` must answer at once, from what it knows,
 * and its reason must hold no secrets. */
void runtime_ready_check(Runtime *r, const char *name, bool (*ok)(void *arg, Buf *ret_reason),
                         void *arg);
/* Logs the error, leaves the loop without draining, runs stop(), exits 1. */
void runtime_fail(Runtime *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Where /health/live, /health/ready and /metrics are served; 0 before start(). */
uint16_t runtime_ops_port(const Runtime *r);
