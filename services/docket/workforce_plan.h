/* WorkforcePlan -- what an agent does with a ticket, and when: dice, no clock and no network. The
 * same seed, agent, ticket and visit give the same plan on every machine.
 *
 * A visit begins when the agent takes the ticket up and ends with its last step. Handling times are
 * log-normal: most are short, few are very long, as people's are. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum WorkStepKind {
    WORK_NOTE,     /* an internal note */
    WORK_REPLY,    /* to the customer; the ticket stays with the agent */
    WORK_ASK,      /* a question to the customer: pending; ends the visit */
    WORK_TRANSFER, /* to another group, with a handover note; ends the visit */
    WORK_SOLVE     /* with a closing reply; ends the visit */
} WorkStepKind;

enum { WORK_STEPS_MAX = 4 };

typedef struct WorkStep {
    WorkStepKind kind;
    int64_t after_ms; /* since the step before, or since the beginning */
    uint64_t dice;    /* for the words, and for whom to transfer to */
} WorkStep;

typedef struct WorkPlan {
    WorkStep steps[WORK_STEPS_MAX];
    size_t n;
} WorkPlan;

typedef struct WorkHabits {
    uint64_t seed;
    double mean_ms; /* of handling a ticket, 1 or more */
    /* per thousand visits */
    int note, ask, transfer;
} WorkHabits;

#define WORK_HABITS_DEFAULT                                                                        \
    ((WorkHabits){.seed = 1, .mean_ms = 30000, .note = 250, .ask = 150, .transfer = 60})

/* `visit` counts from 0: what has been asked back once is not asked back again, and what has been
 * handed over twice is not handed over any more. */
WorkPlan work_plan(const WorkHabits *habits, int64_t agent, int64_t ticket, int visit);

/* A log-normal duration with that mean (sigma 0.6); from 1 ms to twenty times the mean. */
int64_t work_duration(double mean_ms, uint64_t *dice);
uint64_t work_dice(uint64_t *state); /* 64 random bits */
