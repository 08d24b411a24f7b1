/* Lives out of Histories, their clocks as policy metrics. */
#include "desk/tickets/slas.h"

#include "base/clock.h"
#include "desk/api/answer.h"
#include "desk/api/out.h"
#include "lives/spans.h"
#include "log/log.h"
#include "store/histories.h"

enum { SHOWN_MAX = 100 /* clocks of one ticket */ };

static const char *const names[METRICS] = {
    "first_reply_time",       "next_reply_time",     "periodic_update_time",
    "total_resolution_time",  "requester_wait_time", "agent_work_time",
    "acknowledgement_time",   "stage_new_time",      "stage_assigned_time",
    "stage_in_progress_time", "stage_pending_time",  "stage_on_hold_time"};

typedef struct Loading {
    Request *request;
    History *asked;
    size_t n;
    void (*done)(Request *r, const Str *slas);
} Loading;

/* ---- One clock ---- */

/* Broken stays broken, whatever became of the clock. */
static const char *stage_of(const Clock *c) {
    static const char *const stages[] = {"active", "paused", "achieved", "cancelled"};
    return c->breached_ms != NEVER ? "breached" : stages[c->status];
}

static int64_t breach_at(const Clock *c) {
    if (c->breached_ms != NEVER) return c->breached_ms;
    return clock_reach(c, c->since_ms, c->target_ms);
}

static void add_time(Buf *b, int64_t at_ms) {
    char at[21];
    if (at_ms == NEVER) {
        OUT(b, "null");
        return;
    }
    clock_format_s(at_ms, at);
    buf_add_json(b, (Str){at, 20});
}

/* In the largest unit that there is one of, as Zendesk says it. */
static void add_left(Buf *b, int64_t left_ms) {
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"days", 86400000}, {"hours", 3600000}, {"minutes", 60000}};
    size_t u = 0;
    int64_t size = left_ms < 0 ? -left_ms : left_ms;
    while (u < 2 && size < units[u].ms)
        u++;
    buf_printf(b, ",\"%s\":%lld", units[u].name, (long long)(left_ms / units[u].ms));
}

static void add_clock(Buf *b, const TicketLife *l, const Clock *c) {
    static const char *const statuses[] = {"running", "paused", "fulfilled", "cancelled"};
    const LifeStep *step =
        life_step_before(l, c->ended_ms != NEVER ? c->ended_ms : ticket_life_now_ms(l));
    int64_t left = c->target_ms - clock_elapsed(c);
    const Target *t =
        step && step->policy ? &step->policy->targets[c->metric][step->priority] : NULL;
    OUT(b, "{\"breach_at\":");
    add_time(b, breach_at(c));
    buf_printf(b, ",\"stage\":\"%s\",\"metric\":\"%s\"", stage_of(c), names[c->metric]);
    add_left(b, left);
    buf_printf(b, ",\"target\":%lld,\"target_in_seconds\":%lld,\"left_in_seconds\":%lld",
               (long long)(c->target_ms / 60000), (long long)(c->target_ms / 1000),
               (long long)(left / 1000));
    buf_printf(b, ",\"business_hours\":%s", t && t->hours ? "true" : "false");
    OUT(b, ",\"policy\":");
    if (step && step->policy)
        buf_add_json(b, step->policy->title);
    else
        OUT(b, "null");
    buf_printf(b, ",\"instance\":%d,\"status\":\"%s\",\"started_at\":", c->instance,
               statuses[c->status]);
    add_time(b, c->start_ms);
    OUT(b, ",\"ended_at\":");
    add_time(b, c->ended_ms);
    OUT(b, "}");
}

/* Of each metric the last instance, and of the earlier ones those that were broken. */
static bool is_shown(const Clock *clocks, size_t n, size_t i) {
    bool last = i + 1 == n || clocks[i + 1].metric != clocks[i].metric;
    return clocks[i].target_ms && (last || clocks[i].breached_ms != NEVER);
}

static Str write_life(const TicketLife *l, Arena *arena) {
    CLEANUP(buf_done) Buf b = {0};
    const Clock *clocks;
    size_t n = ticket_life_clocks(l, &clocks), shown = 0, passed = 0;
    for (size_t i = 0; i < n; i++)
        shown += is_shown(clocks, n, i);
    OUT(&b, "{\"policy_metrics\":[");
    for (size_t i = 0; i < n; i++) {
        if (!is_shown(clocks, n, i)) continue;
        if (passed++ + SHOWN_MAX < shown) continue;
        if (b.p[b.n - 1] != '[') OUT(&b, ",");
        add_clock(&b, l, &clocks[i]);
    }
    OUT(&b, "]}");
    return arena_str(arena, buf_str(&b));
}

/* ---- All of them ---- */

static void told(void *arg, HistoriesOutcome outcome, const char *problem) {
    Loading *l = arg;
    Request *r = l->request;
    if (outcome != HISTORIES_DONE) {
        log_warn(ABOUT(r->subject.tenant_id, 0), "clocks cannot be told: %s",
                 problem ? problem : "no reason given");
        answer_unavailable(r, "The database is away; ask again", -1);
        return;
    }
    Str *slas = arena_alloc(r->arena, (l->n + 1) * sizeof(*slas));
    for (size_t i = 0; i < l->n; i++) {
        History *h = &l->asked[i];
        slas[i] = h->life ? write_life(h->life, r->arena) : STR("{\"policy_metrics\":[]}");
        if (h->fate == HISTORY_BROKEN)
            log_error(ABOUT(h->tenant_id, h->ticket_id), "its clocks cannot be told: %s",
                      h->problem);
        h->life = ticket_life_free(h->life);
    }
    l->done(r, slas);
}

void slas_read(Request *r, const int64_t *ids, size_t n,
               void (*done)(Request *r, const Str *slas)) {
    Loading *l = arena_alloc(r->arena, sizeof(*l));
    *l = (Loading){.request = r,
                   .asked = arena_zalloc(r->arena, (n + 1) * sizeof(History)),
                   .n = n,
                   .done = done};
    for (size_t i = 0; i < n; i++)
        l->asked[i] = (History){.tenant_id = r->subject.tenant_id,
                                .ticket_id = ids[i],
                                .upto_ms = NEVER,
                                .judge_ms = r->now_ms,
                                .history = true};
    histories_lives(r->desk->histories, l->asked, n, told, l);
}

Buf *slas_insert(Request *r, const Buf *body, const size_t *ends, size_t n, const Str *slas) {
    Buf *with = request_buf(r);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        buf_add(with, body->p + at, ends[i] - 1 - at);
        OUT(with, ",\"slas\":");
        buf_add_str(with, slas[i]);
        at = ends[i] - 1;
    }
    buf_add(with, body->p + at, body->n - at);
    return with;
}

/* ---- The part ---- */

static int start(Desk *d, Buf *ret_problem) {
    (void)ret_problem;
    d->histories = histories_new(d->loop, d->pool);
    return 0;
}

static void stop(Desk *d) {
    d->histories = histories_free(d->histories);
}

const DeskPart slas_part = {.name = "slas", .start = start, .stop = stop};
