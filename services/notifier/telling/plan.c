#include "notifier/telling/plan.h"

#include "notifier/telling/audience.h"
#include "notifier/telling/occasions.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

#define BIT(n) (UINT32_C(1) << (n))

/* ---- By which way, and until when ---- */

static Str origin_of(Str url) {
    Str rest, scheme = str_cut(url, ':', &rest);
    size_t n = rest.n >= 2 ? 2 : rest.n; /* behind the slashes */
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
        n++;
    return (Str){url.p, scheme.n + 1 + n};
}

static Str origin_with_port(Str url, Arena *arena) {
    Str origin = origin_of(url);
    size_t from = origin.n;
    while (from > 0 && origin.p[from - 1] != ':' && origin.p[from - 1] != ']' &&
           origin.p[from - 1] != '/')
        from--;
    bool has_port = from > 0 && origin.p[from - 1] == ':' && from < origin.n;
    return has_port ? origin
                    : str(arena_printf(arena, "%.*s:%d", STR_ARG(origin),
                                       str_starts(origin, STR("https:")) ? 443 : 80));
}

Str plan_destination(const PlanWorld *w, NotifyWay by, const OutsideSystem *system, Arena *arena) {
    if (!system)
        return by == NOTIFY_BY_SMS ? str(arena_printf(arena, "sms:%s", w->sms_gateway))
                                   : STR("mail");
    switch (by) {
    case NOTIFY_BY_WEBHOOK:
        return origin_with_port(system->address, arena);
    case NOTIFY_BY_KAFKA:
        return str(arena_printf(arena, "topic:%.*s", STR_ARG(system->address)));
    case NOTIFY_BY_DINGTALK:
    case NOTIFY_BY_WECOM:
    case NOTIFY_BY_FEISHU:
        return str(arena_printf(arena, "robot:%.*s", STR_ARG(system->name)));
    case NOTIFY_BY_MAIL: /* to people only */
    case NOTIFY_BY_SMS:
    case NOTIFY_WAYS:
        break;
    }
    return STR("mail");
}

int64_t plan_patience_ms(NotifyWay by, bool urgent) {
    switch (by) {
    case NOTIFY_BY_SMS: /* what comes late wakes somebody for nothing */
    case NOTIFY_BY_DINGTALK:
    case NOTIFY_BY_WECOM:
    case NOTIFY_BY_FEISHU:
        return urgent ? 15 * MINUTE : DAY;
    case NOTIFY_BY_WEBHOOK:
    case NOTIFY_BY_KAFKA: /* programs want to know it however late */
    case NOTIFY_BY_MAIL:  /* RFC 5321 4.5.4.1 */
    case NOTIFY_WAYS:
        break;
    }
    return INT64_C(4) * DAY;
}

/* ---- One delivery ---- */

typedef struct Occasion { /* what all deliveries of one occasion share */
    const PlanWorld *w;
    Notices *to;
    NotifyEvent event;
    int64_t tenant_id, ticket_id, at_ms;
    int32_t seq;
    Str cause;
    size_t from; /* of this occasion, in to->all */
} Occasion;

static Notice *add(Notices *to) {
    if (to->n == to->room) {
        size_t room = to->room ? to->room * 2 : 64;
        Notice *all = arena_alloc(to->arena, room * sizeof(*all));
        if (to->n) memcpy(all, to->all, to->n * sizeof(*all));
        to->all = all;
        to->room = room;
    }
    Notice *n = &to->all[to->n++];
    *n = (Notice){0};
    return n;
}

/* Told by that way already: of this occasion by any notification, of another one of the same row by
 * the same. */
static bool told(const Occasion *o, Str notification, Str recipient, NotifyWay by) {
    for (size_t i = o->to->n; i-- > 0;) {
        const Notice *n = &o->to->all[i];
        if (n->tenant_id != o->tenant_id || !str_eq(n->cause, o->cause)) break;
        if (n->by == by && str_eq(n->recipient, recipient) &&
            (i >= o->from || str_eq(n->notification, notification)))
            return true;
    }
    return false;
}

