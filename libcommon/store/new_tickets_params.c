/* A batch as sorted arrays: by (tenant, id), by (tenant, source, key) and by (tenant, contact
 * hash), so that two routers wait for each other in the same order and never in a circle. */
#include <assert.h>
#include <stdlib.h>

#include "store/new_tickets_params.h"

enum { BATCH_MAX = 4096 };

typedef struct Sorted { /* what one entry is sorted by, and where it is */
    int64_t tenant_id, number;
    Str bytes;
    uint32_t at;
} Sorted;

static int compare(const void *a, const void *b) {
    const Sorted *x = a, *y = b;
    if (x->tenant_id != y->tenant_id) return x->tenant_id < y->tenant_id ? -1 : 1;
    if (x->number != y->number) return x->number < y->number ? -1 : 1;
    size_t n = x->bytes.n < y->bytes.n ? x->bytes.n : y->bytes.n;
    int r = n ? memcmp(x->bytes.p, y->bytes.p, n) : 0;
    if (r) return r;
    if (x->bytes.n != y->bytes.n) return x->bytes.n < y->bytes.n ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at; /* the earlier one in the batch is the first */
}

static bool same(const Sorted *x, const Sorted *y) {
    return x->tenant_id == y->tenant_id && x->number == y->number && str_eq(x->bytes, y->bytes);
}

/* Sorts and drops repetitions; how many are left. */
static size_t sort_once(Sorted *all, size_t n) {
    size_t left = 0;
    if (n) qsort(all, n, sizeof(*all), compare);
    for (size_t i = 0; i < n; i++)
        if (left == 0 || !same(&all[i], &all[left - 1])) all[left++] = all[i];
    return left;
}

static Str payload(Arena *arena, Buf *text) {
    Str copy = arena_str(arena, buf_str(text));
    buf_clear(text);
    return copy;
}

void new_tickets_prepare(NewTicketsJob *job) {
    CLEANUP(buf_done) Buf text = {0};
    Arena *a = job->arena;
    size_t n = job->n;
    assert(n <= BATCH_MAX);
    Sorted *all = arena_alloc(a, n * sizeof(*all));
    for (size_t i = 0; i < n; i++) {
        const Submission *s = job->batch[i].submission;
        all[i] = (Sorted){s->tenant_id, s->ticket_id, {NULL, 0}, (uint32_t)i};
    }
    job->order = arena_alloc(a, n * sizeof(*job->order));
    job->order_n = sort_once(all, n);
    for (size_t i = 0; i < job->order_n; i++)
        job->order[i] = all[i].at;

    job->stored = arena_zalloc(a, n * sizeof(*job->stored));
    job->back = arena_alloc(a, n * sizeof(*job->back));
    job->created = arena_alloc(a, n * sizeof(*job->created));
    job->placed = arena_alloc(a, n * sizeof(*job->placed));
    job->noted = arena_alloc(a, n * sizeof(*job->noted));
    job->back_id = arena_alloc(a, n * sizeof(*job->back_id));
    for (size_t i = 0; i < n; i++) {
        const NewTicket *t = &job->batch[i];
        ledger_payload_created(t->submission, &t->facts, &text);
        job->created[i] = payload(a, &text);
        ledger_payload_placed(t->assignee_id ? TICKET_ASSIGNED : TICKET_NEW, t->facts.group_id,
                              t->assignee_id, t->place_reason, &text);
        job->placed[i] = payload(a, &text);
        job->noted[i] = t->note;
        if (!t->instead_of) continue;
        if (t->note.n) buf_printf(&text, "%.*s; ", STR_ARG(t->note));
        buf_printf(&text, "its id %lld was taken by another submission", (long long)t->instead_of);
        job->noted[i] = payload(a, &text);
    }
}

/* [{"field","masked","sealed" (base64url),"hash" (hex)}] */
static void personal_json(const PersonalField *fields, size_t n, Buf *ret) {
    buf_clear(ret);
    buf_addc(ret, '[');
    for (size_t i = 0; i < n; i++) {
        buf_adds(ret, i ? ",{\"field\":" : "{\"field\":");
        buf_add_json(ret, fields[i].field);
        buf_adds(ret, ",\"masked\":");
        buf_add_json(ret, fields[i].masked);
        buf_adds(ret, ",\"sealed\":\"");
        buf_reserve(ret, 4 * (fields[i].sealed.n + 2) / 3 + 1);
        ret->n += text_base64url(fields[i].sealed.p, fields[i].sealed.n, ret->p + ret->n);
        buf_adds(ret, "\",\"hash\":\"");
        buf_reserve(ret, 2 * fields[i].hash.n + 1);
        text_hex(fields[i].hash.p, fields[i].hash.n, ret->p + ret->n);
        ret->n += 2 * fields[i].hash.n;
        buf_adds(ret, "\"}");
    }
    buf_addc(ret, ']');
}

