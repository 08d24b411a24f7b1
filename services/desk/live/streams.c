#include "desk/live/streams.h"

#include <stdlib.h>

#include "base/clock.h"
#include "desk/access/access.h"
#include "access/credential.h"
#include "desk/api/answer.h"
#include "desk/live/live.h"
#include "metrics/metrics.h"

enum { PIECE_BYTES = 32 << 10, RECONNECT_MS = 2000 };

/* ---- the end ---- */

void stream_release(Stream *s) {
    if (s->exchange || s->checking || s->reading) return;
    explicit_bzero(s->secret, s->secret_n);
    free(s->secret);
    (void)catalog_unref(s->catalog);
    arena_free(s->arena);
    buf_done(&s->pending);
    free(s);
}

static void leave(Stream *s) {
    Live *l = s->live;
    s->exchange = NULL;
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
    if (gone) {
        leave(s);
        return;
    }
    s->wanted = true;
    stream_flush(s);
}

void stream_flush(Stream *s) {
    if (!s->exchange || !s->wanted) return;
    if (s->pending.n) {
        size_t n = s->pending.n < PIECE_BYTES ? s->pending.n : PIECE_BYTES;
        s->wanted = false;
        http_answer_piece(s->exchange, (Str){s->pending.p, n});
        s->pending.n -= n;
        memmove(s->pending.p, s->pending.p + n, s->pending.n + 1);
        if (!s->pending.n) buf_done(&s->pending); /* whoever only listens holds no buffer */
    } else if (s->ending) {
        http_answer_end(s->exchange);
        leave(s);
    }
}

/* ---- what is told ---- */

Position stream_position(const Stream *s) {
    Position p = s->position;
    if (s->number != s->live->fed) return p;
    for (size_t i = 0; i < s->live->told.n; i++)
        position_raise(&p, (int32_t)i, s->live->told.next[i]);
    return p;
}

static void add(Stream *s, Str text) {
    Position p = stream_position(s);
    buf_add_str(&s->pending, text);
    buf_adds(&s->pending, "id: ");
    position_write(&p, &s->pending);
    buf_adds(&s->pending, "\n\n");
    s->given_ms = clock_monotonic_ms();
}

static void add_word(Stream *s, const char *event, const char *reason) {
    CLEANUP(buf_done) Buf text = {0};
    buf_printf(&text, "event: %s\ndata: {\"reason\":\"%s\"}\n", event, reason);
    add(s, buf_str(&text));
}

void stream_end(Stream *s, const char *reason) {
    if (s->ending || !s->exchange) return;
    add_word(s, "end", reason);
    s->ending = true;
    stream_flush(s);
}

void stream_add(Stream *s, Str text) {
    if (s->ending || !s->exchange) return;
    if (s->pending.n + text.n > STREAM_BYTES) {
        metric_add(s->live->metrics.cut, 1);
        add_word(s, "end", "too_slow");
        s->ending = true;
        return;
    }
    add(s, text);
    metric_add(s->live->metrics.told, 1);
}

void stream_reset(Stream *s, const char *reason) {
    if (s->ending || !s->exchange) return;
    s->position = s->live->told;
    s->number = s->live->fed;
    s->born = s->live->feeds;
    s->strict = true;
    s->since_ms = 0;
    metric_add(s->live->metrics.resets, 1);
    add_word(s, "reset", reason);
}

void stream_beat(Stream *s) {
    if (s->ending || !s->exchange || s->pending.n) return;
    add(s, STR(": beat\n"));
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
    if (!s->exchange || s->ending)
        stream_release(s);
    else if (verdict == SECRET_UNSURE)
        stream_end(s, "unsure"); /* PostgreSQL has been away for minutes */
    else if (verdict == SECRET_UNKNOWN || !become(s, value))
        stream_end(s, "signed_out");
}

void stream_check(Stream *s) {
    if (s->checking || s->ending || !s->exchange) return;
    s->checking = true;
    secrets_check(s->live->desk->access->credentials, (Str){s->secret, s->secret_n}, on_checked, s);
}

/* ---- the beginning ---- */

void stream_begin(Live *live, Request *r, const StreamStart *start) {
    Stream *s = xcalloc(1, sizeof(*s));
    CLEANUP(buf_done) Buf first = {0};
    s->live = live;
    s->exchange = r->exchange;
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
    add(s, buf_str(&first));
    if (start->reset) stream_reset(s, start->reset);
    http_answer_header(r->exchange, "Cache-Control", "no-store");
    http_answer_header(r->exchange, "X-Accel-Buffering", "no"); /* nginx hands it on at once */
    stream_check(s); /* known a moment ago: out of the cache */
    answer_open(r, 200, "text/event-stream; charset=utf-8", on_more, s);
}
