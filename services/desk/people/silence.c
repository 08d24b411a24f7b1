#include "desk/people/silence.h"

#include "base/clock.h"
#include "desk/tickets/changes.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "store/duty.h"

enum {
    EVERY_MS = 2000,
    DEAF_MS = 30000, /* without a sweep for so long nobody was listening */
};

/* KEYS: the signs of life; what is known of listening. ARGV: run_id, now, DEAF_MS, the tenant's
 * time, then (agent, on duty since) each. Returns the silent. */
static const char silent_source[] =
    "local now, deaf, time = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])\n"
    "local of = redis.call('HMGET', KEYS[2], 'run', 'swept', 'since')\n"
    "local swept, since = tonumber(of[2] or 0), tonumber(of[3] or 0)\n"
    "if of[1] ~= ARGV[1] or now - swept > deaf or now < swept then since = now end\n"
    "redis.call('HSET', KEYS[2], 'run', ARGV[1], 'swept', now, 'since', since)\n"
    "redis.call('EXPIRE', KEYS[2], 86400)\n"
    "redis.call('EXPIRE', KEYS[1], 86400)\n"
    "local silent = {}\n"
    "for i = 5, #ARGV, 2 do\n"
    "    local seen = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or 0)\n"
    "    if now - math.max(seen, since, tonumber(ARGV[i + 1])) >= time then\n"
    "        silent[#silent + 1] = ARGV[i]\n"
    "    end\n"
    "end\n"
    "return silent\n";

typedef struct Person {
    int64_t tenant_id, agent_id, since_ms;
    bool on_duty;
} Person;

struct Silence {
    Desk *desk;
    LoopTimer *timer;
    RedisScript script;
    size_t running; /* steps under way; the next round waits for all */
    bool freed;
    bool deaf; /* Redis did not answer: once it does, everybody has the whole time again */
    Metric *taken_off, *released;
};

typedef struct Step { /* one question and what it needs until it is answered */
    Silence *silence;
    int64_t tenant_id, agent_id;
    Params fence, params;
    Buf key, message;
    PostgresQuery queries[2];
} Step;

static const PostgresStatement fence = {"desk_silence_fence",
                                        "SELECT set_config('docket.tenants', $1::text, true)"};
static const PostgresStatement people = {"desk_people_on_duty",
                                         "SELECT tenant_id, agent_id, on_duty, changed_at FROM"
                                         " desk.people_on_duty() LIMIT 20000"};
/* What she was given before she was taken off, or in that very moment, and has not begun. */
static const PostgresStatement not_begun = {
    "desk_not_begun",
    "SELECT t.id, t.version, t.assignee_id FROM ticket.agents a JOIN ticket.tickets t ON"
    " t.tenant_id = a.tenant_id AND t.assignee_id = a.agent_id"
    " WHERE a.tenant_id = $1::bigint AND a.agent_id = ANY ($2::bigint[]) AND NOT a.on_duty"
    " AND a.duty_by = 'silence' AND t.status = 'assigned'"
    " AND t.updated_at <= a.changed_at + interval '5 seconds' ORDER BY t.id LIMIT 64"};

void silence_seen_key(int64_t tenant_id, Buf *ret) {
    buf_printf(ret, "desk:{%lld}:seen", (long long)tenant_id);
}

/* ---- steps ---- */

static Step *step_new(Silence *s, int64_t tenant_id, int64_t agent_id,
                      const PostgresStatement *statement) {
    Step *step = xcalloc(1, sizeof(*step));
    char tenants[24];
    int n = snprintf(tenants, sizeof(tenants), "{%lld}", (long long)tenant_id);
    step->silence = s;
    step->tenant_id = tenant_id;
    step->agent_id = agent_id;
    params_text(&step->fence, (Str){tenants, (size_t)n});
    step->queries[0] = (PostgresQuery){&fence, &step->fence};
    step->queries[1] = (PostgresQuery){statement, &step->params};
    s->running++;
    return step;
}

static void silence_end(Silence *s) {
    free(s);
}

/* The last one of a round sets the clock for the next. */
static void step_done(Silence *s) {
    if (--s->running) return;
    if (s->freed)
        silence_end(s);
    else
        loop_timer_arm(s->timer, EVERY_MS);
}

static void step_free(Step *step) {
    Silence *s = step->silence;
    params_done(&step->fence);
    params_done(&step->params);
    buf_done(&step->key);
    buf_done(&step->message);
    free(step);
    step_done(s);
}

static void step_run(Step *step, unsigned flags, PostgresDone done) {
    if (postgres_pool_run(step->silence->desk->pool, flags, step->queries, 2, done, step) < 0)
        step_free(step);
}

