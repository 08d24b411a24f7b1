/* Comment -- one row of the ledger that says something, as Zendesk shows a comment. Pure.
 *
 * `body` and `plain_body` are plain text; `html_body` is fit to be shown to anybody: what came as
 * HTML is sanitised (libcommon/html), what came as text is escaped. Stored is what was sent. */
#pragma once

#include "desk/tickets/audit.h"

typedef struct CommentFacts {
    int64_t author_id; /* -1: the machine, or a program */
    bool is_public;
} CommentFacts;

/* Appends {"id","type":"Comment",...}. `ticket` gives the first row its author. `base` as
 * request_base(). */
CommentFacts comment_json(Buf *ret, Str base, const AuditRow *row, const TicketRow *ticket,
                          Arena *arena);
