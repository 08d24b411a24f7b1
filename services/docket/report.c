/* docket report -- a report of docket-analytics on a terminal, as JSON, or as CSV. */
#include <getopt.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "docket/command.h"
#include "docket/options.h"
#include "docket/report_fetch.h"
#include "docket/report_table.h"
#include "http/url.h"
#include "json/json.h"

static const char me[] = "docket report";

enum { NARROW = 120, REPORT_BYTES = 256 << 20 };

typedef struct ReportOptions {
    const char *from, *to, *by, *cut, *time, *zone, *measures, *order, *compare, *section, *at;
    int64_t limit;
    bool json, csv, bom;
} ReportOptions;

static void add_pair(Buf *path, bool *first, const char *name, const char *value) {
    if (!value) return;
    buf_addc(path, *first ? '?' : '&');
    *first = false;
    url_encode(str(name), path);
    buf_addc(path, '=');
    url_encode(str(value), path);
}

/* `--where k=v` may come several times, which the table of options does not know: they are taken
 * out before it reads the rest. -1: one of them is no k=v. */
static int take_filters(int *argc, char **argv, Buf *path, bool *first) {
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        const char *pair = NULL;
        if (!strcmp(argv[i], "--where") && i + 1 < *argc)
            pair = argv[++i];
        else if (!strncmp(argv[i], "--where=", 8))
            pair = argv[i] + 8;
        if (!pair) {
            argv[kept++] = argv[i];
            continue;
        }
        const char *sign = strchr(pair, '=');
        if (!sign || sign == pair) return -1;
        CLEANUP(buf_done) Buf name = {0};
        buf_add(&name, pair, (size_t)(sign - pair));
        add_pair(path, first, name.p, sign + 1);
    }
    argv[kept] = NULL;
    *argc = kept;
    return 0;
}

static void print_piece(void *arg, Str bytes) {
    (void)arg;
    (void)fwrite(bytes.p, 1, bytes.n, stdout);
}

static ReportLook look_of_terminal(void) {
    ReportLook look = {NARROW, isatty(STDOUT_FILENO) && !getenv("NO_COLOR")};
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    int64_t n;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
        look.columns = size.ws_col;
    else if (columns && str_to_i64(str(columns), &n) == 0 && n > 0 && n < 1000)
        look.columns = (size_t)n;
    return look;
}

/* What a problem says, in words. */
static int refused(const ReportReply *reply) {
    CLEANUP(cjson_freep) cJSON *problem = NULL;
    Str detail = {NULL, 0};
    JsonLimits limits = {.bytes = REPORT_BYTES, .depth = 16, .members = 1000};
    if (json_parse(buf_str(&reply->body), &limits, &problem, NULL) == 0)
        (void)json_get_string(problem, "detail", &detail);
    (void)fprintf(stderr, "%s: %d: %.*s\n", me, reply->status, detail.p ? (int)detail.n : 9,
                  detail.p ? detail.p : "no report");
    return reply->status == 400 || reply->status == 404 || reply->status == 422 ? 2 : 1;
}

static int show(const ReportReply *reply) {
    CLEANUP(cjson_freep) cJSON *report = NULL;
    CLEANUP(buf_done) Buf text = {0};
    JsonLimits limits = {.bytes = REPORT_BYTES, .depth = 16, .members = 1000};
    ReportLook look = look_of_terminal();
    if (json_parse(buf_str(&reply->body), &limits, &report, NULL) < 0 ||
        report_table_write(report, &look, &text) < 0) {
        (void)fprintf(stderr, "%s: that is no report\n", me);
        return 1;
    }
    (void)fwrite(text.p, 1, text.n, stdout);
    return 0;
}

/* Names and titles, a line each. */
static int show_names(const ReportReply *reply) {
    CLEANUP(cjson_freep) cJSON *list = NULL;
    const cJSON *one;
    JsonLimits limits = {.bytes = REPORT_BYTES, .depth = 16, .members = 1000};
    if (json_parse(buf_str(&reply->body), &limits, &list, NULL) < 0) return 1;
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(list, "reports")) {
        Str name = {NULL, 0}, zh = {NULL, 0}, en = {NULL, 0};
        (void)json_get_string(one, "name", &name);
        (void)json_get_string(one, "title", &zh);
        (void)json_get_string(one, "about_en", &en);
        (void)printf("%-14.*s %.*s: %.*s\n", STR_ARG(name), STR_ARG(zh), STR_ARG(en));
    }
    return 0;
}

static int ask(const ReportOptions *o, Str path, bool list) {
    const char *url = command_environment("DOCKET_ANALYTICS_URL", "where docket-analytics is");
    const char *token = command_environment("DOCKET_TOKEN", "a token of somebody who works there");
    ReportReply reply = {0};
    CLEANUP(buf_done) Buf problem = {0};
    bool raw = o->json || o->csv;
    int r =
        report_fetch(str(url), str(token), path, raw ? print_piece : NULL, NULL, &reply, &problem);
    int code = 0;
    if (r < 0) {
        (void)fprintf(stderr, "%s: %s: %s\n", me, url, problem.p ? problem.p : "no answer");
        code = 2;
    } else if (reply.status != 200) {
        code = refused(&reply);
    } else if (!raw) {
        code = list ? show_names(&reply) : show(&reply);
    }
    buf_done(&reply.body);
    return code;
}

