/* Reads, decides, asks; and again when overtaken. */
#include "desk/tickets/work.h"

#include "desk/files/attachment.h"
#include "desk/tickets/changes.h"
#include "log/log.h"
#include "store/store.h"

static const PostgresStatement fence = {"work_fence",
                                        "SELECT set_config('docket.tenants', $1::text, true)"};
static const PostgresStatement read_ticket = {
    "work_ticket", "SELECT " TICKET_COLUMNS " FROM ticket.tickets t"
                   " WHERE t.tenant_id = $1::bigint AND t.id = $2::bigint"};
/* What the comments have attached, by its class. */
static const PostgresStatement read_evidence = {
    "work_evidence",
    "SELECT DISTINCT a.value ->> 'class' FROM ticket.ledger l"
    " CROSS JOIN LATERAL jsonb_array_elements(l.payload -> 'comment' -> 'attachments') a"
    " WHERE l.tenant_id = $1::bigint AND l.ticket_id = $2::bigint"
    " AND jsonb_typeof(l.payload -> 'comment' -> 'attachments') = 'array'"
    " AND a.value ->> 'class' <> ''"};
/* Of the assignee, and of whoever is named. */
static const PostgresStatement read_loads = {
    "work_loads",
    "SELECT u.id, coalesce(a.on_duty, false), coalesce(a.capacity, 0)::bigint,"
    " (SELECT count(*) FROM ticket.tickets h WHERE h.tenant_id = $1::bigint"
    "  AND h.assignee_id = u.id AND h.status IN ('assigned', 'in_progress'))::bigint"
    " FROM (SELECT unnest($3::bigint[]) UNION SELECT t.assignee_id FROM ticket.tickets t"
    "  WHERE t.tenant_id = $1::bigint AND t.id = $2::bigint) u (id)"
    " LEFT JOIN ticket.agents a ON a.tenant_id = $1::bigint AND a.agent_id = u.id"
    " WHERE u.id > 0"};
/* Whom the change names to be told besides: who they are. */
static const PostgresStatement read_people = {
    "work_people",
    "SELECT i.id, q.id IS NOT NULL AND u.deleted_at IS NULL,"
    " q.id IS NULL AND u.user_id IS NOT NULL AND NOT u.suspended AND u.deleted_at IS NULL"
    "  AND u.role <> 'customer'"
    " FROM unnest($2::bigint[]) i (id)"
    " LEFT JOIN access.users u ON u.tenant_id = $1::bigint AND u.user_id = i.id"
    " LEFT JOIN ticket.requesters q ON q.tenant_id = $1::bigint AND q.id = i.id"};
/* The last word about its promises: was it an acknowledgement? */
static const PostgresStatement read_acknowledged = {
    "work_acknowledged",
    "SELECT l.kind = 'ticket_updated' FROM ticket.ledger l"
    " WHERE l.tenant_id = $1::bigint AND l.ticket_id = $2::bigint"
    " AND (l.kind IN ('promise_breached', 'promise_escalated')"
    "  OR (l.kind = 'ticket_updated' AND l.payload #>> '{reason,why}' = 'acknowledged'))"
    " ORDER BY l.seq DESC LIMIT 1"};
static const PostgresStatement read_solved = {
    "work_solved", "SELECT true FROM ticket.ledger l WHERE l.tenant_id = $1::bigint"
                   " AND l.ticket_id = $2::bigint AND l.payload -> 'set' ->> 'status' = 'solved'"
                   " LIMIT 1"};
static const PostgresStatement read_files = {"work_files", ATTACHMENT_UNATTACHED_SQL};

enum { READS = 9, CLASSES_MAX = 100, LOADS_MAX = 4 };

typedef struct Work {
    WorkAsk ask;
    WorkDone done;
    void *arg;
    int tries;
    Params params[READS];
    PostgresQuery queries[READS];
    size_t queries_n, evidence_at, loads_at, files_at, acknowledged_at, other_at, solved_at,
        people_at; /* 0: not asked */
    ChangeActor actor;
    ChangeTicket ticket;
    Change change;
    WorkOutcome outcome;
} Work;

