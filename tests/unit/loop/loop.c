/* What may be freed when, and what runs in which order. */
#include "loop/loop.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"

#define WORD(text) ((void *)(uintptr_t)(text))

static Loop *loop;
static Buf told; /* what happened, in order */

static int make_loop(void **state) {
    (void)state;
    loop = loop_new();
    buf_clear(&told);
    buf_adds(&told, "");
    return loop ? 0 : -1;
}

static int free_loop(void **state) {
    (void)state;
    loop = loop_free(loop);
    buf_done(&told);
    return 0;
}

static void tell(void *arg) {
    buf_adds(&told, arg);
}

static void tell_and_stop(void *arg) {
    tell(arg);
    loop_stop(loop);
}

static LoopTimer *self_freed;
static void free_myself(void *arg) {
    (void)arg;
    self_freed = loop_timer_free(self_freed);
    loop_stop(loop);
}

static void a_timer_may_be_freed_in_its_own_callback(void **state) {
    (void)state;
    self_freed = loop_timer_new(loop, free_myself, NULL);
    loop_timer_arm(self_freed, 1);
    loop_run(loop);
    assert_null(self_freed);
}

static LoopTimer *twin[2];
static void free_both(void *arg) {
    tell(arg);
    twin[0] = loop_timer_free(twin[0]);
    twin[1] = loop_timer_free(twin[1]);
    loop_stop(loop);
}

static void a_timer_freed_by_another_of_the_same_turn_stays_silent(void **state) {
    (void)state;
    twin[0] = loop_timer_new(loop, free_both, WORD("x"));
    twin[1] = loop_timer_new(loop, free_both, WORD("x"));
    loop_timer_arm(twin[0], 1);
    loop_timer_arm(twin[1], 1);
    (void)poll(NULL, 0, 5); /* both are due before the first turn */
    loop_run(loop);
    assert_string_equal(told.p, "x");
}

static LoopTimer *again;
static int turns_left;
static void rearm(void *arg) {
    (void)arg;
    assert_false(loop_timer_armed(again));
    if (--turns_left == 0)
        loop_stop(loop);
    else
        loop_timer_arm(again, 0);
}

static void a_timer_may_rearm_itself(void **state) {
    (void)state;
    turns_left = 5;
    again = loop_timer_new(loop, rearm, NULL);
    assert_false(loop_timer_armed(again));
    loop_timer_arm(again, 60000);
    loop_timer_arm(again, 1); /* replaces */
    assert_true(loop_timer_armed(again));
    int64_t began = clock_monotonic_ms();
    loop_run(loop);
    assert_true(clock_monotonic_ms() - began < 30000);
    assert_int_equal(turns_left, 0);
    again = loop_timer_free(again);
}

static void a_disarmed_timer_stays_silent(void **state) {
    (void)state;
    LoopTimer *t = loop_timer_new(loop, tell, WORD("x")),
              *end = loop_timer_new(loop, tell_and_stop, WORD("e"));
    loop_timer_arm(t, 1);
    loop_timer_arm(end, 5);
    loop_timer_disarm(t);
    loop_run(loop);
    assert_string_equal(told.p, "e");
    loop_timer_free(t);
    loop_timer_free(end);
    assert_null(loop_timer_free(NULL));
}

static void defer_more(void *arg) {
    tell(arg);
    loop_defer(loop, tell, WORD("4"));
    loop_defer(loop, tell_and_stop, WORD("5"));
}

static void defer_three(void *arg) {
    tell(arg);
    loop_defer(loop, tell, WORD("1"));
    loop_defer(loop, tell, WORD("2"));
    loop_defer(loop, defer_more, WORD("3"));
}

static void deferred_work_runs_in_order_at_the_end_of_the_turn(void **state) {
    (void)state;
    LoopTimer *first = loop_timer_new(loop, defer_three, WORD("a")),
              *second = loop_timer_new(loop, tell, WORD("b"));
    loop_timer_arm(first, 1);
    loop_timer_arm(second, 2);
    (void)poll(NULL, 0, 6); /* both are due in the first turn */
    loop_run(loop);
    assert_string_equal(told.p, "ab12345");
    loop_timer_free(first);
    loop_timer_free(second);
}

static void what_was_deferred_before_the_loop_runs_at_its_start(void **state) {
    (void)state;
    for (int i = 0; i < 200; i++)
        loop_defer(loop, tell, WORD("."));
    loop_run_for(loop, 1);
    assert_int_equal(told.n, 200);
}

