/* Asking for jobs, and looking at them. */
#include "desk/tickets/jobs.h"

#include <errno.h>

#include "base/clock.h"
#include "desk/api/answer.h"
#include "desk/api/routes.h"
#include "desk/api/row_page.h"
#include "desk/tickets/job_work.h"
#include "desk/tickets/reader.h"
#include "desk/tickets/subject_json.h"
#include "json/json.h"

#define JOB_COLUMNS                                                                                \
    "j.job_id, coalesce(j.subject ->> 'job', j.kind), j.total::bigint, j.done::bigint, j.status, " \
    "j.results, j.ended_at"

/* Nothing, when too many wait already. */
static const PostgresStatement insert_statement = {
    "jobs_insert",
    "INSERT INTO desk.jobs AS j (tenant_id, job_id, kind, asker, subject, work, total)"
    " SELECT $1::bigint, $2::uuid, $3::text, $4::text, $5::jsonb, $6::bytea, $7::integer"
    " WHERE (SELECT count(*) FROM desk.jobs w WHERE w.tenant_id = $1::bigint"
    "  AND w.ended_at IS NULL) < $8::bigint RETURNING " JOB_COLUMNS};
static const PostgresStatement many_statement = {
    "jobs_many",
    "SELECT " JOB_COLUMNS " FROM desk.jobs j WHERE j.tenant_id = $1::bigint AND j.asker = $2::text"
    " AND j.job_id = ANY ($3::uuid[]) ORDER BY j.created_at, j.job_id"};
static const PostgresStatement list_statement = {
    "jobs_list",
    "SELECT " JOB_COLUMNS " FROM desk.jobs j WHERE j.tenant_id = $1::bigint AND j.asker = $2::text"
    " ORDER BY j.created_at DESC, j.job_id LIMIT 100"};

/* ---- As Zendesk shows them ---- */

static void job_json(Request *r, const PostgresRows *rows, size_t row, Buf *ret) {
    char id[37];
    cause_format(rows_uuid(rows, row, 0), id);
    int64_t total = rows_int(rows, row, 2), done = rows_int(rows, row, 3);
    Str status = rows_str(rows, row, 4);
    bool ended = !rows_null(rows, row, 6);
    buf_printf(ret, "{\"id\":\"%s\",\"url\":\"%.*s/api/v2/job_statuses/%s.json\",\"job_type\":", id,
               STR_ARG(request_base(r)), id);
    buf_add_json(ret, rows_str(rows, row, 1));
    buf_printf(ret, ",\"total\":%lld,\"progress\":", (long long)total);
    if (str_is(status, "queued"))
        buf_adds(ret, "null");
    else
        buf_add_i64(ret, done);
    buf_adds(ret, ",\"status\":");
    buf_add_json(ret, status);
    buf_adds(ret, ",\"message\":");
    if (ended) {
        char at[21];
        clock_format_s(rows_time_ms(rows, row, 6), at);
        buf_printf(ret, "\"Completed at %.10s %.8s +0000\"", at, at + 11);
    } else if (done) {
        bool users = str_is(rows_str(rows, row, 1), job_kind_name(JOB_USERS));
        buf_printf(ret, users ? "\"Creating user #%lld\"" : "\"Changing ticket #%lld\"",
                   (long long)done);
    } else {
        buf_adds(ret, "null");
    }
    buf_adds(ret, ",\"results\":");
    if (ended)
        buf_add_str(ret, rows_str(rows, row, 5));
    else
        buf_adds(ret, "null");
    buf_addc(ret, '}');
}

static void answer_one(Request *r, const PostgresRows *rows) {
    CLEANUP(buf_done) Buf body = {0};
    buf_adds(&body, "{\"job_status\":");
    job_json(r, rows, 0, &body);
    buf_addc(&body, '}');
    answer_json(r, 200, buf_str(&body));
}

/* ---- Asking ---- */

static void on_inserted(Request *r, const PostgresRows *const *results,
                        const PostgresProblem *problem) {
    if (!results) {
        answer_bad_request(r, "body", "holds what cannot be stored", problem->text);
        return;
    }
    if (!rows_count(results[0])) {
        answer_too_many(r, 10);
        return;
    }
    jobs_kick(r->desk);
    answer_one(r, results[0]);
}

/* The table has two kinds, and a job is of `kind` beyond that: its subject's JSON says so, and who
 * acts for her. */
static void ask(Request *r, JobKind kind, const Buf *work, size_t total) {
    CLEANUP(buf_done) Buf sealed = {0};
    CLEANUP(buf_done) Buf subject = {0};
    if (vault_seal(r->desk->vault, r->subject.tenant_id, STR("job"), buf_str(work), &sealed) < 0) {
        answer_unavailable(r, "The key ring refuses; ask again", -1);
        return;
    }
    subject_json(&r->subject, &subject);
    subject.n--;
    if (kind > JOB_DESTROY) buf_printf(&subject, ",\"job\":\"%s\"", job_kind_name(kind));
    if (r->by.p) buf_printf(&subject, ",\"by\":\"%.*s\"", STR_ARG(r->by));
    buf_addc(&subject, '}');
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_uuid(p, r->cause);
    params_text(p, str(job_kind_name(kind == JOB_DESTROY ? JOB_DESTROY : JOB_UPDATE)));
    params_text(p, work_actor(&r->subject, r->catalog, r->token_id, r->arena));
    params_jsonb(p, buf_str(&subject));
    params_bytea(p, buf_str(&sealed));
    params_i32(p, (int32_t)total);
    params_i64(p, JOBS_QUEUED_MAX);
    request_query_rows(r, 0, &(PostgresQuery){&insert_statement, p}, 1, on_inserted);
}

