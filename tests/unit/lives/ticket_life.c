/* A ticket's promises, told row by row: who spoke, which policy, what is due, what escalates. */
#include "lives/spans.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MIN = 60000, HOUR = 60 * MIN };
#define BORN INT64_C(1763791200000) /* 2025-11-22T06:00Z */

static const char shop[] =
    "groups: [{name: 售后}, {name: 投诉}]\n"
    "policies:\n"
    "  - name: VIP\n"
    "    when: {all: {tier: [vip]}}\n"
    "    targets: {first_reply: 15m, resolution: 24h, requester_wait: 8h, next_reply: 30m}\n"
    "    warn: [50, 5m]\n"
    "    escalate:\n"
    "      - {notify: lead}\n"
    "      - {after: 10m, notify: manager, priority: raise}\n"
    "      - {after: 1h, group: 投诉, every: 30m, times: 3}\n"
    "  - {name: 其他, targets: {first_reply: 1h, requester_wait: {within: {urgent: 1h, normal: "
    "4h}}},\n"
    "     warn: [80], escalate: [{notify: lead}]}\n";

static int64_t lookup(void *arg, const char *kind, Str name) {
    (void)arg;
    (void)kind;
    return 1001 + (int64_t)name.n;
}

static const Catalog *compile(const char *text, int64_t revision) {
    CLEANUP(buf_done) Buf problems = {0};
    DocumentSource source = {str(text), STR("shop.yaml"), 1};
    const Catalog *c = catalog_compile(&source, 1, revision, lookup, NULL, &problems);
    if (!c) fail_msg("%s", problems.p);
    return c;
}

typedef struct World {
    const Catalog *shop;
    Arena *arena;
    TicketLife *life;
    int32_t seq;
} World;

static int open_world(void **state) {
    World *w = xcalloc(1, sizeof(*w));
    w->shop = compile(shop, 7);
    w->arena = arena_new(0);
    *state = w;
    return 0;
}

static int close_world(void **state) {
    World *w = *state;
    ticket_life_free(w->life);
    (void)catalog_unref(w->shop);
    arena_free(w->arena);
    free(w);
    return 0;
}

/* The shop's life goes through its packed form with every row. */
static void repack(World *w) {
    CLEANUP(buf_done) Buf packed = {0};
    const Catalog *c = ticket_life_catalog(w->life);
    ticket_life_pack(w->life, &packed);
    TicketLife *again = NULL;
    assert_int_equal(ticket_life_unpack(buf_str(&packed), c, &again), 0);
    assert_true(ticket_life_next_ms(w->life) == ticket_life_next_ms(again));
    ticket_life_free(w->life);
    w->life = again;
}

static void born(World *w, const char *tier) {
    w->life = ticket_life_new(false, w->shop);
    w->seq = 1;
    Event e = {.tenant_id = 1,
               .ticket_id = 100001,
               .seq = 1,
               .kind = LEDGER_TICKET_CREATED,
               .at_ms = BORN + 2000,
               .created_ms = BORN,
               .actor = STR("requester:1000000000007"),
               .set = {.sets = EDIT_STATUS | EDIT_PRIORITY | EDIT_GROUP | EDIT_CATEGORY,
                       .status = TICKET_NEW,
                       .priority = PRIORITY_NORMAL,
                       .group_id = 1002,
                       .category = STR("其他")},
               .channel = STR("web"),
               .tier = str(tier)};
    assert_int_equal(ticket_life_tell(w->life, &e), 0);
    repack(w);
}

static int tell(World *w, int64_t after_ms, const char *actor, TicketUpdate set) {
    Event e = {.tenant_id = 1,
               .ticket_id = 100001,
               .seq = w->seq + 1,
               .kind = LEDGER_TICKET_UPDATED,
               .at_ms = BORN + after_ms,
               .actor = str(actor),
               .set = set};
    int r = ticket_life_tell(w->life, &e);
    if (r == 0) {
        w->seq++;
        repack(w);
    }
    return r;
}

static TicketUpdate to(TicketStatus s) {
    return (TicketUpdate){.sets = EDIT_STATUS, .status = s};
}

static TicketUpdate said(bool is_public) {
    return (TicketUpdate){.comment = {.present = true, .is_public = is_public}};
}

