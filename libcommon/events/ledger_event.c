/* One ledger row -> the Envelope of its event. */
#include <errno.h>
#include <stdlib.h>

#include "events/ledger.h"
#include "events/members_internal.h"
#include "events/promise_internal.h"
#include "events/update.h"
#include "events/wire_internal.h"

/* What a payload may say, as slices of it; absent ones are {NULL, 0}. */
typedef struct Payload {
    Str set, reason, note;
} Payload;

typedef struct TextField { /* of TicketCreated */
    const char *column;
    size_t offset;
} TextField;

#define TEXT(column, field)                                                                        \
    { column, offsetof(Docket__TicketCreated, field) }
static const TextField created_texts[] = {
    TEXT("channel", channel),   TEXT("kind", kind),
    TEXT("category", category), TEXT("priority", priority),
    TEXT("subject", subject),   TEXT("description", description),
    TEXT("tier", tier),         TEXT("region", region),
    TEXT("order_ref", order),   TEXT("product", product),
    TEXT("batch", batch),       TEXT("device", device),
    TEXT("language", language), TEXT("external_id", external_id),
};
enum { CREATED_TEXTS = sizeof(created_texts) / sizeof(created_texts[0]) };

static char *compact(Str json, Arena *a) {
    return (char *)(uintptr_t)member_compact(json, a).p;
}

static int split(Str payload, Payload *ret) {
    Str key, value;
    int r;
    *ret = (Payload){0};
    while ((r = members_next(&payload, &key, &value)) > 0) {
        if (str_is(key, "set")) ret->set = value;
        if (str_is(key, "reason")) ret->reason = value;
        if (str_is(key, "note")) ret->note = value;
    }
    return r;
}

/* Days before the first of March of a year, from 1970 (Howard Hinnant's days_from_civil). */
static int64_t days_of(int64_t y, int64_t m, int64_t d) {
    y -= m <= 2;
    int64_t era = y / 400, year = y - era * 400;
    int64_t day = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year * 365 + year / 4 - year / 100 + day - 719468;
}

static int digits(const char *p, size_t n, int64_t *ret) {
    return str_to_i64((Str){p, n}, ret) < 0 || *p == '-' ? -EBADMSG : 0;
}

/* "2026-11-22T05:43:00.123Z" in quotes, as clock_format_ms() writes it. */
static int time_of(Str value, int64_t *ret) {
    int64_t y, mon, d, h, min, s, ms;
    if (value.n != 26 || value.p[24] != 'Z' || value.p[11] != 'T') return -EBADMSG;
    const char *p = value.p + 1;
    if (digits(p, 4, &y) || digits(p + 5, 2, &mon) || digits(p + 8, 2, &d) ||
        digits(p + 11, 2, &h) || digits(p + 14, 2, &min) || digits(p + 17, 2, &s) ||
        digits(p + 20, 3, &ms))
        return -EBADMSG;
    *ret = (((days_of(y, mon, d) * 24 + h) * 60 + min) * 60 + s) * 1000 + ms;
    return 0;
}

static int texts_of(Str array, Arena *a, char ***ret, size_t *ret_n) {
    Str rest = array, value;
    size_t n = 0;
    int r;
    while ((r = elements_next(&rest, &value)) > 0)
        n++;
    if (r < 0) return r;
    char **texts = arena_alloc(a, n * sizeof(*texts));
    rest = array;
    for (size_t i = 0; i < n && elements_next(&rest, &value) > 0; i++) {
        Str text;
        if (member_text(value, a, &text) < 0) return -EBADMSG;
        texts[i] = (char *)(uintptr_t)text.p; /* ours: it lives in the arena */
    }
    *ret = texts;
    *ret_n = n;
    return 0;
}

static int number_of(Str value, uint64_t *ret) {
    int64_t v;
    if (member_int(value, &v) < 0 || v < 0) return -EBADMSG;
    *ret = (uint64_t)v;
    return 0;
}

static int created_member(Docket__TicketCreated *t, Str key, Str value, Arena *a) {
    for (size_t i = 0; i < CREATED_TEXTS; i++) {
        if (!str_is(key, created_texts[i].column)) continue;
        Str text;
        if (member_text(value, a, &text) < 0) return -EBADMSG;
        char *z = (char *)(uintptr_t)text.p;
        memcpy((char *)t + created_texts[i].offset, &z, sizeof(z));
        return 0;
    }
    if (str_is(key, "group_id")) return number_of(value, &t->group_id);
    if (str_is(key, "source_id")) return number_of(value, &t->source_id);
    if (str_is(key, "skills")) return texts_of(value, a, &t->skills, &t->n_skills);
    if (str_is(key, "tags")) return texts_of(value, a, &t->tags, &t->n_tags);
    if (str_is(key, "created_at")) return time_of(value, &t->created_ms);
    if (str_is(key, "custom_fields")) t->custom_fields = compact(value, a);
    return 0; /* status, and columns of a later release */
}

