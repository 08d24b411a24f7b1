/* docket user -- who may sign in at the desk: make one, list them, give a password or a role,
 * suspend. */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "docket/command.h"
#include "docket/lookup.h"
#include "documents/problems.h"
#include "rights/rights.h"
#include "vault/field.h"
#include "vault/password.h"

static const char me[] = "docket user";

typedef struct UserOptions {
    const char *postgres, *ring, *tenant, *email, *name, *agent, *agents, *role;
    bool no_password, if_missing, lift, json;
} UserOptions;

/* ---- what all of them need ---- */

static int open_vault(const UserOptions *o, Vault **ret) {
    const char *ring = o->ring ? o->ring : getenv("DOCKET_KEYRING");
    CLEANUP(buf_done) Buf problem = {0};
    if (!ring) {
        (void)fprintf(stderr, "%s: which key ring? Give --ring FILE or set DOCKET_KEYRING\n", me);
        return 2;
    }
    *ret = vault_open(ring, &problem);
    if (*ret) return 0;
    (void)fprintf(stderr, "%s: %s\n", me, problem.p);
    return 2;
}

/* The first line of standard input. */
static int read_password(char ret[PASSWORD_BYTES_MAX + 2], size_t *ret_n) {
    if (isatty(STDIN_FILENO))
        (void)fprintf(stderr, "密码 password (at least %d characters): ", PASSWORD_BYTES_MIN);
    if (!fgets(ret, PASSWORD_BYTES_MAX + 2, stdin)) ret[0] = 0;
    size_t n = strcspn(ret, "\r\n");
    if (n >= PASSWORD_BYTES_MIN && n <= PASSWORD_BYTES_MAX) {
        ret[n] = 0;
        *ret_n = n;
        return 0;
    }
    explicit_bzero(ret, PASSWORD_BYTES_MAX + 2);
    (void)fprintf(stderr,
                  "%s: the password comes on standard input, %d to %d characters: %s ... < FILE\n",
                  me, PASSWORD_BYTES_MIN, PASSWORD_BYTES_MAX, me);
    return 2;
}

static int hash_password(char ret[PASSWORD_HASH_BYTES]) {
    char clear[PASSWORD_BYTES_MAX + 2];
    size_t n;
    int r = read_password(clear, &n);
    if (r) return r;
    r = password_hash((Str){clear, n}, ret);
    explicit_bzero(clear, sizeof(clear));
    if (r == 0) return 0;
    (void)fprintf(stderr, "%s: no memory for hashing the password\n", me);
    return 2;
}

/* 0, or 1 after saying that there is no such role. */
static int check_role(PostgresSession *s, int64_t tenant_id, const char *role) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    BuiltinRole builtin;
    if (rights_role_parse(str(role), &builtin) == 0) return 0;
    params_i64(&p, tenant_id);
    int r = lookup_run(me, s,
                       "SELECT name FROM config.names WHERE tenant_id = $1::bigint AND kind = "
                       "'role' UNION ALL SELECT unnest('{customer,agent,lead,manager,"
                       "administrator,auditor}'::text[])",
                       &p, &rows);
    if (r) return r;
    for (size_t i = 0; i < rows_count(rows); i++)
        if (str_is(rows_str(rows, i, 0), role)) return 0;
    return lookup_unknown(me, "role", role, rows,
                          "Built in: customer, agent, lead, manager, administrator, auditor; own "
                          "ones stand in the documents");
}

/* By number, or by the e-mail address through its hash. */
static int find_user(const UserOptions *o, PostgresSession *s, int64_t tenant_id, const char *who,
                     int64_t *ret) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    int64_t id = 0;
    uint8_t hash[VAULT_HASH_BYTES] = {0};
    if (str_to_i64(str(who), &id) < 0 && strchr(who, '@')) {
        CLEANUP(vault_freep) Vault *vault = NULL;
        int r = open_vault(o, &vault);
        if (r) return r;
        (void)field_hash(vault, tenant_id, FIELD_EMAIL, str(who), hash); /* else it is nobody's */
    }
    params_i64(&p, tenant_id);
    params_i64(&p, id);
    params_bytea(&p, (Str){(const char *)hash, sizeof(hash)});
    params_text(&p, str(who));
    int r = lookup_run(me, s,
                       "SELECT user_id FROM access.users WHERE tenant_id = $1::bigint AND "
                       "(user_id = $2::bigint OR email_hash = $3::bytea OR user_id = (SELECT id "
                       "FROM config.names WHERE tenant_id = $1::bigint AND kind = 'agent' AND "
                       "name = $4::text)) LIMIT 1",
                       &p, &rows);
    if (r) return r;
    if (rows_count(rows)) {
        *ret = rows_int(rows, 0, 0);
        return 0;
    }
    (void)fprintf(stderr,
                  "%s: tenant `%s` has no user of this number, address or agent's name\n"
                  "All users: docket user list --tenant %s\n",
                  me, o->tenant, o->tenant);
    return 1;
}

