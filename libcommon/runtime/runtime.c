/* service_main: one life from argv to exit code. */
#include "runtime/runtime.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/cause.h"
#include "base/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "runtime/runtime_internal.h"

enum { EXIT_CLEAN = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { TICK_MS = 500, STARTING_TICK_MS = 50, DRAIN_TICK_MS = 20 };

/* --- what services may ask ---------------------------------------------------------------------
 */

Loop *runtime_loop(Runtime *r) {
    return r->loop;
}

const char *runtime_instance(Runtime *r) {
    return r->common->instance;
}

bool runtime_draining(const Runtime *r) {
    return r->state == RUNTIME_DRAINING;
}

uint16_t runtime_ops_port(const Runtime *r) {
    return (uint16_t)r->ops_port;
}

void runtime_ready_check(Runtime *r, const char *name, bool (*ok)(void *arg, Buf *ret_reason),
                         void *arg) {
    assert(r->n_checks < READY_CHECKS_LIMIT);
    r->checks[r->n_checks++] = (ReadyCheck){name, ok, arg};
}

static void leave(Runtime *r, int exit_code) {
    if (exit_code != EXIT_CLEAN) r->exit_code = exit_code;
    r->leaving = true;
    loop_stop(r->loop);
}

void runtime_fail(Runtime *r, const char *fmt, ...) {
    CLEANUP(buf_done) Buf message = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&message, fmt, args);
    va_end(args);
    log_error(NULL, "failed: %s", message.n ? message.p : "no reason given");
    leave(r, EXIT_FAILED);
}

/* --- readiness, told in the log when it changes ------------------------------------------------
 */

static void watch_readiness(Runtime *r) {
    CLEANUP(buf_done) Buf lines = {0}, failing = {0};
    bool ready = ops_is_ready(r, &lines, &failing);
    if (ready && !r->ready)
        log_info(NULL, "ready ops=%d instance=%s", r->ops_port, r->common->instance);
    else if (!ready && (r->ready || !r->told_unready))
        log_warn(NULL, "not ready: %s", failing.p);
    r->told_unready = !ready;
    r->ready = ready;
}

/* Keeps loop_last_turn_ms() fresh in an idle process, and measures how late timers are. */
static void on_tick(void *arg) {
    Runtime *r = arg;
    int64_t now = clock_monotonic_ms();
    if (r->tick_due_ms) metric_observe(r->late, (double)(now - r->tick_due_ms) / 1000);
    if (r->state == RUNTIME_RUNNING) watch_readiness(r);
    int64_t next = r->state == RUNTIME_RUNNING && !r->ready ? STARTING_TICK_MS : TICK_MS;
    r->tick_due_ms = now + next;
    loop_timer_arm(r->tick, next);
}

/* --- drain -------------------------------------------------------------------------------------
 */

static void ask_drain(void *arg) {
    Runtime *r = arg;
    if (!r->service->drain || r->service->drain(r->self)) {
        log_info(NULL, "drained");
        leave(r, EXIT_CLEAN);
    } else if (clock_monotonic_ms() >= r->drain_until_ms) {
        log_error(NULL, "drain_ms is over and work is still in flight: leaving it");
        leave(r, EXIT_FAILED);
    } else
        loop_timer_arm(r->drain_tick, DRAIN_TICK_MS);
}

static void on_stop_signal(void *arg) {
    Runtime *r = arg;
    if (r->state == RUNTIME_DRAINING) {
        log_warn(NULL, "second signal: leaving work in flight");
        leave(r, EXIT_FAILED);
        return;
    }
    log_info(NULL, "draining");
    r->state = RUNTIME_DRAINING;
    r->drain_until_ms = clock_monotonic_ms() + r->common->drain_ms;
    ask_drain(r);
}

/* --- the life ----------------------------------------------------------------------------------
 */

static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* A loop's buffers come and go many times a second: memory that goes back to the kernel after each
 * would be faulted in again. One arena: librdkafka's threads would otherwise keep one each. */
static void keep_freed_memory(void) {
    (void)mallopt(M_TRIM_THRESHOLD, 16 << 20);
    (void)mallopt(M_MMAP_THRESHOLD, 4 << 20);
    (void)mallopt(M_TOP_PAD, 1 << 20);
    (void)mallopt(M_ARENA_MAX, 2);
}

static LogLevel level_named(const char *name) {
    switch (*name) {
    case 'd':
        return LOG_DEBUG;
    case 'w':
        return LOG_WARN;
    case 'e':
        return LOG_ERROR;
    default:
        return LOG_INFO;
    }
}

static void name_instance(Runtime *r) {
    char **instance = (char **)(uintptr_t)&r->common->instance;
    uint8_t random[4];
    char hex[9];
    CLEANUP(buf_done) Buf name = {0};
    if (**instance) return;
    random_bytes(random, sizeof(random));
    text_hex(random, sizeof(random), hex);
    buf_printf(&name, "%s-%s", r->service->name, hex);
    free(*instance);
    *instance = xstrdup(name.p);
}

