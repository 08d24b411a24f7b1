/* One ticket's facts: each figure by example, and random histories against a slow reader that walks
 * them minute by minute. */
#include "facts/sheet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MIN = 60000, HOUR = 60 * MIN };
#define BORN INT64_C(1763942400000) /* 2025-11-24T00:00Z, a Monday */

/* ---- Random numbers that are the same everywhere ---- */

static uint64_t dice_state;

static uint64_t dice(uint64_t sides) {
    uint64_t z = dice_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % sides;
}

/* ---- A ticket ---- */

typedef struct Ticket {
    FactSheet *sheet;
    const Calendar *hours;
    FactStep step;
} Ticket;

static Event created(const char *actor, int64_t group) {
    return (Event){
        .tenant_id = 1,
        .ticket_id = 100001,
        .seq = 1,
        .kind = LEDGER_TICKET_CREATED,
        .at_ms = BORN + 2000,
        .created_ms = BORN,
        .actor = str(actor),
        .source_id = 5,
        .channel = STR("web"),
        .product = STR("P-7"),
        .region = STR("华东"),
        .set = {.sets = EDIT_STATUS | EDIT_PRIORITY | EDIT_GROUP | EDIT_CATEGORY | EDIT_REQUESTER,
                .priority = PRIORITY_NORMAL,
                .group_id = group,
                .requester_id = 7,
                .category = STR("跨境/清关")}};
}

static Event updated(const Ticket *t, int64_t at, const char *actor, TicketUpdate set) {
    return (Event){.tenant_id = 1,
                   .ticket_id = 100001,
                   .seq = t->sheet->seq + 1,
                   .kind = LEDGER_TICKET_UPDATED,
                   .at_ms = at,
                   .actor = str(actor),
                   .set = set};
}

static void tell(Ticket *t, Event e) {
    assert_int_equal(fact_sheet_tell(t->sheet, &e, t->hours, &t->step), 0);
}

static void born(Ticket *t) {
    *t = (Ticket){.sheet = fact_sheet_new()};
    tell(t, created("requester:7", 1001));
}

static TicketUpdate says(bool is_public) {
    return (TicketUpdate){.comment = {.present = true, .is_public = is_public}};
}

static TicketUpdate to(TicketStatus s) {
    return (TicketUpdate){.sets = EDIT_STATUS, .status = s};
}

static TicketUpdate given(int64_t group, int64_t agent) {
    return (TicketUpdate){.sets = EDIT_STATUS | EDIT_GROUP | EDIT_ASSIGNEE,
                          .status = agent ? TICKET_ASSIGNED : TICKET_NEW,
                          .group_id = group,
                          .assignee_id = agent};
}

/* ---- Promises by example ---- */

static void a_first_reply_is_an_agents_public_comment(void **state) {
    (void)state;
    Ticket t;
    born(&t);
    tell(&t, updated(&t, BORN + 1 * MIN, "agent:9", says(false)));
    tell(&t, updated(&t, BORN + 2 * MIN, "requester:7", says(true)));
    tell(&t, updated(&t, BORN + 3 * MIN, "token:4", says(true)));
    assert_int_equal(t.sheet->replies, 0);
    assert_true(t.sheet->replied_ms == SHEET_NEVER);
    tell(&t, updated(&t, BORN + 4 * MIN, "agent:9", says(true)));
    assert_int_equal(t.step.did, DID_TOUCH | DID_REPLY | DID_FIRST_REPLY);
    tell(&t, updated(&t, BORN + 9 * MIN, "user:3", says(true)));
    assert_int_equal(t.sheet->replies, 2);
    assert_int_equal(t.sheet->to_reply.calendar_ms, 4 * MIN);
    assert_int_equal(t.sheet->requester_comments, 1);
    assert_int_equal(t.sheet->private_comments, 1);
    assert_int_equal(t.sheet->machine_comments, 1);
    assert_int_equal(t.sheet->touches, 3);
    assert_int_equal(place_of(&t.sheet->agents, 9)->replies, 1);
    assert_int_equal(place_of(&t.sheet->agents, 3)->touches, 1);
    fact_sheet_free(t.sheet);
}

