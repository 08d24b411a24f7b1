/* Calls of the scripts: arguments in, answers out; what they decide is theirs. */
#include "router/roster.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "router/scripts.h"

/* What one script may do within 2 ms, measured with 300,000 waiting
 * (tests/service/test_router_scripts.py). */
enum { RESERVE_CHUNK = 40, SETTLE_CHUNK = 64, AGENTS_CHUNK = 50, OVERVIEW_CHUNK = 20 };

struct Roster {
    Loop *loop;
    RedisClient *redis;
    RosterEvents events;
    void *arg;
};

/* One call of ours: it may be several scripts. */
typedef struct Call {
    Roster *roster;
    int64_t tenant_id;
    RosterDone done;
    void *arg;
    size_t pending; /* scripts not yet answered, and one while they are being sent */
    RosterOutcome worst;
    /* Where the answer goes, by call. */
    union {
        struct {
            Taken *ret;
            size_t *ret_n;
            bool *ret_more;
            Arena *arena;
        } take;
        struct {
            Unconfirmed *ret;
            size_t *ret_n;
        } expired;
        struct {
            Waiting *ret;
            size_t *ret_n;
        } waiting;
        int64_t *unconfirmed;
        struct {
            Str **ret;
            size_t *ret_n;
            Arena *arena;
        } containers;
        struct {
            uint64_t *cursor;
            int64_t *ret;
            size_t *ret_n;
        } audit;
        struct {
            uint64_t *cursor;
            RebuildVerdict *ret;
        } rebuild;
    } to;
} Call;

/* One script of a call: the slice of the caller's array that it is about. */
typedef struct Part {
    Call *call;
    void (*read)(struct Part *p, const RedisReply *reply);
    void *items;
    size_t n;
} Part;

/* Arguments of one script, as slices into one arena. */
typedef struct Args {
    Arena *arena;
    Str *at;
    size_t n, room;
} Args;

static void args_add(Args *a, Str s) {
    assert(a->n < a->room);
    a->at[a->n++] = s;
}

static void args_add_i64(Args *a, int64_t v) {
    args_add(a, str(arena_printf(a->arena, "%lld", (long long)v)));
}

static Call *call_new(Roster *r, int64_t tenant_id, RosterDone done, void *arg) {
    Call *c = xcalloc(1, sizeof(*c));
    *c = (Call){.roster = r, .tenant_id = tenant_id, .done = done, .arg = arg, .pending = 1};
    return c;
}

static void call_end(void *arg) {
    Call *c = arg;
    if (c->done) c->done(c->arg, c->worst);
    free(c);
}

static void call_answered(Call *c) {
    if (--c->pending == 0) call_end(c);
}

/* Everything is sent. The callback never comes inside our caller's call. */
static void call_sent(Call *c) {
    if (--c->pending == 0) loop_defer(c->roster->loop, call_end, c);
}

static void on_reply(void *arg, const RedisReply *reply, int error) {
    Part *p = arg;
    Call *c = p->call;
    if (error) {
        if (c->worst != ROSTER_COLD) c->worst = ROSTER_AWAY;
    } else if (redis_reply_type(reply) != REPLY_ARRAY && str_is(redis_reply_str(reply), "COLD")) {
        c->worst = ROSTER_COLD;
        c->roster->events.cold(c->roster->arg, c->tenant_id);
    } else {
        p->read(p, reply);
    }
    free(p);
    call_answered(c);
}

static int64_t int_at(const RedisReply *reply, size_t i) {
    return redis_reply_int(redis_reply_at(reply, i));
}
static Str str_at(const RedisReply *reply, size_t i) {
    return redis_reply_str(redis_reply_at(reply, i));
}

static Args args_new(Call *c, size_t room, const char *fence, int64_t now_ms) {
    Args a = {.arena = arena_new(4096), .room = room + 3};
    a.at = arena_alloc(a.arena, a.room * sizeof(*a.at));
    Str epoch = str(arena_printf(a.arena, "d:{%lld}:epoch", (long long)c->tenant_id));
    args_add(&a, epoch);
    args_add(&a,
             arena_str(a.arena, str(fence ? fence : redis_run_id_for(c->roster->redis, epoch))));
    args_add_i64(&a, now_ms);
    return a;
}

static void call_send(Call *c, ScriptName name, Args *args,
                      void (*read)(Part *, const RedisReply *), void *items, size_t n) {
    Part *p = xmalloc(sizeof(*p));
    *p = (Part){.call = c, .read = read, .items = items, .n = n};
    if (redis_eval(c->roster->redis, script(name), on_reply, p, 1, args->n, args->at) < 0) {
        if (c->worst != ROSTER_COLD) c->worst = ROSTER_AWAY;
        free(p);
    } else {
        c->pending++;
    }
    arena_free(args->arena);
}

