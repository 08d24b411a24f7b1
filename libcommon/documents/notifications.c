/* The section `notifications`: who is told of what. */
#include "documents/notifications.h"

#include <errno.h>

#include "documents/catalog_internal.h"

enum {
    NOTIFICATIONS_MAX = 300,
    RECIPIENTS_MAX = 50,
    HOURS_AHEAD_DAYS = 400,
    DAY = 86400000,
    DIGEST_MS_MIN = 60000,
    DIGEST_MS_MAX = DAY
};

static uint32_t notification_ways(const Notification *n) {
    uint32_t ways = n->by;
    for (size_t i = 0; i < n->to_n; i++)
        if (n->to[i].system) ways |= UINT32_C(1) << n->to[i].system->by;
    return ways;
}

/* ---- Events and recipients ---- */

static void read_events(Compilation *c, const Reading *r, const Node *n, Notification *to) {
    const Node *list = node_member(n, "event");
    const Str *names = NULL;
    size_t names_n = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, NOTIFY_EVENTS, c->work, &names, &names_n)) return;
    if (!names_n) complain(r, n->line, "no `event`; say of what it tells, such as ticket_created");
    for (size_t i = 0; i < names_n; i++) {
        NotifyEvent e;
        if (notify_event_parse(names[i], &e) == 0) {
            to->events |= UINT32_C(1) << e;
            continue;
        }
        Str known[NOTIFY_EVENTS];
        CLEANUP(buf_done) Buf possible = {0};
        for (int k = 0; k < NOTIFY_EVENTS; k++) {
            known[k] = str(notify_event_name((NotifyEvent)k));
            buf_printf(&possible, "%s%s", k ? ", " : "; possible are ",
                       notify_event_name((NotifyEvent)k));
        }
        const char *guess = did_you_mean(names[i], known, NOTIFY_EVENTS);
        complain(r, list->line, "unknown event `%.*s`%s", STR_ARG(names[i]),
                 *guess ? guess : possible.p);
    }
}

static void unknown_recipient(Compilation *c, const Reading *r, long line, Str name) {
    size_t agents = intern_count(c->c->agent_names), systems = c->c->systems_n, n = 0;
    Str *known = arena_alloc(c->work, (AUDIENCES + agents + systems) * sizeof(*known));
    for (Audience a = AUDIENCE_REQUESTER; a < AUDIENCE_AGENT; a++)
        known[n++] = str(audience_name(a));
    for (size_t i = 0; i < systems; i++)
        known[n++] = c->c->systems[i].name;
    for (uint32_t i = 0; i < agents; i++)
        known[n++] = intern_at(c->c->agent_names, i);
    const char *guess = did_you_mean(name, known, n);
    complain(r, line, "nobody is called `%.*s`%s", STR_ARG(name),
             *guess ? guess
                    : "; possible are requester, assignee, lead, manager, collaborators, "
                      "followers, an agent and a system");
}

static void read_to(Compilation *c, const Reading *r, const Node *n, Notification *to) {
    const Node *list = node_member(n, "to");
    const Str *names = NULL;
    size_t names_n = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, RECIPIENTS_MAX, c->work, &names, &names_n)) return;
    if (!names_n) complain(r, n->line, "no `to`; say whom it tells, such as requester");
    Recipient *all = arena_zalloc(c->c->arena, names_n * sizeof(*all) + 1);
    for (size_t i = 0; i < names_n; i++) {
        Recipient one = {.audience = AUDIENCES};
        uint32_t agent = intern_find(c->c->agent_names, names[i]);
        for (Audience a = AUDIENCE_REQUESTER; a < AUDIENCE_AGENT; a++)
            if (str_is(names[i], audience_name(a))) one.audience = a;
        if (one.audience < AUDIENCES) {
            all[to->to_n++] = one;
        } else if (agent != INTERN_NONE) {
            all[to->to_n++] = (Recipient){AUDIENCE_AGENT, c->c->agents[agent].id, NULL};
        } else if ((one.system = catalog_system(c->c, names[i]))) {
            one.audience = AUDIENCE_SYSTEM;
            all[to->to_n++] = one;
        } else {
            unknown_recipient(c, r, list->line, names[i]);
        }
    }
    to->to = all;
}

