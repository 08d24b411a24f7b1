/* WorkforcePlay -- agents at work, all on one loop: each has a connection, at most one request
 * under way and one ticket in hand, and does with it what its plan says (workforce_plan.h). */
#pragma once

#include "docket/latency.h"
#include "docket/workforce_desk.h"

enum { PLAY_STATUSES = 600, PLAY_AGENTS_MAX = 5000 };

typedef struct PlayAgent {
    int64_t id;
    Str authorization; /* "Bearer ..."; absent: signs in with */
    Str name, password;
} PlayAgent;

typedef struct PlaySettings {
    const char *url;
    Str tenant; /* for signing in; absent: the desk has only one */
    const PlayAgent *agents;
    size_t agents_n;
    const int64_t *groups; /* to transfer to */
    size_t groups_n;
    WorkHabits habits;  /* times already divided by the speedup */
    double patience_ms; /* how long an asked customer is waited for; then solved without him */
    int64_t poll_ms;    /* an agent with nothing to do looks so often, later four times as seldom */
    int64_t length_us, timeout_us;
    bool leave;    /* off duty at the end */
    bool progress; /* a line each second on standard error */
} PlaySettings;

typedef struct PlayCall {
    int64_t answered;
    int64_t refused[PLAY_STATUSES]; /* answers of 400 and above */
    Latency latency;                /* of every answer */
} PlayCall;

typedef struct PlayResult {
    PlayCall calls[DESK_CALLS];
    int64_t handled;   /* visits that came to their end */
    int64_t tickets;   /* taken up for the first time by that agent */
    int64_t overtaken; /* 409: read again and done again */
    int64_t given_up;  /* put aside after a refusal */
    int64_t on_duty;   /* agents who made it there */
    int64_t no_answer, broken, reconnects;
    int64_t took_us;
} PlayResult;

/* 0 and *ret; -EINVAL with a sentence. SIGINT ends it early. */
int play_run(const PlaySettings *settings, PlayResult *ret, Buf *ret_problem);