static void read_again(Work *w);

static void work_end(Work *w, WorkOutcome outcome, WorkResult *result) {
    for (size_t i = 0; i < READS; i++)
        params_done(&w->params[i]);
    if (outcome == WORK_INVALID) result->invalid = &w->change.invalid;
    w->done(w->arg, outcome, result);
}

static void end_because(Work *w, WorkOutcome outcome, const char *reason) {
    work_end(w, outcome, &(WorkResult){.reason = reason});
}

static void end_invalid(Work *w, const char *field, const char *what) {
    if (!w->change.invalid.arena) invalid_init(&w->change.invalid, w->ask.arena);
    invalid_add(&w->change.invalid, field, "InvalidValue", "%s", what);
    end_because(w, WORK_INVALID, NULL);
}

/* ---- After the store ---- */

static TicketRow row_after(const TicketRow *before, const TicketEdit *e, Arena *arena) {
    TicketRow t = *before;
    t.version = e->row.seq;
    t.updated_ms = e->at_ms;
    t.same_second = before->updated_ms / 1000 == e->at_ms / 1000;
    if (e->sets & EDIT_STATUS) t.status = e->status;
    if (e->sets & EDIT_PRIORITY) t.priority = e->priority;
    if (e->sets & EDIT_GROUP) t.group_id = e->group_id;
    if (e->sets & EDIT_ASSIGNEE) t.assignee_id = e->assignee_id;
    if (e->sets & EDIT_REQUESTER) t.requester_id = e->requester_id;
    if (e->sets & EDIT_FORM) t.form_id = e->form_id;
    if (e->sets & EDIT_SATISFACTION) t.satisfaction = e->satisfaction;
    if (e->sets & EDIT_KIND) t.kind = e->kind;
    if (e->sets & EDIT_CATEGORY) t.category = e->category;
    if (e->sets & EDIT_SUBJECT) t.subject = e->subject;
    if (e->sets & EDIT_EXTERNAL_ID) t.external_id = e->external_id;
    if (e->sets & EDIT_CUSTOM_FIELDS) t.custom_fields = e->custom_fields;
    if (e->sets & EDIT_TAGS) {
        t.tags = arena_alloc(arena, (e->tags_n + 1) * sizeof(*t.tags));
        for (size_t i = 0; i < e->tags_n; i++)
            t.tags[i] = e->tags[i];
        t.tags_n = e->tags_n;
    }
    if (e->sets & EDIT_COLLABORATORS) {
        t.collaborators = e->collaborators;
        t.collaborators_n = e->collaborators_n;
    }
    if (e->sets & EDIT_FOLLOWERS) {
        t.followers = e->followers;
        t.followers_n = e->followers_n;
    }
    return ticket_row_keep(&t, arena);
}

static void on_changed(void *arg, ChangesOutcome outcome, const TicketEdit *edit,
                       const char *problem) {
    Work *w = arg;
    WorkResult result = {.before = w->ticket.row, .edit = edit};
    if (outcome == CHANGES_AWAY) {
        end_because(w, WORK_AWAY, "数据库暂时不可用，请重试 (the database is away; ask again)");
        return;
    }
    if (outcome == CHANGES_REFUSED) {
        log_warn(ABOUT(w->ask.who->tenant_id, w->ask.ticket_id), "An edit was refused: %s",
                 problem ? problem : "");
        end_invalid(w, "base", "这些内容无法保存 (this cannot be stored)");
        return;
    }
    switch (edit->fate) {
    case CHANGE_DONE:
    case CHANGE_REPLAYED:
        result.after = row_after(&w->ticket.row, edit, w->ask.arena);
        work_end(w, WORK_DONE, &result);
        return;
    case CHANGE_OVERTAKEN:
        if (w->change.pinned || ++w->tries >= WORK_TRIES)
            end_because(w, WORK_STALE,
                        "工单刚刚被别人修改，请刷新后再试 (the ticket was just changed by somebody "
                        "else; read it again)");
        else
            read_again(w);
        return;
    case CHANGE_NO_TICKET:
        end_because(w, WORK_HIDDEN, NULL);
        return;
    case CHANGE_WORN_OUT:
        end_invalid(
            w, "base",
            "工单的修改次数已达上限，请新建跟进工单 (the ticket was changed too often; create "
            "a follow-up)");
        return;
    case CHANGE_ILLEGAL:
        end_invalid(w, "base", "这一步不被允许 (this change is not legal)");
        return;
    }
}

