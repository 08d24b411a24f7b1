/* One question is a job: its ledgers are read in one query together with the revisions that are not
 * known yet; then each life is told, step by step, stopping where a revision's documents have to be
 * loaded first. A long job leaves the loop to others in between. */
#include "store/histories.h"

#include <assert.h>
#include <errno.h>

#include "store/revisions_internal.h"
#include "store/store_internal.h"

static_assert((int)HISTORIES_CATALOGS_MAX == (int)REVISIONS_CATALOGS_MAX, "as the header says");

enum { STEPS_A_TURN = 4000 };

/* Of comments only who spoke matters, and whether the customer sees it. OFFSET 0 as in reading.c.
 */
static const PostgresStatement ledgers_statement = {
    "histories_ledgers",
    "SELECT i.n, l.tenant_id, l.ticket_id, l.seq, l.cause_id, l.step, l.kind, l.actor, l.at,"
    "       l.revision, l.trace, l.payload - 'personal' #- '{comment,body}'"
    "         #- '{comment,attachments}' #- '{comment,personal}' AS payload"
    " FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY i (tenant_id, id, n)"
    " CROSS JOIN LATERAL (SELECT * FROM ticket.ledger l"
    "   WHERE l.tenant_id = i.tenant_id AND l.ticket_id = i.id ORDER BY l.seq OFFSET 0) l"
    " ORDER BY i.n, l.seq"};
static const PostgresStatement fence_statement = {
    "histories_tenants", "SELECT set_config('docket.tenants', ($1::bigint[])::text, true)"};

typedef struct Ledger { /* of one ticket: rows [from, to) of the job's */
    size_t from, to;
} Ledger;

typedef struct Job {
    struct Job *next;
    Histories *histories; /* NULL: it is gone, and so is whoever asked */
    History *asked;
    size_t n;
    HistoriesTold told;
    void *arg;
    Arena *arena, *work; /* work: of one row */
    int64_t *tenants;    /* ascending, each once */
    size_t tenants_n;
    LedgerRow *rows;
    Ledger *ledgers;
    /* Where it stands: ticket, row, and revisions told of it. */
    size_t at, row, span;
    int64_t instant; /* of the last row told */
    RevisionName missing[REVISIONS_LOAD_MAX];
    size_t missing_n;
    Params fence, wanted, known, documents, names;
    PostgresQuery queries[3];
    LoopTimer *turn;
    const char *problem; /* why it cannot go on: told in the next turn */
} Job;

struct Histories {
    Loop *loop;
    PostgresPool *pool;
    Revisions *revisions;
    Job *jobs;
};

static void job_free(Job *j) {
    for (size_t i = 0; j->histories && i < j->n; i++)
        j->asked[i].life = ticket_life_free(j->asked[i].life);
    params_done(&j->fence);
    params_done(&j->wanted);
    params_done(&j->known);
    params_done(&j->documents);
    params_done(&j->names);
    loop_timer_free(j->turn);
    arena_free(j->work);
    arena_free(j->arena);
    free(j);
}

static void job_unlink(Job *j) {
    for (Job **at = &j->histories->jobs; *at; at = &(*at)->next)
        if (*at == j) {
            *at = j->next;
            return;
        }
}

/* The last thing that is done with a job. */
static void job_end(Job *j, HistoriesOutcome outcome, const char *problem) {
    HistoriesTold told = j->told;
    void *arg = j->arg;
    CLEANUP(buf_done) Buf why = {0};
    if (problem) buf_adds(&why, problem); /* may lie in the job */
    job_unlink(j);
    for (size_t i = 0; i < j->n && outcome == HISTORIES_AGAIN; i++)
        j->asked[i].life = ticket_life_free(j->asked[i].life);
    j->histories = NULL; /* the lives are the caller's from here on */
    job_free(j);
    told(arg, outcome, why.p);
}