static void a_reopening_takes_the_resolution_back(void **state) {
    (void)state;
    Ticket t;
    born(&t);
    tell(&t, updated(&t, BORN + 10 * MIN, "agent:9", given(1001, 9)));
    tell(&t, updated(&t, BORN + 20 * MIN, "agent:9", to(TICKET_SOLVED)));
    assert_int_equal(t.step.did, DID_TOUCH | DID_ENTER | DID_SOLVE | DID_FIRST_SOLVE);
    assert_true(fact_sheet_one_touch(t.sheet));
    tell(&t, updated(&t, BORN + 50 * MIN, "requester:7", to(TICKET_ASSIGNED)));
    assert_int_equal(t.sheet->reopenings, 1);
    assert_true(t.sheet->resolved_ms == SHEET_NEVER);
    tell(&t, updated(&t, BORN + 60 * MIN, "agent:9", to(TICKET_SOLVED)));
    tell(&t, updated(&t, BORN + 99 * MIN, "system", to(TICKET_CLOSED)));
    tell(&t, updated(&t, BORN + 500 * MIN, "requester:7", says(true)));
    assert_int_equal(t.sheet->to_solved.calendar_ms, 20 * MIN);
    assert_int_equal(t.sheet->to_resolved.calendar_ms, 60 * MIN);
    assert_int_equal(t.sheet->stages[TICKET_SOLVED].time.calendar_ms, 69 * MIN);
    assert_int_equal(t.sheet->age.calendar_ms, 99 * MIN);
    assert_false(fact_sheet_one_touch(t.sheet));
    fact_sheet_free(t.sheet);
}

static void what_is_closed_unsolved_is_resolved_and_what_is_merged_is_not(void **state) {
    (void)state;
    Ticket t;
    born(&t);
    tell(&t, updated(&t, BORN + 10 * MIN, "agent:9", to(TICKET_CLOSED)));
    assert_int_equal(t.sheet->to_resolved.calendar_ms, 10 * MIN);
    fact_sheet_free(t.sheet);
    born(&t);
    tell(&t, updated(&t, BORN + 10 * MIN, "agent:9", to(TICKET_MERGED)));
    assert_true(t.sheet->resolved_ms == SHEET_NEVER);
    fact_sheet_free(t.sheet);
}

static void a_transfer_through_nobodys_hands_is_one_transfer(void **state) {
    (void)state;
    Ticket t;
    born(&t);
    tell(&t, updated(&t, BORN + 10 * MIN, "router", given(1001, 9)));
    tell(&t, updated(&t, BORN + 20 * MIN, "router", given(1001, 0)));
    tell(&t, updated(&t, BORN + 30 * MIN, "router", given(1001, 9)));
    assert_int_equal(t.sheet->handovers, 0);
    tell(&t, updated(&t, BORN + 40 * MIN, "agent:9", given(0, 0)));
    tell(&t, updated(&t, BORN + 50 * MIN, "router", given(1002, 8)));
    assert_int_equal(t.step.did, DID_ENTER | DID_ASSIGN | DID_TRANSFER | DID_HAND_OVER);
    assert_int_equal(t.step.from_group, 1001);
    assert_int_equal(t.step.from_assignee, 9);
    assert_int_equal(t.sheet->transfers, 1);
    assert_int_equal(t.sheet->handovers, 1);
    tell(&t, updated(&t, BORN + 55 * MIN, "agent:8", to(TICKET_IN_PROGRESS)));
    tell(&t, updated(&t, BORN + 75 * MIN, "agent:8", to(TICKET_PENDING)));
    assert_int_equal(place_of(&t.sheet->agents, 9)->times, 2);
    assert_int_equal(place_of(&t.sheet->agents, 9)->held.calendar_ms, 20 * MIN);
    assert_int_equal(place_of(&t.sheet->agents, 8)->worked.calendar_ms, 20 * MIN);
    assert_int_equal(place_of(&t.sheet->groups, 1002)->held.calendar_ms, 25 * MIN);
    assert_int_equal(t.sheet->worked.calendar_ms, 20 * MIN);
    fact_sheet_free(t.sheet);
}

