/* Notifications -- the part of a catalog that says who is told of what, by which way and in which
 * words. Pure.
 *
 *   systems:                                    # what is told besides people
 *     - name: 客服群
 *       by: dingtalk                            # or wecom, feishu, webhook, kafka
 *     - {name: erp, by: webhook, address: "https://erp.example/hooks"}   # https only
 *     - {name: 数仓, by: kafka, address: shop.tickets}                    # a topic
 *   templates:                                  # template/template.h; checked when they are saved
 *     - name: 收到工单
 *       language: zh                            # of what follows; default zh
 *       subject: "[#{{ticket.id}}] 我们已收到您的来信"     # mail; also a robot's title
 *       text: |                                 # mail
 *         {{recipient.name}}，您好……
 *       html: |                                 # mail; absent: made from the text
 *       markdown: |                             # dingtalk, wecom, feishu
 *       json: |                                 # webhook, kafka; absent: the event as it is
 *       sms: {code: SMS_1001, params: {no: "{{ticket.id}}"}}   # in the order of the gateway's form
 *       in:                                     # the same for those who read something else
 *         en: {subject: "...", text: "..."}
 *   notifications:
 *     - name: 收到工单
 *       event: ticket_created                   # or a list of events
 *       when: {all: {channel: [web, email]}}    # as in policies; absent: always
 *       to: requester                           # requester, assignee, lead, manager,
 * collaborators, # followers, an agent, a system; or a list by: [mail, sms] # to people; default
 * mail. A system has its own way template: 收到工单                       # of webhook and kafka:
 * may be absent urgent: on                              # looks at no hours, joins no digest hours:
 * 客服班                            # a calendar: what comes outside waits for them digest: 15m #
 * one message for all of that time
 *
 * In their order: who is told of an event by one way is not told of it again by a later one. A
 * robot's keys and a webhook's secrets are no part of documents; they are kept by the system's
 * name. */
#pragma once

#include "conditions/matcher.h"
#include "documents/catalog.h"
#include "documents/systems.h"
#include "documents/templates.h"
#include "documents/vocabulary.h"
#include "promise/calendar.h"

typedef struct Recipient {
    Audience audience;
    int64_t agent_id;            /* AUDIENCE_AGENT */
    const OutsideSystem *system; /* AUDIENCE_SYSTEM */
} Recipient;

typedef struct Notification {
    Str name, title;
    uint32_t events; /* bits 1 << NotifyEvent */
    const Recipient *to;
    size_t to_n;
    uint32_t by;                  /* bits 1 << NotifyWay, to people */
    const MessageTemplate *words; /* NULL: the event as it is */
    bool urgent;
    Str hours_name;        /* absent: at any time */
    const Calendar *hours; /* NULL likewise */
    int64_t digest_ms;     /* 0: one message an event */
} Notification;

typedef struct Telling { /* somebody is to be told by one way */
    const Notification *notification;
    Recipient to;
    NotifyWay by;
} Telling;

enum { TELLINGS_MAX = 200 };

size_t catalog_notifications(const Catalog *c, const Notification **ret);
const Notification *catalog_notification(const Catalog *c, Str name);

/* Everybody to be told of this event of a ticket with these facts, in order of the documents; each
 * recipient and way once. At most TELLINGS_MAX, in the arena. Facts as for policies; custom fields
 * in the order of catalog_notification_custom(). */
size_t catalog_notifications_for(const Catalog *c, const Facts *facts, NotifyEvent event,
                                 Arena *arena, const Telling **ret);
size_t catalog_notification_custom(const Catalog *c, const Str **ret);
const Str *catalog_notification_custom_values(const Catalog *c, Str custom_fields, Arena *arena);

/* The first moment from `now_ms` on at which it may be delivered; INT64_MAX: never again. */
int64_t notification_not_before(const Notification *n, int64_t now_ms);
