/* What api/ alone does with an Ask. */
#pragma once

#include "analytics/api/api.h"
#include "analytics/api/ask.h"
#include "postgres/params.h"

typedef struct AskHeld {
    Params params;
    struct AskHeld *next;
} AskHeld;

struct AskInner {
    ApiFamily *family;
    bool by_cookie;
    AskHeld *held;
};

void ask_unauthenticated(Ask *a); /* 401 */
void ask_too_many(Ask *a, int retry_after_s);
