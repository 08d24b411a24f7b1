/* A table that is answered from, and refreshed behind the answers. */
#include "store/secrets.h"

#include "base/clock.h"
#include "digest/digest.h"
#include "postgres/connection.h"

enum {
    FRESH_MS = 2000,     /* answered from the table, nothing asked */
    USABLE_MS = 4000,    /* answered from the table, asked again behind it */
    ENDURED_MS = 300000, /* answered from the table while PostgreSQL is away */
    UNKNOWN_MS = 2000,   /* how long a secret that is none is remembered */
    PATIENCE_MS = 2000,  /* how long a caller waits for PostgreSQL */
    SECRETS_MAX = 100000,
    WAITERS_MAX = 4096,
    PER_QUERY = 256
};

typedef struct Waiter {
    struct Waiter *next;
    SecretCallback cb;
    void *arg;
    int64_t until_ms;
} Waiter;

typedef struct Entry {
    uint8_t hash[DIGEST_SHA256_BYTES];
    int64_t read_ms; /* monotonic, when PostgreSQL said so; 0: never yet */
    bool wanted;     /* stands in the list of what to ask next */
    void *value;     /* as the kind made it; NULL: nobody's secret */
    Waiter *waiters;
} Entry;

struct Secrets {
    const SecretsKind *kind;
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

static void ask(Secrets *s);

/* ---- the table ---- */

static size_t slot_of(const Secrets *s, const uint8_t *hash) {
    uint64_t key;
    memcpy(&key, hash, sizeof(key));
    size_t slot = (size_t)key & (s->room - 1);
    /* Only hashes are compared, and whoever can choose those can choose secrets: constant time all
     * the same. */
    while (s->table[slot] && !digest_equal(s->table[slot]->hash, hash))
        slot = (slot + 1) & (s->room - 1);
    return slot;
}

static void entry_free(const Secrets *s, Entry *e) {
    if (e->value) s->kind->free(e->value);
    free(e);
}

static bool is_in_use(const Entry *e) {
    return e->wanted || e->waiters;
}

static void rebuild(Secrets *s, size_t room, bool drop_old) {
    Entry **old = s->table;
    size_t old_room = s->room;
    int64_t now = clock_monotonic_ms();
    s->table = xcalloc(room, sizeof(*s->table));
    s->room = room;
    s->n = 0;
    for (size_t i = 0; i < old_room; i++) {
        Entry *e = old[i];
        if (!e) continue;
        bool asked = false;
        for (size_t k = 0; k < s->asked_n; k++)
            asked = asked || s->asked[k] == e;
        if (drop_old && !asked && !is_in_use(e) &&
            now - e->read_ms > (e->value ? ENDURED_MS : UNKNOWN_MS)) {
            entry_free(s, e);
            continue;
        }
        s->table[slot_of(s, e->hash)] = e;
        s->n++;
    }
    free(old);
}

/* NULL when the table is full of what may not be forgotten. */
static Entry *entry_get(Secrets *s, const uint8_t *hash) {
    size_t slot = slot_of(s, hash);
    if (s->table[slot]) return s->table[slot];
    if (s->n >= SECRETS_MAX) rebuild(s, s->room, true);
    if (s->n >= SECRETS_MAX) return NULL;
    if (s->n * 2 >= s->room) rebuild(s, s->room * 2, false);
    Entry *e = xcalloc(1, sizeof(*e));
    memcpy(e->hash, hash, sizeof(e->hash));
    s->table[slot_of(s, hash)] = e;
    s->n++;
    return e;
}

/* ---- answers ---- */

static SecretVerdict judge(const Secrets *s, const Entry *e) {
    bool good = e->value && s->kind->good(e->value, clock_wall_ms());
    return good ? SECRET_KNOWN : SECRET_UNKNOWN;
}

/* Calls every waiter, or those whose patience is over; what they get depends on how old our
 * knowledge is. */
static void answer(Secrets *s, Entry *e, int64_t now, bool only_late) {
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
        s->waiting--;
        bool enough = e->read_ms && now - e->read_ms <= (e->value ? ENDURED_MS : UNKNOWN_MS);
        SecretVerdict verdict = enough ? judge(s, e) : SECRET_UNSURE;
        w->cb(w->arg, verdict, verdict == SECRET_KNOWN ? e->value : NULL);
        free(w);
    }
    while (kept) { /* callbacks may have added new ones meanwhile */
        Waiter *w = kept;
        kept = w->next;
        w->next = e->waiters;
        e->waiters = w;
    }
}

static void want(Secrets *s, Entry *e) {
    if (e->wanted) return;
    if (s->wanted_n == s->wanted_room) {
        s->wanted_room = s->wanted_room ? s->wanted_room * 2 : 64;
        s->wanted = xrealloc(s->wanted, s->wanted_room * sizeof(*s->wanted));
    }
    e->wanted = true;
    s->wanted[s->wanted_n++] = e;
}

