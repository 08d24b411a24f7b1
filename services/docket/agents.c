/* docket agents -- who works: duty, capacity, and taking a ticket off somebody's desk. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "docket/agents_release.h"
#include "docket/apply_store.h"
#include "docket/command.h"
#include "docket/lookup.h"
#include "store/duty.h"

static const char me[] = "docket agents";

typedef struct AgentsOptions {
    const char *postgres, *tenant;
    bool json, all;
    char **words; /* behind the verb */
    int n;
} AgentsOptions;

/* ---- list ---- */

static void add_texts(Buf *b, const Str *texts, size_t n) {
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s%.*s", i ? " " : "", STR_ARG(texts[i]));
}

static size_t group_names(const Catalog *c, const Agent *a, Arena *arena, Str **ret) {
    Str *names = arena_alloc(arena, (a->groups_n + 1) * sizeof(*names));
    size_t n = 0;
    for (size_t i = 0; i < a->groups_n; i++) {
        const Group *g = catalog_group(c, a->groups[i]);
        if (g) names[n++] = g->name;
    }
    *ret = names;
    return n;
}

typedef struct Numbers { /* config.names of the tenant, for the compiler of documents */
    const PostgresRows *rows;
} Numbers;

static int64_t number_of(void *arg, const char *kind, Str name) {
    const PostgresRows *rows = ((const Numbers *)arg)->rows;
    for (size_t i = 0; i < rows_count(rows); i++)
        if (str_is(rows_str(rows, i, 0), kind) && str_eq(rows_str(rows, i, 1), name))
            return rows_int(rows, i, 2);
    return -1;
}

/* The documents as they are now; NULL when there are none, or none that compile. */
static const Catalog *read_catalog(PostgresSession *s, int64_t tenant_id, Arena *arena) {
    CLEANUP(buf_done) Buf problem = {0};
    CLEANUP(params_done) Params p = {0};
    ApplyDocuments documents = {0};
    int64_t revision = 0;
    Numbers numbers;
    if (apply_read(s, tenant_id, arena, &revision, &documents, &problem) < 0 || !documents.n)
        return NULL;
    params_i64(&p, tenant_id);
    if (lookup_run(me, s, "SELECT kind, name, id FROM config.names WHERE tenant_id = $1::bigint",
                   &p, &numbers.rows))
        return NULL;
    return catalog_compile(documents.sources, documents.n, revision, number_of, &numbers, &problem);
}

static void print_agent_json(const Catalog *c, const PostgresRows *rows, size_t i, Arena *arena) {
    CLEANUP(buf_done) Buf line = {0};
    const Agent *a = c ? catalog_agent(c, rows_int(rows, i, 0)) : NULL;
    Str *groups = NULL;
    size_t groups_n = a ? group_names(c, a, arena, &groups) : 0;
    buf_addc(&line, '{');
    lookup_json_number(&line, "agent_id", rows_int(rows, i, 0));
    lookup_json_text(&line, "name", rows_str(rows, i, 1));
    lookup_json_text(&line, "title", a ? a->title : STR(""));
    lookup_json_bool(&line, "on_duty", rows_bool(rows, i, 2));
    lookup_json_number(&line, "capacity", rows_int(rows, i, 3));
    lookup_json_number(&line, "load", rows_int(rows, i, 4));
    lookup_json_texts(&line, "groups", groups, groups_n);
    lookup_json_texts(&line, "skills", a ? a->skills : NULL, a ? a->skills_n : 0);
    lookup_json_time(&line, "changed_at", rows, i, 5);
    (void)printf("%s}\n", line.p);
}

static void add_agent_line(Table *t, const Catalog *c, const PostgresRows *rows, size_t i,
                           Arena *arena) {
    CLEANUP(buf_done) Buf groups = {0}, skills = {0};
    const Agent *a = c ? catalog_agent(c, rows_int(rows, i, 0)) : NULL;
    if (a) {
        Str *names;
        size_t n = group_names(c, a, arena, &names); /* before its result is passed on */
        add_texts(&groups, names, n);
        add_texts(&skills, a->skills, a->skills_n);
    }
    table_add(t, rows_str(rows, i, 1));
    table_add(t, a ? a->title : STR(""));
    table_add(t, rows_bool(rows, i, 2) ? STR("在岗 on") : STR("离岗 off"));
    table_addf(t, "%lld", (long long)rows_int(rows, i, 4));
    table_addf(t, "%lld", (long long)rows_int(rows, i, 3));
    table_add(t, buf_str(&groups));
    table_add(t, buf_str(&skills));
}

