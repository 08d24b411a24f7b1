/* docket apply -- documents become a tenant's next revision, checked as a whole and shown first. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "docket/apply_store.h"
#include "docket/command.h"
#include "documents/diff.h"
#include "documents/sections.h"

enum { FILE_BYTES_MAX = 4 << 20, FILES_MAX = 64, MOVES_MAX = 64, THINGS_MAX = 1000 };

typedef struct Options {
    const char *tenant, *postgres;
    bool check, json;
    char **files;
    int files_n;
} Options;

typedef struct Apply {
    const Options *o;
    Arena *arena;
    PostgresSession *session;
    ApplyTenant tenant;
    int64_t revision; /* the present one; 0: none */
    ApplyDocuments stored, given, wanted;
    Catalog *before, *after; /* before: NULL when there is none or it no longer compiles */
    const DocumentChange *changes;
    size_t changes_n;
    ApplyThing gone[THINGS_MAX];
    size_t gone_n;
    Buf problems; /* of the documents: one a line */
    Buf trouble;  /* why it was not possible at all */
} Apply;

/* ---- Files ---- */

static int read_file(Apply *a, const char *name, Str *ret) {
    bool standard = strcmp(name, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        buf_printf(&a->trouble, "%s: %s", name, strerror(errno));
        return -EINVAL;
    }
    Buf text = {0};
    ssize_t got;
    do {
        buf_reserve(&text, 65536);
        got = read(fd, text.p + text.n, 65536);
        if (got > 0) text.n += (size_t)got;
    } while (got > 0 && text.n <= FILE_BYTES_MAX);
    if (!standard) (void)close(fd);
    if (got < 0) buf_printf(&a->trouble, "%s: %s", name, strerror(errno));
    if (text.n > FILE_BYTES_MAX) buf_printf(&a->trouble, "%s: larger than 4 MiB", name);
    if (!a->trouble.n) *ret = arena_str(a->arena, buf_str(&text));
    buf_done(&text);
    return a->trouble.n ? -EINVAL : 0;
}

static void add_document(Apply *a, ApplyDocuments *to, Str kind, DocumentSource source) {
    DocumentSource *sources = arena_alloc(a->arena, (to->n + 1) * sizeof(*sources));
    Str *kinds = arena_alloc(a->arena, (to->n + 1) * sizeof(*kinds));
    if (to->n) memcpy(sources, to->sources, to->n * sizeof(*sources));
    if (to->n) memcpy(kinds, to->kinds, to->n * sizeof(*kinds));
    sources[to->n] = source;
    kinds[to->n] = kind;
    *to = (ApplyDocuments){sources, kinds, to->n + 1};
}

static long find_kind(const ApplyDocuments *d, Str kind) {
    for (size_t i = 0; i < d->n; i++)
        if (str_eq(d->kinds[i], kind)) return (long)i;
    return -1;
}

/* Files that are no YAML add to `problems`; only one that cannot be read ends it. */
static int read_files(Apply *a) {
    for (int i = 0; i < a->o->files_n; i++) {
        Str text;
        if (read_file(a, a->o->files[i], &text) < 0) return -EINVAL;
        DocumentSection *sections;
        int n = sections_cut(text, str(a->o->files[i]), a->arena, &sections, &a->problems);
        for (int s = 0; s < n; s++) {
            long twice = find_kind(&a->given, sections[s].kind);
            if (twice >= 0) {
                buf_printf(&a->problems,
                           "%s:%ld: section `%.*s` is in %.*s:%ld already; put them together\n",
                           a->o->files[i], sections[s].first_line, STR_ARG(sections[s].kind),
                           STR_ARG(a->given.sources[twice].name),
                           a->given.sources[twice].first_line);
                continue;
            }
            add_document(
                a, &a->given, sections[s].kind,
                (DocumentSource){sections[s].body, str(a->o->files[i]), sections[s].first_line});
        }
    }
    if (!a->problems.n && a->given.n == 0) {
        buf_adds(&a->trouble, "the files hold no section; nothing to apply");
        return -EINVAL;
    }
    return 0;
}

/* ---- Deciding ---- */

