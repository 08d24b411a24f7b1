/* docket notify secret set, list, remove: what outside systems know us by. A secret comes on
 * standard input, is sealed here, and is never shown again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/cause.h"
#include "docket/apply_store.h"
#include "docket/notify_parts.h"
#include "documents/notifications.h"
#include "documents/problems.h"
#include "secrets/secret.h"

static const char me[] = "docket notify secret";

typedef struct Setting {
    const NotifyOptions *o;
    PostgresSession *s;
    Arena *arena;
    const Catalog *catalog; /* NULL: the tenant has no documents */
    int64_t tenant_id;
    const char *system;
    SecretUse use;
} Setting;

/* ---- Whose it is ---- */

static int read_documents(Setting *w) {
    CLEANUP(buf_done) Buf problem = {0};
    ApplyDocuments documents = {0};
    int64_t revision = 0;
    if (apply_read(w->s, w->tenant_id, w->arena, &revision, &documents, &problem) < 0) {
        (void)fprintf(stderr, "%s: %s\n", me, problem.p ? problem.p : "PostgreSQL did not answer");
        return 2;
    }
    if (!documents.n) return 0;
    w->catalog = catalog_compile(documents.sources, documents.n, revision, NULL, NULL, &problem);
    if (w->catalog) return 0;
    (void)fprintf(stderr, "%s: the tenant's documents cannot be read:\n%s", me, problem.p);
    return 2;
}

