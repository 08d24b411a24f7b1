/* Wall and monotonic time, and the clock file of the tests. */
#include "base/clock.h"

#include <fcntl.h>
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

static int64_t ahead_ms; /* of the system's clock */

static const char *clock_file(void) {
    static const char *file;
    static int asked;
    if (!asked) {
        file = getenv("DOCKET_CLOCK");
        asked = 1;
        if (file && (*file == '+' || *file == '-')) ahead_ms = strtoll(file, NULL, 10);
        if (file && (!*file || *file == '+' || *file == '-')) file = NULL;
    }
    return file;
}

bool clock_is_injected(void) {
    return clock_file() != NULL;
}

int64_t clock_wall_ms(void) {
    static int64_t file_ms, file_read_at;
    const char *file = clock_file();
    if (!file) return read_us(CLOCK_REALTIME) / 1000 + ahead_ms;
    int64_t now = clock_monotonic_ms();
    if (file_ms == 0 || now != file_read_at) {
        int64_t ms = read_clock_file(file);
        if (ms > 0) file_ms = ms; /* a file being rewritten: keep the last reading */
        file_read_at = now;
    }
    return file_ms;
}

static char *digits(char *at, unsigned v, int n) {
    for (int i = n - 1; i >= 0; i--, v /= 10)
        at[i] = (char)('0' + v % 10);
    return at + n;
}

/* Without the C library, which reads the time zone each time; years 0 to 9999. */
static void format(int64_t wall_ms, char *at, int with_ms) {
    int64_t s = wall_ms / 1000, ms = wall_ms % 1000;
    if (ms < 0) s--, ms += 1000;
    int64_t day = s / 86400, second = s % 86400;
    if (second < 0) day--, second += 86400;
    /* Days since 0000-03-01, in eras of 400 years that end with a leap day (Howard Hinnant). */
    int64_t z = day + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned march = (5 * doy + 2) / 153;
    unsigned month = march < 10 ? march + 3 : march - 9;
    int64_t year = (int64_t)yoe + era * 400 + (month <= 2);

    at = digits(at, (unsigned)year, 4);
    *at++ = '-';
    at = digits(at, month, 2);
    *at++ = '-';
    at = digits(at, doy - (153 * march + 2) / 5 + 1, 2);
    *at++ = 'T';
    at = digits(at, (unsigned)(second / 3600), 2);
    *at++ = ':';
    at = digits(at, (unsigned)(second / 60 % 60), 2);
    *at++ = ':';
    at = digits(at, (unsigned)(second % 60), 2);
    if (with_ms) {
        *at++ = '.';
        at = digits(at, (unsigned)ms, 3);
    }
    *at++ = 'Z';
    *at = 0;
}

void clock_format_ms(int64_t wall_ms, char ret[25]) {
    format(wall_ms, ret, 1);
}

void clock_format_s(int64_t wall_ms, char ret[21]) {
    format(wall_ms, ret, 0);
}