/* ---- Deciding ---- */

static void on_later(void *arg) {
    Work *w = arg;
    end_because(w, w->outcome, "请求太多，请重试 (too many requests; ask again)");
}

/* Not inside the call that began it. */
static void end_later(Work *w, WorkOutcome outcome) {
    w->outcome = outcome;
    loop_defer(w->ask.desk->loop, on_later, w);
}

static void ask_store(Work *w) {
    TicketEdit *e = &w->change.edit;
    e->cause = w->ask.cause;
    e->step = w->ask.step;
    e->trace = w->ask.trace;
    if (!changes_ask(w->ask.desk->changes, e, on_changed, w)) end_later(w, WORK_AWAY);
}

static void decide(Work *w) {
    WorkResult result = {.before = w->ticket.row, .after = w->ticket.row};
    switch (w->ask.decide(w->ask.decide_arg, &w->actor, &w->ticket, w->ask.arena, &w->change)) {
    case VERDICT_EDIT:
        ask_store(w);
        return;
    case VERDICT_NOTHING:
        work_end(w, WORK_NOTHING, &result);
        return;
    case VERDICT_HIDDEN:
        end_because(w, WORK_HIDDEN, NULL);
        return;
    case VERDICT_FORBIDDEN:
        end_because(w, WORK_FORBIDDEN, w->change.reason);
        return;
    case VERDICT_INVALID:
        end_because(w, WORK_INVALID, NULL);
        return;
    case VERDICT_STALE:
        end_because(w, WORK_STALE, w->change.reason);
        return;
    }
}

/* ---- Reading ---- */

static void take_ticket(Work *w, const PostgresRows *rows) {
    Arena *arena = w->ask.arena;
    TicketRow row = ticket_row_read(rows, 0, 0, w->ask.who->tenant_id, arena);
    w->ticket = (ChangeTicket){.row = ticket_row_keep(&row, arena)};
}

static void take_other(Work *w, const PostgresRows *rows) {
    if (!rows_count(rows)) return;
    TicketRow row = ticket_row_read(rows, 0, 0, w->ask.who->tenant_id, w->ask.arena);
    TicketRow *other = arena_alloc(w->ask.arena, sizeof(*other));
    *other = ticket_row_keep(&row, w->ask.arena);
    w->ticket.other = other;
}

static void take_evidence(Work *w, const PostgresRows *rows) {
    Str *classes = arena_alloc(w->ask.arena, CLASSES_MAX * sizeof(*classes));
    for (size_t i = 0; i < rows_count(rows) && i < CLASSES_MAX; i++)
        classes[w->ticket.evidence_n++] = arena_str(w->ask.arena, rows_str(rows, i, 0));
    w->ticket.evidence = classes;
}

static void take_loads(Work *w, const PostgresRows *rows) {
    ChangeLoad *loads = arena_alloc(w->ask.arena, LOADS_MAX * sizeof(*loads));
    for (size_t i = 0; i < rows_count(rows) && i < LOADS_MAX; i++)
        loads[w->ticket.loads_n++] = (ChangeLoad){rows_int(rows, i, 0), rows_bool(rows, i, 1),
                                                  rows_int(rows, i, 2), rows_int(rows, i, 3)};
    w->ticket.loads = loads;
}

static void take_people(Work *w, const PostgresRows *rows) {
    size_t n = rows_count(rows);
    ChangePerson *people = arena_alloc(w->ask.arena, (n + 1) * sizeof(*people));
    for (size_t i = 0; i < n; i++)
        people[i] =
            (ChangePerson){rows_int(rows, i, 0), rows_bool(rows, i, 1), rows_bool(rows, i, 2)};
    w->ticket.people = people;
    w->ticket.people_n = n;
}

