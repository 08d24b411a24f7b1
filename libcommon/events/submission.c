/* Submission <-> Envelope{TicketSubmitted}. */
#include "events/submission.h"

#include <errno.h>

#include "events/wire_internal.h"
#include "ticket/ticket.h"

enum { HASH_BYTES = 32 };

static Docket__PersonalField **pack_personal(Arena *a, const PersonalField *fields, size_t n) {
    Docket__PersonalField **ret = arena_alloc(a, n * sizeof(*ret));
    Docket__PersonalField *all = arena_alloc(a, n * sizeof(*all));
    for (size_t i = 0; i < n; i++) {
        docket__personal_field__init(&all[i]);
        all[i].field = wire_text(a, fields[i].field);
        all[i].sealed = wire_bytes(fields[i].sealed);
        all[i].masked = wire_text(a, fields[i].masked);
        all[i].hash = wire_bytes(fields[i].hash);
        ret[i] = &all[i];
    }
    return ret;
}

void submission_encode(const Submission *s, Buf *ret) {
    static _Thread_local Arena *a; /* kept: making one costs as much as packing a message */
    if (!a) a = arena_new(4096);
    Docket__Envelope e;
    wire_envelope(&e, a, s->tenant_id, s->ticket_id, &s->cause, s->accepted_ms, &s->trace);

    Docket__Requester requester = DOCKET__REQUESTER__INIT;
    requester.contact_hash = wire_bytes(s->contact_hash);
    requester.source_user_id = wire_text(a, s->source_user_id);
    requester.n_personal = s->requester_personal_n;
    requester.personal = pack_personal(a, s->requester_personal, s->requester_personal_n);

    Docket__TicketSubmitted t = DOCKET__TICKET_SUBMITTED__INIT;
    t.source_id = (uint64_t)s->source_id;
    t.channel = wire_text(a, s->channel);
    t.subject = wire_text(a, s->subject);
    t.description = wire_text(a, s->description);
    t.requester = &requester;
    t.idempotency_key = wire_text(a, s->idempotency_key);
    t.key_fingerprint = wire_bytes(s->key_fingerprint);
    t.external_id = wire_text(a, s->external_id);
    t.kind = wire_text(a, s->kind);
    t.priority = wire_text(a, s->priority);
    t.n_tags = s->tags_n;
    t.tags = arena_alloc(a, s->tags_n * sizeof(*t.tags));
    for (size_t i = 0; i < s->tags_n; i++)
        t.tags[i] = wire_text(a, s->tags[i]);
    t.tier = wire_text(a, s->tier);
    t.region = wire_text(a, s->region);
    t.order = wire_text(a, s->order);
    t.product = wire_text(a, s->product);
    t.batch = wire_text(a, s->batch);
    t.device = wire_text(a, s->device);
    t.language = wire_text(a, s->language);
    t.custom_fields = wire_text(a, s->custom_fields);
    t.n_personal = s->personal_n;
    t.personal = pack_personal(a, s->personal, s->personal_n);
    t.group_id = (uint64_t)s->group_id;
    t.assignee_id = (uint64_t)s->assignee_id;
    t.followup_of = (uint64_t)s->followup_of;
    t.note = wire_text(a, s->note);

    e.event_case = DOCKET__ENVELOPE__EVENT_TICKET_SUBMITTED;
    e.ticket_submitted = &t;
    wire_pack(&e, ret);
    arena_reset(a);
}

static Str binary(ProtobufCBinaryData b) {
    return b.len ? (Str){(const char *)b.data, b.len} : (Str){NULL, 0};
}

static int unpack_personal(Arena *a, Docket__PersonalField *const *fields, size_t n,
                           PersonalField **ret, size_t *ret_n) {
    if (n > SUBMISSION_PERSONAL_MAX) return -EBADMSG;
    PersonalField *all = n ? arena_alloc(a, n * sizeof(*all)) : NULL;
    for (size_t i = 0; i < n; i++)
        all[i] = (PersonalField){.field = wire_str(fields[i]->field),
                                 .sealed = binary(fields[i]->sealed),
                                 .masked = wire_str(fields[i]->masked),
                                 .hash = binary(fields[i]->hash)};
    *ret = all;
    *ret_n = n;
    return 0;
}

