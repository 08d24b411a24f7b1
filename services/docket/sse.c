#include "docket/sse.h"

static bool take_field(Sse *s, Str line) {
    Str value, name = str_cut(line, ':', &value);
    if (value.p && value.n && value.p[0] == ' ') value = (Str){value.p + 1, value.n - 1};
    if (str_is(name, "event")) {
        buf_clear(&s->name);
        buf_add_str(&s->name, value);
    } else if (str_is(name, "data")) {
        buf_add_str(&s->data, value);
        buf_addc(&s->data, '\n');
    }
    return s->data.n <= SSE_EVENT_BYTES;
}

/* The empty line behind an event: true, if there was data. */
static bool is_event(Sse *s, Str *ret_name, Str *ret_data) {
    if (!s->data.n) {
        buf_clear(&s->name);
        return false;
    }
    *ret_name = s->name.n ? buf_str(&s->name) : STR("message");
    *ret_data = (Str){s->data.p, s->data.n - 1};
    s->given = true;
    return true;
}

SseResult sse_next(Sse *s, Str *input, Str *ret_name, Str *ret_data) {
    if (s->given) {
        buf_clear(&s->name);
        buf_clear(&s->data);
        s->given = false;
    }
    while (input->n) {
        char c = *input->p;
        bool crlf = c == '\n' && s->after_cr;
        *input = (Str){input->p + 1, input->n - 1};
        s->after_cr = c == '\r';
        if (crlf) continue;
        if (c != '\n' && c != '\r') {
            if (s->line.n > SSE_EVENT_BYTES) return SSE_REFUSED;
            buf_addc(&s->line, c);
            continue;
        }
        Str line = buf_str(&s->line);
        if (!line.n) {
            if (is_event(s, ret_name, ret_data)) return SSE_EVENT;
            continue;
        }
        bool fits = take_field(s, line);
        buf_clear(&s->line);
        if (!fits) return SSE_REFUSED;
    }
    return SSE_MORE;
}

void sse_done(Sse *s) {
    buf_done(&s->line);
    buf_done(&s->name);
    buf_done(&s->data);
}
