/* counted -- how many events of tickets one core of docket-analytics turns into figures and windows
 * before PostgreSQL has a say: read, told to sheet and life, counted, packed. Prints JSON.
 *
 * Usage: counted TICKETS     (eight events a ticket, in batches as the service takes them) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analytics/keeping/story.h"
#include "analytics/keeping/windows.h"
#include "events/event_head.h"
#include "following/tickets.h"

enum { EVENTS = 8, BATCH = 4000 /* events, as batch_max */ };
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

/* A ticket's ledger, and how long after its creation each row came. */
static const struct {
    LedgerKind kind;
    int minutes;
    const char *actor, *payload;
} ledger[EVENTS] = {
    {LEDGER_TICKET_CREATED, 0, "requester:7",
     "{\"set\": {\"status\": \"new\", \"priority\": \"normal\", \"kind\": \"咨询\", \"category\":"
     " \"物流/查询\", \"channel\": \"web\", \"group_id\": 1001, \"source_id\": 1000, \"subject\": "
     "\"包裹到哪里了\", \"description\": \"三天没有更新了，麻烦帮我看看\", \"skills\": [], "
     "\"tags\": [], \"tier\": \"vip\", \"region\": \"cn\", \"order_ref\": \"\", \"product\": "
     "\"\", \"batch\": \"\", \"device\": \"\", \"language\": \"zh\", \"external_id\": \"\", "
     "\"custom_fields\": {}, \"created_at\": \"2027-01-15T08:00:00.000Z\"}, \"reason\": {}}"},
    {LEDGER_TICKET_ASSIGNED, 0, "router",
     "{\"set\": {\"status\": \"assigned\", \"group_id\": 1001, \"assignee_id\": 1001}, \"reason\":"
     " {\"why\": \"least_loaded\"}}"},
    {LEDGER_TICKET_UPDATED, 7, "agent:1001",
     "{\"set\": {\"status\": \"in_progress\"}, \"comment\": {\"public\": true, \"author_id\": "
     "1001, \"body\": \"您好，已经在查了\", \"channel\": \"api\"}, \"reason\": {}}"},
    {LEDGER_TICKET_UPDATED, 9, "agent:1001",
     "{\"set\": {\"status\": \"pending\"}, \"reason\": {}}"},
    {LEDGER_TICKET_UPDATED, 31, "requester:7",
     "{\"set\": {\"status\": \"in_progress\"}, \"comment\": {\"public\": true, \"author_id\": 7,"
     " \"body\": \"好的\", \"channel\": \"web\"}, \"reason\": {}}"},
    {LEDGER_TICKET_UPDATED, 42, "agent:1001",
     "{\"set\": {}, \"comment\": {\"public\": false, \"author_id\": 1001, \"body\": \"已催件\", "
     "\"channel\": \"api\"}, \"reason\": {}}"},
    {LEDGER_TICKET_UPDATED, 55, "agent:1001",
     "{\"set\": {\"status\": \"solved\"}, \"comment\": {\"public\": true, \"author_id\": 1001, "
     "\"body\": \"已送达\", \"channel\": \"api\"}, \"reason\": {}}"},
    {LEDGER_TICKET_UPDATED, 80, "requester:7",
     "{\"set\": {\"satisfaction\": \"good\"}, \"reason\": {\"why\": \"rated\"}}"}};

static void encode(int64_t ticket, int k, Arena *arena, Buf *ret) {
    LedgerRow row = {.tenant_id = 1,
                     .ticket_id = ticket,
                     .seq = k + 1,
                     .cause = cause_new(),
                     .kind = ledger[k].kind,
                     .actor = str(ledger[k].actor),
                     .at_ms = NOW + INT64_C(60000) * ledger[k].minutes,
                     .revision = 1,
                     .payload = str(ledger[k].payload)};
    buf_clear(ret);
    if (ledger_event_encode(&row, arena, ret) < 0) abort();
}

typedef struct State { /* what PostgreSQL would keep of a ticket */
    int32_t seq;
    Buf sheet, life;
} State;