static int created(const LedgerRow *row, const Payload *p, Arena *a, Docket__TicketCreated *t) {
    Str rest = p->set, key, value, number = row->actor;
    int r;
    docket__ticket_created__init(t);
    if (!p->set.n) return -EBADMSG;
    while ((r = members_next(&rest, &key, &value)) > 0)
        if (created_member(t, key, value, a) < 0) return -EBADMSG;
    if (r < 0 || t->created_ms == 0) return -EBADMSG;
    if (str_starts(number, STR("requester:"))) {
        number = (Str){number.p + 10, number.n - 10};
        if (str_to_u64(number, &t->requester_id) < 0) return -EBADMSG;
    }
    t->reason = compact(p->reason, a);
    return 0;
}

typedef struct Placed {
    uint64_t group_id, assignee_id;
    char *reason;
} Placed;

static int placed(const Payload *p, Arena *a, Placed *ret) {
    Str rest = p->set, key, value;
    int r;
    *ret = (Placed){.reason = compact(p->reason, a)};
    if (!p->set.n) return -EBADMSG;
    while ((r = members_next(&rest, &key, &value)) > 0) {
        if (str_is(key, "group_id") && number_of(value, &ret->group_id) < 0) return -EBADMSG;
        if (str_is(key, "assignee_id") && number_of(value, &ret->assignee_id) < 0) return -EBADMSG;
    }
    return r;
}

static int mentions_of(Str array, Arena *a, Docket__TicketComment *c) {
    Str rest = array, value;
    size_t n = 0;
    int r;
    while ((r = elements_next(&rest, &value)) > 0)
        n++;
    if (r < 0) return r;
    c->mentions = arena_alloc(a, (n + 1) * sizeof(*c->mentions));
    rest = array;
    while (c->n_mentions < n && elements_next(&rest, &value) > 0)
        if (number_of(value, &c->mentions[c->n_mentions++]) < 0) return -EBADMSG;
    return 0;
}

static int commented(const EditComment *c, Str actor, Arena *a, Docket__TicketComment *ret) {
    Str who;
    docket__ticket_comment__init(ret);
    ret->is_public = c->is_public;
    ret->author_id = (uint64_t)c->author_id;
    ret->actor_kind = wire_text(a, str_cut(actor, ':', &who));
    ret->channel = wire_text(a, c->channel);
    ret->body = wire_text(a, c->body);
    ret->is_html = c->is_html;
    ret->attachments = wire_text(a, c->attachments);
    return c->mentions.n ? mentions_of(c->mentions, a, ret) : 0;
}

static Docket__TicketPeople *people(const int64_t *ids, size_t n, Arena *a) {
    Docket__TicketPeople *p = arena_alloc(a, sizeof(*p));
    docket__ticket_people__init(p);
    p->n_ids = n;
    p->ids = arena_alloc(a, (n + 1) * sizeof(*p->ids));
    for (size_t i = 0; i < n; i++)
        p->ids[i] = (uint64_t)ids[i];
    return p;
}

/* The sealed originals stay in the ledger: no follower opens them. */
static int updated(const LedgerRow *row, Arena *a, Docket__TicketUpdated *t) {
    TicketUpdate u;
    docket__ticket_updated__init(t);
    if (update_payload_read(row->payload, a, &u) < 0) return -EBADMSG;
#define SET(bit, name, NAME, value)                                                                \
    if (u.sets & (bit)) {                                                                          \
        t->name##_set_case = DOCKET__TICKET_UPDATED__##NAME##_SET_##NAME;                          \
        t->name = value;                                                                           \
    }
    SET(EDIT_STATUS, status, STATUS, wire_text(a, str(ticket_status_name(u.status))))
    SET(EDIT_PRIORITY, priority, PRIORITY, wire_text(a, str(ticket_priority_name(u.priority))))
    SET(EDIT_GROUP, group_id, GROUP_ID, (uint64_t)u.group_id)
    SET(EDIT_ASSIGNEE, assignee_id, ASSIGNEE_ID, (uint64_t)u.assignee_id)
    SET(EDIT_REQUESTER, requester_id, REQUESTER_ID, (uint64_t)u.requester_id)
    SET(EDIT_FORM, form_id, FORM_ID, (uint64_t)u.form_id)
    SET(EDIT_FOLLOWUP_OF, followup_of, FOLLOWUP_OF, (uint64_t)u.followup_of)
    SET(EDIT_PROBLEM, problem_id, PROBLEM_ID, (uint64_t)u.problem_id)
    SET(EDIT_KIND, kind, KIND, wire_text(a, u.kind))
    SET(EDIT_CATEGORY, category, CATEGORY, wire_text(a, u.category))
    SET(EDIT_SUBJECT, subject, SUBJECT, wire_text(a, u.subject))
    SET(EDIT_EXTERNAL_ID, external_id, EXTERNAL_ID, wire_text(a, u.external_id))
    SET(EDIT_SATISFACTION, satisfaction, SATISFACTION, wire_text(a, u.satisfaction))
    SET(EDIT_CUSTOM_FIELDS, custom_fields, CUSTOM_FIELDS, wire_text(a, u.custom_fields))
#undef SET
    if (u.sets & EDIT_TAGS) {
        t->tags = arena_alloc(a, sizeof(*t->tags));
        docket__ticket_tags__init(t->tags);
        t->tags->n_tags = u.tags_n;
        t->tags->tags = arena_alloc(a, (u.tags_n + 1) * sizeof(*t->tags->tags));
        for (size_t i = 0; i < u.tags_n; i++)
            t->tags->tags[i] = wire_text(a, u.tags[i]);
    }
    if (u.sets & EDIT_COLLABORATORS)
        t->collaborators = people(u.collaborators, u.collaborators_n, a);
    if (u.sets & EDIT_FOLLOWERS) t->followers = people(u.followers, u.followers_n, a);
    if (u.comment.present) {
        t->comment = arena_alloc(a, sizeof(*t->comment));
        if (commented(&u.comment, row->actor, a, t->comment) < 0) return -EBADMSG;
    }
    t->note = wire_text(a, u.note);
    t->reason = wire_text(a, u.reason);
    return 0;
}