/* ---- tickets back to the queue ---- */

typedef struct Release {
    Silence *silence;
    int64_t tenant_id, ticket_id;
} Release;

static void on_released(void *arg, ChangesOutcome outcome, const TicketEdit *edit,
                        const char *problem) {
    Release *r = arg;
    if (outcome != CHANGES_STORED)
        log_warn(ABOUT(r->tenant_id, r->ticket_id),
                 "A silent agent's ticket stays hers for now: %s",
                 problem ? problem : "PostgreSQL is away");
    else if (edit->fate == CHANGE_DONE)
        metric_add(r->silence->released, 1);
    Silence *s = r->silence;
    free(r);
    step_done(s);
}

static void release(const Step *step, int64_t ticket_id, int32_t version, int64_t agent_id) {
    Silence *s = step->silence;
    if (s->freed || !s->desk->changes) return;
    CLEANUP(buf_done) Buf reason = {0};
    buf_printf(&reason, "{\"why\":\"silence\",\"agent_id\":%lld}", (long long)agent_id);
    TicketEdit edit = {.tenant_id = step->tenant_id,
                       .ticket_id = ticket_id,
                       .expected_version = version,
                       .cause = cause_new(),
                       .actor_kind = ACTOR_SYSTEM,
                       .actor = STR("system"),
                       .trace = trace_new(),
                       .sets = EDIT_STATUS | EDIT_ASSIGNEE,
                       .status = TICKET_NEW,
                       .reason = buf_str(&reason)};
    Release *r = xcalloc(1, sizeof(*r));
    *r = (Release){s, step->tenant_id, ticket_id};
    s->running++;
    if (!changes_ask(s->desk->changes, &edit, on_released, r)) { /* the next round asks again */
        free(r);
        s->running--;
    }
}

static void on_not_begun(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                         const PostgresProblem *problem) {
    Step *step = arg;
    (void)problem;
    for (size_t i = 0; outcome == POSTGRES_COMMITTED && i < rows_count(results[1]); i++)
        release(step, rows_int(results[1], i, 0), (int32_t)rows_int(results[1], i, 1),
                rows_int(results[1], i, 2));
    step_free(step);
}

