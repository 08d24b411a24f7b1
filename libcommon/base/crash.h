/* Crash points -- named moments between two stores where a fault test lets the process die or
 * freeze (correctness.md 33). Compiled only with DOCKET_CRASH_POINTS; otherwise the macro is
 * nothing.
 *
 *   DOCKET_CRASH=after-commit:die        SIGKILL itself the first time that point is reached
 *   DOCKET_CRASH=after-commit:freeze:3   SIGSTOP itself the third time
 * Points: after-claim after-produce after-reservation before-store before-change after-commit
 * after-follow after-publish before-offset after-outbox-publish after-outbox-delete before-signal
 * after-signal after-report after-state; of signals about promises promise-after-reservation
 * promise-before-store promise-after-commit promise-after-publish promise-before-offset; of the
 * notifier after-deliveries-commit deliveries-before-offset */
#pragma once

#ifdef DOCKET_CRASH_POINTS
void crash_point_reached(const char *name);
#define CRASH_POINT(name) crash_point_reached(name)
#else
#define CRASH_POINT(name) ((void)0)
#endif
