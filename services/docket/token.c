/* docket token -- what a system or a person shows at the gate: make one, list them, revoke one. */
#include <getopt.h>
#include <stdio.h>

#include "base/cause.h"
#include "base/clock.h"
#include "digest/digest.h"
#include "docket/command.h"
#include "docket/lookup.h"
#include "documents/problems.h"
#include "rights/rights.h"

enum { ROLES_SHOWN = 128, SCOPES_MAX = 16, SECRET_BYTES = 32, HINT_CHARACTERS = 8 };
static const char me[] = "docket token";

typedef struct TokenOptions {
    const char *postgres, *tenant, *source, *role, *user, *label, *scopes;
    int64_t lives_ms; /* 0: for ever */
    bool json;
} TokenOptions;

/* What the gate asks for besides the rights' names (rights/rights.h). */
static const Str place = {"tickets:place", 13};
static const char scopes_help[] =
    "Scopes: tickets:create, tickets:place (may name group, assignee, status at the gate), read,\n"
    "write (whatever the role may), a family (tickets, users), or one right (tickets.solve)\n";

/* "90d", "12h", "30m": up to ten years. */
static int read_duration(const char *text, int64_t *ret_ms) {
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    size_t n = strlen(text);
    int64_t count;
    if (n < 2 || str_to_i64((Str){text, n - 1}, &count) < 0 || count < 1) return -1;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text[n - 1] != units[i].unit || count > 3653 * units[2].ms / units[i].ms) continue;
        *ret_ms = count * units[i].ms;
        return 0;
    }
    return -1;
}

/* How many, or -1 after saying what is wrong. Without --scopes: what a principal of its kind
 * needs. */
static int choose_scopes(const TokenOptions *o, Str ret[SCOPES_MAX]) {
    if (!o->scopes) { /* a source sends; people also say who gets it, and work at the desk */
        const Str usual[] = {STR("tickets:create"), place, STR("write")};
        int n = o->source ? 1 : 3;
        for (int i = 0; i < n; i++)
            ret[i] = usual[i];
        return n;
    }
    int n = lookup_words(o->scopes, ret, SCOPES_MAX);
    if (n < 0)
        (void)fprintf(stderr,
                      "%s: --scopes needs different words joined by commas: --scopes "
                      "tickets:create,tickets:place\n",
                      me);
    for (int i = 0; i < n; i++) {
        if (rights_of_scope(ret[i]) || str_eq(ret[i], place)) continue;
        Str known[RIGHTS + 4] = {STR("tickets:create"), place, STR("read"), STR("write")};
        for (int k = 0; k < RIGHTS; k++)
            known[4 + k] = str(rights_name((Right)k));
        (void)fprintf(stderr, "%s: there is no scope `%.*s`%s\n%s", me, STR_ARG(ret[i]),
                      did_you_mean(ret[i], known, RIGHTS + 4), scopes_help);
        return -1;
    }
    return n;
}

static int find_source(const TokenOptions *o, PostgresSession *s, int64_t tenant_id, Buf *ret) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    params_i64(&p, tenant_id);
    int r = lookup_run(me, s,
                       "SELECT name, source_id FROM intake.sources WHERE tenant_id = $1::bigint "
                       "ORDER BY 2",
                       &p, &rows);
    if (r) return r;
    for (size_t i = 0; i < rows_count(rows); i++)
        if (str_is(rows_str(rows, i, 0), o->source)) {
            buf_printf(ret, "source:%lld", (long long)rows_int(rows, i, 1));
            return 0;
        }
    return lookup_unknown(me, "source", o->source, rows, "All sources: docket source list");
}

/* By name or number; people are known by the tenant's documents. */
static int find_user(const TokenOptions *o, PostgresSession *s, int64_t tenant_id, Buf *ret) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    params_i64(&p, tenant_id);
    int r = lookup_run(me, s,
                       "SELECT name, id, id::text FROM config.names WHERE tenant_id = $1::bigint "
                       "AND kind = 'agent' UNION ALL SELECT user_id::text, user_id, user_id::text "
                       "FROM access.users WHERE tenant_id = $1::bigint ORDER BY name",
                       &p, &rows);
    if (r) return r;
    for (int by_number = 0; by_number < 2; by_number++) /* a name goes before a number */
        for (size_t i = 0; i < rows_count(rows); i++)
            if (str_is(rows_str(rows, i, by_number ? 2 : 0), o->user)) {
                buf_printf(ret, "user:%lld", (long long)rows_int(rows, i, 1));
                return 0;
            }
    return lookup_unknown(
        me, "user", o->user, rows,
        "Users are the agents of the tenant's documents (docket apply), and those "
        "of docket user list by their number");
}