static int list(const AgentsOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    CLEANUP(params_done) Params p = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(table_done) Table table = {0};
    const PostgresRows *rows;
    int64_t tenant_id;
    int r = lookup_open(me, o->postgres, LOOKUP_READING, &s);
    if (r == 0) r = lookup_tenant(me, s, o->tenant, &tenant_id);
    if (r) return r;
    const Catalog *c = read_catalog(s, tenant_id, arena);
    params_i64(&p, tenant_id);
    r = lookup_run(me, s,
                   "SELECT a.agent_id, n.name, a.on_duty, a.capacity,"
                   " (SELECT count(*) FROM ticket.tickets t WHERE t.tenant_id = a.tenant_id AND"
                   "  t.assignee_id = a.agent_id AND t.status IN ('assigned', 'in_progress')),"
                   " a.changed_at FROM ticket.agents a JOIN config.names n ON n.tenant_id = "
                   "a.tenant_id AND n.id = a.agent_id WHERE a.tenant_id = $1::bigint ORDER BY 2",
                   &p, &rows);
    if (r == 0) {
        static const char *const head[] = {"名字 name",     "称呼 title", "岗 duty",    "在手 load",
                                           "上限 capacity", "组 groups",  "技能 skills"};
        for (size_t i = 0; i < 7; i++)
            table_add(&table, str(head[i]));
        for (size_t i = 0; i < rows_count(rows); i++) {
            if (o->json)
                print_agent_json(c, rows, i, arena);
            else
                add_agent_line(&table, c, rows, i, arena);
        }
        if (!o->json && rows_count(rows) == 0)
            (void)puts("还没有座席 there are no agents yet: docket apply --help");
        else if (!o->json)
            table_print(&table, 7);
    }
    catalog_unref(c);
    return r;
}

/* ---- on, off, capacity ---- */

typedef struct Wanted {
    bool set_duty, on_duty;
    int64_t capacity; /* -1: stays */
    const char *why;
} Wanted;

static int change_agent(PostgresSession *s, int64_t tenant_id, int64_t agent_id, const Wanted *w,
                        const PostgresRows **ret) {
    CLEANUP(params_done) Params p = {0};
    CLEANUP(buf_done) Buf message = {0}, key = {0};
    duty_params(&(DutyChange){.tenant_id = tenant_id,
                              .agent_id = agent_id,
                              .set_duty = w->set_duty,
                              .on_duty = w->on_duty,
                              .capacity = w->capacity,
                              .by = "operator",
                              .actor = STR("operator"),
                              .why = w->why,
                              .now_ms = clock_wall_ms()},
                &key, &message, &p);
    return lookup_run(me, s, duty_statement.sql, &p, ret);
}

static void print_change(const AgentsOptions *o, const char *name, int64_t agent_id,
                         const PostgresRows *rows) {
    CLEANUP(buf_done) Buf line = {0};
    bool on = rows_bool(rows, 0, 0);
    int64_t capacity = rows_int(rows, 0, 1);
    if (o->json) {
        buf_addc(&line, '{');
        lookup_json_number(&line, "agent_id", agent_id);
        lookup_json_text(&line, "name", str(name));
        lookup_json_bool(&line, "on_duty", on);
        lookup_json_number(&line, "capacity", capacity);
        lookup_json_bool(&line, "changed",
                         on != rows_bool(rows, 0, 2) || capacity != rows_int(rows, 0, 3));
        (void)printf("%s}\n", line.p);
    } else {
        (void)printf("%s: %s，上限 capacity %lld\n", name, on ? "在岗 on duty" : "离岗 off duty",
                     (long long)capacity);
    }
}

/* 0 and the agent, or 1 after naming the nearest. */
static int find_agent(PostgresSession *s, int64_t tenant_id, const char *name, int64_t *ret) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    params_i64(&p, tenant_id);
    int r = lookup_run(me, s,
                       "SELECT n.name, n.id FROM config.names n JOIN ticket.agents a ON"
                       " a.tenant_id = n.tenant_id AND a.agent_id = n.id"
                       " WHERE n.tenant_id = $1::bigint AND n.kind = 'agent' ORDER BY 1",
                       &p, &rows);
    if (r) return r;
    for (size_t i = 0; i < rows_count(rows); i++)
        if (str_is(rows_str(rows, i, 0), name)) {
            *ret = rows_int(rows, i, 1);
            return 0;
        }
    return lookup_unknown(me, "agent", name, rows, "docket agents list --tenant NAME shows them");
}

static int change_all(PostgresSession *s, const AgentsOptions *o, int64_t tenant_id,
                      const Wanted *w) {
    CLEANUP(params_done) Params p = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    const PostgresRows *rows;
    params_i64(&p, tenant_id);
    int r = lookup_run(me, s,
                       "SELECT n.name, n.id FROM config.names n JOIN ticket.agents a ON"
                       " a.tenant_id = n.tenant_id AND a.agent_id = n.id"
                       " WHERE n.tenant_id = $1::bigint ORDER BY 1",
                       &p, &rows);
    if (r) return r;
    size_t n = rows_count(rows);
    Str *names = arena_alloc(arena, (n + 1) * sizeof(*names));
    int64_t *ids = arena_alloc(arena, (n + 1) * sizeof(*ids));
    for (size_t i = 0; i < n; i++) { /* they live until the next statement only */
        names[i] = arena_str(arena, rows_str(rows, i, 0));
        ids[i] = rows_int(rows, i, 1);
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        r = change_agent(s, tenant_id, ids[i], w, &rows);
        if (r == 0 && rows_count(rows)) print_change(o, names[i].p, ids[i], rows);
    }
    return r;
}

