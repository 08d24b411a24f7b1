/* Rows that come, go and change while they are asked about; many of them; what is refused. */
#include "analytics/table/fact_table.h"

#include <errno.h>

#include "analytics/table/tables.h"
#include "slow.h"

#define BORN INT64_C(1758000000000)

static FactSheet *put(FactTable *t, int64_t id) {
    FactSheet *f = random_sheet(BORN, 30);
    assert_true(fact_table_put(t, id, f, FACT_NEVER));
    return f;
}

static void put_only(FactTable *t, int64_t id) {
    fact_sheet_free(put(t, id));
}

static const FactAnswer *ask(const FactTable *t, const FactQuestion *q, Arena *arena) {
    const FactAnswer *answer = NULL;
    CLEANUP(buf_done) Buf problem = {0};
    if (fact_ask(t, q, arena, &answer, &problem) < 0) fail_msg("%s", problem.p);
    return answer;
}

static void an_earlier_sheet_changes_nothing(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(fact_table_freep) FactTable *t = fact_table_new();
    CLEANUP(fact_sheet_freep) FactSheet *f = random_sheet(BORN, 1);
    FactQuestion q = fact_question(FACT_TICKETS);
    f->seq = 9;
    f->status = TICKET_PENDING;
    assert_true(fact_table_put(t, 7, f, FACT_NEVER));
    uint64_t version = fact_table_version(t);
    f->seq = 8;
    f->status = TICKET_CLOSED;
    assert_false(fact_table_put(t, 7, f, FACT_NEVER));
    assert_int_equal(fact_table_version(t), version);
    assert_int_equal(fact_table_seq(t, 7), 9);
    q.flags_set = 1u << FLAG_OPEN;
    assert_int_equal(ask(t, &q, arena)->total.count, 1);
    assert_false(fact_table_put(t, 0, f, FACT_NEVER)); /* no ticket has that id */
}

static void rows_told_again_and_again_take_no_more_room(void **state) {
    (void)state;
    enum { TICKETS = 1500 };
    CLEANUP(fact_table_freep) FactTable *t = fact_table_new();
    dice_state = 3;
    for (int64_t id = 1; id <= TICKETS; id++)
        put_only(t, id);
    size_t before = fact_table_bytes(t);
    for (int round = 0; round < 40; round++)
        for (int64_t id = 1; id <= TICKETS; id++) {
            if (!dice(9)) assert_true(fact_table_remove(t, id));
            FactSheet *f = random_sheet(BORN, 30);
            f->seq = 1000 + round;
            assert_true(fact_table_put(t, id, f, FACT_NEVER));
            fact_sheet_free(f);
        }
    assert_int_equal(fact_table_count(t), TICKETS);
    assert_true(fact_table_bytes(t) < before * 4);
    fact_table_empty(t);
    assert_int_equal(fact_table_count(t), 0);
    assert_true(fact_table_bytes(t) < 65536);
    assert_int_equal(fact_table_seq(t, 1), 0);
}

static void what_comes_between_two_steps_is_counted_at_most_once(void **state) {
    (void)state;
    enum { TICKETS = 30000 };
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(fact_table_freep) FactTable *t = fact_table_new();
    CLEANUP(fact_scan_freep) FactScan *s = NULL;
    FactQuestion q = fact_question(FACT_TICKETS);
    int64_t next = 1;
    int steps = 0, r;
    dice_state = 5;
    while (next <= TICKETS)
        put_only(t, next++);
    q.dims_n = 2;
    q.dims[0] = FACT_PRODUCT;
    q.dims[1] = FACT_ASSIGNEE;
    q.cut = CUT_QUARTER; /* two passes */
    q.limit = 5;
    assert_int_equal(fact_scan_new(t, &q, arena, &s, NULL), 0);
    for (; (r = fact_scan_step(s, 1000)) > 0; steps++) {
        char name[20];
        FactSheet *f = random_sheet(BORN, 30);
        (void)snprintf(name, sizeof(name), "new %d", steps);
        free((void *)f->texts[SHEET_PRODUCT].p);
        f->texts[SHEET_PRODUCT] = (Str){xstrdup(name), strlen(name)};
        f->assignee_id = 100000 + steps;
        assert_true(fact_table_put(t, next++, f, FACT_NEVER));
        f->seq = 2000;
        assert_true(fact_table_put(t, 1 + (int64_t)dice(TICKETS), f, FACT_NEVER));
        fact_sheet_free(f);
    }
    assert_int_equal(r, 0);
    assert_true(steps > 20);
    const FactAnswer *a = fact_scan_answer(s);
    /* A row that was replaced may now lie outside the time that was there when it began. */
    assert_in_range(a->total.count, TICKETS - (uint64_t)steps, TICKETS + (uint64_t)steps);
    uint64_t sum = 0;
    for (size_t i = 0; i < a->rows_n; i++)
        sum += a->rows[i].count;
    for (size_t i = 0; i < a->others_n; i++)
        sum += a->others[i].count;
    assert_int_equal(sum, a->total.count);
    assert_int_equal(a->series_n, 5);
}

