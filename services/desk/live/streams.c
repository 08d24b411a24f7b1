#include "desk/live/streams.h"

#include <stdlib.h>

#include "access/credential.h"
#include "base/clock.h"
#include "desk/access/access.h"
#include "desk/api/answer.h"
#include "desk/live/live.h"
#include "metrics/metrics.h"

enum { RECONNECT_MS = 2000 };

/* ---- the end ---- */

void stream_release(Stream *s) {
    if (s->out.exchange || s->checking || s->reading) return;
    explicit_bzero(s->secret, s->secret_n);
    free(s->secret);
    (void)catalog_unref(s->catalog);
    arena_free(s->arena);
    event_stream_done(&s->out);
    free(s);
}

static void leave(Stream *s) {
    Live *l = s->live;
    if (s->previous)
        s->previous->next = s->next;
    else
        l->streams = s->next;
    if (s->next) s->next->previous = s->previous;
    metric_set(l->metrics.streams, (double)--l->streams_n);
    stream_release(s);
}

static void on_more(HttpExchange *x, bool gone, void *arg) {
    Stream *s = arg;
    (void)x;
    if (!event_stream_more(&s->out, gone)) leave(s);
}

void stream_flush(Stream *s) {
    if (!event_stream_flush(&s->out)) leave(s);
}

/* ---- what is told ---- */

Position stream_position(const Stream *s) {
    Position p = s->position;
    if (s->number != s->live->fed) return p;
    for (size_t i = 0; i < s->live->told.n; i++)
        position_raise(&p, (int32_t)i, s->live->told.next[i]);
    return p;
}

/* With the place from which it can be gone on. */
static Buf placed(const Stream *s, Str text) {
    Buf whole = {0};
    Position p = stream_position(s);
    buf_add_str(&whole, text);
    buf_adds(&whole, "id: ");
    position_write(&p, &whole);
    buf_adds(&whole, "\n\n");
    return whole;
}

static bool add(Stream *s, Str text) {
    CLEANUP(buf_done) Buf whole = placed(s, text);
    s->given_ms = clock_monotonic_ms();
    return event_stream_add(&s->out, buf_str(&whole));
}

static Buf word(const char *event, const char *reason) {
    Buf text = {0};
    buf_printf(&text, "event: %s\ndata: {\"reason\":\"%s\"}\n", event, reason);
    return text;
}

static void add_end(Stream *s, const char *reason) {
    CLEANUP(buf_done) Buf text = word("end", reason);
    CLEANUP(buf_done) Buf whole = placed(s, buf_str(&text));
    event_stream_end(&s->out, buf_str(&whole));
}

void stream_end(Stream *s, const char *reason) {
    if (!event_stream_open(&s->out)) return;
    add_end(s, reason);
    stream_flush(s);
}

static void cut(Stream *s) {
    metric_add(s->live->metrics.cut, 1);
    add_end(s, "too_slow");
}

void stream_add(Stream *s, Str text) {
    if (!event_stream_open(&s->out)) return;
    if (!add(s, text))
        cut(s);
    else
        metric_add(s->live->metrics.told, 1);
}

void stream_reset(Stream *s, const char *reason) {
    if (!event_stream_open(&s->out)) return;
    CLEANUP(buf_done) Buf text = word("reset", reason);
    s->position = s->live->told;
    s->number = s->live->fed;
    s->born = s->live->feeds;
    s->strict = true;
    s->since_ms = 0;
    metric_add(s->live->metrics.resets, 1);
    if (!add(s, buf_str(&text))) cut(s);
}

void stream_beat(Stream *s) {
    if (!event_stream_open(&s->out) || s->out.pending.n) return;
    (void)add(s, STR(": beat\n"));
}

/* ---- who she is ---- */

static bool become(Stream *s, const Credential *c) {
    const Catalog *catalog = configuration_catalog(s->live->desk->configuration, c->tenant_id);
    Subject who;
    Str role;
    Arena *arena = arena_new(0);
    if (c->session != s->session || !credential_subject(c, catalog, arena, &who, &role) ||
        !rights_has(&who, RIGHT_TICKETS_READ)) {
        arena_free(arena);
        return false;
    }
    arena_free(s->arena);
    s->arena = arena;
    s->who = who;
    s->known = true;
    if (catalog != s->catalog) {
        (void)catalog_unref(s->catalog);
        s->catalog = catalog ? catalog_ref(catalog) : NULL;
    }
    return true;
}

static void on_checked(void *arg, SecretVerdict verdict, const void *value) {
    Stream *s = arg;
    s->checking = false;
    if (!event_stream_open(&s->out))
        stream_release(s);
    else if (verdict == SECRET_UNSURE)
        stream_end(s, "unsure"); /* PostgreSQL has been away for minutes */
    else if (verdict == SECRET_UNKNOWN || !become(s, value))
        stream_end(s, "signed_out");
}

void stream_check(Stream *s) {
    if (s->checking || !event_stream_open(&s->out)) return;
    s->checking = true;
    secrets_check(s->live->desk->access->credentials, (Str){s->secret, s->secret_n}, on_checked, s);
}

/* ---- the beginning ---- */

void stream_begin(Live *live, Request *r, const StreamStart *start) {
    Stream *s = xcalloc(1, sizeof(*s));
    CLEANUP(buf_done) Buf first = {0};
    s->live = live;
    event_stream_init(&s->out, r->exchange, STREAM_BYTES);
    s->secret = xstrndup(start->secret.p, start->secret.n);
    s->secret_n = start->secret.n;
    s->session = start->session;
    s->credential = start->session ? r->session_id : r->token_id;
    s->arena = arena_new(0);
    s->who.tenant_id = r->subject.tenant_id;
    s->number = live->fed;
    s->born = live->feeds;
    s->since_ms = r->now_ms;
    if (start->position && !start->reset) {
        s->position = *start->position;
        s->number = start->number;
        s->strict = true;
        s->since_ms = 0;
    } else {
        s->position = live->told;
    }
    s->next = live->streams;
    if (s->next) s->next->previous = s;
    live->streams = s;
    metric_set(live->metrics.streams, (double)++live->streams_n);
    buf_printf(&first, "retry: %d\nevent: ready\ndata: {\"resumed\":%s}\n", RECONNECT_MS,
               s->strict ? "true" : "false");
    (void)add(s, buf_str(&first));
    if (start->reset) stream_reset(s, start->reset);
    stream_check(s); /* known a moment ago: out of the cache */
    answer_open(r, 200, EVENT_STREAM_TYPE, on_more, s);
}
