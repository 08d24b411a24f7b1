/* Live -- GET /api/v2/live: server-sent events of the tickets that the asker may see, as they
 * happen.
 *
 *     event: ready   data: {"resumed": true}        first of all; false: from here on
 *     event: reset   data: {"reason": "..."}        something was missed: read the lists again
 *     event: ticket  data: {"type": "ticket_updated", "ticket_id", "at", ... }      live/news.h
 *     event: gone    data: {"ticket_id", "at"}      deleted, or out of her reach
 *     event: end     data: {"reason": "..."}        and the stream is over
 *
 * Each carries an id; Last-Event-ID resumes behind it, at any desk, without a gap for as long as
 * the ring of that desk reaches back, else with `reset`. Told at least once: one ledger row may
 * come twice, and has the same ticket_id and seq. Every desk reads all of docket.events for it, in
 * a group of its own that never commits.
 *
 *   live.c      Kafka -> ring -> streams, with the tickets read in between; the route
 *   streams.c   one client: buffer, credential, end
 *   news.c      what somebody is told of one event
 *   ring.c, position.c   what happened lately, and how far somebody has heard */
#pragma once

#include "desk/desk.h"
#include "desk/live/ring.h"
#include "desk/live/streams.h"
#include "kafka/consumer.h"

typedef struct Live {
    Desk *desk;
    KafkaConsumer *consumer;
    Ring *ring;
    uint64_t fed;   /* number of the next event that those who are up to date hear */
    Position told;  /* they have been told of everything ahead of it */
    uint64_t feeds; /* how many readings for them have begun */
    bool feeding;
    size_t catching_up; /* readings for one stream each */
    bool draining, dead;
    LoopTimer *retry, *more, *tick;
    Stream *streams;
    size_t streams_n;
    struct {
        struct Metric *streams, *told, *resets, *cut, *refused;
    } metrics;
} Live;

extern const DeskPart live_part;

/* Something was read: what is next? After a failure only in a moment. */
void live_go_on(Live *l, bool at_once);
/* Frees it once it is dead and nothing is read for it any more. */
void live_release(Live *l);

/* Ends every stream with a word, and lets no new one in: the desk is stopping. */
void live_drain(Desk *d);
