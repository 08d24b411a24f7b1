/* Basic -- EMAIL:PASSWORD with every request, as old clients do it. What was right is remembered
 * for 4 s, so that not every request costs a tenth of a second; several at once with the same
 * password wait for the first. */
#pragma once

#include "desk/access/authenticate.h"

typedef struct Shown Shown;

Shown *shown_new(void);
Shown *shown_free(Shown *s);

/* Fills r->subject and r->role when it is right. */
void basic_authenticate(Request *r, Str email, Str password,
                        void (*done)(Request *r, AuthVerdict verdict));
/* The subject of somebody who is known by number and role alone. False: nobody any more. */
bool basic_subject(Request *r, int64_t tenant_id, int64_t user_id, Str role);
