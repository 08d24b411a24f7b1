/* What a piece of work costs this process, however busy the machine is. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline int64_t cpu_us(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static inline int64_t cpu_ms(void) {
    return cpu_us() / 1000;
}