/* Sections of the files replace those stored, in the order stored; new ones follow. */
static void merge(Apply *a) {
    for (size_t i = 0; i < a->stored.n; i++) {
        long given = find_kind(&a->given, a->stored.kinds[i]);
        add_document(a, &a->wanted, a->stored.kinds[i],
                     given < 0 ? a->stored.sources[i] : a->given.sources[given]);
    }
    for (size_t i = 0; i < a->given.n; i++)
        if (find_kind(&a->stored, a->given.kinds[i]) < 0)
            add_document(a, &a->wanted, a->given.kinds[i], a->given.sources[i]);
}

static bool is_the_same(const Apply *a) {
    for (size_t i = 0; i < a->given.n; i++) {
        long stored = find_kind(&a->stored, a->given.kinds[i]);
        if (stored < 0 || !str_eq(a->stored.sources[stored].text, a->given.sources[i].text))
            return false;
    }
    return true;
}

static void find_gone(Apply *a) {
    static const struct {
        const char *section, *kind;
    } held[] = {{"groups", "group"}, {"agents", "agent"}, {"skills", "skill"}};
    for (size_t i = 0; i < a->changes_n && a->gone_n < THINGS_MAX; i++)
        for (size_t h = 0; h < 3 && a->changes[i].kind == DIFF_REMOVED; h++)
            if (str_is(a->changes[i].section, held[h].section))
                a->gone[a->gone_n++] = (ApplyThing){held[h].kind, a->changes[i].name, 0};
}

/* 0 when it may be written; -EPERM when the documents are wrong or things still hang on what they
 * remove; else trouble. */
static int decide(Apply *a) {
    int r = apply_read(a->session, a->tenant.id, a->arena, &a->revision, &a->stored, &a->trouble);
    if (r < 0) return r;
    merge(a);
    a->after =
        catalog_compile(a->wanted.sources, a->wanted.n, a->revision + 1, NULL, NULL, &a->problems);
    if (!a->after) return -EPERM;
    CLEANUP(buf_done) Buf ignored = {0};
    a->before = catalog_compile(a->stored.sources, a->stored.n, a->revision, NULL, NULL, &ignored);
    a->changes_n = documents_diff(a->stored.sources, a->stored.n, a->wanted.sources, a->wanted.n,
                                  a->arena, &a->changes);
    find_gone(a);
    r = apply_count_tickets(a->session, a->tenant.id, a->gone, a->gone_n, &a->trouble);
    if (r < 0) return r;
    for (size_t i = 0; i < a->gone_n; i++)
        if (a->gone[i].open_tickets) return -EPERM;
    return 0;
}

/* ---- Saying ---- */

static const char *section_label(Str section) {
    static const char *const labels[][2] = {{"settings", "设置"}, {"skills", "技能"},
                                            {"kinds", "类型"},    {"groups", "组"},
                                            {"agents", "客服"},   {"rules", "规则"}};
    for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
        if (str_is(section, labels[i][0])) return labels[i][1];
    return "";
}

static const char *kind_label(const char *kind) {
    return *kind == 'g' ? "组" : *kind == 'a' ? "客服" : "技能";
}

static void print_changes(const Apply *a) {
    static const char *const signs[] = {"+", "-", "~", "⇅"};
    static const char *const colours[] = {"\033[32m", "\033[31m", "\033[33m", "\033[36m"};
    bool coloured = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    for (size_t i = 0; i < a->changes_n; i++) {
        const DocumentChange *c = &a->changes[i];
        (void)printf("  %s%s %s %.*s", coloured ? colours[c->kind] : "", signs[c->kind],
                     section_label(c->section), STR_ARG(c->section));
        if (c->kind == DIFF_REORDERED)
            (void)printf(" 次序改变 in another order");
        else
            (void)printf(" %.*s", STR_ARG(c->name));
        if (c->detail.n) (void)printf("：%.*s", STR_ARG(c->detail));
        (void)printf("%s\n", coloured ? "\033[0m" : "");
    }
}

