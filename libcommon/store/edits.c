/* Edits by people: rounds as for any change, with every column they may set, and in the outbox
 * besides the event what the router has to hear. */
#include "store/edits.h"

#include <assert.h>

#include "events/signal.h"
#include "store/rounds_internal.h"

enum {
    SEQ_MAX = 8191,   /* comments and audits are numbered ticket_id * 8192 + seq */
    MESSAGES_MAX = 4, /* of one edit: its event, two agents, the queue */
};

/* `messages` come in the order of their numbers, a few for each edit; an edit takes their outbox
 * numbers itself, because RETURNING cannot say which row is which. */
#define EDIT_ARRAYS                                                                                \
    ROUND_ARRAYS                                                                                   \
    ", $12::integer[], $13::text[], $14::text[], $15::bigint[], $16::bigint[], $17::bigint[],"     \
    " $18::bigint[], $19::bigint[], $20::text[], $21::text[], $22::text[], $23::text[],"           \
    " $24::text[], $25::text[], $26::jsonb[], $27::text[], $28::text[], $29::bigint[]"
#define EDIT_NAMES                                                                                 \
    ROUND_NAMES                                                                                    \
    ", sets, status, priority, group_id, assignee_id, requester_id, form_id, followup_of, kind,"   \
    " category, subject, external_id, satisfaction, tags, custom_fields, collaborators, "          \
    "followers,"                                                                                   \
    " problem_id"
#define EDIT_WRITTEN                                                                               \
    ROUND_LOCKED                                                                                   \
    ","                                                                                            \
    " changed AS (UPDATE ticket.tickets t SET version = l.version + 1, updated_at = l.at,"         \
    "   status = CASE WHEN l.sets & 1 <> 0 THEN l.status ELSE t.status END,"                       \
    "   group_id = CASE WHEN l.sets & 2 <> 0 THEN l.group_id ELSE t.group_id END,"                 \
    "   assignee_id = CASE WHEN l.sets & 4 <> 0 THEN l.assignee_id ELSE t.assignee_id END,"        \
    "   priority = CASE WHEN l.sets & 8 <> 0 THEN l.priority ELSE t.priority END,"                 \
    "   kind = CASE WHEN l.sets & 16 <> 0 THEN l.kind ELSE t.kind END,"                            \
    "   category = CASE WHEN l.sets & 32 <> 0 THEN l.category ELSE t.category END,"                \
    "   subject = CASE WHEN l.sets & 64 <> 0 THEN l.subject ELSE t.subject END,"                   \
    "   tags = CASE WHEN l.sets & 128 <> 0 THEN l.tags::text[] ELSE t.tags END,"                   \
    "   custom_fields = CASE WHEN l.sets & 256 <> 0 THEN l.custom_fields"                          \
    "     ELSE t.custom_fields END,"                                                               \
    "   external_id = CASE WHEN l.sets & 512 <> 0 THEN l.external_id ELSE t.external_id END,"      \
    "   requester_id = CASE WHEN l.sets & 1024 <> 0 THEN l.requester_id ELSE t.requester_id "      \
    "END,"                                                                                         \
    "   form_id = CASE WHEN l.sets & 2048 <> 0 THEN l.form_id ELSE t.form_id END,"                 \
    "   followup_of = CASE WHEN l.sets & 4096 <> 0 THEN l.followup_of ELSE t.followup_of END,"     \
    "   satisfaction = CASE WHEN l.sets & 8192 <> 0 THEN l.satisfaction ELSE t.satisfaction "      \
    "END,"                                                                                         \
    "   collaborator_ids = CASE WHEN l.sets & 16384 <> 0 THEN l.collaborators::bigint[]"           \
    "     ELSE t.collaborator_ids END,"                                                            \
    "   follower_ids = CASE WHEN l.sets & 32768 <> 0 THEN l.followers::bigint[]"                   \
    "     ELSE t.follower_ids END,"                                                                \
    "   problem_id = CASE WHEN l.sets & 65536 <> 0 THEN l.problem_id ELSE t.problem_id END"        \
    "  FROM locked l WHERE t.tenant_id = l.tenant_id AND t.id = l.id)," ROUND_RECORDED ","         \
    " messages AS (SELECT l.tenant_id, m.topic, m.key, m.message, m.k,"                            \
    "   nextval('ticket.outbox_outbox_id_seq') AS outbox_id"                                       \
    "  FROM unnest($30::bigint[], $31::text[], $32::bytea[], $33::bytea[]) WITH ORDINALITY"        \
    "    m (n, topic, key, message, k) JOIN locked l ON l.n = m.n),"                               \
    " outbox AS (INSERT INTO ticket.outbox (tenant_id, outbox_id, topic, key, message)"            \
    "  OVERRIDING SYSTEM VALUE"                                                                    \
    "  SELECT tenant_id, outbox_id, topic, key, message FROM messages)"

