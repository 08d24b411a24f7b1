/* SurgeLoad -- sends a plan's requests at their times, whatever the gate does, and measures from
 * the time at which each was meant to be sent: a gate that stalls cannot hide it (no coordinated
 * omission). One thread, raw sockets, keep-alive connections. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"
#include "docket/latency.h"
#include "docket/surge_body.h"
#include "docket/surge_plan.h"

enum { SURGE_STATUSES = 600, SURGE_DEPTH_MAX = 16 };

typedef struct SurgeSender {
    Str tenant; /* number, as written to the file of accepted ids; "0": not known */
    Str token;
} SurgeSender;

typedef struct SurgeSettings {
    const char *urls; /* http://host:port[,http://host:port...] */
    const SurgeSender *senders;
    size_t senders_n;
    const SurgePlan *plan;
    SurgeBodies *bodies;
    int connections;    /* in all */
    int depth;          /* requests under way on one connection, at most SURGE_DEPTH_MAX */
    int64_t timeout_us; /* without an answer for so long: the connection is given up */
    bool retry;         /* 503, 429 and lost connections: again under the same key */
    FILE *accepted;     /* or NULL: "tenant ticket key sent_ms" of every new ticket */
    bool progress;      /* a line each second on standard error */
} SurgeSettings;

typedef struct SurgeResult {
    int64_t sent;     /* requests written, retries included */
    int64_t unsent;   /* due, but never written: no connection was free */
    int64_t accepted; /* different tickets answered 201 */
    int64_t twice;    /* duplicates answered 201 with the same id */
    int64_t other_id; /* answered 201 with another id than the first time: an alias, or a doubled
                         ticket; `docket verify --accepted` tells which */
    int64_t refused[SURGE_STATUSES]; /* final answers other than 201, by status */
    int64_t no_answer;               /* connection lost or timeout, and not made good by a retry */
    int64_t retries;
    int64_t broken; /* answers that are no HTTP, or no ticket */
    int64_t reconnects;
    int64_t late_us; /* most that sending lagged behind its time */
    int64_t took_us;
    double cpu_us;   /* of this process, a request */
    Latency latency; /* intended time to 201 */
} SurgeResult;

/* 0 and *ret; -EINVAL or -errno with a sentence in *ret_problem. SIGINT ends it early, and
 * what is known so far is the result. */
int surge_run(const SurgeSettings *settings, SurgeResult *ret, Buf *ret_problem);