static void add_ids(Buf *work, const int64_t *ids, size_t n) {
    buf_adds(work, "{\"ids\":[");
    for (size_t i = 0; i < n; i++)
        buf_printf(work, "%s%lld", i ? "," : "", (long long)ids[i]);
    buf_addc(work, ']');
}

/* {"tickets":[{"id":...}, ...]}: false, having answered 400. */
static bool check_tickets(Request *r, const cJSON *tickets) {
    const cJSON *item;
    int n = cJSON_GetArraySize(tickets);
    if (n < 1 || n > JOB_ITEMS_MAX) {
        answer_bad_request(r, "tickets", "holds none, or too many", "send 1 to 100");
        return false;
    }
    cJSON_ArrayForEach(item, tickets) {
        int64_t id = 0;
        if (json_get_int(item, "id", &id) == 1 && id > 0 && id <= TICKET_ID_MAX) continue;
        answer_bad_request(r, "tickets", "holds something without an id",
                           "send {\"tickets\": [{\"id\": ..., ...}]}");
        return false;
    }
    return true;
}

static void update_many(Request *r) {
    CLEANUP(buf_done) Buf work = {0};
    const cJSON *ticket, *tickets;
    if (!request_query(r, "ids").p && json_get_array(r->body, "tickets", &tickets) == 1) {
        if (!check_tickets(r, tickets)) return;
        buf_adds(&work, "{\"tickets\":");
        json_write(&work, tickets);
        buf_addc(&work, '}');
        ask(r, JOB_UPDATE, &work, (size_t)cJSON_GetArraySize(tickets));
        return;
    }
    int64_t *ids;
    size_t n;
    if (!request_query_ids(r, "ids", JOB_ITEMS_MAX, &ids, &n)) return;
    if (json_get_object(r->body, "ticket", &ticket) != 1) {
        answer_bad_request(r, "ticket", "is missing or no object",
                           "send {\"ticket\": {...}} with ?ids=, or {\"tickets\": [...]}");
        return;
    }
    add_ids(&work, ids, n);
    buf_adds(&work, ",\"ticket\":");
    json_write(&work, ticket);
    buf_addc(&work, '}');
    ask(r, JOB_UPDATE, &work, n);
}

static void destroy_many(Request *r) {
    CLEANUP(buf_done) Buf work = {0};
    int64_t *ids;
    size_t n;
    if (!request_query_ids(r, "ids", JOB_ITEMS_MAX, &ids, &n)) return;
    add_ids(&work, ids, n);
    buf_addc(&work, '}');
    ask(r, JOB_DESTROY, &work, n);
}

/* ---- Making users ---- */

static void create_users(Request *r) {
    CLEANUP(buf_done) Buf work = {0};
    const cJSON *users = NULL, *item;
    bool good = json_get_array(r->body, "users", &users) == 1;
    int n = good ? cJSON_GetArraySize(users) : 0;
    good = n >= 1 && n <= JOB_ITEMS_MAX;
    if (good) {
        cJSON_ArrayForEach(item, users) good = good && cJSON_IsObject(item);
    }
    if (!good) {
        answer_bad_request(r, "users", "are not 1 to 100 objects",
                           "send {\"users\": [{\"name\": ..., \"email\": ...}]}");
        return;
    }
    buf_adds(&work, "{\"users\":");
    json_write(&work, users);
    buf_addc(&work, '}');
    ask(r, JOB_USERS, &work, (size_t)n);
}

/* ---- Merging ---- */

/* "target_comment": text, null or nothing. False, having answered 400. */
static bool add_comment(Request *r, Buf *work, const char *name, const char *public_name) {
    const cJSON *said = cJSON_GetObjectItemCaseSensitive(r->body, name);
    bool is_public = false;
    Str text = {NULL, 0};
    if (json_get_bool(r->body, public_name, &is_public) < 0) {
        answer_bad_request(r, public_name, "is neither true nor false", "send one of them");
        return false;
    }
    if (said && !cJSON_IsNull(said) && json_as_string(said, &text) != 1) {
        answer_bad_request(r, name, "is no text", "send what the comment is to say");
        return false;
    }
    if (str_trim(text).n) {
        buf_printf(work, ",\"%s\":{\"public\":%s,\"body\":", name, is_public ? "true" : "false");
        buf_add_json(work, text);
        buf_addc(work, '}');
    }
    return true;
}

