/* docket replay -- a recorded life of tickets, lived once more by the real services, on a clock
 * that moves only when nothing lags. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docket/command.h"
#include "docket/lookup.h"
#include "docket/replay_fates.h"
#include "docket/replay_story.h"
#include "docket/replay_world.h"
#include "docket/workforce_desk.h"

static const char me[] = "docket replay";

enum {
    INPUT_BYTES_MAX = 256 << 20,
    TOKENS_MAX = 256,
    TOKENS_BYTES_MAX = 1 << 20,
    SUBJECT_MAX = 120
};

typedef struct Options {
    const char *input, *tokens, *clock, *tenant, *gate, *desk, *postgres, *kafka, *requester;
    int64_t wait_s, until_ms; /* 0: as the last row */
    bool json;
} Options;

typedef struct Replay {
    const Options *o;
    ReplayWorld world;
    ReplayStory story;
    Arena *arena;
    struct {
        Str who, token;
    } tokens[TOKENS_MAX];
    size_t tokens_n;
    int64_t *ids; /* of each ticket; 0: not created */
    int64_t next_ms, steps, refused;
} Replay;

static void replay_done(Replay *r) {
    replay_world_done(&r->world);
    (void)arena_free(r->arena);
    free(r->ids);
}

static int read_whole(const char *name, size_t bytes_max, Buf *ret) {
    FILE *in = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    char part[65536];
    if (!in) {
        (void)fprintf(stderr, "%s: cannot read %s: %m\n", me, name);
        return -1;
    }
    for (size_t n; ret->n <= bytes_max && (n = fread(part, 1, sizeof(part), in)) > 0;)
        buf_add(ret, part, n);
    bool failed = ferror(in) != 0;
    if (in != stdin) (void)fclose(in);
    if (failed || ret->n > bytes_max)
        (void)fprintf(stderr, "%s: %s: %s\n", me, name, failed ? "cannot be read" : "is too large");
    return failed || ret->n > bytes_max ? -1 : 0;
}

/* ---- Who may ---- */

static int tokens_read(Replay *r) {
    CLEANUP(buf_done) Buf text = {0};
    Str rest, line;
    if (read_whole(r->o->tokens, TOKENS_BYTES_MAX, &text) < 0) return -1;
    rest = arena_str(r->arena, buf_str(&text));
    for (long number = 1; rest.n; number++) {
        Str token;
        line = str_trim(str_cut(rest, '\n', &rest));
        if (line.n == 0) continue;
        Str who = str_cut(line, ' ', &token);
        token = str_trim(token);
        if (token.n == 0 || r->tokens_n == TOKENS_MAX) {
            (void)fprintf(stderr, "%s: %s:%ld: a line is a name, a blank and a token; at most %d\n",
                          me, r->o->tokens, number, TOKENS_MAX);
            return -1;
        }
        r->tokens[r->tokens_n].who = who;
        r->tokens[r->tokens_n++].token = token;
    }
    return 0;
}

static Str token_of(const Replay *r, Str who) {
    for (size_t i = 0; i < r->tokens_n; i++)
        if (str_eq(r->tokens[i].who, who)) return r->tokens[i].token;
    return (Str){NULL, 0};
}

static int everybody_has_one(const Replay *r) {
    if (!token_of(r, STR("gate")).p) {
        (void)fprintf(stderr, "%s: %s has no token of `gate`\n", me, r->o->tokens);
        return -1;
    }
    for (size_t i = 0; i < r->story.rows_n; i++) {
        const ReplayRow *row = &r->story.rows[i];
        if (row->creates || token_of(r, row->who).p) continue;
        (void)fprintf(stderr, "%s: record %ld: %s has no token of `%.*s`\n", me, row->record,
                      r->o->tokens, STR_ARG(row->who));
        return -1;
    }
    return 0;
}

/* ---- What they do ---- */

/* 0, also when a door refused: that is said, counted, and the life goes on; -errno. */
static int ask(Replay *r, const ReplayRow *row, ReplayDoor door, Str token, const char *method,
               const char *path, const Buf *body, Buf *answer) {
    int status =
        replay_ask(&r->world, door, token, method, path, body ? buf_str(body) : STR("{}"), answer);
    if (status < 0) return status;
    if (status >= 200 && status < 300) return 0;
    r->refused++;
    (void)fprintf(stderr, "%s: record %ld: %s %s answered %d: %.*s\n", me, row->record, method,
                  path, status, (int)(answer->n < 300 ? answer->n : 300), answer->p);
    return 1;
}

