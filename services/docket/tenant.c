/* docket tenant -- whose tickets these are: make one, list them. */
#include <getopt.h>
#include <stdio.h>

#include "docket/command.h"
#include "docket/lookup.h"

static const char me[] = "docket tenant";

typedef struct TenantOptions {
    const char *postgres, *name, *title;
    bool if_missing, json;
} TenantOptions;

static int create(const TenantOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    CLEANUP(buf_done) Buf line = {0};
    const PostgresRows *rows;
    int r = lookup_check_name(me, "tenant", o->name);
    if (r == 0) r = lookup_open(me, o->postgres, LOOKUP_WRITING, &s);
    if (r) return r;
    params_text(&p, str(o->name));
    params_text(&p, str(o->title));
    r = lookup_run(me, s,
                   "INSERT INTO docket.tenants (name, title) VALUES ($1::text, $2::text) "
                   "ON CONFLICT (name) DO NOTHING RETURNING tenant_id",
                   &p, &rows);
    if (r) return r;
    bool made = rows_count(rows) == 1;
    int64_t id = 0;
    if (made)
        id = rows_int(rows, 0, 0);
    else if ((r = lookup_tenant(me, s, o->name, &id)) != 0)
        return r;
    if (!made && !o->if_missing) {
        (void)fprintf(stderr,
                      "%s: there is a tenant `%s` already, number %lld\n"
                      "Take another name, or say --if-missing when that is as good\n",
                      me, o->name, (long long)id);
        return 1;
    }
    if (o->json) {
        buf_addc(&line, '{');
        lookup_json_number(&line, "tenant_id", id);
        lookup_json_text(&line, "name", str(o->name));
        lookup_json_bool(&line, "created", made);
        (void)printf("%s}\n", line.p);
    } else
        (void)printf("%s tenant %s, 编号 number %lld\n", made ? "已建立 created" : "已存在 exists",
                     o->name, (long long)id);
    return 0;
}

static int list(const TenantOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(table_done) Table table = {0};
    const PostgresRows *rows;
    int r = lookup_open(me, o->postgres, LOOKUP_READING, &s);
    if (r == 0)
        r = lookup_run(me, s,
                       "SELECT tenant_id, name, title, created_at FROM docket.tenants ORDER BY 1",
                       NULL, &rows);
    if (r) return r;
    static const char *const head[] = {"编号 number", "名称 name", "标题 title", "建立于 created"};
    for (size_t i = 0; i < 4; i++)
        table_add(&table, str(head[i]));
    for (size_t i = 0; i < rows_count(rows); i++) {
        if (o->json) {
            CLEANUP(buf_done) Buf line = {0};
            buf_addc(&line, '{');
            lookup_json_number(&line, "tenant_id", rows_int(rows, i, 0));
            lookup_json_text(&line, "name", rows_str(rows, i, 1));
            lookup_json_text(&line, "title", rows_str(rows, i, 2));
            lookup_json_time(&line, "created_at", rows, i, 3);
            (void)printf("%s}\n", line.p);
            continue;
        }
        char when[20];
        lookup_local_time(rows_time_ms(rows, i, 3), when);
        table_addf(&table, "%lld", (long long)rows_int(rows, i, 0));
        table_add(&table, rows_str(rows, i, 1));
        table_add(&table, rows_str(rows, i, 2));
        table_add(&table, str(when));
    }
    if (o->json) return 0;
    if (rows_count(rows) == 0)
        (void)puts("还没有租户 there is no tenant yet: docket tenant create NAME --title T");
    else
        table_print(&table, 4);
    return 0;
}

static int tenant_run(int argc, char **argv) {
    static const struct option options[] = {{"title", required_argument, NULL, 't'},
                                            {"if-missing", no_argument, NULL, 'i'},
                                            {"postgres", required_argument, NULL, 'p'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    TenantOptions o = {.title = ""};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 't')
            o.title = optarg;
        else if (c == 'i')
            o.if_missing = true;
        else if (c == 'p')
            o.postgres = optarg;
        else if (c == 'j')
            o.json = true;
        else
            return 2;
    }
    int words = argc - optind;
    const char *verb = words > 0 ? argv[optind] : "";
    if (strcmp(verb, "list") == 0 && words == 1) return list(&o);
    if (strcmp(verb, "create") == 0 && words == 2) {
        o.name = argv[optind + 1];
        if (str_is_text(str(o.title))) return create(&o);
        (void)fprintf(stderr, "%s: the title is not valid UTF-8\n", me);
        return 2;
    }
    (void)fprintf(stderr, "%s: create NAME or list; see docket tenant --help\n", me);
    return 2;
}

const Command tenant_command = {
    .name = "tenant",
    .summary = "whose tickets these are: create, list",
    .help = "Usage: docket tenant create NAME [--title TITLE] [--if-missing] [--json]\n"
            "       docket tenant list [--json]\n"
            "\n"
            "NAME is how commands call it: a-z, 0-9 and -, up to 63 characters. TITLE is how\n"
            "people call it. create prints the tenant's number.\n"
            "\n"
            "  --if-missing     a tenant of that name is good too, and stays as it is\n"
            "  --postgres URL   default: $DOCKET_POSTGRES_ADMIN for create, $DOCKET_POSTGRES for "
            "list\n"
            "  --json           one JSON object a line\n"
            "\n"
            "Exit: 0 good, 1 it exists already, 2 usage or not possible.\n",
    .run = tenant_run,
};
