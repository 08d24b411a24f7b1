/* Reads with the blocking session, changes through the store on a loop of our own. */
#include "docket/apply_moves.h"

#include <errno.h>

#include "base/clock.h"
#include "loop/loop.h"
#include "store/store.h"

enum { BATCH = 500, ROUNDS = 10, CONNECT_MS = 5000, TRIES = 5 };

int apply_find_numbers(PostgresSession *s, int64_t tenant_id, ApplyMove *moves, size_t n,
                       Buf *ret_problem) {
    for (size_t i = 0; i < n; i++) {
        CLEANUP(params_done) Params p = {0};
        params_i64(&p, tenant_id);
        params_text(&p, str(moves[i].kind));
        params_text(&p, moves[i].from);
        params_text(&p, moves[i].to);
        const PostgresRows *rows;
        int r = postgres_session_run(
            s,
            "SELECT coalesce(max(id) FILTER (WHERE name = $3::text), 0)::bigint, "
            "coalesce(max(id) FILTER (WHERE name = $4::text), 0)::bigint FROM config.names "
            "WHERE tenant_id = $1::bigint AND kind = $2::text",
            &p, &rows, ret_problem);
        if (r < 0) return r;
        moves[i].from_id = rows_int(rows, 0, 0);
        moves[i].to_id = rows_int(rows, 0, 1);
    }
    return 0;
}

/* ---- One batch ---- */

typedef struct Mover {
    Loop *loop;
    Store *store;
    Arena *arena;
    int64_t tenant_id, revision;
    const ApplyMove *moves;
    size_t moves_n;
    TicketChange changes[BATCH];
    size_t n;
    int64_t after_id; /* the last ticket read */
    StoreOutcome outcome;
    Buf *problem;
} Mover;

static void add_ids(Params *p, const Mover *m, const char *kind) {
    size_t n = 0;
    for (size_t i = 0; i < m->moves_n; i++)
        n += strcmp(m->moves[i].kind, kind) == 0;
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < m->moves_n; i++)
        if (strcmp(m->moves[i].kind, kind) == 0) params_element_i64(p, m->moves[i].from_id);
}

/* `id` itself when no move speaks of it. */
static int64_t moved(const Mover *m, const char *kind, int64_t id) {
    for (size_t i = 0; i < m->moves_n; i++)
        if (id && m->moves[i].from_id == id && strcmp(m->moves[i].kind, kind) == 0)
            return m->moves[i].to_id;
    return id;
}

static int read_batch(Mover *m, PostgresSession *s) {
    CLEANUP(params_done) Params p = {0};
    params_i64(&p, m->tenant_id);
    params_i64(&p, m->after_id);
    add_ids(&p, m, "group");
    add_ids(&p, m, "agent");
    params_i32(&p, BATCH);
    const PostgresRows *rows;
    int r = postgres_session_run(
        s,
        "SELECT id, version, status, group_id, assignee_id FROM ticket.tickets "
        "WHERE tenant_id = $1::bigint AND id > $2::bigint "
        "AND status IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold') "
        "AND (group_id = ANY ($3::bigint[]) OR assignee_id = ANY ($4::bigint[])) "
        "ORDER BY id LIMIT $5::integer",
        &p, &rows, m->problem);
    if (r < 0) return r;
    m->n = 0;
    for (size_t i = 0; i < rows_count(rows); i++) {
        TicketStatus status;
        m->after_id = rows_int(rows, i, 0);
        if (ticket_status_parse(rows_str(rows, i, 2), &status) < 0) continue;
        m->changes[m->n++] = (TicketChange){
            .tenant_id = m->tenant_id,
            .ticket_id = m->after_id,
            .expected_version = (int32_t)rows_int(rows, i, 1),
            .cause = cause_new(),
            .kind = status == TICKET_NEW ? LEDGER_TICKET_QUEUED : LEDGER_TICKET_ASSIGNED,
            .actor_kind = ACTOR_SYSTEM,
            .actor = STR("system"),
            .to_status = status,
            .to_group_id = moved(m, "group", rows_int(rows, i, 3)),
            .to_assignee_id = moved(m, "agent", rows_int(rows, i, 4)),
            .reason = str(arena_printf(
                m->arena, "{\"why\":\"moved\",\"from_group\":%lld,\"from_agent\":%lld}",
                (long long)rows_int(rows, i, 3), (long long)rows_int(rows, i, 4))),
            .revision = m->revision,
            .trace = trace_new()};
    }
    return (int)m->n;
}

static void on_changed(void *arg, StoreOutcome outcome, const char *problem) {
    Mover *m = arg;
    m->outcome = outcome;
    if (outcome != STORE_DONE) {
        buf_clear(m->problem);
        buf_adds(m->problem, problem ? problem : "PostgreSQL gives no answer");
    }
    loop_stop(m->loop);
}

static int64_t write_batch(Mover *m) {
    m->outcome = STORE_AGAIN;
    for (int i = 0; i < TRIES && m->outcome == STORE_AGAIN; i++) {
        store_change_tickets(m->store, m->changes, m->n, m->arena, on_changed, m);
        loop_run(m->loop);
    }
    if (m->outcome != STORE_DONE) return -EIO;
    buf_clear(m->problem);
    int64_t done = 0;
    for (size_t i = 0; i < m->n; i++)
        done += m->changes[i].fate == CHANGE_DONE;
    return done;
}

/* One walk over all of them. */
static int64_t walk(Mover *m, PostgresSession *s) {
    int64_t total = 0;
    m->after_id = 0;
    for (;;) {
        arena_reset(m->arena);
        int n = read_batch(m, s);
        if (n <= 0) return n < 0 ? n : total;
        int64_t done = write_batch(m);
        if (done < 0) return done;
        total += done;
    }
}

static int connect_store(Mover *m, const char *postgres_url) {
    m->store = store_new(m->loop,
                         &(StoreSettings){.postgres_url = postgres_url,
                                          .application_name = "docket apply",
                                          .row_level_security = true},
                         m->problem);
    if (!m->store) return -EINVAL;
    int64_t end = clock_monotonic_ms() + CONNECT_MS;
    while (!store_connected(m->store, NULL) && clock_monotonic_ms() < end)
        loop_run_for(m->loop, 10);
    if (store_connected(m->store, NULL)) return 0;
    buf_adds(m->problem, "the connection that moves tickets: PostgreSQL does not answer");
    return -ENOTCONN;
}

int64_t apply_move_tickets(const char *postgres_url, PostgresSession *s, int64_t tenant_id,
                           const ApplyMove *moves, size_t n, int64_t revision, Buf *ret_problem) {
    CLEANUP(loop_freep) Loop *loop = loop_new();
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    if (!loop) return -EIO;
    Mover *m = xcalloc(1, sizeof(*m));
    *m = (Mover){.loop = loop,
                 .arena = arena,
                 .tenant_id = tenant_id,
                 .revision = revision,
                 .moves = moves,
                 .moves_n = n,
                 .problem = ret_problem};
    int64_t total = connect_store(m, postgres_url);
    for (int i = 0; i < ROUNDS && total >= 0; i++) {
        int64_t found = walk(m, s);
        total = found < 0 ? found : total + found;
        if (found == 0) break;
    }
    m->store = store_free(m->store);
    loop_run_for(loop, 0); /* what was freed later */
    free(m);
    return total;
}
