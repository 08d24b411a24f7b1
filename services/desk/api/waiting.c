/* One line of those who wait, one question to PostgreSQL for all of them, again and again. */
#include "desk/api/waiting.h"

#include <errno.h>

#include "base/clock.h"
#include "desk/api/answer.h"
#include "desk/api/request_internal.h"
#include "desk/desk.h"
#include "store/arrivals.h"

enum { LOOK_AGAIN_MS = 20, PER_LOOK = 1000 };

static const PostgresStatement fence = {"desk_waiting_fence",
                                        "SELECT set_config('docket.tenants', $1::text, true)"};
static const PostgresStatement look_for = {
    "desk_waiting_look",
    "SELECT i.n::bigint, t.id FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY"
    " i (tenant_id, id, n)"
    " CROSS JOIN LATERAL (SELECT coalesce((SELECT a.ticket_id FROM ticket.aliases a"
    "   WHERE a.tenant_id = i.tenant_id AND a.id = i.id), i.id) AS id OFFSET 0) w"
    " CROSS JOIN LATERAL (SELECT t.id FROM ticket.tickets t"
    "   WHERE t.tenant_id = i.tenant_id AND t.id = w.id LIMIT 1) t ORDER BY i.n"};

typedef enum WaiterState {
    WAITER_NEW,    /* not looked for yet */
    WAITER_ASKING, /* is its id only just on its way? */
    WAITER_WAITS   /* it is; looked for again and again */
} WaiterState;

typedef struct Waiter { /* in the request's arena */
    struct Waiter *next, *before;
    Request *request;
    WaiterState state;
    int64_t until_ms; /* monotonic */
    ArrivalsWait *asked;
} Waiter;

struct Waiting {
    Desk *desk;
    Arrivals *arrivals;
    Waiter *first, *last;
    size_t n;
    Waiter *looked[PER_LOOK]; /* with the question that is running */
    size_t looked_n;
    bool looking, deferred, dead;
    Params fence, params;
    Buf tenants;
    PostgresQuery queries[2];
    LoopTimer *again;
    Metric *waiting, *came, *never, *late, *crowded;
};

static void look(struct Waiting *w);

/* ---- the line ---- */

static void enqueue(struct Waiting *w, Waiter *one) {
    one->before = w->last;
    if (w->last)
        w->last->next = one;
    else
        w->first = one;
    w->last = one;
    w->n++;
}

static Request *leave(struct Waiting *w, Waiter *one) {
    if (one->asked) arrivals_forget(one->asked);
    one->asked = NULL;
    if (one->before)
        one->before->next = one->next;
    else
        w->first = one->next;
    if (one->next)
        one->next->before = one->before;
    else
        w->last = one->before;
    w->n--;
    one->request->inner->phase = TICKET_SETTLED;
    return one->request;
}

static size_t waiting_of(const struct Waiting *w, const Request *r) {
    size_t n = 0;
    for (const Waiter *o = w->first; o; o = o->next)
        n += o->state == WAITER_WAITS && o->request->subject.tenant_id == r->subject.tenant_id &&
             o->request->token_id == r->token_id && o->request->session_id == r->session_id;
    return n;
}

/* ---- ends of a wait ---- */

static void end_found(struct Waiting *w, Waiter *one, int64_t id) {
    if (one->state == WAITER_WAITS) metric_add(w->came, 1);
    Request *r = leave(w, one);
    r->ids[0] = id;
    r->context = NULL;
    r->route->handle(r);
}

static void end_unknown(struct Waiting *w, Waiter *one) {
    metric_add(w->never, 1);
    answer_not_found(leave(w, one));
}

static void end_late(struct Waiting *w, Waiter *one) {
    metric_add(w->late, 1);
    answer_unavailable(leave(w, one), "Tickets take longer than usual; ask again", -1);
}

/* ---- is it on its way? ---- */

static void on_recent(void *arg, bool recent) {
    Waiter *one = arg;
    Desk *d = one->request->desk;
    struct Waiting *w = d->waiting;
    one->asked = NULL;
    if (!recent || d->config->ticket_wait_ms == 0) {
        end_unknown(w, one);
    } else if (waiting_of(w, one->request) >= WAITING_PER_TOKEN) {
        metric_add(w->crowded, 1);
        answer_unavailable(leave(w, one), "Too many of your requests wait for their tickets", -1);
    } else {
        one->state = WAITER_WAITS;
        if (!loop_timer_armed(w->again)) loop_timer_arm(w->again, LOOK_AGAIN_MS);
    }
}

static void not_there(struct Waiting *w, Waiter *one, int64_t now) {
    if (one->state == WAITER_NEW) {
        one->state = WAITER_ASKING;
        one->asked = arrivals_ask(w->arrivals, one->request->ids[0], on_recent, one);
        if (!one->asked) end_late(w, one); /* too many ask: nobody knows */
    } else if (now >= one->until_ms) {
        if (arrivals_late(w->arrivals, w->desk->config->ticket_wait_ms))
            end_late(w, one);
        else
            end_unknown(w, one);
    }
}

/* ---- looking ---- */

