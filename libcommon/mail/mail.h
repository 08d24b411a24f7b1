/* Mail -- one outgoing message, built by the rules of RFC 5322 and MIME. Pure.
 *
 * multipart/alternative of plain text and HTML, or plain text alone; UTF-8 in quoted-printable or
 * base64, whichever is shorter; headers in encoded words; lines end in CRLF and are short. The same
 * input gives the same bytes, so a message that is sent once more is the same message.
 *
 * Nothing is mended in silence: a line break or other control character in anything that becomes a
 * header, an address that is none, an id that is none, is refused, and the reason said. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum {
    MAIL_HEADER_MAX = 998,     /* bytes of a subject or name */
    MAIL_ID_MAX = 250,         /* of a message id */
    MAIL_ADDRESS_MAX = 254,    /* of an address, as it is sent */
    MAIL_RECIPIENTS_MAX = 100, /* in To and Cc together */
    MAIL_REFERENCES_MAX = 20,  /* written: of a longer chain the first and the last ones */
    MAIL_BODY_MAX = 1 << 20,   /* bytes of text, and of HTML */
    MAIL_MESSAGE_MAX = 5 << 20 /* of what comes out */
};

typedef struct MailAddress {
    Str name; /* absent: none */
    Str address;
} MailAddress;

typedef enum MailOrigin {
    MAIL_BY_PERSON,
    MAIL_GENERATED, /* Auto-Submitted: a notice */
    MAIL_REPLIED    /* Auto-Submitted: an automatic answer to somebody's mail */
} MailOrigin;

typedef struct MailMessage {
    MailAddress from;
    MailAddress reply_to; /* no address: none */
    const MailAddress *to, *cc;
    size_t to_n, cc_n;
    Str subject;
    Str text;     /* lines end in \n or \r\n */
    Str html;     /* absent: none */
    Str language; /* "zh"; absent: not said */
    int64_t at_ms;
    Str message_id;        /* "wo-1024.7.5f3a@desk.example": without < > */
    Str in_reply_to;       /* absent: none */
    const Str *references; /* oldest first; the whole chain */
    size_t references_n;
    MailOrigin origin;
    Str loop;             /* X-Docket-Loop: who we are, to know our own mail again; absent: none */
    Str list_id;          /* "tickets.desk.example"; absent: none */
    Str unsubscribe_url;  /* https: List-Unsubscribe, and one click (RFC 8058) */
    Str unsubscribe_mail; /* an address; may stand beside the other */
} MailMessage;

typedef enum MailOutcome {
    MAIL_BUILT,
    MAIL_BAD_HEADER,     /* a control character, or no UTF-8, in what becomes a header */
    MAIL_BAD_ADDRESS,    /* of a recipient, the sender, or an id */
    MAIL_NEEDS_SMTPUTF8, /* letters beyond ASCII before the @: not every server takes them */
    MAIL_BAD_BODY,       /* no UTF-8, or a control character other than tabs and line breaks */
    MAIL_TOO_LARGE
} MailOutcome;

/* Appends the message. Everything else than MAIL_BUILT appends nothing to it, and a sentence to
 * *ret_problem (may be NULL) without any of the content. */
MailOutcome mail_build(const MailMessage *m, Buf *ret, Buf *ret_problem);

/* Appends the address as envelopes and headers have it: the domain in ASCII (IDNA 2008), in lower
 * case. Refused: quoted local parts, literals such as a@[192.0.2.1], domains without a dot.
 * MAIL_BUILT, MAIL_BAD_ADDRESS or MAIL_NEEDS_SMTPUTF8. */
MailOutcome mail_address(Str address, Buf *ret, Buf *ret_problem);