static void start(Runtime *r) {
    CLEANUP(buf_done) Buf problem = {0};
    if (ops_open(r, &problem) < 0) {
        log_error(NULL, "%s", problem.p);
        leave(r, EXIT_FAILED);
        return;
    }
    on_tick(r);
    if (r->service->start(r, r->config, &r->self) < 0) {
        leave(r, EXIT_FAILED); /* it has said why */
        return;
    }
    if (r->leaving) return;
    r->state = RUNTIME_RUNNING;
    log_info(NULL, "started ops=%d instance=%s version=%s", r->ops_port, r->common->instance,
             DOCKET_VERSION);
    watch_readiness(r);
}

static int live(Runtime *r) {
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    raise_descriptor_limit();
    keep_freed_memory();
    name_instance(r);
    log_setup(r->service->name, strcmp(r->common->log_format, "json") == 0,
              level_named(r->common->log_level));
    metrics_build_info(r->service->name, DOCKET_VERSION);
    r->late = metric_histogram("docket_loop_late_seconds",
                               "How late the loop's own timer fired: what every event waits.", NULL,
                               metric_latency_s, METRIC_LATENCY_BUCKETS);
    r->loop = loop_new();
    if (!r->loop) {
        log_error(NULL, "libevent cannot make an event loop");
        return EXIT_FAILED;
    }
    r->terminate = loop_signal_new(r->loop, SIGTERM, on_stop_signal, r);
    r->interrupt = loop_signal_new(r->loop, SIGINT, on_stop_signal, r);
    r->tick = loop_timer_new(r->loop, on_tick, r);
    r->drain_tick = loop_timer_new(r->loop, ask_drain, r);
    start(r);
    bool started = r->state != RUNTIME_STARTING;
    if (!r->leaving) loop_run(r->loop);

    loop_signal_free(r->terminate); /* from here on a signal kills, even a stop() that hangs */
    loop_signal_free(r->interrupt);
    if (r->service->stop && (started || r->self)) r->service->stop(r->self);
    http_server_free(r->ops);
    loop_timer_free(r->tick);
    loop_timer_free(r->drain_tick);
    loop_free(r->loop);
    log_info(NULL, "stopped exit=%d", r->exit_code);
    return r->exit_code;
}

/* --- arguments ---------------------------------------------------------------------------------
 */

typedef struct Arguments {
    const char *config_file;
    bool check, print;
} Arguments;

static void help(const Service *s, FILE *to) {
    (void)fprintf(to,
                  "docket-%s -- %s\n\n"
                  "  --config FILE    read FILE (key = value); DOCKET_<KEY> in the environment "
                  "overrides it\n"
                  "  --check-config   say whether the configuration is right, and exit\n"
                  "  --print-config   print the configuration with help and defaults, and exit\n"
                  "  --version        print the version, and exit\n"
                  "  --help           this page\n\n"
                  "SIGTERM drains and ends it; a second one ends it at once.\n"
                  "Exit codes: 0 clean, 1 failed, 2 wrong usage or configuration.\n",
                  s->name, s->summary);
}

/* -1 to go on, else the exit code. */
static int read_arguments(int argc, char **argv, const Service *s, Arguments *ret) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'k'},
        {"print-config", no_argument, NULL, 'p'}, {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            ret->config_file = optarg;
            break;
        case 'k':
            ret->check = true;
            break;
        case 'p':
            ret->print = true;
            break;
        case 'v':
            (void)printf("docket-%s %s\n", s->name, DOCKET_VERSION);
            return EXIT_CLEAN;
        case 'h':
            help(s, stdout);
            return EXIT_CLEAN;
        default: /* getopt has said what is wrong */
            (void)fprintf(stderr, "docket-%s: --help shows the options\n", s->name);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "docket-%s: `%s` is no option; --help shows them\n", s->name,
                      argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

int service_main(int argc, char **argv, const Service *service) {
    Arguments arguments = {0};
    CLEANUP(buf_done) Buf problem = {0};
    int code = read_arguments(argc, argv, service, &arguments);
    if (code >= 0) return code;

    Runtime *r = xcalloc(1, sizeof(*r));
    r->service = service;
    settings_init(r);
    int e = settings_load(r, arguments.config_file, &problem);
    if (e < 0 && arguments.print && !arguments.config_file) {
        config_print(r->keys, r->n_keys, NULL, stdout); /* a template to fill in */
        code = EXIT_CLEAN;
    } else if (e < 0) {
        (void)fprintf(stderr, "%s\n", problem.p);
        code = EXIT_USAGE;
    } else if (arguments.print) {
        config_print(r->keys, r->n_keys, r->config, stdout);
        code = EXIT_CLEAN;
    } else if (arguments.check) {
        (void)printf("%s: the configuration is right\n",
                     arguments.config_file ? arguments.config_file : "environment");
        code = EXIT_CLEAN;
    } else
        code = live(r);
    settings_done(r);
    free(r);
    return code;
}
