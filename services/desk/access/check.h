/* Check -- is this the password of that account? The same work, and the same statements, whether
 * there is such an account or not.
 *
 * Attempts are counted before they are looked at, by account and origin: the client's network, or
 * the device that has signed in to this very account before (a sealed cookie). After FREE_FAILURES
 * in a row the origin waits, 30 s and twice as long with each further one, 15 minutes at most; a
 * success clears it. Failures elsewhere never stop who comes from his own device or network. One
 * network has a limit of attempts a minute besides, whatever the accounts. */
#pragma once

#include "desk/access/access.h"

typedef enum CheckOutcome {
    CHECK_RIGHT,
    CHECK_WRONG,     /* no such account, not its password, suspended: nobody learns which */
    CHECK_THROTTLED, /* not looked at; retry_after_s */
    CHECK_UNSURE     /* PostgreSQL is away, or the threads have too much to do */
} CheckOutcome;

enum { CHECK_FREE_FAILURES = 5, CHECK_DEVICE_BYTES = 80 };

typedef struct Check {
    Request *r;
    Str tenant; /* its name; absent: X-Docket-Tenant, the first label of Host, or the only one */
    Str email, password;
    void (*done)(struct Check *c, CheckOutcome outcome); /* r->subject is nobody's by then */

    /* CHECK_RIGHT fills these. */
    int64_t tenant_id, user_id;
    Str role;
    bool known_device;
    int retry_after_s;
    struct CheckInner *inner;
} Check;

/* `c` lives in the request's arena. `done` comes once, now or later. */
void check_password(Check *c);
/* A cookie by which this client is known as one that has signed in to this account. */
void check_device_cookie(Check *c, char ret[CHECK_DEVICE_BYTES]);