static void print_refusals(const Apply *a) {
    for (size_t i = 0; i < a->gone_n; i++) {
        const ApplyThing *t = &a->gone[i];
        if (!t->open_tickets) continue;
        (void)fprintf(stderr,
                      "%s %.*s 还有 %lld 张未完结工单，不能删除 %s `%.*s` still has %lld open "
                      "tickets and cannot be removed.\n",
                      kind_label(t->kind), STR_ARG(t->name), (long long)t->open_tickets, t->kind,
                      STR_ARG(t->name), (long long)t->open_tickets);
    }
}

static void say(const Apply *a, int outcome, bool same) {
    if (a->problems.n) {
        (void)fprintf(stderr, "%s", a->problems.p);
        (void)fprintf(stderr, "文档有误，未改动 the documents are wrong; nothing was changed\n");
        return;
    }
    Str title = a->tenant.title.n ? a->tenant.title : a->tenant.name;
    if (same) {
        (void)printf("%.*s（%.*s）：与第 %lld 版相同，无需改动 the same as revision %lld, nothing "
                     "to do\n",
                     STR_ARG(title), STR_ARG(a->tenant.name), (long long)a->revision,
                     (long long)a->revision);
        return;
    }
    (void)printf("%.*s（%.*s）：第 %lld 版 → 第 %lld 版 revision %lld → %lld\n", STR_ARG(title),
                 STR_ARG(a->tenant.name), (long long)a->revision, (long long)a->revision + 1,
                 (long long)a->revision, (long long)a->revision + 1);
    print_changes(a);
    if (!a->changes_n) (void)printf("  （仅注释或排版 only comments or layout）\n");
    (void)fflush(stdout);
    print_refusals(a);
    if (outcome < 0)
        (void)fprintf(stderr, "未改动 nothing was changed\n");
    else if (a->o->check)
        (void)printf("检查通过，未写入 checked; nothing was written\n");
    else
        (void)printf("已生效：%zu 处改动 applied: %zu changes\n", a->changes_n, a->changes_n);
}

static void add_problems(const Apply *a, Buf *json) {
    Str rest = buf_str(&a->problems);
    bool first = true;
    while (rest.n) {
        Str line = str_cut(rest, '\n', &rest);
        if (!line.n) continue;
        if (!first) buf_addc(json, ',');
        buf_add_json(json, line);
        first = false;
    }
}

static void say_json(const Apply *a, int outcome, bool same) {
    static const char *const kinds[] = {"added", "removed", "changed", "reordered"};
    CLEANUP(buf_done) Buf json = {0};
    bool applied = outcome == 0 && !same && !a->o->check;
    buf_adds(&json, "{\"tenant\":");
    buf_add_json(&json, a->tenant.name);
    buf_printf(&json, ",\"ok\":%s,\"applied\":%s,\"revision\":%lld,\"changes\":[",
               outcome == 0 ? "true" : "false", applied ? "true" : "false",
               (long long)a->revision + applied);
    for (size_t i = 0; i < a->changes_n; i++) {
        if (i) buf_addc(&json, ',');
        buf_printf(&json, "{\"change\":\"%s\",\"section\":", kinds[a->changes[i].kind]);
        buf_add_json(&json, a->changes[i].section);
        buf_adds(&json, ",\"name\":");
        buf_add_json(&json, a->changes[i].name);
        buf_adds(&json, ",\"detail\":");
        buf_add_json(&json, a->changes[i].detail);
        buf_addc(&json, '}');
    }
    buf_adds(&json, "],\"refused\":[");
    bool first = true;
    for (size_t i = 0; i < a->gone_n; i++) {
        if (!a->gone[i].open_tickets) continue;
        buf_printf(&json, "%s{\"kind\":\"%s\",\"name\":", first ? "" : ",", a->gone[i].kind);
        buf_add_json(&json, a->gone[i].name);
        buf_printf(&json, ",\"open_tickets\":%lld}", (long long)a->gone[i].open_tickets);
        first = false;
    }
    buf_adds(&json, "],\"problems\":[");
    add_problems(a, &json);
    buf_adds(&json, "]}");
    (void)printf("%s\n", json.p);
}

/* ---- The command ---- */

static Str who(void) {
    const char *user = getenv("USER");
    return user && *user ? str(user) : STR("operator");
}

