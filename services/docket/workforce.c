/* docket workforce -- plays agents through the desk's API, so that there are people in a system
 * that has none. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "docket/command.h"
#include "docket/options.h"
#include "docket/workforce_play.h"
#include "docket/workforce_staff.h"

static const char me[] = "docket workforce";

static const char help[] =
    "Usage: docket workforce --agents N [options]\n"
    "\n"
    "Plays agents through the desk's API and nothing else: they sign in, go on duty, take what is\n"
    "assigned to them, reply, ask back, note, hand over now and then, and solve after a "
    "log-normal\n"
    "time. The same seed plays the same people.\n"
    "\n"
    "  --agents N        so many; each is a real agent of the tenant\n"
    "  --pace P          tickets that one of them handles in a minute, on average (2)\n"
    "  --speedup X       all their times divided by X (1)\n"
    "  --seconds S       for so long (60)\n"
    "  --seed N          other dice (1)\n"
    "  --ask N           of 1,000 tickets so many are asked back (150)\n"
    "  --transfer N      of 1,000 so many are handed over (60)\n"
    "  --note N          of 1,000 so many get an internal note besides (250)\n"
    "  --patience P      an asked customer is waited for P times the average handling (6)\n"
    "  --poll MS         an agent with nothing to do looks that often, later more seldom (500)\n"
    "  --url URL         the desk (DOCKET_DESK_URL, DOCKET_URL)\n"
    "  --token T         an administrator's: the agents get tokens of their own by it "
    "(DOCKET_TOKEN)\n"
    "  --users FILE      or they sign in: `EMAIL PASSWORD` a line\n"
    "  --tenant NAME     where to (needed when the desk has several)\n"
    "  --timeout S       without an answer for so long a request counts as lost (10)\n"
    "  --leave           off duty at the end\n"
    "  --json            the result as one JSON object\n"
    "  --quiet           no progress\n"
    "\n"
    "Exit: 0 tickets were handled, 1 none was, 2 wrong usage or no desk.\n";

typedef struct Options {
    const char *url, *token, *users, *tenant;
    int64_t agents, seconds, seed, ask, transfer, note, poll, timeout_s;
    double pace, speedup, patience;
    bool leave, json, quiet;
} Options;

static int usage(const char *problem, const char *value) {
    return options_misused(me, problem, value);
}

static int read_options(int argc, char **argv, Options *o) {
    const Option options[] = {
        {"agents", OPTION_NUMBER, &o->agents, 1, PLAY_AGENTS_MAX},
        {"pace", OPTION_FRACTION, &o->pace, 0.001, 60000},
        {"speedup", OPTION_FRACTION, &o->speedup, 0.001, 1e6},
        {"seconds", OPTION_NUMBER, &o->seconds, 1, 30 * 86400},
        {"seed", OPTION_SEED, &o->seed, 0, 0},
        {"ask", OPTION_NUMBER, &o->ask, 0, 1000},
        {"transfer", OPTION_NUMBER, &o->transfer, 0, 1000},
        {"note", OPTION_NUMBER, &o->note, 0, 1000},
        {"patience", OPTION_FRACTION, &o->patience, 0, 1e6},
        {"poll", OPTION_NUMBER, &o->poll, 10, 3600000},
        {"url", OPTION_TEXT, &o->url, 0, 0},
        {"token", OPTION_TEXT, &o->token, 0, 0},
        {"users", OPTION_TEXT, &o->users, 0, 0},
        {"tenant", OPTION_TEXT, &o->tenant, 0, 0},
        {"timeout", OPTION_NUMBER, &o->timeout_s, 1, 3600},
        {"leave", OPTION_FLAG, &o->leave, 0, 0},
        {"json", OPTION_FLAG, &o->json, 0, 0},
        {"quiet", OPTION_FLAG, &o->quiet, 0, 0},
    };
    *o = (Options){.seconds = 60,
                   .seed = 1,
                   .ask = 150,
                   .transfer = 60,
                   .note = 250,
                   .poll = 500,
                   .timeout_s = 10,
                   .pace = 2,
                   .speedup = 1,
                   .patience = 6};
    int r = options_read(me, argc, argv, options, sizeof(options) / sizeof(*options));
    if (r) return r;
    if (optind < argc) return usage("what is this for", argv[optind]);
    if (!o->agents) return usage("--agents is needed", NULL);
    if (!o->url) o->url = getenv("DOCKET_DESK_URL");
    if (!o->url || !*o->url) o->url = getenv("DOCKET_URL");
    if (!o->url || !*o->url) return usage("--url is needed (or DOCKET_DESK_URL)", NULL);
    if (!o->token) o->token = getenv("DOCKET_TOKEN");
    if (!o->users && (!o->token || !*o->token))
        return usage("--token or --users is needed (or DOCKET_TOKEN)", NULL);
    return 0;
}

static int64_t done(const PlayResult *r, DeskCall c) {
    int64_t refused = 0;
    for (int i = 0; i < PLAY_STATUSES; i++)
        refused += r->calls[c].refused[i];
    return r->calls[c].answered - refused;
}

static double ms(const PlayCall *c, double percent) {
    return (double)latency_at(&c->latency, percent) / 1000;
}

static void add_refusals(Buf *b, const PlayCall *c, const char *quote, const char *between) {
    const char *comma = "";
    for (int i = 0; i < PLAY_STATUSES; i++) {
        if (!c->refused[i]) continue;
        buf_printf(b, "%s%s%d%s:%s%lld", comma, quote, i, quote, *quote ? "" : " ",
                   (long long)c->refused[i]);
        comma = between;
    }
}

static void print_json(const PlayResult *r) {
    CLEANUP(buf_done) Buf b = {0};
    buf_printf(&b,
               "{\"on_duty\":%lld,\"tickets\":%lld,\"handled\":%lld,\"replies\":%lld,"
               "\"asked\":%lld,\"notes\":%lld,\"transfers\":%lld,\"solved\":%lld,\"on_hold\":%lld,"
               "\"overtaken\":%lld,\"given_up\":%lld,\"no_answer\":%lld,\"broken\":%lld,"
               "\"reconnects\":%lld,\"took_s\":%.3f,\"calls\":{",
               (long long)r->on_duty, (long long)r->tickets, (long long)r->handled,
               (long long)done(r, DESK_REPLY), (long long)done(r, DESK_ASK),
               (long long)done(r, DESK_NOTE), (long long)done(r, DESK_TRANSFER),
               (long long)done(r, DESK_SOLVE), (long long)done(r, DESK_HOLD),
               (long long)r->overtaken, (long long)r->given_up, (long long)r->no_answer,
               (long long)r->broken, (long long)r->reconnects, (double)r->took_us / 1e6);
    const char *comma = "";
    for (int i = 0; i < DESK_CALLS; i++) {
        const PlayCall *c = &r->calls[i];
        if (!c->answered) continue;
        buf_printf(&b,
                   "%s\"%s\":{\"endpoint\":\"%s\",\"answered\":%lld,\"p50_ms\":%.3f,"
                   "\"p99_ms\":%.3f,\"max_ms\":%.3f,\"refused\":{",
                   comma, desk_call_name((DeskCall)i), desk_call_endpoint((DeskCall)i),
                   (long long)c->answered, ms(c, 50), ms(c, 99), (double)c->latency.max_us / 1000);
        add_refusals(&b, c, "\"", ",");
        buf_adds(&b, "}}");
        comma = ",";
    }
    printf("%s}}\n", b.p);
}

static void print_text(const PlayResult *r) {
    printf("on duty     %lld agents for %.1f s\n", (long long)r->on_duty, (double)r->took_us / 1e6);
    printf("tickets     %lld taken up, %lld times handled to an end\n", (long long)r->tickets,
           (long long)r->handled);
    printf("            %lld replies, %lld asked back, %lld notes, %lld handed over, %lld solved, "
           "%lld on hold\n",
           (long long)done(r, DESK_REPLY), (long long)done(r, DESK_ASK),
           (long long)done(r, DESK_NOTE), (long long)done(r, DESK_TRANSFER),
           (long long)done(r, DESK_SOLVE), (long long)done(r, DESK_HOLD));
    printf("otherwise   %lld overtaken and done again, %lld put aside, %lld without an answer\n",
           (long long)r->overtaken, (long long)r->given_up, (long long)r->no_answer);
    printf("\n%-14s %-36s %9s %9s %9s  %s\n", "what", "endpoint", "answers", "p50 ms", "p99 ms",
           "refused");
    for (int i = 0; i < DESK_CALLS; i++) {
        const PlayCall *c = &r->calls[i];
        CLEANUP(buf_done) Buf refused = {0};
        if (!c->answered) continue;
        add_refusals(&refused, c, "", ", ");
        printf("%-14s %-36s %9lld %9.1f %9.1f  %s\n", desk_call_name((DeskCall)i),
               desk_call_endpoint((DeskCall)i), (long long)c->answered, ms(c, 50), ms(c, 99),
               refused.n ? refused.p : "");
    }
}

static int workforce(int argc, char **argv) {
    Options o;
    CLEANUP(staff_done) Staff staff = {0};
    CLEANUP(buf_done) Buf problem = {0};
    int r = read_options(argc, argv, &o);
    if (r) return r;
    r = o.users ? staff_read(o.users, (size_t)o.agents, &staff, &problem)
                : staff_hire(o.url, str(o.token), (size_t)o.agents, &staff, &problem);
    if (r < 0) {
        staff_dismiss(o.url, str(o.token), &staff);
        return usage(problem.p, NULL);
    }
    if ((int64_t)staff.agents_n < o.agents)
        (void)fprintf(stderr, "docket workforce: only %zu agents are there\n", staff.agents_n);
    double mean_ms = 60000 / o.pace / o.speedup;
    PlaySettings settings = {.url = o.url,
                             .tenant = str(o.tenant),
                             .agents = staff.agents,
                             .agents_n = staff.agents_n,
                             .groups = staff.groups,
                             .groups_n = staff.groups_n,
                             .habits = {.seed = (uint64_t)o.seed,
                                        .mean_ms = mean_ms < 1 ? 1 : mean_ms,
                                        .note = (int)o.note,
                                        .ask = (int)o.ask,
                                        .transfer = staff.groups_n < 2 ? 0 : (int)o.transfer},
                             .patience_ms = mean_ms * o.patience,
                             .poll_ms = o.poll,
                             .length_us = o.seconds * 1000000,
                             .timeout_us = o.timeout_s * 1000000,
                             .leave = o.leave,
                             .progress = !o.quiet && isatty(STDERR_FILENO)};
    PlayResult *result = xcalloc(1, sizeof(*result));
    r = play_run(&settings, result, &problem);
    staff_dismiss(o.url, str(o.token), &staff);
    if (r < 0) {
        free(result);
        return usage(problem.p, NULL);
    }
    if (o.json)
        print_json(result);
    else
        print_text(result);
    int code = result->handled > 0 ? 0 : 1;
    free(result);
    return code;
}

const Command workforce_command = {
    .name = "workforce",
    .summary = "play agents through the desk's API",
    .help = help,
    .run = workforce,
};
