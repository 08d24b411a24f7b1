/* docket dead -- what could not be processed, why, and sending it round again. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "docket/command.h"
#include "events/dead.h"
#include "events/submission.h"
#include "kafka/admin.h"

typedef struct DeadOptions {
    const char *brokers;
    bool json, all;
    int32_t partition; /* of the letter named on the command line; -1: none */
    int64_t offset;
} DeadOptions;

static const char usage[] =
    "Usage: docket dead list|show|replay [LETTER] [--all] [--json] [--kafka BROKERS]\n"
    "\n"
    "  list            one line a letter: LETTER, when, tenant, ticket, where from, why\n"
    "  show LETTER     everything about it; its body as hexadecimal (personal data is sealed in "
    "it)\n"
    "  replay LETTER   sends it to the topic it came from; replay --all sends every one\n"
    "                  A replay is safe to repeat: a submission that is stored already is "
    "recognised by its cause\n"
    "\n"
    "LETTER is PARTITION:OFFSET, as list prints it. Letters stay in docket.dead until its "
    "retention ends.\n";

/* What `visit` is told of each letter; it returns 0 to go on. */
typedef int (*LetterVisit)(void *arg, const KafkaMessage *letter,
                           const Submission *submission /* NULL: not one */);

static int letters_walk(const DeadOptions *o, LetterVisit visit, void *arg) {
    CLEANUP(buf_done) Buf problem = {0};
    CLEANUP(kafka_reader_freep) KafkaReader *reader = NULL;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    KafkaReaderSettings settings = {.brokers = o->brokers,
                                    .topic = "docket.dead",
                                    .partition = o->partition,
                                    .from = -1,
                                    .to = -1};
    if (o->partition >= 0) settings.from = o->offset, settings.to = o->offset + 1;
    int r = kafka_reader_new(&settings, &reader, &problem);
    while (r >= 0) {
        KafkaMessage letter;
        Submission submission;
        const char *why;
        r = kafka_reader_next(reader, &letter, &problem);
        if (r <= 0) break;
        bool known = submission_decode(letter.value, arena, &submission, &why) == 0;
        int stop = visit(arg, &letter, known ? &submission : NULL);
        kafka_message_done(&letter);
        arena_reset(arena);
        if (stop) return stop;
    }
    if (r < 0)
        (void)fprintf(stderr, "docket dead: %s\n", problem.p ? problem.p : "Kafka did not answer");
    return r < 0 ? 2 : 0;
}

typedef struct ListState {
    bool json;
    size_t n;
} ListState;

static int list_one(void *arg, const KafkaMessage *letter, const Submission *s) {
    ListState *state = arg;
    char when[25], name[48];
    Str why = kafka_message_header(letter, DEAD_HEADER_REASON),
        from = kafka_message_header(letter, DEAD_HEADER_TOPIC);
    clock_format_ms(letter->timestamp_ms, when);
    (void)snprintf(name, sizeof(name), "%d:%lld", letter->partition, (long long)letter->offset);
    if (state->json) {
        CLEANUP(buf_done) Buf line = {0};
        buf_printf(
            &line,
            "{\"letter\":\"%s\",\"at\":\"%s\",\"tenant_id\":%lld,\"ticket_id\":%lld,\"topic\":",
            name, when, s ? (long long)s->tenant_id : 0, s ? (long long)s->ticket_id : 0);
        buf_add_json(&line, from);
        buf_adds(&line, ",\"reason\":");
        buf_add_json(&line, why);
        printf("%s}\n", line.p);
    } else {
        if (state->n == 0)
            printf("%-10s %-24s %8s %12s  %-24s %s\n", "letter", "at", "tenant", "ticket", "from",
                   "why");
        printf("%-10s %-24s %8lld %12lld  %-24.*s %.*s\n", name, when,
               s ? (long long)s->tenant_id : 0, s ? (long long)s->ticket_id : 0, STR_ARG(from),
               STR_ARG(why));
    }
    state->n++;
    return 0;
}

