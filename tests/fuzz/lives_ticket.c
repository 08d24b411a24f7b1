/* A packed life of a ticket from anywhere: refused, or one that packs to what unpacks to the same
 * again; and that goes on, whatever it says: judged, asked, told rows, given other documents.
 *
 * The input is a seq (one byte) and what lies behind the head of the packed form; the head, which
 * names the promises that it was judged by, is put before it. */
#include <stdlib.h>

#include "lives/ticket_life.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char shop[] =
    "groups: [{name: 售后}, {name: 投诉}]\n"
    "fields: [{name: vip, title: VIP, type: text}]\n"
    "calendars: [{name: 班, zone: Asia/Shanghai, week: {mon-fri: [09:00-12:00, 13:00-18:00]},\n"
    "  holidays: [2026-10-01..2026-10-07], makeup: {2026-09-27: thu}}]\n"
    "policies:\n"
    "  - name: 急\n"
    "    when: {any: [{tags: [急]}, {custom.vip: {present: true}}, {group: 投诉},\n"
    "      {text: {contains: [退款]}}, {tier: vip}, {assignee: {present: true}}]}\n"
    "    targets: {first_reply: 20m, next_reply: 10m, resolution: {within: 6h, hours: 班},\n"
    "      agent_work: {within: {high: 3h}, hours: 班}, ack: 5m}\n"
    "    warn: [50, 95, 3m, 1h]\n"
    "    escalate: [{notify: lead}, {after: 7m, notify: manager, priority: raise},\n"
    "      {after: 20m, group: 投诉, every: 11m, times: 20}]\n"
    "  - name: 其他\n"
    "    targets: {first_reply: 1h, periodic_update: 2h, requester_wait: {within: {high: 30m,\n"
    "      urgent: 5m, normal: 4h}, hours: 班}}\n"
    "    reopen: restart\n";
static const char other[] = "groups: [{name: 售后}]\n"
                            "policies: [{name: 甲, when: {all: {tier: vip}}, targets: {resolution: "
                            "1h, next_reply: 5m}, warn: [80]}]\n";

static int64_t lookup(void *arg, const char *kind, Str name) {
    (void)arg;
    return *kind == 'g' ? 1000 + (int64_t)name.n : 2000 + (int64_t)name.n;
}

static const Catalog *compile(const char *text, int64_t revision) {
    CLEANUP(buf_done) Buf problems = {0};
    DocumentSource source = {str(text), STR("fuzz.yaml"), 1};
    const Catalog *c = catalog_compile(&source, 1, revision, lookup, NULL, &problems);
    if (!c) abort();
    return c;
}

/* What the packed form of a life that knows nothing but its documents begins with. */
static void put_head(const Catalog *c, uint8_t seq, Buf *ret) {
    CLEANUP(ticket_life_freep) TicketLife *empty = ticket_life_new(false, c);
    ticket_life_pack(empty, ret);
    ret->n--; /* its "not created yet" */
    ret->p[1] = (char)(seq & 0x7f);
}

static void ask(TicketLife *l, Arena *arena) {
    PromiseMoment *moments;
    const Clock *clocks;
    size_t n = ticket_life_due(l, arena, &moments);
    if (n && ticket_life_next_ms(l) > ticket_life_now_ms(l)) abort();
    for (size_t i = 0; i < n && i < 3; i++) {
        Promise p;
        promise_of_moment(&moments[i], true, 1, &p);
        if (!ticket_life_is_true(l, moments[i].act, moments[i].metric, moments[i].instance,
                                 str(moments[i].level)))
            abort();
        ticket_life_mark(l, &moments[i]);
    }
    (void)ticket_life_over(l);
    (void)ticket_life_clocks(l, &clocks);
}

static void go_on(TicketLife *l, const Catalog *then, const uint8_t *data, size_t size,
                  Arena *arena) {
    int64_t at = ticket_life_now_ms(l);
    ask(l, arena);
    for (size_t i = 0; i < 4 && i < size; i++) {
        uint8_t what = data[size - 1 - i];
        Event e = {.seq = ticket_life_seq(l) + 1,
                   .kind = LEDGER_TICKET_UPDATED,
                   .at_ms = at += what * INT64_C(1000003),
                   .actor = what & 1 ? STR("agent:7") : STR("requester:8"),
                   .set = {.sets = EDIT_STATUS | EDIT_PRIORITY,
                           .status = (TicketStatus)(what % TICKET_STATUSES),
                           .priority = (TicketPriority)(what / 9 % PRIORITIES),
                           .comment = {.present = what & 2, .is_public = what & 4}}};
        if (what & 8) e.set.reason = STR("{\"why\":\"acknowledged\"}");
        if (e.seq > 0) (void)ticket_life_tell(l, &e);
        if (what & 16) ticket_life_judge(l, at += 77777);
        if (what & 32) (void)ticket_life_revise(l, at += 1, then);
        ask(l, arena);
    }
    ticket_life_judge(l, INT64_MAX);
    ask(l, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const Catalog *first, *then;
    if (!first) {
        first = compile(shop, 1);
        then = compile(other, 2);
    }
    CLEANUP(buf_done) Buf bytes = {0}, once = {0}, twice = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    if (!size) return 0;
    put_head(first, data[0], &bytes);
    buf_add(&bytes, data + 1, size - 1);
    TicketLife *l = NULL, *again = NULL;
    if (ticket_life_unpack(buf_str(&bytes), first, &l) < 0) {
        if (l) abort();
        return 0;
    }
    ticket_life_pack(l, &once);
    if (ticket_life_unpack(buf_str(&once), first, &again) < 0) abort();
    ticket_life_pack(again, &twice);
    if (!str_eq(buf_str(&once), buf_str(&twice))) abort();
    if (ticket_life_next_ms(l) != ticket_life_next_ms(again)) abort();
    ticket_life_free(again);
    go_on(l, then, data, size, arena);
    ticket_life_free(l);
    return 0;
}
