/* Takes jobs and works them off. */
#include <assert.h>
#include <errno.h>

#include "desk/api/answer.h"
#include "desk/tickets/job_users.h"
#include "desk/tickets/job_work.h"
#include "desk/tickets/jobs.h"
#include "desk/tickets/subject_json.h"
#include "log/log.h"
#include "json/json.h"

enum { LOOK_MS = 1000, SWEEP_MS = 60000, AWAY_MS = 500, SWEPT_AT_ONCE = 500, RUN_QUERIES = 4 };

static const PostgresStatement take_statement = {
    "jobs_take", "SELECT tenant_id, job_id, kind, asker, subject, work, total::bigint,"
                 " done::bigint FROM desk.take_jobs($1::text, $2::integer)"};
static const PostgresStatement sweep_statement = {"jobs_sweep",
                                                  "SELECT desk.sweep_jobs($1::integer)"};
static const PostgresStatement fence_statement = {
    "jobs_fence", "SELECT set_config('docket.tenants', $1::text, true)"};
/* Only while it is still ours: a desk that slept through its lease writes nothing any more. */
static const PostgresStatement note_statement = {
    "jobs_note",
    "UPDATE desk.jobs SET done = $4::integer, results = results || $5::jsonb,"
    " status = CASE WHEN $4::integer >= total THEN 'completed' ELSE status END,"
    " ended_at = CASE WHEN $4::integer >= total THEN now() END,"
    " lease_until = now() + CASE WHEN $6::boolean THEN interval '0' ELSE interval '30 seconds' END"
    " WHERE tenant_id = $1::bigint AND job_id = $2::uuid AND lease_by = $3::text"
    " AND ended_at IS NULL AND done < $4::integer RETURNING done::bigint"};
/* An item that was done by a desk which died before it could say so. */
static const PostgresStatement seen_statement = {
    "jobs_seen", "SELECT 1 FROM ticket.ledger WHERE tenant_id = $1::bigint"
                 " AND ticket_id = $2::bigint AND cause_id = $3::uuid AND step = $4::integer"};

/* Merges of one tenant come one after the other, or two could merge a pair into each other: an
 * older one that has not ended goes first. */
static const PostgresStatement older_statement = {
    "jobs_older", "SELECT 1 FROM desk.jobs o JOIN desk.jobs me ON me.tenant_id = o.tenant_id"
                  " WHERE o.tenant_id = $1::bigint AND me.job_id = $2::uuid AND o.ended_at IS NULL"
                  " AND o.subject ->> 'job' = 'merge'"
                  " AND (o.created_at, o.job_id) < (me.created_at, me.job_id) LIMIT 1"};
/* Which of these tickets this very job has changed. */
static const PostgresStatement merged_statement = {
    "jobs_merged", "SELECT DISTINCT ticket_id FROM ticket.ledger WHERE tenant_id = $1::bigint"
                   " AND ticket_id = ANY ($2::bigint[]) AND cause_id = $3::uuid ORDER BY 1"};

typedef struct Jobs Jobs;

typedef struct JobRun {
    Jobs *jobs;
    bool used;
    Arena *arena, *item_arena; /* of the job; of one item */
    Subject subject;
    Cause id;
    Str asker, by;
    JobWork work;
    int32_t next;
    bool resumed;
    const Catalog *catalog;
    JobItem item; /* the present one */
    int64_t made; /* the user whom it has made */
    Params params[RUN_QUERIES];
    LoopTimer *again;
} JobRun;

struct Jobs {
    Desk *desk;
    LoopTimer *look, *sweep;
    bool taking, sweeping, stopped;
    Params take_params, sweep_params;
    PostgresQuery take_query, sweep_query;
    JobRun runs[JOBS_RUNNING_MAX];
};

static void item_begin(JobRun *run);

static JobRun *free_run(Jobs *jobs, size_t *ret_free) {
    JobRun *found = NULL;
    *ret_free = 0;
    for (size_t i = 0; i < JOBS_RUNNING_MAX; i++) {
        if (jobs->runs[i].used) continue;
        found = &jobs->runs[i];
        ++*ret_free;
    }
    return found;
}