static int unknown_system(const Setting *w) {
    const OutsideSystem *all = NULL;
    size_t n = w->catalog ? catalog_systems(w->catalog, &all) : 0;
    Str *names = arena_alloc(w->arena, (n + 1) * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = all[i].name;
    names[n] = STR(SECRET_SMS_SYSTEM);
    (void)fprintf(stderr,
                  "%s: the documents have no system `%s`%s\nSystems stand in the section "
                  "`systems`: docket apply; the SMS gateway's account is that of `sms`\n",
                  me, w->system, did_you_mean(str(w->system), names, n + 1));
    return 1;
}

/* Of robots the address, unless it is said otherwise: without it nothing is sent. */
static int choose_kind(Setting *w, const OutsideSystem *system) {
    const char *way = system ? notify_way_name(system->by) : SECRET_SMS_SYSTEM;
    uint32_t fitting = secret_kinds_of(str(way));
    w->use.way = str(way);
    w->use.plain = w->o->plain;
    if (!fitting) {
        (void)fprintf(stderr, "%s: a system that is told by %s needs no secret\n", me, way);
        return 2;
    }
    for (int k = SECRET_KINDS; k-- > 0;)
        if (fitting >> k & 1) w->use.kind = (SecretKind)k;
    if (w->o->kind &&
        (secret_kind_parse(str(w->o->kind), &w->use.kind) < 0 || !(fitting >> w->use.kind & 1))) {
        (void)fprintf(stderr, "%s: no kind `%s`; a system that is told by %s has", me, w->o->kind,
                      way);
        for (int k = 0; k < SECRET_KINDS; k++)
            if (fitting >> k & 1) (void)fprintf(stderr, " %s", secret_kind_name((SecretKind)k));
        (void)fputc('\n', stderr);
        return 2;
    }
    if (w->o->manner && webhook_manner_parse(str(w->o->manner), &w->use.manner) < 0) {
        (void)fprintf(stderr, "%s: a manner is standard, zendesk or pagerduty, not `%s`\n", me,
                      w->o->manner);
        return 2;
    }
    if ((w->o->manner || w->o->fresh) && w->use.kind != SECRET_WEBHOOK) {
        (void)fprintf(stderr, "%s: --manner and --new are for webhooks\n", me);
        return 2;
    }
    return 0;
}

/* ---- The secret itself ---- */

/* What stands on standard input; of a terminal one line, which it does not show. 0, or 2. */
static int read_secret(const Setting *w, Buf *ret) {
    bool terminal = isatty(STDIN_FILENO), hidden = false;
    struct termios before, silent;
    if (terminal) {
        if (tcgetattr(STDIN_FILENO, &before) == 0) { /* first: who is asked may type at once */
            silent = before;
            silent.c_lflag &= ~(tcflag_t)ECHO;
            hidden = tcsetattr(STDIN_FILENO, TCSANOW, &silent) == 0;
        }
        (void)fprintf(stderr, "密钥 secret (%s, %s): ", w->system, secret_kind_name(w->use.kind));
    }
    buf_reserve(ret, 2 * SECRET_BYTES_MAX);
    while (ret->n <= SECRET_BYTES_MAX) {
        int c = getchar();
        if (c == EOF || (c == '\n' && terminal)) break;
        buf_addc(ret, (char)c);
    }
    if (hidden) {
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
        (void)fputc('\n', stderr);
    }
    while (ret->n && strchr("\r\n\t ", ret->p[ret->n - 1]))
        ret->p[--ret->n] = 0;
    if (ret->n) return 0;
    (void)fprintf(stderr, "%s: the secret comes on standard input: %s set %s ... < FILE\n", me, me,
                  w->system);
    return 2;
}

static int get_secret(const Setting *w, Buf *ret) {
    CLEANUP(buf_done) Buf problem = {0};
    if (w->o->fresh) {
        uint8_t key[WEBHOOK_KEY_BYTES];
        char text[WEBHOOK_SECRET_TEXT];
        random_bytes(key, sizeof(key));
        webhook_secret_text(key, text);
        buf_adds(ret, text);
        explicit_bzero(key, sizeof(key));
        explicit_bzero(text, sizeof(text));
        return 0;
    }
    int r = read_secret(w, ret);
    if (r) return r;
    if (secret_check(&w->use, buf_str(ret), &problem) == 0) return 0;
    (void)fprintf(stderr, "%s: %s\n", me, problem.p ? problem.p : "that is no such secret");
    return 2;
}

static void wipe(Buf *b) {
    if (b->p) explicit_bzero(b->p, b->room);
    buf_done(b);
}

/* ---- set ---- */

/* The current one becomes the one before, where two may live: of a webhook, signed in one manner.
 */
static const char *const make_room_sql[] = {
    "DELETE FROM notify.secrets WHERE tenant_id = $1::bigint AND system = $2::text AND "
    "kind = $3::text AND (place = 1 OR NOT $5::boolean OR manner IS DISTINCT FROM $4::text)",
    "UPDATE notify.secrets SET place = 1 WHERE tenant_id = $1::bigint AND system = $2::text AND "
    "kind = $3::text AND manner = $4::text AND $5::boolean"};
static const char insert_sql[] =
    "INSERT INTO notify.secrets (tenant_id, system, kind, manner, sealed, hint, created_by) VALUES "
    "($1::bigint, $2::text, $3::text, $4::text, $5::bytea, $6::text, $7::text)";

static void whose(const Setting *w, Params *p) {
    params_i64(p, w->tenant_id);
    params_text(p, str(w->system));
    params_text(p, str(secret_kind_name(w->use.kind)));
    if (w->use.kind == SECRET_WEBHOOK)
        params_text(p, str(webhook_manner_name(w->use.manner)));
    else
        params_null(p);
}

static int store(const Setting *w, const Buf *sealed, const Buf *hint, bool *ret_previous) {
    CLEANUP(params_done) Params room = {0}, made = {0};
    const PostgresRows *rows;
    whose(w, &room);
    params_bool(&room, w->use.kind == SECRET_WEBHOOK && !w->o->at_once);
    whose(w, &made);
    params_bytea(&made, buf_str(sealed));
    params_text(&made, buf_str(hint));
    params_text(&made, notify_actor(w->o));
    int r = lookup_run(me, w->s, "BEGIN", NULL, NULL);
    if (r == 0) r = lookup_run(me, w->s, make_room_sql[0], &room, NULL);
    if (r == 0) r = lookup_run(me, w->s, make_room_sql[1], &room, &rows);
    if (r == 0) *ret_previous = rows_affected(rows) > 0;
    if (r == 0) r = lookup_run(me, w->s, insert_sql, &made, NULL);
    return r ? r : lookup_run(me, w->s, "COMMIT", NULL, NULL);
}

static int seal(const Setting *w, const Buf *clear, Buf *ret) {
    CLEANUP(buf_done) Buf problem = {0};
    if (!w->o->ring || !*w->o->ring) {
        (void)fprintf(stderr,
                      "%s: which key ring? Give --ring FILE or set DOCKET_KEYRING: the one that "
                      "the notifiers have\n",
                      me);
        return 2;
    }
    CLEANUP(vault_freep) Vault *vault = vault_open(w->o->ring, &problem);
    if (vault &&
        secret_seal(vault, w->tenant_id, str(w->system), w->use.kind, buf_str(clear), ret) == 0)
        return 0;
    (void)fprintf(stderr, "%s: %s\n", me, problem.p ? problem.p : "it cannot be sealed");
    return 2;
}

static void say_set(const Setting *w, const Buf *clear, const Buf *hint, bool previous) {
    if (w->o->json) {
        CLEANUP(buf_done) Buf b = {0};
        buf_addc(&b, '{');
        lookup_json_text(&b, "system", str(w->system));
        lookup_json_text(&b, "kind", str(secret_kind_name(w->use.kind)));
        lookup_json_text(&b, "hint", buf_str(hint));
        lookup_json_bool(&b, "previous_is_good", previous);
        if (w->o->fresh) lookup_json_text(&b, "secret", buf_str(clear));
        (void)printf("%s}\n", b.p);
        wipe(&b);
        return;
    }
    (void)fprintf(stderr, "已保存 %s 的 %s kept, in force within 2 s: %s\n", w->system,
                  secret_kind_name(w->use.kind), hint->p);
    if (previous)
        (void)fprintf(stderr,
                      "前一个仍有效 the one before is still good: docket notify secret remove %s "
                      "--tenant %s --previous\n",
                      w->system, w->o->tenant);
    if (w->o->fresh) {
        (void)fputs("只显示这一次 shown this once:\n", stderr);
        (void)printf("%s\n", clear->p);
    }
}

/* Somebody who mends what was wrong with a paused one wants it to go on. */
static void say_paused(const Setting *w) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    params_i64(&p, w->tenant_id);
    params_text(&p, str(w->system));
    if (w->o->json ||
        lookup_run(me, w->s,
                   "SELECT destination FROM notify.destinations WHERE tenant_id = $1::bigint AND "
                   "destination = 'robot:' || $2::text AND paused_at IS NOT NULL LIMIT 1",
                   &p, &rows) ||
        !rows_count(rows))
        return;
    (void)fprintf(stderr, "它已暂停 it is paused: docket notify resume '%.*s' --tenant %s\n",
                  STR_ARG(rows_str(rows, 0, 0)), w->o->tenant);
}

