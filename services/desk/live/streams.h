/* Streams -- everybody who listens: who she is, how far she has heard, what she has not taken yet.
 *
 * What waits for one client is bounded; who does not take it is ended, and disturbs nobody. A
 * stream that is over stays allocated while something is still being asked for it. */
#pragma once

#include "desk/api/request.h"
#include "desk/live/ring.h"
#include "http/event_stream.h"

enum { STREAM_BYTES = 64 << 10 /* that wait for one client; what a socket holds comes on top */ };

typedef struct Stream {
    struct Live *live;
    struct Stream *previous, *next;
    EventStream out;
    bool checking, reading; /* its credential; the tickets of what she missed */
    char *secret;           /* what she showed */
    size_t secret_n;
    bool session;
    int64_t credential; /* its number */
    bool known;         /* `who` is filled: she hears nothing before */
    Arena *arena;       /* of `who` */
    Subject who;
    const Catalog *catalog;
    Position position; /* she has been told of everything ahead of it, or needs not be */
    uint64_t number;   /* of the ring: what she hears next */
    uint64_t born;     /* Live.feeds then: a reading that had begun knows nothing of her */
    bool strict;       /* she came with a position: what is missing behind it is a gap */
    int64_t since_ms;  /* wall clock; of what was before, only a strict one hears. 0: strict */
    int64_t given_ms;  /* monotonic: something was added last */
} Stream;

typedef struct StreamStart {
    Str secret;
    bool session;
    const Position *position; /* NULL: from now on */
    uint64_t number;
    const char *reset; /* a reason to begin with `reset`; NULL: none */
} StreamStart;

/* Answers r: from here on it is a stream. It may be over before this returns. */
void stream_begin(struct Live *live, Request *r, const StreamStart *start);
/* Where she is. */
Position stream_position(const Stream *s);
/* "event: ...\ndata: ...\n"; id and end are added. Ends her when too much waits. */
void stream_add(Stream *s, Str text);
/* She has missed something: tells her so, and goes on from where everybody is. */
void stream_reset(Stream *s, const char *reason);
/* Keeps proxies awake, and her position young. */
void stream_beat(Stream *s);
/* Is she still who she was? Ends her within the credential's time when not. s may be gone. */
void stream_check(Stream *s);
/* After what has been added is the word `reason`, and the end. s may be gone. */
void stream_end(Stream *s, const char *reason);
/* Gives what waits, if the client wants it. s may be gone. */
void stream_flush(Stream *s);
/* Nothing is asked for it any more, perhaps: frees it then, if it is over. */
void stream_release(Stream *s);