/* Once stopped, with the last answer that was under way. */
static void jobs_end(Jobs *jobs) {
    size_t left;
    (void)free_run(jobs, &left);
    if (left < JOBS_RUNNING_MAX || jobs->taking || jobs->sweeping) return;
    loop_timer_free(jobs->look);
    loop_timer_free(jobs->sweep);
    params_done(&jobs->take_params);
    params_done(&jobs->sweep_params);
    free(jobs);
}

static void run_end(JobRun *run) {
    Jobs *jobs = run->jobs;
    (void)catalog_unref(run->catalog);
    for (size_t i = 0; i < RUN_QUERIES; i++)
        params_done(&run->params[i]);
    arena_free(run->item_arena);
    arena_free(run->arena);
    run->again = loop_timer_free(run->again);
    *run = (JobRun){.jobs = jobs};
    if (jobs->stopped)
        jobs_end(jobs);
    else if (!jobs->desk->draining)
        loop_timer_arm(jobs->look, 0);
}

/* Perhaps it was done: the item is looked for in the ledger first. */
static void try_again(JobRun *run) {
    run->resumed = true;
    loop_timer_arm(run->again, AWAY_MS);
}

/* ---- One item's end ---- */

static void on_noted(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    JobRun *run = arg;
    if (run->jobs->stopped) {
        run_end(run);
        return;
    }
    if (outcome != POSTGRES_COMMITTED) {
        log_warn(ABOUT(run->subject.tenant_id, 0), "A job cannot note its item: %s", problem->text);
        try_again(run);
        return;
    }
    if (!rows_count(results[1])) { /* somebody else goes on with it */
        run_end(run);
        return;
    }
    run->next++;
    if (run->next >= run->work.total || run->jobs->desk->draining)
        run_end(run);
    else
        item_begin(run);
}

/* The fence first; each query that follows gets its own parameters, which begin with the tenant. */
static PostgresQuery *fenced(JobRun *run) {
    char tenants[24];
    int n = snprintf(tenants, sizeof(tenants), "{%lld}", (long long)run->subject.tenant_id);
    PostgresQuery *queries = arena_alloc(run->item_arena, RUN_QUERIES * sizeof(*queries));
    params_clear(&run->params[0]);
    params_text(&run->params[0], (Str){tenants, (size_t)n});
    queries[0] = (PostgresQuery){&fence_statement, &run->params[0]};
    return queries;
}

static Params *add_query(JobRun *run, PostgresQuery *queries, size_t *n,
                         const PostgresStatement *statement) {
    Params *p = &run->params[*n];
    params_clear(p);
    params_i64(p, run->subject.tenant_id);
    queries[(*n)++] = (PostgresQuery){statement, p};
    return p;
}

static void note(JobRun *run, const Buf *result) {
    size_t n = 1;
    PostgresQuery *queries = fenced(run);
    Params *p = add_query(run, queries, &n, &note_statement);
    params_uuid(p, run->id);
    params_text(p, str(runtime_instance(run->jobs->desk->runtime)));
    params_i32(p, run->next + 1);
    params_jsonb(p, buf_str(result));
    params_bool(p, run->jobs->desk->draining);
    if (postgres_pool_run(run->jobs->desk->pool, 0, queries, n, on_noted, run) < 0) try_again(run);
}

/* {"index", "id" unless there is none, "action" */
static void begin_result(const JobRun *run, Buf *ret) {
    int64_t id = run->made ? run->made : job_item_id(&run->work, run->next);
    buf_printf(ret, "{\"index\":%d,", run->next);
    if (id || run->work.kind != JOB_USERS) buf_printf(ret, "\"id\":%lld,", (long long)id);
    buf_printf(ret, "\"action\":\"%s\"", job_item_action(&run->work, run->next));
}

