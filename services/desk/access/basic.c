/* A small table by a keyed hash of all that was shown; a newer one takes an older one's place. */
#include "desk/access/basic.h"

#include "access/credential.h"
#include "base/clock.h"
#include "desk/access/check.h"

enum { SLOTS = 1024, GOOD_MS = 4000, ROLE_BYTES = 400 };

typedef struct Waiter {
    struct Waiter *next;
    Request *request;
    void (*done)(Request *r, AuthVerdict verdict);
} Waiter;

typedef struct Slot {
    uint8_t hash[DIGEST_SHA256_BYTES];
    int64_t until_ms; /* monotonic; 0: not known to be right */
    int64_t tenant_id, user_id;
    size_t role_n;
    char role[ROLE_BYTES];
    bool running;
    Waiter *waiters; /* behind the one that runs */
} Slot;

struct Shown {
    uint8_t key[32]; /* of this process: the hashes mean nothing elsewhere */
    Slot slots[SLOTS];
};

typedef struct Leader {
    Check check; /* first */
    Slot *slot;  /* NULL: the slot was taken by another; nobody waits */
    void (*done)(Request *r, AuthVerdict verdict);
} Leader;

Shown *shown_new(void) {
    Shown *s = xcalloc(1, sizeof(*s));
    random_bytes(s->key, sizeof(s->key));
    return s;
}

Shown *shown_free(Shown *s) {
    for (size_t i = 0; s && i < SLOTS; i++)
        for (Waiter *w = s->slots[i].waiters, *next; w; w = next) {
            next = w->next; /* in the request's arena */
            w->done(w->request, AUTH_UNSURE);
        }
    free(s);
    return NULL;
}

bool basic_subject(Request *r, int64_t tenant_id, int64_t user_id, Str role) {
    Credential who = {
        .tenant_id = tenant_id, .user_id = user_id, .role = role, .scopes = RIGHTS_ALL};
    return credential_subject(&who, configuration_catalog(r->desk->configuration, tenant_id),
                              r->arena, &r->subject, &r->role);
}

/* A session's and a token's number are told apart by their sign: limits count by it. */
static AuthVerdict admit(Request *r, int64_t tenant_id, int64_t user_id, Str role) {
    if (!basic_subject(r, tenant_id, user_id, role)) return AUTH_REFUSED;
    r->session_id = -user_id;
    return AUTH_KNOWN;
}

static void on_checked(Check *c, CheckOutcome outcome) {
    static const AuthVerdict verdicts[] = {[CHECK_RIGHT] = AUTH_KNOWN,
                                           [CHECK_WRONG] = AUTH_REFUSED,
                                           [CHECK_THROTTLED] = AUTH_THROTTLED,
                                           [CHECK_UNSURE] = AUTH_UNSURE};
    Leader *l = (Leader *)c;
    Slot *s = c->r->desk->access ? l->slot : NULL; /* gone with the desk's end */
    Waiter *waiters = NULL;
    if (s) {
        waiters = s->waiters;
        s->waiters = NULL;
        s->running = false;
        if (outcome == CHECK_RIGHT && c->role.n <= ROLE_BYTES) {
            s->until_ms = clock_monotonic_ms() + GOOD_MS;
            s->tenant_id = c->tenant_id;
            s->user_id = c->user_id;
            s->role_n = c->role.n;
            memcpy(s->role, c->role.p, c->role.n);
        }
    }
    int64_t tenant_id = c->tenant_id, user_id = c->user_id;
    Str role = {xstrndup(c->role.p ? c->role.p : "", c->role.n), c->role.n};
    Request *r = c->r;
    /* `c` lives in a request that is answered with its verdict: it goes first, nothing of it after.
     */
    l->done(r, outcome == CHECK_RIGHT ? admit(r, tenant_id, user_id, role) : verdicts[outcome]);
    while (waiters) {
        Waiter *w = waiters;
        waiters = w->next;
        w->done(w->request, outcome == CHECK_RIGHT ? admit(w->request, tenant_id, user_id, role)
                                                   : verdicts[outcome]);
    }
    free((char *)(uintptr_t)role.p);
}

static void hash_shown(const Shown *shown, Request *r, Str email, Str password,
                       uint8_t ret[DIGEST_SHA256_BYTES]) {
    CLEANUP(buf_done) Buf all = {0};
    buf_add(&all, shown->key, sizeof(shown->key));
    Str parts[] = {http_header(r->exchange, "X-Docket-Tenant"), http_header(r->exchange, "Host"),
                   email, password};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        buf_add_u64(&all, parts[i].n);
        buf_addc(&all, ':');
        buf_add_str(&all, parts[i]);
    }
    digest_sha256(buf_str(&all), ret);
    explicit_bzero(all.p, all.n);
}

void basic_authenticate(Request *r, Str email, Str password,
                        void (*done)(Request *r, AuthVerdict verdict)) {
    Shown *shown = r->desk->access->shown;
    uint8_t hash[DIGEST_SHA256_BYTES];
    hash_shown(shown, r, email, password, hash);
    uint32_t at;
    memcpy(&at, hash, sizeof(at));
    Slot *s = &shown->slots[at % SLOTS];
    bool same = digest_equal(s->hash, hash);
    if (same && s->until_ms > clock_monotonic_ms()) {
        done(r, admit(r, s->tenant_id, s->user_id, (Str){s->role, s->role_n}));
        return;
    }
    if (same && s->running) {
        Waiter *w = arena_alloc(r->arena, sizeof(*w));
        *w = (Waiter){s->waiters, r, done};
        s->waiters = w;
        return;
    }
    Leader *l = arena_zalloc(r->arena, sizeof(*l));
    l->check = (Check){.r = r, .email = email, .password = password, .done = on_checked};
    l->done = done;
    if (!s->running) {
        memcpy(s->hash, hash, sizeof(hash));
        s->until_ms = 0;
        s->running = true;
        l->slot = s;
    }
    check_password(&l->check);
}
