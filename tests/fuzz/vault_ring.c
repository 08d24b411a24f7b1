/* Any ring file: taken whole or refused with a place, and never a key shown. */
#include <stdlib.h>

#include "vault/ring_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static Ring ring;
    CLEANUP(buf_done) Buf problem = {0};
    int r = ring_parse("ring", (Str){(const char *)data, n}, &ring, &problem);
    if (r == 0 && (ring.n == 0 || ring.active >= ring.n || problem.n)) abort();
    if (r < 0 && (problem.n == 0 || problem.n > 200)) abort();
    for (size_t i = 0; r == 0 && i < ring.n; i++)
        for (size_t j = 0; j < i; j++)
            if (ring.keys[i].id == ring.keys[j].id || ring.keys[i].id == 0) abort();
    return 0;
}
