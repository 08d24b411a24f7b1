/* docket.events, in batches: what is not newer than what is known is passed over unread; offsets
 * move once the lives are kept. */
#include "base/crash.h"
#include "sla/sla_internal.h"

static void on_done(void *arg) {
    Sla *s = arg;
    CRASH_POINT("after-follow");
    follower_kept(s->follower);
    sla_turn_over(s);
}

static void take_in(void *arg, const Followed *followed) {
    Sla *s = arg;
    const EventHead *head = &followed->head;
    TicketClock known;
    if (clocks_get(s->clocks, head->tenant_id, head->ticket_id, &known) && head->seq &&
        (int32_t)head->seq <= known.seq) {
        metric_add(s->old, 1);
        return;
    }
    Event *event = follower_decode(s->follower, followed, batch_arena(s->batch));
    if (!event) return;
    Story *story = batch_story(s->batch, event->tenant_id, event->ticket_id, followed->partition);
    followed_rows_add(&story->rows, event, batch_arena(s->batch));
}

bool events_begin(Sla *s) {
    batch_clear(s->batch);
    if (follower_take(s->follower, take_in, s) == 0) return false;
    s->work = WORK_EVENTS;
    batch_run(s->batch, BATCH_EVENTS, on_done, s);
    return true;
}

/* ---- The group ---- */

static void on_wake(void *arg) {
    Sla *s = arg;
    if (s->batch) sla_pump(s);
}

static void on_alarm(void *arg) {
    chores_find(arg); /* events may be lost: the ledger is not */
}

int events_open(Sla *s, Buf *ret_problem) {
    s->follower =
        follower_new(s->loop,
                     &(FollowerSettings){.brokers = s->settings->kafka_brokers,
                                         .options = s->settings->kafka_options,
                                         .topic = s->settings->topic_events,
                                         .group = s->settings->group,
                                         .client_id = s->instance,
                                         .batch_max = (size_t)s->settings->batch_max,
                                         .metrics = "docket_sla"},
                     &(FollowerEvents){.wake = on_wake, .alarm = on_alarm}, s, ret_problem);
    if (!s->follower) return -1;
    s->shares = follower_shares(s->follower);
    return 0;
}