/* False when one of the tokens stands for nothing. */
static bool take_files(Work *w, const PostgresRows *rows) {
    size_t n = rows_count(rows);
    ChangeFile *files = arena_alloc(w->ask.arena, (n + 1) * sizeof(*files));
    for (size_t i = 0; i < n; i++)
        files[i] = (ChangeFile){.id = rows_int(rows, i, 0),
                                .size = rows_int(rows, i, 1),
                                .name = arena_str(w->ask.arena, rows_str(rows, i, 2)),
                                .type = arena_str(w->ask.arena, rows_str(rows, i, 3)),
                                .class = arena_str(w->ask.arena, rows_str(rows, i, 4))};
    w->actor.files = files;
    w->actor.files_n = n;
    for (size_t t = 0; t < w->ask.uploads_n; t++) {
        uint8_t hash[DIGEST_SHA256_BYTES];
        bool found = false;
        upload_token_hash(w->ask.uploads[t], hash);
        for (size_t i = 0; i < n && !found; i++)
            found = str_eq(rows_str(rows, i, 5), (Str){(const char *)hash, sizeof(hash)});
        if (!found) return false;
    }
    return n <= CHANGE_UPLOADS_MAX;
}

static void on_read(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Work *w = arg;
    if (outcome != POSTGRES_COMMITTED) {
        log_warn(ABOUT(w->ask.who->tenant_id, w->ask.ticket_id), "A ticket cannot be read: %s",
                 problem->text);
        end_because(w, WORK_AWAY, "数据库暂时不可用，请重试 (the database is away; ask again)");
        return;
    }
    if (!rows_count(results[1])) {
        end_because(w, WORK_HIDDEN, NULL);
        return;
    }
    take_ticket(w, results[1]);
    if (w->evidence_at) take_evidence(w, results[w->evidence_at]);
    if (w->loads_at) take_loads(w, results[w->loads_at]);
    if (w->people_at) take_people(w, results[w->people_at]);
    w->ticket.was_solved = w->solved_at && rows_count(results[w->solved_at]);
    if (w->other_at) take_other(w, results[w->other_at]);
    if (w->acknowledged_at && rows_count(results[w->acknowledged_at]))
        w->ticket.acknowledged = rows_bool(results[w->acknowledged_at], 0, 0);
    TicketScope scope = ticket_row_scope(&w->ticket.row);
    if (w->files_at && !take_files(w, results[w->files_at]) && rights_reach(w->ask.who, &scope)) {
        end_invalid(
            w, "uploads",
            "附件已过期、已使用或不存在，请重新上传 (an upload is unknown, expired or used)");
        return;
    }
    decide(w);
}

static Params *add_query(Work *w, const PostgresStatement *statement) {
    Params *p = &w->params[w->queries_n];
    params_clear(p);
    w->queries[w->queries_n++] = (PostgresQuery){statement, p};
    return p;
}

static Params *add_ticket_query(Work *w, const PostgresStatement *statement) {
    Params *p = add_query(w, statement);
    params_i64(p, w->ask.who->tenant_id);
    params_i64(p, w->ask.ticket_id);
    return p;
}

