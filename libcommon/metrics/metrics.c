/* The registry: families in the order of their first registration, each with its series. */
#include "metrics/metrics.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

enum { SERIES_LIMIT = 8192, BUCKETS_LIMIT = 32, SCRAPERS_LIMIT = 64 };

typedef enum MetricType { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM } MetricType;

struct Metric {
    Metric *next; /* of the family */
    char *labels; /* "" for none */
    MetricType type;
    double value; /* a histogram's sum */
    uint64_t count;
    size_t n_buckets;
    const double *bounds; /* the family's */
    uint64_t buckets[];   /* not cumulative */
};

typedef struct Family {
    struct Family *next;
    char *name, *help;
    MetricType type;
    size_t n_buckets;
    double bounds[BUCKETS_LIMIT];
    Metric *first, **last;
    Metric *unseen; /* stands for all series beyond the limit */
} Family;

typedef struct Scraper {
    void (*cb)(void *arg);
    void *arg;
} Scraper;

static struct {
    Family *first, **last;
    size_t series;
    Scraper scrapers[SCRAPERS_LIMIT];
    size_t n_scrapers;
} registry = {.last = &registry.first};

const double metric_latency_s[METRIC_LATENCY_BUCKETS] = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

static bool name_is_valid(const char *name) {
    if (!isalpha((unsigned char)*name) && *name != '_') return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_') return false;
    return true;
}

static Family *family(const char *name, const char *help, MetricType type, const double *bounds,
                      size_t n) {
    for (Family *f = registry.first; f; f = f->next)
        if (strcmp(f->name, name) == 0) {
            assert(f->type == type && f->n_buckets == n);
            return f;
        }
    assert(name_is_valid(name) && n <= BUCKETS_LIMIT);
    Family *f = xcalloc(1, sizeof(*f));
    f->name = xstrdup(name);
    f->help = xstrdup(help);
    f->type = type;
    f->n_buckets = n;
    for (size_t i = 0; i < n; i++) {
        assert(i == 0 || bounds[i] > bounds[i - 1]);
        f->bounds[i] = bounds[i];
    }
    f->last = &f->first;
    *registry.last = f;
    registry.last = &f->next;
    return f;
}

static Metric *new_series(const Family *f, const char *labels) {
    Metric *m = xcalloc(1, sizeof(*m) + f->n_buckets * sizeof(m->buckets[0]));
    m->type = f->type;
    m->labels = xstrdup(labels);
    m->n_buckets = f->n_buckets;
    m->bounds = f->bounds;
    return m;
}

static Metric *refused_counter(void) {
    return metric_counter("docket_metrics_refused_total",
                          "Series beyond the limit of 8,192, not shown.", NULL);
}

static Metric *series(const char *name, const char *help, const char *labels, MetricType type,
                      const double *bounds, size_t n) {
    Family *f = family(name, help, type, bounds, n);
    if (!labels) labels = "";
    for (Metric *m = f->first; m; m = m->next)
        if (strcmp(m->labels, labels) == 0) return m;
    if (registry.series >= SERIES_LIMIT) {
        metric_add(refused_counter(), 1);
        if (!f->unseen) f->unseen = new_series(f, "");
        return f->unseen;
    }
    Metric *m = new_series(f, labels);
    *f->last = m;
    f->last = &m->next;
    if (++registry.series == SERIES_LIMIT - 1)
        (void)refused_counter(); /* it takes the last place */
    return m;
}

Metric *metric_counter(const char *name, const char *help, const char *labels) {
    return series(name, help, labels, METRIC_COUNTER, NULL, 0);
}

Metric *metric_gauge(const char *name, const char *help, const char *labels) {
    return series(name, help, labels, METRIC_GAUGE, NULL, 0);
}

Metric *metric_histogram(const char *name, const char *help, const char *labels,
                         const double *buckets, size_t n_buckets) {
    return series(name, help, labels, METRIC_HISTOGRAM, buckets, n_buckets);
}

void metric_add(Metric *m, double by) {
    assert(m->type != METRIC_HISTOGRAM && (m->type == METRIC_GAUGE || by >= 0));
    m->value += by;
}

void metric_set(Metric *m, double value) {
    assert(m->type != METRIC_HISTOGRAM);
    m->value = value;
}

