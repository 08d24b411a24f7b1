#include "analytics/board/board.h"

#include <errno.h>
#include <stdlib.h>

#include "analytics/api/routes.h"
#include "analytics/board/streams.h"
#include "base/clock.h"
#include "metrics/metrics.h"

enum {
    KEPT_MS = 60000,    /* a view that nobody looks at any more */
    PATIENCE_MS = 2500, /* one picture waits so long for the services' lags */
    BUSY_S = 5          /* Retry-After when there are too many */
};

/* ---- one picture after the other ---- */

bool board_lag_fresh(const Board *b) {
    return !b->lag || (b->told_ms && clock_monotonic_ms() - b->told_ms < BOARD_LAG_FRESH_MS);
}

void board_wake(Board *b) {
    if (b->next) loop_timer_arm(b->next, 0);
}

static void on_next(void *arg) {
    Board *b = arg;
    int64_t now = clock_monotonic_ms();
    BoardView *oldest = NULL;
    if (b->drawn || b->analytics->draining) return;
    for (BoardView *v = b->views; v; v = v->next)
        if (board_view_is_wanted(v) && (!v->begun_ms || now - v->begun_ms >= BOARD_EVERY_MS) &&
            (!oldest || v->begun_ms < oldest->begun_ms))
            oldest = v;
    if (!oldest) return;
    b->drawn = oldest;
    board_view_draw(oldest, clock_wall_ms());
}

/* Those who asked for one picture, if it says all that it should. */
static void answer_waiters(BoardView *v) {
    int64_t now = clock_monotonic_ms();
    BoardWaiter *waiters = v->waiters, *w;
    v->waiters = NULL;
    while ((w = waiters)) {
        waiters = w->next;
        if (v->with_lag || now - w->since_ms >= PATIENCE_MS) {
            ask_json(w->ask, buf_str(&v->picture));
            v->looked_ms = now;
            free(w);
        } else {
            w->next = v->waiters;
            v->waiters = w;
        }
    }
}

void board_view_drawn(BoardView *v, bool picture) {
    Board *b = v->board;
    b->drawn = NULL;
    if (picture) {
        metric_add(b->metrics.pictures, 1);
        metric_observe(b->metrics.seconds, (double)(clock_monotonic_ms() - v->begun_ms) / 1e3);
        answer_waiters(v);
        for (BoardStream *s = v->streams, *next; s; s = next) {
            next = s->next;
            board_stream_show(s);
        }
    }
    board_wake(b);
}

static void on_lag(void *arg, const int64_t *messages, size_t n) {
    Board *b = arg;
    (void)n;
    bool stale = !board_lag_fresh(b);
    b->services_n = b->groups->names_n;
    lag_groups_sum(b->groups, messages, b->services);
    b->told_ms = clock_monotonic_ms();
    if (!stale) return;
    for (BoardView *v = b->views; v; v = v->next)
        if (v->waiters && v != b->drawn) v->begun_ms = 0; /* it is what they waited for */
    board_wake(b);
}

static void ask_lag(Board *b) {
    if (b->lag) (void)kafka_lag_ask(b->lag); /* if it is being asked: that answer will do */
}

static void forget_unseen(Board *b) {
    int64_t now = clock_monotonic_ms();
    for (BoardView **p = &b->views, *v; (v = *p);) {
        if (board_view_is_wanted(v) || v == b->drawn || now - v->looked_ms < KEPT_MS) {
            p = &v->next;
            continue;
        }
        *p = v->next;
        board_view_free(v);
    }
}

static void tick(Analytics *a) {
    Board *b = a->board;
    bool wanted = false;
    board_risk_tick(b->risk);
    for (BoardView *v = b->views; v; v = v->next) {
        wanted = wanted || board_view_is_wanted(v);
        for (BoardStream *s = v->streams, *next; s; s = next) {
            next = s->next;
            board_stream_check(s);
        }
    }
    forget_unseen(b);
    if (!wanted) return;
    ask_lag(b);
    board_wake(b);
}

/* ---- the routes ---- */

static BoardView *view_of(Ask *a) {
    return board_view_of(a->analytics->board, &a->subject, ask_narrowed(a) != NULL);
}

