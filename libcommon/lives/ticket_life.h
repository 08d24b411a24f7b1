/* TicketLife -- one ticket's promises, told by its ledger: the clocks (promise/life.h), the facts
 * by which its policy is chosen, the escalations of what is broken, and what of all this has been
 * told already. Pure: no clock, no I/O. Scheduler, router, desk and reports all ask this, so they
 * cannot disagree.
 *
 * What happens is told in order of seq: every row of the ledger, and in between every revision of
 * the documents, at its instant. Then everything is a function of these alone:
 *
 *   - Creation happens at the gate's moment of acceptance, its description is the requester's
 *     public comment. Later rows happen at their `at`, never before the row ahead of them.
 *   - agent:N and user:N (staff without agent's documents) speak as agents, requester:N as the
 *     requester; router, system and programs (token:N) are bots.
 *   - The policy is chosen anew when a fact that policies ask about changes, and with each
 *     revision; elapsed time stays. Of one row first the facts hold, then the state changes, then
 *     the comment is heard; but a requester who solves speaks before it is solved.
 *   - Acknowledged: a row ticket_updated with the reason {"why":"acknowledged"}.
 *   - A breached clock has a chain of escalations: step k is due at the time of step k-1 plus its
 *     `after` (the first: the breach plus its own), its repetitions every `every` from there. The
 *     chain ends for good with an acknowledgement at or after the breach, with its clock, and with
 *     its ticket. While the clock is paused it stands: what falls into a pause becomes true at the
 *     end of it. Steps are those of the policy in force at that instant; a clock to which that
 *     policy promises nothing has none.
 *   - What became true stays due until it is told, also when its clock has ended meanwhile; but not
 *     a warning once its clock is broken or has ended, and nothing of a ticket merged or deleted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "documents/promises.h"
#include "events/event.h"
#include "promise/life.h"

typedef struct TicketLife TicketLife;

/* `history`: keeps every stretch and every clock, for explaining; without it only what the future
 * needs. `in_force`: the tenant's documents at the instant of creation, NULL: none; a reference is
 * kept here and wherever a Catalog is given below. */
TicketLife *ticket_life_new(bool history, const Catalog *in_force);
TicketLife *ticket_life_free(TicketLife *l); /* accepts NULL, returns NULL */
DEFINE_FREEP(TicketLife, ticket_life)

/* The next row of its ledger. 0, or, with nothing changed,
 *   -EALREADY  its seq is not newer,
 *   -EAGAIN    rows between are missing,
 *   -ESTALE    it happened before something that was judged already (a revision, or
 *              ticket_life_judge() at that instant or later), and says more than what was told:
 *              build the life anew from the ledger,
 *   -EBADMSG   row 1 is no creation. */
int ticket_life_tell(TicketLife *l, const Event *row);
/* From this instant on these documents hold. 0, or, with nothing changed, -ESTALE: the life has
 * gone on past that instant, or these documents ask for facts that were not kept by
 * ticket_life_pack(): build it anew. Documents with the same promises (catalog_promises_mark())
 * are never stale: nothing is to be judged again. */
int ticket_life_revise(TicketLife *l, int64_t applied_at_ms, const Catalog *in_force);
/* Judges everything up to and at `now`; an earlier one than before does nothing. */
void ticket_life_judge(TicketLife *l, int64_t now_ms);

/* ---- What is to be told ---- */

typedef struct PromiseMoment {
    PromiseAct act;
    ClockMetric metric;
    int32_t instance;
    char level[PROMISE_LEVEL_MAX + 1]; /* "80%" "10m"; ""; "2" "2.1": proto/promise.proto */
    int64_t at_ms;                     /* became true */
    int64_t due_ms;                    /* the target is or was reached; NEVER: unknown, paused */
    int64_t target_ms, elapsed_ms;     /* as far as it is judged */
    BreachCause why;                   /* BREACH_NONE of a warning */
    const EscalationStep *step;        /* of PROMISE_ESCALATED, else NULL; the catalog's */
    Str policy;                        /* its name; the catalog's */
    int64_t revision;
} PromiseMoment;

/* What is true as far as it is judged, and neither marked nor in the ledger; in order of at_ms. In
 * the arena. */
