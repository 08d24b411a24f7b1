/* A pool of threads beside the loop: who works where, how much may wait, and how it ends. Run under
 * ThreadSanitizer too. */
#include "workers/workers.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

typedef struct Job {
    Loop *loop;
    int *left; /* of all jobs; the loop's thread counts */
    int gate;  /* work waits until something can be read here; -1: it does not */
    pthread_t worked, told;
    int64_t result;
    bool ran, called;
} Job;

static void work(void *arg) {
    Job *j = arg;
    char c;
    if (j->gate >= 0) assert(read(j->gate, &c, 1) == 1);
    j->worked = pthread_self();
    j->result = 0;
    for (int64_t i = 1; i <= 1000; i++)
        j->result += i;
}

static void done(void *arg, bool ran) {
    Job *j = arg;
    assert_false(j->called);
    j->called = true;
    j->ran = ran;
    j->told = pthread_self();
    if (--*j->left == 0) loop_stop(j->loop);
}

static void work_runs_elsewhere_and_its_end_is_told_here(void **state) {
    (void)state;
    CLEANUP(loop_freep) Loop *loop = loop_new();
    CLEANUP(workers_freep) Workers *w = workers_new(loop, 3, 500);
    Job jobs[400];
    int left = 400;
    for (int i = 0; i < 400; i++) {
        jobs[i] = (Job){.loop = loop, .left = &left, .gate = -1};
        assert_int_equal(workers_run(w, work, done, &jobs[i]), 0);
        assert_false(jobs[i].called);
    }
    loop_run_for(loop, 20000);
    assert_int_equal(left, 0);
    assert_int_equal(workers_waiting(w), 0);
    for (int i = 0; i < 400; i++) {
        assert_true(jobs[i].ran);
        assert_int_equal(jobs[i].result, 500500);
        assert_false(pthread_equal(jobs[i].worked, pthread_self()));
        assert_true(pthread_equal(jobs[i].told, pthread_self()));
    }
}

static void on_tick(void *arg) {
    ++*(int *)arg;
}

static void the_loop_turns_while_all_threads_are_busy(void **state) {
    (void)state;
    CLEANUP(loop_freep) Loop *loop = loop_new();
    CLEANUP(workers_freep) Workers *w = workers_new(loop, 2, 2);
    int gate[2], left = 4, ticks = 0;
    assert_int_equal(pipe(gate), 0);
    Job jobs[5];
    for (int i = 0; i < 5; i++)
        jobs[i] = (Job){.loop = loop, .left = &left, .gate = gate[0]};
    for (int i = 0; i < 4; i++)
        assert_int_equal(workers_run(w, work, done, &jobs[i]), 0);
    /* two in the threads and two behind them: that is the bound */
    assert_int_equal(workers_run(w, work, done, &jobs[4]), -ENOBUFS);
    assert_int_equal(workers_waiting(w), 4);
    LoopTimer *timer = loop_timer_new(loop, on_tick, &ticks);
    loop_timer_arm(timer, 1);
    loop_run_for(loop, 20);
    assert_int_equal(ticks, 1);
    assert_int_equal(left, 4);
    assert_int_equal(write(gate[1], "....", 4), 4);
    loop_run_for(loop, 20000);
    assert_int_equal(left, 0);
    assert_false(jobs[4].called);
    left = 1;
    assert_int_equal(write(gate[1], ".", 1), 1);
    assert_int_equal(workers_run(w, work, done, &jobs[4]), 0); /* there is room again */
    loop_run_for(loop, 20000);
    assert_int_equal(left, 0);
    loop_timer_free(timer);
    (void)close(gate[0]);
    (void)close(gate[1]);
}

static void at_the_end_everybody_is_told_whether_it_ran(void **state) {
    (void)state;
    CLEANUP(loop_freep) Loop *loop = loop_new();
    Workers *w = workers_new(loop, 1, 3);
    int gate[2], left = 4, ran = 0;
    assert_int_equal(pipe(gate), 0);
    Job jobs[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = (Job){.loop = loop, .left = &left, .gate = i ? -1 : gate[0]};
        assert_int_equal(workers_run(w, work, done, &jobs[i]), 0);
    }
    assert_int_equal(write(gate[1], ".", 1), 1);
    workers_free(w);
    assert_int_equal(left, 0);
    for (int i = 0; i < 4; i++) {
        assert_true(jobs[i].called);
        assert_int_equal(jobs[i].ran, jobs[i].result != 0);
        ran += jobs[i].ran;
    }
    assert_true(ran <= 4);
    (void)close(gate[0]);
    (void)close(gate[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_runs_elsewhere_and_its_end_is_told_here),
        cmocka_unit_test(the_loop_turns_while_all_threads_are_busy),
        cmocka_unit_test(at_the_end_everybody_is_told_whether_it_ran),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