static void a_table_that_is_emptied_ends_what_is_asked_of_it(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(fact_table_freep) FactTable *t = fact_table_new();
    CLEANUP(fact_scan_freep) FactScan *s = NULL;
    FactQuestion q = fact_question(FACT_TICKETS);
    for (int64_t id = 1; id < 100; id++)
        put_only(t, id);
    assert_int_equal(fact_scan_new(t, &q, arena, &s, NULL), 0);
    assert_int_equal(fact_scan_step(s, 0), 1);
    fact_table_empty(t);
    assert_int_equal(fact_scan_step(s, 1000), -ESTALE);
}

static void more_pairs_than_an_array_holds_are_counted_all_the_same(void **state) {
    (void)state;
    enum { TICKETS = 6000 };
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(fact_table_freep) FactTable *t = fact_table_new();
    Truth *truths = xcalloc(TICKETS, sizeof(*truths));
    FactQuestion q = fact_question(FACT_TICKETS);
    dice_state = 11;
    for (int i = 0; i < TICKETS; i++) {
        FactSheet *f = random_sheet(BORN, 30);
        for (int k = SHEET_PRODUCT; k <= SHEET_BATCH; k++) {
            char name[20];
            (void)snprintf(name, sizeof(name), "%d", (int)dice(dice(4) ? 4000 : 5));
            free((void *)f->texts[k].p);
            f->texts[k] = (Str){xstrdup(name), strlen(name)};
        }
        truths[i] = (Truth){i + 1, f, FACT_NEVER};
        assert_true(fact_table_put(t, i + 1, f, FACT_NEVER));
    }
    q.dims_n = 2;
    q.dims[0] = FACT_PRODUCT;
    q.dims[1] = FACT_BATCH;
    q.limit = 20;
    slow_compare(truths, TICKETS, &q, "UTC", ask(t, &q, arena)); /* in one pass */
    q.measures_n = 2;
    q.measures[0] = (FactMeasure){MEASURE_PERCENTILE, FACT_TO_REPLY, 0.9};
    q.measures[1] = (FactMeasure){MEASURE_AVERAGE, FACT_TO_REPLY, 0};
    q.order_by = 1;
    slow_compare(truths, TICKETS, &q, "UTC", ask(t, &q, arena)); /* and in two */
    for (int i = 0; i < TICKETS; i++)
        fact_sheet_free(truths[i].sheet);
    free(truths);
}

static void more_rows_than_a_block_are_one_table(void **state) {
    (void)state;
    enum { TICKETS = 70000 };
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(fact_table_freep) FactTable *t = fact_table_new();
    Truth *truths = xcalloc(TICKETS, sizeof(*truths));
    FactQuestion q = fact_question(FACT_AGENT_PASSAGES);
    dice_state = 12;
    for (int i = 0; i < TICKETS; i++)
        truths[i] = (Truth){i + 1, put(t, i + 1), FACT_NEVER};
    q.dims_n = 1;
    q.dims[0] = FACT_PASSED_AGENT;
    q.measures_n = 2;
    q.measures[0] = (FactMeasure){MEASURE_SUM, FACT_HELD, 0};
    q.measures[1] = (FactMeasure){MEASURE_REQUESTERS, 0, 0};
    slow_compare(truths, TICKETS, &q, "UTC", ask(t, &q, arena));
    q = fact_question(FACT_TICKETS);
    q.from_ms = BORN + 3 * (int64_t)DAY_MS;
    q.to_ms = BORN + 4 * (int64_t)DAY_MS;
    q.measures_n = 1;
    q.measures[0] = (FactMeasure){MEASURE_PERCENTILE, FACT_TO_REPLY, 0.95};
    slow_compare(truths, TICKETS, &q, "UTC", ask(t, &q, arena));
    for (int i = 0; i < TICKETS; i++)
        fact_sheet_free(truths[i].sheet);
    free(truths);
}