/* Built in, or one of the tenant's documents. */
static int find_role(const TokenOptions *o, PostgresSession *s, int64_t tenant_id, Buf *ret) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    Str known[ROLES_SHOWN];
    size_t n = 0;
    params_i64(&p, tenant_id);
    int r = lookup_run(me, s,
                       "SELECT name FROM config.names WHERE tenant_id = $1::bigint AND kind = "
                       "'role' ORDER BY name",
                       &p, &rows);
    if (r) return r;
    for (; n < BUILTIN_ROLES; n++)
        known[n] = str(rights_role_name((BuiltinRole)n));
    for (size_t i = 0; i < rows_count(rows) && n < ROLES_SHOWN; i++)
        known[n++] = rows_str(rows, i, 0);
    buf_printf(ret, "role:%s", o->role);
    for (size_t i = 0; i < n; i++)
        if (str_is(known[i], o->role)) return 0;
    (void)fprintf(stderr, "%s: there is no role `%s`%s\nRoles:", me, o->role,
                  did_you_mean(str(o->role), known, n));
    for (size_t i = 0; i < n; i++)
        (void)fprintf(stderr, "%s %.*s", i ? "," : "", STR_ARG(known[i]));
    (void)fputs("\n", stderr);
    return 2;
}

/* 0 and "source:1003" and the like; or the exit code. */
static int find_principal(const TokenOptions *o, PostgresSession *s, int64_t tenant_id, Buf *ret) {
    if (o->source) return find_source(o, s, tenant_id, ret);
    if (o->user) return find_user(o, s, tenant_id, ret);
    return find_role(o, s, tenant_id, ret);
}

static int check_create(const TokenOptions *o) {
    if (!!o->source + !!o->role + !!o->user != 1) {
        (void)fprintf(stderr, "%s: whose token? Give one of --source S, --role R, --user U\n", me);
        return 2;
    }
    if (!str_is_text(str(o->label))) {
        (void)fprintf(stderr, "%s: the label is not valid UTF-8\n", me);
        return 2;
    }
    return 0;
}

static int create(const TokenOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    CLEANUP(buf_done) Buf principal = {0}, line = {0};
    const PostgresRows *rows;
    Str scopes[SCOPES_MAX];
    int64_t tenant_id;
    int r = check_create(o);
    int n = r ? -1 : choose_scopes(o, scopes);
    if (n < 0) return 2;
    if ((r = lookup_open(me, o->postgres, LOOKUP_WRITING, &s)) != 0 ||
        (r = lookup_tenant(me, s, o->tenant, &tenant_id)) != 0 ||
        (r = find_principal(o, s, tenant_id, &principal)) != 0)
        return r;

    uint8_t secret[SECRET_BYTES], hash[DIGEST_SHA256_BYTES];
    char token[4 + 4 * (SECRET_BYTES + 2) / 3 + 1] = "dkt_";
    random_bytes(secret, sizeof(secret));
    size_t length = 4 + text_base64url(secret, sizeof(secret), token + 4);
    digest_sha256((Str){token, length}, hash);
    params_i64(&p, tenant_id);
    params_bytea(&p, (Str){(const char *)hash, sizeof(hash)});
    params_text(&p, (Str){token, HINT_CHARACTERS});
    params_text(&p, buf_str(&principal));
    params_text(&p, str(o->label));
    params_array(&p, PARAM_TEXT, (size_t)n);
    for (int i = 0; i < n; i++)
        params_element_text(&p, scopes[i]);
    if (o->lives_ms)
        params_time_ms(&p, clock_wall_ms() + o->lives_ms);
    else
        params_null(&p);
    r = lookup_run(me, s,
                   "INSERT INTO access.tokens (tenant_id, hash, hint, principal, label, scopes, "
                   "expires_at) VALUES ($1::bigint, $2::bytea, $3::text, $4::text, $5::text, "
                   "$6::text[], $7::timestamptz) RETURNING token_id, expires_at",
                   &p, &rows);
    if (r) return r;
    long long id = (long long)rows_int(rows, 0, 0);
    if (o->json) {
        buf_addc(&line, '{');
        lookup_json_number(&line, "token_id", id);
        lookup_json_text(&line, "tenant", str(o->tenant));
        lookup_json_text(&line, "principal", buf_str(&principal));
        lookup_json_texts(&line, "scopes", scopes, (size_t)n);
        lookup_json_time(&line, "expires_at", rows, 0, 1);
        lookup_json_text(&line, "token", (Str){token, length});
        (void)printf("%s}\n", line.p);
        return 0;
    }
    (void)fprintf(stderr,
                  "令牌 token %lld (%s), 只显示这一次 shown this once:\n"
                  "收回 to take it back: docket token revoke %lld --tenant %s\n",
                  id, principal.p, id, o->tenant);
    (void)printf("%s\n", token);
    return 0;
}

