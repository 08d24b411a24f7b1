/* Dialogue -- one mail's talk with a server that has greeted us: what to say next, and what its
 * replies mean. Of this room only. Pure. */
#pragma once

#include <stdbool.h>

#include "base/text.h"
#include "outgoing/outgoing.h"

typedef enum DialogueState {
    DIALOGUE_MAIL,
    DIALOGUE_RCPT,
    DIALOGUE_DATA,
    DIALOGUE_MESSAGE, /* its last dot is said, or about to be */
    DIALOGUE_ENDED
} DialogueState;

enum { DIALOGUE_LINE_BYTES = 2048, DIALOGUE_REPLY_BYTES = 16 * 1024 };

typedef struct Dialogue {
    DialogueState state;
    Str from, to, message; /* borrowed */
    bool knows_utf8, knows_8bit, pipelines;
    Buf to_send; /* the caller sends it and empties it */
    Buf reply;   /* not yet whole */
    size_t reply_bytes;
    int code;                /* of the last reply; 0 while there is none */
    Buf text;                /* of its last line */
    OutgoingOutcome outcome; /* once it has ended */
    Buf reason;
} Dialogue;

/* An address that can stand between < and >: printable, one '@', at most 254 bytes; *needs_utf8
 * when it is not of ASCII. 0, -EINVAL. "" is good only where `may_be_empty`. */
int dialogue_check_address(Str address, bool may_be_empty, bool *needs_utf8);
/* Lines that end in CR LF, of at most 998 bytes, no NUL; ends with a line. 0, or -EINVAL and why.
 */
int dialogue_check_message(Str message, Buf *problem);

/* Begins: MAIL stands in to_send, or it has ended because the server cannot carry it. To a server
 * that `pipelines` (RFC 2920) RCPT and DATA are said with it; the message waits for its 354. */
void dialogue_begin(Dialogue *d, Str from, Str to, Str message, bool knows_utf8, bool knows_8bit,
                    bool pipelines);
void dialogue_done(Dialogue *d);
/* What the server said. Afterwards there is something to send, or it waits for more, or has ended.
 */
void dialogue_hear(Dialogue *d, Str bytes);
/* The server would take the message and has nothing of it: the last moment to give up. */
bool dialogue_before_message(const Dialogue *d);
/* The caller may not go on (its lease is over): ends it. */
void dialogue_give_up(Dialogue *d, const char *why);
/* The connection ended: true when the server may have taken the mail all the same. */
bool dialogue_in_doubt(const Dialogue *d);