void metric_observe(Metric *m, double value) {
    assert(m->type == METRIC_HISTOGRAM);
    size_t i = 0;
    while (i < m->n_buckets && value > m->bounds[i])
        i++;
    if (i < m->n_buckets) m->buckets[i]++;
    m->count++;
    m->value += value;
}

double metric_value(const Metric *m) {
    return m->type == METRIC_HISTOGRAM ? (double)m->count : m->value;
}

static void add_escaped(Buf *out, Str s, bool quotes) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\n')
            buf_adds(out, "\\n");
        else if (s.p[i] == '\\' || (quotes && s.p[i] == '"')) {
            buf_addc(out, '\\');
            buf_addc(out, s.p[i]);
        } else
            buf_addc(out, s.p[i]);
    }
}

void metric_label(Buf *labels, const char *name, Str value) {
    assert(name_is_valid(name));
    if (labels->n) buf_addc(labels, ',');
    buf_printf(labels, "%s=\"", name);
    add_escaped(labels, value, true);
    buf_addc(labels, '"');
}

void metrics_on_scrape(void (*cb)(void *arg), void *arg) {
    assert(registry.n_scrapers < SCRAPERS_LIMIT);
    registry.scrapers[registry.n_scrapers++] = (Scraper){cb, arg};
}

void metrics_off_scrape(void (*cb)(void *arg), void *arg) {
    for (size_t i = 0; i < registry.n_scrapers; i++) {
        Scraper *s = &registry.scrapers[i];
        if (s->cb != cb || s->arg != arg) continue;
        memmove(s, s + 1, (registry.n_scrapers - i - 1) * sizeof(*s));
        registry.n_scrapers--;
        return;
    }
}

void metrics_build_info(const char *service, const char *version) {
    CLEANUP(buf_done) Buf labels = {0};
    metric_label(&labels, "service", str(service));
    metric_label(&labels, "version", str(version));
    metric_set(metric_gauge("docket_build_info", "Which program this is.", labels.p), 1);
}

static void add_number(Buf *out, double v) {
    if (isnan(v))
        buf_adds(out, "NaN");
    else if (isinf(v))
        buf_adds(out, v > 0 ? "+Inf" : "-Inf");
    else if (v == trunc(v) && fabs(v) < 1e15)
        buf_add_i64(out, (int64_t)v);
    else
        buf_printf(out, "%.15g", v);
}

/* One line: name + suffix, the labels and perhaps `le`. */
static void add_sample(Buf *out, const char *name, const char *suffix, const char *labels,
                       const double *le, double value) {
    buf_printf(out, "%s%s", name, suffix);
    if (*labels || le) {
        buf_printf(out, "{%s%s", labels, *labels && le ? "," : "");
        if (le) {
            buf_adds(out, "le=\"");
            add_number(out, *le);
            buf_addc(out, '"');
        }
        buf_addc(out, '}');
    }
    buf_addc(out, ' ');
    add_number(out, value);
    buf_addc(out, '\n');
}

static void add_histogram(Buf *out, const Family *f, const Metric *m) {
    const double infinite = INFINITY;
    uint64_t below = 0;
    for (size_t i = 0; i < m->n_buckets; i++) {
        below += m->buckets[i];
        add_sample(out, f->name, "_bucket", m->labels, &m->bounds[i], (double)below);
    }
    add_sample(out, f->name, "_bucket", m->labels, &infinite, (double)m->count);
    add_sample(out, f->name, "_sum", m->labels, NULL, m->value);
    add_sample(out, f->name, "_count", m->labels, NULL, (double)m->count);
}

void metrics_render(Buf *ret) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    for (size_t i = 0; i < registry.n_scrapers; i++)
        registry.scrapers[i].cb(registry.scrapers[i].arg);
    for (const Family *f = registry.first; f; f = f->next) {
        buf_printf(ret, "# HELP %s ", f->name);
        add_escaped(ret, str(f->help), false);
        buf_printf(ret, "\n# TYPE %s %s\n", f->name, types[f->type]);
        for (const Metric *m = f->first; m; m = m->next) {
            if (m->type == METRIC_HISTOGRAM)
                add_histogram(ret, f, m);
            else
                add_sample(ret, f->name, "", m->labels, NULL, m->value);
        }
    }
}
