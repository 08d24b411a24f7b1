/* ReportPlan -- from a request to the questions that answer it, and from their answers to the
 * report. Pure: whoever has the table asks them, one after the other.
 *
 *   ReportPlan plan;
 *   report_plan_begin(&plan, request, who, arena);
 *   while (report_plan_next(&plan)) answer it, report_plan_heard(&plan, answer);
 *   report_plan_finish(&plan, &answer); */
#pragma once

#include "analytics/reports/answer.h"

enum { PLAN_STAGES_EACH = 3, PLAN_HISTORY_WEEKS = 52 };

typedef enum PlanStep {
    PLAN_MAIN,
    PLAN_BEFORE,       /* the period before, of the same values */
    PLAN_BEFORE_TOTAL, /* all of it */
    PLAN_STAGES,       /* the first three stages */
    PLAN_STAGES_REST,
    PLAN_OPEN_NOW,
    PLAN_HISTORY, /* arrivals of past weeks, by the hour */
    PLAN_STEPS
} PlanStep;

typedef struct ReportPlan {
    const ReportRequest *request;
    const Subject *who; /* NULL: everything */
    Arena *arena;
    PlanStep step; /* the one asked last */
    bool began;
    FactQuestion question;
    const FactAnswer *answers[PLAN_STEPS]; /* NULL: not asked */
    int places[REPORT_MEASURES_MAX][2];    /* of the measures' figures in the main question */
} ReportPlan;

void report_plan_begin(ReportPlan *p, const ReportRequest *request, const Subject *who,
                       Arena *arena);
/* The next question; it stays as it is until the answer is heard. NULL: that was all. */
const FactQuestion *report_plan_next(ReportPlan *p);
void report_plan_heard(ReportPlan *p, const FactAnswer *answer);
/* Everything but tenant_id, complete and filled, and tables with texts from elsewhere. */
void report_plan_finish(ReportPlan *p, ReportAnswer *ret);

/* The latest that have words with their rating, as the request filters them. */
FactQuestion report_comments_question(const ReportRequest *request, const Subject *who);