/* "breached first_reply 1 +900s; ..." of what is due at an instant; marks it. */
static const char *due(World *w, int64_t after_ms) {
    static const char *const acts[] = {"warned", "breached", "escalated"};
    CLEANUP(buf_done) Buf text = {0};
    PromiseMoment *m;
    ticket_life_judge(w->life, BORN + after_ms);
    size_t n = ticket_life_due(w->life, w->arena, &m);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&text, "%s%s %s %d%s%s +%lldm", i ? "; " : "", acts[m[i].act],
                   metric_name(m[i].metric), m[i].instance, *m[i].level ? " " : "", m[i].level,
                   (long long)((m[i].at_ms - BORN) / MIN));
        ticket_life_mark(w->life, &m[i]);
    }
    repack(w);
    PromiseMoment *none;
    assert_int_equal(ticket_life_due(w->life, w->arena, &none), 0);
    return arena_strndup(w->arena, text.p ? text.p : "", text.n);
}

static int64_t next_after(const World *w) {
    int64_t next = ticket_life_next_ms(w->life);
    return next == NEVER ? -1 : (next - BORN) / MIN;
}

static void a_promise_warns_breaks_and_escalates_in_time(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_true(str_is(ticket_life_policy(w->life)->name, "VIP"));
    assert_int_equal(next_after(w), 7); /* half of 15 minutes */
    assert_string_equal(due(w, 7 * MIN), "");
    assert_string_equal(due(w, 8 * MIN), "warned first_reply 1 50% +7m");
    assert_int_equal(next_after(w), 10);
    assert_string_equal(due(w, 10 * MIN), "warned first_reply 1 5m +10m");
    assert_int_equal(next_after(w), 15);
    assert_string_equal(due(w, 15 * MIN - 1), "");
    assert_string_equal(due(w, 15 * MIN),
                        "breached first_reply 1 +15m; escalated first_reply 1 1 +15m");
    assert_int_equal(next_after(w), 25);
    assert_string_equal(due(w, 25 * MIN), "escalated first_reply 1 2 +25m");
    assert_string_equal(due(w, 3 * HOUR), "escalated first_reply 1 3 +85m; "
                                          "escalated first_reply 1 3.1 +115m; "
                                          "escalated first_reply 1 3.2 +145m");
    assert_string_equal(due(w, 5 * HOUR), "warned requester_wait 1 50% +240m");
}

static void late_moments_come_in_order_and_without_overtaken_warnings(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_string_equal(due(w, 90 * MIN), "breached first_reply 1 +15m; "
                                          "escalated first_reply 1 1 +15m; "
                                          "escalated first_reply 1 2 +25m; "
                                          "escalated first_reply 1 3 +85m");
}

static void a_reply_at_the_very_due_time_keeps_the_promise(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_int_equal(tell(w, 15 * MIN, "agent:1012", said(true)), 0);
    assert_string_equal(due(w, 20 * MIN), "");
}

static void what_was_broken_is_told_even_if_it_has_ended_since(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_int_equal(tell(w, 16 * MIN, "agent:1012", said(true)), 0);
    assert_true(ticket_life_next_ms(w->life) <= BORN + 16 * MIN);
    assert_string_equal(due(w, 20 * MIN),
                        "breached first_reply 1 +15m; escalated first_reply 1 1 +15m");
    assert_string_equal(due(w, 30 * MIN), ""); /* the chain ended with its clock */
}

static void private_notes_and_bots_are_no_reply(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_int_equal(tell(w, 1 * MIN, "agent:1012", said(false)), 0);
    assert_int_equal(tell(w, 2 * MIN, "system", said(true)), 0);
    assert_int_equal(tell(w, 3 * MIN, "token:1033", said(true)), 0);
    assert_int_equal(tell(w, 4 * MIN, "requester:1000000000007", said(true)), 0);
    assert_int_equal(next_after(w), 7);
    assert_int_equal(tell(w, 5 * MIN, "user:1017", said(true)), 0); /* staff */
    assert_int_equal(next_after(w), 4 * 60);                        /* half of requester_wait */
}

static void an_acknowledgement_stops_the_escalation(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_string_equal(due(w, 16 * MIN),
                        "breached first_reply 1 +15m; escalated first_reply 1 1 +15m");
    TicketUpdate ack = {.reason = STR("{\"why\":\"acknowledged\"}")};
    assert_int_equal(tell(w, 20 * MIN, "agent:1012", ack), 0);
    assert_string_equal(due(w, 3 * HOUR), "");
}

static void an_acknowledgement_before_the_breach_stops_nothing(void **state) {
    World *w = *state;
    born(w, "vip");
    TicketUpdate ack = {.reason = STR("{\"why\":\"acknowledged\"}")};
    assert_int_equal(tell(w, 5 * MIN, "agent:1012", ack), 0);
    assert_string_equal(due(w, 26 * MIN), "breached first_reply 1 +15m; "
                                          "escalated first_reply 1 1 +15m; "
                                          "escalated first_reply 1 2 +25m");
}

