/* followed -- how many events of tickets, three clocks each, one core of the scheduler follows
 * before PostgreSQL has a say: read, found, unpacked, told, packed and hung into the wheel. Prints
 * JSON.
 *
 * Usage: followed TICKETS     (four events a ticket: created, assigned, answered, solved) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "events/event_head.h"
#include "sla/clocks.h"
#include "sla/story.h"

enum { EVENTS = 4, BATCH = 2000 };
#define NOW INT64_C(1800000000000) /* ms */

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
    "calendars:\n"
    "  - {name: 客服班, zone: Asia/Shanghai, week: {mon-sun: [\"09:00-12:00\", \"13:00-21:00\"]}}\n"
    "policies:\n"
    "  - name: 标准\n"
    "    targets:\n"
    "      first_reply: {within: 1h, hours: 客服班}\n"
    "      ack: 30m\n"
    "      resolution: {within: 48h, hours: 客服班}\n"
    "    warn: [50, 80, 95]\n";

static LedgerRow row_of(int64_t ticket, int32_t seq) {
    static const struct {
        LedgerKind kind;
        const char *actor, *payload;
    } rows[EVENTS] = {
        {LEDGER_TICKET_CREATED, "requester:7",
         "{\"set\": {\"status\": \"new\", \"priority\": \"normal\", \"kind\": \"咨询\", "
         "\"category\":"
         " \"其他\", \"channel\": \"web\", \"group_id\": 1001, \"source_id\": 1000, \"subject\": "
         "\"包裹到哪里了\", \"description\": \"三天没有更新了，麻烦帮我看看\", \"skills\": [], "
         "\"tags\": [], \"tier\": \"vip\", \"region\": \"cn\", \"order_ref\": \"\", \"product\": "
         "\"\", \"batch\": \"\", \"device\": \"\", \"language\": \"zh\", \"external_id\": \"\", "
         "\"custom_fields\": {}, \"created_at\": \"2027-01-15T08:00:00.000Z\"}, \"reason\": {}}"},
        {LEDGER_TICKET_ASSIGNED, "router",
         "{\"set\": {\"status\": \"assigned\", \"group_id\": 1001, \"assignee_id\": 1001}, "
         "\"reason\": {\"why\": \"least_loaded\"}}"},
        {LEDGER_TICKET_UPDATED, "agent:1001",
         "{\"set\": {\"status\": \"in_progress\"}, \"comment\": {\"public\": true, \"author_id\": "
         "1001, \"body\": \"您好，已经在查了\", \"channel\": \"api\"}, \"reason\": {}}"},
        {LEDGER_TICKET_UPDATED, "agent:1001",
         "{\"set\": {\"status\": \"pending\"}, \"reason\": {}}"}};
    return (LedgerRow){.tenant_id = 1,
                       .ticket_id = ticket,
                       .seq = seq,
                       .cause = cause_new(),
                       .kind = rows[seq - 1].kind,
                       .actor = str(rows[seq - 1].actor),
                       .at_ms = NOW + (int64_t)seq * 60000,
                       .revision = 1,
                       .payload = str(rows[seq - 1].payload)};
}

typedef struct World {
    Clocks *clocks;
    JudgedTenant tenant;
    Buf *states; /* by ticket: what PostgreSQL would keep */
    Arena *arena;
    size_t followed;
} World;

static void follow(World *w, Str message, int64_t first) {
    EventHead head;
    TicketClock known = {0};
    const char *problem;
    Event *event = arena_alloc(w->arena, sizeof(*event));
    if (event_head_read(message, &head) < 0) abort();
    bool there = clocks_get(w->clocks, head.tenant_id, head.ticket_id, &known);
    if (there && (int32_t)head.seq <= known.seq) return;
    if (event_decode(message, w->arena, event, &problem) < 0) abort();
    Story s = {.tenant_id = head.tenant_id,
               .ticket_id = head.ticket_id,
               .known_seq = there ? known.seq : 0};
    Buf *state = &w->states[head.ticket_id - first];
    followed_rows_add(&s.rows, event, w->arena);
    if (story_is_new(&s))
        story_begin(&s, &w->tenant);
    else
        story_go_on(&s, &(Kept){.seq = known.seq, .revision = 1, .state = buf_str(state)},
                    &w->tenant);
    if (s.fate != STORY_TOLD) abort();
    buf_clear(state);
    ticket_life_pack(s.life, state);
    if (clocks_put(w->clocks, &(TicketClock){.tenant_id = s.tenant_id,
                                             .ticket_id = s.ticket_id,
                                             .seq = ticket_life_seq(s.life),
                                             .priority = (uint8_t)ticket_life_priority(s.life),
                                             .next_ms = ticket_life_next_ms(s.life)}) < 0)
        abort();
    ticket_life_free(s.life);
    w->followed++;
}

int main(int argc, char **argv) {
    int64_t first = 100000, n = argc == 2 ? strtoll(argv[1], NULL, 10) : 0;
    if (n < 1 || n > 10000000) {
        (void)fputs("Usage: followed TICKETS\n", stderr);
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
    World w = {.clocks = clocks_new(NOW),
               .tenant = {.tenant_id = 1, .catalog = catalog},
               .states = xcalloc((size_t)n, sizeof(Buf)),
               .arena = arena_new(256 * 1024)};
    Buf *messages = xcalloc(BATCH * EVENTS, sizeof(*messages));
    double spent = 0;
    for (int64_t from = 0; from < n; from += BATCH) {
        int64_t some = n - from < BATCH ? n - from : BATCH;
        size_t at = 0;
        for (int32_t seq = 1; seq <= EVENTS; seq++)
            for (int64_t i = 0; i < some; i++) {
                LedgerRow row = row_of(first + from + i, seq);
                buf_clear(&messages[at]);
                if (ledger_event_encode(&row, w.arena, &messages[at++]) < 0) abort();
            }
        arena_reset(w.arena);
        double began = seconds();
        for (size_t i = 0; i < at; i++) {
            follow(&w, buf_str(&messages[i]), first);
            if (i % BATCH == BATCH - 1) arena_reset(w.arena);
        }
        spent += seconds() - began;
        arena_reset(w.arena);
    }
    size_t bytes = 0;
    for (int64_t i = 0; i < n; i++)
        bytes += w.states[i].n;
    (void)printf("{\"events_per_second\": %.0f, \"state_bytes\": %.1f}\n",
                 (double)w.followed / spent, (double)bytes / (double)n);
    return 0;
}