static int set(Setting *w) {
    CLEANUP(wipe) Buf clear = {0};
    CLEANUP(buf_done) Buf sealed = {0}, hint = {0};
    bool previous = false;
    const OutsideSystem *system = w->catalog ? catalog_system(w->catalog, str(w->system)) : NULL;
    if (!system && strcmp(w->system, SECRET_SMS_SYSTEM) != 0) return unknown_system(w);
    int r = choose_kind(w, system);
    if (r || (r = get_secret(w, &clear)) != 0 || (r = seal(w, &clear, &sealed)) != 0) return r;
    secret_hint(w->use.kind, buf_str(&clear), &hint);
    if ((r = store(w, &sealed, &hint, &previous)) != 0) return r;
    say_set(w, &clear, &hint, previous);
    say_paused(w);
    return 0;
}

/* ---- list ---- */

enum { C_SYSTEM, C_KIND, C_PLACE, C_MANNER, C_HINT, C_AT, C_BY };

static void list_row(const Setting *w, Table *t, const PostgresRows *rows, size_t i) {
    Str name = rows_str(rows, i, C_SYSTEM);
    const OutsideSystem *system = w->catalog ? catalog_system(w->catalog, name) : NULL;
    bool sms = str_is(rows_str(rows, i, C_KIND), secret_kind_name(SECRET_SMS));
    if (w->o->json) {
        CLEANUP(buf_done) Buf b = {0};
        buf_addc(&b, '{');
        lookup_json_text(&b, "system", name);
        lookup_json_text(&b, "kind", rows_str(rows, i, C_KIND));
        lookup_json_bool(&b, "previous", rows_int(rows, i, C_PLACE) == 1);
        lookup_json_text(&b, "manner", rows_str(rows, i, C_MANNER));
        lookup_json_text(&b, "hint", rows_str(rows, i, C_HINT));
        lookup_json_time(&b, "created_at", rows, i, C_AT);
        lookup_json_text(&b, "created_by", rows_str(rows, i, C_BY));
        lookup_json_bool(&b, "used", system || sms);
        (void)printf("%s}\n", b.p);
        return;
    }
    char when[20];
    lookup_local_time(rows_time_ms(rows, i, C_AT), when);
    table_add(t, name);
    table_add(t, system ? str(notify_way_name(system->by)) : sms ? STR("sms") : STR("不用 unused"));
    table_addf(t, "%.*s%s%.*s", STR_ARG(rows_str(rows, i, C_KIND)),
               rows_null(rows, i, C_MANNER) ? "" : " ", STR_ARG(rows_str(rows, i, C_MANNER)));
    table_add(t, rows_int(rows, i, C_PLACE) ? STR("前一个 previous") : STR("当前 current"));
    table_add(t, rows_str(rows, i, C_HINT));
    table_add(t, str(when));
    table_add(t, rows_str(rows, i, C_BY));
}

