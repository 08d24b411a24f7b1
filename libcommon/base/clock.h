/* Clock -- the only reader of time. Pure code gets `now` as an argument instead.
 *
 * With DOCKET_CLOCK=FILE set, wall time is the decimal milliseconds written in FILE (read again at
 * most every 10 ms); tests move it. With DOCKET_CLOCK=+1000 or -1000 it is the system's, so many
 * milliseconds ahead or behind: a host whose clock is not quite right. Monotonic time always runs
 * by itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

int64_t clock_wall_ms(void);      /* UTC, since 1970 */
bool clock_is_injected(void);     /* wall time is a file's */
int64_t clock_monotonic_ms(void); /* for intervals and timers only */
int64_t clock_monotonic_us(void);

/* "2026-11-22T05:43:00.123Z"; ret needs 25 bytes. clock_format_s() leaves the milliseconds out (21
 * bytes). */
void clock_format_ms(int64_t wall_ms, char ret[25]);
void clock_format_s(int64_t wall_ms, char ret[21]);