static int note(PostgresSession *s, int64_t tenant_id, const char *action, int64_t user_id) {
    CLEANUP(params_done) Params p = {0};
    params_i64(&p, tenant_id);
    params_text(&p, str(action));
    params_i64(&p, user_id);
    return lookup_run(me, s,
                      "INSERT INTO access.audit (tenant_id, actor, action, target) VALUES "
                      "($1::bigint, 'operator', $2::text, 'user:' || $3::bigint)",
                      &p, NULL);
}

/* ---- create ---- */

typedef struct NewUser {
    SealedField email;
    char password[PASSWORD_HASH_BYTES];
} NewUser;

static void new_user_done(NewUser *u) {
    field_done(&u->email);
    explicit_bzero(u->password, sizeof(u->password));
}

static int seal(const UserOptions *o, int64_t tenant_id, NewUser *u) {
    CLEANUP(vault_freep) Vault *vault = NULL;
    int r = open_vault(o, &vault);
    if (r) return r;
    if (field_seal(vault, tenant_id, FIELD_EMAIL, str(o->email), &u->email) == 0) return 0;
    (void)fprintf(stderr, "%s: `%s` is no e-mail address\n", me, o->email);
    return 2;
}

static void add_hash(Params *p, const NewUser *u) {
    params_bytea(p, (Str){(const char *)u->email.hash, sizeof(u->email.hash)});
}

/* A customer is a requester first: her tickets are found by her address. */
static int find_requester(PostgresSession *s, int64_t tenant_id, const NewUser *u, int64_t *ret) {
    CLEANUP(params_done) Params p = {0};
    CLEANUP(buf_done) Buf field = {0}, personal = {0};
    const PostgresRows *rows;
    field_json(&u->email, &field);
    buf_printf(&personal, "[%s]", field.p);
    params_i64(&p, tenant_id);
    add_hash(&p, u);
    params_jsonb(&p, buf_str(&personal));
    int r = lookup_run(me, s,
                       "WITH made AS (INSERT INTO ticket.requesters (tenant_id, contact_hash, id, "
                       "personal) VALUES ($1::bigint, $2::bytea, nextval('ticket.requester_ids'), "
                       "$3::jsonb) ON CONFLICT (tenant_id, contact_hash) DO NOTHING RETURNING id) "
                       "SELECT id FROM made UNION ALL SELECT id FROM ticket.requesters WHERE "
                       "tenant_id = $1::bigint AND contact_hash = $2::bytea LIMIT 1",
                       &p, &rows);
    if (r == 0) *ret = rows_int(rows, 0, 0);
    return r;
}

static int find_agent(PostgresSession *s, int64_t tenant_id, const char *agent, int64_t *ret) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    params_i64(&p, tenant_id);
    int r = lookup_run(me, s,
                       "SELECT name, id FROM config.names WHERE tenant_id = $1::bigint AND kind = "
                       "'agent' ORDER BY name",
                       &p, &rows);
    if (r) return r;
    for (size_t i = 0; i < rows_count(rows); i++)
        if (str_is(rows_str(rows, i, 0), agent)) {
            *ret = rows_int(rows, i, 1);
            return 0;
        }
    return lookup_unknown(me, "agent", agent, rows,
                          "Agents stand in the tenant's documents: docket apply");
}

static void say_user(const UserOptions *o, int64_t id, const char *role, const char *what) {
    CLEANUP(buf_done) Buf line = {0};
    if (o->json) {
        buf_addc(&line, '{');
        lookup_json_number(&line, "user_id", id);
        lookup_json_text(&line, "tenant", str(o->tenant));
        if (role) lookup_json_text(&line, "role", str(role));
        lookup_json_text(&line, "did", str(what));
        (void)printf("%s}\n", line.p);
    } else if (role) {
        (void)printf("用户 user %lld (%s): %s\n", (long long)id, role, what);
    } else {
        (void)printf("用户 user %lld: %s\n", (long long)id, what);
    }
}

