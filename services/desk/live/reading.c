#include "desk/live/reading.h"

#include <stdlib.h>

#include "desk/live/news.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    EVENTS_MAX = 2000, /* looked at for one reading */
    TICKETS_MAX = 200, /* read by it */
    SKEW_MS = 500      /* between PostgreSQL's clock and ours */
};

static const PostgresStatement fence = {"desk_live_fence",
                                        "SELECT set_config('docket.tenants', $1::text, true)"};
static const PostgresStatement tickets = {
    "desk_live_tickets",
    "SELECT i.n::integer, t.version, t.status, t.priority, t.group_id, t.assignee_id,"
    " t.requester_id, t.kind, t.category, t.region, t.updated_at"
    " FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY i (tenant_id, id, n)"
    " CROSS JOIN LATERAL (SELECT * FROM ticket.tickets t"
    "   WHERE t.tenant_id = i.tenant_id AND t.id = i.id LIMIT 1) t ORDER BY i.n"};

typedef struct Reading {
    Live *live;
    Stream *stream;    /* NULL: for all who are up to date */
    uint64_t from, to; /* of the ring */
    uint64_t no;       /* for all: which one it is */
    size_t n;
    int64_t tenant[TICKETS_MAX], ticket[TICKETS_MAX];
    size_t row[TICKETS_MAX]; /* SIZE_MAX: it is not there */
    Buf tenants;
    Params params[2];
    PostgresQuery queries[2];
} Reading;

static void reading_free(Reading *r) {
    buf_done(&r->tenants);
    params_done(&r->params[0]);
    params_done(&r->params[1]);
    free(r);
}

static size_t find(const Reading *r, const RingEvent *e) {
    for (size_t i = 0; i < r->n; i++)
        if (r->ticket[i] == e->ticket_id && r->tenant[i] == e->tenant_id) return i;
    return SIZE_MAX;
}

/* ---- telling ---- */

static NewsTicket ticket_of(const PostgresRows *rows, size_t row, const RingEvent *e) {
    NewsTicket t = {.scope = {.tenant_id = e->tenant_id,
                              .group_id = rows_int(rows, row, 4),
                              .assignee_id = rows_int(rows, row, 5),
                              .requester_id = rows_int(rows, row, 6),
                              .kind = rows_str(rows, row, 7),
                              .category = rows_str(rows, row, 8),
                              .region = rows_str(rows, row, 9)},
                    .version = (int32_t)rows_int(rows, row, 1),
                    .updated_ms = rows_time_ms(rows, row, 10)};
    (void)ticket_status_parse(rows_str(rows, row, 2), &t.status);
    (void)ticket_priority_parse(rows_str(rows, row, 3), &t.priority);
    return t;
}

typedef struct Told { /* one event, unpacked once for all who hear it */
    const RingEvent *event;
    Event unpacked;
    NewsTicket ticket;
    bool there, good;
} Told;

static void tell(Stream *s, const Told *t, Arena *arena) {
    CLEANUP(buf_done) Buf text = {0};
    if (!t->good || t->event->tenant_id != s->who.tenant_id ||
        t->unpacked.at_ms < s->since_ms - SKEW_MS)
        return;
    if (news_write(&s->who, &t->unpacked, &t->ticket, arena, &text) != NEWS_NOTHING)
        stream_add(s, buf_str(&text));
}

static Told unpack(const Reading *r, const RingEvent *e, const PostgresRows *rows, Arena *arena) {
    Told t = {.event = e};
    const char *problem;
    size_t at = find(r, e);
    t.there = at != SIZE_MAX && r->row[at] != SIZE_MAX;
    t.good = t.there && event_decode(e->message, arena, &t.unpacked, &problem) == 0;
    if (t.good) t.ticket = ticket_of(rows, r->row[at], e);
    return t;
}

/* Nothing of this partition may have been passed over between what she has heard and this. */
static bool is_gap(int64_t heard, bool strict, const RingEvent *e) {
    return e->offset > heard && (heard > 0 || strict);
}

static bool is_served(const Reading *r, const Stream *s) {
    return s->number == r->from && s->born < r->no && s->known && event_stream_open(&s->out);
}

static void tell_all(Live *l, const Reading *r, const PostgresRows *rows) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    uint64_t at = r->from;
    for (; at < r->to; at++) {
        const RingEvent *e = ring_at(l->ring, at);
        if (!e) break; /* overwritten meanwhile: reading_feed() tells everybody */
        int64_t heard = position_next(&l->told, e->partition);
        bool gap = e->offset > heard;
        Told t = unpack(r, e, rows, arena);
        position_raise(&l->told, e->partition, e->offset + 1);
        for (Stream *s = t.good || gap ? l->streams : NULL; s; s = s->next) {
            if (!is_served(r, s)) continue;
            int64_t hers = position_next(&s->position, e->partition);
            if (gap && is_gap(hers > heard ? hers : heard, s->strict, e))
                stream_reset(s, "gap");
            else if (e->offset >= hers)
                tell(s, &t, arena);
        }
        arena_reset(arena);
    }
    for (Stream *s = l->streams; s; s = s->next)
        if (is_served(r, s)) s->number = at;
    l->fed = at;
}