static const PostgresStatement edit_statement = {
    "store_edit",
    "WITH input AS (SELECT * FROM unnest(" EDIT_ARRAYS ") WITH ORDINALITY i (" EDIT_NAMES
    ", n))," EDIT_WRITTEN " SELECT k, outbox_id FROM messages ORDER BY k"};

/* When there are files among them (only a desk may touch those): an edit of which one is attached
 * already, or deleted, is not written, and told by its number below zero. Whoever attaches a file
 * holds it until the end; two edits of one batch cannot have the same. */
static const PostgresStatement edit_with_files_statement = {
    "store_edit_with_files",
    "WITH asked AS (SELECT * FROM unnest(" EDIT_ARRAYS
    ", $34::text[]) WITH ORDINALITY i (" EDIT_NAMES ", files, n)),"
    " busy AS (SELECT a.n FROM asked a WHERE a.files <> '{}' AND (cardinality(a.files::bigint[]) <>"
    "   (SELECT count(*) FROM (SELECT f.file_id FROM desk.files f WHERE f.tenant_id = a.tenant_id"
    "     AND f.file_id = ANY (a.files::bigint[]) AND f.ticket_id IS NULL AND f.complete"
    "     ORDER BY f.file_id FOR UPDATE) held)"
    "   OR EXISTS (SELECT FROM asked o WHERE o.n < a.n AND o.tenant_id = a.tenant_id"
    "     AND o.files::bigint[] && a.files::bigint[]))),"
    " input AS (SELECT * FROM asked a WHERE NOT EXISTS (SELECT FROM busy b WHERE b.n = "
    "a.n))," EDIT_WRITTEN ","
    " bound AS (UPDATE desk.files f SET ticket_id = l.id, bound_seq = l.version + 1 FROM locked l"
    "  WHERE f.tenant_id = l.tenant_id AND f.file_id = ANY (l.files::bigint[]))"
    " SELECT k, outbox_id FROM messages UNION ALL SELECT -n, 0 FROM busy ORDER BY 1"};

typedef struct EditsJob {
    Rounds rounds;
    TicketEdit *edits;
} EditsJob;

static EditsJob *job_of(Rounds *r) {
    return (EditsJob *)r;
}

/* ---- Deciding ---- */

/* Where the ticket stands after the edit. */
static TicketPlace place_after(const TicketEdit *e) {
    TicketPlace p = e->place;
    p.version++;
    if (e->sets & EDIT_STATUS) p.status = e->status;
    if (e->sets & EDIT_PRIORITY) p.priority = e->priority;
    if (e->sets & EDIT_GROUP) p.group_id = e->group_id;
    if (e->sets & EDIT_ASSIGNEE) p.assignee_id = e->assignee_id;
    return p;
}

/* A closed ticket stays as it is, but for what its requester thought of it. */
static bool only_rates(const TicketEdit *e) {
    return e->place.status == TICKET_CLOSED && e->actor_kind == ACTOR_REQUESTER &&
           !(e->sets & ~(unsigned)EDIT_SATISFACTION) && !e->comment.present && !e->files_n;
}

static bool is_legal(const TicketEdit *e) {
    if (only_rates(e)) return true;
    TicketPlace after = place_after(e);
    unsigned demands;
    if (ticket_transition(e->place.status, after.status, e->actor_kind, &demands) < 0) return false;
    demands |= ticket_handover(e->place.assignee_id, after.assignee_id, e->place.group_id,
                               after.group_id, e->actor_kind);
    if (demands & DEMANDS_ASSIGNEE && !after.assignee_id) return false;
    if (demands & DEMANDS_NOTE && !e->note.n && !e->comment.present) return false;
    if (after.status == TICKET_NEW && after.assignee_id)
        return false; /* `new` waits for somebody */
    if (e->sets & EDIT_REQUESTER && !e->requester_id) return false;
    return e->comment.body.n <= EDIT_COMMENT_BYTES;
}