static int create(Replay *r, const ReplayRow *row) {
    CLEANUP(buf_done) Buf body = {0}, answer = {0};
    Str name = r->story.tickets[row->ticket], text = row->comment.n ? row->comment : name;
    size_t subject = text.n;
    while (subject > SUBJECT_MAX || (subject < text.n && (text.p[subject] & 0xc0) == 0x80))
        subject--; /* at a character's border */
    buf_adds(&body, "{\"ticket\":{\"subject\":");
    buf_add_json(&body, (Str){text.p, subject});
    buf_adds(&body, ",\"comment\":{\"body\":");
    buf_add_json(&body, text);
    buf_adds(&body, "},\"external_id\":");
    buf_add_json(&body, name);
    if (row->priority.n) {
        buf_adds(&body, ",\"priority\":");
        buf_add_json(&body, row->priority);
    }
    buf_adds(&body, ",\"requester\":{\"name\":\"replay\",\"email\":");
    buf_add_json(&body, str(r->o->requester));
    buf_adds(&body, "}}}");
    int said = ask(r, row, REPLAY_GATE, token_of(r, STR("gate")), "POST", "/api/v2/tickets.json",
                   &body, &answer);
    if (said == 0 && desk_read_id(buf_str(&answer), "ticket", "id", &r->ids[row->ticket]) < 0)
        return -EPROTO;
    return said < 0 ? said : 0;
}

static void add_comment(Buf *b, const ReplayRow *row) {
    if (!row->comment.n) return;
    buf_adds(b, "\"comment\":{\"body\":");
    buf_add_json(b, row->comment);
    buf_adds(b, row->is_public ? ",\"public\":true}," : ",\"public\":false},");
}

static int change_as_requester(Replay *r, const ReplayRow *row, long long id) {
    CLEANUP(buf_done) Buf body = {0}, answer = {0}, path = {0};
    buf_adds(&body, "{\"request\":{");
    add_comment(&body, row);
    buf_printf(&body, "\"solved\":%s}}", str_is(row->state, "solved") ? "true" : "false");
    buf_printf(&path, "/api/v2/requests/%lld.json", id);
    return ask(r, row, REPLAY_DESK, token_of(r, row->who), "PUT", path.p, &body, &answer);
}

static int change_as_staff(Replay *r, const ReplayRow *row, long long id) {
    CLEANUP(buf_done) Buf body = {0}, answer = {0}, path = {0};
    Str token = token_of(r, row->who);
    bool acknowledged = str_is(row->state, "acknowledged");
    int said = 0;
    if (row->group.n) {
        buf_printf(&path, "/api/v2/tickets/%lld/transfer.json", id);
        buf_adds(&body, "{\"group\":");
        buf_add_json(&body, row->group);
        buf_adds(&body, ",\"note\":\"replay\"}");
        said = ask(r, row, REPLAY_DESK, token, "POST", path.p, &body, &answer);
    }
    if (said >= 0 && acknowledged) {
        buf_clear(&path);
        buf_printf(&path, "/api/v2/tickets/%lld/acknowledge.json", id);
        said = ask(r, row, REPLAY_DESK, token, "POST", path.p, NULL, &answer);
    }
    bool more = row->comment.n || row->priority.n || (row->state.n && !acknowledged);
    if (said < 0 || !more) return said;
    buf_clear(&body);
    buf_clear(&path);
    buf_printf(&path, "/api/v2/tickets/%lld.json", id);
    buf_adds(&body, "{\"ticket\":{");
    add_comment(&body, row);
    if (row->priority.n) buf_printf(&body, "\"priority\":\"%.*s\",", STR_ARG(row->priority));
    if (row->state.n && !acknowledged)
        buf_printf(&body, "\"status\":\"%.*s\",", STR_ARG(row->state));
    body.n--; /* the last comma */
    buf_adds(&body, "}}");
    return ask(r, row, REPLAY_DESK, token, "PUT", path.p, &body, &answer);
}

static int change(Replay *r, const ReplayRow *row) {
    long long id = r->ids[row->ticket];
    if (id == 0) return 0; /* its creation was refused, and said to be */
    int said = str_is(row->who, "requester") ? change_as_requester(r, row, id)
                                             : change_as_staff(r, row, id);
    return said < 0 ? said : 0;
}

/* ---- Time ---- */

/* Everything of one instant, rows [from, to). Whoever is created is known before she is changed. */
static int live_instant(Replay *r, size_t from, size_t to) {
    bool created = false;
    int said = 0;
    for (size_t i = from; i < to && said >= 0; i++) {
        const ReplayRow *row = &r->story.rows[i];
        if (row->creates) {
            said = create(r, row);
            created = true;
            continue;
        }
        if (created) said = replay_quiet(&r->world, &r->next_ms);
        created = false;
        if (said >= 0) said = change(r, row);
    }
    return said;
}

static int stand_at(Replay *r, int64_t ms) {
    r->steps++;
    return ms > r->world.clock_ms ? replay_clock_set(&r->world, ms) : 0;
}