/* ---- One by one ---- */

typedef struct Seen {
    size_t n;
    int64_t sum, stop_at;
} Seen;

static bool see(void *arg, const FactTicket *ticket) {
    Seen *s = arg;
    s->n++;
    s->sum += ticket->ticket_id;
    return s->stop_at != (int64_t)s->n;
}

static void tickets_come_one_by_one_and_the_latest_first(void **state) {
    (void)state;
    enum { TICKETS = 5000 };
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(fact_table_freep) FactTable *t = fact_table_new();
    Truth *truths = xcalloc(TICKETS, sizeof(*truths));
    FactQuestion q = fact_question(FACT_TICKETS);
    Seen wanted = {0}, seen = {0};
    const FactTicket *latest;
    size_t n;
    dice_state = 21;
    for (int i = 0; i < TICKETS; i++)
        truths[i] = (Truth){i + 1, put(t, i + 1), FACT_NEVER};
    q.flags_set = 1u << FLAG_RATED_NOTE;
    q.time = FACT_AT_RATED;
    for (int i = 0; i < TICKETS; i++)
        if (slow_passes(&q, &truths[i], 0)) {
            wanted.n++;
            wanted.sum += truths[i].id;
        }
    assert_int_equal(fact_each(t, &q, see, &seen, NULL), 0);
    assert_int_equal(seen.n, wanted.n);
    assert_int_equal(seen.sum, wanted.sum);
    seen = (Seen){.stop_at = 3};
    assert_int_equal(fact_each(t, &q, see, &seen, NULL), 0);
    assert_int_equal(seen.n, 3);
    assert_int_equal(fact_latest(t, &q, 50, arena, &latest, &n, NULL), 0);
    assert_int_equal(n, 50);
    for (size_t i = 0; i < n; i++) {
        const Truth *truth = &truths[latest[i].ticket_id - 1];
        const FactSheet *f = truth->sheet;
        assert_true(latest[i].at_ms[FACT_AT_RATED] == slow_time(truth, FACT_AT_RATED) * 1000);
        assert_true(!i || latest[i - 1].at_ms[FACT_AT_RATED] >= latest[i].at_ms[FACT_AT_RATED]);
        FactKey region = fact_code_value(t, FACT_REGION, latest[i].codes[FACT_REGION]);
        assert_true(str_eq(region.text, f->texts[SHEET_REGION]));
        assert_int_equal(fact_code_of(t, FACT_REGION, region), latest[i].codes[FACT_REGION]);
        size_t later = 0;
        for (int k = 0; k < TICKETS; k++)
            later += slow_passes(&q, &truths[k], 0) &&
                     slow_time(&truths[k], FACT_AT_RATED) * 1000 > latest[i].at_ms[FACT_AT_RATED];
        assert_true(later <= i);
    }
    for (int i = 0; i < TICKETS; i++)
        fact_sheet_free(truths[i].sheet);
    free(truths);
}

/* ---- What is refused ---- */

static void refused(const FactTable *t, const FactQuestion *q, int why) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf problem = {0};
    const FactAnswer *answer = NULL;
    assert_int_equal(fact_ask(t, q, arena, &answer, &problem), why);
    assert_true(problem.n > 0);
    assert_null(answer);
}

