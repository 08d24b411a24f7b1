#include "notifier/channels/cloud_event.h"

#include <errno.h>

#include "base/clock.h"

#define SPECVERSION "1.0"

typedef struct Attribute {
    const char *name; /* as a header */
    Str value;
} Attribute;

enum { ATTRIBUTES_MAX = 7 };

/* In both modes the same; (source, id) is unique, and the same at every try. */
static size_t attributes(const Letter *l, Arena *arena, Attribute ret[ATTRIBUTES_MAX]) {
    char when[25];
    size_t n = 0;
    clock_format_ms(l->occurred_ms, when);
    ret[n++] = (Attribute){"ce_specversion", STR(SPECVERSION)};
    ret[n++] = (Attribute){"ce_id", arena_str(arena, l->key)};
    ret[n++] = (Attribute){
        "ce_source", str(arena_printf(arena, "docket/notifier/%lld", (long long)l->tenant_id))};
    ret[n++] = (Attribute){"ce_type", str(arena_printf(arena, "docket.%.*s", STR_ARG(l->event)))};
    ret[n++] = (Attribute){"ce_time", str(arena_strndup(arena, when, strlen(when)))};
    if (l->ticket_id)
        ret[n++] = (Attribute){"ce_subject",
                               str(arena_printf(arena, "tickets/%lld", (long long)l->ticket_id))};
    if (l->seq) /* CloudEvents' extension `sequence`: ordered as text too */
        ret[n++] =
            (Attribute){"ce_sequence", str(arena_printf(arena, "%010lld", (long long)l->seq))};
    return n;
}

static Str structured(const Attribute *a, size_t n, Str json, Arena *arena) {
    CLEANUP(buf_done) Buf b = {0};
    for (size_t i = 0; i < n; i++) {
        buf_addc(&b, i ? ',' : '{');
        buf_add_json(&b, str(a[i].name + 3)); /* without its ce_ */
        buf_addc(&b, ':');
        buf_add_json(&b, a[i].value);
    }
    buf_adds(&b, ",\"datacontenttype\":\"application/json\",\"data\":");
    buf_add_str(&b, json);
    buf_addc(&b, '}');
    return arena_str(arena, buf_str(&b));
}

static Str without_blanks(Str s) {
    while (s.n && strchr(" \t\r\n", s.p[0]))
        s = (Str){s.p + 1, s.n - 1};
    while (s.n && strchr(" \t\r\n", s.p[s.n - 1]))
        s.n--;
    return s;
}

int cloud_event_record(const Letter *letter, CloudEventMode mode, Arena *arena,
                       CloudEventRecord *ret, Buf *ret_problem) {
    Attribute a[ATTRIBUTES_MAX];
    CloudEventRecord r = {.value = without_blanks(letter->json)};
    if (!r.value.n) {
        buf_adds(ret_problem, "there is nothing to tell a program: the template has no `json`");
        return -EINVAL;
    }
    size_t n = attributes(letter, arena, a);
    if (letter->ticket_id) r.key = str(arena_printf(arena, "%lld", (long long)letter->ticket_id));
    if (mode == CLOUD_EVENT_STRUCTURED) {
        r.value = structured(a, n, r.value, arena);
        r.headers[r.headers_n++] =
            (KafkaHeader){"content-type", STR("application/cloudevents+json; charset=UTF-8")};
    } else {
        for (size_t i = 0; i < n; i++)
            r.headers[r.headers_n++] = (KafkaHeader){a[i].name, a[i].value};
        r.headers[r.headers_n++] = (KafkaHeader){"content-type", STR("application/json")};
    }
    *ret = r;
    return 0;
}
