/* Numbers in one order; reading asks for them in the same. */
#include "promise/life_pack.h"

#include "base/pack.h"
#include "promise/life_internal.h"

enum {
    VERSION = 2,
    CLOCKS_MAX = 20000,
    STRETCHES_LIMIT = 20000,
    FLAG_ANSWERED = 1,
    FLAG_UNHEARD = 2,
    FLAG_ENDED = 4
};

/* ---- Writing ---- */

static void put(Buf *b, uint64_t v) {
    pack_number(b, v);
}

static void put_signed(Buf *b, int64_t v) {
    put(b, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

/* An instant as time since creation; 0 for NEVER. */
static void put_instant(Buf *b, int64_t at, int64_t origin) {
    if (at == NEVER) {
        put(b, 0);
        return;
    }
    int64_t since = at - origin;
    put(b, ((uint64_t)since << 1 ^ (since < 0 ? UINT64_MAX : 0)) + 1);
}

static void put_clock(Buf *b, const Clock *c, int64_t origin) {
    put(b, (uint64_t)c->metric);
    put(b, (uint64_t)c->instance);
    put(b, (uint64_t)c->status | (uint64_t)c->breach_cause << 2);
    put_instant(b, c->start_ms, origin);
    put(b, (uint64_t)c->elapsed_ms);
    put_instant(b, c->since_ms, origin);
    put(b, (uint64_t)c->target_ms);
    put_instant(b, c->breached_ms, origin);
    put_instant(b, c->ended_ms, origin);
    for (int i = 0; i < SHARES_MAX; i++)
        put_instant(b, c->warned_ms[i], origin);
    put(b, c->unjudged.n);
    for (size_t i = 0; i < c->unjudged.n; i++) {
        put_instant(b, c->unjudged.p[i].from, origin);
        put(b, (uint64_t)(c->unjudged.p[i].to - c->unjudged.p[i].from));
    }
}

void life_pack(const Life *l, Buf *ret) {
    const Clock *clocks;
    size_t n = life_clocks(l, &clocks);
    int64_t origin = n ? clocks[0].start_ms : 0;
    for (size_t i = 0; i < n; i++)
        if (clocks[i].start_ms < origin) origin = clocks[i].start_ms;
    buf_addc(ret, VERSION);
    put(ret, (l->answered ? FLAG_ANSWERED : 0) | (l->unheard ? FLAG_UNHEARD : 0) |
                 (l->ended ? FLAG_ENDED : 0));
    put(ret, (uint64_t)l->status);
    put_signed(ret, origin);
    put_signed(ret, n ? l->now - origin : 0);
    put_signed(ret, n ? l->entered_ms - origin : 0);
    put(ret, n);
    for (size_t i = 0; i < n; i++)
        put_clock(ret, &clocks[i], origin);
}

/* ---- Reading ---- */

typedef struct Packed {
    const unsigned char *p, *end;
    bool bad;
    int64_t origin;
} Packed;

static uint64_t get(Packed *r, uint64_t max) {
    uint64_t v = 0;
    if (r->p < r->end && *r->p < 0x80 && *r->p <= max) return *r->p++;
    for (int shift = 0; shift < 64; shift += 7) {
        if (r->p == r->end) break;
        unsigned char byte = *r->p++;
        if (shift == 63 && byte > 1) break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        if (v > max) break;
        return v;
    }
    r->bad = true;
    return 0;
}

#define SPAN_LIMIT ((UINT64_C(1) << 53) - 1) /* no length is longer */
/* Either side of 1970, 35,000 years: any two instants are a distance that can be packed. */
#define INSTANT_LIMIT (INT64_C(1) << 50)

static int64_t unzigzag(uint64_t v) {
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static int64_t get_signed(Packed *r) {
    return unzigzag(get(r, SPAN_LIMIT));
}

static int64_t checked_instant(Packed *r, int64_t at) {
    if (at < -INSTANT_LIMIT || at > INSTANT_LIMIT) r->bad = true;
    return r->bad ? 0 : at;
}

static int64_t get_instant(Packed *r) {
    uint64_t v = get(r, SPAN_LIMIT);
    return v ? checked_instant(r, r->origin + unzigzag(v - 1)) : NEVER;
}

static int64_t get_past(Packed *r) { /* an instant that must be there */
    int64_t at = get_instant(r);
    if (at == NEVER) r->bad = true;
    return r->bad ? 0 : at;
}

static void get_clock(Packed *r, const Terms *terms, Clock *c) {
    c->metric = (ClockMetric)get(r, METRICS - 1);
    c->instance = (int32_t)get(r, INT32_MAX);
    uint64_t both = get(r, CLOCK_CANCELLED | BREACH_POLICY_CHANGE << 2);
    if (both >> 2 > BREACH_POLICY_CHANGE) r->bad = true;
    c->status = (ClockStatus)(both & 3);
    c->breach_cause = (BreachCause)(both >> 2 & 3);
    c->start_ms = get_past(r);
    c->elapsed_ms = (int64_t)get(r, SPAN_LIMIT);
    c->since_ms = get_past(r);
    c->target_ms = (int64_t)get(r, SPAN_LIMIT);
    c->hours = terms->hours[c->metric];
    c->breached_ms = get_instant(r);
    c->ended_ms = get_instant(r);
    for (int i = 0; i < SHARES_MAX; i++)
        c->warned_ms[i] = get_instant(r);
    uint64_t n = get(r, STRETCHES_LIMIT);
    for (uint64_t i = 0; i < n && !r->bad; i++) {
        int64_t from = get_past(r);
        int64_t to = checked_instant(r, from + (int64_t)get(r, SPAN_LIMIT));
        const Stretches *before = &c->unjudged; /* in order: so they add up to no more than all */
        if (before->n && from < before->p[before->n - 1].to) r->bad = true;
        if (!r->bad) stretch_add(&c->unjudged, from, to);
    }
}

/* By metric, then instance; and one that another one follows is over. */
static void get_next(Packed *r, const Terms *terms, Life *l) {
    bool any = l->n > 0;
    const Clock *last = &l->clocks[any ? l->n - 1 : 0];
    Clock next = {0};
    get_clock(r, terms, &next);
    bool follows = any && last->metric == next.metric;
    if (any && (last->metric > next.metric || (follows && last->instance >= next.instance)))
        r->bad = true;
    if (follows && last->status != CLOCK_FULFILLED && last->status != CLOCK_CANCELLED)
        r->bad = true;
    if (r->bad) {
        free(next.unjudged.p);
        return;
    }
    if (follows) life_add_past(l, &l->clocks[--l->n]);
    l->clocks[l->n++] = next;
}

Life *life_unpack(Str packed, const Terms *in_force) {
    Packed r = {(const unsigned char *)packed.p, (const unsigned char *)packed.p + packed.n, false,
                0};
    if (packed.n == 0 || *r.p++ != VERSION) return NULL;
    CLEANUP(life_freep) Life *l = life_new(in_force, false);
    uint64_t flags = get(&r, FLAG_ANSWERED | FLAG_UNHEARD | FLAG_ENDED);
    l->answered = flags & FLAG_ANSWERED;
    l->unheard = flags & FLAG_UNHEARD;
    l->ended = flags & FLAG_ENDED;
    l->status = (TicketStatus)get(&r, TICKET_STATUSES - 1);
    r.origin = checked_instant(&r, get_signed(&r));
    l->now = checked_instant(&r, r.origin + get_signed(&r));
    l->entered_ms = checked_instant(&r, r.origin + get_signed(&r));
    uint64_t n = get(&r, CLOCKS_MAX);
    if (r.bad || n > packed.n) return NULL; /* a clock takes more bytes than one */
    l->clocks = xcalloc(METRICS, sizeof(*l->clocks));
    for (uint64_t i = 0; i < n && !r.bad; i++)
        get_next(&r, in_force, l);
    if (r.bad || r.p != r.end) return NULL;
    if (n == 0) l->now = INT64_MIN;
    return TAKE(l);
}