static void every_transfer_is_kept_with_both_its_ends(void **state) {
    (void)state;
    static const int64_t way[] = {1002, 1001, 1002, 0, 1003};
    CLEANUP(buf_done) Buf packed = {0};
    FactSheet *again = NULL;
    Ticket t;
    born(&t);
    for (int i = 0; i < 5; i++)
        tell(&t, updated(&t, BORN + (i + 1) * MIN, "router", given(way[i], 0)));
    fact_sheet_pack(t.sheet, &packed);
    assert_int_equal(fact_sheet_unpack(buf_str(&packed), &again), 0);
    static const Move moves[] = {{1001, 1002, 2}, {1002, 1001, 1}, {1002, 1003, 1}};
    assert_int_equal(again->moves.n, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(again->moves.p[i].from, moves[i].from);
        assert_int_equal(again->moves.p[i].to, moves[i].to);
        assert_int_equal(again->moves.p[i].count, moves[i].count);
    }
    assert_int_equal(again->moves.others, 0);
    fact_sheet_free(again);
    fact_sheet_free(t.sheet);
}

static void more_transfers_than_have_room_are_counted(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf packed = {0};
    FactSheet *again = NULL;
    Ticket t;
    born(&t);
    for (int i = 0; i < SHEET_MOVES_MAX + 5; i++)
        tell(&t, updated(&t, BORN + (i + 1) * MIN, "router", given(2000 + i, 0)));
    fact_sheet_pack(t.sheet, &packed);
    assert_int_equal(fact_sheet_unpack(buf_str(&packed), &again), 0);
    assert_int_equal(again->moves.n, SHEET_MOVES_MAX);
    assert_int_equal(again->moves.others, 5);
    assert_int_equal(again->transfers, SHEET_MOVES_MAX + 5);
    fact_sheet_free(again);
    fact_sheet_free(t.sheet);
}

static void a_rating_remembers_where_its_words_are(void **state) {
    (void)state;
    Ticket t;
    TicketUpdate offers = {.sets = EDIT_SATISFACTION, .satisfaction = STR("offered")};
    TicketUpdate rates = {.sets = EDIT_SATISFACTION,
                          .satisfaction = STR("bad"),
                          .note = STR("太慢了"),
                          .reason = STR("{\"why\":\"rated\"}")};
    born(&t);
    tell(&t, updated(&t, BORN + 10 * MIN, "system", offers));
    assert_true(t.sheet->rated_ms == SHEET_NEVER);
    tell(&t, updated(&t, BORN + 20 * MIN, "requester:7", rates));
    assert_true(str_is(t.sheet->texts[SHEET_SATISFACTION], "bad"));
    assert_int_equal(t.sheet->rated_seq, 3);
    assert_true(t.sheet->rated_note);
    fact_sheet_free(t.sheet);
}

static void rows_come_once_and_in_order(void **state) {
    (void)state;
    Ticket t = {.sheet = fact_sheet_new()};
    Event e = updated(&t, BORN, "agent:9", says(true));
    assert_int_equal(fact_sheet_tell(t.sheet, &e, NULL, NULL), -EBADMSG);
    tell(&t, created("requester:7", 1001));
    e = updated(&t, BORN + MIN, "agent:9", says(true));
    e.seq = 3;
    assert_int_equal(fact_sheet_tell(t.sheet, &e, NULL, NULL), -EAGAIN);
    e.seq = 1;
    assert_int_equal(fact_sheet_tell(t.sheet, &e, NULL, NULL), -EALREADY);
    assert_int_equal(t.sheet->replies, 0);
    fact_sheet_free(t.sheet);
}

