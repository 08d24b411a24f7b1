/* One number says whether anything changed; then all of them are read anew, page by page, and take
 * the place of those before at once. */
#include "notifier/channels/secrets.h"

#include <errno.h>

#include "log/log.h"
#include "postgres/client.h"
#include "secrets/secret.h"

enum { POLL_MS = 1000, PAGE = 500, SECRETS_MAX = 100000 };

static const PostgresStatement ask_version = {"secrets_version",
                                              "SELECT version FROM notify.secrets_version"};
static const PostgresStatement ask_page = {
    "secrets_page",
    "SELECT tenant_id, system, kind, place, manner, sealed FROM "
    "notify.load_secrets($1::bigint, $2::text, $3::text, $4::bigint::smallint, $5::integer)"};

typedef struct Kept {
    int64_t tenant_id;
    char *system;
    SecretKind kind; /* SECRET_KINDS: not known here */
    char kind_name[16];
    int64_t place;
    char manner[12]; /* "" of what is no webhook's */
    Buf sealed;
} Kept;

typedef struct KeptList { /* by tenant */
    Kept *all;
    size_t n, room;
} KeptList;

struct Secrets {
    Loop *loop;
    PostgresClient *postgres;
    LoopTimer *poll;
    Vault *vault;
    KeptList now, coming;
    struct Opened *last;             /* of this turn; NULL: none */
    int64_t version, coming_version; /* version -1: nothing was read yet */
    bool complained;                 /* of this version's trouble */
};

static void kept_list_done(KeptList *l) {
    for (size_t i = 0; i < l->n; i++) {
        free(l->all[i].system);
        buf_done(&l->all[i].sealed);
    }
    free(l->all);
    *l = (KeptList){0};
}

/* ---- Reading ---- */

static void read_rows(KeptList *l, const PostgresRows *rows) {
    for (size_t i = 0; i < rows_count(rows); i++) {
        Kept k = {.tenant_id = rows_int(rows, i, 0), .place = rows_int(rows, i, 3)};
        Str system = rows_str(rows, i, 1), manner = rows_str(rows, i, 4);
        if (l->n == l->room) {
            l->room = l->room ? l->room * 2 : 64;
            l->all = xrealloc(l->all, l->room * sizeof(*l->all));
        }
        Str kind = rows_str(rows, i, 2);
        if (secret_kind_parse(kind, &k.kind) < 0) k.kind = SECRET_KINDS; /* a newer one's */
        if (kind.n < sizeof(k.kind_name)) memcpy(k.kind_name, kind.p ? kind.p : "", kind.n);
        k.system = xstrndup(system.p, system.n);
        if (manner.n < sizeof(k.manner)) memcpy(k.manner, manner.p ? manner.p : "", manner.n);
        buf_add_str(&k.sealed, rows_str(rows, i, 5));
        l->all[l->n++] = k;
    }
}

static void ask_more(Secrets *s, bool first);

static void on_page(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Secrets *s = arg;
    (void)problem;
    if (outcome != POSTGRES_COMMITTED) {
        kept_list_done(&s->coming); /* the next look begins anew */
        return;
    }
    const PostgresRows *rows = results[0];
    read_rows(&s->coming, rows);
    if (rows_count(rows) == PAGE && s->coming.n < SECRETS_MAX) {
        ask_more(s, false);
        return;
    }
    if (s->coming.n >= SECRETS_MAX)
        log_error(NULL, "more than %d secrets of systems: the others are not known", SECRETS_MAX);
    kept_list_done(&s->now);
    s->now = s->coming;
    s->coming = (KeptList){0};
    s->version = s->coming_version;
    s->complained = false;
    log_info(NULL, "secrets of systems: %zu, as of change %lld", s->now.n, (long long)s->version);
}

static void ask_more(Secrets *s, bool first) {
    CLEANUP(params_done) Params p = {0};
    const Kept *last = first ? NULL : &s->coming.all[s->coming.n - 1];
    params_i64(&p, last ? last->tenant_id : 0);
    params_text(&p, str(last ? last->system : ""));
    params_text(&p, str(last ? last->kind_name : ""));
    params_i64(&p, last ? last->place : 0);
    params_i32(&p, PAGE);
    PostgresQuery query = {&ask_page, &p};
    if (postgres_client_run(s->postgres, POSTGRES_READ_ONLY, &query, 1, on_page, s) < 0)
        kept_list_done(&s->coming);
}

static void on_version(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Secrets *s = arg;
    if (outcome != POSTGRES_COMMITTED) {
        if (outcome == POSTGRES_AWAY && problem && problem->state[0])
            log_warn(NULL, "secrets of systems cannot be read: %s", problem->text);
        return;
    }
    if (rows_count(results[0]) != 1 || rows_int(results[0], 0, 0) == s->version) return;
    s->coming_version = rows_int(results[0], 0, 0);
    ask_more(s, true);
}

