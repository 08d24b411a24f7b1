/* docket verify -- waits until nothing is under way, then proves the invariants and names what
 * breaks them. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "docket/command.h"
#include "docket/lookup.h"
#include "docket/verify_checks.h"
#include "docket/verify_internal.h"

int verify_check(Verify *v, const VerifyCheck *check) {
    Finding *f = verify_begin(v, check->promise);
    CLEANUP(buf_done) Buf sql = {0};
    const PostgresRows *rows;
    buf_printf(&sql, "SELECT (%s)::bigint", check->counted);
    if (!(rows = verify_query(v, sql.p, NULL))) return -1;
    f->checked = rows_int(rows, 0, 0);
    buf_clear(&sql);
    buf_printf(&sql,
               "SELECT b.t::bigint, b.s::text, b.p::text, (count(*) OVER ())::bigint FROM (%s) "
               "b(t, s, p) WHERE %lld IN (0, b.t::bigint) LIMIT %d",
               check->broken, (long long)v->only, VERIFY_OFFENDERS_SHOWN);
    if (!(rows = verify_query(v, sql.p, NULL))) return -1;
    for (size_t r = 0; r < rows_count(rows); r++)
        finding_broken(f, rows_int(rows, r, 0), "%.*s: %.*s", STR_ARG(rows_str(rows, r, 1)),
                       STR_ARG(rows_str(rows, r, 2)));
    if (rows_count(rows)) f->broken = rows_int(rows, 0, 3);
    return 0;
}

int verify_rows(Verify *v) {
    for (size_t i = 0; i < verify_checks_n; i++)
        if (verify_check(v, &verify_checks[i]) < 0) return -1;
    return 0;
}

static void verify_done(Verify *v) {
    for (size_t i = 0; i < v->findings_n; i++) {
        free(v->findings[i].promise);
        for (size_t k = 0; k < v->findings[i].offenders_n; k++)
            free(v->findings[i].offenders[k]);
    }
    (void)postgres_session_free(v->postgres);
    (void)redis_session_free(v->redis);
    buf_done(&v->trouble);
}

/* 0 once nothing is under way, -1 with v->trouble when that does not come in time. */
static int wait_until_quiet(Verify *v, int64_t wait_ms) {
    int64_t began = clock_monotonic_ms();
    bool progress = isatty(STDERR_FILENO), said = false;
    for (;;) {
        CLEANUP(buf_done) Buf what = {0};
        int64_t under_way = verify_under_way(v, &what);
        if (under_way < 0) return -1;
        int64_t waited = clock_monotonic_ms() - began;
        if (progress && (said || waited > 1000)) {
            (void)fprintf(stderr, "\r\033[K等待 waiting %llds: %s", (long long)(waited / 1000),
                          under_way ? what.p : "");
            said = true;
        }
        if (under_way == 0 || waited >= wait_ms) {
            if (said) (void)fprintf(stderr, "\r\033[K");
            if (under_way == v->reservations) return 0;
            buf_printf(&v->trouble,
                       "still under way after %lld s: %s. Are the routers running? Give --wait "
                       "SECONDS for more "
                       "patience",
                       (long long)(wait_ms / 1000), what.p);
            return -1;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
    }
}

static int read_seconds(const char *option, int64_t *ret) {
    if (str_to_i64(str(optarg), ret) == 0 && *ret >= 0 && *ret <= 86400) return 0;
    (void)fprintf(stderr, "docket verify: %s: seconds from 0 to 86400, not '%s'\n", option, optarg);
    return -1;
}

static int verify_run(int argc, char **argv) {
    static const struct option options[] = {
        {"accepted", required_argument, NULL, 'a'}, {"wait", required_argument, NULL, 'w'},
        {"json", no_argument, NULL, 'j'},           {"rows-only", no_argument, NULL, 'o'},
        {"postgres", required_argument, NULL, 'p'}, {"kafka", required_argument, NULL, 'k'},
        {"redis", required_argument, NULL, 'r'},    {"tenant", required_argument, NULL, 't'},
        {"grace", required_argument, NULL, 'g'},    {0}};
    const char *accepted = NULL, *postgres = NULL, *tenant = NULL;
    bool json = false, rows_only = false;
    int64_t wait_s = 30, grace_s = 60;
    CLEANUP(verify_done) Verify v = {0};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'a':
            accepted = optarg;
            break;
        case 'w':
            if (read_seconds("--wait", &wait_s) < 0) return 2;
            break;
        case 'g':
            if (read_seconds("--grace", &grace_s) < 0) return 2;
            break;
        case 'j':
            json = true;
            break;
        case 'o':
            rows_only = true;
            break;
        case 'p':
            postgres = optarg;
            break;
        case 'k':
            v.brokers = optarg;
            break;
        case 'r':
            v.redis_url = optarg;
            break;
        case 't':
            tenant = optarg;
            break;
        default:
            return 2;
        }
    }
    if (!postgres)
        postgres = command_environment("DOCKET_POSTGRES", "a role that may read every tenant");
    if (!rows_only) {
        if (!v.brokers)
            v.brokers = command_environment("DOCKET_KAFKA", "the brokers, host:port,host:port");
        if (!v.redis_url)
            v.redis_url = command_environment("DOCKET_REDIS", "redis://:password@host:port");
    }

    v.postgres_url = postgres;
    v.grace_ms = grace_s * 1000;
    int r = postgres_session_open(postgres, "docket-verify", 0, &v.postgres, &v.trouble);
    if (r == 0 && tenant && lookup_tenant("docket verify", v.postgres, tenant, &v.only)) return 2;
    if (r == 0 && v.redis_url && !rows_only &&
        redis_session_open(v.redis_url, 0, &v.redis, &v.trouble) < 0)
        r = -1;
    if (r == 0 && !rows_only) r = wait_until_quiet(&v, wait_s * 1000);
    if (r == 0) r = postgres_session_script(v.postgres, verify_prepare_sql, &v.trouble);
    if (r == 0 && accepted) r = verify_accepted(&v, accepted);
    if (r == 0) r = verify_rows(&v);
    if (r == 0) r = verify_promises(&v);
    if (r == 0) r = verify_notify(&v);
    if (r == 0) r = verify_analytics(&v, !rows_only);
    if (r == 0 && !rows_only) r = verify_desk(&v);
    if (r == 0 && v.redis) r = verify_redis(&v);
    if (r == 0 && v.brokers) r = verify_topics(&v);
    if (r < 0) {
        (void)fprintf(stderr, "docket verify: %s\n",
                      v.trouble.p ? v.trouble.p : "a server did not answer");
        return 2;
    }
    return (json ? verify_print_json(&v) : verify_print_people(&v)) ? 1 : 0;
}