static void keys_params(Params *p, const NewTicketsJob *job, const Sorted *keys, size_t n) {
#define COLUMN(type, write)                                                                        \
    params_array(p, type, n);                                                                      \
    for (size_t i = 0; i < n; i++) {                                                               \
        const NewTicket *t = &job->batch[keys[i].at];                                              \
        const Submission *u = t->submission;                                                       \
        (void)t, (void)u;                                                                          \
        write;                                                                                     \
    }
    COLUMN(PARAM_INT8, params_element_i64(p, u->tenant_id))
    COLUMN(PARAM_INT8, params_element_i64(p, u->source_id))
    COLUMN(PARAM_TEXT, params_element_text(p, u->idempotency_key))
    COLUMN(PARAM_INT8, params_element_i64(p, u->ticket_id))
    COLUMN(PARAM_BYTEA, params_element_text(p, u->key_fingerprint))
    COLUMN(PARAM_TIME, params_element_time_ms(p, u->accepted_ms))
    COLUMN(PARAM_INT8, if (t->instead_of) params_element_i64(p, t->instead_of);
           else params_element_null(p))
#undef COLUMN
}

/* The next number for a requester; ask for no more than were leased. */
static int64_t requester_number(Store *s) {
    if (s->requester_next == s->requester_end) {
        assert(s->requester_spare);
        s->requester_next = s->requester_spare;
        s->requester_end = s->requester_spare + REQUESTER_BLOCK;
        s->requester_spare = 0;
    }
    return s->requester_next++;
}

static void requesters_params(Store *s, Params *p, const NewTicketsJob *job, const Sorted *all,
                              size_t n) {
    CLEANUP(buf_done) Buf json = {0};
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, all[i].tenant_id);
    params_array(p, PARAM_BYTEA, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(p, all[i].bytes);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, requester_number(s));
    params_array(p, PARAM_JSONB, n);
    for (size_t i = 0; i < n; i++) {
        const Submission *u = job->batch[all[i].at].submission;
        personal_json(u->requester_personal, u->requester_personal_n, &json);
        params_element_text(p, buf_str(&json));
    }
}

static void tickets_params(Params *p, const NewTicketsJob *job) {
    CLEANUP(buf_done) Buf text = {0};
    size_t n = job->order_n;
#define COLUMN(type, write)                                                                        \
    params_array(p, type, n);                                                                      \
    for (size_t i = 0; i < n; i++) {                                                               \
        const NewTicket *t = &job->batch[job->order[i]];                                           \
        const Submission *u = t->submission;                                                       \
        (void)t, (void)u;                                                                          \
        write;                                                                                     \
    }
#define INT(value)  COLUMN(PARAM_INT8, params_element_i64(p, (value)))
#define TEXT(value) COLUMN(PARAM_TEXT, params_element_text(p, (value)))
#define OPTIONAL_INT(value)                                                                        \
    COLUMN(PARAM_INT8, if (value) params_element_i64(p, (value)); else params_element_null(p))
#define OPTIONAL_TEXT(type, value)                                                                 \
    COLUMN(type, if ((value).n) params_element_text(p, (value)); else params_element_null(p))
#define ARRAY(values, count)                                                                       \
    COLUMN(PARAM_TEXT, buf_clear(&text); array_literal(values, count, &text);                      \
           params_element_text(p, buf_str(&text)))
    INT(u->tenant_id)
    INT(u->ticket_id)
    TEXT(str(ticket_status_name(t->assignee_id ? TICKET_ASSIGNED : TICKET_NEW)))
    TEXT(str(ticket_priority_name(t->facts.priority)))
    TEXT(t->facts.kind)
    TEXT(t->facts.category)
    TEXT(u->channel)
    OPTIONAL_INT(t->facts.group_id)
    OPTIONAL_INT(t->assignee_id)
    COLUMN(PARAM_BYTEA, params_element_text(p, u->contact_hash))
    INT(u->source_id)
    TEXT(u->subject)
    TEXT(u->description)
    ARRAY(t->facts.skills, t->facts.skills_n)
    ARRAY(t->facts.tags, t->facts.tags_n)
    TEXT(u->tier)
    TEXT(u->region)
    TEXT(u->order)
    TEXT(u->product)
    TEXT(u->batch)
    TEXT(u->device)
    TEXT(u->language)
    TEXT(u->external_id)
    COLUMN(PARAM_JSONB, params_element_text(p, u->custom_fields.n ? u->custom_fields : STR("{}")))
    COLUMN(PARAM_TIME, params_element_time_ms(p, u->accepted_ms))
    COLUMN(PARAM_UUID, params_element_uuid(p, u->cause))
    INT(t->revision)
    COLUMN(PARAM_BYTEA, char trace[TRACE_BYTES]; trace_bytes(&u->trace, trace);
           params_element_text(p, (Str){trace, sizeof(trace)}))
    COLUMN(PARAM_JSONB, params_element_text(p, job->created[job->order[i]]))
    TEXT(str(ledger_kind_name(t->assignee_id ? LEDGER_TICKET_ASSIGNED : LEDGER_TICKET_QUEUED)))
    COLUMN(PARAM_JSONB, params_element_text(p, job->placed[job->order[i]]))
    OPTIONAL_TEXT(PARAM_TEXT, job->noted[job->order[i]])
    OPTIONAL_TEXT(PARAM_TEXT, u->idempotency_key)
    COLUMN(PARAM_BYTEA, params_element_text(p, u->key_fingerprint))
    COLUMN(
        PARAM_JSONB, if (u->personal_n) {
            personal_json(u->personal, u->personal_n, &text);
            params_element_text(p, buf_str(&text));
        } else params_element_null(p))
#undef COLUMN
#undef INT
#undef TEXT
#undef OPTIONAL_INT
#undef OPTIONAL_TEXT
#undef ARRAY
}