static void no_instant_and_no_id_of_a_ledger_breaks_a_sheet(void **state) {
    (void)state;
    static const int64_t odd[] = {INT64_MIN, -1, 0, INT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        Ticket t = {.sheet = fact_sheet_new()};
        CLEANUP(buf_done) Buf packed = {0};
        FactSheet *again = NULL;
        Event e = created("agent:-9223372036854775808", odd[i]);
        e.created_ms = odd[3 - i];
        tell(&t, e);
        tell(&t, updated(&t, odd[i], "agent:99999999999999999999", given(odd[i], odd[3 - i])));
        tell(&t, updated(&t, BORN, "requester:", says(true)));
        fact_sheet_pack(t.sheet, &packed);
        assert_int_equal(fact_sheet_unpack(buf_str(&packed), &again), 0);
        fact_sheet_free(again);
        fact_sheet_free(t.sheet);
    }
}

static void long_texts_are_cut_between_characters(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf many = {0};
    for (int i = 0; i < 200; i++)
        buf_adds(&many, "关");
    Ticket t = {.sheet = fact_sheet_new()};
    Event e = created("requester:7", 1);
    e.product = buf_str(&many);
    buf_adds(&many, "");
    tell(&t, e);
    assert_int_equal(t.sheet->texts[SHEET_PRODUCT].n, 255); /* 85 characters of three bytes */
    e.device = (Str){many.p + 1, many.n - 1};
    fact_sheet_free(t.sheet);
    t.sheet = fact_sheet_new();
    tell(&t, e);
    assert_true(t.sheet->texts[SHEET_DEVICE].n < 256);
    fact_sheet_free(t.sheet);
}

static void more_agents_than_have_room_are_counted(void **state) {
    (void)state;
    Ticket t;
    CLEANUP(buf_done) Buf packed = {0};
    FactSheet *again = NULL;
    born(&t);
    for (int i = 1; i <= SHEET_PLACES_MAX + 8; i++) {
        char who[32];
        (void)snprintf(who, sizeof(who), "agent:%d", 500 + i);
        tell(&t, updated(&t, BORN + i * MIN, "router", given(1001, i)));
        tell(&t, updated(&t, BORN + i * MIN, who, says(true)));
    }
    assert_int_equal(t.sheet->agents.n, SHEET_PLACES_MAX);
    fact_sheet_pack(t.sheet, &packed);
    assert_int_equal(fact_sheet_unpack(buf_str(&packed), &again), 0);
    assert_int_equal(again->agents.n, SHEET_PLACES_MAX);
    assert_int_equal(again->agents.others, SHEET_PLACES_MAX / 2 + 8);
    assert_int_equal(again->handovers, SHEET_PLACES_MAX + 7);
    assert_int_equal(again->replies, SHEET_PLACES_MAX + 8);
    fact_sheet_free(again);
    fact_sheet_free(t.sheet);
}

/* ---- Clocks ---- */

static Clock clock_of(ClockMetric m, int32_t instance, ClockStatus status, int64_t target,
                      int64_t elapsed, bool broken) {
    return (Clock){.metric = m,
                   .instance = instance,
                   .status = status,
                   .start_ms = BORN,
                   .target_ms = target,
                   .elapsed_ms = elapsed,
                   .since_ms = BORN,
                   .breached_ms = broken ? BORN + target : NEVER,
                   .ended_ms = status == CLOCK_FULFILLED ? BORN + elapsed : NEVER};
}

