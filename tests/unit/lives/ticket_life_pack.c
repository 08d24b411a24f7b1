/* A life put away between any two rows goes on as if it had not been. */
#include "unit/lives/random_life.h"

static void add_moments(TicketLife *l, Arena *arena, bool warnings, Buf *ret) {
    PromiseMoment *m;
    size_t n = ticket_life_due(l, arena, &m);
    for (size_t i = 0; i < n; i++) {
        if (warnings || m[i].act != PROMISE_WARNED)
            buf_printf(ret, "%d %s %d %s %lld\n", m[i].act, metric_name(m[i].metric), m[i].instance,
                       m[i].level, (long long)m[i].at_ms);
    }
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

enum { SEEDS = 1500 };

/* Packed and unpacked after every step and every judgement, a life has the same moments due, at the
 * same next instant, as one that stayed whole; and in the end all that was ever told of breaches
 * and levels is what one finds who reads the ledger only then. */
static void a_packed_life_goes_on_as_the_whole_one(void **state) {
    World *w = *state;
    const Catalog *revisions[2];
    Step steps[STEPS_MAX];
    compile_random(revisions);
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

int main(void) {
#define IN_THE_SHOP(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
    const struct CMUnitTest tests[] = {
        IN_THE_SHOP(what_was_packed_under_other_promises_is_stale),
        IN_THE_SHOP(a_packed_life_goes_on_as_the_whole_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