static void tell_one(Live *l, const Reading *r, const PostgresRows *rows) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Stream *s = r->stream;
    for (uint64_t i = r->from; i < r->to; i++) {
        const RingEvent *e = ring_at(l->ring, i);
        int64_t heard = e ? position_next(&s->position, e->partition) : 0;
        if (!e || is_gap(heard, s->strict, e)) {
            stream_reset(s, e ? "gap" : "too_old");
            return;
        }
        s->number = i + 1;
        if (e->offset < heard) continue;
        Told t = unpack(r, e, rows, arena);
        position_raise(&s->position, e->partition, e->offset + 1); /* her id stands behind it */
        tell(s, &t, arena);
        arena_reset(arena);
    }
}

/* ---- reading ---- */

static void on_rows(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Reading *r = arg;
    Live *l = r->live;
    Stream *s = r->stream;
    if (s) {
        s->reading = false;
        l->catching_up--;
    } else {
        l->feeding = false;
    }
    if (l->dead) {
        if (s) stream_release(s);
        reading_free(r);
        live_release(l);
        return;
    }
    if (outcome == POSTGRES_COMMITTED) {
        const PostgresRows *rows = results[1];
        for (size_t i = 0; i < rows_count(rows); i++)
            r->row[rows_int(rows, i, 0) - 1] = i;
        if (!s)
            tell_all(l, r, rows);
        else if (event_stream_open(&s->out))
            tell_one(l, r, rows);
    } else {
        log_warn(NULL, "Reading tickets for those who listen: PostgreSQL: %s", problem->text);
    }
    if (s && !s->out.exchange) stream_release(s);
    reading_free(r);
    live_go_on(l, outcome == POSTGRES_COMMITTED);
}

static bool has_tenant(const Live *l, const Stream *only, int64_t tenant_id) {
    if (only) return only->who.tenant_id == tenant_id;
    for (const Stream *s = l->streams; s; s = s->next)
        if (s->who.tenant_id == tenant_id) return true;
    return false;
}

/* The stretch of events that one question can serve. */
static void gather(Live *l, Reading *r, uint64_t end) {
    int64_t tenant_id = 0;
    bool wanted = false;
    for (r->to = r->from; r->to < end && r->to - r->from < EVENTS_MAX; r->to++) {
        const RingEvent *e = ring_at(l->ring, r->to);
        if (e->tenant_id != tenant_id) wanted = has_tenant(l, r->stream, e->tenant_id);
        tenant_id = e->tenant_id;
        if (!wanted || find(r, e) != SIZE_MAX) continue;
        if (r->n == TICKETS_MAX) return;
        r->tenant[r->n] = e->tenant_id;
        r->row[r->n] = SIZE_MAX;
        r->ticket[r->n++] = e->ticket_id;
    }
}

static void write_question(Reading *r) {
    buf_addc(&r->tenants, '{');
    for (size_t i = 0; i < r->n; i++) {
        if (i && r->tenant[i] == r->tenant[i - 1]) continue;
        if (i) buf_addc(&r->tenants, ',');
        buf_add_i64(&r->tenants, r->tenant[i]);
    }
    buf_addc(&r->tenants, '}');
    params_text(&r->params[0], buf_str(&r->tenants));
    params_array(&r->params[1], PARAM_INT8, r->n);
    for (size_t i = 0; i < r->n; i++)
        params_element_i64(&r->params[1], r->tenant[i]);
    params_array(&r->params[1], PARAM_INT8, r->n);
    for (size_t i = 0; i < r->n; i++)
        params_element_i64(&r->params[1], r->ticket[i]);
    r->queries[0] = (PostgresQuery){&fence, &r->params[0]};
    r->queries[1] = (PostgresQuery){&tickets, &r->params[1]};
}

static bool ask(Reading *r) {
    write_question(r);
    if (postgres_pool_run(r->live->desk->pool, POSTGRES_READ_ONLY, r->queries, 2, on_rows, r) == 0)
        return true;
    reading_free(r);
    return false;
}

bool reading_feed(Live *l) {
    if (l->fed < ring_first(l->ring)) { /* PostgreSQL was away for longer than the ring reaches */
        uint64_t missed = l->fed;
        l->fed = ring_end(l->ring);
        l->told = *ring_position(l->ring);
        for (Stream *s = l->streams; s; s = s->next)
            if (s->number >= missed) stream_reset(s, "too_old");
        return true;
    }
    Reading *r = xcalloc(1, sizeof(*r));
    *r = (Reading){.live = l, .from = l->fed, .no = ++l->feeds};
    gather(l, r, ring_end(l->ring));
    if (!r->n) { /* nothing that anybody here would hear */
        tell_all(l, r, NULL);
        reading_free(r);
        return true;
    }
    return l->feeding = ask(r);
}

bool reading_catch_up(Live *l, Stream *s) {
    if (s->number < ring_first(l->ring)) {
        stream_reset(s, "too_old");
        return true;
    }
    Reading *r = xcalloc(1, sizeof(*r));
    *r = (Reading){.live = l, .stream = s, .from = s->number};
    gather(l, r, l->fed);
    if (!r->n) {
        tell_one(l, r, NULL);
        reading_free(r);
        return true;
    }
    if (!ask(r)) return false;
    s->reading = true;
    l->catching_up++;
    return true;
}
