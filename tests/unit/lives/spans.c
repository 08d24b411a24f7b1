/* Every minute of a clock is explained. */
#include "lives/spans.h"

#include "unit/lives/random_life.h"

/* Every minute of every clock is explained once, and what is explained as counted is its elapsed
 * time. */
static void spans_explain_every_minute(void **state) {
    World *w = *state;
    Step steps[STEPS_MAX];
    const Catalog *revisions[2];
    compile_random(revisions);
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
        IN_THE_SHOP(spans_explain_every_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