static void read_again(Work *w) {
    char tenants[24];
    int length =
        snprintf(tenants, sizeof(tenants), "{%lld}", (long long)w->ask.who->tenant_id); /* fits */
    w->solved_at = w->queries_n = w->evidence_at = w->loads_at = w->files_at = w->acknowledged_at =
        w->other_at = w->people_at = 0;
    params_text(add_query(w, &fence), (Str){tenants, (size_t)length});
    (void)add_ticket_query(w, &read_ticket);
    if (w->ask.wants_evidence) {
        w->evidence_at = w->queries_n;
        (void)add_ticket_query(w, &read_evidence);
    }
    if (w->ask.wants_solved) {
        w->solved_at = w->queries_n;
        (void)add_ticket_query(w, &read_solved);
    }
    if (w->ask.wants_loads) {
        w->loads_at = w->queries_n;
        Params *p = add_ticket_query(w, &read_loads);
        params_array(p, PARAM_INT8, 2);
        params_element_i64(p, w->ask.who->user_id);
        params_element_i64(p, w->ask.names_agent);
    }
    if (w->ask.people_n) {
        w->people_at = w->queries_n;
        Params *p = add_query(w, &read_people);
        params_i64(p, w->ask.who->tenant_id);
        params_array(p, PARAM_INT8, w->ask.people_n);
        for (size_t i = 0; i < w->ask.people_n; i++)
            params_element_i64(p, w->ask.people[i]);
    }
    if (w->ask.wants_acknowledged) {
        w->acknowledged_at = w->queries_n;
        (void)add_ticket_query(w, &read_acknowledged);
    }
    if (w->ask.other_id) {
        w->other_at = w->queries_n;
        Params *p = add_query(w, &read_ticket);
        params_i64(p, w->ask.who->tenant_id);
        params_i64(p, w->ask.other_id);
    }
    if (w->ask.uploads_n) {
        w->files_at = w->queries_n;
        Params *p = add_query(w, &read_files);
        params_i64(p, w->ask.who->tenant_id);
        params_array(p, PARAM_BYTEA, w->ask.uploads_n);
        for (size_t i = 0; i < w->ask.uploads_n; i++) {
            uint8_t hash[DIGEST_SHA256_BYTES];
            upload_token_hash(w->ask.uploads[i], hash);
            params_element_text(p, (Str){(const char *)hash, sizeof(hash)});
        }
        params_i64(p, w->ask.who->user_id);
    }
    if (postgres_pool_run(w->ask.desk->pool, POSTGRES_READ_ONLY, w->queries, w->queries_n, on_read,
                          w) < 0)
        end_later(w, WORK_AWAY);
}

void work_begin(const WorkAsk *ask, WorkDone done, void *arg) {
    Work *w = arena_zalloc(ask->arena, sizeof(*w));
    w->ask = *ask;
    w->done = done;
    w->arg = arg;
    w->actor = (ChangeActor){.who = ask->who,
                             .catalog = ask->catalog,
                             .vault = ask->desk->vault,
                             .actor = ask->actor,
                             .by = ask->by,
                             .channel = ask->channel};
    read_again(w);
}

/* ---- For requests ---- */

Str work_actor(const Subject *who, const Catalog *catalog, int64_t token_id, Arena *arena) {
    long long id = (long long)who->user_id;
    if (!id) return str(arena_printf(arena, "token:%lld", (long long)token_id));
    if (who->like == ROLE_CUSTOMER) return str(arena_printf(arena, "requester:%lld", id));
    bool agent = catalog && catalog_agent(catalog, who->user_id);
    return str(arena_printf(arena, agent ? "agent:%lld" : "user:%lld", id));
}

WorkAsk work_ask(Request *r, WorkDecide decide_it, void *decide_arg) {
    return (WorkAsk){.desk = r->desk,
                     .arena = r->arena,
                     .who = &r->subject,
                     .catalog = r->catalog,
                     .actor = work_actor(&r->subject, r->catalog, r->token_id, r->arena),
                     .by = r->by,
                     .channel = r->session_id ? STR("web") : STR("api"),
                     .cause = r->cause,
                     .trace = r->trace,
                     .ticket_id = r->ids[0],
                     .decide = decide_it,
                     .decide_arg = decide_arg};
}

bool work_refused(Request *r, WorkOutcome outcome, const WorkResult *result) {
    switch (outcome) {
    case WORK_DONE:
    case WORK_NOTHING:
        return false;
    case WORK_HIDDEN:
        answer_not_found(r);
        break;
    case WORK_FORBIDDEN:
        answer_forbidden(r, result->reason);
        break;
    case WORK_INVALID:
        answer_invalid(r, result->invalid);
        break;
    case WORK_STALE:
        answer_conflict(r, result->reason);
        break;
    case WORK_AWAY:
        answer_unavailable(r, result->reason, -1);
        break;
    }
    return true;
}