static void levels_that_fall_into_a_pause_come_at_its_end(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_int_equal(tell(w, 1 * MIN, "agent:1012", said(true)), 0);
    assert_string_equal(due(w, 8 * HOUR - MIN), "warned requester_wait 1 50% +240m; "
                                                "warned requester_wait 1 5m +475m");
    assert_string_equal(due(w, 8 * HOUR + MIN), "breached requester_wait 1 +480m; "
                                                "escalated requester_wait 1 1 +480m");
    assert_int_equal(tell(w, 8 * HOUR + 5 * MIN, "agent:1012", to(TICKET_PENDING)), 0);
    assert_string_equal(due(w, 9 * HOUR), "");
    assert_int_equal(next_after(w), 12 * 60); /* resolution's half alone */
    assert_int_equal(
        tell(w, 9 * HOUR + 20 * MIN, "requester:1000000000007", to(TICKET_IN_PROGRESS)), 0);
    assert_string_equal(due(w, 9 * HOUR + 21 * MIN), "escalated requester_wait 1 2 +560m; "
                                                     "escalated requester_wait 1 3 +560m");
    assert_string_equal(due(w, 9 * HOUR + 40 * MIN), "escalated requester_wait 1 3.1 +580m");
}

static void what_the_ledger_has_is_not_due_again(void **state) {
    World *w = *state;
    born(w, "vip");
    Event e = {.tenant_id = 1,
               .ticket_id = 100001,
               .seq = 2,
               .kind = LEDGER_PROMISE_BREACHED,
               .at_ms = BORN + 15 * MIN + 300,
               .actor = STR("router"),
               .promise = {.metric = STR("first_reply"), .instance = 1}};
    assert_int_equal(ticket_life_tell(w->life, &e), 0);
    w->seq = 2;
    e.seq = 3;
    e.kind = LEDGER_PROMISE_ESCALATED;
    e.promise.level = STR("2");
    e.set = (TicketUpdate){.sets = EDIT_PRIORITY, .priority = PRIORITY_HIGH};
    e.at_ms = BORN + 25 * MIN + 300;
    assert_int_equal(ticket_life_tell(w->life, &e), 0);
    assert_string_equal(due(w, 30 * MIN), "escalated first_reply 1 1 +15m");
    assert_int_equal(ticket_life_priority(w->life), PRIORITY_HIGH);
}

static void a_new_priority_has_its_own_target_and_breaks_at_once(void **state) {
    World *w = *state;
    PromiseMoment *m;
    born(w, "");
    assert_true(str_is(ticket_life_policy(w->life)->name, "其他"));
    assert_int_equal(tell(w, 10 * MIN, "agent:1012", said(true)), 0);
    TicketUpdate urgent = {.sets = EDIT_PRIORITY, .priority = PRIORITY_URGENT};
    assert_int_equal(tell(w, 2 * HOUR, "agent:1012", urgent), 0);
    assert_int_equal(next_after(w), 120);
    ticket_life_judge(w->life, BORN + 2 * HOUR);
    assert_int_equal(ticket_life_due(w->life, w->arena, &m), 2);
    assert_int_equal(m[0].act, PROMISE_BREACHED);
    assert_int_equal(m[0].why, BREACH_POLICY_CHANGE);
    assert_true(m[0].at_ms == BORN + 2 * HOUR);
    Promise p;
    promise_of_moment(&m[0], false, 3, &p);
    assert_true(str_is(p.why, "policy_change"));
    assert_true(str_is(p.metric, "requester_wait"));
    promise_of_moment(&m[1], true, 3, &p);
    assert_true(p.notify_lead && p.late && str_is(p.level, "1"));
}

static void nobody_is_told_of_a_ticket_that_was_merged(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_int_equal(tell(w, 30 * MIN, "agent:1012", to(TICKET_MERGED)), 0);
    assert_true(ticket_life_over(w->life));
    assert_string_equal(due(w, 1 * HOUR), "");
    assert_int_equal(next_after(w), -1);
}