static ChangeFate decide(Rounds *r, uint32_t at) {
    TicketEdit *e = &job_of(r)->edits[at];
    if (e->place.version != e->expected_version) return CHANGE_OVERTAKEN;
    if (e->place.version >= SEQ_MAX ||
        (e->place.version >= EDIT_VERSION_MAX && e->actor_kind != ACTOR_SYSTEM))
        return CHANGE_WORN_OUT;
    if (!is_legal(e)) return CHANGE_ILLEGAL;
    CLEANUP(buf_done) Buf payload = {0};
    update_payload_write(&(TicketUpdate){.sets = e->sets,
                                         .status = e->status,
                                         .priority = e->priority,
                                         .group_id = e->group_id,
                                         .assignee_id = e->assignee_id,
                                         .requester_id = e->requester_id,
                                         .form_id = e->form_id,
                                         .followup_of = e->followup_of,
                                         .problem_id = e->problem_id,
                                         .kind = e->kind,
                                         .category = e->category,
                                         .subject = e->subject,
                                         .external_id = e->external_id,
                                         .satisfaction = e->satisfaction,
                                         .custom_fields = e->custom_fields,
                                         .tags = e->tags,
                                         .tags_n = e->tags_n,
                                         .collaborators = e->collaborators,
                                         .collaborators_n = e->collaborators_n,
                                         .followers = e->followers,
                                         .followers_n = e->followers_n,
                                         .comment = e->comment,
                                         .note = e->note,
                                         .reason = e->reason,
                                         .personal = e->personal},
                         &payload);
    e->row.kind = LEDGER_TICKET_UPDATED;
    e->row.actor = e->actor;
    e->row.revision = e->revision;
    e->row.trace = e->trace;
    e->row.payload = arena_str(r->arena, buf_str(&payload));
    return CHANGE_DONE;
}

/* ---- What lies in the outbox ---- */

static void message_add(TicketEdit *e, Str topic, Str key, Str message) {
    assert(e->outbox_n < MESSAGES_MAX);
    e->outbox[e->outbox_n++] =
        (OutboxRow){.tenant_id = e->tenant_id, .topic = topic, .key = key, .message = message};
}

static void signal_add(TicketEdit *e, Arena *arena, SignalKind kind, int64_t agent_id, Str why) {
    CLEANUP(buf_done) Buf message = {0}, key = {0};
    Signal s = {.kind = kind,
                .tenant_id = e->tenant_id,
                .cause = cause_new(), /* of what the router does upon it, not of this edit */
                .at_ms = e->row.at_ms,
                .agent_id = agent_id,
                .why = why,
                .ticket_id = e->place.ticket_id,
                .version = e->row.seq};
    signal_encode(&s, &message);
    signal_key(&s, &key);
    message_add(e, STR("docket.signals"), arena_str(arena, buf_str(&key)),
                arena_str(arena, buf_str(&message)));
}

static int64_t load_of(const TicketPlace *p) {
    return ticket_status_is_load(p->status) ? p->assignee_id : 0;
}

static bool waits(const TicketPlace *p) {
    return p->status == TICKET_NEW && !p->assignee_id && p->group_id;
}

static void fill_outbox(TicketEdit *e, Str event, Arena *arena) {
    TicketPlace after = place_after(e);
    int64_t had = load_of(&e->place), has = load_of(&after);
    bool waited = waits(&e->place), waiting = waits(&after);
    e->outbox = arena_alloc(arena, MESSAGES_MAX * sizeof(*e->outbox));
    e->outbox_n = 0;
    message_add(e, STR("docket.events"),
                str(arena_printf(arena, "%lld", (long long)e->place.ticket_id)), event);
    if (had && had != has)
        signal_add(e, arena, SIGNAL_CAPACITY_CHANGED, had,
                   has || waiting ? STR("transferred") : str(ticket_status_name(after.status)));
    if (has && had != has) signal_add(e, arena, SIGNAL_CAPACITY_CHANGED, has, STR("updated"));
    bool elsewhere =
        after.group_id != e->place.group_id || after.priority != e->place.priority || !waited;
    if (waiting ? elsewhere : waited && !has)
        signal_add(e, arena, SIGNAL_TICKET_WAITING, 0, (Str){NULL, 0});
}

