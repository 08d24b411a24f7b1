/* Sessions -- signing in and out, and changing a password. */
#pragma once

#include "desk/api/request.h"

/* The session of this request was used: its idle time begins anew. Written once a minute. */
void session_seen(Request *r);