static void set_times(Notice *to, const Notification *n, int64_t now_ms, Arena *arena) {
    int64_t from = now_ms > to->at_ms ? now_ms : to->at_ms;
    to->due_ms = from;
    if (n && !n->urgent) {
        /* A digest's window is that of the event's own time: whoever decides, and when, it is the
         * same one. */
        if (n->digest_ms) from = (to->at_ms / n->digest_ms + 1) * n->digest_ms;
        to->due_ms = notification_not_before(n, from);
        if (n->digest_ms && to->due_ms != INT64_MAX)
            to->fold = str(arena_printf(arena, "%lld", (long long)to->due_ms));
    }
    if (to->due_ms == INT64_MAX) {
        to->due_ms = now_ms;
        to->dropped = STR("its hours never come");
    }
    to->expires_ms =
        (to->due_ms > now_ms ? to->due_ms : now_ms) + plan_patience_ms(to->by, to->urgent);
}

/* `n` NULL: by itself, in no words of the documents. */
static void deliver(const Occasion *o, const Notification *n, NotifyWay by,
                    const OutsideSystem *system, Str recipient, Str said, bool in_storm,
                    Str dropped) {
    Str name = n ? n->name : STR("");
    if (told(o, name, recipient, by)) return;
    Notice *to = add(o->to);
    *to = (Notice){.tenant_id = o->tenant_id,
                   .ticket_id = o->ticket_id,
                   .seq = o->seq,
                   .cause = o->cause,
                   .notification = name,
                   .recipient = recipient,
                   .by = by,
                   .revision = catalog_revision(o->w->catalog),
                   .urgent = !n || n->urgent,
                   .destination = plan_destination(o->w, by, system, o->to->arena),
                   .said = said,
                   .at_ms = o->at_ms,
                   .in_storm = in_storm,
                   .dropped = dropped};
    set_times(to, n, o->w->now_ms, o->to->arena);
}

static bool reaches(const PlanWorld *w, const Person *p, NotifyWay by) {
    return by == NOTIFY_BY_MAIL ? p->mail
                                : by == NOTIFY_BY_SMS && p->sms && strcmp(w->sms_gateway, "none");
}

/* ---- Rows ---- */

typedef struct Row {
    Occasion o;
    const Event *row;
    const TicketView *after;
    Str inside, shown, outside; /* `said` for those who read it; made when first needed */
} Row;

static Str said_for(Row *r, bool inside, bool show) {
    Str *said = inside ? show ? &r->shown : &r->inside : &r->outside;
    if (!said->n)
        *said = said_of_event(&(SaidParts){.catalog = r->o.w->catalog,
                                           .directory = r->o.w->directory,
                                           .event = r->o.event,
                                           .ticket = r->after,
                                           .row = r->row,
                                           .inside = inside,
                                           .show = show},
                              r->o.to->arena);
    return *said;
}

/* A requester is told that what came from her has arrived. */
static bool confirms(NotifyEvent e, const Recipient *to) {
    return to->audience == AUDIENCE_REQUESTER &&
           (e == NOTIFY_TICKET_CREATED || e == NOTIFY_REPLY_RECEIVED ||
            e == NOTIFY_TICKET_REOPENED);
}

static bool may_hear(Row *r, const Recipient *to, const Person *p) {
    int64_t actor;
    if (deed_of(r->row->actor, &actor) != DEED_OF_MACHINE && actor == p->id &&
        !confirms(r->o.event, to)) {
        r->o.to->own++;
        return false;
    }
    if (r->o.event == NOTIFY_NOTE_ADDED &&
        (!p->staff || (p->subject.tenant_id && !rights_has(&p->subject, RIGHT_NOTES_READ)))) {
        r->o.to->private ++;
        return false;
    }
    return true;
}

/* What nobody gets is written down once, for the first of the ways. */
static bool first_of(uint32_t ways, NotifyWay by) {
    return !(ways & (BIT(by) - 1));
}

/* By one of the ways of `n` at least? */
static bool has_some_way(const PlanWorld *w, uint32_t ways, const Person *p) {
    for (int by = 0; by < NOTIFY_WAYS; by++)
        if (ways & BIT(by) && reaches(w, p, (NotifyWay)by)) return true;
    return false;
}

