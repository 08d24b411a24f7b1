/* Tokens by the SHA-256 of their text: a table that is answered from, and refreshed behind the
 * answers. */
#include "store/tokens.h"

#include "base/clock.h"
#include "digest/digest.h"
#include "postgres/connection.h"

enum {
    FRESH_MS = 2000,     /* answered from the table, nothing asked */
    USABLE_MS = 4000,    /* answered from the table, asked again behind it */
    ENDURED_MS = 300000, /* answered from the table while PostgreSQL is away */
    UNKNOWN_MS = 2000,   /* how long a token that is none is remembered */
    PATIENCE_MS = 2000,  /* how long a caller waits for PostgreSQL */
    TOKENS_MAX = 100000,
    WAITERS_MAX = 4096,
    PER_QUERY = 256,
    CHANNELS_MAX = 32
};

static const PostgresStatement find = {
    "find_tokens",
    "SELECT h.hash, f.tenant_id, f.token_id, f.principal, f.scopes, f.expires_at, f.revoked,"
    " f.source_id, f.channels, f.dedup_by_external_id, f.rate_per_second"
    " FROM unnest($1::bytea[]) h(hash) CROSS JOIN LATERAL access.find_token(h.hash) f"};

typedef struct Waiter {
    struct Waiter *next;
    TokenCallback cb;
    void *arg;
    int64_t until_ms;
} Waiter;

typedef struct Entry {
    uint8_t hash[DIGEST_SHA256_BYTES];
    int64_t read_ms;    /* monotonic, when PostgreSQL said so; 0: never yet */
    int64_t expires_ms; /* wall clock; 0: never */
    bool known, revoked;
    bool wanted; /* stands in the list of what to ask next */
    Principal principal;
    char *text; /* what principal's slices point into */
    Waiter *waiters;
} Entry;

struct Tokens {
    Loop *loop;
    Connection *postgres;
    LoopTimer *tick; /* ends the patience of waiters, asks again after an outage */
    Entry **table;   /* open addressing by the hash's first bytes */
    size_t room, n;
    Entry **wanted; /* to be asked with the next query */
    size_t wanted_n, wanted_room;
    Entry **asked; /* with the query that is running */
    size_t asked_n;
    size_t waiting;
};

static void ask(Tokens *t);

/* ---- the table ---- */

static size_t slot_of(const Tokens *t, const uint8_t *hash) {
    uint64_t key;
    memcpy(&key, hash, sizeof(key));
    size_t slot = (size_t)key & (t->room - 1);
    /* Only hashes are compared, and whoever can choose those can choose tokens: constant time all
     * the same. */
    while (t->table[slot] && !digest_equal(t->table[slot]->hash, hash))
        slot = (slot + 1) & (t->room - 1);
    return slot;
}

static void entry_free(Entry *e) {
    free(e->principal.channels);
    free(e->text);
    free(e);
}

static bool is_in_use(const Entry *e) {
    return e->wanted || e->waiters;
}

static void rebuild(Tokens *t, size_t room, bool drop_old) {
    Entry **old = t->table;
    size_t old_room = t->room;
    int64_t now = clock_monotonic_ms();
    t->table = xcalloc(room, sizeof(*t->table));
    t->room = room;
    t->n = 0;
    for (size_t i = 0; i < old_room; i++) {
        Entry *e = old[i];
        if (!e) continue;
        bool asked = false;
        for (size_t k = 0; k < t->asked_n; k++)
            asked = asked || t->asked[k] == e;
        if (drop_old && !asked && !is_in_use(e) &&
            now - e->read_ms > (e->known ? ENDURED_MS : UNKNOWN_MS)) {
            entry_free(e);
            continue;
        }
        t->table[slot_of(t, e->hash)] = e;
        t->n++;
    }
    free(old);
}

/* NULL when the table is full of what may not be forgotten. */
static Entry *entry_get(Tokens *t, const uint8_t *hash) {
    size_t slot = slot_of(t, hash);
    if (t->table[slot]) return t->table[slot];
    if (t->n >= TOKENS_MAX) rebuild(t, t->room, true);
    if (t->n >= TOKENS_MAX) return NULL;
    if (t->n * 2 >= t->room) rebuild(t, t->room * 2, false);
    Entry *e = xcalloc(1, sizeof(*e));
    memcpy(e->hash, hash, sizeof(e->hash));
    t->table[slot_of(t, hash)] = e;
    t->n++;
    return e;
}

/* ---- answers ---- */

