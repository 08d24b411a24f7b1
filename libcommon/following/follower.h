/* Follower -- one member of a group that follows docket.events: takes them in batches, knows which
 * partitions are its own, and moves offsets once what a batch does is committed.
 *
 *   wake ─▶ follower_take() ─▶ (decode, tell, one transaction) ─▶ follower_kept() ─▶ wake
 *
 * What is taken and not kept comes again, here or at somebody else, so that every effect must bear
 * being repeated: by the seq of the ledger row, and by the epoch of the partition (shares.h) where
 * what is kept belongs to one owner.
 *
 * One thread, one batch at a time. Logs and counts by itself what is nobody else's business:
 * messages that are no events, alarms, what was assigned. Of metrics it keeps, under the prefix
 * given: _events_total, _poison_total, _consumer_alarms_total, _lag_messages, _oldest_seconds and
 * _partitions. */
#pragma once

#include "events/event.h"
#include "events/event_head.h"
#include "following/shares.h"
#include "loop/loop.h"

typedef struct Follower Follower;

typedef struct FollowerSettings { /* texts stay the caller's, for as long as the follower lives */
    const char *brokers;
    const char *options; /* more librdkafka properties; NULL or "": none */
    const char *topic, *group;
    const char *client_id;
    size_t batch_max;    /* messages a batch */
    int gather_ms;       /* for so long events may gather at the broker: in a storm each batch is a
                            transaction and each answer of the broker's costs it; 0: 20 */
    const char *metrics; /* "docket_sla" */
} FollowerSettings;

typedef struct FollowerEvents { /* any may be NULL; none may free the follower */
    /* There is something to take, or partitions are to be given back: see whose turn it is. */
    LoopCallback wake;
    /* What is ours is in follower_shares(): to be claimed, where epochs are. Then wake. */
    void (*assigned)(void *arg, size_t n);
    /* An operator is needed (it is logged already), and events may have been lost. The ledger has
     * them all. */
    void (*alarm)(void *arg);
} FollowerEvents;

/* NULL and a sentence in *ret_problem when the settings are no good. Joins by itself, and waits for
 * a broker by itself. */
Follower *follower_new(Loop *loop, const FollowerSettings *settings, const FollowerEvents *events,
                       void *arg, Buf *ret_problem);
Follower *follower_free(Follower *f); /* at most about 3 s; no callback comes any more */

/* ---- Batches ---- */

typedef struct Followed { /* valid inside the call that hands it out */
    EventHead head;
    int32_t partition;
    int64_t offset;
    Str message;
} Followed;

typedef void (*FollowerTake)(void *arg, const Followed *event);

/* Hands out what is there, at most batch_max messages or about 16 MiB of them, and how many were
 * taken; 0: none. Within a partition offsets ascend. What is no event, or of a partition that is
 * not ours by the shares, counts as taken without being handed out. Nothing taken earlier may still
 * be under way. */
size_t follower_take(Follower *f, FollowerTake take, void *arg);
/* In the arena, needing nothing of the message. NULL: it cannot be read, which is counted and
 * logged: its ledger row is as it should be, and the next event finds that one missing. */
Event *follower_decode(Follower *f, const Followed *event, Arena *arena);
/* The offset behind the last message taken of that partition; 0: none was. For those who keep it
 * with the effect itself. */
int64_t follower_next_offset(const Follower *f, int32_t partition);
/* What was taken has taken effect: its offsets are stored, except those of partitions that were
 * lost meanwhile (shares_lost(), or claimed by another epoch since). */
void follower_kept(Follower *f);

/* ---- The group ---- */

Shares *follower_shares(Follower *f);
/* Nothing that was taken is under way: partitions that are asked back are given back. To be called
 * whenever that is so; else nothing. */
void follower_release(Follower *f);
/* Stops fetching, for the end. */
void follower_pause(Follower *f);
/* Every second. What is ours by the group and not by the shares for 10 s, or a group that nothing
 * is heard of although `brokers` are there as another client of this process sees, is left and
 * joined anew, when it is `idle` (nothing taken is under way). -errno with *ret_problem: it cannot.
 */
int follower_tick(Follower *f, bool idle, bool brokers, Buf *ret_problem);
/* Everything that happened before this instant in the partitions owned has been followed, as far as
 * is known here: now, or what is under way or waits is older. 0: nobody knows. */
int64_t follower_followed_ms(const Follower *f, int64_t now_ms);
bool follower_healthy(const Follower *f, Buf *reason); /* in touch with a broker, in the group */
/* Messages in the partitions owned that are not kept yet, as far as the last fetch knows: 0 also
 * before the first. */
int64_t follower_lag(const Follower *f);
/* How many partitions the topic has: asked once, waiting for a broker for half a second at most.
 * -errno: not known yet. */
int follower_topic_partitions(Follower *f);
