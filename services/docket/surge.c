/* docket surge -- open-loop load through the gate, measured from the intended time of each request.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "docket/command.h"
#include "docket/options.h"
#include "docket/surge_body.h"
#include "docket/surge_load.h"
#include "docket/surge_plan.h"

static const char me[] = "docket surge";

static const char help[] =
    "Usage: docket surge --rate R --seconds S [options]\n"
    "       docket surge --profile 10s@500,20s@4000 [options]\n"
    "\n"
    "Sends tickets to the gate at a rate of its own, whatever the gate does, and measures each\n"
    "from the moment at which it was meant to be sent to its 201.\n"
    "\n"
    "  --rate R             new tickets a second (duplicates come on top)\n"
    "  --seconds S          for so long\n"
    "  --profile P          phases instead: LENGTHs@RATE,LENGTHs@RATE...\n"
    "  --url URL[,URL...]   gates (DOCKET_INTAKE_URL)\n"
    "  --token T            one sender (DOCKET_TOKEN)\n"
    "  --tokens FILE        one sender a line: `TENANT-NUMBER TOKEN`, or `TOKEN`\n"
    "  --tenants N          use the first N senders of that file (all)\n"
    "  --input FILE         texts from CSV or JSON lines; - is standard input\n"
    "  --column NAME        the text's column or member\n"
    "  --channels A,B       channels that the tickets name (web,app,api; - names none)\n"
    "  --duplicates 1/N     one ticket in N is sent twice, 0 none (1/50)\n"
    "  --connections N      keep-alive connections (64)\n"
    "  --depth N            requests under way on one connection, up to 16 (1)\n"
    "  --timeout S          without an answer for so long it counts as lost (10)\n"
    "  --retry              503, 429 and lost answers again, under the same key\n"
    "  --seed N             other texts and requesters (1)\n"
    "  --accepted FILE      every ticket accepted: `TENANT TICKET KEY SENT-MS` a line\n"
    "  --json               the result as one JSON object\n"
    "  --quiet              no progress\n"
    "\n"
    "Exit: 0 tickets were accepted, 1 none was, 2 wrong usage or no gate's address.\n";

typedef struct Options {
    const char *rate, *seconds, *profile, *url, *token, *tokens, *input, *column, *channels,
        *accepted;
    int64_t tenants, connections, depth, timeout_s, seed;
    SurgePlan plan;
    bool retry, json, quiet;
} Options;

static int usage(const char *problem, const char *value) {
    return options_misused(me, problem, value);
}

static int read_options(int argc, char **argv, Options *o) {
    const char *duplicates = NULL;
    const Option options[] = {
        {"rate", OPTION_TEXT, &o->rate, 0, 0},
        {"seconds", OPTION_TEXT, &o->seconds, 0, 0},
        {"profile", OPTION_TEXT, &o->profile, 0, 0},
        {"url", OPTION_TEXT, &o->url, 0, 0},
        {"token", OPTION_TEXT, &o->token, 0, 0},
        {"tokens", OPTION_TEXT, &o->tokens, 0, 0},
        {"tenants", OPTION_NUMBER, &o->tenants, 1, 1000000},
        {"input", OPTION_TEXT, &o->input, 0, 0},
        {"column", OPTION_TEXT, &o->column, 0, 0},
        {"channels", OPTION_TEXT, &o->channels, 0, 0},
        {"duplicates", OPTION_TEXT, &duplicates, 0, 0},
        {"connections", OPTION_NUMBER, &o->connections, 1, 10000},
        {"depth", OPTION_NUMBER, &o->depth, 1, SURGE_DEPTH_MAX},
        {"timeout", OPTION_NUMBER, &o->timeout_s, 1, 3600},
        {"retry", OPTION_FLAG, &o->retry, 0, 0},
        {"seed", OPTION_SEED, &o->seed, 0, 0},
        {"accepted", OPTION_TEXT, &o->accepted, 0, 0},
        {"json", OPTION_FLAG, &o->json, 0, 0},
        {"quiet", OPTION_FLAG, &o->quiet, 0, 0},
    };
    *o = (Options){.tenants = 0, .connections = 64, .depth = 1, .timeout_s = 10, .seed = 1};
    o->plan.duplicates = 50;
    int r = options_read(me, argc, argv, options, sizeof(options) / sizeof(*options));
    if (r) return r;
    if (duplicates && surge_duplicates_parse(str(duplicates), &o->plan.duplicates) < 0)
        return usage("not a sensible value", duplicates);
    if (optind < argc) return usage("what is this for", argv[optind]);
    return 0;
}

/* The plan needs the share of duplicates first, in whatever order the options came. */
static int plan_make(Options *o) {
    CLEANUP(buf_done) Buf simple = {0};
    if (o->profile && (o->rate || o->seconds))
        return usage("--profile or --rate with --seconds, not both", NULL);
    if (!o->profile) {
        if (!o->rate || !o->seconds) return usage("--rate and --seconds are needed", NULL);
        buf_printf(&simple, "%ss@%s", o->seconds, o->rate);
    }
    int r = surge_plan_parse(&o->plan, o->profile ? str(o->profile) : buf_str(&simple));
    if (r < 0) return usage("no such plan", o->profile ? o->profile : simple.p);
    return 0;
}