static void clocks_shown_twice_count_once(void **state) {
    (void)state;
    Ticket t;
    born(&t);
    Clock c[] = {clock_of(METRIC_NEXT_REPLY, 1, CLOCK_FULFILLED, 10 * MIN, 25 * MIN, true),
                 clock_of(METRIC_NEXT_REPLY, 2, CLOCK_RUNNING, 10 * MIN, 3 * MIN, false),
                 clock_of(METRIC_RESOLUTION, 1, CLOCK_RUNNING, 0, 99 * MIN, false)};
    for (int i = 0; i < 3; i++)
        fact_sheet_clocks(t.sheet, c, 3);
    OutcomeSum s = fact_sheet_promises(t.sheet, METRIC_NEXT_REPLY);
    assert_int_equal(s.broken, 1);
    assert_int_equal(s.open, 1);
    assert_int_equal(s.worst_ms, 15 * MIN);
    assert_int_equal(t.sheet->outcomes_n, 2); /* nothing was promised of the third */
    fact_sheet_clocks(t.sheet, c, 1); /* the older one alone: nothing of the later is touched */
    s = fact_sheet_promises(t.sheet, METRIC_NEXT_REPLY);
    assert_int_equal(s.broken, 1);
    assert_int_equal(s.open, 1);
    c[1] = clock_of(METRIC_NEXT_REPLY, 2, CLOCK_FULFILLED, 10 * MIN, 4 * MIN, false);
    fact_sheet_clocks(t.sheet, c, 2);
    s = fact_sheet_promises(t.sheet, METRIC_NEXT_REPLY);
    assert_int_equal(s.kept, 1);
    assert_int_equal(s.open, 0);
    /* A reopening wakes it, and it is broken after all. */
    c[1] = clock_of(METRIC_NEXT_REPLY, 2, CLOCK_RUNNING, 10 * MIN, 12 * MIN, true);
    fact_sheet_clocks(t.sheet, c, 2);
    s = fact_sheet_promises(t.sheet, METRIC_NEXT_REPLY);
    assert_int_equal(s.kept, 0);
    assert_int_equal(s.broken, 2);
    assert_int_equal(s.over_ms, 17 * MIN);
    fact_sheet_free(t.sheet);
}

static void thousands_of_promises_are_all_counted_in_little_room(void **state) {
    (void)state;
    Ticket t;
    int broken = 0;
    int64_t over = 0, worst = 0;
    born(&t);
    dice_state = 4;
    for (int32_t i = 1; i <= 3000; i++) {
        int64_t elapsed = (int64_t)dice(20 * MIN);
        bool late = elapsed > 10 * MIN;
        Clock c = clock_of(METRIC_NEXT_REPLY, i, CLOCK_FULFILLED, 10 * MIN, elapsed, late);
        Clock stage = clock_of(METRIC_STAGE_PENDING, i, CLOCK_FULFILLED, MIN, 2, false);
        CLEANUP(buf_done) Buf packed = {0};
        FactSheet *again = NULL;
        fact_sheet_clocks(t.sheet, &c, 1);
        fact_sheet_clocks(t.sheet, &stage, 1);
        broken += late;
        if (late) over += elapsed - 10 * MIN;
        if (late && elapsed - 10 * MIN > worst) worst = elapsed - 10 * MIN;
        if (i % 100) continue;
        fact_sheet_pack(t.sheet, &packed);
        assert_true(packed.n < 2000);
        assert_int_equal(fact_sheet_unpack(buf_str(&packed), &again), 0);
        fact_sheet_free(t.sheet);
        t.sheet = again;
    }
    OutcomeSum s = fact_sheet_promises(t.sheet, METRIC_NEXT_REPLY);
    assert_int_equal(s.broken, broken);
    assert_int_equal(s.kept, 3000 - broken);
    assert_int_equal(s.over_ms, over);
    assert_int_equal(s.worst_ms, worst);
    assert_int_equal(fact_sheet_promises(t.sheet, METRIC_STAGE_PENDING).kept, 3000);
    assert_int_equal(t.sheet->outcomes_n, SHEET_OUTCOMES_MAX);
    fact_sheet_free(t.sheet);
}

/* ---- Random histories ---- */

enum { ROWS = 40 };