/* ---- Writing ---- */

static void number_or_null(Params *p, int64_t v) {
    if (v)
        params_element_i64(p, v);
    else
        params_element_null(p);
}

/* {1,2} */
static void numbers_literal(const int64_t *numbers, size_t n, Buf *ret) {
    buf_clear(ret);
    buf_addc(ret, '{');
    for (size_t i = 0; i < n; i++) {
        if (i) buf_addc(ret, ',');
        buf_add_i64(ret, numbers[i]);
    }
    buf_addc(ret, '}');
}

static void write_columns(EditsJob *job, Params *p) {
    const Rounds *r = &job->rounds;
    size_t n = r->round_n;
    CLEANUP(buf_done) Buf tags = {0}, people = {0};
#define COLUMN(type, write)                                                                        \
    params_array(p, type, n);                                                                      \
    for (size_t i = 0; i < n; i++) {                                                               \
        const TicketEdit *e = &job->edits[r->round[i]];                                            \
        write;                                                                                     \
    }
    COLUMN(PARAM_INT4, params_element_i32(p, (int32_t)e->sets))
    COLUMN(PARAM_TEXT, params_element_text(p, str(ticket_status_name(e->status))))
    COLUMN(PARAM_TEXT, params_element_text(p, str(ticket_priority_name(e->priority))))
    COLUMN(PARAM_INT8, number_or_null(p, e->group_id))
    COLUMN(PARAM_INT8, number_or_null(p, e->assignee_id))
    COLUMN(PARAM_INT8, params_element_i64(p, e->requester_id))
    COLUMN(PARAM_INT8, number_or_null(p, e->form_id))
    COLUMN(PARAM_INT8, number_or_null(p, e->followup_of))
    COLUMN(PARAM_TEXT, params_element_text(p, e->kind))
    COLUMN(PARAM_TEXT, params_element_text(p, e->category))
    COLUMN(PARAM_TEXT, params_element_text(p, e->subject))
    COLUMN(PARAM_TEXT, params_element_text(p, e->external_id))
    COLUMN(PARAM_TEXT, params_element_text(p, e->satisfaction))
    COLUMN(PARAM_TEXT, buf_clear(&tags); array_literal(e->tags, e->tags_n, &tags);
           params_element_text(p, buf_str(&tags)))
    COLUMN(PARAM_JSONB, if (e->sets & EDIT_CUSTOM_FIELDS) params_element_text(
                            p, e->custom_fields.n ? e->custom_fields : STR("{}"));
           else params_element_null(p))
    COLUMN(PARAM_TEXT, numbers_literal(e->collaborators, e->collaborators_n, &people);
           params_element_text(p, buf_str(&people)))
    COLUMN(PARAM_TEXT, numbers_literal(e->followers, e->followers_n, &people);
           params_element_text(p, buf_str(&people)))
    COLUMN(PARAM_INT8, number_or_null(p, e->problem_id))
#undef COLUMN
}

static void write_messages(EditsJob *job, Params *p) {
    const Rounds *r = &job->rounds;
    size_t all = 0;
    for (size_t i = 0; i < r->round_n; i++)
        all += job->edits[r->round[i]].outbox_n;
#define COLUMN(type, write)                                                                        \
    params_array(p, type, all);                                                                    \
    for (size_t i = 0; i < r->round_n; i++)                                                        \
        for (size_t k = 0; k < job->edits[r->round[i]].outbox_n; k++) {                            \
            const OutboxRow *m = &job->edits[r->round[i]].outbox[k];                               \
            (void)m;                                                                               \
            write;                                                                                 \
        }
    COLUMN(PARAM_INT8, params_element_i64(p, (int64_t)i + 1))
    COLUMN(PARAM_TEXT, params_element_text(p, m->topic))
    COLUMN(PARAM_BYTEA, params_element_text(p, m->key))
    COLUMN(PARAM_BYTEA, params_element_text(p, m->message))
#undef COLUMN
}