static void read_hints(Part *p, const RedisReply *reply) {
    Call *c = p->call;
    for (size_t i = 0; i < redis_reply_count(reply); i++)
        c->roster->events.hint(c->roster->arg, c->tenant_id, int_at(reply, i));
}

/* ---- Reserving ---- */

static void read_reserved(Part *p, const RedisReply *reply) {
    Reservation *const *items = p->items;
    Call *c = p->call;
    for (size_t i = 0; i < p->n; i++) {
        Reservation *r = items[i];
        Str why = str_at(reply, 4 * i + 3);
        int64_t agent = int_at(reply, 4 * i);
        switch (why.n ? why.p[0] : 0) {
        case 'N':
            r->why = RESERVE_NOW;
            break;
        case 'S':
            r->why = RESERVE_AGAIN;
            break;
        case 'F':
            r->why = RESERVE_FULL;
            break;
        case 'Q':
            r->why = RESERVE_BEHIND;
            break;
        case 'X':
            r->why = RESERVE_KNOWN;
            break;
        case 'H':
            r->why = RESERVE_BEHIND;
            c->roster->events.hint(c->roster->arg, c->tenant_id, agent);
            break;
        default:
            continue; /* a server that answers something else: as if it had not */
        }
        if (r->why == RESERVE_NOW || r->why == RESERVE_AGAIN) {
            r->agent_id = agent;
            r->load = int_at(reply, 4 * i + 1);
            r->capacity = int_at(reply, 4 * i + 2);
        }
    }
}

void roster_reserve(Roster *r, Reservation *const *items, size_t n, int64_t now_ms, RosterDone done,
                    void *arg) {
    Call *c = call_new(r, n ? items[0]->tenant_id : 0, done, arg);
    for (size_t i = 0; i < n; i++) {
        items[i]->why = RESERVE_NOT_ASKED;
        items[i]->agent_id = items[i]->load = items[i]->capacity = 0;
    }
    for (size_t at = 0; at < n; at += RESERVE_CHUNK) {
        size_t k = n - at < RESERVE_CHUNK ? n - at : RESERVE_CHUNK;
        Args args = args_new(c, 3 * k, NULL, now_ms);
        for (size_t i = at; i < at + k; i++) {
            args_add_i64(&args, items[i]->ticket_id);
            args_add_i64(&args, items[i]->score);
            args_add(&args, items[i]->kind);
        }
        call_send(c, SCRIPT_RESERVE, &args, read_reserved, (void *)(uintptr_t)(items + at), k);
    }
    call_sent(c);
}

/* ---- Somebody else ---- */

static void read_another(Part *p, const RedisReply *reply) {
    Another *const *items = p->items;
    for (size_t i = 0; i < p->n; i++) {
        items[i]->asked = true;
        items[i]->agent_id = int_at(reply, 3 * i);
        items[i]->load = int_at(reply, 3 * i + 1);
        items[i]->capacity = int_at(reply, 3 * i + 2);
    }
}

void roster_another(Roster *r, Another *const *items, size_t n, int64_t now_ms, RosterDone done,
                    void *arg) {
    Call *c = call_new(r, n ? items[0]->tenant_id : 0, done, arg);
    for (size_t i = 0; i < n; i++) {
        items[i]->asked = false;
        items[i]->agent_id = items[i]->load = items[i]->capacity = 0;
    }
    for (size_t at = 0; at < n; at += RESERVE_CHUNK) {
        size_t k = n - at < RESERVE_CHUNK ? n - at : RESERVE_CHUNK;
        Args args = args_new(c, 4 * k, NULL, now_ms);
        for (size_t i = at; i < at + k; i++) {
            args_add_i64(&args, items[i]->ticket_id);
            args_add_i64(&args, items[i]->version);
            args_add_i64(&args, items[i]->from_agent_id);
            args_add(&args, items[i]->kind);
        }
        call_send(c, SCRIPT_ANOTHER, &args, read_another, (void *)(uintptr_t)(items + at), k);
    }
    call_sent(c);
}

/* ---- Settling ---- */

