/* One tenant at a time:
 *
 *   surges ─▶ (history ─▶ fitted by a thread) ─▶ counts ─▶ stepped
 *        ─▶ for each surge that began: its tickets ─▶ texts ─▶ looked through by a thread
 *        ─▶ written
 *
 * Whatever fails is asked again from the beginning a little later: nothing is kept but by the last
 * step. */
#include "analytics/radar/radar.h"

#include <errno.h>
#include <stdlib.h>

#include "analytics/keeping/keeping.h"
#include "analytics/radar/gathering.h"
#include "analytics/radar/statements.h"
#include "analytics/table/loading.h"
#include "analytics/table/tables.h"
#include "base/clock.h"
#include "base/crash.h"
#include "documents/zones.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "store/ids.h"
#include "workers/workers.h"

enum {
    HOUR_MS = 3600000,
    RETRY_MS = 3000,
    IDS_MS = 200,
    TENANTS_MAX = 4096,
    FOUND_MAX = 50, /* surges of one round */
    YOUNG_HOURS = 2 * WEEK_HOURS
};

typedef struct Watched { /* so far in this life */
    int64_t tenant_id, upto_ms;
} Watched;

struct Radars {
    Analytics *analytics;
    Workers *workers;
    Ids *ids;
    Watched *watched;
    size_t watched_n;
    SurgeRules rules;
    bool busy, stopped;
    int64_t not_before_ms; /* monotonic */
    LoopTimer *timer;
    Params params[2];

    /* The round. */
    Arena *arena;
    RadarRound round;
    Zone *zone; /* of the tenant's documents; NULL: UTC */
    int64_t cut_ms, until_ms;
    RadarSeries *series;
    size_t series_n;
    RadarFound found[FOUND_MAX];
    RadarOver *over;
    size_t at; /* the surge being looked at */
    const int64_t *before_ids;
    int64_t history_hour, history_hours; /* local hours of the past, the first and how many */
    int64_t fit_from_ms;

    Metric *findings, *failures, *tenants;
};

static void next_tenant(Radars *r);
static void look_at_found(Radars *r);
static void read_counts(Radars *r);

static int64_t offset_at(const Radars *r, int64_t utc_ms) {
    int64_t from, until;
    return r->zone ? zone_offset_ms(r->zone, utc_ms, &from, &until) : 0;
}

static int64_t floor_to(int64_t ms, int64_t unit) {
    return ms - ms % unit;
}

/* ---- Ends of a round ---- */

static void round_end(Radars *r, int64_t upto_ms) {
    Watched *w = r->watched, *end = w + r->watched_n;
    while (w < end && w->tenant_id != r->round.tenant_id)
        w++;
    if (w == end && r->watched_n < TENANTS_MAX) {
        r->watched = xrealloc(r->watched, (r->watched_n + 1) * sizeof(*r->watched));
        w = &r->watched[r->watched_n++];
        w->tenant_id = r->round.tenant_id;
        end = w + 1;
    }
    if (w < end) w->upto_ms = upto_ms;
    r->busy = false;
    if (!r->stopped) next_tenant(r);
}

static void round_failed(Radars *r, const char *why) {
    log_warn(ABOUT(r->round.tenant_id, 0), "the radar looks again later: %s", why);
    metric_add(r->failures, 1);
    r->not_before_ms = clock_monotonic_ms() + RETRY_MS;
    r->busy = false;
}

static const char *words(PostgresOutcome outcome, const PostgresProblem *problem) {
    (void)outcome;
    return problem && problem->text && *problem->text ? problem->text : "PostgreSQL is away";
}

static void ask(Radars *r, unsigned flags, const PostgresStatement *a, const PostgresStatement *b,
                PostgresDone done) {
    params_clear(&r->params[0]);
    params_i64(&r->params[0], r->round.tenant_id);
    PostgresQuery queries[] = {
        {&radar_tenant_statement, &r->params[0]}, {a, &r->params[1]}, {b, &r->params[0]}};
    if (postgres_pool_run(r->analytics->pool, flags, queries, b ? 3 : 2, done, r) < 0)
        round_failed(r, "too much waits for PostgreSQL");
}

/* ---- Written ---- */