static void note_done(JobRun *run) {
    CLEANUP(buf_done) Buf result = {0};
    begin_result(run, &result);
    buf_printf(&result, ",\"status\":\"%s\",\"success\":true}",
               job_item_done(&run->work, run->next));
    note(run, &result);
}

static void note_refused(JobRun *run, const char *error, Str details) {
    CLEANUP(buf_done) Buf result = {0};
    begin_result(run, &result);
    buf_adds(&result, ",\"success\":false,\"error\":");
    buf_add_json(&result, str(error));
    buf_adds(&result, ",\"details\":");
    buf_add_json(&result, details);
    buf_addc(&result, '}');
    note(run, &result);
}

static void note_failed(JobRun *run, const char *error, const WorkResult *result) {
    CLEANUP(buf_done) Buf details = {0};
    if (result->invalid)
        invalid_words(result->invalid, &details);
    else
        buf_adds(&details, result->reason ? result->reason : "Not found");
    note_refused(run, error, buf_str(&details));
}

static void on_item(void *arg, WorkOutcome outcome, const WorkResult *result) {
    JobRun *run = arg;
    run->catalog = catalog_unref(run->catalog);
    if (run->jobs->stopped) {
        run_end(run);
        return;
    }
    switch (outcome) {
    case WORK_DONE:
    case WORK_NOTHING:
        note_done(run);
        return;
    case WORK_HIDDEN:
        note_failed(run, "RecordNotFound", result);
        return;
    case WORK_FORBIDDEN:
        note_failed(run, "PermissionDenied", result);
        return;
    case WORK_INVALID:
        note_failed(run, "RecordInvalid", result);
        return;
    case WORK_STALE:
        note_failed(run, "UpdateConflict", result);
        return;
    case WORK_AWAY:
        try_again(run);
        return;
    }
}

/* ---- One item ---- */

static void on_user(void *arg, int64_t user_id, const char *error, Str details) {
    JobRun *run = arg;
    run->catalog = catalog_unref(run->catalog);
    run->made = user_id;
    if (run->jobs->stopped)
        run_end(run);
    else if (user_id)
        note_done(run);
    else if (error)
        note_refused(run, error, details);
    else
        try_again(run);
}

static void item_work(JobRun *run) {
    Desk *d = run->jobs->desk;
    const Catalog *catalog = configuration_catalog(d->configuration, run->subject.tenant_id);
    run->catalog = catalog ? catalog_ref(catalog) : NULL;
    if (run->work.kind == JOB_USERS) {
        JobUser user = {.desk = d,
                        .arena = run->item_arena,
                        .who = &run->subject,
                        .asker = run->asker,
                        .by = run->by,
                        .catalog = run->catalog,
                        .job = run->id,
                        .item = run->next,
                        .user = cJSON_GetArrayItem(run->work.users, run->next)};
        job_user_make(&user, on_user, run);
        return;
    }
    WorkAsk ask = {.desk = d,
                   .arena = run->item_arena,
                   .who = &run->subject,
                   .catalog = run->catalog,
                   .actor = run->asker,
                   .by = run->by,
                   .channel = STR("api"),
                   .cause = run->id,
                   .trace = trace_new()};
    job_item_ask(&run->item, run->item_arena, &ask);
    work_begin(&ask, on_item, run);
}

static void take_merged(JobRun *run, const PostgresRows *rows) {
    int64_t *ids = arena_alloc(run->item_arena, (rows_count(rows) + 1) * sizeof(*ids));
    for (size_t i = 0; i < rows_count(rows); i++)
        ids[run->item.merged_n++] = rows_int(rows, i, 0);
    run->item.merged = ids;
}