/* The clock stops wherever something happens or a promise has something to say. What happens at
 * the very instant at which a promise falls due happens a millisecond earlier: it keeps the
 * promise, and here nobody else may be faster. */
static int live(Replay *r, int64_t until_ms) {
    size_t at = 0;
    int said = replay_quiet(&r->world, &r->next_ms);
    while (said >= 0) {
        const ReplayRow *rows = r->story.rows;
        int64_t happens = at < r->story.rows_n ? rows[at].at_ms : INT64_MAX;
        int64_t due = r->next_ms ? r->next_ms : INT64_MAX;
        int64_t next = happens < due ? happens : due;
        if (next > until_ms) break;
        size_t to = at;
        while (happens == next && to < r->story.rows_n && rows[to].at_ms == next)
            to++;
        said = stand_at(r, to > at && due == next ? next - 1 : next);
        if (said >= 0 && to > at) said = live_instant(r, at, to);
        if (said >= 0) said = replay_quiet(&r->world, &r->next_ms);
        at = to;
    }
    if (said >= 0) said = stand_at(r, until_ms);
    if (said >= 0) said = replay_quiet(&r->world, &r->next_ms);
    return said;
}

/* ---- The command ---- */

static int fail(Replay *r, const Buf *why) {
    (void)fprintf(stderr, "%s: %s\n", me,
                  why && why->n        ? why->p
                  : r->world.trouble.p ? r->world.trouble.p
                                       : "not possible");
    return 2;
}

static int open_world(Replay *r) {
    const Options *o = r->o;
    ReplayWorld *w = &r->world;
    Buf *trouble = &w->trouble;
    KafkaAdminSettings kafka = {.brokers = o->kafka};
    w->clock_file = o->clock;
    w->wait_ms = o->wait_s * 1000;
    if (http_address_resolve(str(o->gate), &w->gate, trouble) < 0 ||
        http_address_resolve(str(o->desk), &w->desk, trouble) < 0 ||
        postgres_session_open(o->postgres, "docket-replay", 0, &w->postgres, trouble) < 0)
        return fail(r, NULL);
    if (lookup_tenant(me, w->postgres, o->tenant, &w->tenant_id)) return 2;
    if (!(w->kafka = kafka_admin_new(&kafka, trouble))) return fail(r, NULL);
    w->clock_ms = replay_clock_read(o->clock);
    return replay_clock_set(w, w->clock_ms) < 0 ? fail(r, NULL) : 0;
}

static int play(const Options *o) {
    CLEANUP(replay_done) Replay r = {.o = o, .arena = arena_new(0)};
    CLEANUP(buf_done) Buf csv = {0}, problem = {0};
    if (read_whole(o->input, INPUT_BYTES_MAX, &csv) < 0) return 2;
    if (replay_story_read(buf_str(&csv), r.arena, &r.story, &problem) < 0) {
        (void)fprintf(stderr, "%s: %s: %s\n", me, o->input, problem.p);
        return 2;
    }
    if (tokens_read(&r) < 0 || everybody_has_one(&r) < 0) return 2;
    int bad = open_world(&r);
    if (bad) return bad;
    r.ids = xcalloc(r.story.tickets_n, sizeof(*r.ids));
    int64_t weeks = replay_story_shift(&r.story, r.world.clock_ms + 1);
    int64_t last = r.story.rows[r.story.rows_n - 1].at_ms;
    int64_t until = o->until_ms ? last + o->until_ms : last;
    (void)fprintf(stderr, "%s: %zu rows of %zu tickets, %lld weeks later than recorded\n", me,
                  r.story.rows_n, r.story.tickets_n, (long long)weeks);
    if (live(&r, until) < 0) return fail(&r, NULL);
    ReplayFates fates = {.postgres = o->postgres,
                         .tenant_id = r.world.tenant_id,
                         .now_ms = r.world.clock_ms,
                         .tickets = r.ids,
                         .names = r.story.tickets,
                         .n = r.story.tickets_n,
                         .json = o->json};
    int64_t wrong = replay_fates(&fates, &problem);
    if (wrong < 0) return fail(&r, &problem);
    (void)fprintf(stderr,
                  "%s: the clock stood still %lld times; %lld changes refused; %lld promises told "
                  "otherwise than their ledgers say\n",
                  me, (long long)r.steps, (long long)r.refused, (long long)wrong);
    return wrong || r.refused ? 1 : 0;
}

static int number(const char *option, const char *text, int64_t max, int64_t *ret) {
    if (str_to_i64(str(text), ret) == 0 && *ret >= 0 && *ret <= max) return 0;
    (void)fprintf(stderr, "%s: --%s: a number from 0 to %lld, not '%s'\n", me, option,
                  (long long)max, text);
    return -1;
}