static void job_end_soon(Job *j, const char *problem) {
    j->problem = problem;
    loop_timer_arm(j->turn, 0);
}

/* ---- Telling ---- */

static void event_of(const LedgerRow *row, Arena *arena, Event *ret) {
    if (event_of_row(row, arena, ret) == 0) return;
    *ret = (Event){.tenant_id = row->tenant_id, /* as one of a later release */
                   .ticket_id = row->ticket_id,
                   .seq = row->seq,
                   .kind = LEDGER_KINDS,
                   .at_ms = row->at_ms,
                   .revision = row->revision,
                   .actor = row->actor};
}

static void broken(History *h, const char *problem) {
    h->life = ticket_life_free(h->life);
    h->fate = HISTORY_BROKEN;
    h->problem = problem;
}

static void missing_add(Job *j, RevisionName name) {
    for (size_t i = 0; i < j->missing_n; i++)
        if (j->missing[i].tenant == name.tenant && j->missing[i].revision == name.revision) return;
    if (j->missing_n < REVISIONS_LOAD_MAX) j->missing[j->missing_n++] = name;
}

/* Those that this ticket will ask for next, as long as one query takes them. */
static void look_ahead(Job *j, int64_t tenant) {
    size_t spans = revisions_spans(j->histories->revisions, tenant);
    for (size_t s = j->span; s < spans && j->missing_n < REVISIONS_LOAD_MAX; s++) {
        const Catalog *c;
        RevisionName name;
        if (revisions_catalog(j->histories->revisions, tenant, s, &c, &name) == 0)
            missing_add(j, name);
    }
}

/* Tells the span that is next. False: its documents are to be loaded first. */
static bool tell_span(Job *j, History *h) {
    Revisions *r = j->histories->revisions;
    const Catalog *c = NULL;
    RevisionName name;
    if (revisions_catalog(r, h->tenant_id, j->span, &c, &name) == 0) {
        missing_add(j, name);
        look_ahead(j, h->tenant_id);
        return false;
    }
    if (c && !h->life)
        h->life = ticket_life_new(h->history, c);
    else if (c)
        (void)ticket_life_revise(h->life, revisions_span_ms(r, h->tenant_id, j->span), c);
    j->span++;
    return true;
}

/* Spans before creation: only the last of them is told. */
static void skip_spans(Job *j, const History *h, int64_t until) {
    Revisions *r = j->histories->revisions;
    size_t spans = revisions_spans(r, h->tenant_id);
    while (j->span + 1 < spans && revisions_span_ms(r, h->tenant_id, j->span + 1) <= until)
        j->span++;
}

/* The next step of the present ticket. 1: there is more; 0: it is done; -EAGAIN: documents first.
 */
static int ticket_step(Job *j) {
    History *h = &j->asked[j->at];
    const Ledger *l = &j->ledgers[j->at];
    size_t spans = revisions_spans(j->histories->revisions, h->tenant_id);
    int64_t span_ms =
        j->span < spans ? revisions_span_ms(j->histories->revisions, h->tenant_id, j->span) : NEVER;
    if (j->row == l->to) { /* revisions younger than the last row */
        if (span_ms == NEVER || span_ms > h->upto_ms) return 0;
        return tell_span(j, h) ? 1 : -EAGAIN;
    }
    Event e;
    arena_reset(j->work);
    event_of(&j->rows[j->row], j->work, &e);
    bool first = j->row == l->from;
    int64_t at = first ? e.created_ms : e.at_ms;
    if (at < j->instant) at = j->instant; /* as a life has it */
    if (at > h->upto_ms && !first) {
        j->row = l->to;
        return 1;
    }
    if (span_ms <= at) {
        if (first) skip_spans(j, h, at);
        return tell_span(j, h) ? 1 : -EAGAIN;
    }
    if (!h->life) h->life = ticket_life_new(h->history, NULL);
    if (h->row) h->row(h->row_arg, h->life, &e, false);
    int r = ticket_life_tell(h->life, &e);
    if (r == 0 && h->row) h->row(h->row_arg, h->life, &e, true);
    if (r < 0) {
        broken(h, r == -EAGAIN   ? "rows of its ledger are missing"
                  : r == -ESTALE ? "its ledger runs backwards"
                                 : "its ledger does not begin with its creation");
        return 0;
    }
    j->instant = at;
    j->row++;
    return 1;
}