static bool is_there(const PostgresRows *rows, Str system, SecretKind kind) {
    for (size_t i = 0; i < rows_count(rows); i++)
        if (str_eq(rows_str(rows, i, C_SYSTEM), system) &&
            str_is(rows_str(rows, i, C_KIND), secret_kind_name(kind)))
            return true;
    return false;
}

/* Robots without an address are told nothing; webhooks without a secret are not signed. */
static void say_missing(const Setting *w, const PostgresRows *rows) {
    const OutsideSystem *all = NULL;
    size_t n = w->catalog ? catalog_systems(w->catalog, &all) : 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t kinds = secret_kinds_of(str(notify_way_name(all[i].by)));
        if (kinds >> SECRET_ADDRESS & 1 && !is_there(rows, all[i].name, SECRET_ADDRESS))
            (void)fprintf(stderr, "缺 `%.*s`: no address, nothing is sent there: %s set %.*s\n",
                          STR_ARG(all[i].name), me, STR_ARG(all[i].name));
        if (kinds >> SECRET_WEBHOOK & 1 && !is_there(rows, all[i].name, SECRET_WEBHOOK))
            (void)fprintf(stderr,
                          "缺 `%.*s`: no secret, its webhooks are not signed: %s set %.*s\n",
                          STR_ARG(all[i].name), me, STR_ARG(all[i].name));
    }
}

static int list(Setting *w) {
    static const char *const head[] = {"系统 system", "方式 way", "种类 kind", "哪个 which",
                                       "特征 hint",   "自 since", "由 by"};
    CLEANUP(params_done) Params p = {0};
    CLEANUP(table_done) Table t = {0};
    const PostgresRows *rows;
    params_i64(&p, w->tenant_id);
    int r = lookup_run(me, w->s,
                       "SELECT system, kind, place, manner, hint, created_at, created_by FROM "
                       "notify.secrets WHERE tenant_id = $1::bigint ORDER BY 1, 2, 3",
                       &p, &rows);
    if (r) return r;
    for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
        table_add(&t, str(head[i]));
    for (size_t i = 0; i < rows_count(rows); i++)
        list_row(w, &t, rows, i);
    if (!w->o->json && rows_count(rows))
        table_print(&t, sizeof(head) / sizeof(*head));
    else if (!w->o->json)
        (void)puts("还没有密钥 there is no secret yet");
    say_missing(w, rows);
    return 0;
}

/* ---- remove ---- */

static int forget(Setting *w) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    if (w->o->kind && secret_kind_parse(str(w->o->kind), &w->use.kind) < 0) {
        (void)fprintf(stderr, "%s: no kind `%s`: address, sign, webhook or sms\n", me, w->o->kind);
        return 2;
    }
    params_i64(&p, w->tenant_id);
    params_text(&p, str(w->system));
    params_text(&p, str(w->o->kind ? w->o->kind : ""));
    params_bool(&p, w->o->previous);
    int r = lookup_run(me, w->s,
                       "WITH gone AS (DELETE FROM notify.secrets WHERE tenant_id = $1::bigint AND "
                       "system = $2::text AND $3::text IN ('', kind) AND (place = 1 OR NOT "
                       "$4::boolean) RETURNING 1) SELECT count(*) FROM gone",
                       &p, &rows);
    if (r) return r;
    int64_t n = rows_int(rows, 0, 0);
    if (n == 0) {
        (void)fprintf(stderr, "%s: `%s` has no such secret; docket notify secret list\n", me,
                      w->system);
        return 1;
    }
    if (w->o->json)
        (void)printf("{\"removed\":%lld}\n", (long long)n);
    else
        (void)printf("已删除 removed: %lld\n", (long long)n);
    return 0;
}

int notify_secret(const NotifyOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    Setting w = {.o = o, .arena = arena, .system = o->words_n > 1 ? o->words[1] : NULL};
    bool lists = !strcmp(o->words[0], "list"), sets = !strcmp(o->words[0], "set"),
         removes = !strcmp(o->words[0], "remove");
    if (!(lists && !w.system) && !((sets || removes) && w.system && *w.system)) {
        (void)fprintf(stderr, "%s: list, set SYSTEM or remove SYSTEM; see docket notify --help\n",
                      me);
        return 2;
    }
    int r = lookup_open(me, o->postgres, lists ? LOOKUP_READING : LOOKUP_WRITING, &s);
    w.s = s;
    if (r || (r = lookup_tenant(me, s, o->tenant, &w.tenant_id)) != 0) return r;
    if (!removes && (r = read_documents(&w)) != 0) return r;
    r = lists ? list(&w) : sets ? set(&w) : forget(&w);
    catalog_unref(w.catalog);
    return r;
}