static int replay_run(int argc, char **argv) {
    static const struct option options[] = {{"input", required_argument, NULL, 'i'},
                                            {"tokens", required_argument, NULL, 't'},
                                            {"clock", required_argument, NULL, 'c'},
                                            {"tenant", required_argument, NULL, 'n'},
                                            {"gate", required_argument, NULL, 'g'},
                                            {"desk", required_argument, NULL, 'd'},
                                            {"postgres", required_argument, NULL, 'p'},
                                            {"kafka", required_argument, NULL, 'k'},
                                            {"requester", required_argument, NULL, 'r'},
                                            {"wait", required_argument, NULL, 'w'},
                                            {"hours-after", required_argument, NULL, 'a'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    Options o = {.requester = "replay@example.com", .wait_s = 60};
    int64_t hours = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        const char **text = c == 'i'   ? &o.input
                            : c == 't' ? &o.tokens
                            : c == 'c' ? &o.clock
                            : c == 'n' ? &o.tenant
                            : c == 'g' ? &o.gate
                            : c == 'd' ? &o.desk
                            : c == 'p' ? &o.postgres
                            : c == 'k' ? &o.kafka
                            : c == 'r' ? &o.requester
                                       : NULL;
        if (text)
            *text = optarg;
        else if (c == 'j')
            o.json = true;
        else if (c == 'w' && number("wait", optarg, 3600, &o.wait_s) < 0)
            return 2;
        else if (c == 'a' && number("hours-after", optarg, 24 * 3660, &hours) < 0)
            return 2;
        else if (c == '?')
            return 2;
    }
    o.until_ms = hours * 3600000;
    if (!o.input || !o.tokens || !o.tenant || optind != argc) {
        (void)fprintf(stderr, "%s: --input, --tokens and --tenant are needed; see %s --help\n", me,
                      me);
        return 2;
    }
    if (!o.clock) o.clock = command_environment("DOCKET_CLOCK", "the clock file of the services");
    if (!o.gate) o.gate = command_environment("DOCKET_INTAKE_URL", "the gate, http://host:port");
    if (!o.desk) o.desk = command_environment("DOCKET_DESK_URL", "the desk, http://host:port");
    if (!o.postgres)
        o.postgres = command_environment("DOCKET_POSTGRES", "a role that may read every tenant");
    if (!o.kafka) o.kafka = command_environment("DOCKET_KAFKA", "the brokers, host:port,host:port");
    return play(&o);
}

const Command replay_command = {
    .name = "replay",
    .summary = "a recorded life of tickets, lived again on the test clock",
    .help =
        "Usage: docket replay --input FILE --tokens FILE --tenant NAME [--clock FILE] [--json]\n"
        "\n"
        "Plays what is recorded through the real services: tickets come in by the gate, people "
        "change them\n"
        "at the desk, router and scheduler do their part. All of them must run with "
        "DOCKET_CLOCK=FILE, which\n"
        "this command moves: to the next row, or to the next instant at which a promise warns, "
        "breaks or\n"
        "escalates, and only while nothing lags. At the end every ledger is judged once more as a "
        "whole, and\n"
        "what the services told at the time must be exactly that.\n"
        "\n"
        "  --input FILE     CSV ('-': standard input) whose heading names its columns:\n"
        "                     ticket    any text; its first row creates the ticket\n"
        "                     at        2026-01-05T09:00:00Z, or milliseconds since 1970\n"
        "                     who       requester, or a name of the tokens file\n"
        "                     state     open pending hold solved closed, or acknowledged;\n"
        "                               new and assigned are left to the machine\n"
        "                     group     to which it is handed over\n"
        "                     priority  low normal high urgent\n"
        "                     comment   what is said; of a first row the description\n"
        "                     public    no: the comment is a note\n"
        "                   Rows before the clock are moved into its future by whole weeks.\n"
        "  --tokens FILE    lines of 'NAME TOKEN': `gate` (a source's), `requester` (of the "
        "customer whose\n"
        "                   address --requester is), and everybody else in column who\n"
        "  --tenant NAME    whose documents and people these are\n"
        "  --clock FILE     default: DOCKET_CLOCK\n"
        "  --requester MAIL of all tickets, default replay@example.com\n"
        "  --hours-after N  the clock goes on for so long after the last row; default 0\n"
        "  --wait S         patience until nothing lags, default 60\n"
        "  --json           one line a clock: ticket, metric, instance, fate (kept broken open "
        "cancelled\n"
        "                   unpromised), breached_ms ...; else a table of metrics\n"
        "  --gate URL --desk URL --postgres URL --kafka BROKERS   default: DOCKET_INTAKE_URL, "
        "DOCKET_DESK_URL,\n"
        "                   DOCKET_POSTGRES, DOCKET_KAFKA\n"
        "\n"
        "Exit: 0 all told as the ledgers say, 1 something was not, or a change was refused (each "
        "is named),\n"
        "2 not possible.\n",
    .run = replay_run,
};
