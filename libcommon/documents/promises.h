/* Promises -- the part of a catalog by which promises are kept: calendars of working hours, and
 * policies that say what is promised to whom. Pure, but for reading time zones (documents/zones.h).
 *
 *   calendars:
 *     - name: 客服班
 *       zone: Asia/Shanghai
 *       week:                                   # half-open; what is not named is closed
 *         mon-fri: [09:00-12:00, 13:00-18:00]
 *         sat: 22:00-06:00                      # a night shift ends on the next day
 *       holidays: [2026-10-01..2026-10-07]      # dates, or ranges of them
 *       makeup: {2026-09-27: thu}               # 调休: works like that weekday, holiday or not
 *       ics: |                                  # more of both, as iCalendar: holidays/feed.h;
 *         BEGIN:VCALENDAR ...                   # `ics_file: 2026.ics`: docket apply puts it here
 *       ics_makeup: mon                         # a make-up day that says no weekday; default:
 *                                               # the first with hours
 *   policies:                                   # in this order; the first that holds is the one
 *     - name: VIP
 *       when: {all: {tier: [vip, svip]}}        # as in rules, with status, category, group too
 *       targets:
 *         first_reply: 15m                      # of every priority, around the clock
 *         resolution: {within: 24h, hours: 客服班}
 *         stages: {in_progress: 4h}             # in one state, each time it is entered
 *         next_reply: {within: {urgent: 10m, high: 30m}, hours: 客服班}  # others: no promise
 *       pause: {resolution: [pending]}          # states that stop a clock; else the metric's own
 *       reopen: resume                          # or restart
 *       replies_by: [agent, bot]                # default agent
 *       private_replies: off
 *       warn: [50, 80, 95, 10m]                 # shares of the target in %, or time left
 *       escalate:                               # after the breach, until somebody acknowledges
 *         - {notify: lead}
 *         - {after: 30m, notify: [lead, manager], priority: raise}
 *         - {after: 2h, group: 投诉, every: 1h, times: 3}
 *
 * Metrics: promise/life.h. `hours: calendar` is around the clock. */
#pragma once

#include "conditions/matcher.h"
#include "documents/catalog.h"
#include "promise/life.h"

typedef struct NamedCalendar {
    Str name;
    const Calendar *calendar;
} NamedCalendar;

typedef struct EscalationStep {
    int64_t after_ms; /* since the step before it; of the first, since the breach */
    bool notify_lead, notify_manager;
    int64_t notify_agent; /* 0: none */
    bool raise_priority;
    int64_t group_id; /* to move to; 0: stays */
    bool reassign;    /* to somebody else of its group */
    int32_t times;    /* the step is taken so often, at least 1 */
    int64_t every_ms; /* between two times */
} EscalationStep;

typedef struct Target {
    int64_t within_ms;     /* 0: nothing promised */
    const Calendar *hours; /* NULL: around the clock */
    Str hours_name;        /* "calendar", or the calendar's */
} Target;

enum { ESCALATION_MAX = 10, ESCALATION_TIMES_MAX = 20 };

typedef struct Policy {
    Str name, title;
    Target targets[METRICS][PRIORITIES];
    uint16_t pauses[METRICS]; /* bits 1 << TicketStatus */
    bool restart, bots_reply, private_replies;
    Warning warnings[SHARES_MAX];
    size_t warnings_n;
    const EscalationStep *steps;
    size_t steps_n;
} Policy;

size_t catalog_calendars(const Catalog *c, const NamedCalendar **ret);
size_t catalog_policies(const Catalog *c, const Policy **ret);
/* The policy of a ticket with these facts, or NULL: nothing is promised. */
const Policy *catalog_policy_for(const Catalog *c, const Facts *facts);
/* What custom fields policies ask for: the order of Facts.custom. */
size_t catalog_policy_custom(const Catalog *c, const Str **ret);
/* Which facts policies ask about: bits 1 << FactField. */
uint32_t catalog_policy_asks(const Catalog *c);
/* Values of custom fields for Facts.custom, from the ticket's JSON object: in the arena, NULL when
 * no policy asks. */
const Str *catalog_policy_custom_values(const Catalog *c, Str custom_fields, Arena *arena);
/* A hash of all that calendars and policies say: revisions that have it in common promise the same.
 * Of NULL 0. */
uint64_t catalog_promises_mark(const Catalog *c);
/* What holds for a ticket of this priority. `policy` NULL: metrics' own pauses and no target. */
Terms policy_terms(const Policy *policy, TicketPriority priority);
