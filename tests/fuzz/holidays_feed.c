/* An iCalendar file from anywhere: refused with its line, or days that are dates. */
#include <stdint.h>
#include <stdlib.h>

#include "holidays/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    enum { DAYS_MAX = 1000, CENTURIES = 110000 };
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf problem = {0};
    /* An exact copy, so that reading past the end is seen. */
    CLEANUP(mem_freep) char *copy = xmalloc(n ? n : 1);
    if (n) memcpy(copy, data, n);
    FeedDay *days = NULL;
    int found = feed_read((Str){copy, n}, DAYS_MAX, arena, &days, &problem);
    if (found < 0) {
        if (!str_starts(buf_str(&problem), STR("line "))) abort();
        return 0;
    }
    if (found == 0 || found > DAYS_MAX || problem.n) abort();
    for (int i = 0; i < found; i++)
        if (days[i].day < -CENTURIES || days[i].day > CENTURIES || days[i].weekday < -1 ||
            days[i].weekday > 6 || (!days[i].works && days[i].weekday != -1))
            abort();
    return 0;
}