static void tell_people(Row *r, const Notification *n, uint32_t ways, const Recipient *to,
                        NotifyWay by, bool in_storm) {
    const Person *const *people;
    const PlanWorld *w = r->o.w;
    Arena *arena = r->o.to->arena;
    size_t count = audience_people(w->directory, w->catalog, to, r->after, arena, &people);
    if (!count && first_of(ways, by) &&
        (to->audience == AUDIENCE_LEAD || to->audience == AUDIENCE_MANAGER)) {
        r->o.to->nobody++;
        deliver(&r->o, n, by, NULL, str(audience_name(to->audience)), said_for(r, true, false),
                in_storm, STR("there is nobody of that role"));
    }
    for (size_t i = 0; i < count; i++) {
        const Person *p = people[i];
        Str dropped = {NULL, 0};
        if (!may_hear(r, to, p)) continue;
        if (!reaches(w, p, by)) {
            if (has_some_way(w, ways, p) || !first_of(ways, by)) continue;
            r->o.to->nobody++;
            dropped = STR("no address");
        }
        bool show = p->staff && rights_has(&p->subject, RIGHT_PERSONAL_SHOW);
        deliver(&r->o, n, by, NULL, audience_recipient(w->catalog, p, arena),
                said_for(r, p->staff, show), in_storm, dropped);
    }
}

static bool same_recipient(const Recipient *a, const Recipient *b) {
    return a->audience == b->audience && a->agent_id == b->agent_id && a->system == b->system;
}

static Facts storm_facts(Str category) {
    Facts facts = {0};
    facts.at[FACT_CATEGORY] = category;
    return facts;
}

static size_t storm_tellings(const PlanWorld *w, Str category, Arena *arena, const Telling **ret) {
    const Notification *all;
    uint32_t events = 0;
    size_t n = catalog_notifications(w->catalog, &all);
    for (size_t i = 0; i < n; i++)
        events |= all[i].events;
    if (!(events & BIT(NOTIFY_STORM))) return 0;
    Facts facts = storm_facts(category);
    return catalog_notifications_for(w->catalog, &facts, NOTIFY_STORM, arena, ret);
}

/* Whoever is told of storms of that kind by that way need not be told of each ticket in one. People
 * and their chats: programs want every event. */
static bool storm_tells(const Telling *storm, size_t n, const Telling *t) {
    switch (t->to.audience) {
    case AUDIENCE_LEAD:
    case AUDIENCE_MANAGER:
    case AUDIENCE_AGENT:
        break;
    case AUDIENCE_SYSTEM:
        if (t->by == NOTIFY_BY_WEBHOOK || t->by == NOTIFY_BY_KAFKA) return false;
        break;
    case AUDIENCE_REQUESTER:
    case AUDIENCE_ASSIGNEE:
    case AUDIENCE_COLLABORATORS:
    case AUDIENCE_FOLLOWERS:
    case AUDIENCES:
        return false;
    }
    for (size_t i = 0; i < n; i++)
        if (storm[i].by == t->by && same_recipient(&storm[i].to, &t->to)) return true;
    return false;
}

static void tell_occasion(Row *r) {
    const PlanWorld *w = r->o.w;
    Arena *arena = r->o.to->arena;
    Facts facts = ticket_view_facts(r->after, arena);
    facts.custom = catalog_notification_custom_values(w->catalog, r->after->custom_fields, arena);
    const Telling *all, *storm = NULL;
    size_t n = catalog_notifications_for(w->catalog, &facts, r->o.event, arena, &all), storm_n = 0;
    if (n && (r->o.event == NOTIFY_TICKET_CREATED || r->o.event == NOTIFY_TICKET_QUEUED))
        storm_n = storm_tellings(w, ticket_view_top_category(r->after), arena, &storm);
    for (size_t i = 0; i < n; i++) {
        const Telling *t = &all[i];
        bool in_storm = storm_tells(storm, storm_n, t);
        if (t->to.system)
            deliver(&r->o, t->notification, t->by, t->to.system,
                    str(arena_printf(arena, "system:%.*s", STR_ARG(t->to.system->name))),
                    said_for(r, true, false), in_storm, (Str){NULL, 0});
        else
            tell_people(r, t->notification, t->notification->by, &t->to, t->by, in_storm);
    }
}

/* ---- What a policy asks for by itself ---- */

static bool is_promise(NotifyEvent e) {
    return e >= NOTIFY_PROMISE_WARNED && e <= NOTIFY_PROMISE_ESCALATED;
}

static const Notification *words_for(const Catalog *c, NotifyEvent e) {
    const Notification *all;
    size_t n = catalog_notifications(c, &all);
    for (size_t i = 0; i < n; i++)
        if (all[i].events & BIT(e) && all[i].by & BIT(NOTIFY_BY_MAIL) && all[i].words)
            for (size_t k = 0; k < all[i].to_n; k++)
                if (!all[i].to[k].system) return &all[i];
    return NULL;
}

