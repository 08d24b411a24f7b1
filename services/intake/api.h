/* Api -- every URL of the gate, on one screen. */
#pragma once

#include "intake/gate.h"

/* The HttpHandler; arg is the Gate. */
void api_serve(HttpExchange *x, void *gate);