static void on_poll(void *arg) {
    Secrets *s = arg;
    PostgresQuery query = {&ask_version, NULL};
    loop_timer_arm(s->poll, POLL_MS);
    if (postgres_client_busy(s->postgres)) return;
    (void)postgres_client_run(s->postgres, POSTGRES_READ_ONLY, &query, 1, on_version, s);
}

static void on_connected(void *arg) {
    on_poll(arg);
}

/* ---- Finding ---- */

typedef struct Opened { /* clear texts, of one system, until the end of this turn */
    Secrets *owner;     /* NULL: freed */
    int64_t tenant_id;
    Buf system;
    ChannelSecret found;
    Buf texts[3];
} Opened;

static void opened_free(void *p) {
    Opened *o = p;
    if (o->owner && o->owner->last == o) o->owner->last = NULL;
    buf_done(&o->system);
    for (size_t i = 0; i < sizeof(o->texts) / sizeof(*o->texts); i++) {
        if (o->texts[i].p) explicit_bzero(o->texts[i].p, o->texts[i].n);
        buf_done(&o->texts[i]);
    }
    free(o);
}

/* PostgreSQL's order of texts is its own: only the tenants are in ours. */
static size_t first_of(const KeptList *l, int64_t tenant_id) {
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (l->all[middle].tenant_id < tenant_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool open_one(Secrets *s, const Kept *k, Buf *ret) {
    int r =
        secret_unseal(s->vault, k->tenant_id, str(k->system), k->kind, buf_str(&k->sealed), ret);
    if (r == 0) return true;
    if (!s->complained)
        log_error(NULL, "tenant %lld: a secret of kind %s cannot be opened: %s",
                  (long long)k->tenant_id, secret_kind_name(k->kind),
                  r == -ENOKEY ? "its key is not in the key ring" : "it was altered");
    s->complained = true;
    return false;
}

static ChannelSecretOutcome find(void *arg, int64_t tenant_id, Str system, ChannelSecret *ret) {
    Secrets *s = arg;
    ChannelSecret found = {0};
    bool any = false, all = true;
    if (s->version < 0) return CHANNEL_SECRET_UNKNOWN;
    Opened *o = s->last;
    if (o && o->tenant_id == tenant_id && str_eq(system, buf_str(&o->system))) {
        *ret = o->found;
        return CHANNEL_SECRET_FOUND;
    }
    o = xcalloc(1, sizeof(*o));
    loop_free_later(s->loop, o, opened_free);
    for (size_t i = first_of(&s->now, tenant_id);
         i < s->now.n && s->now.all[i].tenant_id == tenant_id; i++) {
        const Kept *k = &s->now.all[i];
        if (k->kind == SECRET_KINDS || !str_is(system, k->system)) continue;
        size_t at = k->kind == SECRET_ADDRESS ? 0 : k->place ? 2 : 1;
        Buf *to = &o->texts[at];
        any = true;
        buf_clear(to);
        if (!open_one(s, k, to)) {
            all = false;
            continue;
        }
        if (at == 0)
            found.address = buf_str(to);
        else if (at == 1)
            found.current = buf_str(to);
        else
            found.previous = buf_str(to);
        if (k->kind == SECRET_WEBHOOK && k->place == 0 && k->manner[0])
            found.manner = str(k->manner);
    }
    if (!any) return CHANNEL_SECRET_NONE;
    if (!all) return CHANNEL_SECRET_UNKNOWN;
    o->owner = s;
    o->tenant_id = tenant_id;
    buf_add_str(&o->system, system);
    *ret = o->found = found;
    if (s->last) s->last->owner = NULL;
    s->last = o;
    return CHANNEL_SECRET_FOUND;
}

ChannelSecrets secrets_finder(Secrets *s) {
    return (ChannelSecrets){.find = find, .arg = s};
}

/* ---- Life ---- */

Secrets *secrets_new(Loop *loop, const char *postgres_url, const char *application_name,
                     Vault *vault, Buf *ret_problem) {
    Secrets *s = xcalloc(1, sizeof(*s));
    PostgresSettings settings = {.url = postgres_url, .application_name = application_name};
    s->loop = loop;
    s->vault = vault;
    s->version = -1;
    s->poll = loop_timer_new(loop, on_poll, s);
    s->postgres = postgres_client_new(loop, &settings, &(PostgresEvents){.connected = on_connected},
                                      s, ret_problem);
    if (!s->postgres) return secrets_free(s);
    loop_timer_arm(s->poll, POLL_MS);
    return s;
}

Secrets *secrets_free(Secrets *s) {
    if (!s) return NULL;
    s->postgres = postgres_client_free(s->postgres);
    loop_timer_free(s->poll);
    kept_list_done(&s->now);
    kept_list_done(&s->coming);
    if (s->last) s->last->owner = NULL;
    free(s);
    return NULL;
}

bool secrets_ready(const Secrets *s) {
    return s->version >= 0;
}