static void look_live(Ask *a) {
    Board *b = a->analytics->board;
    if (!event_stream_accepted(a->exchange) && http_header(a->exchange, "Accept").p &&
        !str_is(http_header(a->exchange, "Accept"), "*/*")) {
        ask_refuse(a, 406, "Accept", "does not name text/event-stream",
                   "ask for text/event-stream, or for /live.json");
        return;
    }
    if (b->analytics->draining || (int64_t)b->streams_n >= b->analytics->settings->board_viewers) {
        metric_add(b->metrics.refused, 1);
        ask_unavailable(a, "Too many look at the board; try again");
        return;
    }
    if (str_is(http_method(a->exchange), "HEAD")) {
        ask_bytes(a, 200, EVENT_STREAM_TYPE, (Str){NULL, 0});
        return;
    }
    board_stream_begin(view_of(a), a);
    if (!board_lag_fresh(b)) ask_lag(b);
}

static void look_once(Ask *a) {
    Board *b = a->analytics->board;
    BoardView *v = view_of(a);
    int64_t now = clock_monotonic_ms();
    if (b->analytics->draining) {
        ask_unavailable(a, "It is stopping; ask again");
        return;
    }
    v->looked_ms = now;
    if (v->picture.n && v->with_lag && v->begun_ms && now - v->begun_ms < BOARD_EVERY_MS) {
        ask_json(a, buf_str(&v->picture));
        return;
    }
    BoardWaiter *w = xcalloc(1, sizeof(*w));
    *w = (BoardWaiter){.ask = a, .next = v->waiters, .since_ms = now};
    v->waiters = w;
    if (!board_lag_fresh(b)) ask_lag(b);
    board_wake(b);
}

static const ApiRoute routes[] = {
    {"/live.json", RIGHT_TICKETS_READ, look_once}, /* first: any path may end in .json */
    {"/live", RIGHT_TICKETS_READ, look_live},
};
const ApiTable board_routes = {"board", routes, sizeof(routes) / sizeof(*routes)};

/* ---- life ---- */

static void measure(Board *b) {
    b->metrics.viewers =
        metric_gauge("docket_analytics_board_viewers", "Clients that look at GET /live.", NULL);
    b->metrics.pictures = metric_counter("docket_analytics_board_pictures_total",
                                         "Pictures drawn, each for all who see the same.", NULL);
    b->metrics.skipped =
        metric_counter("docket_analytics_board_skipped_total",
                       "Pictures not shown to a client that had not taken the one before.", NULL);
    b->metrics.refused = metric_counter("docket_analytics_board_refused_total",
                                        "Clients not let in because there were too many.", NULL);
    b->metrics.seconds = metric_histogram(
        "docket_analytics_board_seconds",
        "From beginning to draw a picture to its end, other work in between included.", NULL,
        metric_latency_s, METRIC_LATENCY_BUCKETS);
}

static int start(Analytics *a, Buf *ret_problem) {
    Board *b = a->board = xcalloc(1, sizeof(*b));
    b->analytics = a;
    b->groups = lag_groups_parse(a->settings->board_groups, ret_problem);
    if (!b->groups) return -EINVAL;
    b->next = loop_timer_new(a->loop, on_next, b);
    measure(b);
    b->risk = board_risk_new(a);
    if (!b->groups->pairs_n) return 0;
    KafkaLagSettings lag = {.brokers = a->settings->kafka_brokers,
                            .options =
                                a->settings->kafka_options[0] ? a->settings->kafka_options : NULL,
                            .client_id = a->instance,
                            .pairs = b->groups->pairs,
                            .pairs_n = b->groups->pairs_n};
    b->lag = kafka_lag_new(a->loop, &lag, on_lag, b, ret_problem);
    return b->lag ? 0 : -EINVAL;
}

static void let_go(Board *b) {
    for (BoardView *v = b->views; v; v = v->next) {
        for (BoardStream *s = v->streams, *next; s; s = next) {
            next = s->next;
            board_stream_end(s, "stopping");
        }
        for (BoardWaiter *w; (w = v->waiters);) {
            v->waiters = w->next;
            ask_unavailable(w->ask, "It is stopping; ask again");
            free(w);
        }
    }
}

static bool drained(Analytics *a) {
    if (!a->board) return true;
    let_go(a->board);
    return a->board->streams_n == 0;
}

/* The port is closed already: every client of a stream is gone. */
static void stop(Analytics *a) {
    Board *b = a->board;
    if (!b) return;
    let_go(b);
    b->lag = kafka_lag_free(b->lag);
    b->risk = board_risk_free(b->risk);
    b->next = loop_timer_free(b->next);
    for (BoardView *v; (v = b->views);) {
        b->views = v->next;
        board_view_free(v);
    }
    b->groups = lag_groups_free(b->groups);
    a->board = NULL;
    free(b);
}

const AnalyticsPart board_part = {
    .name = "board", .start = start, .tick = tick, .drained = drained, .stop = stop};