static void a_closed_ticket_is_over_once_all_was_told(void **state) {
    World *w = *state;
    born(w, "vip");
    assert_int_equal(tell(w, 20 * MIN, "agent:1012", to(TICKET_SOLVED)), 0);
    assert_int_equal(tell(w, 80 * MIN, "system", to(TICKET_CLOSED)), 0);
    assert_false(ticket_life_over(w->life));
    assert_string_equal(due(w, 81 * MIN),
                        "breached first_reply 1 +15m; escalated first_reply 1 1 +15m");
    assert_true(ticket_life_over(w->life));
    assert_int_equal(tell(w, 80 * MIN, "system", said(true)), 0); /* late notes are heard still */
}

static void rows_out_of_turn_change_nothing(void **state) {
    World *w = *state;
    Event e = {.seq = 1, .kind = LEDGER_TICKET_ASSIGNED};
    CLEANUP(ticket_life_freep) TicketLife *fresh = ticket_life_new(false, NULL);
    assert_int_equal(ticket_life_tell(fresh, &e), -EBADMSG);
    e.seq = 2;
    assert_int_equal(ticket_life_tell(fresh, &e), -EAGAIN);
    born(w, "vip");
    e.seq = 1;
    assert_int_equal(ticket_life_tell(w->life, &e), -EALREADY);
    e.seq = 3;
    assert_int_equal(ticket_life_tell(w->life, &e), -EAGAIN);
    ticket_life_judge(w->life, BORN + HOUR);
    e.seq = 2;
    e.at_ms = BORN + HOUR;
    assert_int_equal(ticket_life_tell(w->life, &e), -ESTALE);
    e.at_ms = BORN + HOUR + 1;
    e.kind = LEDGER_KINDS; /* of a later release */
    assert_int_equal(ticket_life_tell(w->life, &e), 0);
    assert_int_equal(ticket_life_seq(w->life), 2);
}

/* The router's host may be a second behind the scheduler's. */
static void a_row_that_only_records_what_was_told_is_heard_at_any_instant(void **state) {
    World *w = *state;
    PromiseMoment *m;
    born(w, "vip");
    ticket_life_judge(w->life, BORN + HOUR);
    assert_true(ticket_life_due(w->life, w->arena, &m) > 0);
    assert_int_equal(m[0].act, PROMISE_BREACHED);
    Event e = {.seq = 2,
               .kind = LEDGER_PROMISE_BREACHED,
               .at_ms = BORN + HOUR - 1000,
               .actor = STR("router"),
               .promise = {.metric = STR("first_reply"), .instance = 1}};
    assert_int_equal(ticket_life_tell(w->life, &e), 0);
    assert_int_equal(ticket_life_seq(w->life), 2);
    size_t left = ticket_life_due(w->life, w->arena, &m);
    for (size_t i = 0; i < left; i++)
        assert_false(m[i].act == PROMISE_BREACHED && m[i].metric == METRIC_FIRST_REPLY);
    e.seq = 3;
    e.kind = LEDGER_PROMISE_ESCALATED;
    e.set = (TicketUpdate){.sets = EDIT_PRIORITY, .priority = PRIORITY_URGENT};
    assert_int_equal(ticket_life_tell(w->life, &e), -ESTALE);
}

static void a_revision_moves_what_is_open_from_its_instant_on(void **state) {
    World *w = *state;
    const Catalog *shorter =
        compile("groups: [{name: 售后}]\npolicies: [{name: 新, targets: {first_reply: 10m}}]\n", 8);
    const Catalog *same =
        compile("groups: [{name: 售后}, {name: 别}]\n# words\npolicies: [{name: 新, targets: "
                "{first_reply: 10m}}]\n",
                9);
    const Catalog *asking = compile("groups: [{name: 售后}]\npolicies: [{name: 新, when: {all: "
                                    "{subject: {contains: 退}}}, targets: {first_reply: 10m}}]\n",
                                    10);
    assert_true(catalog_promises_mark(shorter) == catalog_promises_mark(same));
    assert_true(catalog_promises_mark(asking) != catalog_promises_mark(same));
    born(w, "vip");
    assert_int_equal(ticket_life_revise(w->life, BORN + 12 * MIN, shorter), 0);
    repack(w);
    ticket_life_judge(w->life, BORN + 13 * MIN);
    assert_int_equal(ticket_life_revise(w->life, BORN + 5 * MIN, same), 0);
    repack(w);
    PromiseMoment *m;
    assert_int_equal(ticket_life_due(w->life, w->arena, &m), 1);
    assert_int_equal(m[0].why, BREACH_POLICY_CHANGE);
    assert_true(m[0].at_ms == BORN + 12 * MIN);
    assert_int_equal(m[0].revision, 9);
    assert_int_equal(ticket_life_revise(w->life, BORN + 12 * MIN, w->shop), -ESTALE);
    assert_int_equal(ticket_life_revise(w->life, BORN + 14 * MIN, asking), -ESTALE);
    assert_int_equal(ticket_life_revise(w->life, BORN + 14 * MIN, NULL), 0);
    assert_null(ticket_life_policy(w->life));
    (void)catalog_unref(shorter);
    (void)catalog_unref(same);
    (void)catalog_unref(asking);
}