size_t ticket_life_due(const TicketLife *l, Arena *arena, PromiseMoment **ret);
/* It was told: never due again. */
void ticket_life_mark(TicketLife *l, const PromiseMoment *m);
/* Is it true as far as it is judged, marked or not? (Levels of ended chains included; warnings as
 * long as their clock runs or pauses unbroken.) */
bool ticket_life_is_true(const TicketLife *l, PromiseAct act, ClockMetric metric, int32_t instance,
                         Str level);
/* Its form for signals and the ledger. Texts are borrowed from the moment and its catalog. */
void promise_of_moment(const PromiseMoment *m, bool late, int32_t judged_seq, Promise *ret);
/* The earliest instant at which something may be due: in the past or present when something is;
 * NEVER: not before the next row or revision. Judging then (or later) finds it. */
int64_t ticket_life_next_ms(const TicketLife *l);
/* Closed, merged or deleted, and nothing is due any more: it may be forgotten. */
bool ticket_life_over(const TicketLife *l);

/* ---- What it is ---- */

int32_t ticket_life_seq(const TicketLife *l);          /* last ledger row told; 0: none */
int64_t ticket_life_now_ms(const TicketLife *l);       /* the latest instant it knows of; 0: none */
const Policy *ticket_life_policy(const TicketLife *l); /* in force; NULL: none */
const Catalog *ticket_life_catalog(const TicketLife *l);
/* By which hours its time is business time, as far as it is told: those in which its policy
 * promises the solution, or else the first of what it promises (NULL: around the clock); where
 * nothing is promised the first calendar of the documents; NULL: none. */
const Calendar *ticket_life_hours(const TicketLife *l);
/* When the first of its running promises is due, as things stand; NEVER: none runs unbroken. */
int64_t ticket_life_promised_ms(const TicketLife *l);
TicketStatus ticket_life_status(const TicketLife *l);
TicketPriority ticket_life_priority(const TicketLife *l);
int64_t ticket_life_group(const TicketLife *l);    /* 0: none */
int64_t ticket_life_assignee(const TicketLife *l); /* 0: none */
/* By metric, then instance; until something is told or judged. Without a history only those that
 * matter to the future. */
size_t ticket_life_clocks(const TicketLife *l, const Clock **ret);
/* Clocks that a life without history no longer keeps since and with the last row, as they ended,
 * without their stretches; in no order. Who looks at these and the others after every row has seen
 * every clock's end (facts/sheet.h). Not packed. */
size_t ticket_life_forgotten(const TicketLife *l, const Clock **ret);

/* ---- Of a life with history: what happened ---- */

typedef struct LifeStep {
    int64_t at_ms; /* as the life has it */
    int32_t seq;   /* of the row; 0: a revision */
    LedgerKind kind;
    Str actor;
    Speaker by;
    bool spoke, is_public, acknowledged;
    /* From here on. */
    TicketStatus status;
    TicketPriority priority;
    const Policy *policy; /* NULL: none; lives as long as the TicketLife, as everything here */
    int64_t revision;     /* 0: no documents */
    /* Of LEDGER_PROMISE_...: what was recorded. */
    ClockMetric metric;
    int32_t instance;
    char level[PROMISE_LEVEL_MAX + 1];
    int64_t true_ms;
    bool late;
} LifeStep;

/* In their order; none without a history. */
size_t ticket_life_steps(const TicketLife *l, const LifeStep **ret);

/* ---- Kept between two rows ---- */

enum { TICKET_LIFE_PACKED_MAX = 1 << 20 }; /* bytes that ticket_life_unpack() looks at */

/* Appended. Of the facts only what policies in force ask about is kept: without custom fields and
 * texts in policies about 60 bytes, and some 20 for each clock. Of a life with history too; what
 * comes back has none. */
void ticket_life_pack(const TicketLife *l, Buf *ret);
/* What lies in front of it: seq, next_ms, and the mark of the promises it was judged by. False: not
 * ours. */
bool ticket_life_peek(Str packed, int32_t *ret_seq, uint64_t *ret_promises_mark);
/* `in_force` must promise what it did when packed (catalog_promises_mark(); NULL: no documents).
 * 0 and a life; -EBADMSG: another version, or not what ticket_life_pack() wrote: every count,
 * length and instant in it is checked, the bytes may come from anywhere; -ESTALE: judged by other
 * promises. */
int ticket_life_unpack(Str packed, const Catalog *in_force, TicketLife **ret);
