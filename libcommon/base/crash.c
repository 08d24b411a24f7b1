/* Dies or freezes at the crash point that DOCKET_CRASH names; test builds only. */
#include "base/crash.h"

#ifdef DOCKET_CRASH_POINTS
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void crash_point_reached(const char *name) {
    static char wanted[64], how[16];
    static int countdown = -1;
    if (countdown < 0) {
        const char *text = getenv("DOCKET_CRASH");
        countdown = 0;
        if (text) {
            countdown = 1;
            (void)sscanf(text, "%63[^:]:%15[^:]:%d", wanted, how, &countdown);
        }
    }
    if (countdown == 0 || strcmp(name, wanted) != 0 || --countdown > 0) return;
    (void)fprintf(stderr, "docket: crash point %s: %s\n", name, how);
    (void)raise(strcmp(how, "freeze") == 0 ? SIGSTOP : SIGKILL);
}
#else
typedef int crash_points_are_off; /* ISO C wants a declaration in every file */
#endif