typedef struct Senders {
    Buf text;
    SurgeSender *at;
    size_t n;
} Senders;

static void senders_done(Senders *s) {
    buf_done(&s->text);
    free(s->at);
}

static int senders_read(const char *file, Senders *ret) {
    FILE *in = fopen(file, "re");
    if (!in) return usage(file, strerror(errno));
    char chunk[4096];
    size_t got, number = 0;
    while ((got = fread(chunk, 1, sizeof(chunk), in)) > 0)
        buf_add(&ret->text, chunk, got);
    (void)fclose(in);
    Str rest = buf_str(&ret->text);
    while (rest.p) {
        Str line = str_trim(str_cut(rest, '\n', &rest)), token;
        int64_t tenant;
        number++;
        if (!line.n || line.p[0] == '#') continue;
        Str first = str_cut(line, ' ', &token);
        SurgeSender s =
            token.p ? (SurgeSender){first, str_trim(token)} : (SurgeSender){STR("0"), first};
        if (str_to_i64(s.tenant, &tenant) < 0) {
            (void)fprintf(stderr, "docket surge: %s:%zu: expected `TENANT-NUMBER TOKEN`\n", file,
                          number);
            return 2;
        }
        ret->at = xrealloc(ret->at, (ret->n + 1) * sizeof(*ret->at));
        ret->at[ret->n++] = s;
    }
    return ret->n ? 0 : usage("no token in", file);
}

static int senders_make(const Options *o, Senders *ret) {
    if (o->tokens) {
        int r = senders_read(o->tokens, ret);
        if (r) return r;
        if (o->tenants > (int64_t)ret->n) return usage("fewer lines than --tenants", o->tokens);
        if (o->tenants) ret->n = (size_t)o->tenants;
        return 0;
    }
    const char *token = o->token ? o->token : getenv("DOCKET_TOKEN");
    if (!token || !*token) return usage("--token or --tokens is needed (or DOCKET_TOKEN)", NULL);
    if (o->tenants > 1) return usage("--tenants needs --tokens, a token for each", NULL);
    ret->at = xmalloc(sizeof(*ret->at));
    ret->at[0] = (SurgeSender){STR("0"), str(token)};
    ret->n = 1;
    return 0;
}

static double ms(const SurgeResult *r, double percent) {
    return (double)latency_at(&r->latency, percent) / 1000;
}

static void print_json(const SurgePlan *plan, const SurgeResult *r, size_t texts) {
    printf("{\"planned\":{\"tickets\":%lld,\"requests\":%lld,\"seconds\":%.3f},"
           "\"sent\":%lld,\"unsent\":%lld,\"accepted\":%lld,\"duplicates\":%lld,"
           "\"other_id\":%lld,\"no_answer\":%lld,\"broken\":%lld,\"retries\":%lld,"
           "\"reconnects\":%lld,\"texts\":%zu,\"took_s\":%.3f,\"cpu_us_per_request\":%.2f,"
           "\"send_lag_max_ms\":%.3f,\"refused\":{",
           (long long)plan->tickets, (long long)plan->slots, (double)plan->length_us / 1e6,
           (long long)r->sent, (long long)r->unsent, (long long)r->accepted, (long long)r->twice,
           (long long)r->other_id, (long long)r->no_answer, (long long)r->broken,
           (long long)r->retries, (long long)r->reconnects, texts, (double)r->took_us / 1e6,
           r->cpu_us, (double)r->late_us / 1000);
    const char *comma = "";
    for (int i = 0; i < SURGE_STATUSES; i++) {
        if (!r->refused[i]) continue;
        printf("%s\"%d\":%lld", comma, i, (long long)r->refused[i]);
        comma = ",";
    }
    printf("},\"latency_ms\":{\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p99.9\":%.3f,\"max\":%.3f}}"
           "\n",
           ms(r, 50), ms(r, 90), ms(r, 99), ms(r, 99.9), (double)r->latency.max_us / 1000);
}

