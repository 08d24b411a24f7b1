/* Silence -- the sweep over who is on duty by the desk; see presence.h. */
#pragma once

#include "desk/desk.h"

typedef struct Silence Silence;

Silence *silence_new(Desk *d);
/* What runs ends by itself, and frees it. */
Silence *silence_free(Silence *s);
bool silence_idle(const Silence *s);

/* Appends the key of a tenant's signs of life: a sorted set of agents by ms. */
void silence_seen_key(int64_t tenant_id, Buf *ret);