/* One of them. `hash`: as it is stored, "" for none; read from standard input when it is NULL. */
static int make(const UserOptions *o, PostgresSession *s, int64_t tenant_id, const char *role,
                const char *hash) {
    CLEANUP(params_done) Params p = {0}, known = {0};
    CLEANUP(new_user_done) NewUser u = {0};
    const PostgresRows *rows;
    int64_t id = 0;
    int r = seal(o, tenant_id, &u);
    if (r) return r;
    params_i64(&known, tenant_id);
    add_hash(&known, &u);
    if ((r = lookup_run(me, s,
                        "SELECT user_id FROM access.users WHERE tenant_id = $1::bigint AND "
                        "email_hash = $2::bytea",
                        &known, &rows)) != 0)
        return r;
    if (rows_count(rows)) {
        id = rows_int(rows, 0, 0);
        if (o->if_missing) {
            say_user(o, id, NULL, "exists");
            return 0;
        }
        (void)fprintf(stderr, "%s: user %lld has this address already\n", me, (long long)id);
        return 1;
    }
    if (!hash && (r = hash_password(u.password)) != 0) return r;
    bool customer = strcmp(role, "customer") == 0;
    if (o->agent && (r = find_agent(s, tenant_id, o->agent, &id)) != 0) return r;
    if (customer && (r = find_requester(s, tenant_id, &u, &id)) != 0) return r;
    params_i64(&p, tenant_id);
    params_i64(&p, id);
    params_text(&p, str(role));
    params_text(&p, str(customer || !o->name ? "" : o->name));
    params_text(&p, buf_str(&u.email.masked));
    params_bytea(&p, buf_str(&u.email.sealed));
    add_hash(&p, &u);
    params_text(&p, str(hash ? hash : u.password));
    params_bool(&p, o->if_missing);
    r = lookup_run(me, s,
                   "INSERT INTO access.users (tenant_id, user_id, role, name, email_masked, "
                   "email_sealed, email_hash, password, password_at) VALUES ($1::bigint, CASE "
                   "WHEN $2::bigint = 0 THEN nextval('config.entity_ids') ELSE $2::bigint END, "
                   "$3::text, $4::text, $5::text, $6::bytea, $7::bytea, nullif($8::text, ''), "
                   "now()) ON CONFLICT (tenant_id, user_id) DO UPDATE SET role = excluded.role, "
                   "email_masked = excluded.email_masked, email_sealed = excluded.email_sealed, "
                   "email_hash = excluded.email_hash, password = excluded.password, password_at = "
                   "now(), updated_at = now(), version = access.users.version + 1 "
                   "WHERE NOT $9::boolean OR access.users.email_hash IS NULL RETURNING user_id",
                   &p, &rows);
    if (r) return r;
    if (rows_count(rows) == 0) { /* the agent signs in by another address already */
        say_user(o, id, NULL, "exists");
        return 0;
    }
    id = rows_int(rows, 0, 0);
    if ((r = note(s, tenant_id, "user_created", id)) != 0) return r;
    say_user(o, id, role, "created");
    return 0;
}