static void print_text(const SurgePlan *plan, const SurgeResult *r) {
    printf("sent        %lld requests (%lld tickets, %lld of them twice, %lld retries) in %.1f s\n",
           (long long)r->sent, (long long)plan->tickets, (long long)(plan->slots - plan->tickets),
           (long long)r->retries, (double)r->took_us / 1e6);
    printf("accepted    %lld tickets\n", (long long)r->accepted);
    printf("duplicates  %lld answered with the same ticket, %lld with another id\n",
           (long long)r->twice, (long long)r->other_id);
    printf("refused    ");
    bool any = false;
    for (int i = 0; i < SURGE_STATUSES; i++) {
        if (!r->refused[i]) continue;
        printf(" %d: %lld ", i, (long long)r->refused[i]);
        any = true;
    }
    printf("%s\n", any ? "" : " none");
    printf("no answer   %lld lost, %lld never sent, %lld not understood\n", (long long)r->no_answer,
           (long long)r->unsent, (long long)r->broken);
    printf("latency     p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f ms, from the intended "
           "time to 201\n",
           ms(r, 50), ms(r, 90), ms(r, 99), ms(r, 99.9), (double)r->latency.max_us / 1000);
    printf("sender      %.1f µs of CPU a request, at most %.1f ms behind its plan\n", r->cpu_us,
           (double)r->late_us / 1000);
}

static int surge(int argc, char **argv) {
    Options o;
    CLEANUP(senders_done) Senders senders = {0};
    CLEANUP(surge_bodies_freep) SurgeBodies *bodies = NULL;
    CLEANUP(buf_done) Buf problem = {0};
    int r = read_options(argc, argv, &o);
    if (!r) r = plan_make(&o);
    if (!r) r = senders_make(&o, &senders);
    if (r) return r;
    const char *url = o.url ? o.url : getenv("DOCKET_INTAKE_URL");
    if (!url || !*url) return usage("--url is needed (or DOCKET_INTAKE_URL)", NULL);
    if (!o.input)
        bodies = surge_bodies_generate((uint64_t)o.seed);
    else if (surge_bodies_read(o.input, o.column, (uint64_t)o.seed, &bodies, &problem) < 0)
        return usage(problem.p, NULL);
    if (o.channels) surge_bodies_channels(bodies, o.channels);

    FILE *accepted = NULL;
    if (o.accepted && !(accepted = fopen(o.accepted, "we")))
        return usage(o.accepted, strerror(errno));
    SurgeSettings settings = {.urls = url,
                              .senders = senders.at,
                              .senders_n = senders.n,
                              .plan = &o.plan,
                              .bodies = bodies,
                              .connections = (int)o.connections,
                              .depth = (int)o.depth,
                              .timeout_us = o.timeout_s * 1000000,
                              .retry = o.retry,
                              .accepted = accepted,
                              .progress = !o.quiet && isatty(STDERR_FILENO)};
    SurgeResult *result = xcalloc(1, sizeof(*result));
    r = surge_run(&settings, result, &problem);
    if (accepted && fclose(accepted) != 0) {
        buf_printf(&problem, "%s: %s", o.accepted, strerror(errno));
        r = -EIO;
    }
    if (r < 0) {
        free(result);
        return usage(problem.p, NULL);
    }
    if (o.json)
        print_json(&o.plan, result, surge_bodies_count(bodies));
    else
        print_text(&o.plan, result);
    int code = result->accepted > 0 ? 0 : 1;
    free(result);
    return code;
}

const Command surge_command = {
    .name = "surge",
    .summary = "send load through the gate, open loop",
    .help = help,
    .run = surge,
};
