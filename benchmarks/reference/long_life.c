/* long-life -- how long a ticket's history takes to be told and explained, as the desk and `docket
 * clock TICKET` ask for it: question and answer in turn, each pair a clock that runs and one that
 * ends. Prints JSON.
 *
 * Usage: long-life ROWS ROUNDS */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lives/spans.h"

#define NOW INT64_C(1800000000000) /* ms */
enum { MINUTE = 60000 };

static double seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t number_of(void *arg, const char *kind, Str name) {
    (void)arg, (void)kind, (void)name;
    return 1001;
}

static const char documents[] =
    "settings: {default_group: 售后}\n"
    "groups: [{name: 售后, title: 售后}]\n"
    "policies:\n"
    "  - {name: 标准, targets: {first_reply: 1h, next_reply: 1h, periodic_update: 1d, resolution: "
    "300d},\n"
    "     warn: [80]}\n";

static Event row_of(int32_t seq) {
    bool ours = seq % 2 == 0;
    return (Event){.tenant_id = 1,
                   .ticket_id = 100000,
                   .seq = seq,
                   .kind = seq == 1 ? LEDGER_TICKET_CREATED : LEDGER_TICKET_UPDATED,
                   .at_ms = NOW + (int64_t)seq * MINUTE,
                   .created_ms = NOW,
                   .actor = ours ? STR("agent:1001") : STR("requester:7"),
                   .set = {.comment = {.present = seq > 1, .is_public = true}}};
}

/* Told, and every minute of every clock explained. */
static size_t live(const Catalog *catalog, int32_t rows) {
    CLEANUP(ticket_life_freep) TicketLife *l = ticket_life_new(true, catalog);
    for (int32_t seq = 1; seq <= rows; seq++) {
        Event e = row_of(seq);
        if (ticket_life_tell(l, &e) < 0) abort();
    }
    ticket_life_judge(l, NOW + (int64_t)(rows + 1) * MINUTE);
    const Clock *clocks;
    size_t n = ticket_life_clocks(l, &clocks), all = 0;
    Arena *arena = arena_new(64 << 10);
    for (size_t i = 0; i < n; i++) {
        Span *spans;
        all += clock_spans(l, &clocks[i], arena, &spans);
    }
    arena_free(arena);
    return all;
}

int main(int argc, char **argv) {
    long rows = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
    long rounds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    if (rows < 1 || rows > 1000000 || rounds < 1) {
        (void)fputs("Usage: long-life ROWS ROUNDS\n", stderr);
        return 2;
    }
    Buf problems = {0};
    const Catalog *catalog = catalog_compile(
        &(DocumentSource){.text = str(documents), .name = STR("shop"), .first_line = 1}, 1, 1,
        number_of, NULL, &problems);
    if (!catalog) {
        (void)fprintf(stderr, "%s\n", problems.p);
        return 1;
    }
    size_t spans = 0;
    double began = seconds();
    for (long i = 0; i < rounds; i++)
        spans = live(catalog, (int32_t)rows);
    (void)printf("{\"row_us\": %.3f, \"spans\": %zu}\n",
                 (seconds() - began) * 1e6 / (double)rows / (double)rounds, spans);
    (void)catalog_unref(catalog);
    buf_done(&problems);
    return 0;
}