static int report_run(int argc, char **argv) {
    ReportOptions o = {0};
    CLEANUP(buf_done) Buf pairs = {0};
    CLEANUP(buf_done) Buf path = {0};
    bool first = true;
    if (take_filters(&argc, argv, &pairs, &first) < 0)
        return options_misused(me, "--where needs NAME=VALUE", NULL);
    const Option options[] = {{"from", OPTION_TEXT, &o.from, 0, 0},
                              {"to", OPTION_TEXT, &o.to, 0, 0},
                              {"by", OPTION_TEXT, &o.by, 0, 0},
                              {"cut", OPTION_TEXT, &o.cut, 0, 0},
                              {"time", OPTION_TEXT, &o.time, 0, 0},
                              {"time-zone", OPTION_TEXT, &o.zone, 0, 0},
                              {"measures", OPTION_TEXT, &o.measures, 0, 0},
                              {"order", OPTION_TEXT, &o.order, 0, 0},
                              {"compare", OPTION_TEXT, &o.compare, 0, 0},
                              {"section", OPTION_TEXT, &o.section, 0, 0},
                              {"at", OPTION_TEXT, &o.at, 0, 0},
                              {"limit", OPTION_NUMBER, &o.limit, 1, 10000},
                              {"json", OPTION_FLAG, &o.json, 0, 0},
                              {"csv", OPTION_FLAG, &o.csv, 0, 0},
                              {"bom", OPTION_FLAG, &o.bom, 0, 0}};
    if (options_read(me, argc, argv, options, sizeof(options) / sizeof(*options))) return 2;
    if (argc - optind > 1) return options_misused(me, "one report at a time", argv[optind + 1]);
    if (o.json && o.csv) return options_misused(me, "--json or --csv, not both", NULL);
    bool list = argc == optind;
    buf_adds(&path, "/api/v1/reports");
    if (!list) {
        buf_addc(&path, '/');
        url_encode(str(argv[optind]), &path);
        add_pair(&pairs, &first, "from", o.from);
        add_pair(&pairs, &first, "to", o.to);
        add_pair(&pairs, &first, "by", o.by);
        add_pair(&pairs, &first, "cut", o.cut);
        add_pair(&pairs, &first, "time", o.time);
        add_pair(&pairs, &first, "time_zone", o.zone);
        add_pair(&pairs, &first, "measures", o.measures);
        add_pair(&pairs, &first, "order", o.order);
        add_pair(&pairs, &first, "compare", o.compare);
        add_pair(&pairs, &first, "section", o.section);
        add_pair(&pairs, &first, "at", o.at);
        char limit[24];
        (void)snprintf(limit, sizeof(limit), "%lld", (long long)o.limit);
        if (o.limit) add_pair(&pairs, &first, "limit", limit);
        if (o.csv) add_pair(&pairs, &first, "format", "csv");
        if (o.bom) add_pair(&pairs, &first, "bom", "1");
        if (pairs.n) buf_add_str(&path, buf_str(&pairs));
    }
    return ask(&o, buf_str(&path), list);
}

const Command report_command = {
    .name = "report",
    .summary = "a report: volume, sla, agents, backlog ...",
    .help =
        "Usage: docket report [NAME [OPTION...]]\n"
        "\n"
        "Asks docket-analytics for a report and shows it as a table. Without NAME: which there\n"
        "are.\n"
        "\n"
        "  --from T --to T       2026-11-01, 2026-11-01T08:00, now, today, -30d, -12h; `to` is\n"
        "                        excluded (default: the last 30 days)\n"
        "  --by A[,B]            up to two dimensions: category, group, last_group, channel ...\n"
        "  --cut C               quarter, hour, day, week, month, none\n"
        "  --where NAME=VALUE    a filter; several: category=退款,物流 channel!=web replies=2..5\n"
        "                        reopened=true solved=-7d..now\n"
        "  --compare previous    beside the period before\n"
        "  --measures A,B        its own, or p95:to_reply, sum:touches ...\n"
        "  --order A             a measure to order by; -A: the least first\n"
        "  --limit N             rows\n"
        "  --time FIELD          created, assigned, replied, solved, resolved, rated\n"
        "  --time-zone Z         Asia/Shanghai; default: the tenant's\n"
        "  --at T                backlog: as it was then\n"
        "  --json, --csv [--bom] [--section comments]\n"
        "\n"
        "Asks $DOCKET_ANALYTICS_URL with $DOCKET_TOKEN.\n"
        "Exit: 0 good, 1 refused or not ready, 2 usage or not possible.\n",
    .run = report_run,
};
