/* A recorded life from anywhere: refused with its record, or rows in the order of their instants,
 * of which the first of each ticket creates it. */
#include <stdint.h>
#include <stdlib.h>

#include "docket/replay_story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf problem = {0};
    ReplayStory story;
    size_t known = 0;
    /* An exact copy, so that reading past the end is seen. */
    CLEANUP(mem_freep) char *copy = xmalloc(n ? n : 1);
    if (n) memcpy(copy, data, n);
    if (replay_story_read((Str){copy, n}, arena, &story, &problem) < 0) {
        if (!str_starts(buf_str(&problem), STR("record "))) abort();
        return 0;
    }
    for (size_t i = 0; i < story.rows_n; i++) {
        const ReplayRow *row = &story.rows[i];
        if (i && row->at_ms < story.rows[i - 1].at_ms) abort();
        if (row->creates != (row->ticket == known) || row->ticket > known) abort();
        known += row->creates;
        if (!row->who.n || row->ticket >= story.tickets_n) abort();
    }
    if (known != story.tickets_n) abort();
    return 0;
}
