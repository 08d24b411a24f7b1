/* Rules, wishes of the sender, and the words for the ledger. */
#include "router/decision.h"

#include <string.h>

#define KIND_WITHOUT_DOCUMENTS STR("咨询")

static void add_note(NewTicket *t, Arena *arena, Str more) {
    if (!more.n) return;
    t->note =
        t->note.n ? str(arena_printf(arena, "%.*s; %.*s", STR_ARG(t->note), STR_ARG(more))) : more;
}

static TicketFacts facts_without_documents(const Submission *s) {
    TicketFacts f = {.kind = s->kind.n ? s->kind : KIND_WITHOUT_DOCUMENTS,
                     .category = STR(""),
                     .priority = PRIORITY_NORMAL,
                     .tags = s->tags,
                     .tags_n = s->tags_n,
                     .reason = STR("{\"why\":\"no_documents\"}")};
    (void)ticket_priority_parse(s->priority, &f.priority);
    return f;
}

/* An agent's right let the sender name a group or an assignee. */
static void follow_wishes(Decision *d, const Catalog *c, Arena *arena) {
    NewTicket *t = d->ticket;
    const Submission *s = &d->submission;
    if (s->group_id) {
        if (catalog_group(c, s->group_id)) {
            if (t->facts.group_id != s->group_id) {
                t->facts.group_id = s->group_id;
                t->facts.skills_n = 0; /* skills go with the group that the rules chose */
            }
        } else {
            add_note(t, arena, STR("the group asked for is not in the documents"));
        }
    }
    if (s->assignee_id) {
        const Agent *a = catalog_agent(c, s->assignee_id);
        if (a) {
            t->assignee_id = a->id;
            if (!s->group_id && a->groups_n) t->facts.group_id = a->groups[0];
        } else {
            add_note(t, arena, STR("the assignee asked for is not in the documents"));
        }
    }
}

void decision_classify(Decision *d, const Catalog *catalog, const AgentDuty *duties,
                       size_t duties_n, Arena *arena) {
    NewTicket *t = d->ticket;
    const Submission *s = &d->submission;
    *t = (NewTicket){.submission = s, .note = s->note};
    if (!catalog) {
        t->facts = facts_without_documents(s);
        return;
    }
    catalog_classify(catalog, s, arena, &t->facts);
    t->revision = catalog_revision(catalog);
    follow_wishes(d, catalog, arena);
    if (!t->facts.group_id) return;
    d->staffing = placement_staffing(catalog, duties, duties_n, t->facts.group_id, t->facts.skills,
                                     t->facts.skills_n);
    d->asks = t->assignee_id == 0;
    d->reservation = (Reservation){
        .tenant_id = s->tenant_id,
        .ticket_id = s->ticket_id,
        .score = placement_score(s->accepted_ms, t->facts.priority, catalog_aging_ms(catalog)),
        .kind = placement_kind(arena, t->facts.group_id, t->facts.skills, t->facts.skills_n),
        .why = RESERVE_NOT_ASKED};
}

static PlacementWhy why_waiting(const Decision *d) {
    switch (d->reservation.why) {
    case RESERVE_BEHIND:
        return d->staffing.able      ? WHY_BEHIND_OTHERS
               : d->staffing.on_duty ? WHY_NOBODY_SKILLED
                                     : WHY_NOBODY_ON_DUTY;
    case RESERVE_NOW:
    case RESERVE_AGAIN:
    case RESERVE_FULL:
    case RESERVE_KNOWN:
        if (!d->staffing.on_duty) return WHY_NOBODY_ON_DUTY;
        return d->staffing.able ? WHY_ALL_FULL : WHY_NOBODY_SKILLED;
    case RESERVE_RAN_OUT:
        return WHY_RAN_OUT;
    case RESERVE_NOT_ASKED:
        break;
    }
    return WHY_PAUSED;
}

void decision_place(Decision *d, Arena *arena) {
    NewTicket *t = d->ticket;
    PlacementFacts f = {.staffing = d->staffing};
    if (!d->asks) {
        f.why = t->assignee_id ? WHY_ASKED_FOR : WHY_NO_GROUP;
    } else if (d->reservation.agent_id) {
        t->assignee_id = d->reservation.agent_id;
        f.why = WHY_LEAST_LOADED;
        f.load = d->reservation.load;
        f.capacity = d->reservation.capacity;
    } else {
        t->assignee_id = 0; /* it may have had somebody in an earlier try */
        f.why = why_waiting(d);
    }
    t->place_reason = placement_reason(arena, &f);
}

void decision_renumber(const Decision *old, int64_t fresh_id, Decision *ret, Arena *arena) {
    NewTicket *ticket = ret->ticket;
    *ret = *old;
    ret->ticket = ticket;
    Submission *s = &ret->submission;
    s->ticket_id = fresh_id;
    *ticket = *old->ticket;
    ticket->submission = s;
    ticket->assignee_id = old->asks ? 0 : old->ticket->assignee_id;
    ticket->instead_of = old->submission.ticket_id;
    ret->asks = false; /* what Redis reserved was for the other id: it waits its turn */
    ret->reservation.agent_id = 0;
    if (!ticket->assignee_id) {
        PlacementFacts f = {.why = ticket->facts.group_id ? WHY_BEHIND_OTHERS : WHY_NO_GROUP,
                            .staffing = ret->staffing};
        ticket->place_reason = placement_reason(arena, &f);
    }
}
