/* Metrics -- the process's counters, gauges and histograms, as Prometheus text 0.0.4.
 *
 * One registry a process, for one thread: threads of libraries must hand their numbers over through
 * the loop. Names follow docket_<room>_<what>_<unit>[_total]; labels never hold ids, addresses or
 * error texts (`tenant` is the one exception, bounded by the number of tenants). At most 8,192
 * series; beyond that all of a family share one that is not shown, and docket_metrics_refused_total
 * counts them. */
#pragma once

#include <stddef.h>

#include "base/text.h"

typedef struct Metric Metric; /* lives as long as the process */

/* `labels` is ready text, `lane="express",kind="new"`, or NULL; see metric_label(). The same name
 * and labels give the same metric again. Counters are shown as 0 from the start. Wrong names, and
 * one name used as two types, are our own mistake: they abort. */
Metric *metric_counter(const char *name, const char *help, const char *labels);
Metric *metric_gauge(const char *name, const char *help, const char *labels);
Metric *metric_histogram(const char *name, const char *help, const char *labels,
                         const double *buckets,
                         size_t n_buckets); /* ascending upper bounds, <= 32 */

/* Seconds, 1 ms to 60 s: for everything that somebody waits for. */
#define METRIC_LATENCY_BUCKETS 15
extern const double metric_latency_s[METRIC_LATENCY_BUCKETS];

void metric_add(Metric *m, double by);    /* counters (by >= 0) and gauges */
void metric_set(Metric *m, double value); /* gauges; counters copied from a library's own count */
void metric_observe(Metric *m, double value); /* histograms */
double metric_value(const Metric *m);         /* a histogram's count */

/* Appends `,name="value"` (without the comma when labels is empty), escaped. */
void metric_label(Buf *labels, const char *name, Str value);

/* cb runs before every metrics_render(), to set gauges that are cheaper to read than to keep. */
void metrics_on_scrape(void (*cb)(void *arg), void *arg);
void metrics_off_scrape(void (*cb)(void *arg), void *arg); /* before arg dies */
/* docket_build_info{service,version} = 1. */
void metrics_build_info(const char *service, const char *version);
/* Appends the whole page. */
void metrics_render(Buf *ret);
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