/* Every agent of the documents, as NAME@DOMAIN; one password, hashed once. */
static int make_agents(const UserOptions *o, PostgresSession *s, int64_t tenant_id,
                       const char *role) {
    CLEANUP(params_done) Params p = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    char hash[PASSWORD_HASH_BYTES] = "";
    const PostgresRows *rows;
    params_i64(&p, tenant_id);
    int r = o->no_password ? 0 : hash_password(hash);
    if (r == 0)
        r = lookup_run(me, s,
                       "SELECT name FROM config.names WHERE tenant_id = $1::bigint AND kind = "
                       "'agent' ORDER BY id",
                       &p, &rows);
    if (r) return r;
    size_t n = rows_count(rows);
    char **names = arena_alloc(arena, (n + 1) * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = arena_strndup(arena, rows_str(rows, i, 0).p, rows_str(rows, i, 0).n);
    for (size_t i = 0; i < n && r == 0; i++) {
        UserOptions one = *o;
        one.agent = names[i];
        one.email = arena_printf(arena, "%s@%s", names[i], o->agents);
        r = make(&one, s, tenant_id, role, hash);
    }
    return r;
}

static int create(const UserOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    int64_t tenant_id;
    const char *role = o->role ? o->role : o->agent || o->agents ? "agent" : NULL;
    if (!role || !!o->email == !!o->agents) {
        (void)fprintf(stderr,
                      "%s: create needs --email E and --role R or --agent NAME, or --agents "
                      "DOMAIN\n",
                      me);
        return 2;
    }
    int r;
    if ((r = lookup_open(me, o->postgres, LOOKUP_WRITING, &s)) != 0 ||
        (r = lookup_tenant(me, s, o->tenant, &tenant_id)) != 0 ||
        (r = check_role(s, tenant_id, role)) != 0)
        return r;
    if (o->agents) return make_agents(o, s, tenant_id, role);
    return make(o, s, tenant_id, role, o->no_password ? "" : NULL);
}

/* ---- list ---- */

static int list(const UserOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    CLEANUP(table_done) Table table = {0};
    const PostgresRows *rows;
    int64_t tenant_id;
    int r;
    if ((r = lookup_open(me, o->postgres, LOOKUP_READING, &s)) != 0 ||
        (r = lookup_tenant(me, s, o->tenant, &tenant_id)) != 0)
        return r;
    params_i64(&p, tenant_id);
    r = lookup_run(me, s,
                   "SELECT u.user_id, u.role, coalesce(nullif(u.name, ''), n.name, ''), "
                   "u.email_masked, u.suspended, u.last_sign_in, u.created_at FROM access.users u "
                   "LEFT JOIN config.names n ON n.tenant_id = u.tenant_id AND n.id = u.user_id "
                   "WHERE u.tenant_id = $1::bigint AND u.deleted_at IS NULL ORDER BY 1",
                   &p, &rows);
    if (r) return r;
    static const char *const head[] = {"编号 number",  "角色 role",  "姓名 name",
                                       "邮箱 address", "状态 state", "最近登录 last sign-in"};
    for (size_t i = 0; i < 6; i++)
        table_add(&table, str(head[i]));
    for (size_t i = 0; i < rows_count(rows); i++) {
        bool suspended = rows_bool(rows, i, 4);
        if (o->json) {
            CLEANUP(buf_done) Buf line = {0};
            buf_addc(&line, '{');
            lookup_json_number(&line, "user_id", rows_int(rows, i, 0));
            lookup_json_text(&line, "role", rows_str(rows, i, 1));
            lookup_json_text(&line, "name", rows_str(rows, i, 2));
            lookup_json_text(&line, "email", rows_str(rows, i, 3));
            lookup_json_bool(&line, "suspended", suspended);
            lookup_json_time(&line, "last_sign_in", rows, i, 5);
            lookup_json_time(&line, "created_at", rows, i, 6);
            (void)printf("%s}\n", line.p);
            continue;
        }
        char when[20] = "-";
        if (!rows_null(rows, i, 5)) lookup_local_time(rows_time_ms(rows, i, 5), when);
        table_addf(&table, "%lld", (long long)rows_int(rows, i, 0));
        table_add(&table, rows_str(rows, i, 1));
        table_add(&table, rows_str(rows, i, 2));
        table_add(&table, rows_str(rows, i, 3));
        table_add(&table, str(suspended ? "停用 suspended" : "有效 good"));
        table_add(&table, str(when));
    }
    if (o->json) return 0;
    if (rows_count(rows) == 0)
        (void)puts("还没有用户 there is no user yet: docket user create --help");
    else
        table_print(&table, 6);
    return 0;
}

/* ---- change ---- */

static int change(const UserOptions *o, const char *verb, const char *who, const char *value) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    char hash[PASSWORD_HASH_BYTES] = "";
    int64_t tenant_id, id;
    const char *sql, *action, *did;
    int r;
    if ((r = lookup_open(me, o->postgres, LOOKUP_WRITING, &s)) != 0 ||
        (r = lookup_tenant(me, s, o->tenant, &tenant_id)) != 0 ||
        (r = find_user(o, s, tenant_id, who, &id)) != 0)
        return r;
    params_i64(&p, tenant_id);
    params_i64(&p, id);
    if (strcmp(verb, "password") == 0) {
        if ((r = hash_password(hash)) != 0) return r;
        params_text(&p, str(hash));
        sql = "UPDATE access.users SET password = $3::text, password_at = now(), updated_at = "
              "now(), version = version + 1 WHERE tenant_id = $1::bigint AND user_id = $2::bigint";
        action = "password_changed";
        did = "new password; its sessions are over";
    } else if (strcmp(verb, "role") == 0) {
        if ((r = check_role(s, tenant_id, value)) != 0) return r;
        params_text(&p, str(value));
        sql = "UPDATE access.users SET role = $3::text, updated_at = now(), version = version + 1 "
              "WHERE tenant_id = $1::bigint AND user_id = $2::bigint";
        action = "role_changed";
        did = "role changed";
    } else {
        params_bool(&p, !o->lift);
        sql = "UPDATE access.users SET suspended = $3::boolean, updated_at = now(), version = "
              "version + 1 WHERE tenant_id = $1::bigint AND user_id = $2::bigint";
        action = o->lift ? "user_restored" : "user_suspended";
        did = o->lift ? "may sign in again" : "suspended; refused within 5 s";
    }
    if ((r = lookup_run(me, s, sql, &p, NULL)) != 0 || (r = note(s, tenant_id, action, id)) != 0)
        return r;
    say_user(o, id, strcmp(verb, "role") == 0 ? value : NULL, did);
    return 0;
}

