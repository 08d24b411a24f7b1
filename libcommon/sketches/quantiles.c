/* Counters from the lowest bucket in use to the highest. */
#include "sketches/quantiles.h"

#include <assert.h>
#include <errno.h>

#include "base/pack.h"

enum { VERSION = 1, EXACT = 128, PER_OCTAVE = 64 };
#define COUNT_MAX (UINT64_C(1) << 53)

struct Quantiles {
    uint64_t *counts; /* of buckets low ... low + n - 1 */
    int low, n;
    uint64_t total;
};

/* ---- Buckets ---- */

static int bucket_of(int64_t value) {
    if (value < EXACT) return value > 0 ? (int)value : 0;
    int octave = 63 - __builtin_clzll((uint64_t)value); /* 7 ... 62 */
    return EXACT + (octave - 7) * PER_OCTAVE + (int)((uint64_t)value >> (octave - 6) & 63);
}

/* Its least and its greatest value. */
static void bucket_ends(int bucket, int64_t *ret_a, int64_t *ret_b) {
    if (bucket < EXACT) {
        *ret_a = *ret_b = bucket;
        return;
    }
    int octave = 7 + (bucket - EXACT) / PER_OCTAVE, part = (bucket - EXACT) % PER_OCTAVE;
    int64_t width = INT64_C(1) << (octave - 6);
    *ret_a = (PER_OCTAVE + part) * width;
    *ret_b = *ret_a + (width - 1);
}

static double bucket_value(int bucket) {
    int64_t a, b;
    bucket_ends(bucket, &a, &b);
    return a == b ? (double)a : 2 * (double)a / ((double)a + (double)b) * (double)b;
}

/* ---- Making ---- */

Quantiles *quantiles_new(void) {
    return xcalloc(1, sizeof(Quantiles));
}

Quantiles *quantiles_free(Quantiles *q) {
    if (!q) return NULL;
    free(q->counts);
    free(q);
    return NULL;
}

/* Some more than asked for, so that a sketch that spreads grows seldom. */
static void make_room(Quantiles *q, int low, int high) {
    int was_high = q->low + q->n - 1;
    if (q->n && low >= q->low && high <= was_high) return;
    if (q->n) {
        if (low < q->low) low = low > 16 ? low - 16 : 0;
        if (high > was_high)
            high = high + 16 < QUANTILES_BUCKETS ? high + 16 : QUANTILES_BUCKETS - 1;
        if (low > q->low) low = q->low;
        if (high < was_high) high = was_high;
    }
    uint64_t *counts = xcalloc((size_t)high + 1 - (size_t)low, sizeof(*counts));
    if (q->n) memcpy(&counts[q->low - low], q->counts, (size_t)q->n * sizeof(*counts));
    free(q->counts);
    q->counts = counts;
    q->low = low;
    q->n = high - low + 1;
}

static void count(Quantiles *q, int bucket, uint64_t times) {
    if (times > COUNT_MAX - q->total) times = COUNT_MAX - q->total;
    if (!times) return;
    make_room(q, bucket, bucket);
    q->counts[bucket - q->low] += times;
    q->total += times;
}

void quantiles_add(Quantiles *q, int64_t value, uint64_t times) {
    count(q, bucket_of(value), times);
}

void quantiles_take(Quantiles *q, int64_t value, uint64_t times) {
    int place = bucket_of(value) - q->low;
    if (place < 0 || place >= q->n) return;
    if (times > q->counts[place]) times = q->counts[place];
    q->counts[place] -= times;
    q->total -= times;
}

void quantiles_merge(Quantiles *q, const Quantiles *other) {
    if (other->n) make_room(q, other->low, other->low + other->n - 1);
    for (int i = 0; i < other->n; i++)
        count(q, other->low + i, other->counts[i]);
}

/* ---- Asking ---- */

uint64_t quantiles_count(const Quantiles *q) {
    return q->total;
}

double quantiles_at(const Quantiles *q, double share) {
    if (!q->total) return 0;
    double exact = share * (double)q->total;
    uint64_t rank = exact >= (double)q->total ? q->total : exact > 0 ? (uint64_t)exact : 0;
    if ((double)rank < exact && rank < q->total) rank++;
    if (!rank) rank = 1;
    uint64_t below = 0;
    int i = 0;
    while (i + 1 < q->n && below + q->counts[i] < rank)
        below += q->counts[i++];
    return bucket_value(q->low + i);
}

void quantiles_rank(const Quantiles *q, int64_t value, uint64_t *ret_least, uint64_t *ret_most) {
    int bucket = bucket_of(value);
    int64_t a, b;
    uint64_t below = 0, in = 0;
    for (int i = 0; i < q->n; i++) {
        if (q->low + i < bucket) below += q->counts[i];
        if (q->low + i == bucket) in = q->counts[i];
    }
    bucket_ends(bucket, &a, &b);
    *ret_least = below + (value >= b ? in : 0);
    *ret_most = below + in;
}

double quantiles_sum(const Quantiles *q) {
    double sum = 0;
    for (int i = 0; i < q->n; i++)
        sum += (double)q->counts[i] * bucket_value(q->low + i);
    return sum;
}

/* ---- Kept ---- */

void quantiles_pack(const Quantiles *q, Buf *ret) {
    int used = 0, next = 0;
    buf_addc(ret, VERSION);
    for (int i = 0; i < q->n; i++)
        used += q->counts[i] != 0;
    pack_number(ret, (uint64_t)used);
    for (int i = 0; i < q->n; i++) {
        if (!q->counts[i]) continue;
        pack_number(ret, (uint64_t)(q->low + i - next));
        pack_number(ret, q->counts[i]);
        next = q->low + i + 1;
    }
}

int quantiles_unpack(Str packed, Quantiles **ret) {
    if (!packed.n || packed.p[0] != VERSION) return -EBADMSG;
    CLEANUP(quantiles_freep) Quantiles *q = quantiles_new();
    Unpack u = unpack_of((Str){packed.p + 1, packed.n - 1});
    size_t n = unpack_count(&u, QUANTILES_BUCKETS, 2);
    uint64_t next = 0;
    for (size_t i = 0; i < n && !u.bad; i++) {
        uint64_t bucket = next + unpack_number(&u, QUANTILES_BUCKETS);
        uint64_t times = unpack_number(&u, COUNT_MAX - q->total);
        if (bucket >= QUANTILES_BUCKETS || !times) u.bad = true;
        if (!u.bad) count(q, (int)bucket, times);
        next = bucket + 1;
    }
    if (!unpack_done(&u)) return -EBADMSG;
    *ret = TAKE(q);
    return 0;
}