void roster_settle(Roster *r, int64_t tenant_id, const Settlement *items, size_t n, unsigned flags,
                   const char *fence, int64_t now_ms, RosterDone done, void *arg) {
    Call *c = call_new(r, tenant_id, done, arg);
    for (size_t at = 0; at < n; at += SETTLE_CHUNK) {
        size_t k = n - at < SETTLE_CHUNK ? n - at : SETTLE_CHUNK;
        Args args = args_new(c, 1 + 7 * k, fence, now_ms);
        args_add(&args, flags & SETTLE_ENDS_EXPIRED ? STR("1") : STR("0"));
        for (size_t i = at; i < at + k; i++) {
            const Settlement *s = &items[i];
            args_add_i64(&args, s->ticket_id);
            args_add_i64(&args, s->version);
            args_add(&args, (Str){&s->state, 1});
            args_add_i64(&args, s->state == 'A' ? s->agent_id : 0);
            args_add_i64(&args, s->state == 'W' ? s->score : 0);
            args_add_i64(&args, s->since_ms);
            args_add(&args, s->state == 'W' ? s->kind : STR(""));
        }
        call_send(c, SCRIPT_SETTLE, &args, read_hints, NULL, 0);
    }
    call_sent(c);
}

/* ---- Taking ---- */

static void read_taken(Part *p, const RedisReply *reply) {
    Call *c = p->call;
    *c->to.take.ret_more = str_is(str_at(reply, 0), "more");
    size_t n = 0;
    for (size_t i = 1; i + 5 < redis_reply_count(reply) && n < ROSTER_TAKE_MAX; i += 6)
        c->to.take.ret[n++] = (Taken){.ticket_id = int_at(reply, i),
                                      .version = (int32_t)int_at(reply, i + 1),
                                      .agent_id = int_at(reply, i + 2),
                                      .load = int_at(reply, i + 3),
                                      .capacity = int_at(reply, i + 4),
                                      .kind = arena_str(c->to.take.arena, str_at(reply, i + 5))};
    *c->to.take.ret_n = n;
}

void roster_take(Roster *r, int64_t tenant_id, int64_t agent_id, Taken *ret, size_t *ret_n,
                 bool *ret_more, Arena *arena, int64_t now_ms, RosterDone done, void *arg) {
    Call *c = call_new(r, tenant_id, done, arg);
    c->to.take.ret = ret;
    c->to.take.ret_n = ret_n;
    c->to.take.ret_more = ret_more;
    c->to.take.arena = arena;
    *ret_n = 0;
    *ret_more = false;
    Args args = args_new(c, 2, NULL, now_ms);
    args_add_i64(&args, agent_id);
    args_add_i64(&args, ROSTER_TAKE_MAX);
    call_send(c, SCRIPT_TAKE, &args, read_taken, NULL, 0);
    call_sent(c);
}

static void read_expired(Part *p, const RedisReply *reply) {
    Call *c = p->call;
    size_t n = 0;
    for (size_t i = 0; i + 2 < redis_reply_count(reply) && n < ROSTER_EXPIRED_MAX; i += 3)
        c->to.expired.ret[n++] = (Unconfirmed){.ticket_id = int_at(reply, i),
                                               .version = (int32_t)int_at(reply, i + 1),
                                               .age_ms = int_at(reply, i + 2)};
    *c->to.expired.ret_n = n;
}

void roster_expired(Roster *r, int64_t tenant_id, Unconfirmed *ret, size_t *ret_n, int64_t now_ms,
                    RosterDone done, void *arg) {
    Call *c = call_new(r, tenant_id, done, arg);
    c->to.expired.ret = ret;
    c->to.expired.ret_n = ret_n;
    *ret_n = 0;
    Args args = args_new(c, 1, NULL, now_ms);
    args_add_i64(&args, ROSTER_EXPIRED_MAX);
    call_send(c, SCRIPT_EXPIRED, &args, read_expired, NULL, 0);
    call_sent(c);
}

static void read_waiting(Part *p, const RedisReply *reply) {
    Call *c = p->call;
    size_t n = 0;
    for (size_t i = 1; i + 1 < redis_reply_count(reply) && n < ROSTER_WAITING_MAX; i += 2)
        c->to.waiting.ret[n++] =
            (Waiting){.ticket_id = int_at(reply, i), .version = (int32_t)int_at(reply, i + 1)};
    *c->to.waiting.ret_n = n;
}