static void what_was_packed_under_other_promises_is_stale(void **state) {
    World *w = *state;
    CLEANUP(buf_done) Buf packed = {0};
    TicketLife *l = NULL;
    int32_t seq;
    uint64_t mark;
    born(w, "vip");
    ticket_life_pack(w->life, &packed);
    assert_int_equal(ticket_life_unpack(buf_str(&packed), NULL, &l), -ESTALE);
    assert_null(l);
    assert_true(ticket_life_peek(buf_str(&packed), &seq, &mark));
    assert_int_equal(seq, 1);
    assert_true(mark == catalog_promises_mark(w->shop));
    for (size_t n = 0; n < packed.n; n++) {
        int r = ticket_life_unpack((Str){packed.p, n}, w->shop, &l);
        assert_true(r == -EBADMSG);
        assert_null(l);
    }
}

static void without_documents_nothing_is_promised_but_time_runs(void **state) {
    World *w = *state;
    const Clock *clocks;
    const Catalog *none = w->shop;
    w->shop = NULL;
    born(w, "vip");
    assert_int_equal(next_after(w), -1);
    ticket_life_judge(w->life, BORN + HOUR);
    assert_int_equal(ticket_life_clocks(w->life, &clocks), 5);
    assert_true(clock_elapsed(&clocks[0]) == HOUR);
    assert_int_equal(ticket_life_revise(w->life, BORN + 2 * HOUR, none), -ESTALE); /* asks tier */
    w->shop = none;
}

/* ---- Random lives ---- */

static uint32_t draw(uint64_t *seed, uint32_t n) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % n;
}

typedef struct Step { /* one thing that happens: a row, or a revision */
    int64_t at;
    const Catalog *revision; /* NULL: a row */
    Event row;
} Step;

static Event random_row(uint64_t *seed, int32_t seq, int64_t at, TicketStatus *status) {
    static const char *const actors[] = {"agent:1012", "requester:1000000000007", "system",
                                         "user:1017"};
    Event e = {.seq = seq,
               .kind = LEDGER_TICKET_UPDATED,
               .at_ms = at,
               .actor = str(actors[draw(seed, 4)])};
    if (draw(seed, 3) == 0)
        e.set.comment = (EditComment){.present = true, .is_public = draw(seed, 4) > 0};
    if (draw(seed, 2) == 0) {
        *status = (TicketStatus)draw(seed, TICKET_CLOSED);
        e.set.sets |= EDIT_STATUS;
        e.set.status = *status;
    }
    if (draw(seed, 5) == 0) {
        e.set.sets |= EDIT_PRIORITY;
        e.set.priority = (TicketPriority)draw(seed, PRIORITIES);
    }
    if (draw(seed, 6) == 0) {
        e.set.sets |= EDIT_GROUP;
        e.set.group_id = 1006 + draw(seed, 3);
    }
    if (draw(seed, 6) == 0) {
        static const Str tags[] = {{"急", 3}, {"退款", 6}};
        e.set.sets |= EDIT_TAGS;
        e.set.tags = tags;
        e.set.tags_n = draw(seed, 3);
    }
    if (draw(seed, 6) == 0) {
        e.set.sets |= EDIT_CUSTOM_FIELDS;
        e.set.custom_fields = draw(seed, 2) ? STR("{\"vip\":\"yes\"}") : STR("{}");
    }
    if (draw(seed, 12) == 0) e.set.reason = STR("{\"why\":\"acknowledged\"}");
    return e;
}

#define RANDOM_STEPS                                                                               \
    "    escalate: [{notify: lead}, {after: 7m, notify: manager}, {after: 20m, notify: lead,"      \
    " every: 11m, times: 4}]\n"

