/* Telling -- a promise's moment as a signal to the router, and what is counted of it. */
#pragma once

#include "publish/publication.h"
#include "sla/story.h"

typedef struct Telling Telling;

Telling *telling_new(const char *topic, int64_t late_ms);
Telling *telling_free(Telling *t);

/* Adds the signals of its moments; their bytes are in the arena. */
void telling_add(Telling *t, Publication *p, const Story *s, int64_t now_ms, Arena *arena);
/* Kafka has it. */
void telling_told(Telling *t, const Story *s, const PromiseMoment *m);