static void on_written(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Radars *r = arg;
    if (outcome != POSTGRES_COMMITTED) {
        round_failed(r, words(outcome, problem));
        return;
    }
    if (r->round.found_n) CRASH_POINT("radar-found");
    if (rows_int(results[1], 0, 0) == 0) {
        round_failed(r, "somebody else watches this tenant");
        return;
    }
    metric_add(r->findings, (double)rows_int(results[1], 0, 1));
    for (size_t i = 0; i < r->round.found_n; i++)
        log_info(ABOUT(r->round.tenant_id, r->round.found[i].problem_id),
                 "a surge was found: %lld tickets where %.1f were expected",
                 (long long)r->round.found[i].account.moment.observed,
                 r->round.found[i].account.moment.expected);
    round_end(r, r->round.upto_ms);
}

static void write_round(Radars *r) {
    if (r->round.found_n) CRASH_POINT("radar-before-found");
    r->round.series = r->series;
    r->round.series_n = r->series_n;
    r->round.found = r->found;
    r->round.over = r->over;
    params_clear(&r->params[1]);
    radar_write_params(&r->params[1], &r->round);
    ask(r, 0, &radar_write_statement, NULL, on_written);
}

/* ---- What began ---- */

static RadarFound *found_now(Radars *r) {
    return &r->found[r->at];
}

static void write_words(Radars *r, RadarFound *f) {
    CLEANUP(buf_done) Buf key = {0}, message = {0};
    Account *a = &f->account;
    account_write(a, r->arena);
    f->cause = surge_cause(r->round.tenant_id, a->category, a->moment.began_ms);
    Signal s = {.kind = SIGNAL_SURGE_FOUND,
                .tenant_id = r->round.tenant_id,
                .cause = f->cause,
                .at_ms = clock_wall_ms(),
                .ticket_id = f->problem_id,
                .surge = {.category = a->category,
                          .began_ms = a->moment.began_ms,
                          .found_ms = a->moment.at_ms,
                          .subject = a->subject,
                          .description = a->description,
                          .priority = PRIORITY_HIGH,
                          .group_id = a->group_id,
                          .incidents = a->incidents,
                          .incidents_n = a->incidents_n}};
    signal_key(&s, &key);
    signal_encode(&s, &message);
    f->key = arena_str(r->arena, buf_str(&key));
    f->message = arena_str(r->arena, buf_str(&message));
}

static void look(void *arg) { /* in a thread: the round waits */
    Radars *r = arg;
    account_look(&found_now(r)->account, r->arena);
}

static void on_looked(void *arg, bool ran) {
    Radars *r = arg;
    if (!ran || r->stopped) {
        r->busy = false;
        return;
    }
    write_words(r, found_now(r));
    r->at++;
    look_at_found(r);
}

