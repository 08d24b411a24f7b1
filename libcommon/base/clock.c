/* Wall and monotonic time, and the clock file of the tests. */
#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int64_t read_us(clockid_t which) {
    struct timespec t;
    (void)clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t read_clock_file(const char *path) {
    char text[32] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    return n > 0 ? strtoll(text, NULL, 10) : -1;
}

int64_t clock_monotonic_us(void) {
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_ms(void) {
    return clock_monotonic_us() / 1000;
}

int64_t clock_wall_ms(void) {
    static const char *file;
    static int asked;
    static int64_t file_ms, file_read_at;
    if (!asked) {
        file = getenv("DOCKET_CLOCK");
        asked = 1;
    }
    if (!file) return read_us(CLOCK_REALTIME) / 1000;
    int64_t now = clock_monotonic_ms();
    if (file_ms == 0 || now - file_read_at >= 10) {
        int64_t ms = read_clock_file(file);
        if (ms > 0) file_ms = ms; /* a file being rewritten: keep the last reading */
        file_read_at = now;
    }
    return file_ms;
}

static void format(int64_t wall_ms, char *ret, size_t room, int with_ms) {
    int64_t s = wall_ms / 1000, ms = wall_ms % 1000;
    if (ms < 0) s--, ms += 1000;
    time_t seconds = (time_t)s;
    struct tm t;
    (void)gmtime_r(&seconds, &t);
    size_t n = strftime(ret, room, "%Y-%m-%dT%H:%M:%S", &t);
    if (with_ms)
        (void)snprintf(ret + n, room - n, ".%03dZ", (int)ms);
    else
        (void)snprintf(ret + n, room - n, "Z");
}

void clock_format_ms(int64_t wall_ms, char ret[25]) {
    format(wall_ms, ret, 25, 1);
}

void clock_format_s(int64_t wall_ms, char ret[21]) {
    format(wall_ms, ret, 21, 0);
}
