/* docket source -- the systems that send a tenant's tickets: make one, list them. */
#include <getopt.h>
#include <stdio.h>

#include "docket/command.h"
#include "docket/lookup.h"

enum { CHANNELS_MAX = 32, RATE_MAX = 1000000 };
static const char me[] = "docket source";

typedef struct SourceOptions {
    const char *postgres, *tenant, *name, *channels;
    int64_t rate;
    bool dedup, if_missing, json;
} SourceOptions;

/* How many, or -1 after saying what is wrong. */
static int read_channels(const char *text, Str ret[CHANNELS_MAX]) {
    int n = text ? lookup_words(text, ret, CHANNELS_MAX) : -1;
    bool good = n > 0;
    for (int i = 0; good && i < n; i++)
        good = ret[i].n <= 32 &&
               strspn(ret[i].p, "abcdefghijklmnopqrstuvwxyz0123456789_-") >= ret[i].n;
    if (good) return n;
    (void)fprintf(stderr,
                  "%s: --channels needs up to %d different words of a-z, 0-9, _ and -, joined by "
                  "commas: --channels web,app,api\n",
                  me, CHANNELS_MAX);
    return -1;
}

static int create(const SourceOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    CLEANUP(buf_done) Buf line = {0};
    const PostgresRows *rows;
    Str channels[CHANNELS_MAX];
    int64_t tenant_id;
    if (!o->name) {
        (void)fprintf(stderr, "%s: what is it called? Give --name storefront\n", me);
        return 2;
    }
    int r = lookup_check_name(me, "source", o->name);
    if (r) return r;
    int n = read_channels(o->channels, channels);
    if (n < 0) return 2;
    if ((r = lookup_open(me, o->postgres, LOOKUP_WRITING, &s)) != 0 ||
        (r = lookup_tenant(me, s, o->tenant, &tenant_id)) != 0)
        return r;
    params_i64(&p, tenant_id);
    params_text(&p, str(o->name));
    params_array(&p, PARAM_TEXT, (size_t)n);
    for (int i = 0; i < n; i++)
        params_element_text(&p, channels[i]);
    params_bool(&p, o->dedup);
    params_i32(&p, (int32_t)o->rate);
    r = lookup_run(me, s,
                   "INSERT INTO intake.sources (tenant_id, name, channels, dedup_by_external_id, "
                   "rate_per_second) VALUES ($1::bigint, $2::text, $3::text[], $4::boolean, "
                   "$5::integer) ON CONFLICT (tenant_id, name) DO NOTHING RETURNING source_id",
                   &p, &rows);
    if (r) return r;
    bool made = rows_count(rows) == 1;
    if (!made) {
        params_clear(&p);
        params_i64(&p, tenant_id);
        params_text(&p, str(o->name));
        r = lookup_run(me, s,
                       "SELECT source_id FROM intake.sources WHERE tenant_id = $1::bigint AND name "
                       "= $2::text",
                       &p, &rows);
        if (r) return r;
    }
    int64_t id = rows_count(rows) ? rows_int(rows, 0, 0) : 0;
    if (!made && !o->if_missing) {
        (void)fprintf(stderr,
                      "%s: tenant `%s` has a source `%s` already, number %lld\n"
                      "Take another name, or say --if-missing when that is as good\n",
                      me, o->tenant, o->name, (long long)id);
        return 1;
    }
    if (o->json) {
        buf_addc(&line, '{');
        lookup_json_number(&line, "source_id", id);
        lookup_json_text(&line, "tenant", str(o->tenant));
        lookup_json_text(&line, "name", str(o->name));
        lookup_json_bool(&line, "created", made);
        (void)printf("%s}\n", line.p);
    } else
        (void)printf("%s source %s, 编号 number %lld\n", made ? "已建立 created" : "已存在 exists",
                     o->name, (long long)id);
    return 0;
}