static int by_number(const void *x, const void *y) {
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

static void on_texts(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Radars *r = arg;
    Account *a = &found_now(r)->account;
    if (outcome != POSTGRES_COMMITTED) {
        round_failed(r, words(outcome, problem));
        return;
    }
    const PostgresRows *rows = results[1];
    size_t n = rows_count(rows), own = a->n < ACCOUNT_TEXTS_MAX ? a->n : ACCOUNT_TEXTS_MAX;
    AccountText *texts = arena_alloc(r->arena, (n + 1) * sizeof(*texts));
    Str *others = arena_alloc(r->arena, (n + 1) * sizeof(*others));
    for (size_t i = 0; i < n; i++) {
        Str subject = rows_str(rows, i, 1), description = rows_str(rows, i, 2);
        Str text =
            str(arena_printf(r->arena, "%.*s\n%.*s", STR_ARG(subject), STR_ARG(description)));
        int64_t id = rows_int(rows, i, 0);
        if (own && bsearch(&id, a->ids, own, sizeof(id), by_number))
            texts[a->texts_n++] = (AccountText){id, arena_str(r->arena, subject), text};
        else
            others[a->others_n++] = text;
    }
    a->texts = texts;
    a->others = others;
    if (workers_run(r->workers, look, on_looked, r) < 0) round_failed(r, "no thread is free");
}

static void read_texts(Radars *r) {
    RadarFound *f = found_now(r);
    Account *a = &f->account;
    Params *p = &r->params[1];
    FactTable *table =
        r->analytics->tables ? fact_tables_find(r->analytics->tables, r->round.tenant_id) : NULL;
    gathering_fill(a, table, r->arena, &r->before_ids);
    a->value = gathering_value;
    a->arg = table;
    size_t own = a->n < ACCOUNT_TEXTS_MAX ? a->n : ACCOUNT_TEXTS_MAX;
    size_t before = a->before_n < ACCOUNT_TEXTS_MAX ? a->before_n : ACCOUNT_TEXTS_MAX;
    params_clear(p);
    params_i64(p, r->round.tenant_id);
    params_array(p, PARAM_INT8, own + before);
    for (size_t i = 0; i < own; i++)
        params_element_i64(p, a->ids[i]);
    for (size_t i = 0; i < before; i++) /* the latest */
        params_element_i64(p, r->before_ids[a->before_n - before + i]);
    ask(r, POSTGRES_READ_ONLY, &radar_texts_statement, NULL, on_texts);
}

/* A surge has a number before there is a ticket: from a block of our own, leased for the first. */
static void look_at_found(Radars *r) {
    if (r->at == r->round.found_n) {
        write_round(r);
        return;
    }
    if (!r->ids)
        r->ids = ids_new(r->analytics->loop, r->analytics->settings->postgres_url,
                         r->analytics->instance, NULL);
    RadarFound *f = found_now(r);
    if (!f->problem_id) f->problem_id = r->ids ? ids_next(r->ids) : 0;
    if (f->problem_id)
        read_texts(r);
    else
        loop_timer_arm(r->timer, IDS_MS);
}

static void on_timer(void *arg) {
    Radars *r = arg;
    if (r->busy && !r->stopped) look_at_found(r);
}

/* ---- Stepped ---- */

static void add_found(Radars *r, Str category, const WatchMoment *m) {
    if (r->round.found_n == FOUND_MAX) return; /* a tenant all of whose categories surge */
    r->found[r->round.found_n++] = (RadarFound){
        .account = {.category = category, .moment = *m, .offset_ms = offset_at(r, m->began_ms)}};
}

static void add_over(Radars *r, Str category, const WatchMoment *m) {
    for (size_t i = 0; i < r->round.found_n; i++)
        if (str_eq(r->found[i].account.category, category) &&
            r->found[i].account.moment.began_ms == m->began_ms) {
            r->found[i].over_ms = m->at_ms;
            return;
        }
    r->over[r->round.over_n++] = (RadarOver){category, m->began_ms, m->at_ms};
}

static void step_all(Radars *r) {
    size_t quarters = (size_t)((r->until_ms - r->round.from_ms) / WATCH_QUARTER_MS);
    r->over = arena_alloc(r->arena, (r->series_n + 1) * sizeof(*r->over));
    r->round.found_n = r->round.over_n = 0;
    for (size_t i = 0; i < r->series_n; i++) {
        RadarSeries *s = &r->series[i];
        for (size_t q = 0; q < quarters; q++) {
            WatchMoment m;
            int64_t at_ms = r->round.from_ms + (int64_t)q * WATCH_QUARTER_MS;
            WatchSaw saw =
                watch_step(&s->watch, &r->rules, at_ms, watch_hour(at_ms, offset_at(r, at_ms)),
                           s->quarters ? s->quarters[q] : 0, &m);
            if (saw == WATCH_BEGAN) add_found(r, s->category, &m);
            /* Of earlier rounds there is one at most; a later one of this round is among `found`,
             * or beyond their number. */
            if (saw == WATCH_OVER && (r->round.over_n < r->series_n)) add_over(r, s->category, &m);
        }
    }
}

static RadarSeries *series_of(Radars *r, Str category) {
    size_t low = 0, high = r->series_n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        Str at = r->series[middle].category;
        size_t n = at.n < category.n ? at.n : category.n;
        int order = n ? memcmp(at.p, category.p, n) : 0;
        if (order == 0) order = (at.n > category.n) - (at.n < category.n);
        if (order == 0) return &r->series[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int by_category(const void *x, const void *y) {
    const RadarSeries *a = x, *b = y;
    size_t n = a->category.n < b->category.n ? a->category.n : b->category.n;
    int order = n ? memcmp(a->category.p, b->category.p, n) : 0;
    return order ? order : (a->category.n > b->category.n) - (a->category.n < b->category.n);
}

static void on_counts(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Radars *r = arg;
    if (outcome != POSTGRES_COMMITTED) {
        round_failed(r, words(outcome, problem));
        return;
    }
    const PostgresRows *rows = results[1];
    size_t quarters = (size_t)((r->until_ms - r->round.from_ms) / WATCH_QUARTER_MS);
    for (size_t i = 0; i < rows_count(rows); i++) {
        RadarSeries *s = series_of(r, rows_str(rows, i, 0));
        size_t q = (size_t)((rows_int(rows, i, 1) - r->round.from_ms) / WATCH_QUARTER_MS);
        if (!s || q >= quarters) continue; /* of a category not yet watched */
        if (!s->quarters) s->quarters = arena_zalloc(r->arena, quarters * sizeof(*s->quarters));
        s->quarters[q] += (int32_t)rows_int(rows, i, 2);
    }
    step_all(r);
    r->at = 0;
    look_at_found(r);
}

static void read_counts(Radars *r) {
    Params *p = &r->params[1];
    params_clear(p);
    params_i64(p, r->round.tenant_id);
    params_time_ms(p, r->round.from_ms);
    params_time_ms(p, r->until_ms);
    ask(r, POSTGRES_READ_ONLY, &radar_counts_statement, NULL, on_counts);
}

/* ---- Fitted ---- */

static void fit(void *arg) { /* in a thread: the round waits */
    Radars *r = arg;
    for (size_t i = 0; i < r->series_n; i++) {
        RadarSeries *s = &r->series[i];
        bool young = !s->hours || (r->round.fitted_ms - s->first_ms) / HOUR_MS < YOUNG_HOURS;
        watch_fit(&s->watch, &r->rules, s->hours, young ? 0 : (size_t)r->history_hours,
                  r->history_hour);
    }
}

static void on_fitted(void *arg, bool ran) {
    Radars *r = arg;
    if (!ran || r->stopped) {
        r->busy = false;
        return;
    }
    read_counts(r);
}

static int by_total(const void *x, const void *y) {
    const RadarSeries *a = x, *b = y;
    bool rages_a = a->watch.began_ms, rages_b = b->watch.began_ms;
    if (rages_a != rages_b) return rages_a ? -1 : 1;
    if (a->total != b->total) return a->total > b->total ? -1 : 1;
    return by_category(x, y);
}

/* Those of the past beside those that are watched. */
static void join_series(Radars *r, const PostgresRows *rows) {
    size_t n = rows_count(rows), kept = r->series_n;
    RadarSeries *all = arena_zalloc(r->arena, (kept + n + 1) * sizeof(*all));
    for (size_t i = 0; i < kept; i++)
        all[i] = r->series[i];
    size_t all_n = kept;
    RadarSeries *at = NULL;
    Str last = STR("");
    for (size_t i = 0; i < n; i++) {
        Str category = rows_str(rows, i, 0);
        int64_t hour_ms = rows_int(rows, i, 1);
        if (!at || !str_eq(last, category)) {
            last = category;
            at = series_of(r, category);
            at = at ? &all[at - r->series] : &all[all_n++];
            if (!at->category.p) at->category = arena_str(r->arena, category);
            at->first_ms = hour_ms;
        }
        int64_t hour = watch_hour(hour_ms, offset_at(r, hour_ms)) - r->history_hour;
        if (hour < 0 || hour >= r->history_hours) continue;
        if (!at->hours) {
            at->hours = arena_alloc(r->arena, (size_t)r->history_hours * sizeof(*at->hours));
            for (int64_t h = 0; h < r->history_hours; h++)
                at->hours[h] = PROFILE_UNKNOWN; /* also what a clock change skips */
            for (int64_t ms = r->fit_from_ms; ms < r->round.fitted_ms; ms += HOUR_MS) {
                int64_t known = watch_hour(ms, offset_at(r, ms)) - r->history_hour;
                if (known >= 0 && known < r->history_hours) at->hours[known] = 0;
            }
        }
        int64_t arrived = rows_int(rows, i, 2);
        at->hours[hour] += (int32_t)(arrived < INT32_MAX / 2 ? arrived : INT32_MAX / 2);
        at->total += arrived;
    }
    if (all_n > RADAR_CATEGORIES_MAX) {
        qsort(all, all_n, sizeof(*all), by_total);
        all_n = RADAR_CATEGORIES_MAX;
    }
    if (all_n > 1) qsort(all, all_n, sizeof(*all), by_category);
    r->series = all;
    r->series_n = all_n;
}

static void on_history(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Radars *r = arg;
    if (outcome != POSTGRES_COMMITTED) {
        round_failed(r, words(outcome, problem));
        return;
    }
    /* Before the tenant's first window nobody counted. */
    int64_t first_ms =
        rows_null(results[2], 0, 0) ? r->round.fitted_ms : rows_time_ms(results[2], 0, 0);
    if (first_ms > r->fit_from_ms) r->fit_from_ms = floor_to(first_ms + HOUR_MS - 1, HOUR_MS);
    if (r->fit_from_ms > r->round.fitted_ms) r->fit_from_ms = r->round.fitted_ms;
    r->history_hour = watch_hour(r->fit_from_ms, offset_at(r, r->fit_from_ms));
    r->history_hours =
        watch_hour(r->round.fitted_ms, offset_at(r, r->round.fitted_ms)) - r->history_hour;
    if (r->history_hours < 0) r->history_hours = 0;
    join_series(r, results[1]);
    if (workers_run(r->workers, fit, on_fitted, r) < 0) round_failed(r, "no thread is free");
}

static void read_history(Radars *r) {
    Params *p = &r->params[1];
    r->fit_from_ms = r->round.fitted_ms - (int64_t)WATCH_WEEKS * 7 * WATCH_DAY_MS;
    int64_t within = offset_at(r, r->round.fitted_ms) % HOUR_MS;
    params_clear(p);
    params_i64(p, r->round.tenant_id);
    params_time_ms(p, r->fit_from_ms);
    params_time_ms(p, r->round.fitted_ms);
    params_time_ms(p, within ? HOUR_MS - within : 0); /* an instant at which an hour begins */
    ask(r, POSTGRES_READ_ONLY, &radar_history_statement, &radar_first_statement, on_history);
}

/* ---- Where it stands ---- */

static int read_series(Radars *r, const PostgresRows *rows, size_t i) {
    RadarSeries *s = &r->series[i];
    s->category = arena_str(r->arena, rows_str(rows, i, 0));
    s->watch.began_ms = rows_null(rows, i, 5) ? 0 : rows_time_ms(rows, i, 5);
    if (surge_unpack(rows_str(rows, i, 4), &s->watch.surge) < 0) return -1;
    return watch_unpack_profile(&s->watch, rows_str(rows, i, 3));
}

static void on_surges(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Radars *r = arg;
    if (outcome != POSTGRES_COMMITTED) {
        round_failed(r, words(outcome, problem));
        return;
    }
    const PostgresRows *rows = results[1];
    RadarRound *round = &r->round;
    r->series_n = rows_count(rows);
    r->series = arena_zalloc(r->arena, (r->series_n + 1) * sizeof(*r->series));
    int64_t fitted_ms = 0;
    round->from_ms = floor_to(r->cut_ms, WATCH_DAY_MS); /* a tenant never watched: from today */
    for (size_t i = 0; i < r->series_n; i++) {
        round->from_ms = rows_time_ms(rows, i, 1);
        fitted_ms = rows_time_ms(rows, i, 2);
        if (read_series(r, rows, i) == 0) continue;
        r->series[i].watch = (Watch){0}; /* of another release: from the beginning */
        fitted_ms = 0;
    }
    if (r->series_n > 1) qsort(r->series, r->series_n, sizeof(*r->series), by_category);
    if (round->from_ms >= r->cut_ms) {
        round_end(r, r->cut_ms);
        return;
    }
    round->fitted_ms = floor_to(round->from_ms, WATCH_DAY_MS);
    r->until_ms = round->fitted_ms + WATCH_DAY_MS;
    if (r->until_ms > r->cut_ms) r->until_ms = r->cut_ms;
    round->upto_ms = r->until_ms;
    round->fitted = fitted_ms != round->fitted_ms;
    if (round->fitted)
        read_history(r);
    else
        read_counts(r);
}

static void begin(Radars *r, int64_t tenant_id, int64_t cut_ms) {
    const Catalog *c = configuration_catalog(r->analytics->configuration, tenant_id);
    Str zone = c ? catalog_time_zone(c) : (Str){NULL, 0};
    arena_reset(r->arena);
    r->zone = zone_free(r->zone);
    if (zone.n) r->zone = zones_read(zone);
    r->busy = true;
    r->cut_ms = cut_ms;
    r->round = (RadarRound){.tenant_id = tenant_id, .instance = r->analytics->instance};
    params_clear(&r->params[1]);
    params_i64(&r->params[1], tenant_id);
    ask(r, POSTGRES_READ_ONLY, &radar_surges_statement, NULL, on_surges);
}

/* ---- Whose turn it is ---- */

static int64_t watched_upto(const Radars *r, int64_t tenant_id) {
    for (size_t i = 0; i < r->watched_n; i++)
        if (r->watched[i].tenant_id == tenant_id) return r->watched[i].upto_ms;
    return 0;
}

static void next_tenant(Radars *r) {
    Analytics *a = r->analytics;
    if (r->busy || r->stopped || a->draining || clock_monotonic_ms() < r->not_before_ms) return;
    if (!a->keeper || !keeper_ready(a->keeper) || keeper_filled(a->keeper) < 1) return;
    if (!a->loading || !loading_ready(a->loading)) return; /* a surge's tickets are read there */
    int64_t now_ms = clock_wall_ms();
    int64_t cut_ms = floor_to(now_ms - a->settings->radar_wait_ms, WATCH_QUARTER_MS);
    if (keeper_kept_ms(a->keeper, now_ms) < cut_ms) return; /* some of it is on its way */
    int64_t tenants[TENANTS_MAX];
    size_t n = configuration_tenants(a->configuration, tenants, TENANTS_MAX);
    size_t ours = 0;
    if (n > TENANTS_MAX) n = TENANTS_MAX;
    for (size_t i = 0; i < n; i++) {
        if (!keeper_has_tenant(a->keeper, tenants[i])) continue;
        ours++;
        if (watched_upto(r, tenants[i]) >= cut_ms) continue;
        begin(r, tenants[i], cut_ms);
        return;
    }
    metric_set(r->tenants, (double)ours);
}

static void tick(Analytics *a) {
    if (a->radars) next_tenant(a->radars);
}

static int start(Analytics *a, Buf *ret_problem) {
    Radars *r = a->radars = xcalloc(1, sizeof(*r));
    r->analytics = a;
    r->rules = SURGE_RULES_DEFAULT;
    r->rules.false_every = (double)a->settings->radar_false_ms / HOUR_MS;
    r->arena = arena_new(64 * 1024);
    r->timer = loop_timer_new(a->loop, on_timer, r);
    r->workers = workers_new(a->loop, 1, 4);
    r->findings = metric_counter("docket_analytics_findings_total", "Surges that were found", NULL);
    r->failures = metric_counter("docket_analytics_radar_failures_total",
                                 "Rounds of the radar that are repeated", NULL);
    r->tenants =
        metric_gauge("docket_analytics_radar_tenants", "Tenants watched by this one", NULL);
    if (r->workers) return 0;
    buf_adds(ret_problem, "the system gives no thread");
    return -ENOMEM;
}

static bool drained(Analytics *a) {
    return !a->radars || !a->radars->busy;
}

static void free_radars(void *p) {
    Radars *r = p;
    for (size_t i = 0; i < sizeof(r->params) / sizeof(*r->params); i++)
        params_done(&r->params[i]);
    zone_free(r->zone);
    arena_free(r->arena);
    free(r->watched);
    free(r);
}

static void stop(Analytics *a) {
    Radars *r = a->radars;
    if (!r) return;
    r->stopped = true;
    r->workers = workers_free(r->workers);
    r->ids = ids_free(r->ids);
    r->timer = loop_timer_free(r->timer);
    loop_free_later(a->loop, r, free_radars); /* what it asked of the pool is answered yet */
    a->radars = NULL;
}

const AnalyticsPart radar_part = {
    .name = "radar", .start = start, .tick = tick, .drained = drained, .stop = stop};