static int user_run(int argc, char **argv) {
    static const struct option options[] = {{"tenant", required_argument, NULL, 't'},
                                            {"email", required_argument, NULL, 'e'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"agent", required_argument, NULL, 'a'},
                                            {"agents", required_argument, NULL, 'A'},
                                            {"role", required_argument, NULL, 'r'},
                                            {"ring", required_argument, NULL, 'k'},
                                            {"postgres", required_argument, NULL, 'p'},
                                            {"no-password", no_argument, NULL, 'N'},
                                            {"if-missing", no_argument, NULL, 'i'},
                                            {"lift", no_argument, NULL, 'l'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    UserOptions o = {0};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        const char **text = NULL;
        bool *flag = NULL;
        switch (c) {
        case 't':
            text = &o.tenant;
            break;
        case 'e':
            text = &o.email;
            break;
        case 'n':
            text = &o.name;
            break;
        case 'a':
            text = &o.agent;
            break;
        case 'A':
            text = &o.agents;
            break;
        case 'r':
            text = &o.role;
            break;
        case 'k':
            text = &o.ring;
            break;
        case 'p':
            text = &o.postgres;
            break;
        case 'N':
            flag = &o.no_password;
            break;
        case 'i':
            flag = &o.if_missing;
            break;
        case 'l':
            flag = &o.lift;
            break;
        case 'j':
            flag = &o.json;
            break;
        default:
            return 2;
        }
        if (text) *text = optarg;
        if (flag) *flag = true;
    }
    int words = argc - optind;
    const char *verb = words > 0 ? argv[optind] : "";
    if (words == 1 && strcmp(verb, "create") == 0) return create(&o);
    if (words == 1 && strcmp(verb, "list") == 0) return list(&o);
    if (words == 2 && (strcmp(verb, "password") == 0 || strcmp(verb, "suspend") == 0))
        return change(&o, verb, argv[optind + 1], NULL);
    if (words == 3 && strcmp(verb, "role") == 0)
        return change(&o, verb, argv[optind + 1], argv[optind + 2]);
    (void)fprintf(stderr,
                  "%s: create, list, password USER, suspend USER or role USER ROLE; see docket "
                  "user --help\n",
                  me);
    return 2;
}

const Command user_command = {
    .name = "user",
    .summary = "who may sign in at the desk: create, list, password, suspend, role",
    .help = "Usage: docket user create --tenant NAME --email E --role R [--name N]\n"
            "                   [--agent A] [--no-password] [--if-missing] [--json] < PASSWORD\n"
            "       docket user create --tenant NAME --agents DOMAIN ... < PASSWORD\n"
            "       docket user list --tenant NAME [--json]\n"
            "       docket user password USER --tenant NAME [--json] < PASSWORD\n"
            "       docket user suspend USER --tenant NAME [--lift] [--json]\n"
            "       docket user role USER ROLE --tenant NAME [--json]\n"
            "\n"
            "A password is the first line of standard input, at least 10 characters. USER is a\n"
            "number, an e-mail address or an agent's name.\n"
            "\n"
            "  --role R         customer, agent, lead, manager, administrator, auditor, or one of\n"
            "                   the tenant's documents (section `roles`)\n"
            "  --agent A        the agent of the documents who that is; her groups are hers\n"
            "  --agents DOMAIN  every agent of the documents, as AGENT@DOMAIN\n"
            "  --no-password    does not sign in, but may have tokens: docket token create\n"
            "  --if-missing     leaves who is there already as he is\n"
            "  --lift           ends a suspension\n"
            "  --ring FILE      the key ring for addresses; default: DOCKET_KEYRING\n"
            "  --postgres URL   default: $DOCKET_POSTGRES_ADMIN; for list $DOCKET_POSTGRES\n"
            "  --json           one JSON object a line\n"
            "\n"
            "Exit: 0 good, 1 there is no such tenant, user, role or agent, or the address is\n"
            "taken, 2 usage or not possible.\n",
    .run = user_run,
};