static int show_one(void *arg, const KafkaMessage *letter, const Submission *s) {
    ListState *state = arg;
    (void)list_one(state, letter, s);
    CLEANUP(mem_freep) char *hex = xmalloc(letter->value.n * 2 + 1);
    text_hex(letter->value.p, letter->value.n, hex);
    printf("key    %.*s\nbytes  %zu\nbody   %s\n", STR_ARG(letter->key), letter->value.n, hex);
    return 0;
}

typedef struct ReplayState {
    KafkaAdmin *admin;
    size_t sent, left;
} ReplayState;

static int replay_one(void *arg, const KafkaMessage *letter, const Submission *s) {
    ReplayState *state = arg;
    CLEANUP(buf_done) Buf problem = {0}, topic = {0};
    Str from = kafka_message_header(letter, DEAD_HEADER_TOPIC);
    (void)s;
    if (from.n == 0) {
        state->left++;
        (void)fprintf(stderr, "docket dead: %d:%lld does not say where it came from; left alone\n",
                      letter->partition, (long long)letter->offset);
        return 0;
    }
    buf_add_str(&topic, from);
    if (kafka_admin_produce(state->admin, topic.p, -1, letter->key, letter->value, &problem) < 0) {
        (void)fprintf(stderr, "docket dead: %d:%lld: %s\n", letter->partition,
                      (long long)letter->offset, problem.p);
        return 2;
    }
    state->sent++;
    return 0;
}

static int replay(const DeadOptions *o) {
    CLEANUP(buf_done) Buf problem = {0};
    CLEANUP(kafka_admin_freep)
    KafkaAdmin *admin = kafka_admin_new(&(KafkaAdminSettings){.brokers = o->brokers}, &problem);
    if (!admin) {
        (void)fprintf(stderr, "docket dead: %s\n", problem.p);
        return 2;
    }
    ReplayState state = {.admin = admin};
    int r = letters_walk(o, replay_one, &state);
    printf("重新投递 replayed: %zu\n", state.sent);
    return r ? r : state.left ? 1 : 0;
}

/* "3:17" */
static int letter_parse(const char *text, DeadOptions *ret) {
    Str offset, partition = str_cut(str(text), ':', &offset);
    int64_t p;
    if (str_to_i64(partition, &p) < 0 || p > 100000 || str_to_i64(offset, &ret->offset) < 0)
        return -1;
    ret->partition = (int32_t)p;
    return 0;
}

static int dead_run(int argc, char **argv) {
    static const struct option options[] = {{"kafka", required_argument, NULL, 'k'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"all", no_argument, NULL, 'a'},
                                            {0}};
    DeadOptions o = {.partition = -1};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'k')
            o.brokers = optarg;
        else if (c == 'j')
            o.json = true;
        else if (c == 'a')
            o.all = true;
        else
            return 2;
    }
    const char *verb = optind < argc ? argv[optind] : "",
               *letter = optind + 1 < argc ? argv[optind + 1] : NULL;
    if (letter && letter_parse(letter, &o) < 0) {
        (void)fprintf(
            stderr,
            "docket dead: a letter is PARTITION:OFFSET as `docket dead list` prints it, not '%s'\n",
            letter);
        return 2;
    }
    bool list = strcmp(verb, "list") == 0, show = strcmp(verb, "show") == 0,
         again = strcmp(verb, "replay") == 0;
    if (!list && !show && !again) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if ((show || again) && !letter && !(again && o.all)) {
        (void)fprintf(stderr, "docket dead %s: which letter? See docket dead list%s\n", verb,
                      again ? "; or --all" : "");
        return 2;
    }
    if (!o.brokers)
        o.brokers = command_environment("DOCKET_KAFKA", "the brokers, host:port,host:port");
    if (again) return replay(&o);
    ListState state = {.json = o.json};
    int r = letters_walk(&o, show ? show_one : list_one, &state);
    if (r == 0 && state.n == 0 && !o.json) printf("没有死信 docket.dead is empty\n");
    return r;
}

const Command dead_command = {
    .name = "dead",
    .summary = "what could not be processed, why, and sending it round again",
    .help = usage,
    .run = dead_run,
};
