/* docket migrate -- brings the database to the schema that this program's services need. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "docket/command.h"
#include "docket/migrations.h"
#include "postgres/session.h"

/* The runner's own table is there before the first migration, and names what was applied. */
static const char bookkeeping[] =
    "CREATE SCHEMA IF NOT EXISTS docket;"
    "CREATE TABLE IF NOT EXISTS docket.migrations ("
    "  number integer PRIMARY KEY, name text NOT NULL, checksum bytea NOT NULL,"
    "  applied_at timestamptz NOT NULL DEFAULT now(), applied_by text NOT NULL DEFAULT "
    "current_user);"
    "COMMENT ON TABLE docket.migrations IS 'owner: docket migrate. One row per migration, for "
    "ever'";

typedef struct Options {
    const char *postgres, *directory;
    bool check, json;
} Options;

typedef struct Report {
    Buf applied; /* JSON strings, joined by ',' */
    size_t applied_n, pending_n, known_n;
} Report;

/* Everything below: 0, or -EIO and the like with a sentence in *ret_problem. */

/* How many of the files the database holds already. */
static int compare(PostgresSession *s, const Migrations *m, size_t *ret_known, Buf *ret_problem) {
    const PostgresRows *rows;
    int r = postgres_session_run(s, "SELECT to_regclass('docket.migrations') IS NOT NULL", NULL,
                                 &rows, ret_problem);
    if (r < 0) return r;
    *ret_known = 0;
    if (!rows_bool(rows, 0, 0)) return 0;
    r = postgres_session_run(s, "SELECT number, name, checksum FROM docket.migrations ORDER BY 1",
                             NULL, &rows, ret_problem);
    if (r < 0) return r;
    for (size_t i = 0; i < rows_count(rows); i++) {
        int32_t number = (int32_t)rows_int(rows, i, 0);
        r = migrations_match(m, number, rows_str(rows, i, 1), rows_str(rows, i, 2), ret_problem);
        if (r < 0) return r;
        if (number != (int32_t)i + 1) {
            buf_printf(ret_problem, "the database lacks migration %04zu but holds later ones",
                       i + 1);
            return -EINVAL;
        }
    }
    *ret_known = rows_count(rows);
    return 0;
}

static int apply(PostgresSession *s, const Migration *m, Buf *ret_problem) {
    CLEANUP(params_done) Params row = {0};
    params_i32(&row, m->number);
    params_text(&row, str(m->name));
    params_bytea(&row, (Str){(const char *)m->checksum, sizeof(m->checksum)});
    buf_printf(ret_problem, "%s: ", m->name);
    int r = postgres_session_run(s, "BEGIN", NULL, NULL, ret_problem);
    if (r == 0) r = postgres_session_script(s, m->text, ret_problem);
    if (r == 0)
        r = postgres_session_run(s,
                                 "INSERT INTO docket.migrations (number, name, checksum) "
                                 "VALUES ($1::integer, $2::text, $3::bytea)",
                                 &row, NULL, ret_problem);
    if (r == 0) r = postgres_session_run(s, "COMMIT", NULL, NULL, ret_problem);
    if (r == 0) buf_clear(ret_problem);
    return r; /* after a failure the session is closed, which rolls back */
}

static int migrate(PostgresSession *s, const Migrations *m, const Options *o, Report *report,
                   Buf *ret_problem) {
    int r = 0;
    /* Whoever comes second waits here, then finds nothing left to do. */
    if (!o->check)
        r = postgres_session_run(s,
                                 "SELECT pg_advisory_lock(hashtextextended('docket.migrate', 0))",
                                 NULL, NULL, ret_problem);
    if (r == 0) r = compare(s, m, &report->known_n, ret_problem);
    if (r == 0 && !o->check && report->known_n < m->n)
        r = postgres_session_script(s, bookkeeping, ret_problem);
    for (size_t i = report->known_n; r == 0 && i < m->n; i++) {
        if (!o->check) r = apply(s, &m->files[i], ret_problem);
        if (r < 0) return r;
        if (report->applied.n) buf_addc(&report->applied, ',');
        buf_add_json(&report->applied, str(m->files[i].name));
        if (o->check)
            report->pending_n++;
        else
            report->applied_n++;
        if (!o->json) (void)printf("%s %s\n", o->check ? "pending" : "applied", m->files[i].name);
    }
    return r;
}