static Calendar *weekdays(void) { /* 09:00-12:00, 13:00-18:00 UTC */
    Shift shifts[10];
    int64_t holiday = BORN / 86400000 + 2;
    for (int d = 0; d < 5; d++) {
        shifts[2 * d] = (Shift){d * 1440 + 540, d * 1440 + 720};
        shifts[2 * d + 1] = (Shift){d * 1440 + 780, d * 1440 + 1080};
    }
    CalendarSpec spec = {.shifts = shifts, .shifts_n = 10, .holidays = &holiday, .holidays_n = 1};
    CLEANUP(buf_done) Buf problem = {0}, file = {0};
    char part[4096];
    FILE *in = fopen("/usr/share/zoneinfo/UTC", "re");
    assert_non_null(in);
    for (size_t n; (n = fread(part, 1, sizeof(part), in)) > 0;)
        buf_add(&file, part, n);
    (void)fclose(in);
    Zone *zone = zone_parse(buf_str(&file), &problem);
    if (!zone) fail_msg("%s", problem.p);
    Calendar *c = calendar_new(&spec, zone, &problem);
    if (!c) fail_msg("%s", problem.p);
    return c;
}

/* The same hours in words of its own. */
static bool at_work(int64_t ms) {
    int64_t minute = (ms - BORN) / MIN, day = minute / 1440, of_day = minute % 1440;
    if (day % 7 >= 5 || day == 2) return false;
    return (of_day >= 540 && of_day < 720) || (of_day >= 780 && of_day < 1080);
}

static const char *const actors[] = {"agent:9", "agent:8", "user:3", "requester:7",
                                     "router",  "system",  "token:5"};

static Event random_row(const Event *before) {
    Event e = {.tenant_id = 1,
               .ticket_id = 100001,
               .seq = before->seq + 1,
               .kind = LEDGER_TICKET_UPDATED,
               .at_ms = (before->seq == 1 ? BORN : before->at_ms) + (int64_t)dice(700) * MIN,
               .actor = str(actors[dice(7)])};
    switch (dice(6)) {
    case 0:
        e.set = says(dice(3) > 0);
        break;
    case 1:
        e.set = given((int64_t)(1000 + dice(4)) * (dice(6) > 0), (int64_t)dice(5) + 6);
        if (!dice(3)) e.set.assignee_id = 0;
        break;
    case 2:
        e.kind = LEDGER_PROMISE_WARNED + (LedgerKind)dice(3);
        e.promise =
            (Promise){.metric = str(metric_name((ClockMetric)dice(METRICS))), .instance = 1};
        break;
    case 3:
        e.set = (TicketUpdate){.sets = EDIT_PRIORITY | EDIT_CATEGORY,
                               .priority = (TicketPriority)dice(PRIORITIES),
                               .category = dice(2) ? STR("物流/破损") : STR("")};
        break;
    case 4:
        e.set = (TicketUpdate){.sets = EDIT_SATISFACTION,
                               .satisfaction = dice(2) ? STR("good") : STR("offered")};
        break;
    default:
        e.set = to((TicketStatus)dice(dice(9) ? SHEET_STAGES : TICKET_STATUSES));
        if (dice(2)) e.set.comment = (EditComment){.present = true, .is_public = true};
    }
    return e;
}

/* What the first `n` rows come to, read minute by minute and row by row. */
typedef struct Slow {
    FactTime stages[TICKET_STATUSES], worked, held_by_9;
    int replies, reopenings, transfers, touches, solved_at /* row, last; -1 */;
    FactTime to_reply;
} Slow;

static bool starts(Str actor, const char *with) {
    return actor.n >= strlen(with) && memcmp(actor.p, with, strlen(with)) == 0;
}

