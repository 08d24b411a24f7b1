#include "notifier/telling/said.h"

#include "html/html.h"
#include "notifier/telling/occasions.h"
#include "json/json.h"

/* ---- Members ---- */

static void comma(Buf *to) {
    char last = to->n ? to->p[to->n - 1] : '{';
    if (last != '{' && last != '[') buf_addc(to, ',');
}

static void name(Buf *to, const char *key) {
    comma(to);
    buf_add_json(to, str(key));
    buf_addc(to, ':');
}

/* As much of it as is kept. */
static void text_value(Buf *to, Str text) {
    if (text.n <= SAID_TEXT_MAX) {
        buf_add_json(to, text);
        return;
    }
    CLEANUP(buf_done) Buf cut = {0};
    size_t n = SAID_TEXT_MAX;
    while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    buf_add(&cut, text.p, n);
    buf_adds(&cut, "…");
    buf_add_json(to, buf_str(&cut));
}

static void text(Buf *to, const char *key, Str value) {
    if (!value.n) return;
    name(to, key);
    text_value(to, value);
}

static void number(Buf *to, const char *key, int64_t value) {
    if (!value) return;
    name(to, key);
    buf_add_i64(to, value);
}

static void begin(Buf *to, const char *key) {
    name(to, key);
    buf_addc(to, '{');
}

/* ---- Who and what ---- */

static Str name_of(const SaidParts *s, int64_t tenant_id, int64_t id) {
    const Person *p = id ? directory_find(s->directory, tenant_id, id) : NULL;
    if (p) return p->name;
    const Agent *a = id && s->catalog ? catalog_agent(s->catalog, id) : NULL;
    return a ? a->title : (Str){NULL, 0};
}

static Str group_title(const Catalog *c, int64_t id) {
    const Group *g = id && c ? catalog_group(c, id) : NULL;
    return g ? g->title : (Str){NULL, 0};
}

/* In people's words where there are some: a handover note, the keyword that decided. */
static Str reason_of(const Event *row, Arena *arena) {
    cJSON *reason;
    Str found = {NULL, 0};
    if (row->set.note.n) return row->set.note;
    if (!row->set.reason.n || json_parse_in(arena, row->set.reason, NULL, &reason, NULL) < 0)
        return found;
    if (json_get_string(reason, "matched", &found) != 1)
        (void)json_get_string(reason, "why", &found);
    return found;
}

static void add_event(Buf *to, const SaidParts *s, Arena *arena) {
    int64_t actor;
    (void)deed_of(s->row->actor, &actor);
    begin(to, "event");
    text(to, "name", str(notify_event_name(s->event)));
    number(to, "at_ms", s->row->at_ms);
    text(to, "actor", name_of(s, s->row->tenant_id, actor));
    if (s->inside) text(to, "reason", reason_of(s->row, arena));
    buf_addc(to, '}');
}

static void add_ticket(Buf *to, const SaidParts *s) {
    const TicketView *t = s->ticket;
    begin(to, "ticket");
    number(to, "id", t->ticket_id);
    text(to, "subject", t->subject);
    text(to, "description", t->description);
    text(to, "status", str(ticket_status_name(t->status)));
    text(to, "priority", str(ticket_priority_name(t->priority)));
    if (t->priority == PRIORITY_URGENT) {
        name(to, "urgent");
        buf_adds(to, "true");
    }
    text(to, "kind", t->kind);
    text(to, "category", t->category);
    text(to, "channel", t->channel);
    text(to, "region", t->region);
    text(to, "tier", t->tier);
    text(to, "group", group_title(s->catalog, t->group_id));
    text(to, "assignee", name_of(s, t->tenant_id, t->assignee_id));
    text(to, "requester", name_of(s, t->tenant_id, t->requester_id));
    number(to, "created_ms", t->created_ms);
    number(to, "updated_ms", t->updated_ms);
    text(to, "order", t->order);
    text(to, "product", t->product);
    text(to, "batch", t->batch);
    text(to, "device", t->device);
    text(to, "external_id", t->external_id);
    text(to, "language", t->language);
    if (t->tags_n) {
        name(to, "tags");
        buf_addc(to, '[');
        for (size_t i = 0; i < t->tags_n; i++) {
            comma(to);
            text_value(to, t->tags[i]);
        }
        buf_addc(to, ']');
    }
    if (t->custom_fields.n > 2 && t->custom_fields.n <= SAID_CUSTOM_MAX) {
        name(to, "custom");
        buf_add_str(to, t->custom_fields);
    }
    buf_addc(to, '}');
}