/* {"ids":[...]}: each once, and not the target. 0: answered 400. */
static size_t add_sources(Request *r, int64_t into, Buf *work) {
    const cJSON *list = NULL, *item;
    int64_t ids[JOB_ITEMS_MAX];
    size_t n = 0;
    bool good = json_get_array(r->body, "ids", &list) == 1;
    if (good) {
        cJSON_ArrayForEach(item, list) {
            int64_t id = 0;
            bool known = false;
            if (n == JOB_ITEMS_MAX - 1 || json_as_int(item, &id) != 1 || id <= 0 ||
                id > TICKET_ID_MAX || id == into) {
                good = false;
                break;
            }
            for (size_t i = 0; i < n && !known; i++)
                known = ids[i] == id;
            if (!known) ids[n++] = id;
        }
    }
    if (!good || !n) {
        answer_bad_request(r, "ids", "are not 1 to 99 ids of other tickets",
                           "send {\"ids\": [...]}: what is to be merged into this one");
        return 0;
    }
    add_ids(work, ids, n);
    return n;
}

static void on_target(Request *r, const TicketRow *into) {
    CLEANUP(buf_done) Buf work = {0};
    if (!into) {
        answer_not_found(r);
        return;
    }
    if (!ticket_allows(r, RIGHT_TICKETS_MERGE, into)) return;
    if (into->status >= TICKET_CLOSED) {
        Invalid v;
        invalid_init(&v, r->arena);
        invalid_add(&v, "status", "InvalidValue",
                    "工单已结案，不能再并入 (the ticket is closed; nothing can be merged into it)");
        answer_invalid(r, &v);
        return;
    }
    size_t n = add_sources(r, into->id, &work);
    if (!n) return;
    buf_printf(&work, ",\"into\":%lld", (long long)into->id);
    if (!add_comment(r, &work, "source_comment", "source_comment_is_public") ||
        !add_comment(r, &work, "target_comment", "target_comment_is_public"))
        return;
    buf_addc(&work, '}');
    ask(r, JOB_MERGE, &work, n + 1);
}

static void merge(Request *r) {
    ticket_read(r, r->ids[0], on_target);
}

/* ---- Looking ---- */

static int parse_id(Str text, Cause *ret) {
    char hex[32];
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < sizeof(hex); i++)
        if (text.p[i] != '-') hex[n++] = text.p[i];
    if (n != sizeof(hex) || text.n > 36) return -EINVAL;
    return text_unhex((Str){hex, n}, ret->bytes, sizeof(ret->bytes)) < 0 ? -EINVAL : 0;
}

static void on_one(Request *r, const PostgresRows *const *results, const PostgresProblem *problem) {
    (void)problem;
    if (results && rows_count(results[0]))
        answer_one(r, results[0]);
    else
        answer_not_found(r);
}

static void on_several(Request *r, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    row_page_all(r, "job_statuses", problem ? NULL : results[0], job_json);
}

static void ask_jobs(Request *r, const Cause *ids, size_t n, RequestRows done) {
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_text(p, work_actor(&r->subject, r->catalog, r->token_id, r->arena));
    params_array(p, PARAM_UUID, n);
    for (size_t i = 0; i < n; i++)
        params_element_uuid(p, ids[i]);
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){&many_statement, p}, 1, done);
}

static void get_job(Request *r) {
    Cause id;
    if (parse_id(r->name, &id) < 0)
        answer_not_found(r);
    else
        ask_jobs(r, &id, 1, on_one);
}

static void show_many(Request *r) {
    Cause *ids = arena_alloc(r->arena, JOB_ITEMS_MAX * sizeof(*ids));
    size_t n = 0;
    Str rest = request_query(r, "ids");
    if (!rest.n) {
        answer_bad_request(r, "ids", "is missing", "send ids, separated by commas");
        return;
    }
    while (rest.p && n < JOB_ITEMS_MAX)
        if (parse_id(str_trim(str_cut(rest, ',', &rest)), &ids[n]) == 0) n++;
    ask_jobs(r, ids, n, on_several);
}

static void list_jobs(Request *r) {
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_text(p, work_actor(&r->subject, r->catalog, r->token_id, r->arena));
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){&list_statement, p}, 1, on_several);
}

static const Route routes[] = {
    {"PUT", "/api/v2/tickets/update_many", RIGHT_TICKETS_READ, ROUTE_JSON, update_many},
    {"DELETE", "/api/v2/tickets/destroy_many", RIGHT_TICKETS_DELETE, 0, destroy_many},
    {"POST", "/api/v2/users/create_many", RIGHT_USERS_READ, ROUTE_JSON, create_users},
    {"POST", "/api/v2/tickets/{id}/merge", RIGHT_TICKETS_MERGE, ROUTE_TICKET | ROUTE_JSON, merge},
    {"GET", "/api/v2/job_statuses", RIGHT_TICKETS_READ, 0, list_jobs},
    {"GET", "/api/v2/job_statuses/show_many", RIGHT_TICKETS_READ, 0, show_many},
    {"GET", "/api/v2/job_statuses/{name}", RIGHT_TICKETS_READ, 0, get_job},
};
const RouteTable job_routes = {"jobs", routes, sizeof(routes) / sizeof(*routes)};