static Slow read_slowly(const Event *rows, int n) {
    Slow s = {.solved_at = -1};
    TicketStatus status = TICKET_NEW;
    int64_t group = rows[0].set.group_id, last_group = group, agent = 0;
    bool replied = false;
    for (int i = 1; i < n; i++) {
        int64_t from = i == 1 ? BORN : rows[i - 1].at_ms;
        for (int64_t t = from; t < rows[i].at_ms && status <= TICKET_SOLVED; t += MIN) {
            FactTime one = {MIN, at_work(t) ? MIN : 0};
            s.stages[status].calendar_ms += one.calendar_ms;
            s.stages[status].business_ms += one.business_ms;
            if (agent && status == TICKET_IN_PROGRESS) {
                s.worked.calendar_ms += one.calendar_ms;
                s.worked.business_ms += one.business_ms;
            }
            if (agent == 9 && status != TICKET_SOLVED) {
                s.held_by_9.calendar_ms += one.calendar_ms;
                s.held_by_9.business_ms += one.business_ms;
            }
            if (!replied) {
                s.to_reply.calendar_ms += one.calendar_ms;
                s.to_reply.business_ms += one.business_ms;
            }
        }
        const Event *e = &rows[i];
        bool agents = starts(e->actor, "agent:") || starts(e->actor, "user:");
        if (agents && e->kind == LEDGER_TICKET_UPDATED) s.touches++;
        if (agents && e->set.comment.present && e->set.comment.is_public) {
            s.replies++;
            replied = true;
        }
        if (e->set.sets & EDIT_GROUP) {
            group = e->set.group_id;
            if (group && group != last_group) s.transfers++;
            if (group) last_group = group;
        }
        if (e->set.sets & EDIT_ASSIGNEE) agent = e->set.assignee_id;
        if (e->set.sets & EDIT_STATUS) {
            TicketStatus to_status = e->set.status;
            if (status == TICKET_SOLVED && to_status < TICKET_SOLVED) s.reopenings++;
            if (to_status < TICKET_SOLVED) s.solved_at = -1;
            if ((to_status == TICKET_SOLVED && status != TICKET_SOLVED) ||
                (to_status == TICKET_CLOSED && s.solved_at < 0))
                s.solved_at = i;
            status = to_status;
        }
    }
    if (!replied) s.to_reply = (FactTime){0, 0};
    return s;
}

static void same_time(FactTime a, FactTime b) {
    assert_int_equal(a.calendar_ms, b.calendar_ms);
    assert_int_equal(a.business_ms, b.business_ms);
}

static void compare(const FactSheet *f, const Event *rows, int n) {
    Slow s = read_slowly(rows, n);
    FactTime none = {0, 0};
    for (int k = 0; k < SHEET_STAGES; k++)
        same_time(f->stages[k].time, s.stages[k]);
    same_time(f->worked, s.worked);
    const Place *nine = place_of(&f->agents, 9);
    same_time(nine ? nine->held : none, s.held_by_9);
    same_time(f->to_reply, s.to_reply);
    assert_int_equal(f->replies, s.replies);
    assert_int_equal(f->touches, s.touches);
    assert_int_equal(f->transfers, s.transfers);
    assert_int_equal(f->reopenings, s.reopenings);
    assert_true((f->resolved_ms == SHEET_NEVER) == (s.solved_at < 0));
    if (s.solved_at >= 0) assert_int_equal(f->resolved_ms, rows[s.solved_at].at_ms);
}

static void kept_packed_between_rows_a_sheet_is_a_fold_from_scratch(void **state) {
    (void)state;
    CLEANUP(calendar_freep) Calendar *hours = weekdays();
    dice_state = 20251124;
    for (int round = 0; round < 150; round++) {
        Event rows[ROWS];
        FactSheet *kept = fact_sheet_new();
        rows[0] = created("requester:7", 1001);
        rows[0].at_ms = BORN;
        for (int i = 1; i < ROWS; i++)
            rows[i] = random_row(&rows[i - 1]);
        for (int i = 0; i < ROWS; i++) {
            CLEANUP(buf_done) Buf packed = {0}, fresh = {0};
            assert_int_equal(fact_sheet_tell(kept, &rows[i], hours, NULL), 0);
            assert_int_equal(fact_sheet_tell(kept, &rows[i], hours, NULL), -EALREADY);
            fact_sheet_pack(kept, &packed);
            fact_sheet_free(kept);
            assert_int_equal(fact_sheet_unpack(buf_str(&packed), &kept), 0);
            FactSheet *scratch = fact_sheet_new();
            for (int k = 0; k <= i; k++)
                assert_int_equal(fact_sheet_tell(scratch, &rows[k], hours, NULL), 0);
            fact_sheet_pack(scratch, &fresh);
            assert_true(str_eq(buf_str(&packed), buf_str(&fresh)));
            if (i % 13 == 12 || i == ROWS - 1) compare(scratch, rows, i + 1);
            fact_sheet_free(scratch);
        }
        fact_sheet_free(kept);
    }
}