static void questions_without_sense_are_refused_with_a_sentence(void **state) {
    (void)state;
    CLEANUP(fact_table_freep) FactTable *t = fact_table_new();
    FactQuestion q = fact_question(FACT_TICKETS);
    put_only(t, 1);
    q.dims_n = 1;
    q.dims[0] = FACT_METRIC;
    refused(t, &q, -EINVAL);
    q = fact_question(FACT_MOVES);
    q.measures_n = 1;
    q.measures[0] = (FactMeasure){MEASURE_SUM, FACT_HELD, 0};
    refused(t, &q, -EINVAL);
    q = fact_question(FACT_TICKETS);
    q.measures_n = 1;
    q.measures[0] = (FactMeasure){MEASURE_PERCENTILE, FACT_TO_REPLY, 0.5};
    q.order_by = 0;
    refused(t, &q, -EINVAL);
    q.order_by = -1;
    q.measures[0].share = 1.5;
    refused(t, &q, -EINVAL);
    q = fact_question(FACT_TICKETS);
    q.from_ms = BORN;
    q.to_ms = BORN - 1;
    refused(t, &q, -EINVAL);
    q.from_ms = BORN;
    q.to_ms = BORN + INT64_C(3653) * DAY_MS;
    q.cut = CUT_QUARTER;
    refused(t, &q, -E2BIG);
    q.to_ms = INT64_MAX - 1;
    q.cut = CUT_MONTH;
    refused(t, &q, -E2BIG);
}

static void an_empty_table_answers_too(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(fact_tables_freep) FactTables *all = fact_tables_new();
    assert_null(fact_tables_find(all, 5));
    FactTable *t = fact_tables_of(all, 5);
    FactQuestion q = fact_question(FACT_TICKETS);
    q.cut = CUT_DAY;
    q.dims_n = 1;
    q.dims[0] = FACT_HOUR;
    q.measures_n = 1;
    q.measures[0] = (FactMeasure){MEASURE_PERCENTILE, FACT_TO_REPLY, 0.5};
    const FactAnswer *a = ask(t, &q, arena);
    assert_int_equal(a->cuts_n, 0);
    assert_int_equal(a->rows_n, 0);
    assert_int_equal(a->total.count, 0);
    assert_int_equal(a->total.values[0].n, 0);
    put_only(fact_tables_of(all, 3), 1);
    int64_t tenant = 0;
    assert_ptr_equal(fact_tables_at(all, 1, &tenant), t);
    assert_int_equal(tenant, 5);
    assert_int_equal(fact_tables_count(all), 1);
}

static void names_are_read_as_they_are_written(void **state) {
    (void)state;
    FactDim d;
    FactNumber n;
    FactFlag f;
    FactTimeField at;
    for (int i = 0; i < FACT_DIMS; i++) {
        assert_int_equal(fact_dim_parse(str(fact_dim_name((FactDim)i)), &d), 0);
        assert_int_equal(d, i);
    }
    for (int i = 0; i < FACT_NUMBERS; i++) {
        assert_int_equal(fact_number_parse(str(fact_number_name((FactNumber)i)), &n), 0);
        assert_int_equal(n, i);
    }
    for (int i = 0; i < FACT_FLAGS; i++) {
        assert_int_equal(fact_flag_parse(str(fact_flag_name((FactFlag)i)), &f), 0);
        assert_int_equal(f, i);
    }
    for (int i = 0; i < FACT_TIMES_OF; i++) {
        assert_int_equal(fact_time_parse(str(fact_time_name((FactTimeField)i)), &at), 0);
        assert_int_equal(at, i);
    }
    assert_int_equal(fact_dim_parse(STR("colour"), &d), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_earlier_sheet_changes_nothing),
        cmocka_unit_test(rows_told_again_and_again_take_no_more_room),
        cmocka_unit_test(what_comes_between_two_steps_is_counted_at_most_once),
        cmocka_unit_test(a_table_that_is_emptied_ends_what_is_asked_of_it),
        cmocka_unit_test(more_pairs_than_an_array_holds_are_counted_all_the_same),
        cmocka_unit_test(more_rows_than_a_block_are_one_table),
        cmocka_unit_test(tickets_come_one_by_one_and_the_latest_first),
        cmocka_unit_test(questions_without_sense_are_refused_with_a_sentence),
        cmocka_unit_test(an_empty_table_answers_too),
        cmocka_unit_test(names_are_read_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
