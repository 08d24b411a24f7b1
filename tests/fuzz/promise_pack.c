/* A packed life from anywhere: refused, or one that packs to what unpacks to the same again. */
#include <stdlib.h>

#include "promise/life_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Terms terms = terms_default();
    CLEANUP(buf_done) Buf once = {0}, twice = {0};
    CLEANUP(life_freep) Life *l = life_unpack((Str){(const char *)data, size}, &terms);
    if (!l) return 0;
    life_pack(l, &once);
    CLEANUP(life_freep) Life *again = life_unpack(buf_str(&once), &terms);
    if (!again) abort();
    life_pack(again, &twice);
    if (!str_eq(buf_str(&once), buf_str(&twice))) abort();
    life_status(l, (int64_t)1 << 50, TICKET_SOLVED);
    life_settle(l, (int64_t)1 << 51);
    return 0;
}