static void steps_add_up_to_the_sheet(void **state) {
    (void)state;
    dice_state = 77;
    for (int round = 0; round < 200; round++) {
        Event row = created("requester:7", 1001);
        FactSheet *f = fact_sheet_new();
        FactStep step;
        FactTime stages[TICKET_STATUSES] = {{0, 0}};
        int replies = 0, transfers = 0, reopened = 0;
        for (int i = 0; i < ROWS; i++) {
            assert_int_equal(fact_sheet_tell(f, &row, NULL, &step), 0);
            stages[step.from].calendar_ms += step.stretch.calendar_ms;
            replies += !!(step.did & DID_REPLY);
            transfers += !!(step.did & DID_TRANSFER);
            reopened += !!(step.did & DID_REOPEN);
            row = random_row(&row);
        }
        for (int k = 0; k < SHEET_STAGES; k++)
            assert_int_equal(stages[k].calendar_ms, f->stages[k].time.calendar_ms);
        assert_int_equal(replies, f->replies);
        assert_int_equal(transfers, f->transfers);
        assert_int_equal(reopened, f->reopenings);
        fact_sheet_free(f);
    }
}

static void a_broken_pack_is_refused_wherever_it_breaks(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf packed = {0};
    Ticket t;
    FactSheet *back = NULL;
    born(&t);
    tell(&t, updated(&t, BORN + 10 * MIN, "router", given(1001, 9)));
    Clock c = clock_of(METRIC_FIRST_REPLY, 1, CLOCK_RUNNING, 10 * MIN, 3 * MIN, false);
    fact_sheet_clocks(t.sheet, &c, 1);
    fact_sheet_pack(t.sheet, &packed);
    for (size_t n = 0; n < packed.n; n++)
        assert_int_equal(fact_sheet_unpack((Str){packed.p, n}, &back), -EBADMSG);
    buf_addc(&packed, 0);
    assert_int_equal(fact_sheet_unpack(buf_str(&packed), &back), -EBADMSG);
    packed.n--;
    packed.p[0]++;
    assert_int_equal(fact_sheet_unpack(buf_str(&packed), &back), -EBADMSG);
    assert_null(back);
    fact_sheet_free(t.sheet);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_reply_is_an_agents_public_comment),
        cmocka_unit_test(a_reopening_takes_the_resolution_back),
        cmocka_unit_test(what_is_closed_unsolved_is_resolved_and_what_is_merged_is_not),
        cmocka_unit_test(a_transfer_through_nobodys_hands_is_one_transfer),
        cmocka_unit_test(every_transfer_is_kept_with_both_its_ends),
        cmocka_unit_test(more_transfers_than_have_room_are_counted),
        cmocka_unit_test(a_rating_remembers_where_its_words_are),
        cmocka_unit_test(rows_come_once_and_in_order),
        cmocka_unit_test(no_instant_and_no_id_of_a_ledger_breaks_a_sheet),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(more_agents_than_have_room_are_counted),
        cmocka_unit_test(clocks_shown_twice_count_once),
        cmocka_unit_test(thousands_of_promises_are_all_counted_in_little_room),
        cmocka_unit_test(kept_packed_between_rows_a_sheet_is_a_fold_from_scratch),
        cmocka_unit_test(steps_add_up_to_the_sheet),
        cmocka_unit_test(a_broken_pack_is_refused_wherever_it_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
