#include "router/problem.h"

#include "digest/digest.h"
#include "router/decision.h"

static const Str tags[] = {{"surge", 5}};

/* Nobody writes these: they are told by one requester of the tenant who is nobody. */
static Str nobody(int64_t tenant_id, Arena *arena) {
    uint8_t *hash = arena_alloc(arena, DIGEST_SHA256_BYTES);
    digest_sha256(str(arena_printf(arena, "docket:radar:%lld", (long long)tenant_id)), hash);
    return (Str){(const char *)hash, DIGEST_SHA256_BYTES};
}

void problem_ticket(const Signal *s, const Catalog *catalog, const AgentDuty *duties,
                    size_t duties_n, Arena *arena, NewTicket *ret) {
    Decision *d = arena_zalloc(arena, sizeof(*d));
    d->ticket = ret;
    d->submission = (Submission){.tenant_id = s->tenant_id,
                                 .ticket_id = s->ticket_id,
                                 .cause = s->cause,
                                 .accepted_ms = s->at_ms,
                                 .channel = STR("radar"),
                                 .subject = s->surge.subject,
                                 .description = s->surge.description,
                                 .contact_hash = nobody(s->tenant_id, arena),
                                 .source_user_id = STR("radar"),
                                 .kind = STR(TICKET_KIND_PROBLEM),
                                 .priority = str(ticket_priority_name(s->surge.priority)),
                                 .group_id = s->surge.group_id};
    decision_classify(d, catalog, duties, duties_n, arena);
    /* The rules read its words for the group alone: what it is, the finding says. */
    ret->facts.kind = STR(TICKET_KIND_PROBLEM);
    ret->facts.category = s->surge.category;
    ret->facts.priority = s->surge.priority;
    ret->facts.tags = tags;
    ret->facts.tags_n = sizeof(tags) / sizeof(*tags);
    ret->facts.skills = NULL;
    ret->facts.skills_n = 0;
    ret->facts.reason = STR("{\"why\":\"surge\"}");
    ret->assignee_id = 0;
    PlacementFacts f = {.why = ret->facts.group_id ? WHY_ASKED_FOR : WHY_NO_GROUP};
    ret->place_reason = placement_reason(arena, &f);
}

enum { STEP_LINK = 0, STEP_NOTE = 4 }; /* 0 to 3 are those of a creation */

bool problem_change(const Signal *s, const TicketPlace *place, Arena *arena, TicketEdit *ret) {
    if (place->version == 0 || place->status >= TICKET_CLOSED) return false;
    *ret = (TicketEdit){.tenant_id = s->tenant_id,
                        .ticket_id = place->ticket_id,
                        .expected_version = place->version,
                        .cause = s->cause,
                        .step = STEP_LINK,
                        .actor_kind = ACTOR_SYSTEM,
                        .actor = STR("system"),
                        .sets = EDIT_PROBLEM,
                        .problem_id = s->ticket_id,
                        .reason = STR("{\"why\":\"surge\"}")};
    if (place->ticket_id != s->ticket_id) return true;
    ret->step = STEP_NOTE;
    ret->sets = 0;
    ret->comment = (EditComment){
        .present = true,
        .body = str(arena_printf(arena, "%zu 张工单归入此问题 (%zu tickets are its incidents)",
                                 s->surge.incidents_n, s->surge.incidents_n)),
        .channel = STR("radar")};
    return true;
}