typedef struct World {
    Tenants *tenants;
    Arena *arena;
    FollowedTickets *tickets;
    Story *stories; /* of the batch */
    Windows *windows;
    State *states;
    int64_t first;
    size_t told, rows;
} World;

static void take(World *w, Str message) {
    EventHead head;
    bool fresh;
    const char *problem;
    Event *event = arena_alloc(w->arena, sizeof(*event));
    if (event_head_read(message, &head) < 0) abort();
    if (event_decode(message, w->arena, event, &problem) < 0) abort();
    size_t place = followed_tickets_place(w->tickets, head.tenant_id, head.ticket_id, &fresh);
    Story *s = &w->stories[place];
    if (fresh)
        *s = (Story){
            .tenant_id = head.tenant_id, .ticket_id = head.ticket_id, .partition = place % 12};
    followed_rows_add(&s->rows, event, w->arena);
}

static void keep(World *w) {
    const JudgedTenant *tenant = tenants_find(w->tenants, 1);
    for (size_t i = 0; i < followed_tickets_count(w->tickets); i++) {
        Story *s = &w->stories[i];
        State *state = &w->states[s->ticket_id - w->first];
        story_go_on(s,
                    &(Kept){.seq = state->seq,
                            .revision = 1,
                            .sheet = buf_str(&state->sheet),
                            .life = buf_str(&state->life)},
                    tenant, true, w->arena);
        if (s->fate != STORY_TOLD) abort();
        for (size_t k = 0; k < s->tallies_n; k++)
            windows_add(w->windows, s->tenant_id, s->partition, &s->tallies[k]);
        buf_clear(&state->sheet);
        buf_clear(&state->life);
        fact_sheet_pack(s->record.sheet, &state->sheet);
        ticket_life_pack(s->record.life, &state->life);
        (void)ticket_life_promised_ms(s->record.life);
        state->seq = s->record.sheet->seq;
        w->rows++;
        story_reset(s);
    }
    followed_tickets_clear(w->tickets);
    windows_clear(w->windows);
    arena_reset(w->arena);
}

int main(int argc, char **argv) {
    int64_t n = argc == 2 ? strtoll(argv[1], NULL, 10) : 0;
    if (n < 1 || n > 10000000) {
        (void)fputs("Usage: counted TICKETS\n", stderr);
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
    World w = {.tenants = tenants_new(),
               .arena = arena_new(256 << 10),
               .tickets = followed_tickets_new(),
               .stories = xcalloc(BATCH, sizeof(Story)),
               .windows = windows_new(),
               .states = xcalloc((size_t)n, sizeof(State)),
               .first = 100000};
    (void)tenants_put(w.tenants, 1, catalog);
    tenants_answer(w.tenants, 1, 1, 1, 0);
    Buf *messages = xcalloc(BATCH, sizeof(*messages));
    double spent = 0;
    /* Rows of one instant come together, as the router writes them; all others in batches of their
     * own, each ticket of which was told before. */
    static const int waves[][2] = {{0, 2}, {2, 4}, {4, 5}, {5, 6}, {6, 7}, {7, 8}};
    for (int64_t from = 0; from < n; from += BATCH / 2) {
        int64_t some = n - from < BATCH / 2 ? n - from : BATCH / 2;
        for (size_t wave = 0; wave < sizeof(waves) / sizeof(*waves); wave++) {
            size_t at = 0;
            for (int64_t i = 0; i < some; i++)
                for (int k = waves[wave][0]; k < waves[wave][1]; k++)
                    encode(w.first + from + i, k, w.arena, &messages[at++]);
            arena_reset(w.arena);
            double began = seconds();
            for (size_t i = 0; i < at; i++)
                take(&w, buf_str(&messages[i]));
            keep(&w);
            spent += seconds() - began;
            w.told += at;
        }
    }
    size_t bytes = 0;
    for (int64_t i = 0; i < n; i++)
        bytes += w.states[i].sheet.n + w.states[i].life.n;
    (void)printf("{\"events_per_second\": %.0f, \"rows_per_event\": %.2f, \"row_bytes\": %.1f}\n",
                 (double)w.told / spent, (double)w.rows / (double)w.told,
                 (double)bytes / (double)n);
    return 0;
}
