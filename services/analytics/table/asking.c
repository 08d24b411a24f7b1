/* One slice a turn of the loop. */
#include "analytics/table/asking.h"

#include "base/clock.h"

enum { ROWS_AT_ONCE = 65536 };

struct Asking {
    LoopTimer *timer;
    FactScan *scan;
    AskingDone done;
    void *arg;
};

static void on_turn(void *arg) {
    Asking *a = arg;
    int64_t begun = clock_monotonic_ms();
    int r;
    do {
        r = fact_scan_step(a->scan, ROWS_AT_ONCE);
    } while (r > 0 && clock_monotonic_ms() - begun < ASKING_SLICE_MS);
    if (r > 0) {
        loop_timer_arm(a->timer, 0);
        return;
    }
    AskingDone done = a->done;
    void *whose = a->arg;
    const FactAnswer *answer = r < 0 ? NULL : fact_scan_answer(a->scan);
    asking_free(a);
    done(whose, r, answer);
}

int asking_new(Loop *loop, const FactTable *t, const FactQuestion *q, Arena *arena, AskingDone done,
               void *arg, Asking **ret, Buf *ret_problem) {
    FactScan *scan = NULL;
    int r = fact_scan_new(t, q, arena, &scan, ret_problem);
    if (r < 0) return r;
    Asking *a = xcalloc(1, sizeof(*a));
    *a = (Asking){.scan = scan, .done = done, .arg = arg};
    a->timer = loop_timer_new(loop, on_turn, a);
    loop_timer_arm(a->timer, 0);
    *ret = a;
    return 0;
}

Asking *asking_free(Asking *a) {
    if (!a) return NULL;
    loop_timer_free(a->timer);
    fact_scan_free(a->scan);
    free(a);
    return NULL;
}
