/* Any text as a Last-Event-ID: no crash, and what is read is written back the same. */
#include <assert.h>

#include "desk/live/position.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Position p;
    CLEANUP(buf_done) Buf again = {0};
    Str text = {(const char *)data, size};
    if (position_read(text, &p) < 0) return 0;
    assert(p.n <= POSITION_PARTITIONS);
    for (size_t i = 0; i < p.n; i++)
        assert(p.next[i] >= 0 && p.next[i] <= POSITION_OFFSET_MAX);
    position_write(&p, &again);
    assert(str_eq_nocase(buf_str(&again), text));
    return 0;
}