static void ticket_begin(Job *j) {
    j->row = j->at < j->n ? j->ledgers[j->at].from : 0;
    j->span = 0;
    j->instant = INT64_MIN;
}

static void ticket_end(Job *j) {
    History *h = &j->asked[j->at];
    const Ledger *l = &j->ledgers[j->at];
    if (l->from == l->to) {
        h->fate = HISTORY_NO_TICKET;
        h->life = ticket_life_free(h->life);
    } else if (h->fate == HISTORY_TOLD && h->judge_ms) {
        int64_t now = ticket_life_now_ms(h->life);
        ticket_life_judge(h->life, h->judge_ms > now ? h->judge_ms : now);
    }
    j->at++;
    ticket_begin(j);
}

static void load_missing(Job *j);

static void go_on(void *arg) {
    Job *j = arg;
    if (j->problem) {
        job_end(j, HISTORIES_AGAIN, j->problem);
        return;
    }
    for (int steps = 0; j->at < j->n; steps++) {
        bool empty = j->ledgers[j->at].from == j->ledgers[j->at].to;
        if (steps == STEPS_A_TURN) {
            loop_timer_arm(j->turn, 0);
            return;
        }
        int r = empty ? 0 : ticket_step(j);
        if (r == 0) {
            ticket_end(j);
        } else if (r < 0) {
            load_missing(j);
            return;
        }
    }
    job_end(j, HISTORIES_DONE, NULL);
}

/* ---- Reading ---- */

static void documents_read(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                           const PostgresProblem *problem) {
    Job *j = arg;
    if (!j->histories) {
        job_free(j);
        return;
    }
    if (outcome != POSTGRES_COMMITTED) {
        job_end(j, HISTORIES_AGAIN, problem->text);
        return;
    }
    revisions_keep(j->histories->revisions, j->missing, j->missing_n, results[1], results[2]);
    j->missing_n = 0;
    go_on(j);
}

static void load_missing(Job *j) {
    revision_documents_params(j->missing, j->missing_n, &j->documents);
    revision_names_params(j->missing, j->missing_n, &j->names);
    j->queries[1] = (PostgresQuery){&revision_documents_statement, &j->documents};
    j->queries[2] = (PostgresQuery){&revision_names_statement, &j->names};
    if (postgres_pool_run(j->histories->pool, POSTGRES_READ_ONLY, j->queries, 3, documents_read,
                          j) < 0)
        job_end_soon(j, "too much waits for PostgreSQL");
}

static void ledgers_read(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                         const PostgresProblem *problem) {
    Job *j = arg;
    if (!j->histories) {
        job_free(j);
        return;
    }
    if (outcome != POSTGRES_COMMITTED) {
        job_end(j, HISTORIES_AGAIN, problem->text);
        return;
    }
    const PostgresRows *rows = results[1];
    size_t n = rows_count(rows), at = 0;
    j->rows = arena_alloc(j->arena, (n + 1) * sizeof(*j->rows));
    for (size_t i = 0; i < n; i++)
        j->rows[i] = ledger_row_read(rows, i, j->arena);
    for (size_t i = 0; i < j->n; i++) {
        j->ledgers[i].from = at;
        while (at < n && rows_int(rows, at, 0) == (int64_t)i + 1)
            at++;
        j->ledgers[i].to = at;
    }
    revisions_learn(j->histories->revisions, results[2]);
    ticket_begin(j);
    go_on(j);
}

