/* Blocks and the routers' lag, read every second; a block that nobody here has heard of is asked
 * for at once. */
#include "store/arrivals.h"

#include <stdlib.h>

#include "base/clock.h"
#include "postgres/connection.h"

enum { POLL_MS = 250, BLOCKS_MAX = 4096, STALE_MS = 5000 };

static const PostgresStatement blocks_statement = {
    "arrivals_blocks", "SELECT first, last FROM ticket.recent_blocks() ORDER BY first LIMIT 4096"};
static const PostgresStatement lag_statement = {"arrivals_lag",
                                                "SELECT ticket.oldest_submission_ms()"};

struct ArrivalsWait {
    Arrivals *arrivals;
    ArrivalsWait *next;
    int64_t ticket_id;
    ArrivalsDone done; /* NULL: forgotten */
    void *arg;
    bool known, recent; /* answered in the next turn */
};

struct Arrivals {
    Loop *loop;
    Connection *postgres;
    LoopTimer *poll;
    int64_t (*blocks)[2]; /* first, last: ascending */
    size_t blocks_n;
    int64_t oldest_ms; /* -1: nobody knows */
    int64_t read_ms;   /* monotonic: when both were read; 0: never */
    bool asking, again, answering, dead;
    ArrivalsWait *waits;
    size_t waits_n;
};

static bool contains(const Arrivals *a, int64_t id) {
    size_t low = 0, high = a->blocks_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (id < a->blocks[middle][0])
            high = middle;
        else if (id > a->blocks[middle][1])
            low = middle + 1;
        else
            return true;
    }
    return false;
}

static bool beyond(const Arrivals *a, int64_t id) {
    return a->blocks_n == 0 || id > a->blocks[a->blocks_n - 1][1];
}

/* Everybody who is known, or everybody. */
static void answer(Arrivals *a, bool all) {
    ArrivalsWait **link = &a->waits;
    while (*link) {
        ArrivalsWait *w = *link;
        if (!w->known && !all) {
            link = &w->next;
            continue;
        }
        *link = w->next;
        a->waits_n--;
        bool recent = w->known ? w->recent : contains(a, w->ticket_id);
        if (w->done) w->done(w->arg, recent);
        free(w);
        link = &a->waits; /* the callback may have asked again */
    }
}

static void ask(void *arg);

static void on_read(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Arrivals *a = arg;
    (void)problem;
    if (a->dead) return;
    a->asking = false;
    if (outcome == POSTGRES_COMMITTED) {
        a->blocks_n = rows_count(results[0]);
        for (size_t i = 0; i < a->blocks_n; i++) {
            a->blocks[i][0] = rows_int(results[0], i, 0);
            a->blocks[i][1] = rows_int(results[0], i, 1);
        }
        a->oldest_ms = rows_null(results[1], 0, 0) ? -1 : rows_int(results[1], 0, 0);
        a->read_ms = clock_monotonic_ms();
    }
    bool again = a->again;
    a->again = false;
    loop_timer_arm(a->poll, POLL_MS);
    if (again) /* they came while this was under way */
        ask(a);
    else
        answer(a, true);
}

static void ask(void *arg) {
    Arrivals *a = arg;
    static const PostgresQuery queries[] = {{&blocks_statement, NULL}, {&lag_statement, NULL}};
    if (a->dead) return;
    if (a->asking) {
        a->again = true;
        return;
    }
    if (connection_run(a->postgres, POSTGRES_READ_ONLY, queries, 2, on_read, a) < 0) {
        loop_timer_arm(a->poll, POLL_MS);
        answer(a, true);
    } else {
        a->asking = true;
    }
}

static void on_turn(void *arg) {
    Arrivals *a = arg;
    a->answering = false;
    if (a->dead) {
        free(a->blocks);
        free(a);
        return;
    }
    answer(a, false);
    if (a->waits) ask(a);
}

ArrivalsWait *arrivals_ask(Arrivals *a, int64_t ticket_id, ArrivalsDone done, void *arg) {
    if (a->waits_n >= ARRIVALS_WAITING_MAX) return NULL;
    ArrivalsWait *w = xcalloc(1, sizeof(*w));
    *w = (ArrivalsWait){
        .arrivals = a, .next = a->waits, .ticket_id = ticket_id, .done = done, .arg = arg};
    w->recent = contains(a, ticket_id);
    w->known = w->recent || !beyond(a, ticket_id);
    a->waits = w;
    a->waits_n++;
    if (!a->answering) {
        a->answering = true;
        loop_defer(a->loop, on_turn, a);
    }
    return w;
}

void arrivals_forget(ArrivalsWait *w) {
    w->done = NULL;
}

bool arrivals_late(const Arrivals *a, int64_t ms) {
    int64_t since = clock_monotonic_ms() - a->read_ms;
    if (!a->read_ms || since > STALE_MS || a->oldest_ms < 0) return true;
    return a->oldest_ms && a->oldest_ms + since > ms; /* it has grown older since */
}

static void on_ready(void *arg) {
    Arrivals *a = arg;
    loop_timer_arm(a->poll, 0);
}

Arrivals *arrivals_new(Loop *loop, const char *postgres_url, const char *application_name,
                       Buf *ret_problem) {
    Arrivals *a = xcalloc(1, sizeof(*a));
    a->loop = loop;
    a->blocks = xcalloc(BLOCKS_MAX, sizeof(*a->blocks));
    a->oldest_ms = -1;
    a->poll = loop_timer_new(loop, ask, a);
    a->postgres = connection_new(
        loop, &(PostgresSettings){.url = postgres_url, .application_name = application_name},
        &(ConnectionEvents){.ready = on_ready}, a, ret_problem);
    return a->postgres ? a : arrivals_free(a);
}

Arrivals *arrivals_free(Arrivals *a) {
    if (!a || a->dead) return NULL;
    while (a->waits) { /* before `dead`: they may look at us */
        a->blocks_n = 0;
        for (ArrivalsWait *w = a->waits; w; w = w->next)
            w->known = true, w->recent = false;
        answer(a, true);
    }
    a->dead = true;
    connection_free(a->postgres);
    a->poll = loop_timer_free(a->poll);
    if (a->answering) return NULL; /* the turn frees it */
    free(a->blocks);
    free(a);
    return NULL;
}
