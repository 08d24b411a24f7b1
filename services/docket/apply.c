/* docket apply -- documents become a tenant's next revision, checked as a whole and shown first. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "docket/apply_internal.h"
#include "docket/command.h"

enum { FILE_BYTES_MAX = 4 << 20, FILES_MAX = 64, LATE_MS = 4000 };

/* ---- Files ---- */

int apply_read_file(Apply *a, const char *name, size_t bytes_max, Str *ret, Buf *ret_problem) {
    bool standard = strcmp(name, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC), r = 0;
    if (fd < 0) {
        buf_printf(ret_problem, "%s: %s", name, strerror(errno));
        return -EINVAL;
    }
    CLEANUP(buf_done) Buf text = {0};
    ssize_t got;
    do {
        buf_reserve(&text, 65536);
        got = read(fd, text.p + text.n, 65536);
        if (got > 0) text.n += (size_t)got;
    } while (got > 0 && text.n <= bytes_max);
    if (got < 0 || text.n > bytes_max) r = -EINVAL;
    if (got < 0)
        buf_printf(ret_problem, "%s: %s", name, strerror(errno));
    else if (text.n > bytes_max)
        buf_printf(ret_problem, "%s: larger than %zu MiB", name, bytes_max >> 20);
    if (!standard) (void)close(fd);
    if (r == 0) *ret = arena_str(a->arena, buf_str(&text));
    return r;
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
        if (apply_read_file(a, a->o->files[i], FILE_BYTES_MAX, &text, &a->trouble) < 0)
            return -EINVAL;
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
            if (str_is(sections[s].kind, "calendars"))
                apply_put_ics(a, a->o->files[i], &sections[s]);
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
    } held[] = {{"groups", "group"}, {"agents", "agent"}, {"skills", "skill"}, {"roles", "role"}};
    for (size_t i = 0; i < a->changes_n && a->gone_n < THINGS_MAX; i++)
        for (size_t h = 0; h < sizeof(held) / sizeof(*held) && a->changes[i].kind == DIFF_REMOVED;
             h++)
            if (str_is(a->changes[i].section, held[h].section))
                a->gone[a->gone_n++] =
                    (ApplyThing){.kind = held[h].kind, .name = a->changes[i].name};
}

static bool is_named(const Catalog *c, const char *kind, Str name) {
    const Group *groups;
    const Agent *agents;
    size_t groups_n = catalog_groups(c, &groups), agents_n = catalog_agents(c, &agents);
    for (size_t i = 0; *kind == 'g' && i < groups_n; i++)
        if (str_eq(groups[i].name, name)) return true;
    for (size_t i = 0; *kind == 'a' && i < agents_n; i++)
        if (str_eq(agents[i].name, name)) return true;
    return false;
}

/* A move goes from what will not be there to what will. */
static void check_moves(Apply *a) {
    for (size_t i = 0; i < a->moves_n; i++) {
        const ApplyMove *m = &a->moves[i];
        if (is_named(a->after, m->kind, m->from))
            buf_printf(&a->problems,
                       "--move-%s %.*s=%.*s: `%.*s` stays in the documents; only what they remove "
                       "can be moved away from\n",
                       m->kind, STR_ARG(m->from), STR_ARG(m->to), STR_ARG(m->from));
        if (!is_named(a->after, m->kind, m->to))
            buf_printf(&a->problems,
                       "--move-%s %.*s=%.*s: the documents have no %s `%.*s` to move to\n", m->kind,
                       STR_ARG(m->from), STR_ARG(m->to), m->kind, STR_ARG(m->to));
    }
}

/* 0 when it may be written; -EPERM when the documents are wrong or things still hang on what they
 * remove; else trouble. */
static int decide(Apply *a) {
    int r = apply_read(a->session, a->tenant.id, a->arena, &a->revision, &a->stored, &a->trouble);
    if (r < 0) return r;
    merge(a);
    a->after =
        catalog_compile(a->wanted.sources, a->wanted.n, a->revision + 1, NULL, NULL, &a->problems);
    if (a->after) check_moves(a);
    if (a->problems.n) return -EPERM;
    CLEANUP(buf_done) Buf ignored = {0};
    a->before = catalog_compile(a->stored.sources, a->stored.n, a->revision, NULL, NULL, &ignored);
    a->changes_n = documents_diff(a->stored.sources, a->stored.n, a->wanted.sources, a->wanted.n,
                                  a->arena, &a->changes);
    find_gone(a);
    r = apply_count_tickets(a->session, a->tenant.id, a->gone, a->gone_n, &a->trouble);
    if (r == 0)
        r = apply_find_users(a->session, a->tenant.id, a->arena, a->gone, a->gone_n, &a->trouble);
    if (r < 0) return r;
    for (size_t i = 0; i < a->gone_n; i++)
        if (a->gone[i].users || (a->gone[i].open_tickets && !apply_is_moved(a, &a->gone[i])))
            return -EPERM;
    return 0;
}

/* ---- The command ---- */

static Str who(void) {
    const char *user = getenv("USER");
    return user && *user ? str(user) : STR("operator");
}

/* Where tickets go must have a number before they go there; names that nobody comes to use do no
 * harm, so this is no part of the transaction. */
