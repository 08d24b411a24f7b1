#include "analytics/board/streams.h"

#include <stdlib.h>

#include "access/credential.h"
#include "analytics/api/api.h"
#include "analytics/board/board.h"
#include "base/clock.h"
#include "metrics/metrics.h"

enum { RECONNECT_MS = 2000, STREAM_BYTES = 1 << 20 /* one picture, whatever it holds */ };

static void release(BoardStream *s) {
    if (s->out.exchange || s->checking) return;
    explicit_bzero(s->secret, s->secret_n);
    free(s->secret);
    event_stream_done(&s->out);
    free(s);
}

static void leave(BoardStream *s) {
    Board *b = s->board;
    if (s->previous)
        s->previous->next = s->next;
    else
        s->view->streams = s->next;
    if (s->next) s->next->previous = s->previous;
    s->view->looked_ms = clock_monotonic_ms();
    s->view = NULL;
    metric_set(b->metrics.viewers, (double)--b->streams_n);
    release(s);
}

static void on_more(HttpExchange *x, bool gone, void *arg) {
    BoardStream *s = arg;
    (void)x;
    if (!event_stream_more(&s->out, gone)) leave(s);
}

static void flush(BoardStream *s) {
    if (!event_stream_flush(&s->out)) leave(s);
}

void board_stream_show(BoardStream *s) {
    if (!event_stream_open(&s->out)) return;
    if (s->out.pending.n || !s->out.wanted) {
        s->skipped++;
        metric_add(s->board->metrics.skipped, 1);
        return;
    }
    (void)(event_stream_add(&s->out, STR("event: board\ndata: ")) &&
           event_stream_add(&s->out, buf_str(&s->view->picture)) &&
           event_stream_add(&s->out, STR("\n\n")));
    flush(s);
}

void board_stream_end(BoardStream *s, const char *reason) {
    CLEANUP(buf_done) Buf text = {0};
    if (!event_stream_open(&s->out)) return;
    buf_printf(&text, "event: end\ndata: {\"reason\":\"%s\"}\n\n", reason);
    event_stream_end(&s->out, buf_str(&text));
    flush(s);
}

/* ---- who she is ---- */

static bool still_sees(BoardStream *s, const Credential *c) {
    const Catalog *catalog =
        configuration_catalog(s->board->analytics->configuration, c->tenant_id);
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Subject who;
    Str role;
    return c->session == s->session && credential_subject(c, catalog, arena, &who, &role) &&
           rights_has(&who, RIGHT_TICKETS_READ) &&
           board_view_is_of(s->view, &who, subject_is_narrowed(&who));
}

static void on_checked(void *arg, SecretVerdict verdict, const void *value) {
    BoardStream *s = arg;
    s->checking = false;
    if (!event_stream_open(&s->out))
        release(s);
    else if (verdict == SECRET_UNSURE)
        board_stream_end(s, "unsure"); /* PostgreSQL has been away for minutes */
    else if (verdict == SECRET_UNKNOWN)
        board_stream_end(s, "signed_out");
    else if (!still_sees(s, value))
        board_stream_end(s, "changed"); /* who comes again sees what she may see now */
}

void board_stream_check(BoardStream *s) {
    if (s->checking || !event_stream_open(&s->out)) return;
    s->checking = true;
    secrets_check(s->board->analytics->api->credentials, (Str){s->secret, s->secret_n}, on_checked,
                  s);
}

/* ---- the beginning ---- */

void board_stream_begin(BoardView *v, Ask *a) {
    CLEANUP(buf_done) Buf first = {0};
    Board *b = v->board;
    BoardStream *s = xcalloc(1, sizeof(*s));
    s->board = b;
    s->view = v;
    s->session = a->session_id != 0;
    s->secret = xstrndup(a->secret.p, a->secret.n);
    s->secret_n = a->secret.n;
    event_stream_init(&s->out, a->exchange, STREAM_BYTES);
    s->next = v->streams;
    if (s->next) s->next->previous = s;
    v->streams = s;
    metric_set(b->metrics.viewers, (double)++b->streams_n);
    buf_printf(&first, "retry: %d\n", RECONNECT_MS);
    if (v->picture.n && clock_monotonic_ms() - v->begun_ms < 2 * BOARD_EVERY_MS)
        buf_printf(&first, "event: board\ndata: %s\n", v->picture.p);
    buf_addc(&first, '\n');
    (void)event_stream_add(&s->out, buf_str(&first));
    ask_open(a, EVENT_STREAM_TYPE, on_more, s);
    board_wake(b);
}