/* Of whom an event knows nothing, and to whom it is none of their business. */
static void check_audience(const Reading *r, long line, NotifyEvent e, Audience a) {
    const char *why = NULL;
    bool own_ticket = a == AUDIENCE_REQUESTER || a == AUDIENCE_ASSIGNEE ||
                      a == AUDIENCE_COLLABORATORS || a == AUDIENCE_FOLLOWERS;
    if (e == NOTIFY_STORM && own_ticket)
        why = "a storm is many tickets and has none; tell lead, manager, an agent or a system";
    else if (e == NOTIFY_NOTE_ADDED && (a == AUDIENCE_REQUESTER || a == AUDIENCE_COLLABORATORS))
        why = "private notes are not for those who write from outside; remove one of the two";
    else if (e == NOTIFY_TICKET_QUEUED && a == AUDIENCE_ASSIGNEE)
        why = "a ticket that waits has none; tell lead or followers";
    if (why) complain(r, line, "%s to %s: %s", notify_event_name(e), audience_name(a), why);
}

static void check_audiences(const Reading *r, const Node *n, const Notification *to) {
    const Node *list = node_member(n, "to");
    for (int e = 0; list && e < NOTIFY_EVENTS; e++)
        for (size_t i = 0; to->events >> e & 1 && i < to->to_n; i++)
            check_audience(r, list->line, (NotifyEvent)e, to->to[i].audience);
}

static bool tells_people(const Notification *n) {
    for (size_t i = 0; i < n->to_n; i++)
        if (n->to[i].audience != AUDIENCE_SYSTEM) return true;
    return false;
}

static void read_by(Compilation *c, const Reading *r, const Node *n, Notification *to) {
    const Node *list = node_member(n, "by");
    const Str *names = NULL;
    size_t names_n = 0;
    if (!shape_texts(r, list, NAME_BYTES_MAX, NOTIFY_WAYS, c->work, &names, &names_n)) return;
    if (names_n && to->to_n && !tells_people(to)) {
        complain(r, list->line, "`by` is for people, and a system has a way of its own; remove it");
        return;
    }
    for (size_t i = 0; i < names_n; i++) {
        if (str_is(names[i], "mail"))
            to->by |= UINT32_C(1) << NOTIFY_BY_MAIL;
        else if (str_is(names[i], "sms"))
            to->by |= UINT32_C(1) << NOTIFY_BY_SMS;
        else
            complain(r, list->line,
                     "people are not told by `%.*s`; possible are mail and sms (a robot or webhook "
                     "is one of `systems`, to be named in `to`)",
                     STR_ARG(names[i]));
    }
    if (!names_n && tells_people(to)) to->by = UINT32_C(1) << NOTIFY_BY_MAIL;
}

/* ---- Its words ---- */

static void read_words(Compilation *c, const Reading *r, const Node *n, Notification *to) {
    const Node *name = node_member(n, "template");
    Str text = {NULL, 0};
    uint32_t ways = notification_ways(to);
    uint32_t bare = UINT32_C(1) << NOTIFY_BY_WEBHOOK | UINT32_C(1) << NOTIFY_BY_KAFKA;
    if (!shape_text(r, n, "template", NAME_BYTES_MAX, &text)) return;
    if (!text.n) {
        if (ways & ~bare)
            complain(r, n->line, "no `template`; only a webhook or topic can do without words");
        return;
    }
    if (shape_reference(r, name->line, "template", text, c->c->template_names) == INTERN_NONE)
        return;
    to->words = catalog_template(c->c, text);
}

/* ---- When ---- */

static void read_times(Compilation *c, const Reading *r, const Node *n, Notification *to) {
    Str hours = {NULL, 0};
    (void)shape_switch(r, n, "urgent", &to->urgent);
    if (shape_duration(r, n, "digest", &to->digest_ms) && node_member(n, "digest") &&
        (to->digest_ms < DIGEST_MS_MIN || to->digest_ms > DIGEST_MS_MAX))
        complain(r, node_member(n, "digest")->line,
                 "`digest` must be 1m to 1d; remove it to tell "
                 "of each event at once");
    if (shape_text(r, n, "hours", NAME_BYTES_MAX, &hours) && hours.n) {
        uint32_t at = shape_reference(r, node_member(n, "hours")->line, "calendar", hours,
                                      c->c->calendar_names);
        if (at != INTERN_NONE && at < c->c->calendars_n) {
            to->hours = c->c->calendars[at].calendar;
            to->hours_name = c->c->calendars[at].name;
        }
    }
    if (to->urgent && (to->digest_ms || hours.n))
        complain(r, n->line, "`urgent` waits for no %s; remove one of them",
                 hours.n ? "hours" : "digest");
    for (size_t i = 0; to->digest_ms && i < to->to_n; i++)
        if (to->to[i].system &&
            (to->to[i].system->by == NOTIFY_BY_WEBHOOK || to->to[i].system->by == NOTIFY_BY_KAFKA))
            complain(r, n->line,
                     "programs are told of each event, and `%.*s` is one; remove "
                     "`digest`, or give it a notification of its own",
                     STR_ARG(to->to[i].system->name));
}

