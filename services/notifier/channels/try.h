/* Try -- one letter on its way by one channel: its end is told exactly once, and not at all after
 * the channel is gone. Shared by the channels of this folder. */
#pragma once

#include "loop/loop.h"
#include "notifier/channels/channel.h"

typedef struct Try Try;

typedef struct Tries { /* of one channel; zeros with a loop are none */
    Loop *loop;
    Outgoing *outgoing; /* NULL: the channel posts nothing */
    Try *first;
} Tries;

/* What an answer means: fills *ret, whose reason is *reason. `what` is the caller's. */
typedef void (*TryJudge)(int what, const OutgoingResult *answer, Buf *reason, Delivered *ret);

Try *try_new(Tries *all, ChannelDone done, void *arg);
/* Tells and frees; of a cancelled one only frees. */
void try_end(Try *t, const Delivered *delivered);
/* Frees, tells nobody: it did not begin. */
void try_drop(Try *t);
/* The same as try_end() at the end of this turn; it is tried again later. `fine`: no mark against
 * the destination. retry_after_ms -1: whenever. */
void try_end_later(Try *t, const char *reason, bool fine, int64_t retry_after_ms);

/* Posts, judges, tells. 0; -EBUSY, or -EINVAL with *ret_problem: then no callback comes. */
int tries_post(Tries *all, const OutgoingPost *post, TryJudge judge, int what, ChannelDone done,
               void *arg, Buf *ret_problem);

/* Nobody is told any more. Posts are cancelled; a try that somebody else will end frees itself when
 * try_end() comes. */
void tries_cancel(Tries *all);
