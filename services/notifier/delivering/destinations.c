/* A hash table, and one line of those that are due. */
#include "notifier/delivering/destinations.h"

#include <assert.h>
#include <stdlib.h>

enum { BUCKETS_FIRST = 64, BYTES_FIRST = 4096, ALL_BYTES = 8, WINDOW_LEAST = 1 };

struct Destinations {
    DestinationLimits limits;
    Destination **buckets;
    size_t buckets_n, n;
    Destination *first_due, *last_due;
    size_t held, running, held_bytes;
};

Destinations *destinations_new(const DestinationLimits *limits) {
    Destinations *t = xcalloc(1, sizeof(*t));
    t->limits = *limits;
    t->buckets_n = BUCKETS_FIRST;
    t->buckets = xcalloc(t->buckets_n, sizeof(*t->buckets));
    return t;
}

static void destination_free(Destination *d) {
    free((char *)d->name.p);
    free(d);
}

Destinations *destinations_free(Destinations *t) {
    if (!t) return NULL;
    for (size_t i = 0; i < t->buckets_n; i++)
        for (Destination *d = t->buckets[i], *next; d; d = next) {
            next = d->next;
            destination_free(d);
        }
    free(t->buckets);
    free(t);
    return NULL;
}

static size_t bucket_of(const Destinations *t, int64_t tenant_id, Str name) {
    uint64_t h = UINT64_C(1469598103934665603) ^ (uint64_t)tenant_id;
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * UINT64_C(1099511628211);
    return (size_t)(h ^ h >> 29) % t->buckets_n;
}

Destination *destinations_find(const Destinations *t, int64_t tenant_id, Str name) {
    Destination *d = t->buckets[bucket_of(t, tenant_id, name)];
    while (d && (d->tenant_id != tenant_id || !str_eq(d->name, name)))
        d = d->next;
    return d;
}

static void grow(Destinations *t) {
    Destination **old = t->buckets;
    size_t old_n = t->buckets_n;
    t->buckets_n *= 4;
    t->buckets = xcalloc(t->buckets_n, sizeof(*t->buckets));
    for (size_t i = 0; i < old_n; i++)
        for (Destination *d = old[i], *next; d; d = next) {
            size_t to = bucket_of(t, d->tenant_id, d->name);
            next = d->next;
            d->next = t->buckets[to];
            t->buckets[to] = d;
        }
    free(old);
}

Destination *destinations_get(Destinations *t, int64_t tenant_id, Str name, int64_t now_ms) {
    Destination *d = destinations_find(t, tenant_id, name);
    if (!d) {
        if (t->n >= 2 * t->buckets_n) grow(t);
        size_t to = bucket_of(t, tenant_id, name);
        d = xcalloc(1, sizeof(*d));
        d->tenant_id = tenant_id;
        d->name = (Str){xstrndup(name.p, name.n), name.n};
        d->window = DESTINATION_WINDOW_FIRST;
        d->bytes_each = BYTES_FIRST;
        d->next = t->buckets[to];
        t->buckets[to] = d;
        t->n++;
    }
    d->used_ms = now_ms;
    return d;
}

size_t destinations_count(const Destinations *t) {
    return t->n;
}

size_t destinations_held(const Destinations *t) {
    return t->held;
}

size_t destinations_running(const Destinations *t) {
    return t->running;
}

/* ---- The line ---- */

void destinations_due(Destinations *t, Destination *d) {
    d->due = true;
    if (d->listed) return;
    d->listed = true;
    d->next_due = NULL;
    if (t->last_due)
        t->last_due->next_due = d;
    else
        t->first_due = d;
    t->last_due = d;
}

Destination *destinations_next(Destinations *t) {
    Destination *d = t->first_due;
    if (!d) return NULL;
    t->first_due = d->next_due;
    if (!t->first_due) t->last_due = NULL;
    d->listed = false;
    d->next_due = NULL;
    return d;
}

void destinations_each(Destinations *t, void (*see)(void *arg, Destination *d), void *arg) {
    for (size_t i = 0; i < t->buckets_n; i++)
        for (Destination *d = t->buckets[i]; d; d = d->next)
            see(arg, d);
}

/* ---- How much ---- */

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t left(size_t most, size_t used) {
    return most > used ? most - used : 0;
}

size_t destination_room(const Destinations *t, const Destination *d, int64_t now_ms) {
    const DestinationLimits *l = &t->limits;
    if (d->paused || d->asked || now_ms < d->not_before_ms) return 0;
    if (circuit_wait_ms(&d->circuit, now_ms) > 0) return 0;
    size_t n = left(least(d->window, l->window_max), d->held);
    if (d->circuit.state != CIRCUIT_CLOSED || d->pace_ms) n = d->held ? 0 : least(n, 1);
    /* What hangs may not hold all that may be held. */
    n = least(n, left(d->proven ? l->held_max : l->held_max / 4 * 3, t->held));
    size_t all = left(ALL_BYTES * l->held_bytes_max, t->held_bytes) / d->bytes_each;
    size_t own = left(l->held_bytes_max, d->held_bytes) / d->bytes_each;
    if (d->held == 0 && n > 0) own = own ? own : 1; /* one, however large */
    return least(n, least(all, own));
}

void destination_hold(Destinations *t, Destination *d, long rows, long bytes) {
    d->held += (size_t)rows;
    d->held_bytes += (size_t)bytes;
    t->held += (size_t)rows;
    t->held_bytes += (size_t)bytes;
    if (rows > 0) {
        size_t each = (size_t)bytes / (size_t)rows + 1;
        d->bytes_each = each > d->bytes_each ? each : (7 * d->bytes_each + each) / 8 + 1;
    }
}

bool destination_begin(Destinations *t, Destination *d, int64_t now_ms) {
    size_t most = t->limits.running_max;
    if (!d->proven) most = most / 4 * 3;
    if (t->running >= most || d->running >= t->limits.concurrency) return false;
    if (!circuit_take(&d->circuit, &t->limits.circuit, now_ms)) return false;
    d->running++;
    t->running++;
    return true;
}

bool destination_ended(Destinations *t, Destination *d, CircuitSaw saw, int64_t retry_after_ms,
                       int64_t now_ms, uint64_t random) {
    assert(d->running > 0 && t->running > 0);
    d->running--;
    t->running--;
    d->used_ms = now_ms;
    if (saw == CIRCUIT_SAW_LIFE) {
        d->proven = true;
        if (d->window < t->limits.window_max) d->window++;
    } else if (saw == CIRCUIT_SAW_FAILURE) {
        d->proven = false;
        d->window = d->window / 2 > WINDOW_LEAST ? d->window / 2 : WINDOW_LEAST;
        if (d->window > DESTINATION_WINDOW_FIRST) d->window = DESTINATION_WINDOW_FIRST;
    }
    return circuit_saw(&d->circuit, &t->limits.circuit, saw, retry_after_ms, now_ms, random);
}

size_t destinations_forget(Destinations *t, int64_t before_ms) {
    size_t gone = 0;
    for (size_t i = 0; i < t->buckets_n; i++)
        for (Destination **at = &t->buckets[i]; *at;) {
            Destination *d = *at;
            bool keep = d->held || d->running || d->listed || d->asked || d->changed ||
                        d->stalled || d->used_ms >= before_ms || !circuit_is_quiet(&d->circuit);
            if (keep) {
                at = &d->next;
                continue;
            }
            *at = d->next;
            destination_free(d);
            t->n--;
            gone++;
        }
    return gone;
}