/* ---- The section ---- */

typedef struct NotificationPlace {
    Filter filter;
    long line;
    bool sound;
} NotificationPlace;

static void read_notification(Compilation *c, Str file, const Node *n, Intern *names,
                              NotificationPlace *place) {
    Reading r = {c->problems, file, "notification", {NULL, 0}};
    Notification to = {.to_n = 0};
    size_t mistakes = c->problems->n;
    Str title = {NULL, 0};
    if (!take_name(c, &r, n, names, &to.name)) return;
    SHAPE_KEYS(&r, n, KEY("name"), KEY("title"), KEY("event"), KEY("when"), KEY("to"), KEY("by"),
               KEY("template"), KEY("urgent"), KEY("hours"), KEY("digest"));
    to.title = to.name;
    if (shape_text(&r, n, "title", TITLE_BYTES_MAX, &title) && title.n) to.title = keep(c, title);
    bool sound = read_when(c, &r, node_member(n, "when"), &place->filter);
    read_events(c, &r, n, &to);
    read_to(c, &r, n, &to);
    check_audiences(&r, n, &to);
    read_by(c, &r, n, &to);
    read_times(c, &r, n, &to);
    read_words(c, &r, n, &to);
    if (to.words && c->problems->n == mistakes)
        check_words(c, &r, node_member(n, "template")->line,
                    &(WordsUse){to.words, to.events, notification_ways(&to), to.digest_ms > 0});
    place->line = n->line;
    place->sound = sound && c->problems->n == mistakes;
    c->c->notifications[c->c->notifications_n++] = to;
}

static bool same_recipient(const Recipient *a, const Recipient *b) {
    return a->audience == b->audience && a->agent_id == b->agent_id && a->system == b->system;
}

/* Whether `n` tells this recipient by this way. */
static bool tells(const Notification *n, const Recipient *to, uint32_t way) {
    uint32_t by = to->system ? UINT32_C(1) << to->system->by : n->by;
    for (size_t i = 0; i < n->to_n && by & way; i++)
        if (same_recipient(&n->to[i], to)) return true;
    return false;
}

/* Whether an earlier one has always told what `at` would tell one recipient of one event. */
static bool told_before(const Catalog *c, size_t at, const Recipient *to, uint32_t way, int event,
                        const bool *covers, size_t *ret_by) {
    for (size_t i = 0; i < at; i++)
        if (covers[i] && c->notifications[i].events >> event & 1 &&
            tells(&c->notifications[i], to, way)) {
            *ret_by = i;
            return true;
        }
    return false;
}

static bool never_heard(const Catalog *c, size_t at, const bool *covers, size_t *ret_by) {
    const Notification *n = &c->notifications[at];
    for (int e = 0; e < NOTIFY_EVENTS; e++)
        for (size_t i = 0; n->events >> e & 1 && i < n->to_n; i++) {
            uint32_t by = n->to[i].system ? UINT32_C(1) << n->to[i].system->by : n->by;
            for (int w = 0; w < NOTIFY_WAYS; w++)
                if (by >> w & 1 &&
                    !told_before(c, at, &n->to[i], UINT32_C(1) << w, e, covers, ret_by))
                    return false;
        }
    return true;
}

static void refuse_idle(Compilation *c, Str file, const NotificationPlace *places) {
    const Catalog *k = c->c;
    bool *among = arena_zalloc(c->work, k->notifications_n + 1);
    bool *covers = arena_zalloc(c->work, k->notifications_n + 1);
    for (size_t i = 0; i < k->notifications_n; i++) {
        Reading r = {c->problems, file, "notification", k->notifications[i].name};
        size_t by = 0;
        if (!places[i].sound) continue;
        if (matcher_contradicts_itself(k->notification_matcher, i)) {
            complain(&r, places[i].line,
                     "it can never match: `all` demands a condition and its opposite");
            continue;
        }
        for (size_t j = 0; j < i; j++) {
            among[j] = places[j].sound && k->notifications[j].events & k->notifications[i].events;
            covers[j] = among[j] && matcher_covered_by(k->notification_matcher, i, among) >= 0;
            among[j] = false;
        }
        if (never_heard(k, i, covers, &by))
            complain(&r, places[i].line,
                     "it can never tell anybody: `%.*s` (line %ld) has told them before; move it "
                     "up, or remove it",
                     STR_ARG(k->notifications[by].name), places[by].line);
    }
}