int ledger_event_encode(const LedgerRow *row, Arena *arena, Buf *ret) {
    Docket__Envelope e;
    Payload payload;
    Placed where;
    Docket__TicketCreated ticket_created;
    Docket__TicketAssigned assigned = DOCKET__TICKET_ASSIGNED__INIT;
    Docket__TicketQueued queued = DOCKET__TICKET_QUEUED__INIT;
    Docket__TicketReleased released = DOCKET__TICKET_RELEASED__INIT;
    Docket__TicketNoted noted = DOCKET__TICKET_NOTED__INIT;
    Docket__TicketUpdated ticket_updated;
    Docket__Promise promise;

    wire_envelope(&e, arena, row->tenant_id, row->ticket_id, &row->cause, row->at_ms, &row->trace);
    e.seq = (uint32_t)row->seq;
    e.step = (uint32_t)row->step;
    e.revision = (uint64_t)row->revision;
    e.actor = wire_text(arena, row->actor);
    if (split(row->payload, &payload) < 0) return -EBADMSG;
    switch (row->kind) {
    case LEDGER_TICKET_CREATED:
        if (created(row, &payload, arena, &ticket_created) < 0) return -EBADMSG;
        e.event_case = DOCKET__ENVELOPE__EVENT_TICKET_CREATED;
        e.ticket_created = &ticket_created;
        break;
    case LEDGER_TICKET_ASSIGNED:
        if (placed(&payload, arena, &where) < 0 || !where.assignee_id) return -EBADMSG;
        assigned.group_id = where.group_id;
        assigned.assignee_id = where.assignee_id;
        assigned.reason = where.reason;
        e.event_case = DOCKET__ENVELOPE__EVENT_TICKET_ASSIGNED;
        e.ticket_assigned = &assigned;
        break;
    case LEDGER_TICKET_QUEUED:
        if (placed(&payload, arena, &where) < 0 || where.assignee_id) return -EBADMSG;
        queued.group_id = where.group_id;
        queued.reason = where.reason;
        e.event_case = DOCKET__ENVELOPE__EVENT_TICKET_QUEUED;
        e.ticket_queued = &queued;
        break;
    case LEDGER_TICKET_RELEASED:
        if (placed(&payload, arena, &where) < 0 || where.assignee_id) return -EBADMSG;
        released.group_id = where.group_id;
        released.reason = where.reason;
        e.event_case = DOCKET__ENVELOPE__EVENT_TICKET_RELEASED;
        e.ticket_released = &released;
        break;
    case LEDGER_TICKET_NOTED: {
        Str note;
        if (!payload.note.n || member_text(payload.note, arena, &note) < 0) return -EBADMSG;
        noted.note = wire_text(arena, note);
        e.event_case = DOCKET__ENVELOPE__EVENT_TICKET_NOTED;
        e.ticket_noted = &noted;
        break;
    }
    case LEDGER_TICKET_UPDATED:
        if (updated(row, arena, &ticket_updated) < 0) return -EBADMSG;
        e.event_case = DOCKET__ENVELOPE__EVENT_TICKET_UPDATED;
        e.ticket_updated = &ticket_updated;
        break;
    case LEDGER_PROMISE_WARNED:
    case LEDGER_PROMISE_BREACHED:
    case LEDGER_PROMISE_ESCALATED: {
        Promise p;
        TicketUpdate set;
        if (promise_payload_read(row->payload, arena, &p, &set) < 0) return -EBADMSG;
        promise_to_wire(&p, &set, arena, &promise);
        promise_into(&e, (PromiseAct)(row->kind - LEDGER_PROMISE_WARNED), &promise);
        break;
    }
    case LEDGER_KINDS:
    default:
        return -EBADMSG;
    }
    wire_pack(&e, ret);
    return 0;
}