static void on_seen(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    JobRun *run = arg;
    (void)problem;
    if (run->jobs->stopped) {
        run_end(run);
        return;
    }
    if (outcome != POSTGRES_COMMITTED) {
        try_again(run);
        return;
    }
    bool merges = run->work.kind == JOB_MERGE;
    if (rows_count(results[1])) {
        run->resumed = false;
        if (run->work.kind == JOB_USERS) run->made = rows_int(results[1], 0, 0);
        note_done(run);
    } else if (merges && rows_count(results[2])) {
        try_again(run); /* once the older one has ended */
    } else {
        run->resumed = false;
        if (merges && job_item_is_target(&run->work, run->next)) take_merged(run, results[3]);
        item_work(run);
    }
}

/* A merge looks first whether it is its turn; every job does that is new to this desk, for the item
 * may be done. */
static void item_begin(JobRun *run) {
    arena_reset(run->item_arena);
    run->item = (JobItem){.work = &run->work, .at = run->next};
    run->made = 0;
    bool merges = run->work.kind == JOB_MERGE;
    if (!run->resumed && !merges) {
        item_work(run);
        return;
    }
    size_t n = 1;
    PostgresQuery *queries = fenced(run);
    Params *p =
        add_query(run, queries, &n, run->work.kind == JOB_USERS ? &job_user_made : &seen_statement);
    if (run->work.kind == JOB_USERS) {
        char job[37];
        cause_format(run->id, job);
        params_text(p, str(job));
    } else {
        params_i64(p, job_item_id(&run->work, run->next));
        params_uuid(p, run->id);
    }
    params_i32(p, run->next);
    if (merges) params_uuid(add_query(run, queries, &n, &older_statement), run->id);
    if (job_item_is_target(&run->work, run->next)) {
        p = add_query(run, queries, &n, &merged_statement);
        params_array(p, PARAM_INT8, (size_t)run->next);
        for (int32_t i = 0; i < run->next; i++)
            params_element_i64(p, job_item_id(&run->work, i));
        params_uuid(p, run->id);
    }
    if (postgres_pool_run(run->jobs->desk->pool, POSTGRES_READ_ONLY, queries, n, on_seen, run) < 0)
        try_again(run);
}

static void on_again(void *arg) {
    JobRun *run = arg;
    if (run->jobs->desk->draining)
        run_end(run); /* its lease runs out, another desk goes on */
    else
        item_begin(run);
}

/* ---- Taking ---- */

static int read_work(JobRun *run, Str sealed, bool destroys, int32_t total) {
    CLEANUP(buf_done) Buf clear = {0};
    static const JsonLimits limits = {.bytes = 1 << 20, .depth = 40, .members = 2000};
    cJSON *work = NULL;
    int r =
        vault_unseal(run->jobs->desk->vault, run->subject.tenant_id, STR("job"), sealed, &clear);
    if (r == 0) r = json_parse_in(run->arena, buf_str(&clear), &limits, &work, NULL);
    return r < 0 ? r : job_work_read(work, destroys, total, &run->work);
}

static void run_begin(Jobs *jobs, const PostgresRows *rows, size_t row) {
    size_t left;
    JobRun *run = free_run(jobs, &left);
    assert(run); /* as many were asked for as were free */
    int64_t tenant = rows_int(rows, row, 0);
    run->used = true;
    run->arena = arena_new(0);
    run->item_arena = arena_new(0);
    run->again = loop_timer_new(jobs->desk->loop, on_again, run);
    run->id = rows_uuid(rows, row, 1);
    bool destroys = str_is(rows_str(rows, row, 2), "destroy_many");
    run->asker = arena_str(run->arena, rows_str(rows, row, 3));
    run->next = (int32_t)rows_int(rows, row, 7);
    run->resumed = true;
    Str subject = arena_str(run->arena, rows_str(rows, row, 4));
    cJSON *object = NULL;
    int r = subject_parse(subject, tenant, run->arena, &run->subject);
    if (r == 0 && json_parse_in(run->arena, subject, NULL, &object, NULL) == 0)
        (void)json_get_string(object, "by", &run->by);
    if (r == 0)
        r = read_work(run, rows_str(rows, row, 5), destroys, (int32_t)rows_int(rows, row, 6));
    if (r < 0 || run->next >= run->work.total) {
        log_error(ABOUT(tenant, 0), "A job cannot be read (%s); it is tried again",
                  strerror(r < 0 ? -r : ERANGE));
        run_end(run);
        return;
    }
    item_begin(run);
}