static int list(const SourceOptions *o) {
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
                   "SELECT n.name, s.source_id, s.name, s.channels, s.dedup_by_external_id, "
                   "s.rate_per_second, s.created_at FROM intake.sources s JOIN docket.tenants n "
                   "USING (tenant_id) WHERE $1::bigint IN (0, tenant_id) ORDER BY 1, 2",
                   &p, &rows);
    if (r) return r;
    static const char *const head[] = {"租户 tenant",   "编号 number",      "名称 name",
                                       "渠道 channels", "外部号去重 dedup", "每秒 rate",
                                       "建立于 created"};
    for (size_t i = 0; i < 7; i++)
        table_add(&table, str(head[i]));
    for (size_t i = 0; i < rows_count(rows); i++) {
        Str channels[CHANNELS_MAX];
        size_t n = rows_text_array(rows, i, 3, channels, CHANNELS_MAX);
        if (n > CHANNELS_MAX) n = CHANNELS_MAX;
        CLEANUP(buf_done) Buf line = {0};
        if (o->json) {
            buf_addc(&line, '{');
            lookup_json_text(&line, "tenant", rows_str(rows, i, 0));
            lookup_json_number(&line, "source_id", rows_int(rows, i, 1));
            lookup_json_text(&line, "name", rows_str(rows, i, 2));
            lookup_json_texts(&line, "channels", channels, n);
            lookup_json_bool(&line, "dedup_by_external_id", rows_bool(rows, i, 4));
            lookup_json_number(&line, "rate_per_second", rows_int(rows, i, 5));
            lookup_json_time(&line, "created_at", rows, i, 6);
            (void)printf("%s}\n", line.p);
            continue;
        }
        for (size_t k = 0; k < n; k++)
            buf_printf(&line, "%s%.*s", k ? "," : "", STR_ARG(channels[k]));
        char when[20];
        lookup_local_time(rows_time_ms(rows, i, 6), when);
        table_add(&table, rows_str(rows, i, 0));
        table_addf(&table, "%lld", (long long)rows_int(rows, i, 1));
        table_add(&table, rows_str(rows, i, 2));
        table_add(&table, buf_str(&line));
        table_add(&table, rows_bool(rows, i, 4) ? STR("是 yes") : STR("否 no"));
        if (rows_int(rows, i, 5))
            table_addf(&table, "%lld", (long long)rows_int(rows, i, 5));
        else
            table_add(&table, STR("不限 no limit"));
        table_add(&table, str(when));
    }
    if (o->json) return 0;
    if (rows_count(rows) == 0)
        (void)puts("还没有来源 there is no source yet: docket source create --help");
    else
        table_print(&table, 7);
    return 0;
}

static int source_run(int argc, char **argv) {
    static const struct option options[] = {{"tenant", required_argument, NULL, 't'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"channels", required_argument, NULL, 'c'},
                                            {"rate", required_argument, NULL, 'r'},
                                            {"dedup-external-id", no_argument, NULL, 'd'},
                                            {"if-missing", no_argument, NULL, 'i'},
                                            {"postgres", required_argument, NULL, 'p'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    SourceOptions o = {0};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 't')
            o.tenant = optarg;
        else if (c == 'n')
            o.name = optarg;
        else if (c == 'c')
            o.channels = optarg;
        else if (c == 'd')
            o.dedup = true;
        else if (c == 'i')
            o.if_missing = true;
        else if (c == 'p')
            o.postgres = optarg;
        else if (c == 'j')
            o.json = true;
        else if (c != 'r')
            return 2;
        else if (str_to_i64(str(optarg), &o.rate) < 0 || o.rate < 0 || o.rate > RATE_MAX) {
            (void)fprintf(stderr, "%s: --rate needs tickets a second, 0 (no limit) to %d\n", me,
                          RATE_MAX);
            return 2;
        }
    }
    const char *verb = argc - optind == 1 ? argv[optind] : "";
    if (strcmp(verb, "create") == 0) return create(&o);
    if (strcmp(verb, "list") == 0) return list(&o);
    (void)fprintf(stderr, "%s: create or list; see docket source --help\n", me);
    return 2;
}

const Command source_command = {
    .name = "source",
    .summary = "the systems that send tickets: create, list",
    .help = "Usage: docket source create --tenant NAME --name N --channels web,app,api\n"
            "                            [--dedup-external-id] [--rate N] [--if-missing] [--json]\n"
            "       docket source list [--tenant NAME] [--json]\n"
            "\n"
            "  --channels A,B        what its tickets may call their channel; the first is the "
            "default\n"
            "  --dedup-external-id   the same external_id within 24 hours is the same ticket\n"
            "  --rate N              tickets a second that go first; what is above waits in the "
            "bulk\n"
            "                        lane. 0, the default: no limit\n"
            "  --if-missing          a source of that name is good too, and stays as it is\n"
            "  --postgres URL        default: $DOCKET_POSTGRES_ADMIN for create, $DOCKET_POSTGRES "
            "for list\n"
            "  --json                one JSON object a line\n"
            "\n"
            "Its token: docket token create --tenant NAME --source N\n"
            "Exit: 0 good, 1 it exists already or there is no such tenant, 2 usage or not "
            "possible.\n",
    .run = source_run,
};