static void look_for_tickets(Silence *s, int64_t tenant_id, const int64_t *agents, size_t n) {
    Step *step = step_new(s, tenant_id, 0, &not_begun);
    params_i64(&step->params, tenant_id);
    params_array(&step->params, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(&step->params, agents[i]);
    step_run(step, POSTGRES_READ_ONLY, on_not_begun);
}

/* ---- off duty ---- */

static void on_taken_off(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                         const PostgresProblem *problem) {
    Step *step = arg;
    Silence *s = step->silence;
    if (outcome != POSTGRES_COMMITTED) {
        log_warn(ABOUT(step->tenant_id, 0), "A silent agent stays on duty for now: %s",
                 problem->text);
    } else if (rows_count(results[1])) {
        log_info(ABOUT(step->tenant_id, 0), "Agent %lld is off duty: nothing was heard of her",
                 (long long)step->agent_id);
        metric_add(s->taken_off, 1);
        OutboxRow row = {.tenant_id = step->tenant_id,
                         .outbox_id = rows_int(results[1], 0, 4),
                         .topic = STR("docket.signals"),
                         .key = buf_str(&step->key),
                         .message = buf_str(&step->message)};
        if (!s->freed && s->desk->changes) changes_publish(s->desk->changes, &row, 1);
        if (!s->freed) look_for_tickets(s, step->tenant_id, &step->agent_id, 1);
    }
    step_free(step);
}

static void take_off(Silence *s, int64_t tenant_id, int64_t agent_id) {
    Step *step = step_new(s, tenant_id, agent_id, &duty_statement);
    duty_params(&(DutyChange){.tenant_id = tenant_id,
                              .agent_id = agent_id,
                              .set_duty = true,
                              .capacity = -1,
                              .by = "silence",
                              .only_if_silent = true,
                              .actor = STR("system"),
                              .why = "silence",
                              .now_ms = clock_wall_ms()},
                &step->key, &step->message, &step->params);
    step_run(step, 0, on_taken_off);
}

/* ---- who is silent ---- */

typedef struct Question {
    Silence *silence;
    int64_t tenant_id;
} Question;

static void on_silent(void *arg, const RedisReply *reply, int error) {
    Question *q = arg;
    Silence *s = q->silence;
    s->deaf = s->deaf || error;
    for (size_t i = 0; !error && !s->freed && i < redis_reply_count(reply); i++)
        take_off(s, q->tenant_id, redis_reply_int(redis_reply_at(reply, i)));
    free(q);
    step_done(s);
}

/* Those of one tenant who are on duty. */
static void ask_for_silent(Silence *s, const Person *first, size_t n, bool deaf) {
    Desk *d = s->desk;
    const Catalog *catalog = configuration_catalog(d->configuration, first->tenant_id);
    if (!catalog || !n) return;
    CLEANUP(buf_done) Buf seen = {0}, known = {0}, numbers = {0};
    silence_seen_key(first->tenant_id, &seen);
    buf_printf(&known, "desk:{%lld}:listening", (long long)first->tenant_id);
    size_t argc = 6 + 2 * n, at = 0;
    Str *argv = xcalloc(argc, sizeof(*argv));
    size_t *ends = xcalloc(argc, sizeof(*ends)); /* of the numbers: the buffer moves as it grows */
    argv[0] = buf_str(&seen);
    argv[1] = buf_str(&known);
    argv[2] = str(redis_run_id_for(d->redis, buf_str(&seen)));
    const int64_t head[] = {clock_wall_ms(), deaf ? -1 : DEAF_MS,
                            catalog_presence_timeout_ms(catalog)};
    for (at = 3; at < argc; at++) {
        const Person *p = at < 6 ? NULL : &first[(at - 6) / 2];
        buf_add_i64(&numbers, !p ? head[at - 3] : at % 2 == 0 ? p->agent_id : p->since_ms);
        ends[at] = numbers.n;
    }
    for (at = 3; at < argc; at++)
        argv[at] =
            (Str){numbers.p + (at > 3 ? ends[at - 1] : 0), ends[at] - (at > 3 ? ends[at - 1] : 0)};
    Question *q = xcalloc(1, sizeof(*q));
    *q = (Question){s, first->tenant_id};
    s->running++;
    if (redis_eval(d->redis, &s->script, on_silent, q, 2, argc, argv) < 0) {
        free(q);
        s->running--;
        s->deaf = true;
    }
    free(ends);
    free(argv);
}

static void on_people(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Silence *s = arg;
    (void)problem;
    size_t n = outcome == POSTGRES_COMMITTED && !s->freed ? rows_count(results[0]) : 0, from = 0;
    Person *all = xcalloc(n + 1, sizeof(*all)), *here = xcalloc(n + 1, sizeof(*here));
    int64_t *silent = xcalloc(n + 1, sizeof(*silent));
    for (size_t i = 0; i < n; i++)
        all[i] = (Person){rows_int(results[0], i, 0), rows_int(results[0], i, 1),
                          rows_time_ms(results[0], i, 3), rows_bool(results[0], i, 2)};
    bool deaf = s->deaf;
    s->deaf = !redis_connected(s->desk->redis);
    while (from < n) { /* they come by tenant */
        size_t to = from, on = 0, off = 0;
        for (; to < n && all[to].tenant_id == all[from].tenant_id; to++) {
            if (all[to].on_duty)
                here[on++] = all[to];
            else
                silent[off++] = all[to].agent_id;
        }
        if (off) look_for_tickets(s, all[from].tenant_id, silent, off);
        if (on && !s->deaf) ask_for_silent(s, here, on, deaf);
        from = to;
    }
    free(all);
    free(here);
    free(silent);
    step_done(s);
}

static void on_timer(void *arg) {
    Silence *s = arg;
    static const PostgresQuery query = {&people, NULL};
    s->running++;
    if (s->desk->draining ||
        postgres_pool_run(s->desk->pool, POSTGRES_READ_ONLY, &query, 1, on_people, s) < 0)
        step_done(s);
}

/* ---- life ---- */

Silence *silence_new(Desk *d) {
    Silence *s = xcalloc(1, sizeof(*s));
    s->desk = d;
    redis_script_init(&s->script, "silent", silent_source);
    s->taken_off = metric_counter("docket_desk_silent_total",
                                  "Agents taken off duty because nothing was heard of them.", NULL);
    s->released = metric_counter("docket_desk_silent_released_total",
                                 "Tickets of theirs that went back to the queue.", NULL);
    s->timer = loop_timer_new(d->loop, on_timer, s);
    loop_timer_arm(s->timer, EVERY_MS);
    return s;
}

bool silence_idle(const Silence *s) {
    return s->running == 0;
}

Silence *silence_free(Silence *s) {
    if (!s) return NULL;
    s->timer = loop_timer_free(s->timer);
    s->freed = true;
    if (!s->running) silence_end(s);
    return NULL;
}