static int change(const AgentsOptions *o, const Wanted *w) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    const PostgresRows *rows;
    int64_t tenant_id, agent_id = 0;
    if (o->n == 0 && !o->all) {
        (void)fprintf(stderr, "%s: who? Give names, or --all\n", me);
        return 2;
    }
    int r = lookup_open(me, o->postgres, LOOKUP_WRITING, &s);
    if (r == 0) r = lookup_tenant(me, s, o->tenant, &tenant_id);
    if (r == 0 && o->all) return change_all(s, o, tenant_id, w);
    for (int i = 0; r == 0 && i < o->n; i++) { /* nothing half done for a name that is wrong */
        r = find_agent(s, tenant_id, o->words[i], &agent_id);
    }
    for (int i = 0; r == 0 && i < o->n; i++) {
        if ((r = find_agent(s, tenant_id, o->words[i], &agent_id)) != 0) break;
        r = change_agent(s, tenant_id, agent_id, w, &rows);
        if (r == 0 && rows_count(rows)) print_change(o, o->words[i], agent_id, rows);
    }
    return r;
}

static int set_capacity(AgentsOptions *o) {
    int64_t capacity;
    if (o->n < 1 || str_to_i64(str(o->words[o->n - 1]), &capacity) < 0 || capacity < 0 ||
        capacity > 1000) {
        (void)fprintf(stderr,
                      "%s: how many tickets at a time? 0 to 1000, after the names: docket agents "
                      "capacity lin.xiaowan 12\n",
                      me);
        return 2;
    }
    o->n--;
    return change(o, &(Wanted){.capacity = capacity, .why = "capacity"});
}

static int release(const AgentsOptions *o) {
    CLEANUP(postgres_session_freep) PostgresSession *s = NULL;
    int64_t ticket_id, tenant_id;
    if (o->n != 1 || str_to_i64(str(o->words[0]), &ticket_id) < 0 || ticket_id < 1) {
        (void)fprintf(stderr, "%s: which ticket? Give its number: docket agents release 100000\n",
                      me);
        return 2;
    }
    const char *url = o->postgres ? o->postgres
                                  : command_environment("DOCKET_POSTGRES_ADMIN",
                                                        "PostgreSQL as somebody who may write");
    int r = lookup_open(me, url, LOOKUP_WRITING, &s);
    if (r == 0) r = lookup_tenant(me, s, o->tenant, &tenant_id);
    if (r) return r;
    return agents_release(me, s, url, tenant_id, ticket_id, o->json);
}

static int agents_run(int argc, char **argv) {
    static const struct option options[] = {{"tenant", required_argument, NULL, 't'},
                                            {"postgres", required_argument, NULL, 'p'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"all", no_argument, NULL, 'a'},
                                            {0}};
    AgentsOptions o = {0};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 't':
            o.tenant = optarg;
            break;
        case 'p':
            o.postgres = optarg;
            break;
        case 'j':
            o.json = true;
            break;
        case 'a':
            o.all = true;
            break;
        default:
            return 2;
        }
    }
    const char *verb = optind < argc ? argv[optind] : "";
    o.words = argv + optind + 1;
    o.n = argc - optind > 1 ? argc - optind - 1 : 0;
    if (!strcmp(verb, "list") && o.n == 0) return list(&o);
    if (!strcmp(verb, "on") || !strcmp(verb, "off"))
        return change(
            &o,
            &(Wanted){.set_duty = true, .on_duty = verb[1] == 'n', .capacity = -1, .why = "duty"});
    if (!strcmp(verb, "capacity")) return set_capacity(&o);
    if (!strcmp(verb, "release")) return release(&o);
    (void)fprintf(stderr,
                  "%s: list, on, off, capacity or release, not '%s'; see docket agents --help\n",
                  me, verb);
    return 2;
}

const Command agents_command = {
    .name = "agents",
    .summary = "who works: list, on, off, capacity, release a ticket",
    .help =
        "Usage: docket agents list --tenant NAME [--json]\n"
        "       docket agents on|off AGENT... --tenant NAME [--json]      or --all\n"
        "       docket agents capacity AGENT... N --tenant NAME [--json]  or --all\n"
        "       docket agents release TICKET --tenant NAME [--json]\n"
        "\n"
        "  list       everybody: duty, tickets in hand, capacity, groups, skills\n"
        "  on, off    on duty, off duty. Who comes on duty takes what waits at once; who goes off\n"
        "             keeps what she has and gets nothing more. Silence at the desk takes nobody "
        "off\n"
        "             duty who was put on it here\n"
        "  capacity   how many tickets the machine may give somebody at a time, 0 to 1000\n"
        "  release    takes a ticket off its assignee: it waits in its group again, at its old "
        "age\n"
        "\n"
        "  --postgres URL   default: $DOCKET_POSTGRES_ADMIN, for list $DOCKET_POSTGRES\n"
        "\n"
        "Exit: 0 good, 1 there is no such agent or ticket, or it has nobody to be taken from,\n"
        "2 usage or not possible.\n",
    .run = agents_run,
};
