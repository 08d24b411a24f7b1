#include "desk/live/ring.h"

#include <stdlib.h>

enum { AHEAD_MAX = 100000 /* how far another desk may have been ahead of this one */ };

struct Ring {
    RingEvent *events; /* number % room */
    size_t room, bytes, bytes_max;
    uint64_t first, end;
    Position position;
    int64_t oldest[POSITION_PARTITIONS]; /* offset from which on nothing is missing; -1: unknown */
};

Ring *ring_new(size_t events, size_t bytes) {
    Ring *r = xcalloc(1, sizeof(*r));
    r->events = xcalloc(events, sizeof(*r->events));
    r->room = events;
    r->bytes_max = bytes;
    for (size_t i = 0; i < POSITION_PARTITIONS; i++)
        r->oldest[i] = -1;
    return r;
}

static void drop_first(Ring *r) {
    RingEvent *e = &r->events[r->first % r->room];
    if (r->oldest[e->partition] <= e->offset) r->oldest[e->partition] = e->offset + 1;
    r->bytes -= e->message.n;
    free((char *)(uintptr_t)e->message.p);
    e->message = (Str){NULL, 0};
    r->first++;
}

Ring *ring_free(Ring *r) {
    if (!r) return NULL;
    while (r->first < r->end)
        drop_first(r);
    free(r->events);
    free(r);
    return NULL;
}

bool ring_add(Ring *r, const RingEvent *event) {
    int32_t p = event->partition;
    if (p < 0 || p >= POSITION_PARTITIONS) return false;
    int64_t next = position_next(&r->position, p);
    if (event->offset < next) return false;
    if (r->oldest[p] < 0 || event->offset > next) r->oldest[p] = event->offset; /* a gap, or none */
    position_raise(&r->position, p, event->offset + 1);
    if (event->message.n > r->bytes_max) {
        r->oldest[p] = event->offset + 1;
        return true;
    }
    while (r->first < r->end &&
           (r->end - r->first == r->room || r->bytes + event->message.n > r->bytes_max))
        drop_first(r);
    RingEvent *e = &r->events[r->end++ % r->room];
    *e = *event;
    char *copy = xmalloc(event->message.n + 1);
    if (event->message.n) memcpy(copy, event->message.p, event->message.n);
    e->message.p = copy;
    r->bytes += event->message.n;
    return true;
}

uint64_t ring_first(const Ring *r) {
    return r->first;
}

uint64_t ring_end(const Ring *r) {
    return r->end;
}

const RingEvent *ring_at(const Ring *r, uint64_t number) {
    return number >= r->first && number < r->end ? &r->events[number % r->room] : NULL;
}

const Position *ring_position(const Ring *r) {
    return &r->position;
}

bool ring_covers(const Ring *r, const Position *p) {
    for (int32_t i = 0; i < POSITION_PARTITIONS; i++) {
        int64_t wanted = position_next(p, i), next = position_next(&r->position, i);
        if (r->oldest[i] >= 0 && (wanted < r->oldest[i] || wanted > next + AHEAD_MAX)) return false;
    }
    return true;
}
