/* Signals -- docket.signals: each message is a hint with a cause, and its offset moves on once its
 * effect is stored (correctness.md 21). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"
#include "publish/publication.h"
#include "router/acts.h"
#include "router/dispatch.h"
#include "router/problems.h"
#include "router/settings.h"

typedef struct Signals Signals;

Signals *signals_new(Loop *loop, const RouterSettings *settings, const char *instance,
                     Dispatch *dispatch, Acts *acts, Problems *problems, const Publisher *publisher,
                     Buf *ret_problem);
Signals *signals_free(Signals *s);
void signals_stop(Signals *s); /* takes nothing any more */
bool signals_idle(const Signals *s);
bool signals_healthy(const Signals *s, Buf *ret_reason);