const Command verify_command = {
    .name = "verify",
    .summary = "prove that nothing is lost or doubled and every record is whole",
    .help =
        "Usage: docket verify [--accepted FILE] [--tenant NAME] [--wait S] [--grace S] [--json] "
        "[--rows-only]\n"
        "\n"
        "Waits until no message, outbox row or reservation is under way, then proves: every "
        "accepted id is in\n"
        "PostgreSQL exactly once; every ledger is gap-free and a legal path; every ticket row "
        "equals the projection\n"
        "of its ledger; Redis's load equals the assigned and in-progress tickets and its "
        "queues the waiting ones;\n"
        "every submission in the topics became a ticket; the desk's index and counters equal the "
        "tickets; nothing is in docket.dead or left in "
        "an outbox; every promise that fell due was told once, and none that did not; the figures "
        "of analytics "
        "are those of the ledgers.\n"
        "\n"
        "  --accepted FILE  lines of 'tenant ticket [key]' or 'ticket', as docket surge writes "
        "them\n"
        "  --tenant NAME    only what is broken of this tenant; the numbers looked at stay those "
        "of "
        "all\n"
        "  --wait S         patience until everything is quiet, default 30\n"
        "  --grace S        what has been due for so long must be on record, default 60\n"
        "  --rows-only      only what PostgreSQL holds, without waiting\n"
        "  --json           for programs\n"
        "  --postgres URL --kafka BROKERS --redis URL   default: DOCKET_POSTGRES, "
        "DOCKET_KAFKA, DOCKET_REDIS\n"
        "\n"
        "Exit: 0 verified, 1 something is broken (the first offenders are named), 2 could not "
        "be looked at.\n",
    .run = verify_run,
};