static const char *problem_of(const Docket__Envelope *e) {
    if (e->event_case != DOCKET__ENVELOPE__EVENT_TICKET_SUBMITTED || !e->ticket_submitted)
        return "not a submission";
    const Docket__TicketSubmitted *t = e->ticket_submitted;
    if (e->schema_version != ENVELOPE_SCHEMA_VERSION) return "a schema version that is not known";
    if (e->tenant_id == 0 || e->tenant_id > INT64_MAX) return "no tenant";
    if (e->ticket_id == 0 || e->ticket_id > TICKET_ID_MAX) return "no ticket id";
    if (e->at_ms <= 0 || e->at_ms > WIRE_TIME_MAX) return "no time of acceptance";
    if (t->source_id > INT64_MAX || t->group_id > INT64_MAX || t->assignee_id > INT64_MAX ||
        t->followup_of > TICKET_ID_MAX)
        return "a number beyond int64";
    if (!t->requester || t->requester->contact_hash.len != HASH_BYTES)
        return "no requester with a hash of 32 bytes";
    if (t->key_fingerprint.len != (*t->idempotency_key ? HASH_BYTES : 0))
        return "an idempotency key without a fingerprint of 32 bytes, or the other way round";
    if (t->n_tags > SUBMISSION_TAGS_MAX) return "more than 100 tags";
    return NULL;
}

int submission_decode(Str message, Arena *arena, Submission *ret, const char **ret_problem) {
    Submission s = {0};
    const Docket__Envelope *e = wire_unpack(message, arena, ret_problem);
    if (!e) return -EBADMSG;
    const char *problem = problem_of(e);
    if (problem) {
        *ret_problem = problem;
        return -EBADMSG;
    }
    if (!wire_origin(e, &s.cause, &s.trace, ret_problem)) return -EBADMSG;
    const Docket__TicketSubmitted *t = e->ticket_submitted;
    s.tenant_id = (int64_t)e->tenant_id;
    s.ticket_id = (int64_t)e->ticket_id;
    s.accepted_ms = e->at_ms;
    s.source_id = (int64_t)t->source_id;
    s.channel = wire_str(t->channel);
    s.subject = wire_str(t->subject);
    s.description = wire_str(t->description);
    s.contact_hash = binary(t->requester->contact_hash);
    s.source_user_id = wire_str(t->requester->source_user_id);
    if (unpack_personal(arena, t->requester->personal, t->requester->n_personal,
                        &s.requester_personal, &s.requester_personal_n) < 0 ||
        unpack_personal(arena, t->personal, t->n_personal, &s.personal, &s.personal_n) < 0) {
        *ret_problem = "more than 32 personal fields";
        return -EBADMSG;
    }
    s.idempotency_key = wire_str(t->idempotency_key);
    s.key_fingerprint = binary(t->key_fingerprint);
    s.external_id = wire_str(t->external_id);
    s.kind = wire_str(t->kind);
    s.priority = wire_str(t->priority);
    s.tags_n = t->n_tags;
    s.tags = t->n_tags ? arena_alloc(arena, t->n_tags * sizeof(*s.tags)) : NULL;
    for (size_t i = 0; i < t->n_tags; i++)
        s.tags[i] = str(t->tags[i]);
    s.tier = wire_str(t->tier);
    s.region = wire_str(t->region);
    s.order = wire_str(t->order);
    s.product = wire_str(t->product);
    s.batch = wire_str(t->batch);
    s.device = wire_str(t->device);
    s.language = wire_str(t->language);
    s.custom_fields = wire_str(t->custom_fields);
    s.group_id = (int64_t)t->group_id;
    s.assignee_id = (int64_t)t->assignee_id;
    s.followup_of = (int64_t)t->followup_of;
    s.note = wire_str(t->note);
    *ret = s;
    return 0;
}