static const char *const random_documents[] = {
    "groups: [{name: 售后}, {name: 投诉}]\n"
    "fields: [{name: vip, title: VIP, type: text}]\n"
    "calendars: [{name: 班, zone: Asia/Shanghai, week: {mon-fri: [09:00-12:00, 13:00-18:00]}}]\n"
    "policies:\n"
    "  - name: 急\n"
    "    when: {any: [{tags: [急]}, {custom.vip: {present: true}}, {group: 投诉}]}\n"
    "    targets: {first_reply: 20m, next_reply: 10m, resolution: 6h, agent_work: 3h,\n"
    "      stages: {in_progress: 40m, pending: {within: 8h, hours: 班}}}\n"
    "    warn: [50, 95, 3m]\n" RANDOM_STEPS "  - name: 其他\n"
    "    targets: {first_reply: 1h, periodic_update: 2h, requester_wait: {within: {high: 30m, "
    "urgent: 5m, normal: 4h}, hours: 班}}\n" RANDOM_STEPS,
    "groups: [{name: 售后}, {name: 投诉}]\n"
    "fields: [{name: vip, title: VIP, type: text}]\n"
    "calendars: [{name: 班, zone: Asia/Tokyo, week: {mon-sun: 08:00-20:00}}]\n"
    "policies:\n"
    "  - name: 急\n"
    "    when: {any: [{tags: [急]}, {custom.vip: {present: true}}, {group: 投诉}]}\n"
    "    targets: {first_reply: 10m, next_reply: 40m, ack: 5m, agent_work: 1h,\n"
    "      stages: {new: 20m, on_hold: {within: {low: 1h, high: 5m}}}}\n"
    "    reopen: restart\n"
    "    warn: [80, 50]\n" RANDOM_STEPS "  - name: 其他\n"
    "    targets: {first_reply: {within: 50m, hours: 班}, requester_wait: 2h}\n"
    "    replies_by: [agent, bot]\n" RANDOM_STEPS,
};

static int64_t lookup_group(void *arg, const char *kind, Str name) {
    (void)arg;
    return str_is(name, "售后") ? 1006 : str_is(name, "投诉") ? 1007 : 2000 + (int64_t)*kind;
}

static size_t random_life(uint64_t seed, const Catalog *const revisions[2], Step *steps,
                          size_t max) {
    uint64_t s = seed;
    int64_t at = BORN + 2000;
    TicketStatus status = TICKET_NEW;
    size_t n = 0;
    int32_t seq = 1;
    steps[n++] = (Step){.at = BORN,
                        .row = {.seq = 1,
                                .kind = LEDGER_TICKET_CREATED,
                                .at_ms = at,
                                .created_ms = BORN,
                                .actor = STR("requester:1000000000007"),
                                .set = {.sets = EDIT_STATUS | EDIT_PRIORITY | EDIT_GROUP,
                                        .priority = (TicketPriority)draw(&s, PRIORITIES),
                                        .group_id = 1006}}};
    size_t wanted = 2 + draw(&s, (uint32_t)max - 2);
    while (n < wanted) {
        int64_t before = at;
        at += draw(&s, 3) ? draw(&s, 20 * MIN) : draw(&s, 10 * HOUR);
        if (draw(&s, 4) == 0) at -= at % MIN;
        if (at <= before) at = before + 1;
        if (draw(&s, 8) == 0)
            steps[n++] = (Step){.at = at, .revision = revisions[draw(&s, 2)]};
        else
            steps[n++] = (Step){.at = at, .row = random_row(&s, ++seq, at, &status)};
    }
    return n;
}

static void take(TicketLife *l, const Step *step) {
    int r = step->revision ? ticket_life_revise(l, step->at, step->revision)
                           : ticket_life_tell(l, &step->row);
    assert_int_equal(r, 0);
}

static void add_moments(TicketLife *l, Arena *arena, bool warnings, Buf *ret) {
    PromiseMoment *m;
    size_t n = ticket_life_due(l, arena, &m);
    for (size_t i = 0; i < n; i++) {
        if (warnings || m[i].act != PROMISE_WARNED)
            buf_printf(ret, "%d %s %d %s %lld\n", m[i].act, metric_name(m[i].metric), m[i].instance,
                       m[i].level, (long long)m[i].at_ms);
    }
}

static void mark_all(TicketLife *l, Arena *arena) {
    PromiseMoment *m;
    size_t n = ticket_life_due(l, arena, &m);
    for (size_t i = 0; i < n; i++)
        ticket_life_mark(l, &m[i]);
}

static void same_text(const Buf *a, const Buf *b, uint64_t seed, size_t step) {
    if (!str_eq(buf_str(a), buf_str(b)))
        fail_msg("seed %llu, step %zu:\n%s-- but --\n%s", (unsigned long long)seed, step,
                 a->p ? a->p : "", b->p ? b->p : "");
}