/* 0, -EPERM (bad news, said by the caller) or trouble. */
static int apply(Apply *a, bool *ret_same) {
    int r = read_files(a);
    if (r < 0) return r;
    if (a->problems.n) return -EPERM;
    if (!a->o->postgres) return -EINVAL; /* run() has asked for it */
    r = postgres_session_open(a->o->postgres, "docket apply", 0, &a->session, &a->trouble);
    if (r == 0)
        r = apply_find_tenant(a->session, str(a->o->tenant), a->arena, &a->tenant, &a->trouble);
    if (r == 0) r = apply_begin(a->session, a->tenant.id, &a->trouble);
    if (r == 0) r = decide(a);
    *ret_same = r == 0 && is_the_same(a);
    if (r < 0 || *ret_same || a->o->check) return r; /* closing the session rolls back */
    int64_t agents;
    r = apply_write(a->session, a->tenant.id, a->revision + 1, who(), &a->wanted, a->before,
                    a->after, &agents, &a->trouble);
    if (r == 0) r = postgres_session_run(a->session, "COMMIT", NULL, NULL, &a->trouble);
    return r;
}

static int parse(int argc, char **argv, Options *ret) {
    static const struct option long_options[] = {{"tenant", required_argument, NULL, 't'},
                                                 {"postgres", required_argument, NULL, 'p'},
                                                 {"check", no_argument, NULL, 'c'},
                                                 {"json", no_argument, NULL, 'j'},
                                                 {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (c) {
        case 't':
            ret->tenant = optarg;
            break;
        case 'p':
            ret->postgres = optarg;
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
    ret->files = argv + optind;
    ret->files_n = argc - optind;
    if (ret->files_n > 0 && ret->files_n <= FILES_MAX) return 0;
    (void)fprintf(stderr, "docket apply: name 1 to %d files (- is standard input)\n", FILES_MAX);
    return -EINVAL;
}

static int run(int argc, char **argv) {
    Options o = {.tenant = ""};
    if (parse(argc, argv, &o) < 0) {
        (void)fputs("docket apply --help says how it is called\n", stderr);
        return 2;
    }
    if (!o.postgres)
        o.postgres = command_environment("DOCKET_POSTGRES_ADMIN", "the role that owns the schema");
    Apply a = {.o = &o, .arena = arena_new(0)};
    bool same = false;
    int r = apply(&a, &same);
    bool trouble = r < 0 && r != -EPERM;
    if (trouble)
        (void)fprintf(stderr, "docket apply: %s\n", a.trouble.p ? a.trouble.p : strerror(-r));
    else if (o.json)
        say_json(&a, r, same);
    else
        say(&a, r, same);
    catalog_unref(a.before);
    catalog_unref(a.after);
    postgres_session_free(a.session);
    arena_free(a.arena);
    buf_done(&a.problems);
    buf_done(&a.trouble);
    return trouble ? 2 : r < 0 ? 1 : 0;
}

const Command apply_command = {
    .name = "apply",
    .summary = "make documents (groups, agents, rules ...) a tenant's next revision",
    .help = "Usage: docket apply [--tenant NAME] [--check] [--json] FILE...\n"
            "\n"
            "Sections of the files (settings, skills, kinds, groups, agents, rules) replace those\n"
            "of the tenant's newest revision; the others stay. The whole is checked: mistakes are\n"
            "shown with file, line and remedy, and nothing is written. Otherwise shows what\n"
            "changes and writes the next revision; services use it within 2 seconds. The same\n"
            "content again makes no revision.\n"
            "\n"
            "A group, agent or skill that open tickets still hang on is not removed: the answer\n"
            "names how many. Duty and capacity belong to the agents once they are there\n"
            "(docket agents); a capacity is taken from the document when the document changes it.\n"
            "\n"
            "  --tenant NAME    may be left out when there is only one\n"
            "  --check          show what would change; write nothing\n"
            "  --postgres URL   the role that owns the schema; default: $DOCKET_POSTGRES_ADMIN\n"
            "  --json           one JSON object: tenant, ok, applied, revision, changes, refused,\n"
            "                   problems\n"
            "\n"
            "Exit: 0 good, 1 wrong documents or refused, 2 not possible.\n",
    .run = run,
};