static void on_taken(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Jobs *jobs = arg;
    jobs->taking = false;
    if (jobs->stopped) {
        jobs_end(jobs); /* what was taken is free again when its lease is over */
        return;
    }
    if (outcome != POSTGRES_COMMITTED) log_debug(NULL, "Jobs cannot be taken: %s", problem->text);
    loop_timer_arm(jobs->look, LOOK_MS);
    if (outcome != POSTGRES_COMMITTED) return;
    for (size_t i = 0; i < rows_count(results[0]); i++)
        run_begin(jobs, results[0], i);
}

static void on_look(void *arg) {
    Jobs *jobs = arg;
    size_t left;
    if (jobs->taking || jobs->desk->draining) return;
    if (!free_run(jobs, &left)) return; /* whoever ends looks again */
    params_clear(&jobs->take_params);
    params_text(&jobs->take_params, str(runtime_instance(jobs->desk->runtime)));
    params_i32(&jobs->take_params, (int32_t)left);
    jobs->take_query = (PostgresQuery){&take_statement, &jobs->take_params};
    if (postgres_pool_run(jobs->desk->pool, 0, &jobs->take_query, 1, on_taken, jobs) < 0)
        loop_timer_arm(jobs->look, LOOK_MS);
    else
        jobs->taking = true;
}

static void on_swept(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Jobs *jobs = arg;
    (void)outcome;
    (void)results;
    (void)problem; /* the next one does it */
    jobs->sweeping = false;
    if (jobs->stopped) jobs_end(jobs);
}

static void on_sweep(void *arg) {
    Jobs *jobs = arg;
    loop_timer_arm(jobs->sweep, SWEEP_MS);
    if (jobs->sweeping) return;
    params_clear(&jobs->sweep_params);
    params_i32(&jobs->sweep_params, SWEPT_AT_ONCE);
    jobs->sweep_query = (PostgresQuery){&sweep_statement, &jobs->sweep_params};
    jobs->sweeping =
        postgres_pool_run(jobs->desk->pool, 0, &jobs->sweep_query, 1, on_swept, jobs) == 0;
}

void jobs_kick(Desk *d) {
    if (d->jobs && !d->jobs->taking) loop_timer_arm(d->jobs->look, 0);
}

/* ---- Life ---- */

static int start(Desk *d, Buf *ret_problem) {
    (void)ret_problem;
    Jobs *jobs = d->jobs = xcalloc(1, sizeof(*jobs));
    jobs->desk = d;
    for (size_t i = 0; i < JOBS_RUNNING_MAX; i++)
        jobs->runs[i].jobs = jobs;
    jobs->look = loop_timer_new(d->loop, on_look, jobs);
    jobs->sweep = loop_timer_new(d->loop, on_sweep, jobs);
    loop_timer_arm(jobs->look, LOOK_MS);
    loop_timer_arm(jobs->sweep, SWEEP_MS);
    return 0;
}

static bool drained(Desk *d) {
    size_t left = JOBS_RUNNING_MAX;
    if (d->jobs) (void)free_run(d->jobs, &left);
    return left == JOBS_RUNNING_MAX;
}

/* The pool goes after us and still calls back: what is under way ends there, what waits here. */
static void stop(Desk *d) {
    Jobs *jobs = d->jobs;
    if (!jobs) return;
    d->jobs = NULL;
    loop_timer_disarm(jobs->look);
    loop_timer_disarm(jobs->sweep);
    for (size_t i = 0; i < JOBS_RUNNING_MAX; i++)
        if (jobs->runs[i].used && loop_timer_armed(jobs->runs[i].again)) run_end(&jobs->runs[i]);
    jobs->stopped = true;
    jobs_end(jobs);
}

const DeskPart jobs_part = {"jobs", start, drained, stop};