void roster_waiting(Roster *r, int64_t tenant_id, int64_t group_id, int64_t since_ms, Waiting *ret,
                    size_t *ret_n, int64_t now_ms, RosterDone done, void *arg) {
    Call *c = call_new(r, tenant_id, done, arg);
    c->to.waiting.ret = ret;
    c->to.waiting.ret_n = ret_n;
    *ret_n = 0;
    Args args = args_new(c, 3, NULL, now_ms);
    args_add_i64(&args, group_id);
    args_add_i64(&args, since_ms);
    args_add_i64(&args, ROSTER_WAITING_MAX);
    call_send(c, SCRIPT_WAITING, &args, read_waiting, NULL, 0);
    call_sent(c);
}

/* ---- Agents ---- */

static Str groups_list(Arena *arena, const Agent *a) {
    CLEANUP(buf_done) Buf b = {0};
    buf_addc(&b, ',');
    for (size_t i = 0; a && i < a->groups_n; i++)
        buf_printf(&b, "%lld,", (long long)a->groups[i]);
    return arena_str(arena, buf_str(&b));
}

static Str skills_list(Arena *arena, const Agent *a) {
    CLEANUP(buf_done) Buf b = {0};
    buf_addc(&b, ',');
    for (size_t i = 0; a && i < a->skills_n; i++)
        buf_printf(&b, "%.*s,", STR_ARG(a->skills[i]));
    return arena_str(arena, buf_str(&b));
}

void roster_agents_set(Roster *r, int64_t tenant_id, const Catalog *catalog,
                       const AgentDuty *duties, size_t n, const char *fence, int64_t now_ms,
                       RosterDone done, void *arg) {
    Call *c = call_new(r, tenant_id, done, arg);
    for (size_t at = 0; at < n; at += AGENTS_CHUNK) {
        size_t k = n - at < AGENTS_CHUNK ? n - at : AGENTS_CHUNK;
        Args args = args_new(c, 5 * k, fence, now_ms);
        for (size_t i = at; i < at + k; i++) {
            const Agent *a = catalog ? catalog_agent(catalog, duties[i].agent_id) : NULL;
            args_add_i64(&args, duties[i].agent_id);
            args_add_i64(&args, a ? duties[i].capacity : 0);
            args_add(&args, a && duties[i].on_duty ? STR("1") : STR("0"));
            args_add(&args, groups_list(args.arena, a));
            args_add(&args, skills_list(args.arena, a));
        }
        call_send(c, SCRIPT_AGENTS_SET, &args, read_hints, NULL, 0);
    }
    call_sent(c);
}

/* ---- Looking after ---- */

static void read_overview(Part *p, const RedisReply *reply) {
    GroupOverview *groups = p->items;
    for (size_t i = 0; i < p->n; i++) {
        groups[i].waiting = int_at(reply, 3 * i);
        groups[i].first_since_ms = int_at(reply, 3 * i + 1);
        groups[i].agents_with_room = int_at(reply, 3 * i + 2);
    }
    *p->call->to.unconfirmed = int_at(reply, 3 * p->n);
}

void roster_overview(Roster *r, int64_t tenant_id, GroupOverview *groups, size_t n,
                     int64_t *ret_unconfirmed, int64_t now_ms, RosterDone done, void *arg) {
    Call *c = call_new(r, tenant_id, done, arg);
    c->to.unconfirmed = ret_unconfirmed;
    *ret_unconfirmed = 0;
    for (size_t at = 0; at < n; at += OVERVIEW_CHUNK) {
        size_t k = n - at < OVERVIEW_CHUNK ? n - at : OVERVIEW_CHUNK;
        Args args = args_new(c, k, NULL, now_ms);
        for (size_t i = at; i < at + k; i++) {
            groups[i].waiting = groups[i].first_since_ms = groups[i].agents_with_room = 0;
            args_add_i64(&args, groups[i].group_id);
        }
        call_send(c, SCRIPT_OVERVIEW, &args, read_overview, groups + at, k);
    }
    call_sent(c);
}

