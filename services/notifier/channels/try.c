#include "notifier/channels/try.h"

#include <errno.h>

struct Try {
    Tries *owner; /* NULL: cancelled */
    Try *next, **self;
    ChannelDone done;
    void *arg;
    OutgoingRequest *request; /* NULL: it is no post */
    TryJudge judge;
    int what;
    Delivered later; /* of try_end_later() */
    Buf reason;
};

static void unlink_try(Try *t) {
    if (!t->owner) return;
    *t->self = t->next;
    if (t->next) t->next->self = t->self;
    t->owner = NULL;
}

void try_drop(Try *t) {
    unlink_try(t);
    buf_done(&t->reason);
    free(t);
}

Try *try_new(Tries *all, ChannelDone done, void *arg) {
    Try *t = xcalloc(1, sizeof(*t));
    *t = (Try){.owner = all, .next = all->first, .self = &all->first, .done = done, .arg = arg};
    if (t->next) t->next->self = &t->next;
    all->first = t;
    return t;
}

void try_end(Try *t, const Delivered *delivered) {
    bool tells = t->owner != NULL;
    unlink_try(t); /* before the callback, which may free the channel */
    if (tells) t->done(t->arg, delivered);
    try_drop(t);
}

static void on_turn_end(void *arg) {
    Try *t = arg;
    try_end(t, &t->later);
}

void try_end_later(Try *t, const char *reason, bool fine, int64_t retry_after_ms) {
    buf_adds(&t->reason, reason);
    t->later = (Delivered){.outcome = OUTGOING_LATER,
                           .retry_after_ms = retry_after_ms,
                           .destination_fine = fine,
                           .reason = buf_str(&t->reason)};
    loop_defer(t->owner->loop, on_turn_end, t);
}

static void on_answer(void *arg, const OutgoingResult *answer) {
    Try *t = arg;
    Delivered d;
    t->judge(t->what, answer, &t->reason, &d);
    try_end(t, &d);
}

int tries_post(Tries *all, const OutgoingPost *post, TryJudge judge, int what, ChannelDone done,
               void *arg, Buf *ret_problem) {
    Try *t = try_new(all, done, arg);
    t->judge = judge;
    t->what = what;
    int r = outgoing_post(all->outgoing, post, on_answer, t, &t->request, ret_problem);
    if (r == 0) return 0;
    try_drop(t);
    return r == -EINVAL ? r : -EBUSY;
}

void tries_cancel(Tries *all) {
    Try *t = all->first, *next;
    all->first = NULL;
    for (; t; t = next) {
        next = t->next;
        t->owner = NULL;
        if (!t->request) continue; /* its report or the end of this turn frees it */
        outgoing_cancel(t->request);
        try_drop(t);
    }
}
