/* Asking -- a question answered in slices of some milliseconds, between which the loop does its
 * other work. */
#pragma once

#include "analytics/table/question.h"
#include "loop/loop.h"

enum { ASKING_SLICE_MS = 8 };

typedef struct Asking Asking;

/* 0 and the answer, in the arena; -ESTALE: the table was emptied meanwhile. The Asking is freed by
 * itself behind it. */
typedef void (*AskingDone)(void *arg, int result, const FactAnswer *answer);

/* 0 or as fact_scan_new(); `done` comes once, never inside this call. Question and arena stay until
 * then. */
int asking_new(Loop *loop, const FactTable *t, const FactQuestion *q, Arena *arena, AskingDone done,
               void *arg, Asking **ret, Buf *ret_problem);
/* Before `done`: it never comes. Accepts NULL, returns NULL. */
Asking *asking_free(Asking *a);
DEFINE_FREEP(Asking, asking)