/* ---- list ---- */

static const char *state_of(const PostgresRows *rows, size_t row) {
    if (!rows_null(rows, row, 8)) return "已收回 revoked";
    if (!rows_null(rows, row, 7) && rows_time_ms(rows, row, 7) <= clock_wall_ms())
        return "已过期 expired";
    return "有效 good";
}

static void list_json(const PostgresRows *rows, size_t i, const Str *scopes, size_t n) {
    CLEANUP(buf_done) Buf line = {0};
    buf_addc(&line, '{');
    lookup_json_text(&line, "tenant", rows_str(rows, i, 0));
    lookup_json_number(&line, "token_id", rows_int(rows, i, 1));
    lookup_json_text(&line, "hint", rows_str(rows, i, 2));
    lookup_json_text(&line, "principal", rows_str(rows, i, 3));
    lookup_json_text(&line, "label", rows_str(rows, i, 4));
    lookup_json_texts(&line, "scopes", scopes, n);
    lookup_json_time(&line, "created_at", rows, i, 6);
    lookup_json_time(&line, "expires_at", rows, i, 7);
    lookup_json_time(&line, "revoked_at", rows, i, 8);
    (void)printf("%s}\n", line.p);
}

static int list(const TokenOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    CLEANUP(table_done) Table table = {0};
    const PostgresRows *rows;
    int64_t tenant_id = 0;
    int r = lookup_open(me, o->postgres, LOOKUP_READING, &s);
    if (r == 0 && o->tenant) r = lookup_tenant(me, s, o->tenant, &tenant_id);
    if (r) return r;
    params_i64(&p, tenant_id);
    r = lookup_run(me, s,
                   "SELECT n.name, t.token_id, t.hint, t.principal || coalesce(' ' || s.name, ''), "
                   "t.label, t.scopes, t.created_at, t.expires_at, t.revoked_at "
                   "FROM access.tokens t JOIN docket.tenants n USING (tenant_id) "
                   "LEFT JOIN intake.sources s ON s.tenant_id = t.tenant_id "
                   "AND t.principal = 'source:' || s.source_id "
                   "WHERE $1::bigint IN (0, t.tenant_id) ORDER BY 1, 2",
                   &p, &rows);
    if (r) return r;
    static const char *const head[] = {"租户 tenant", "编号 number", "开头 hint",  "属于 whose",
                                       "备注 label",  "权限 scopes", "状态 state", "到期 expires"};
    for (size_t i = 0; i < 8; i++)
        table_add(&table, str(head[i]));
    for (size_t i = 0; i < rows_count(rows); i++) {
        Str scopes[SCOPES_MAX];
        size_t n = rows_text_array(rows, i, 5, scopes, SCOPES_MAX);
        if (n > SCOPES_MAX) n = SCOPES_MAX;
        if (o->json) {
            list_json(rows, i, scopes, n);
            continue;
        }
        CLEANUP(buf_done) Buf all = {0};
        char when[20] = "-";
        for (size_t k = 0; k < n; k++)
            buf_printf(&all, "%s%.*s", k ? "," : "", STR_ARG(scopes[k]));
        if (!rows_null(rows, i, 7)) lookup_local_time(rows_time_ms(rows, i, 7), when);
        table_add(&table, rows_str(rows, i, 0));
        table_addf(&table, "%lld", (long long)rows_int(rows, i, 1));
        table_addf(&table, "%s…", rows_str(rows, i, 2).p);
        table_add(&table, rows_str(rows, i, 3));
        table_add(&table, rows_str(rows, i, 4));
        table_add(&table, buf_str(&all));
        table_add(&table, str(state_of(rows, i)));
        table_add(&table, str(when));
    }
    if (o->json) return 0;
    if (rows_count(rows) == 0)
        (void)puts("还没有令牌 there is no token yet: docket token create --help");
    else
        table_print(&table, 8);
    return 0;
}

