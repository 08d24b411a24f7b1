/* What a TicketLife is made of: for this room. */
#pragma once

#include "lives/ticket_life.h"

/* Facts that are texts, each owned. Tags lie in one text with a NUL behind each. */
typedef enum TextFact {
    TEXT_CHANNEL,
    TEXT_KIND,
    TEXT_TIER,
    TEXT_REGION,
    TEXT_LANGUAGE,
    TEXT_ORDER,
    TEXT_PRODUCT,
    TEXT_BATCH,
    TEXT_DEVICE,
    TEXT_TAGS,
    TEXT_EXTERNAL_ID,
    TEXT_SUBJECT,
    TEXT_DESCRIPTION,
    TEXT_CATEGORY,
    TEXT_CUSTOM, /* the JSON object */
    TEXTS
} TextFact;

extern const FactField text_fields[TEXTS]; /* FACT_CUSTOM for the object */

typedef struct OwnText {
    char *p;
    uint32_t n;
} OwnText;

/* Something of a clock that was told, or is to be, or the end of its chain. */
typedef struct Note {
    uint8_t metric;
    bool told;
    int32_t instance;
    int64_t code;  /* act and level: level_code(); or CHAIN_ENDED */
    int64_t at_ms; /* of an escalation: became true; else 0 */
} Note;

enum { NOTES_MAX = 20000, ESCALATIONS_MAX = 4096 };

struct TicketLife {
    Life *life; /* NULL: not created yet */
    const Catalog *catalog;
    const Policy *policy;
    bool history, whole; /* whole: every fact was kept */
    uint32_t kept;       /* else these: bits 1 << FactField */
    int32_t seq;
    int64_t row_ms;      /* of the last row */
    int64_t judged_ms;   /* no row at or before it any more; INT64_MIN: not judged */
    int64_t revised_ms;  /* no row before it */
    int64_t chains_ms;   /* chains have gone on up to, not at, this instant */
    int64_t acked_ms;    /* last acknowledgement; INT64_MIN: none */
    TicketStatus status; /* with the row being told, before its life knows */
    TicketPriority priority;
    int64_t group_id, assignee_id, source_id;
    OwnText texts[TEXTS];
    size_t past_seen; /* of life_past(): the ends of those before it have been seen */
    Note *notes;      /* by metric, instance, code */
    size_t notes_n, notes_room;
    Clock *forgotten; /* since and with the last row; without their stretches */
    size_t forgotten_n, forgotten_room;
    /* With a history only. */
    LifeStep *steps;
    size_t steps_n, steps_room;
    const Catalog **past; /* all that held before: steps point into them */
    size_t past_n, past_room;
    Arena *arena; /* of what steps say */
};

static inline Str own_str(const OwnText *t) {
    return (Str){t->p, t->n};
}
void own_set(OwnText *t, Str s);

/* ---- Levels as numbers, to be kept and compared ---- */

int64_t warning_code(const Warning *w);
int64_t step_code(size_t step, int repeat); /* both from 0 */
#define BREACH_CODE ((int64_t)PROMISE_BREACHED)
#define CHAIN_ENDED ((int64_t)PROMISE_ACTS) /* this clock escalates no further */
/* -1: no level of that act. */
int64_t level_code(PromiseAct act, Str level);
void level_name(int64_t code, char ret[PROMISE_LEVEL_MAX + 1]);
static inline PromiseAct code_act(int64_t code) {
    return (PromiseAct)(code & 3);
}

/* ---- Notes and chains ---- */

Note *note_find(const TicketLife *l, ClockMetric m, int32_t instance,
                int64_t code); /* NULL: none */
void note_tell(TicketLife *l, ClockMetric m, int32_t instance, int64_t code);
/* Not there yet; an escalation is dropped when there are too many. */
void note_add(TicketLife *l, Note n);
/* Chains go on up to `until`: what is scheduled before it, with `inclusive` also at it. The clocks
 * are as they were all that time. */
void chains_advance(TicketLife *l, int64_t until, bool inclusive);
void chains_acknowledged(TicketLife *l, int64_t at);
void chains_see_ends(TicketLife *l); /* of clocks that have just ended */
/* Clocks that are past (life_past()) and have nothing to tell. */
void clocks_forget(TicketLife *l);
