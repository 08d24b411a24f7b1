/* Words -- what is said where no template of a tenant's documents says it: promises that a policy
 * escalates by itself, a destination that was paused. Pure. */
#pragma once

#include "documents/notifications.h"

typedef struct Words Words;

Words *words_new(void);
Words *words_free(Words *w);
DEFINE_FREEP(Words, words)

/* For an event of this name; never NULL. */
const MessageTemplate *words_for(const Words *w, Str event);
