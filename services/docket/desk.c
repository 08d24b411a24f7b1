/* docket desk rebuild -- the desk's projection made again from the tickets, while everything runs.
 */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "docket/command.h"
#include "docket/lookup.h"
#include "docket/options.h"

static const char me[] = "docket desk";

enum { PAGE = 1000, TENANTS_MAX = 10000 };

typedef struct DeskOptions {
    const char *postgres, *tenant;
    bool json;
} DeskOptions;

/* Every ticket compared with its index row, a page a transaction; then the counters. */
static int rebuild_one(PostgresSession *s, int64_t tenant, const DeskOptions *o) {
    bool progress = isatty(STDERR_FILENO);
    const PostgresRows *rows;
    CLEANUP(params_done) Params p = {0};
    int64_t here = 0, pages = 0;
    for (;;) {
        params_clear(&p);
        params_i64(&p, tenant);
        params_i64(&p, here);
        params_i32(&p, PAGE);
        int r = lookup_run(me, s, "SELECT desk.rebuild($1::bigint, $2::bigint, $3::integer)", &p,
                           &rows);
        if (r) return r;
        pages++;
        if (rows_null(rows, 0, 0)) break;
        here = rows_int(rows, 0, 0);
        if (progress && pages % 20 == 0)
            (void)fprintf(stderr, "\r\033[K%lld 页 pages", (long long)pages);
    }
    if (progress) (void)fprintf(stderr, "\r\033[K");
    params_clear(&p);
    params_i64(&p, tenant);
    int r = lookup_run(me, s, "SELECT desk.recount($1::bigint)", &p, &rows);
    if (r) return r;
    if (o->json)
        (void)printf("{\"tenant_id\":%lld,\"pages\":%lld,\"counters_put_right\":%lld}\n",
                     (long long)tenant, (long long)pages, (long long)rows_int(rows, 0, 0));
    else
        (void)printf(
            "租户 tenant %lld: %lld 页 pages of tickets, 更正计数 counters put right: %lld\n",
            (long long)tenant, (long long)pages, (long long)rows_int(rows, 0, 0));
    return 0;
}

static int rebuild(const DeskOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(mem_freep) int64_t *tenants = xcalloc(TENANTS_MAX, sizeof(*tenants));
    const PostgresRows *rows;
    size_t n = 1;
    int r = lookup_open(me, o->postgres, LOOKUP_WRITING, &s);
    /* Its statements wait for the followers and hold them up: with patience, but not for ever. */
    if (r == 0) r = lookup_run(me, s, "SET lock_timeout = '60s'", NULL, NULL);
    if (r == 0) r = lookup_run(me, s, "SET statement_timeout = '10min'", NULL, NULL);
    if (r) return r;
    if (o->tenant) {
        if ((r = lookup_tenant(me, s, o->tenant, tenants)) != 0) return r;
    } else {
        r = lookup_run(me, s, "SELECT tenant_id FROM docket.tenants ORDER BY 1", NULL, &rows);
        if (r) return r;
        for (n = 0; n < rows_count(rows) && n < TENANTS_MAX; n++)
            tenants[n] = rows_int(rows, n, 0);
    }
    for (size_t i = 0; i < n && r == 0; i++)
        r = rebuild_one(s, tenants[i], o);
    return r;
}

static int desk_run(int argc, char **argv) {
    DeskOptions o = {0};
    const Option options[] = {{"tenant", OPTION_TEXT, &o.tenant, 0, 0},
                              {"postgres", OPTION_TEXT, &o.postgres, 0, 0},
                              {"json", OPTION_FLAG, &o.json, 0, 0}};
    if (options_read(me, argc, argv, options, 3)) return 2;
    if (argc - optind == 1 && strcmp(argv[optind], "rebuild") == 0) return rebuild(&o);
    (void)fprintf(stderr, "%s: rebuild; see docket desk --help\n", me);
    return 2;
}

const Command desk_command = {
    .name = "desk",
    .summary = "the desk's lists and counts, made again from the tickets",
    .help = "Usage: docket desk rebuild [--tenant NAME] [--json]\n"
            "\n"
            "Compares every ticket with its row of the desk's index, puts right what differs,\n"
            "removes what has no ticket, and counts again. Everything goes on meanwhile: the\n"
            "desks' followers wait for a page at a time, and for the counting at the end.\n"
            "\n"
            "  --tenant NAME    only this one; default: every tenant\n"
            "  --postgres URL   default: $DOCKET_POSTGRES_ADMIN\n"
            "  --json           one JSON object a line\n"
            "\n"
            "Exit: 0 good, 2 usage or not possible.\n",
    .run = desk_run,
};