void secrets_check(Secrets *s, Str secret, SecretCallback cb, void *arg) {
    uint8_t hash[DIGEST_SHA256_BYTES];
    digest_sha256(secret, hash);
    int64_t now = clock_monotonic_ms();
    Entry *e = entry_get(s, hash);
    if (!e) {
        cb(arg, SECRET_UNSURE, NULL);
        return;
    }
    int64_t age = e->read_ms ? now - e->read_ms : INT64_MAX;
    bool away = !connection_ready(s->postgres);
    if (e->read_ms && age <= (e->value ? (away ? ENDURED_MS : USABLE_MS) : UNKNOWN_MS)) {
        if (e->value && age > FRESH_MS && !away) {
            want(s, e);
            ask(s);
        }
        SecretVerdict verdict = judge(s, e);
        cb(arg, verdict, verdict == SECRET_KNOWN ? e->value : NULL);
        return;
    }
    if (s->waiting == WAITERS_MAX) {
        cb(arg, SECRET_UNSURE, NULL);
        return;
    }
    Waiter *w = xcalloc(1, sizeof(*w));
    *w = (Waiter){.next = e->waiters, .cb = cb, .arg = arg, .until_ms = now + PATIENCE_MS};
    e->waiters = w;
    s->waiting++;
    want(s, e);
    ask(s);
    if (!loop_timer_armed(s->tick)) loop_timer_arm(s->tick, 100);
}

void secrets_forget(Secrets *s, const uint8_t hash[DIGEST_SHA256_BYTES]) {
    Entry *e = s->table[slot_of(s, hash)];
    if (e && !is_in_use(e)) e->read_ms = 0;
}

/* ---- PostgreSQL ---- */

static void found(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                  const PostgresProblem *problem) {
    Secrets *s = arg;
    int64_t now = clock_monotonic_ms();
    Entry **asked = s->asked;
    size_t n = s->asked_n;
    (void)problem;
    s->asked = NULL;
    s->asked_n = 0;
    if (outcome == POSTGRES_COMMITTED) {
        for (size_t i = 0; i < n; i++) {
            asked[i]->read_ms = now;
            if (asked[i]->value) s->kind->free(asked[i]->value);
            asked[i]->value = NULL;
        }
        for (size_t row = 0; row < rows_count(results[0]); row++) {
            Str hash = rows_str(results[0], row, 0);
            Entry *e = s->table[slot_of(s, (const uint8_t *)hash.p)];
            if (e && !e->value) e->value = s->kind->read(results[0], row);
        }
        for (size_t i = 0; i < n; i++)
            answer(s, asked[i], now, false);
    } else { /* they stay waiting until their patience ends */
        for (size_t i = 0; i < n; i++)
            if (asked[i]->waiters) want(s, asked[i]);
        if (!loop_timer_armed(s->tick)) loop_timer_arm(s->tick, 100);
    }
    free(asked);
    if (outcome == POSTGRES_COMMITTED) ask(s);
}

static void ask(Secrets *s) {
    if (s->asked || s->wanted_n == 0 || connection_busy(s->postgres) ||
        !connection_ready(s->postgres))
        return;
    CLEANUP(params_done) Params params = {0};
    size_t n = s->wanted_n < PER_QUERY ? s->wanted_n : PER_QUERY;
    params_array(&params, PARAM_BYTEA, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(&params, (Str){(const char *)s->wanted[i]->hash, DIGEST_SHA256_BYTES});
    if (connection_run(s->postgres, POSTGRES_READ_ONLY,
                       &(PostgresQuery){s->kind->statement, &params}, 1, found, s) < 0)
        return;
    s->asked = xmalloc(n * sizeof(Entry *));
    s->asked_n = n;
    for (size_t i = 0; i < n; i++) {
        s->asked[i] = s->wanted[i];
        s->asked[i]->wanted = false;
    }
    s->wanted_n -= n;
    memmove(s->wanted, s->wanted + n, s->wanted_n * sizeof(*s->wanted));
}

static void on_tick(void *arg) {
    Secrets *s = arg;
    int64_t now = clock_monotonic_ms();
    ask(s);
    for (size_t i = 0; i < s->room && s->waiting; i++)
        if (s->table[i] && s->table[i]->waiters) answer(s, s->table[i], now, true);
    if (s->waiting) loop_timer_arm(s->tick, 100);
}

static void connected(void *arg) {
    Secrets *s = arg;
    loop_timer_arm(s->tick, 0);
}

Secrets *secrets_new(Loop *loop, const SecretsKind *kind, const char *postgres_url,
                     const char *application_name, Buf *ret_problem) {
    Secrets *s = xcalloc(1, sizeof(*s));
    s->kind = kind;
    s->tick = loop_timer_new(loop, on_tick, s);
    s->room = 256;
    s->table = xcalloc(s->room, sizeof(*s->table));
    s->postgres = connection_new(loop,
                                 &(PostgresSettings){.url = postgres_url,
                                                     .application_name = application_name,
                                                     .statement_timeout_ms = 2000},
                                 &(ConnectionEvents){.ready = connected}, s, ret_problem);
    return s->postgres ? s : secrets_free(s);
}

Secrets *secrets_free(Secrets *s) {
    if (!s) return NULL;
    s->postgres = connection_free(s->postgres);
    s->tick = loop_timer_free(s->tick);
    for (size_t i = 0; i < s->room; i++) {
        if (!s->table[i]) continue;
        for (Waiter *w = s->table[i]->waiters, *next; w; w = next) {
            next = w->next;
            w->cb(w->arg, SECRET_UNSURE, NULL);
            free(w);
        }
        entry_free(s, s->table[i]);
    }
    free(s->table);
    free(s->wanted);
    free(s->asked);
    free(s);
    return NULL;
}