void read_notifications(Compilation *c, Section s) {
    if (!s.node || s.node->kind == NODE_NOTHING) return;
    Reading r = {c->problems, s.file, "notifications", {NULL, 0}};
    if (!shape_list(&r, s.node)) return;
    if (s.node->n > NOTIFICATIONS_MAX) {
        complain(&r, s.node->line, "%zu notifications; at most %d", s.node->n, NOTIFICATIONS_MAX);
        return;
    }
    CLEANUP(intern_freep) Intern *names = intern_new(false);
    CLEANUP(buf_done) Buf why = {0};
    c->c->notifications = arena_zalloc(c->c->arena, s.node->n * sizeof(*c->c->notifications) + 1);
    NotificationPlace *places = arena_zalloc(c->work, s.node->n * sizeof(*places) + 1);
    Filter *filters = arena_zalloc(c->work, s.node->n * sizeof(*filters) + 1);
    size_t keywords = c->keywords;
    c->of_tickets = true;
    for (const Node *n = s.node->first; n; n = n->next) {
        size_t at = c->c->notifications_n;
        read_notification(c, s.file, n, names, &places[at]);
        if (c->c->notifications_n > at && places[at].sound) filters[at] = places[at].filter;
    }
    c->of_tickets = false;
    c->keywords = keywords;
    c->c->notification_matcher =
        matcher_new(filters, c->c->notifications_n, KEYWORDS_FASTEST, &why);
    if (!c->c->notification_matcher)
        complain(&r, s.node->line, "%s", why.p);
    else
        refuse_idle(c, s.file, places);
}

/* ---- Asked later ---- */

size_t catalog_notifications(const Catalog *c, const Notification **ret) {
    *ret = c->notifications;
    return c->notifications_n;
}

const Notification *catalog_notification(const Catalog *c, Str name) {
    for (size_t i = 0; i < c->notifications_n; i++)
        if (str_eq(c->notifications[i].name, name)) return &c->notifications[i];
    return NULL;
}

static size_t add_telling(Telling *all, size_t n, Telling one) {
    for (size_t i = 0; i < n; i++)
        if (all[i].by == one.by && same_recipient(&all[i].to, &one.to)) return n;
    if (n < TELLINGS_MAX) all[n++] = one;
    return n;
}

size_t catalog_notifications_for(const Catalog *c, const Facts *facts, NotifyEvent event,
                                 Arena *arena, const Telling **ret) {
    size_t n = 0;
    *ret = NULL;
    if (!c->notifications_n) return 0;
    Telling *all = arena_alloc(arena, TELLINGS_MAX * sizeof(*all));
    matcher_look(c->notification_matcher, facts);
    for (size_t i = 0; (i = matcher_next(c->notification_matcher, i)) < c->notifications_n; i++) {
        const Notification *one = &c->notifications[i];
        for (size_t k = 0; one->events >> event & 1 && k < one->to_n; k++)
            for (int w = 0; w < NOTIFY_WAYS; w++) {
                const OutsideSystem *system = one->to[k].system;
                if (system ? system->by == (NotifyWay)w : one->by >> w & 1)
                    n = add_telling(all, n, (Telling){one, one->to[k], (NotifyWay)w});
            }
    }
    *ret = all;
    return n;
}

size_t catalog_notification_custom(const Catalog *c, const Str **ret) {
    if (!c->notifications_n) return 0;
    return matcher_custom(c->notification_matcher, ret);
}

const Str *catalog_notification_custom_values(const Catalog *c, Str custom_fields, Arena *arena) {
    const Str *names = NULL;
    size_t n = catalog_notification_custom(c, &names);
    return custom_values(names, n, custom_fields, arena);
}

int64_t notification_not_before(const Notification *n, int64_t now_ms) {
    int64_t start, end;
    if (n->urgent || !n->hours) return now_ms;
    if (!calendar_span(n->hours, now_ms, now_ms + (int64_t)HOURS_AHEAD_DAYS * DAY, &start, &end))
        return INT64_MAX;
    return start;
}
