/* A calendar's `ics_file: 2026.ics` becomes `ics: "..."`: what is stored needs no file any more. */
#include <errno.h>
#include <string.h>

#include "docket/apply_internal.h"
#include "documents/node.h"
#include "holidays/feed.h"
#include "promise/calendar.h"

static Str beside(Apply *a, const char *document, Str name) {
    const char *slash = strrchr(document, '/');
    if (!slash || (name.n && *name.p == '/')) return arena_str(a->arena, name);
    return str(
        arena_printf(a->arena, "%.*s%.*s", (int)(slash + 1 - document), document, STR_ARG(name)));
}

static int put(Apply *a, const char *document, const Node *n, Buf *to) {
    CLEANUP(buf_done) Buf why = {0};
    FeedDay *days;
    Str text, name = n->kind == NODE_TEXT ? n->text : (Str){NULL, 0};
    if (name.n == 0) {
        buf_printf(&a->problems, "%s:%ld: `ics_file` is the name of a file\n", document, n->line);
        return -EINVAL;
    }
    Str path = beside(a, document, name);
    if (apply_read_file(a, path.p, FEED_BYTES_MAX, &text, &why) < 0) {
        buf_printf(&a->problems, "%s:%ld: `ics_file`: %s\n", document, n->line, why.p);
        return -EINVAL;
    }
    int r =
        feed_read(text, CALENDAR_DATES_MAX, a->arena, &days, &why); /* while its name is known */
    if (r < 0) {
        buf_printf(&a->problems, "%s: %s (named in %s:%ld)\n", path.p, why.p, document, n->line);
        return -EINVAL;
    }
    buf_adds(to, "ics: ");
    buf_add_json(to, text);
    return 0;
}

void apply_put_ics(Apply *a, const char *document, DocumentSection *section) {
    CLEANUP(buf_done) Buf ignored = {0}, whole = {0};
    Problems problems = {.text = &ignored};
    const Node *root =
        yaml_read(section->body, str(document), section->first_line, a->arena, &problems);
    const Node *list = root ? node_member(root, "calendars") : NULL;
    size_t at = 0;
    if (!list || list->kind != NODE_LIST) return;
    for (const Node *calendar = list->first; calendar; calendar = calendar->next) {
        const Node *n = node_member(calendar, "ics_file");
        if (!n) continue;
        buf_add(&whole, section->body.p + at, n->key_start - at);
        if (put(a, document, n, &whole) < 0) return;
        at = n->end;
    }
    if (at == 0) return;
    buf_add(&whole, section->body.p + at, section->body.n - at);
    section->body = arena_str(a->arena, buf_str(&whole));
}