/* False: there are none. */
static bool write_files(EditsJob *job, Params *p) {
    const Rounds *r = &job->rounds;
    CLEANUP(buf_done) Buf files = {0};
    bool any = false;
    for (size_t i = 0; i < r->round_n; i++)
        any = any || job->edits[r->round[i]].files_n;
    if (!any) return false;
    params_array(p, PARAM_TEXT, r->round_n);
    for (size_t i = 0; i < r->round_n; i++) {
        const TicketEdit *e = &job->edits[r->round[i]];
        numbers_literal(e->files, e->files_n, &files);
        params_element_text(p, buf_str(&files));
    }
    return true;
}

static PostgresQuery write(Store *s, Rounds *r) {
    EditsJob *job = job_of(r);
    Params *p = &s->params[1];
    for (size_t i = 0; i < r->round_n; i++)
        fill_outbox(&job->edits[r->round[i]], r->items[r->round[i]].event, r->arena);
    rounds_params(r, p);
    write_columns(job, p);
    write_messages(job, p);
    return (PostgresQuery){write_files(job, p) ? &edit_with_files_statement : &edit_statement, p};
}

/* The messages of the edits that were written, in order: each edit's are there or none of them. */
static void written(Rounds *r, const PostgresRows *rows) {
    EditsJob *job = job_of(r);
    size_t row = 0;
    int64_t k = 0; /* number of the edit's first message, from 0 */
    for (; row < rows_count(rows) && rows_int(rows, row, 0) < 0; row++)
        rounds_refused(r, r->round[-rows_int(rows, row, 0) - 1], CHANGE_ILLEGAL);
    for (size_t i = 0; i < r->round_n; i++) {
        uint32_t at = r->round[i];
        TicketEdit *e = &job->edits[at];
        if (row < rows_count(rows) && rows_int(rows, row, 0) == k + 1) {
            for (size_t m = 0; m < e->outbox_n; m++)
                e->outbox[m].outbox_id = rows_int(rows, row++, 1);
            e->place = place_after(e);
            e->at_ms = e->row.at_ms;
            rounds_written(r, at);
        }
        k += (int64_t)e->outbox_n;
    }
}

typedef struct Ending { /* what is not DONE has nothing in the outbox */
    EditsJob *job;
    StoreDone done;
    void *arg;
} Ending;

static void on_done(void *arg, StoreOutcome outcome, const char *problem) {
    Ending *x = arg;
    for (size_t i = 0; i < x->job->rounds.n; i++) {
        TicketEdit *e = &x->job->edits[i];
        if (outcome == STORE_DONE && e->fate == CHANGE_DONE) continue;
        e->outbox = NULL;
        e->outbox_n = 0;
        e->at_ms = e->row.at_ms;
    }
    x->done(x->arg, outcome, problem);
}

void store_edit_tickets(Store *s, TicketEdit *edits, size_t n, Arena *arena, StoreDone done,
                        void *arg) {
    assert(n <= EDITS_MAX && (edits || n == 0));
    EditsJob *job = arena_zalloc(arena, sizeof(*job));
    Ending *ending = arena_alloc(arena, sizeof(*ending));
    *ending = (Ending){job, done, arg};
    if (!store_request_begin(s, on_done, ending)) return;
    *job = (EditsJob){.rounds = {.n = n,
                                 .arena = arena,
                                 .decide = decide,
                                 .write = write,
                                 .written = written,
                                 .items = arena_alloc(arena, (n + 1) * sizeof(RoundItem))},
                      .edits = edits};
    for (size_t i = 0; i < n; i++) {
        TicketEdit *e = &edits[i];
        e->outbox = NULL;
        e->outbox_n = 0;
        job->rounds.items[i] = (RoundItem){.tenant_id = e->tenant_id,
                                           .ticket_id = e->ticket_id,
                                           .cause = e->cause,
                                           .step = e->step,
                                           .fate = &e->fate,
                                           .place = &e->place,
                                           .row = &e->row};
    }
    rounds_begin(s, &job->rounds);
}
