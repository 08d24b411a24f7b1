/* Is what Redis remembers what PostgreSQL holds? Load, waiting queues, and no reservation left
 * over. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "docket/verify_internal.h"

/* One thing that must be on both sides: who holds it (0: it waits) and which ticket it is. */
typedef struct Place {
    int64_t tenant, agent, ticket;
} Place;

typedef struct Places {
    Place *at;
    size_t n, room;
} Places;

static void places_done(Places *p) {
    free(p->at);
}

static void places_add(Places *p, Place place) {
    if (p->n == p->room) {
        p->room = p->room ? p->room * 2 : 1024;
        p->at = xrealloc(p->at, p->room * sizeof(*p->at));
    }
    p->at[p->n++] = place;
}

static int place_compare(const void *a, const void *b) {
    const Place *x = a, *y = b;
    if (x->tenant != y->tenant) return x->tenant < y->tenant ? -1 : 1;
    if (x->ticket != y->ticket) return x->ticket < y->ticket ? -1 : 1;
    return x->agent < y->agent ? -1 : x->agent > y->agent;
}

static int ask(Verify *v, size_t argc, const Str *argv, const RedisReply **ret) {
    int r = redis_session_command(v->redis, argc, argv, ret);
    if (r == 0) return 0;
    buf_printf(&v->trouble, "Redis: %s",
               r == -EREMOTEIO ? "refused a command" : redis_session_trouble(v->redis));
    return -1;
}

/* "d:{7}:l:1003" -> tenant 7, rest "l:1003"; false for a key of somebody else. */
static bool key_split(Str key, int64_t *ret_tenant, Str *ret_rest) {
    Str rest;
    if (!str_starts(key, STR("d:{"))) return false;
    Str tenant = str_cut((Str){key.p + 3, key.n - 3}, '}', &rest);
    if (str_to_i64(tenant, ret_tenant) < 0 || rest.n < 2 || rest.p[0] != ':') return false;
    *ret_rest = (Str){rest.p + 1, rest.n - 1};
    return true;
}

/* Every key that matches, as copies. */
static int scan(Verify *v, const char *pattern, Buf **ret_keys, size_t *ret_n) {
    char cursor[32] = "0";
    size_t room = 0;
    do {
        const RedisReply *reply;
        Str argv[] = {STR("SCAN"),  str(cursor),  STR("MATCH"),
                      str(pattern), STR("COUNT"), STR("5000")};
        if (ask(v, 6, argv, &reply) < 0) return -1;
        Str next = redis_reply_str(redis_reply_at(reply, 0));
        (void)snprintf(cursor, sizeof(cursor), "%.*s", STR_ARG(next));
        const RedisReply *keys = redis_reply_at(reply, 1);
        for (size_t i = 0; i < redis_reply_count(keys); i++) {
            if (*ret_n == room) {
                room = room ? room * 2 : 256;
                *ret_keys = xrealloc(*ret_keys, room * sizeof(**ret_keys));
            }
            Buf key = {0};
            buf_add_str(&key, redis_reply_str(redis_reply_at(keys, i)));
            (*ret_keys)[(*ret_n)++] = key;
        }
    } while (cursor[0] != '0' || cursor[1]);
    return 0;
}

typedef struct Keys {
    Buf *at;
    size_t n;
} Keys;

static void keys_done(Keys *k) {
    for (size_t i = 0; i < k->n; i++)
        buf_done(&k->at[i]);
    free(k->at);
}

static int read_load(Verify *v, Places *ret) {
    CLEANUP(keys_done) Keys keys = {0};
    if (scan(v, "d:{*}:l:*", &keys.at, &keys.n) < 0) return -1;
    for (size_t i = 0; i < keys.n; i++) {
        int64_t tenant, agent, ticket;
        Str rest;
        const RedisReply *reply;
        if (!key_split(buf_str(&keys.at[i]), &tenant, &rest)) continue;
        if (str_to_i64((Str){rest.p + 2, rest.n - 2}, &agent) < 0) continue;
        if (ask(v, 2, (Str[]){STR("HKEYS"), buf_str(&keys.at[i])}, &reply) < 0) return -1;
        for (size_t k = 0; k < redis_reply_count(reply); k++)
            if (str_to_i64(redis_reply_str(redis_reply_at(reply, k)), &ticket) == 0)
                places_add(ret, (Place){tenant, agent, ticket});
    }
    return 0;
}