static void on_rows(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    struct Waiting *w = arg;
    int64_t now = clock_monotonic_ms();
    size_t row = 0, n = w->looked_n;
    (void)problem;
    w->looking = false;
    w->looked_n = 0;
    for (size_t i = 0; i < n; i++) {
        Waiter *one = w->looked[i];
        const PostgresRows *rows = outcome == POSTGRES_COMMITTED ? results[1] : NULL;
        if (!rows)
            end_late(w, one);
        else if (row < rows_count(rows) && rows_int(rows, row, 0) == (int64_t)i + 1)
            end_found(w, one, rows_int(rows, row++, 1));
        else
            not_there(w, one, now);
    }
    if (w->first && !loop_timer_armed(w->again)) loop_timer_arm(w->again, LOOK_AGAIN_MS);
    for (Waiter *o = w->first; o; o = o->next) {
        if (o->state != WAITER_NEW) continue;
        look(w); /* they came while this was under way */
        break;
    }
}

static void name_tenants(struct Waiting *w) {
    buf_clear(&w->tenants);
    buf_addc(&w->tenants, '{');
    for (size_t i = 0; i < w->looked_n; i++) {
        int64_t tenant = w->looked[i]->request->subject.tenant_id;
        if (i && tenant == w->looked[i - 1]->request->subject.tenant_id) continue;
        if (i) buf_addc(&w->tenants, ',');
        buf_add_i64(&w->tenants, tenant);
    }
    buf_addc(&w->tenants, '}');
}

static void look(struct Waiting *w) {
    if (w->looking || w->dead) return;
    w->looked_n = 0;
    for (Waiter *o = w->first; o && w->looked_n < PER_LOOK; o = o->next)
        if (o->state != WAITER_ASKING) w->looked[w->looked_n++] = o;
    if (!w->looked_n) return;
    name_tenants(w);
    params_clear(&w->fence);
    params_text(&w->fence, buf_str(&w->tenants));
    params_clear(&w->params);
    params_array(&w->params, PARAM_INT8, w->looked_n);
    for (size_t i = 0; i < w->looked_n; i++)
        params_element_i64(&w->params, w->looked[i]->request->subject.tenant_id);
    params_array(&w->params, PARAM_INT8, w->looked_n);
    for (size_t i = 0; i < w->looked_n; i++)
        params_element_i64(&w->params, w->looked[i]->request->ids[0]);
    w->queries[0] = (PostgresQuery){&fence, &w->fence};
    w->queries[1] = (PostgresQuery){&look_for, &w->params};
    if (postgres_pool_run(w->desk->pool, POSTGRES_READ_ONLY, w->queries, 2, on_rows, w) == 0) {
        w->looking = true;
        return;
    }
    size_t n = w->looked_n;
    w->looked_n = 0;
    for (size_t i = 0; i < n; i++)
        end_late(w, w->looked[i]);
}

static void on_again(void *arg) {
    look(arg);
}

static void at_the_end_of_the_turn(void *arg) {
    struct Waiting *w = arg;
    w->deferred = false;
    look(w);
}

bool waiting_take(Request *r) {
    struct Waiting *w = r->desk->waiting;
    if (r->inner->phase != TICKET_UNASKED || !w || r->ids[0] == 0) return false;
    r->inner->phase = TICKET_ASKED;
    if (w->n == WAITING_LIMIT) {
        metric_add(w->crowded, 1);
        answer_unavailable(r, "Too many requests wait for their tickets; ask again", -1);
        return true;
    }
    Waiter *one = arena_zalloc(r->arena, sizeof(*one));
    one->request = r;
    one->until_ms = clock_monotonic_ms() + r->desk->config->ticket_wait_ms;
    enqueue(w, one);
    if (!w->deferred && !w->looking) {
        w->deferred = true;
        loop_defer(r->desk->loop, at_the_end_of_the_turn, w);
    }
    return true;
}

/* ---- a life ---- */

static void on_scrape(void *arg) {
    struct Waiting *w = arg;
    metric_set(w->waiting, (double)w->n);
}

static Metric *count_ends(const char *how) {
    CLEANUP(buf_done) Buf labels = {0};
    metric_label(&labels, "end", str(how));
    return metric_counter("docket_desk_ticket_waits_total",
                          "Requests for tickets that were not there at first, by how it ended.",
                          labels.p);
}

static int start(Desk *d, Buf *ret_problem) {
    struct Waiting *w = xcalloc(1, sizeof(*w));
    d->waiting = w;
    w->desk = d;
    w->again = loop_timer_new(d->loop, on_again, w);
    w->waiting = metric_gauge("docket_desk_tickets_waited_for",
                              "Requests that wait for a ticket to arrive.", NULL);
    w->came = count_ends("came");
    w->never = count_ends("unknown");
    w->late = count_ends("late");
    w->crowded = count_ends("crowded");
    metrics_on_scrape(on_scrape, w);
    w->arrivals =
        arrivals_new(d->loop, d->config->postgres_url, runtime_instance(d->runtime), ret_problem);
    return w->arrivals ? 0 : -EINVAL;
}

static void free_memory(void *arg) {
    struct Waiting *w = arg;
    params_done(&w->fence);
    params_done(&w->params);
    buf_done(&w->tenants);
    free(w);
}

static void stop(Desk *d) {
    struct Waiting *w = d->waiting;
    if (!w) return;
    if (!w->looking) /* otherwise the pool's end answers them */
        while (w->first)
            end_late(w, w->first);
    arrivals_free(w->arrivals);
    d->pool = postgres_pool_free(d->pool);
    while (w->first)
        end_late(w, w->first);
    metrics_off_scrape(on_scrape, w);
    w->again = loop_timer_free(w->again);
    w->dead = true;
    d->waiting = NULL;
    loop_free_later(d->loop, w, free_memory);
}

const DeskPart waiting_part = {.name = "waiting", .start = start, .stop = stop};