static int parse(int argc, char **argv, Options *ret) {
    static const struct option long_options[] = {{"postgres", required_argument, NULL, 'p'},
                                                 {"directory", required_argument, NULL, 'd'},
                                                 {"check", no_argument, NULL, 'c'},
                                                 {"json", no_argument, NULL, 'j'},
                                                 {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (c) {
        case 'p':
            ret->postgres = optarg;
            break;
        case 'd':
            ret->directory = optarg;
            break;
        case 'c':
            ret->check = true;
            break;
        case 'j':
            ret->json = true;
            break;
        default:
            return -EINVAL;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "docket migrate: it takes no argument, but got `%s`\n", argv[optind]);
        return -EINVAL;
    }
    return 0;
}

static int run(int argc, char **argv) {
    Options o = {0};
    if (parse(argc, argv, &o) < 0) {
        (void)fputs("docket migrate --help says how it is called\n", stderr);
        return 2;
    }
    CLEANUP(buf_done) Buf problem = {0};
    CLEANUP(buf_done) Buf directory = {0};
    CLEANUP(migrations_done) Migrations m = {0};
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    Report report = {0};
    if (!o.directory && !migrations_find(&directory)) {
        (void)fputs(
            "docket migrate: the migrations are not beside this program; give --directory\n",
            stderr);
        return 2;
    }
    if (!o.directory) o.directory = directory.p;
    if (migrations_read(o.directory, &m, &problem) < 0) {
        (void)fprintf(stderr, "docket migrate: %s\n", problem.p);
        return 2;
    }
    if (!o.postgres)
        o.postgres = command_environment("DOCKET_POSTGRES_ADMIN", "the role that owns the schema");
    if (postgres_session_open(o.postgres, "docket migrate", 0, &s, &problem) < 0) {
        (void)fprintf(stderr, "docket migrate: %s\n", problem.p);
        return 2;
    }
    int r = migrate(s, &m, &o, &report, &problem);
    size_t now = report.known_n + report.applied_n;
    if (r < 0) (void)fprintf(stderr, "docket migrate: %s\n", problem.p);
    if (o.json)
        (void)printf("{\"ok\":%s,\"version\":%zu,\"known\":%zu,\"%s\":[%s]}\n",
                     r < 0 || report.pending_n ? "false" : "true", now, m.n,
                     o.check ? "pending" : "applied", report.applied.n ? report.applied.p : "");
    else if (r == 0 && report.pending_n == 0)
        (void)printf("the schema is at %04zu%s\n", now, report.applied_n ? "" : ", nothing to do");
    buf_done(&report.applied);
    return r < 0 || report.pending_n ? 1 : 0;
}

const Command migrate_command = {
    .name = "migrate",
    .summary = "bring the database to the schema that the services need",
    .help = "Usage: docket migrate [--check] [--postgres URL] [--directory DIR] [--json]\n"
            "\n"
            "Applies the numbered SQL files that the database does not hold yet, each in one\n"
            "transaction. Calling it again, or twice at once, does no harm. Refuses a database\n"
            "whose migrations were changed afterwards, or that a newer release has migrated.\n"
            "\n"
            "  --check          change nothing; exit 1 when migrations are pending\n"
            "  --postgres URL   the role that owns the schema; default: $DOCKET_POSTGRES_ADMIN\n"
            "  --directory DIR  the files; default: $DOCKET_MIGRATIONS, else deploy/migrations\n"
            "                   above this program\n"
            "  --json           one JSON object: ok, version, known, applied or pending\n",
    .run = run};
