#include "http/event_stream.h"

#include <string.h>

enum { PIECE_BYTES = 32 << 10 };

bool event_stream_accepted(const HttpExchange *x) {
    Str rest = http_header(x, "Accept");
    while (rest.p) {
        Str one = str_cut(rest, ',', &rest), unused;
        if (str_eq_nocase(str_trim(str_cut(one, ';', &unused)), STR("text/event-stream")))
            return true;
    }
    return false;
}

void event_stream_init(EventStream *s, HttpExchange *x, size_t limit) {
    *s = (EventStream){.exchange = x, .limit = limit};
    http_answer_header(x, "Cache-Control", "no-store");
    http_answer_header(x, "X-Accel-Buffering", "no"); /* nginx hands it on at once */
}

void event_stream_done(EventStream *s) {
    buf_done(&s->pending);
}

bool event_stream_add(EventStream *s, Str text) {
    if (s->pending.n + text.n > s->limit) return false;
    buf_add_str(&s->pending, text);
    return true;
}

void event_stream_end(EventStream *s, Str text) {
    buf_add_str(&s->pending, text);
    s->ending = true;
}

/* Out of the stream before it is given: giving may end the stream. */
static Buf take_piece(EventStream *s) {
    Buf piece = {0};
    if (s->pending.n <= PIECE_BYTES) {
        piece = s->pending;
        s->pending = (Buf){0};
        return piece;
    }
    buf_add(&piece, s->pending.p, PIECE_BYTES);
    s->pending.n -= PIECE_BYTES;
    memmove(s->pending.p, s->pending.p + PIECE_BYTES, s->pending.n + 1);
    return piece;
}

bool event_stream_flush(EventStream *s) {
    if (!s->exchange || !s->wanted) return true;
    if (s->pending.n) {
        CLEANUP(buf_done) Buf piece = take_piece(s);
        s->wanted = false;
        http_answer_piece(s->exchange, buf_str(&piece));
        return true;
    }
    if (!s->ending) return true;
    http_answer_end(s->exchange);
    s->exchange = NULL;
    return false;
}

bool event_stream_more(EventStream *s, bool gone) {
    if (gone) {
        s->exchange = NULL;
        return false;
    }
    s->wanted = true;
    return event_stream_flush(s);
}