static TokenVerdict judge(const Entry *e) {
    bool good = e->known && !e->revoked && (!e->expires_ms || clock_wall_ms() < e->expires_ms);
    return good ? TOKEN_KNOWN : TOKEN_UNKNOWN;
}

/* Calls every waiter, or those whose patience is over; what they get depends on how old our
 * knowledge is. */
static void answer(Tokens *t, Entry *e, int64_t now, bool only_late) {
    Waiter *all = e->waiters, *kept = NULL;
    e->waiters = NULL;
    while (all) {
        Waiter *w = all;
        all = w->next;
        if (only_late && now < w->until_ms) {
            w->next = kept;
            kept = w;
            continue;
        }
        t->waiting--;
        bool enough = e->read_ms && now - e->read_ms <= (e->known ? ENDURED_MS : UNKNOWN_MS);
        TokenVerdict verdict = enough ? judge(e) : TOKEN_UNSURE;
        w->cb(w->arg, verdict, verdict == TOKEN_KNOWN ? &e->principal : NULL);
        free(w);
    }
    while (kept) { /* callbacks may have added new ones meanwhile */
        Waiter *w = kept;
        kept = w->next;
        w->next = e->waiters;
        e->waiters = w;
    }
}

static void want(Tokens *t, Entry *e) {
    if (e->wanted) return;
    if (t->wanted_n == t->wanted_room) {
        t->wanted_room = t->wanted_room ? t->wanted_room * 2 : 64;
        t->wanted = xrealloc(t->wanted, t->wanted_room * sizeof(*t->wanted));
    }
    e->wanted = true;
    t->wanted[t->wanted_n++] = e;
}

void tokens_check(Tokens *t, Str token, TokenCallback cb, void *arg) {
    uint8_t hash[DIGEST_SHA256_BYTES];
    digest_sha256(token, hash);
    int64_t now = clock_monotonic_ms();
    Entry *e = entry_get(t, hash);
    if (!e) {
        cb(arg, TOKEN_UNSURE, NULL);
        return;
    }
    int64_t age = e->read_ms ? now - e->read_ms : INT64_MAX;
    bool away = !connection_ready(t->postgres);
    if (e->read_ms && age <= (e->known ? (away ? ENDURED_MS : USABLE_MS) : UNKNOWN_MS)) {
        if (e->known && age > FRESH_MS && !away) {
            want(t, e);
            ask(t);
        }
        TokenVerdict verdict = judge(e);
        cb(arg, verdict, verdict == TOKEN_KNOWN ? &e->principal : NULL);
        return;
    }
    if (t->waiting == WAITERS_MAX) {
        cb(arg, TOKEN_UNSURE, NULL);
        return;
    }
    Waiter *w = xcalloc(1, sizeof(*w));
    *w = (Waiter){.next = e->waiters, .cb = cb, .arg = arg, .until_ms = now + PATIENCE_MS};
    e->waiters = w;
    t->waiting++;
    want(t, e);
    ask(t);
    if (!loop_timer_armed(t->tick)) loop_timer_arm(t->tick, 100);
}

/* ---- PostgreSQL ---- */

static Str keep(char **at, Str s) {
    char *p = *at;
    if (s.n) memcpy(p, s.p, s.n);
    p[s.n] = 0;
    *at += s.n + 1;
    return (Str){p, s.n};
}

static void entry_read(Entry *e, const PostgresRows *rows, size_t row) {
    Str scopes[CHANNELS_MAX], channels[CHANNELS_MAX];
    size_t scopes_n = rows_text_array(rows, row, 4, scopes, CHANNELS_MAX);
    size_t channels_n = rows_text_array(rows, row, 8, channels, CHANNELS_MAX);
    Str principal = rows_str(rows, row, 3);
    if (scopes_n > CHANNELS_MAX) scopes_n = CHANNELS_MAX;
    if (channels_n > CHANNELS_MAX) channels_n = CHANNELS_MAX;

    size_t bytes = principal.n + 1;
    for (size_t i = 0; i < channels_n; i++)
        bytes += channels[i].n + 1;
    free(e->text);
    free(e->principal.channels);
    char *at = e->text = xmalloc(bytes);
    e->known = true;
    e->revoked = rows_bool(rows, row, 6);
    e->expires_ms = rows_null(rows, row, 5) ? 0 : rows_time_ms(rows, row, 5);
    e->principal = (Principal){
        .tenant_id = rows_int(rows, row, 1),
        .token_id = rows_int(rows, row, 2),
        .source_id = rows_int(rows, row, 7),
        .principal = keep(&at, principal),
        .channels = xcalloc(channels_n ? channels_n : 1, sizeof(Str)),
        .channels_n = channels_n,
        .dedup_by_external_id = rows_bool(rows, row, 9),
        .rate_per_second = (int32_t)rows_int(rows, row, 10),
    };
    for (size_t i = 0; i < channels_n; i++)
        e->principal.channels[i] = keep(&at, channels[i]);
    for (size_t i = 0; i < scopes_n; i++) {
        if (str_is(scopes[i], "tickets:create")) e->principal.may_create = true;
        if (str_is(scopes[i], "tickets:place")) e->principal.may_place = true;
    }
}