static void add_comment(Buf *to, const SaidParts *s) {
    const EditComment *c = &s->row->set.comment;
    CLEANUP(buf_done) Buf plain = {0};
    if (c->is_html) (void)html_to_text(c->body, &plain);
    begin(to, "comment");
    text(to, "author", name_of(s, s->row->tenant_id, c->author_id));
    text(to, "text", c->is_html ? buf_str(&plain) : c->body);
    number(to, "at_ms", s->row->at_ms);
    buf_addc(to, '}');
}

static void add_promise(Buf *to, const Promise *p) {
    begin(to, "promise");
    text(to, "metric", p->metric);
    text(to, "level", p->level);
    text(to, "policy", p->policy);
    number(to, "due_ms", p->due_ms);
    number(to, "target_ms", p->target_ms);
    number(to, "elapsed_ms", p->elapsed_ms);
    buf_addc(to, '}');
}

static Str finished(Buf *to, Arena *arena) {
    buf_addc(to, '}');
    return arena_str(arena, buf_str(to));
}

Str said_of_event(const SaidParts *parts, Arena *arena) {
    CLEANUP(buf_done) Buf to = {0};
    buf_addc(&to, '{');
    add_event(&to, parts, arena);
    add_ticket(&to, parts);
    if (parts->event == NOTIFY_REPLY_SENT || parts->event == NOTIFY_REPLY_RECEIVED ||
        parts->event == NOTIFY_NOTE_ADDED)
        add_comment(&to, parts);
    if (parts->event >= NOTIFY_PROMISE_WARNED && parts->event <= NOTIFY_PROMISE_ESCALATED)
        add_promise(&to, &parts->row->promise);
    if (parts->show) buf_adds(&to, ",\"show\":true");
    return finished(&to, arena);
}

Str said_of_storm(const Storm *s, const Catalog *catalog, Arena *arena) {
    CLEANUP(buf_done) Buf to = {0};
    buf_addc(&to, '{');
    begin(&to, "event");
    text(&to, "name", str(notify_event_name(NOTIFY_STORM)));
    number(&to, "at_ms", s->ends_ms);
    buf_addc(&to, '}');
    begin(&to, "storm");
    name(&to, "count");
    buf_add_i64(&to, s->tickets);
    name(&to, "urgent");
    buf_add_i64(&to, s->urgent);
    name(&to, "minutes");
    buf_add_i64(&to, (s->ends_ms - s->starts_ms + 59999) / 60000);
    text(&to, "kind", s->category);
    text(&to, "group", s->groups_n ? group_title(catalog, s->groups[0]) : (Str){NULL, 0});
    number(&to, "since_ms", s->starts_ms);
    number(&to, "until_ms", s->ends_ms);
    buf_addc(&to, '}');
    name(&to, "tickets");
    buf_addc(&to, '[');
    for (size_t i = 0; i < s->some_n && i < SAID_STORM_TICKETS; i++) {
        comma(&to);
        buf_addc(&to, '{');
        number(&to, "id", s->some[i].id);
        text(&to, "subject", s->some[i].subject);
        text(&to, "priority", s->some[i].priority);
        text(&to, "category", s->some[i].category);
        buf_addc(&to, '}');
    }
    buf_addc(&to, ']');
    return finished(&to, arena);
}