static void moved_params(Params *p, const NewTicketsJob *job, const uint32_t *moved, size_t n) {
#define COLUMN(type, write)                                                                        \
    params_array(p, type, n);                                                                      \
    for (size_t i = 0; i < n; i++) {                                                               \
        const NewTicket *t = &job->batch[moved[i]];                                                \
        const Submission *u = t->submission;                                                       \
        (void)u;                                                                                   \
        write;                                                                                     \
    }
    COLUMN(PARAM_INT8, params_element_i64(p, u->tenant_id))
    COLUMN(PARAM_INT8, params_element_i64(p, t->instead_of))
    COLUMN(PARAM_INT8, params_element_i64(p, u->ticket_id))
    COLUMN(PARAM_UUID, params_element_uuid(p, u->cause))
    COLUMN(PARAM_INT8, params_element_i64(p, t->revision))
    COLUMN(PARAM_BYTEA, char trace[TRACE_BYTES]; trace_bytes(&u->trace, trace);
           params_element_text(p, (Str){trace, sizeof(trace)}))
#undef COLUMN
}

static void follows_params(Params *p, const NewTicketsJob *job) {
    size_t n = job->follows_n;
#define COLUMN(type, write)                                                                        \
    params_array(p, type, n);                                                                      \
    for (size_t i = 0; i < n; i++) {                                                               \
        const NewTicket *t = &job->batch[job->follows[i]];                                         \
        const Submission *u = t->submission;                                                       \
        (void)t, (void)u;                                                                          \
        write;                                                                                     \
    }
    COLUMN(PARAM_INT8, params_element_i64(p, u->tenant_id))
    COLUMN(PARAM_INT8, params_element_i64(p, u->followup_of))
    COLUMN(PARAM_INT8, params_element_i64(p, u->ticket_id))
    COLUMN(PARAM_UUID, params_element_uuid(p, u->cause))
    COLUMN(PARAM_INT8, params_element_i64(p, t->revision))
    COLUMN(PARAM_BYTEA, char trace[TRACE_BYTES]; trace_bytes(&u->trace, trace);
           params_element_text(p, (Str){trace, sizeof(trace)}))
#undef COLUMN
}

void new_tickets_params(Store *s, NewTicketsJob *job) {
    Sorted *all = arena_alloc(job->arena, job->n * sizeof(*all));
    size_t n = 0;
    for (size_t i = 0; i < job->n; i++) {
        const Submission *u = job->batch[i].submission;
        if (u->idempotency_key.n)
            all[n++] = (Sorted){u->tenant_id, u->source_id, u->idempotency_key, (uint32_t)i};
    }
    job->keys_n = sort_once(all, n);
    if (job->keys_n) keys_params(&s->params[0], job, all, job->keys_n);

    for (size_t i = 0; i < job->n; i++) {
        const Submission *u = job->batch[i].submission;
        all[i] = (Sorted){u->tenant_id, 0, u->contact_hash, (uint32_t)i};
    }
    requesters_params(s, &s->params[1], job, all, sort_once(all, job->n));
    tickets_params(&s->params[2], job);

    uint32_t *moved = arena_alloc(job->arena, job->n * sizeof(*moved));
    for (size_t i = 0; i < job->order_n; i++)
        if (job->batch[job->order[i]].instead_of) moved[job->moved_n++] = job->order[i];
    moved_params(&s->params[3], job, moved, job->moved_n);
    job->follows = arena_alloc(job->arena, job->n * sizeof(*job->follows));
    for (size_t i = 0; i < job->order_n; i++)
        if (job->batch[job->order[i]].submission->followup_of)
            job->follows[job->follows_n++] = job->order[i];
    job->noted_rows = arena_zalloc(job->arena, (job->follows_n + 1) * sizeof(*job->noted_rows));
    if (job->follows_n) follows_params(&s->params[6], job);
    for (size_t i = 0; i < job->order_n; i++)
        tenants_add(s, job->batch[job->order[i]].submission->tenant_id);
}