static int by_number(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void collect_tenants(Job *j) {
    j->tenants = arena_alloc(j->arena, (j->n + 1) * sizeof(*j->tenants));
    for (size_t i = 0; i < j->n; i++)
        j->tenants[i] = j->asked[i].tenant_id;
    qsort(j->tenants, j->n, sizeof(*j->tenants), by_number);
    for (size_t i = 0; i < j->n; i++)
        if (i == 0 || j->tenants[i] != j->tenants[j->tenants_n - 1])
            j->tenants[j->tenants_n++] = j->tenants[i];
}

static void ask(Job *j) {
    params_array(&j->fence, PARAM_INT8, j->tenants_n);
    for (size_t i = 0; i < j->tenants_n; i++)
        params_element_i64(&j->fence, j->tenants[i]);
    params_array(&j->wanted, PARAM_INT8, j->n);
    for (size_t i = 0; i < j->n; i++)
        params_element_i64(&j->wanted, j->asked[i].tenant_id);
    params_array(&j->wanted, PARAM_INT8, j->n);
    for (size_t i = 0; i < j->n; i++)
        params_element_i64(&j->wanted, j->asked[i].ticket_id);
    revisions_params(j->histories->revisions, j->tenants, j->tenants_n, &j->known);
    j->queries[0] = (PostgresQuery){&fence_statement, &j->fence};
    j->queries[1] = (PostgresQuery){&ledgers_statement, &j->wanted};
    j->queries[2] = (PostgresQuery){&revisions_statement, &j->known};
    if (postgres_pool_run(j->histories->pool, POSTGRES_READ_ONLY, j->queries, 3, ledgers_read, j) <
        0)
        job_end_soon(j, "too much waits for PostgreSQL");
}

/* ---- The room's door ---- */

Histories *histories_new(Loop *loop, PostgresPool *pool) {
    Histories *h = xcalloc(1, sizeof(*h));
    h->loop = loop;
    h->pool = pool;
    h->revisions = revisions_new();
    return h;
}

Histories *histories_free(Histories *h) {
    if (!h) return NULL;
    while (h->jobs) {
        Job *j = h->jobs;
        bool asking = !loop_timer_armed(j->turn); /* its answer will still come, and free it */
        h->jobs = j->next;
        for (size_t i = 0; i < j->n; i++)
            j->asked[i].life = ticket_life_free(j->asked[i].life);
        j->histories = NULL;
        HistoriesTold told = j->told;
        void *arg = j->arg;
        if (!asking) job_free(j);
        told(arg, HISTORIES_AGAIN, "it ends");
    }
    revisions_free(h->revisions);
    free(h);
    return NULL;
}

void histories_lives(Histories *h, History *asked, size_t n, HistoriesTold told, void *arg) {
    assert(n <= HISTORIES_TICKETS_MAX);
    Job *j = xcalloc(1, sizeof(*j));
    if (!h->jobs) revisions_trim(h->revisions);
    *j = (Job){.next = h->jobs,
               .histories = h,
               .asked = asked,
               .n = n,
               .told = told,
               .arg = arg,
               .arena = arena_new(64 << 10),
               .work = arena_new(0)};
    j->turn = loop_timer_new(h->loop, go_on, j);
    j->ledgers = arena_zalloc(j->arena, (n + 1) * sizeof(*j->ledgers));
    h->jobs = j;
    for (size_t i = 0; i < n; i++) {
        asked[i].fate = HISTORY_TOLD;
        asked[i].life = NULL;
        asked[i].problem = NULL;
    }
    if (n == 0) {
        loop_timer_arm(j->turn, 0);
        return;
    }
    collect_tenants(j);
    ask(j);
}

const Catalog *histories_catalog(const Histories *h, int64_t tenant_id, int64_t revision) {
    const Catalog *c = revisions_known(h->revisions, tenant_id, revision);
    return c ? catalog_ref(c) : NULL;
}
