/* docket analytics -- the figures of tickets, emptied so that they are told anew from the ledger.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "docket/command.h"
#include "docket/lookup.h"
#include "docket/options.h"

static const char me[] = "docket analytics";

enum { SAY_AFTER_MS = 2000, LOOK_MS = 200, SILENT_MS = 60000 };

typedef struct Rebuild {
    const char *postgres, *tenant;
    bool json, no_wait;
} Rebuild;

typedef struct Progress {
    int64_t partitions, per_mille; /* of all of them, how much was looked through */
    int64_t tickets;               /* that have figures */
} Progress;

static int look(PostgresSession *s, int64_t tenant_id, Progress *ret) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    params_i64(&p, tenant_id);
    int r = lookup_run(me, s,
                       "SELECT count(*)::bigint, coalesce(avg(floor(filled * 1000)), 1000)::bigint,"
                       " (SELECT count(*)::bigint FROM analytics.tickets t WHERE"
                       "  $1::bigint IN (0, t.tenant_id)) FROM analytics.partitions",
                       &p, &rows);
    if (r) return r;
    *ret = (Progress){rows_int(rows, 0, 0), rows_int(rows, 0, 1), rows_int(rows, 0, 2)};
    return 0;
}

static int empty(const Rebuild *o, PostgresSession *s, int64_t tenant_id, int64_t *ret_went) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    if (o->tenant) {
        params_array(&p, PARAM_INT8, 1);
        params_element_i64(&p, tenant_id);
    } else {
        params_null(&p);
    }
    int r = lookup_run(me, s, "SELECT analytics.empty($1::bigint[])", &p, &rows);
    if (r == 0) *ret_went = rows_int(rows, 0, 0);
    return r;
}

/* Until everything has figures again; nobody who fills for a minute: says so and leaves. */
static int wait_until_filled(const Rebuild *o, PostgresSession *s, int64_t tenant_id,
                             Progress *ret) {
    int64_t began = clock_monotonic_ms(), moved = began;
    bool people = !o->json && isatty(STDERR_FILENO);
    Progress last = {0};
    for (;;) {
        int r = look(s, tenant_id, ret);
        int64_t now = clock_monotonic_ms();
        if (r) return r;
        if (ret->per_mille != last.per_mille || ret->tickets != last.tickets) moved = now;
        last = *ret;
        if (people && now - began >= SAY_AFTER_MS)
            (void)fprintf(stderr, "\r\033[K重算 telling anew %lld%%, %lld tickets",
                          (long long)(ret->per_mille / 10), (long long)ret->tickets);
        bool done = ret->per_mille >= 1000;
        if ((done || now - moved >= SILENT_MS) && people && now - began >= SAY_AFTER_MS)
            (void)fprintf(stderr, "\r\033[K");
        if (done) return 0;
        if (now - moved >= SILENT_MS) {
            (void)fprintf(stderr,
                          "%s: nothing has been filled for %d s. Is an analytics running? It goes "
                          "on where it is as soon as one does\n",
                          me, SILENT_MS / 1000);
            return 1;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
}

static int rebuild(const Rebuild *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    int64_t tenant_id = 0, went = 0, began = clock_monotonic_ms();
    Progress now = {0};
    int r = lookup_open(me, o->postgres, LOOKUP_READING, &s);
    if (r == 0 && o->tenant) r = lookup_tenant(me, s, o->tenant, &tenant_id);
    if (r == 0) r = empty(o, s, tenant_id, &went);
    if (r == 0) r = look(s, tenant_id, &now);
    if (r) return r;
    if (now.partitions && !o->no_wait && (r = wait_until_filled(o, s, tenant_id, &now))) return r;
    double seconds = (double)(clock_monotonic_ms() - began) / 1000;
    bool complete = now.partitions && now.per_mille >= 1000;
    if (o->json)
        (void)printf("{\"emptied\":%lld,\"tickets\":%lld,\"complete\":%s,\"seconds\":%.3f}\n",
                     (long long)went, (long long)now.tickets, complete ? "true" : "false", seconds);
    else if (complete)
        (void)printf("统计已重算 told anew: %lld tickets in %.1f s\n", (long long)now.tickets,
                     seconds);
    else
        (void)printf("统计已清空 emptied: %lld tickets; an analytics tells them anew from the "
                     "ledger\n",
                     (long long)went);
    return 0;
}

static int analytics_run(int argc, char **argv) {
    Rebuild o = {0};
    const Option options[] = {{.name = "postgres", .kind = OPTION_TEXT, .to = &o.postgres},
                              {.name = "tenant", .kind = OPTION_TEXT, .to = &o.tenant},
                              {.name = "json", .kind = OPTION_FLAG, .to = &o.json},
                              {.name = "no-wait", .kind = OPTION_FLAG, .to = &o.no_wait}};
    int r = options_read(me, argc, argv, options, sizeof(options) / sizeof(*options));
    if (r) return r;
    if (optind == argc) return options_misused(me, "what to do? Give `rebuild`", NULL);
    if (strcmp(argv[optind], "rebuild") != 0)
        return options_misused(me, "no such thing to do", argv[optind]);
    if (optind + 1 < argc) return options_misused(me, "too many words", argv[optind + 1]);
    return rebuild(&o);
}

const Command analytics_command = {
    .name = "analytics",
    .summary = "tell the figures of tickets anew from the ledger",
    .help =
        "Usage: docket analytics rebuild [--tenant NAME] [--no-wait] [--json]\n"
        "\n"
        "Empties the figures that reports are made of, in one step, and waits until the services "
        "have told\n"
        "them anew from the ledger. Events go on being followed meanwhile; reports say how much "
        "they are based on.\n"
        "\n"
        "  --tenant NAME   only of this tenant\n"
        "  --no-wait       do not wait until everything is filled again\n"
        "  --json          {\"emptied\",\"tickets\",\"complete\",\"seconds\"}\n"
        "  --postgres URL  default: DOCKET_POSTGRES\n"
        "\n"
        "Exit: 0 done, 1 nothing fills them (is an analytics running?), 2 not possible.\n",
    .run = analytics_run,
};