static int by_line(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_lines(Buf *text) {
    char *lines[4000];
    size_t n = 0;
    CLEANUP(buf_done) Buf sorted = {0};
    for (char *rest = NULL, *line = text->p ? strtok_r(text->p, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest))
        if (n < 4000) lines[n++] = line;
    if (n) qsort(lines, n, sizeof(*lines), by_line);
    for (size_t i = 0; i < n; i++)
        buf_printf(&sorted, "%s\n", lines[i]);
    buf_clear(text);
    buf_add_str(text, buf_str(&sorted));
}

enum { STEPS_MAX = 40, SEEDS = 1500 };

/* Packed and unpacked after every step and every judgement, a life has the same moments due, at the
 * same next instant, as one that stayed whole; and in the end all that was ever told of breaches
 * and levels is what one finds who reads the ledger only then. */
static void a_packed_life_goes_on_as_the_whole_one(void **state) {
    World *w = *state;
    const Catalog *revisions[2];
    Step steps[STEPS_MAX];
    for (int i = 0; i < 2; i++) {
        CLEANUP(buf_done) Buf problems = {0};
        DocumentSource source = {str(random_documents[i]), STR("random.yaml"), 1};
        revisions[i] = catalog_compile(&source, 1, i + 1, lookup_group, NULL, &problems);
        if (!revisions[i]) fail_msg("%s", problems.p);
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t s = seed * 7919;
        size_t n = random_life(seed, revisions, steps, STEPS_MAX);
        const Catalog *first = revisions[seed & 1];
        TicketLife *whole = ticket_life_new(seed % 3 == 0, first),
                   *packed = ticket_life_new(false, first), *late = ticket_life_new(false, first);
        CLEANUP(buf_done) Buf told = {0}, found = {0};
        for (size_t i = 0; i < n; i++) {
            CLEANUP(buf_done) Buf a = {0}, b = {0}, bytes = {0};
            take(whole, &steps[i]);
            take(packed, &steps[i]);
            take(late, &steps[i]);
            int64_t gap = i + 1 < n ? steps[i + 1].at - ticket_life_now_ms(whole) : 12 * HOUR;
            if (i > 0 && gap > 1 && (draw(&s, 2) || i + 1 == n)) {
                int64_t now = ticket_life_now_ms(whole) +
                              (i + 1 == n ? gap : (int64_t)draw(&s, (uint32_t)gap));
                ticket_life_judge(whole, now);
                ticket_life_judge(packed, now);
            }
            TicketLife *again = NULL;
            ticket_life_pack(packed, &bytes);
            assert_int_equal(
                ticket_life_unpack(buf_str(&bytes), ticket_life_catalog(packed), &again), 0);
            ticket_life_free(packed);
            packed = again;
            assert_true(ticket_life_next_ms(whole) == ticket_life_next_ms(packed));
            add_moments(whole, w->arena, true, &a);
            add_moments(packed, w->arena, true, &b);
            same_text(&a, &b, seed, i);
            if (draw(&s, 2) || i + 1 == n) {
                add_moments(whole, w->arena, false, &told);
                mark_all(whole, w->arena);
                mark_all(packed, w->arena);
            }
        }
        ticket_life_judge(late, ticket_life_now_ms(whole));
        add_moments(late, w->arena, false, &found);
        sort_lines(&told);
        sort_lines(&found);
        same_text(&told, &found, seed, n);
        ticket_life_free(whole);
        ticket_life_free(packed);
        ticket_life_free(late);
        arena_reset(w->arena);
    }
    (void)catalog_unref(revisions[0]);
    (void)catalog_unref(revisions[1]);
}

/* Never early, never late: judged exactly at the instant it named, a life finds something, or names
 * a later one; judged a millisecond before, it has found nothing. */
static void what_is_next_is_neither_early_nor_late(void **state) {
    World *w = *state;
    Step steps[STEPS_MAX];
    const Catalog *revisions[2];
    for (int i = 0; i < 2; i++) {
        DocumentSource source = {str(random_documents[i]), STR("random.yaml"), 1};
        revisions[i] = catalog_compile(&source, 1, i + 1, lookup_group, NULL, NULL);
    }
    for (uint64_t seed = 1; seed <= 500; seed++) {
        size_t n = random_life(seed, revisions, steps, STEPS_MAX);
        CLEANUP(ticket_life_freep) TicketLife *l = ticket_life_new(false, revisions[0]);
        for (size_t i = 0; i < n; i++)
            take(l, &steps[i]);
        mark_all(l, w->arena);
        for (int i = 0; i < 60; i++) {
            PromiseMoment *m;
            int64_t next = ticket_life_next_ms(l), now = ticket_life_now_ms(l);
            if (next == NEVER) break;
            assert_true(next >= now);
            if (next > now + 1) {
                ticket_life_judge(l, next - 1);
                assert_int_equal(ticket_life_due(l, w->arena, &m), 0);
            }
            ticket_life_judge(l, next);
            size_t found = ticket_life_due(l, w->arena, &m);
            for (size_t k = 0; k < found; k++)
                assert_true(m[k].at_ms <= next);
            assert_true(found || ticket_life_next_ms(l) > next);
            mark_all(l, w->arena);
        }
        arena_reset(w->arena);
    }
    (void)catalog_unref(revisions[0]);
    (void)catalog_unref(revisions[1]);
}

/* Every minute of every clock is explained once, and what is explained as counted is its elapsed
 * time. */
static void spans_explain_every_minute(void **state) {
    World *w = *state;
    Step steps[STEPS_MAX];
    const Catalog *revisions[2];
    for (int i = 0; i < 2; i++) {
        DocumentSource source = {str(random_documents[i]), STR("random.yaml"), 1};
        revisions[i] = catalog_compile(&source, 1, i + 1, lookup_group, NULL, NULL);
    }
    for (uint64_t seed = 1; seed <= 500; seed++) {
        const Clock *clocks;
        size_t n = random_life(seed, revisions, steps, STEPS_MAX);
        CLEANUP(ticket_life_freep) TicketLife *l = ticket_life_new(true, revisions[0]);
        for (size_t i = 0; i < n; i++)
            take(l, &steps[i]);
        ticket_life_judge(l, ticket_life_now_ms(l) + HOUR);
        size_t clocks_n = ticket_life_clocks(l, &clocks);
        for (size_t i = 0; i < clocks_n; i++) {
            const Clock *c = &clocks[i];
            int64_t end = c->ended_ms == NEVER ? ticket_life_now_ms(l) : c->ended_ms;
            int64_t at = c->start_ms, counted = 0;
            Span *spans;
            size_t spans_n = clock_spans(l, c, w->arena, &spans);
            for (size_t k = 0; k < spans_n; k++) {
                assert_true(spans[k].from_ms == at && spans[k].to_ms > at);
                assert_non_null(spans[k].step);
                at = spans[k].to_ms;
                if (spans[k].kind == SPAN_COUNTED) counted += spans[k].to_ms - spans[k].from_ms;
            }
            assert_true(at == end);
            assert_true(counted == clock_elapsed(c));
        }
        arena_reset(w->arena);
    }
    (void)catalog_unref(revisions[0]);
    (void)catalog_unref(revisions[1]);
}

int main(void) {
#define IN_THE_SHOP(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
    const struct CMUnitTest tests[] = {
        IN_THE_SHOP(a_promise_warns_breaks_and_escalates_in_time),
        IN_THE_SHOP(late_moments_come_in_order_and_without_overtaken_warnings),
        IN_THE_SHOP(a_reply_at_the_very_due_time_keeps_the_promise),
        IN_THE_SHOP(what_was_broken_is_told_even_if_it_has_ended_since),
        IN_THE_SHOP(private_notes_and_bots_are_no_reply),
        IN_THE_SHOP(an_acknowledgement_stops_the_escalation),
        IN_THE_SHOP(an_acknowledgement_before_the_breach_stops_nothing),
        IN_THE_SHOP(levels_that_fall_into_a_pause_come_at_its_end),
        IN_THE_SHOP(what_the_ledger_has_is_not_due_again),
        IN_THE_SHOP(a_new_priority_has_its_own_target_and_breaks_at_once),
        IN_THE_SHOP(nobody_is_told_of_a_ticket_that_was_merged),
        IN_THE_SHOP(a_closed_ticket_is_over_once_all_was_told),
        IN_THE_SHOP(rows_out_of_turn_change_nothing),
        IN_THE_SHOP(a_row_that_only_records_what_was_told_is_heard_at_any_instant),
        IN_THE_SHOP(a_revision_moves_what_is_open_from_its_instant_on),
        IN_THE_SHOP(what_was_packed_under_other_promises_is_stale),
        IN_THE_SHOP(without_documents_nothing_is_promised_but_time_runs),
        IN_THE_SHOP(a_packed_life_goes_on_as_the_whole_one),
        IN_THE_SHOP(what_is_next_is_neither_early_nor_late),
        IN_THE_SHOP(spans_explain_every_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
