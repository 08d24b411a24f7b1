/* Packed sketches from anywhere: refused, or ones that pack to what unpacks to the same again and
 * that answer, merge and go on. The first byte says which kind. */
#include <stdlib.h>

#include "sketches/distinct.h"
#include "sketches/quantiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void quantiles(Str packed) {
    CLEANUP(buf_done) Buf once = {0}, twice = {0};
    CLEANUP(quantiles_freep) Quantiles *q = NULL, *again = NULL;
    uint64_t least, most;
    if (quantiles_unpack(packed, &q) < 0) {
        if (q) abort();
        return;
    }
    quantiles_pack(q, &once);
    if (quantiles_unpack(buf_str(&once), &again) < 0) abort();
    quantiles_pack(again, &twice);
    if (!str_eq(buf_str(&once), buf_str(&twice))) abort();
    uint64_t n = quantiles_count(q);
    quantiles_merge(q, again);
    if (quantiles_count(q) < n) abort();
    double last = -1;
    for (int i = 0; i <= 10; i++) {
        double at = quantiles_at(q, i / 10.0);
        if (!(at >= last)) abort();
        last = at;
    }
    quantiles_rank(q, 1000, &least, &most);
    if (least > most || most > quantiles_count(q)) abort();
    (void)quantiles_sum(q);
    quantiles_add(q, INT64_MAX, UINT64_MAX);
    quantiles_take(q, 0, UINT64_MAX);
}

static void distinct(Str packed) {
    CLEANUP(buf_done) Buf once = {0};
    CLEANUP(distinct_freep) Distinct *d = NULL, *again = NULL;
    if (distinct_unpack(packed, &d) < 0) {
        if (d) abort();
        return;
    }
    uint64_t n = distinct_count(d);
    distinct_pack(d, &once);
    if (distinct_unpack(buf_str(&once), &again) < 0 || distinct_count(again) != n) abort();
    distinct_add_id(d, 7);
    distinct_merge(again, d);
    if (distinct_count(again) != distinct_count(d)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    Str packed = {(const char *)data + 1, size - 1};
    if (data[0] & 1)
        distinct(packed);
    else
        quantiles(packed);
    return 0;
}