static int number_places(Apply *a) {
    CLEANUP(postgres_session_freep) PostgresSession *aside = NULL;
    int r = postgres_session_open(a->o->postgres, "docket apply", 0, &aside, &a->trouble);
    if (r == 0) r = apply_write_names(aside, a->tenant.id, a->after, &a->trouble);
    if (r == 0) r = apply_find_numbers(aside, a->tenant.id, a->moves, a->moves_n, &a->trouble);
    for (size_t i = 0; r == 0 && i < a->moves_n; i++) {
        if (a->moves[i].from_id && a->moves[i].to_id) continue;
        buf_printf(&a->trouble, "there never was a %s `%.*s`", a->moves[i].kind,
                   STR_ARG(a->moves[i].from));
        r = -EINVAL;
    }
    return r;
}

/* Tickets leave before the revision that no longer knows their place ... */
static int move_first(Apply *a) {
    if (!a->moves_n) return 0;
    int r = number_places(a);
    if (r < 0) return r;
    int64_t moved = apply_move_tickets(a->o->postgres, a->session, a->tenant.id, a->moves,
                                       a->moves_n, a->revision, &a->trouble);
    a->moved += moved > 0 ? moved : 0;
    return moved < 0 ? (int)moved : 0;
}

/* ... and those that routers put there until they had read it: they do within 2 s. */
static int move_late_ones(Apply *a) {
    int64_t end = clock_monotonic_ms() + LATE_MS;
    while (a->moves_n && clock_monotonic_ms() < end) {
        (void)usleep(300 * 1000);
        int64_t moved = apply_move_tickets(a->o->postgres, a->session, a->tenant.id, a->moves,
                                           a->moves_n, a->revision + 1, &a->trouble);
        if (moved < 0) return (int)moved;
        a->moved += moved;
    }
    return 0;
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
    *ret_same = r == 0 && is_the_same(a) && !a->moves_n;
    if (r < 0 || *ret_same || a->o->check) return r; /* closing the session rolls back */
    r = move_first(a);
    if (r < 0) return r;
    int64_t agents;
    r = apply_write(a->session, a->tenant.id, a->revision + 1, who(), &a->wanted, a->before,
                    a->after, &agents, &a->trouble);
    if (r == 0) r = postgres_session_run(a->session, "COMMIT", NULL, NULL, &a->trouble);
    return r == 0 ? move_late_ones(a) : r;
}

/* "物流=售后" */
static int parse_move(Options *o, const char *kind, const char *text) {
    Str to, from = str_cut(str(text), '=', &to);
    if (!from.n || !to.n || str_eq(from, to)) {
        (void)fprintf(stderr, "docket apply: --move-%s %s: must be FROM=TO\n", kind, text);
        return -EINVAL;
    }
    if (o->moves_n == MOVES_MAX) return -EINVAL;
    o->moves[o->moves_n++] = (ApplyMove){kind, from, to, 0, 0};
    return 0;
}

static int parse(int argc, char **argv, Options *ret) {
    static const struct option long_options[] = {{"tenant", required_argument, NULL, 't'},
                                                 {"postgres", required_argument, NULL, 'p'},
                                                 {"check", no_argument, NULL, 'c'},
                                                 {"json", no_argument, NULL, 'j'},
                                                 {"move-group", required_argument, NULL, 'g'},
                                                 {"move-agent", required_argument, NULL, 'a'},
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
        case 'g':
            if (parse_move(ret, "group", optarg) < 0) return -EINVAL;
            break;
        case 'a':
            if (parse_move(ret, "agent", optarg) < 0) return -EINVAL;
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
    Apply a = {.o = &o, .arena = arena_new(0), .moves_n = o.moves_n};
    memcpy(a.moves, o.moves, sizeof(a.moves));
    bool same = false;
    int r = apply(&a, &same);
    bool trouble = r < 0 && r != -EPERM;
    if (trouble)
        (void)fprintf(stderr, "docket apply: %s\n", a.trouble.p ? a.trouble.p : strerror(-r));
    else if (o.json)
        apply_say_json(&a, r, same);
    else
        apply_say(&a, r, same);
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
    .help =
        "Usage: docket apply [--tenant NAME] [--check] [--json]\n"
        "                    [--move-group FROM=TO] [--move-agent FROM=TO] FILE...\n"
        "\n"
        "Sections of the files (settings, skills, kinds, groups, agents, rules) replace those\n"
        "of the tenant's newest revision; the others stay. The whole is checked: mistakes are\n"
        "shown with file, line and remedy, and nothing is written. Otherwise shows what\n"
        "changes and writes the next revision; services use it within 2 seconds. The same\n"
        "content again makes no revision.\n"
        "\n"
        "A role that somebody has is not removed: the answer names them.\n"
        "A group, agent or skill that open tickets still hang on is not removed: the answer\n"
        "names how many. With --move-group and --move-agent they go to another one; the\n"
        "state they are in stays. Skills are kept until their tickets are solved.\n"
        "Duty and capacity belong to the agents once they are there (docket agents); a capacity\n"
        "is taken from the document when the document changes it.\n"
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