static void read_containers(Part *p, const RedisReply *reply) {
    Call *c = p->call;
    size_t n = redis_reply_count(reply);
    Str *names = arena_alloc(c->to.containers.arena, (n + 1) * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = arena_str(c->to.containers.arena, str_at(reply, i));
    *c->to.containers.ret = names;
    *c->to.containers.ret_n = n;
}

void roster_containers(Roster *r, int64_t tenant_id, Str **ret, size_t *ret_n, Arena *arena,
                       int64_t now_ms, RosterDone done, void *arg) {
    Call *c = call_new(r, tenant_id, done, arg);
    c->to.containers.ret = ret;
    c->to.containers.ret_n = ret_n;
    c->to.containers.arena = arena;
    *ret_n = 0;
    Args args = args_new(c, 2, NULL, now_ms);
    args_add(&args, STR(""));
    args_add(&args, STR("0"));
    call_send(c, SCRIPT_AUDIT, &args, read_containers, NULL, 0);
    call_sent(c);
}

static void read_audit(Part *p, const RedisReply *reply) {
    Call *c = p->call;
    uint64_t cursor = 0;
    (void)str_to_u64(str_at(reply, 0), &cursor);
    size_t n = 0;
    for (size_t i = 1; i < redis_reply_count(reply) && n < ROSTER_AUDIT_MAX; i++)
        c->to.audit.ret[n++] = int_at(reply, i);
    *c->to.audit.cursor = cursor;
    *c->to.audit.ret_n = n;
}

void roster_audit(Roster *r, int64_t tenant_id, Str container, uint64_t *cursor, int64_t *ret,
                  size_t *ret_n, int64_t now_ms, RosterDone done, void *arg) {
    Call *c = call_new(r, tenant_id, done, arg);
    c->to.audit.cursor = cursor;
    c->to.audit.ret = ret;
    c->to.audit.ret_n = ret_n;
    *ret_n = 0;
    Args args = args_new(c, 2, NULL, now_ms);
    args_add(&args, container);
    args_add(&args, str(arena_printf(args.arena, "%llu", (unsigned long long)*cursor)));
    call_send(c, SCRIPT_AUDIT, &args, read_audit, NULL, 0);
    call_sent(c);
}

static void read_rebuild(Part *p, const RedisReply *reply) {
    Call *c = p->call;
    Str said = redis_reply_str(reply);
    *c->to.rebuild.ret = str_is(said, "WARM")   ? REBUILD_WARM
                         : str_is(said, "BUSY") ? REBUILD_BUSY
                         : str_is(said, "LOST") ? REBUILD_LOST
                                                : REBUILD_OK;
    if (c->to.rebuild.cursor && *c->to.rebuild.ret == REBUILD_OK)
        if (str_to_u64(said, c->to.rebuild.cursor) < 0) *c->to.rebuild.cursor = 0;
}

void roster_rebuild(Roster *r, int64_t tenant_id, RebuildVerb verb, const char *nonce,
                    uint64_t *cursor, RebuildVerdict *ret, RosterDone done, void *arg) {
    static const char *const verbs[] = {"begin", "begin", "wipe", "keep", "finish"};
    Call *c = call_new(r, tenant_id, done, arg);
    c->to.rebuild.cursor = cursor;
    c->to.rebuild.ret = ret;
    *ret = REBUILD_LOST;
    Args args = args_new(c, 3, NULL, 0);
    args_add(&args, str(verbs[verb]));
    args_add(&args, str(nonce));
    if (verb == REBUILD_FORCE) args_add(&args, STR("force"));
    if (verb == REBUILD_WIPE)
        args_add(&args, str(arena_printf(args.arena, "%llu", (unsigned long long)*cursor)));
    call_send(c, SCRIPT_REBUILD, &args, read_rebuild, NULL, 0);
    call_sent(c);
}

void roster_fence(const Roster *r, int64_t tenant_id, const char *nonce, char ret[128]) {
    char epoch[64];
    (void)snprintf(epoch, sizeof(epoch), "d:{%lld}:epoch", (long long)tenant_id);
    (void)snprintf(ret, 128, "fill:%s:%s", redis_run_id_for(r->redis, str(epoch)), nonce);
}

/* ---- Life ---- */

static void on_connected(void *arg, const char *run_id) {
    (void)run_id;
    Roster *r = arg;
    r->events.connected(r->arg);
}

static void on_lost(void *arg) {
    Roster *r = arg;
    r->events.lost(r->arg);
}

Roster *roster_new(Loop *loop, const char *redis_url, int64_t timeout_ms,
                   const RosterEvents *events, void *arg, Buf *ret_problem) {
    Roster *r = xcalloc(1, sizeof(*r));
    *r = (Roster){.loop = loop, .events = *events, .arg = arg};
    r->redis = redis_client_new(
        loop, &(RedisSettings){.url = redis_url, .timeout_ms = (int)timeout_ms},
        &(RedisEvents){.connected = on_connected, .lost = on_lost}, r, ret_problem);
    if (!r->redis) return roster_free(r);
    return r;
}

Roster *roster_free(Roster *r) {
    if (!r) return NULL;
    redis_client_free(r->redis);
    free(r);
    return NULL;
}

bool roster_connected(const Roster *r) {
    return redis_connected(r->redis);
}

const char *roster_trouble(const Roster *r) {
    return redis_trouble(r->redis);
}
