/* Reading -- the tickets of a stretch of events as they are now, in one question, and then those
 * events told: to everybody who is up to date, or to one stream that missed them. False: PostgreSQL
 * has no room now, ask again. */
#pragma once

#include "desk/live/live.h"

/* What those who are up to date hear next; there is something, and nothing is under way. */
bool reading_feed(Live *l);
/* What this one missed; she is behind, and nothing is read for her. */
bool reading_catch_up(Live *l, Stream *s);