static int revoke(const TokenOptions *o, const char *number) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    int64_t tenant_id, id;
    if (str_to_i64(str(number), &id) < 0 || id < 1) {
        /* Perhaps the token itself was pasted: it is not repeated. */
        (void)fprintf(stderr,
                      "%s: revoke needs the token's number, which docket token list shows\n", me);
        return 2;
    }
    int r;
    if ((r = lookup_open(me, o->postgres, LOOKUP_WRITING, &s)) != 0 ||
        (r = lookup_tenant(me, s, o->tenant, &tenant_id)) != 0)
        return r;
    params_i64(&p, tenant_id);
    params_i64(&p, id);
    r = lookup_run(me, s,
                   "UPDATE access.tokens SET revoked_at = coalesce(revoked_at, now()) WHERE "
                   "tenant_id = $1::bigint AND token_id = $2::bigint "
                   "RETURNING revoked_at, revoked_at < now()",
                   &p, &rows);
    if (r) return r;
    if (rows_count(rows) == 0) {
        (void)fprintf(stderr,
                      "%s: tenant `%s` has no token %lld\nIts tokens: docket token list --tenant "
                      "%s\n",
                      me, o->tenant, (long long)id, o->tenant);
        return 1;
    }
    char local[20];
    lookup_local_time(rows_time_ms(rows, 0, 0), local);
    bool before = rows_bool(rows, 0, 1);
    if (o->json) {
        CLEANUP(buf_done) Buf line = {0};
        buf_addc(&line, '{');
        lookup_json_number(&line, "token_id", id);
        lookup_json_time(&line, "revoked_at", rows, 0, 0);
        lookup_json_bool(&line, "already", before);
        lookup_json_number(&line, "refused_within_seconds", 5);
        (void)printf("%s}\n", line.p);
    } else if (before)
        (void)printf("令牌 token %lld 早已收回 was revoked before, %s\n", (long long)id, local);
    else
        (void)printf(
            "令牌 token %lld 已收回 revoked; 5 秒内各入口拒绝 every gate refuses it within "
            "5 s (one that cannot reach PostgreSQL: within 5 minutes)\n",
            (long long)id);
    return 0;
}

static int token_run(int argc, char **argv) {
    static const struct option options[] = {
        {"tenant", required_argument, NULL, 't'},  {"source", required_argument, NULL, 's'},
        {"role", required_argument, NULL, 'r'},    {"user", required_argument, NULL, 'u'},
        {"label", required_argument, NULL, 'l'},   {"scopes", required_argument, NULL, 'c'},
        {"expires", required_argument, NULL, 'e'}, {"postgres", required_argument, NULL, 'p'},
        {"json", no_argument, NULL, 'j'},          {0}};
    TokenOptions o = {.label = ""};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 't':
            o.tenant = optarg;
            break;
        case 's':
            o.source = optarg;
            break;
        case 'r':
            o.role = optarg;
            break;
        case 'u':
            o.user = optarg;
            break;
        case 'l':
            o.label = optarg;
            break;
        case 'c':
            o.scopes = optarg;
            break;
        case 'p':
            o.postgres = optarg;
            break;
        case 'j':
            o.json = true;
            break;
        case 'e':
            if (read_duration(optarg, &o.lives_ms) == 0) break;
            (void)fprintf(stderr, "%s: --expires needs 30m, 12h, 90d or the like, up to 3653d\n",
                          me);
            return 2;
        default:
            return 2;
        }
    }
    int words = argc - optind;
    const char *verb = words > 0 ? argv[optind] : "";
    if (words == 1 && strcmp(verb, "create") == 0) return create(&o);
    if (words == 1 && strcmp(verb, "list") == 0) return list(&o);
    if (words == 2 && strcmp(verb, "revoke") == 0) return revoke(&o, argv[optind + 1]);
    (void)fprintf(stderr, "%s: create, list or revoke TOKEN_ID; see docket token --help\n", me);
    return 2;
}

const Command token_command = {
    .name = "token",
    .summary = "what systems and people show at the gate: create, list, revoke",
    .help =
        "Usage: docket token create --tenant NAME (--source S | --role R | --user U)\n"
        "                    [--label L] [--scopes A,B] [--expires 90d] [--json]\n"
        "       docket token list [--tenant NAME] [--json]\n"
        "       docket token revoke TOKEN_ID --tenant NAME [--json]\n"
        "\n"
        "create prints the token alone on standard output, this once: only its hash is kept.\n"
        "A revoked token is refused within 5 s.\n"
        "\n"
        "  --source S       a system that sends tickets; default scope: tickets:create\n"
        "  --role R         a program of that role: administrator, manager, auditor ..., or one "
        "of\n"
        "                   the documents; --user U: an agent of the documents, or any user by\n"
        "                   number. Default scopes: tickets:create,tickets:place,write\n"
        "  --scopes A,B     tickets:create, tickets:place (may name group, assignee, status at\n"
        "                   the gate), read, write (whatever the role may), a family (tickets,\n"
        "                   users), or one right (tickets.solve)\n"
        "  --expires 90d    or 12h, 30m; default: never\n"
        "  --postgres URL   default: $DOCKET_POSTGRES_ADMIN; for list $DOCKET_POSTGRES\n"
        "  --json           one JSON object a line\n"
        "\n"
        "Exit: 0 good, 1 there is no such tenant, source, user or token, 2 usage or not "
        "possible.\n",
    .run = token_run,
};