static void free_word(void *p) {
    buf_printf(&told, "(%s)", (const char *)p);
    free(p);
}

static char *word;
static void free_word_later(void *arg) {
    tell(arg);
    loop_free_later(loop, word, free_word);
}

static void read_word(void *arg) {
    tell(arg);
    tell(word); /* another callback of the same turn may still look at it */
}

static void what_is_freed_later_lives_to_the_end_of_its_turn(void **state) {
    (void)state;
    word = strdup("w");
    LoopTimer *first = loop_timer_new(loop, free_word_later, WORD("1")),
              *second = loop_timer_new(loop, read_word, WORD("2"));
    loop_timer_arm(first, 1);
    loop_timer_arm(second, 2);
    (void)poll(NULL, 0, 6); /* both are due in the first turn */
    loop_run_for(loop, 2);
    assert_string_equal(told.p, "12w(w)");
    loop_timer_free(first);
    loop_timer_free(second);
}

static int ends[2];
static LoopFd *watched;
static void free_watched(int fd, unsigned what, void *arg) {
    assert_int_equal(fd, ends[0]);
    assert_int_equal(what, LOOP_READ);
    tell(arg);
    watched = loop_fd_free(watched);
    (void)close(fd);
    loop_stop(loop);
}

static void a_descriptor_may_be_freed_in_its_own_callback(void **state) {
    (void)state;
    assert_int_equal(pipe(ends), 0);
    watched = loop_fd_new(loop, ends[0], free_watched, WORD("r"));
    loop_fd_want(watched, LOOP_READ);
    assert_int_equal(write(ends[1], "xx", 2), 2);
    loop_run(loop);
    loop_run_for(loop, 2);
    assert_string_equal(told.p, "r");
    (void)close(ends[1]);
}

static void tell_what(int fd, unsigned what, void *arg) {
    (void)fd;
    (void)arg;
    buf_printf(&told, "%s%s", what & LOOP_READ ? "r" : "", what & LOOP_WRITE ? "w" : "");
    loop_stop(loop);
}

static void only_what_is_wanted_is_told(void **state) {
    (void)state;
    assert_int_equal(pipe(ends), 0);
    LoopFd *in = loop_fd_new(loop, ends[0], tell_what, NULL),
           *out = loop_fd_new(loop, ends[1], tell_what, NULL);
    assert_int_equal(write(ends[1], "x", 1), 1);
    loop_run_for(loop, 3); /* nobody wants anything */
    assert_string_equal(told.p, "");
    loop_fd_want(in, LOOP_READ);
    loop_run(loop);
    assert_string_equal(told.p, "r");
    loop_fd_want(in, 0);
    loop_fd_want(out, LOOP_WRITE);
    loop_run(loop);
    assert_string_equal(told.p, "rw");
    loop_fd_free(in);
    loop_fd_free(out);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void signals_arrive_in_the_loop(void **state) {
    (void)state;
    LoopSignal *s = loop_signal_new(loop, SIGUSR1, tell_and_stop, WORD("s"));
    (void)raise(SIGUSR1);
    assert_string_equal(told.p, "");
    loop_run(loop);
    assert_string_equal(told.p, "s");
    loop_signal_free(s);
}

static void the_time_of_the_last_turn_is_known(void **state) {
    (void)state;
    int64_t before = loop_last_turn_ms(loop);
    (void)poll(NULL, 0, 5);
    loop_run_for(loop, 2);
    assert_in_range(loop_last_turn_ms(loop), before + 5, clock_monotonic_ms());
}

#define ON_A_LOOP(test) cmocka_unit_test_setup_teardown(test, make_loop, free_loop)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_A_LOOP(a_timer_may_be_freed_in_its_own_callback),
        ON_A_LOOP(a_timer_freed_by_another_of_the_same_turn_stays_silent),
        ON_A_LOOP(a_timer_may_rearm_itself),
        ON_A_LOOP(a_disarmed_timer_stays_silent),
        ON_A_LOOP(deferred_work_runs_in_order_at_the_end_of_the_turn),
        ON_A_LOOP(what_is_freed_later_lives_to_the_end_of_its_turn),
        ON_A_LOOP(what_was_deferred_before_the_loop_runs_at_its_start),
        ON_A_LOOP(a_descriptor_may_be_freed_in_its_own_callback),
        ON_A_LOOP(only_what_is_wanted_is_told),
        ON_A_LOOP(signals_arrive_in_the_loop),
        ON_A_LOOP(the_time_of_the_last_turn_is_known),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