static void tell_as_promised(Row *r) {
    const Promise *p = &r->row->promise;
    const Recipient wishes[] = {
        {.audience = p->notify_lead ? AUDIENCE_LEAD : AUDIENCES},
        {.audience = p->notify_manager ? AUDIENCE_MANAGER : AUDIENCES},
        {.audience = p->notify_agent ? AUDIENCE_AGENT : AUDIENCES, .agent_id = p->notify_agent}};
    const Notification *n = words_for(r->o.w->catalog, r->o.event);
    uint32_t ways = n ? n->by : BIT(NOTIFY_BY_MAIL);
    for (size_t i = 0; i < sizeof(wishes) / sizeof(*wishes); i++)
        for (int by = 0; wishes[i].audience != AUDIENCES && by < NOTIFY_WAYS; by++)
            if (ways & BIT(by)) tell_people(r, n, ways, &wishes[i], (NotifyWay)by, false);
}

bool plan_interested(const Catalog *c, const Event *row) {
    const Notification *all;
    uint32_t possible = occasions_possible(row);
    size_t n = catalog_notifications(c, &all);
    if (row->promise.notify_lead || row->promise.notify_manager || row->promise.notify_agent)
        return true;
    for (size_t i = 0; i < n; i++) {
        if (all[i].events & possible) return true;
        if (row->kind == LEDGER_TICKET_CREATED && all[i].events & BIT(NOTIFY_STORM)) return true;
    }
    return false;
}

void plan_row(const PlanWorld *w, const TicketView *before, const Event *row, Notices *ret) {
    NotifyEvent events[OCCASIONS_MAX];
    TicketView after = *before;
    size_t n = occasions_of(before, row, events);
    if (!n || !ticket_view_tell(&after, row)) return;
    Str cause = str(arena_printf(ret->arena, "%lld.%d", (long long)row->ticket_id, (int)row->seq));
    for (size_t i = 0; i < n; i++) {
        Row r = {.o = {.w = w,
                       .to = ret,
                       .event = events[i],
                       .tenant_id = row->tenant_id,
                       .ticket_id = row->ticket_id,
                       .at_ms = row->at_ms,
                       .seq = row->seq,
                       .cause = cause,
                       .from = ret->n},
                 .row = row,
                 .after = &after};
        tell_occasion(&r);
        if (is_promise(events[i])) tell_as_promised(&r);
    }
}

/* ---- Storms ---- */

bool plan_counts(const PlanWorld *w, const TicketView *created) {
    const Telling *all;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    return storm_tellings(w, ticket_view_top_category(created), arena, &all) > 0;
}

void plan_storm(const PlanWorld *w, const Storm *s, Notices *ret) {
    const Telling *all = NULL;
    Arena *arena = ret->arena;
    size_t n = storm_tellings(w, s->category, arena, &all);
    Occasion o = {.w = w,
                  .to = ret,
                  .event = NOTIFY_STORM,
                  .tenant_id = s->tenant_id,
                  .at_ms = s->ends_ms,
                  .cause = str(arena_printf(arena, "storm.%.*s.%lld.%d", STR_ARG(s->category),
                                            (long long)s->starts_ms, (int)s->tellings + 1)),
                  .from = ret->n};
    Str said = n ? said_of_storm(s, w->catalog, arena) : (Str){NULL, 0};
    for (size_t i = 0; i < n; i++) {
        const Telling *t = &all[i];
        if (t->to.system) {
            deliver(&o, t->notification, t->by, t->to.system,
                    str(arena_printf(arena, "system:%.*s", STR_ARG(t->to.system->name))), said,
                    false, (Str){NULL, 0});
            continue;
        }
        for (size_t g = 0; g < s->groups_n; g++) {
            const Person *const *people;
            TicketView ticket = {
                .tenant_id = s->tenant_id, .group_id = s->groups[g], .category = s->category};
            size_t count =
                audience_people(w->directory, w->catalog, &t->to, &ticket, arena, &people);
            for (size_t k = 0; k < count; k++) {
                bool unreached = !reaches(w, people[k], t->by);
                if (unreached && (has_some_way(w, t->notification->by, people[k]) ||
                                  !first_of(t->notification->by, t->by)))
                    continue;
                ret->nobody += unreached;
                deliver(&o, t->notification, t->by, NULL,
                        audience_recipient(w->catalog, people[k], arena), said, false,
                        unreached ? STR("no address") : (Str){NULL, 0});
            }
        }
    }
}
