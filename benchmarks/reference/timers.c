/* timers -- our wheel and libevent's timers doing the same: to N live clocks OPS new ones are
 * added, then OPS of all are cancelled at random, ROUNDS times. Or: what N clocks weigh, each found
 * by its ticket, which remembers the last event it was told of. Prints JSON.
 *
 * Usage: timers wheel|libevent N OPS ROUNDS
 *        timers wheel-memory|libevent-memory N */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sla/clocks.h"
#include "sla/wheel.h"

enum { ROUNDS_MAX = 100 };
#define NOW     INT64_C(1800000000000) /* ms */
#define HORIZON (INT64_C(30) * 86400000)

static uint64_t seed = 88172645463325252u;

static uint64_t chance(uint64_t below) { /* Marsaglia, xorshift64 */
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static double seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b) {
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void on_time(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    (void)arg;
}

static int64_t due(void) {
    return 60000 + (int64_t)chance(HORIZON);
}

static struct timeval after(int64_t ms) {
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static long resident(void) {
    long pages = 0;
    FILE *in = fopen("/proc/self/statm", "re");
    if (!in || fscanf(in, "%*d %ld", &pages) != 1) abort();
    (void)fclose(in);
    return pages * sysconf(_SC_PAGESIZE);
}

/* ---- Speed ---- */

typedef struct Race {
    Wheel *wheel; /* or, when NULL: */
    struct event *events;
    size_t n, ops;
    uint32_t *live;   /* the n + ops that are, in no order */
    uint32_t *chosen; /* ops of them, each once */
    int64_t *dues;
} Race;

static void add(Race *r, uint32_t clock, int64_t ms) {
    if (r->wheel) {
        if (wheel_set(r->wheel, clock, NOW + ms) < 0) abort();
    } else {
        struct timeval wait = after(ms);
        if (event_add(&r->events[clock], &wait) < 0) abort();
    }
}

static void cancel(Race *r, uint32_t clock) {
    if (r->wheel)
        wheel_cancel(r->wheel, clock);
    else
        (void)event_del(&r->events[clock]);
}

/* Takes ops clocks out of all that live. */
static void choose(Race *r) {
    for (size_t i = 0; i < r->ops; i++) {
        size_t last = r->n + r->ops - 1 - i, k = chance(last + 1);
        r->chosen[i] = r->live[k];
        r->live[k] = r->live[last];
    }
}

static void race(Race *r, size_t rounds) {
    static double adds[ROUNDS_MAX], cancels[ROUNDS_MAX];
    r->live = xmalloc((r->n + r->ops) * sizeof(*r->live));
    r->chosen = xmalloc(r->ops * sizeof(*r->chosen));
    r->dues = xmalloc(r->ops * sizeof(*r->dues));
    for (size_t i = 0; i < r->n; i++) {
        r->live[i] = (uint32_t)i;
        add(r, (uint32_t)i, due());
    }
    for (size_t round = 0; round < rounds; round++) {
        uint32_t first = (uint32_t)(r->n + round * r->ops);
        for (size_t i = 0; i < r->ops; i++) {
            r->dues[i] = due();
            r->live[r->n + i] = first + (uint32_t)i;
        }
        double began = seconds();
        for (size_t i = 0; i < r->ops; i++)
            add(r, first + (uint32_t)i, r->dues[i]);
        adds[round] = (seconds() - began) / (double)r->ops * 1e9;
        choose(r);
        began = seconds();
        for (size_t i = 0; i < r->ops; i++)
            cancel(r, r->chosen[i]);
        cancels[round] = (seconds() - began) / (double)r->ops * 1e9;
    }
    qsort(adds, rounds, sizeof(*adds), compare);
    qsort(cancels, rounds, sizeof(*cancels), compare);
    (void)printf("{\"add_ns\": %.1f, \"cancel_ns\": %.1f}\n", adds[rounds / 2],
                 cancels[rounds / 2]);
}

/* ---- Weight ---- */

typedef struct Timer { /* what the wheel's entry holds, around a timer of libevent */
    int64_t tenant_id, ticket_id;
    int32_t seq;
    uint16_t partition;
    uint8_t priority;
    struct event event;
} Timer;

/* Open addressing at most two thirds full, as small as a look-up can honestly be. */
static uint32_t *found_by_ticket(Timer *timers, size_t n) {
    size_t room = 1024;
    while (room * 2 < n * 3)
        room *= 2;
    uint32_t *index = xmalloc(room * sizeof(*index));
    memset(index, 0xff, room * sizeof(*index));
    for (size_t i = 0; i < n; i++) {
        size_t at = (uint64_t)timers[i].ticket_id * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (room - 1);
        while (index[at] != UINT32_MAX)
            at = (at + 1) & (room - 1);
        index[at] = (uint32_t)i;
    }
    return index;
}

static void weigh_libevent(struct event_base *base, size_t n) {
    long before = resident();
    Timer *timers = xmalloc(n * sizeof(*timers));
    for (size_t i = 0; i < n; i++) {
        timers[i] = (Timer){.tenant_id = 1, .ticket_id = (int64_t)i * 3 + 1000, .seq = 4};
        struct timeval wait = after(due());
        if (event_assign(&timers[i].event, base, -1, 0, on_time, NULL) < 0 ||
            event_add(&timers[i].event, &wait) < 0)
            abort();
    }
    const uint32_t *index = found_by_ticket(timers, n);
    (void)printf("{\"bytes\": %.1f, \"check\": %u}\n", (double)(resident() - before) / (double)n,
                 index[0] == 0);
}

static void weigh_wheel(size_t n) {
    long before = resident();
    Clocks *clocks = clocks_new(NOW);
    for (size_t i = 0; i < n; i++) {
        TicketClock c = {.tenant_id = 1,
                         .ticket_id = (int64_t)i * 3 + 1000,
                         .seq = 4,
                         .partition = (uint16_t)(i % 12),
                         .priority = (uint8_t)(i % 4),
                         .next_ms = NOW + due()};
        if (clocks_put(clocks, &c) < 0) abort();
    }
    (void)printf("{\"bytes\": %.1f, \"check\": %zu}\n", (double)(resident() - before) / (double)n,
                 clocks_count(clocks));
}

static int usage(void) {
    (void)fputs("Usage: timers wheel|libevent N OPS ROUNDS\n"
                "       timers wheel-memory|libevent-memory N\n",
                stderr);
    return 2;
}

int main(int argc, char **argv) {
    if (argc < 3) return usage();
    struct event_config *config = event_config_new();
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(config);
    Race r = {.n = strtoul(argv[2], NULL, 10)};
    if (r.n < 1 || r.n > 100000000) return usage();
    if (strcmp(argv[1], "wheel-memory") == 0) {
        weigh_wheel(r.n);
        return 0;
    }
    if (strcmp(argv[1], "libevent-memory") == 0) {
        weigh_libevent(base, r.n);
        return 0;
    }
    if (argc != 5) return usage();
    r.ops = strtoul(argv[3], NULL, 10);
    size_t rounds = strtoul(argv[4], NULL, 10);
    if (r.ops < 1 || r.ops > r.n || rounds < 1 || rounds > ROUNDS_MAX) return usage();
    size_t all = r.n + rounds * r.ops;
    if (strcmp(argv[1], "wheel") == 0) {
        r.wheel = wheel_new((uint32_t)all, NOW);
    } else if (strcmp(argv[1], "libevent") == 0) {
        r.events = xmalloc(all * sizeof(*r.events));
        for (size_t i = 0; i < all; i++)
            if (event_assign(&r.events[i], base, -1, 0, on_time, NULL) < 0) abort();
    } else {
        return usage();
    }
    race(&r, rounds);
    return 0;
}
