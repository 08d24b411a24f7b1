/* Vocabulary -- what can happen that somebody is told of, what a template may then use, and samples
 * to try one on. Pure. */
#pragma once

#include "base/arena.h"
#include "base/text.h"
#include "template/template.h"

typedef enum NotifyEvent {
    NOTIFY_TICKET_CREATED,
    NOTIFY_TICKET_ASSIGNED,
    NOTIFY_TICKET_QUEUED,   /* waits for somebody in a group to have room */
    NOTIFY_TICKET_RELEASED, /* taken from who had it */
    NOTIFY_REPLY_SENT,      /* an agent's public comment */
    NOTIFY_REPLY_RECEIVED,  /* the requester's */
    NOTIFY_NOTE_ADDED,      /* a private one */
    NOTIFY_TICKET_SOLVED,
    NOTIFY_TICKET_CLOSED,
    NOTIFY_TICKET_REOPENED,
    NOTIFY_PROMISE_WARNED,
    NOTIFY_PROMISE_BREACHED,
    NOTIFY_PROMISE_ESCALATED,
    NOTIFY_STORM, /* many tickets of a kind in a short time, told as one */
    NOTIFY_EVENTS
} NotifyEvent;

const char *notify_event_name(NotifyEvent e);       /* "ticket_created" */
int notify_event_parse(Str name, NotifyEvent *ret); /* -EINVAL */

/* What every template may use, and a ticket with everything (`complete`) or with no more than every
 * ticket has, to try one on. Of an event only those parts that it has. */
typedef struct Vocabulary {
    const TemplateName *names;
    size_t names_n;
} Vocabulary;
Vocabulary notification_vocabulary(void);
/* Bits 1 << i of the names at the root that are there for sure when this event is told. */
uint64_t notification_given(NotifyEvent e, bool digest);
size_t notification_sample(NotifyEvent e, bool digest, bool complete, Arena *arena,
                           const TemplateValue **ret);
