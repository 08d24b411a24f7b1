/* Drives services/desk/tickets/changes for tests: a desk without HTTP. One JSON command a line on
 * standard input, one JSON answer a line on standard output; tests/harness/changes.py is its other
 * side.
 *
 *   changes_driver URL BROKERS STORES
 *   {"op":"ask","edits":[...as of store_driver...]}   all in one turn; answers when all are
 * answered
 *   {"op":"idle"}                                     when nothing waits, runs or flies
 *   {"op":"full"}                                     how many it takes before it refuses */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "desk/tickets/changes.h"
#include "edits_json.h"

static Loop *loop;
static Changes *changes;
static Arena *arena;
static size_t open_asks;

typedef struct Ask {
    Buf answer; /* printed once all are there */
    bool refused;
} Ask;

static void on_answer(void *arg, ChangesOutcome outcome, const TicketEdit *edit,
                      const char *problem) {
    static const char *const names[] = {"stored", "refused", "away"};
    Ask *a = arg;
    char *text = NULL;
    size_t n = 0;
    (void)problem;
    FILE *memory = open_memstream(&text, &n);
    FILE *before = stdout;
    stdout = memory; /* print_edit() prints there */
    (void)printf("{\"outcome\":\"%s\",\"edit\":", names[outcome]);
    if (outcome == CHANGES_STORED)
        print_edit(arena, edit);
    else
        (void)printf("null");
    (void)printf("}");
    stdout = before;
    (void)fclose(memory);
    buf_add(&a->answer, text, n);
    free(text);
    if (--open_asks == 0) loop_stop(loop);
}

static void op_ask(const cJSON *o) {
    const cJSON *list = NULL, *item;
    if (json_get_array(o, "edits", &list) <= 0) return;
    size_t n = (size_t)cJSON_GetArraySize(list), i = 0;
    Ask *asks = arena_zalloc(arena, (n + 1) * sizeof(*asks));
    cJSON_ArrayForEach(item, list) {
        TicketEdit e;
        fill_edit(arena, &e, item);
        if (changes_ask(changes, &e, on_answer, &asks[i]))
            open_asks++;
        else
            asks[i].refused = true;
        i++;
    }
    while (open_asks)
        loop_run_for(loop, 1000);
    (void)printf("{\"answers\":[");
    for (i = 0; i < n; i++) {
        (void)printf("%s%s", i ? "," : "",
                     asks[i].refused ? "{\"outcome\":\"full\"}" : asks[i].answer.p);
        buf_done(&asks[i].answer);
    }
    (void)printf("]}\n");
}

static void on_nothing(void *arg, ChangesOutcome outcome, const TicketEdit *edit,
                       const char *problem) {
    (void)outcome, (void)edit, (void)problem;
    ++*(size_t *)arg;
}

/* Asked for within one turn, so that none is taken off the queue meanwhile. */
static void op_full(void) {
    TicketEdit e = {.tenant_id = 1, .ticket_id = 1, .expected_version = 1, .actor = STR("agent:1")};
    size_t n = 0, answered = 0;
    while (changes_ask(changes, &e, on_nothing, &answered)) {
        e.ticket_id++;
        n++;
    }
    while (answered < n)
        loop_run_for(loop, 10);
    (void)printf("{\"taken\":%zu}\n", n);
}

static void op_idle(void) {
    int64_t until = clock_monotonic_ms() + 20000;
    while (!changes_idle(changes) && clock_monotonic_ms() < until)
        loop_run_for(loop, 5);
    (void)printf("{\"idle\":%s}\n", changes_idle(changes) ? "true" : "false");
}

static void run(Str line) {
    cJSON *o = NULL;
    CLEANUP(buf_done) Buf why = {0};
    JsonLimits limits = {.bytes = 64 << 20, .depth = 32, .members = 1000};
    if (json_parse(line, &limits, &o, &why) < 0) {
        (void)fprintf(stderr, "changes_driver: %s\n", why.p);
        exit(2);
    }
    Str op = text_of(o, "op");
    if (str_is(op, "ask")) op_ask(o);
    if (str_is(op, "idle")) op_idle();
    if (str_is(op, "full")) op_full();
    (void)fflush(stdout);
    cJSON_Delete(o);
    arena_reset(arena);
}

int main(int argc, char **argv) {
    CLEANUP(buf_done) Buf why = {0};
    Store *stores[CHANGES_STORES_MAX];
    if (argc < 4) return 2;
    size_t n = (size_t)strtoul(argv[3], NULL, 10);
    loop = loop_new();
    arena = arena_new(1 << 20);
    KafkaProducer *producer = kafka_producer_new(
        loop, &(KafkaProducerSettings){.brokers = argv[2], .client_id = "changes_driver"}, &why);
    for (size_t i = 0; i < n; i++)
        stores[i] = store_new(loop,
                              &(StoreSettings){.postgres_url = argv[1],
                                               .application_name = "changes_driver",
                                               .row_level_security = true},
                              &why);
    changes = changes_new(&(ChangesParts){.loop = loop,
                                          .stores = stores,
                                          .stores_n = n,
                                          .producer = producer,
                                          .instance = "changes_driver",
                                          .topic_events = "docket.events"});
    for (int i = 0;
         i < 500 && !(kafka_producer_healthy(producer, NULL) && changes_healthy(changes, NULL));
         i++)
        loop_run_for(loop, 10);
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&line, &room, stdin)) > 0)
        run((Str){line, (size_t)length - (line[length - 1] == '\n')});
    free(line);
    changes = changes_free(changes);
    for (size_t i = 0; i < n; i++)
        store_free(stores[i]);
    kafka_producer_free(producer);
    loop_run_for(loop, 10);
    arena = arena_free(arena);
    loop = loop_free(loop);
    return 0;
}