static int read_queues(Verify *v, Places *ret) {
    CLEANUP(keys_done) Keys keys = {0};
    if (scan(v, "d:{*}:q:*", &keys.at, &keys.n) < 0) return -1;
    for (size_t i = 0; i < keys.n; i++) {
        int64_t tenant, ticket;
        Str rest;
        const RedisReply *reply;
        if (!key_split(buf_str(&keys.at[i]), &tenant, &rest)) continue;
        if (ask(v, 4, (Str[]){STR("ZRANGE"), buf_str(&keys.at[i]), STR("0"), STR("-1")}, &reply) <
            0)
            return -1;
        for (size_t k = 0; k < redis_reply_count(reply); k++)
            if (str_to_i64(redis_reply_str(redis_reply_at(reply, k)), &ticket) == 0)
                places_add(ret, (Place){tenant, 0, ticket});
    }
    return 0;
}

static int read_rows(Verify *v, const char *sql, Places *ret) {
    const PostgresRows *rows = verify_query(v, sql, NULL);
    if (!rows) return -1;
    for (size_t i = 0; i < rows_count(rows); i++)
        places_add(ret, (Place){rows_int(rows, i, 0), rows_int(rows, i, 1), rows_int(rows, i, 2)});
    return 0;
}

/* Both sides sorted, walked together: what is on one side only breaks the promise. */
static void compare(Finding *f, Places *postgres, Places *redis) {
    size_t p = 0, r = 0;
    f->checked = (int64_t)postgres->n;
    if (postgres->n) qsort(postgres->at, postgres->n, sizeof(Place), place_compare);
    if (redis->n) qsort(redis->at, redis->n, sizeof(Place), place_compare);
    while (p < postgres->n || r < redis->n) {
        int order = p == postgres->n ? 1
                    : r == redis->n  ? -1
                                     : place_compare(&postgres->at[p], &redis->at[r]);
        const Place *odd = order < 0 ? &postgres->at[p] : &redis->at[r];
        if (order < 0)
            finding_broken(f, odd->tenant, "ticket %lld, agent %lld: in PostgreSQL, not in Redis",
                           (long long)odd->ticket, (long long)odd->agent);
        else if (order > 0)
            finding_broken(f, odd->tenant, "ticket %lld, agent %lld: in Redis, not in PostgreSQL",
                           (long long)odd->ticket, (long long)odd->agent);
        if (order <= 0) p++;
        if (order >= 0) r++;
    }
}

static int verify_reservations(Verify *v) {
    Finding *f = verify_begin(v, "no reservation is left over in Redis");
    CLEANUP(keys_done) Keys keys = {0};
    if (scan(v, "d:{*}:r", &keys.at, &keys.n) < 0) return -1;
    for (size_t i = 0; i < keys.n; i++) {
        const RedisReply *reply;
        int64_t tenant;
        Str rest;
        if (!key_split(buf_str(&keys.at[i]), &tenant, &rest)) continue;
        if (ask(v, 4, (Str[]){STR("ZRANGE"), buf_str(&keys.at[i]), STR("0"), STR("-1")}, &reply) <
            0)
            return -1;
        for (size_t k = 0; k < redis_reply_count(reply); k++)
            finding_broken(f, tenant, "ticket %.*s: reserved, never confirmed or released",
                           STR_ARG(redis_reply_str(redis_reply_at(reply, k))));
    }
    f->checked = (int64_t)keys.n;
    return 0;
}

int verify_redis(Verify *v) {
    CLEANUP(places_done) Places rows = {0}, load = {0}, waiting_rows = {0}, waiting = {0};
    if (read_rows(v,
                  "SELECT tenant_id, assignee_id, id FROM ticket.tickets"
                  " WHERE status IN ('assigned', 'in_progress') AND assignee_id IS NOT NULL",
                  &rows) < 0 ||
        read_load(v, &load) < 0)
        return -1;
    compare(verify_begin(v, "Redis's load equals the assigned and in-progress tickets"), &rows,
            &load);
    if (read_rows(v,
                  "SELECT tenant_id, 0::bigint, id FROM ticket.tickets"
                  " WHERE status = 'new' AND assignee_id IS NULL AND group_id IS NOT NULL",
                  &waiting_rows) < 0 ||
        read_queues(v, &waiting) < 0)
        return -1;
    compare(verify_begin(v, "Redis's queues hold every waiting ticket, once"), &waiting_rows,
            &waiting);
    return verify_reservations(v);
}