static void found(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                  const PostgresProblem *problem) {
    Tokens *t = arg;
    int64_t now = clock_monotonic_ms();
    Entry **asked = t->asked;
    size_t n = t->asked_n;
    (void)problem;
    t->asked = NULL;
    t->asked_n = 0;
    if (outcome == POSTGRES_COMMITTED) {
        for (size_t i = 0; i < n; i++) {
            asked[i]->read_ms = now;
            asked[i]->known = false;
        }
        for (size_t row = 0; row < rows_count(results[0]); row++) {
            Str hash = rows_str(results[0], row, 0);
            Entry *e = t->table[slot_of(t, (const uint8_t *)hash.p)];
            if (e) entry_read(e, results[0], row);
        }
        for (size_t i = 0; i < n; i++)
            answer(t, asked[i], now, false);
    } else { /* they stay waiting until their patience ends */
        for (size_t i = 0; i < n; i++)
            if (asked[i]->waiters) want(t, asked[i]);
        if (!loop_timer_armed(t->tick)) loop_timer_arm(t->tick, 100);
    }
    free(asked);
    if (outcome == POSTGRES_COMMITTED) ask(t);
}

static void ask(Tokens *t) {
    if (t->asked || t->wanted_n == 0 || connection_busy(t->postgres) ||
        !connection_ready(t->postgres))
        return;
    CLEANUP(params_done) Params params = {0};
    size_t n = t->wanted_n < PER_QUERY ? t->wanted_n : PER_QUERY;
    params_array(&params, PARAM_BYTEA, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(&params, (Str){(const char *)t->wanted[i]->hash, DIGEST_SHA256_BYTES});
    if (connection_run(t->postgres, POSTGRES_READ_ONLY, &(PostgresQuery){&find, &params}, 1, found,
                       t) < 0)
        return;
    t->asked = xmalloc(n * sizeof(Entry *));
    t->asked_n = n;
    for (size_t i = 0; i < n; i++) {
        t->asked[i] = t->wanted[i];
        t->asked[i]->wanted = false;
    }
    t->wanted_n -= n;
    memmove(t->wanted, t->wanted + n, t->wanted_n * sizeof(*t->wanted));
}

static void on_tick(void *arg) {
    Tokens *t = arg;
    int64_t now = clock_monotonic_ms();
    ask(t);
    for (size_t i = 0; i < t->room && t->waiting; i++)
        if (t->table[i] && t->table[i]->waiters) answer(t, t->table[i], now, true);
    if (t->waiting) loop_timer_arm(t->tick, 100);
}

static void connected(void *arg) {
    Tokens *t = arg;
    loop_timer_arm(t->tick, 0);
}

Tokens *tokens_new(Loop *loop, const char *postgres_url, const char *application_name,
                   Buf *ret_problem) {
    Tokens *t = xcalloc(1, sizeof(*t));
    t->loop = loop;
    t->tick = loop_timer_new(loop, on_tick, t);
    t->room = 256;
    t->table = xcalloc(t->room, sizeof(*t->table));
    t->postgres = connection_new(loop,
                                 &(PostgresSettings){.url = postgres_url,
                                                     .application_name = application_name,
                                                     .statement_timeout_ms = 2000},
                                 &(ConnectionEvents){.ready = connected}, t, ret_problem);
    return t->postgres ? t : tokens_free(t);
}

Tokens *tokens_free(Tokens *t) {
    if (!t) return NULL;
    t->postgres = connection_free(t->postgres);
    t->tick = loop_timer_free(t->tick);
    for (size_t i = 0; i < t->room; i++) {
        if (!t->table[i]) continue;
        for (Waiter *w = t->table[i]->waiters, *next; w; w = next) {
            next = w->next;
            w->cb(w->arg, TOKEN_UNSURE, NULL);
            free(w);
        }
        entry_free(t->table[i]);
    }
    free(t->table);
    free(t->wanted);
    free(t->asked);
    free(t);
    return NULL;
}
