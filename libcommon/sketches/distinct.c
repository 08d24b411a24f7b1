/* Few ones are a sorted list of their hashes; many are registers, each the longest run of zeros
 * seen. */
#include "sketches/distinct.h"

#include <errno.h>
#include <math.h>
#include <xxhash.h>

#include "base/pack.h"

enum { VERSION = 1, BITS = 14, RANK_MAX = 64 - BITS + 1, FORM_LIST = 0, FORM_REGISTERS = 1 };

struct Distinct {
    uint64_t *list; /* sorted; NULL once there are registers */
    size_t n, room;
    uint8_t *registers; /* DISTINCT_REGISTERS of them; NULL: not yet */
};

Distinct *distinct_new(void) {
    return xcalloc(1, sizeof(Distinct));
}

Distinct *distinct_free(Distinct *d) {
    if (!d) return NULL;
    free(d->list);
    free(d->registers);
    free(d);
    return NULL;
}

static void see(Distinct *d, uint64_t hash) {
    size_t place = hash >> (64 - BITS);
    uint64_t rest = hash << BITS;
    uint8_t rank = (uint8_t)(rest ? __builtin_clzll(rest) + 1 : RANK_MAX);
    if (d->registers[place] < rank) d->registers[place] = rank;
}

static void spread(Distinct *d) {
    d->registers = xcalloc(DISTINCT_REGISTERS, 1);
    for (size_t i = 0; i < d->n; i++)
        see(d, d->list[i]);
    free(d->list);
    d->list = NULL;
    d->n = d->room = 0;
}

static void add_hash(Distinct *d, uint64_t hash) {
    if (d->registers) {
        see(d, hash);
        return;
    }
    size_t low = 0, high = d->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (d->list[mid] < hash)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < d->n && d->list[low] == hash) return;
    if (d->n == DISTINCT_EXACT) {
        spread(d);
        see(d, hash);
        return;
    }
    if (d->n == d->room) {
        d->room = d->room ? d->room * 2 : 8;
        d->list = xrealloc(d->list, d->room * sizeof(*d->list));
    }
    memmove(&d->list[low + 1], &d->list[low], (d->n - low) * sizeof(*d->list));
    d->list[low] = hash;
    d->n++;
}

void distinct_add(Distinct *d, Str value) {
    add_hash(d, XXH3_64bits(value.p ? value.p : "", value.n));
}

void distinct_add_id(Distinct *d, int64_t id) {
    add_hash(d, XXH3_64bits_withSeed(&id, sizeof(id), 1));
}

void distinct_merge(Distinct *d, const Distinct *other) {
    if (other->registers && !d->registers) spread(d);
    for (size_t i = 0; i < other->n; i++)
        add_hash(d, other->list[i]);
    for (size_t i = 0; other->registers && i < DISTINCT_REGISTERS; i++)
        if (d->registers[i] < other->registers[i]) d->registers[i] = other->registers[i];
}

/* ---- The estimate ---- */

/* x + sum of x^(2^k) 2^(k-1), and its mirror: Ertl 2017, algorithm 5. Both end within some 60
 * turns, when the sum does not change any more. */
static double sigma(double x) {
    double y = 1, z = x, before;
    if (x >= 1) return INFINITY;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z > before);
    return z;
}

static double tau(double x) {
    double y = 1, z = 1 - x, before;
    if (x <= 0 || x >= 1) return 0;
    do {
        x = sqrt(x);
        before = z;
        y /= 2;
        z -= (1 - x) * (1 - x) * y;
    } while (z < before);
    return z / 3;
}

uint64_t distinct_count(const Distinct *d) {
    if (!d->registers) return d->n;
    const double m = DISTINCT_REGISTERS;
    uint32_t of_rank[RANK_MAX + 1] = {0};
    for (size_t i = 0; i < DISTINCT_REGISTERS; i++)
        of_rank[d->registers[i]]++;
    double z = m * tau(1 - of_rank[RANK_MAX] / m);
    for (int k = RANK_MAX - 1; k >= 1; k--)
        z = 0.5 * (z + of_rank[k]);
    z += m * sigma(of_rank[0] / m);
    double estimate = m / (2 * 0.69314718055994530942) * (m / z);
    return estimate < 9e18 ? (uint64_t)(estimate + 0.5) : UINT64_C(9000000000000000000);
}

/* ---- Kept ---- */

void distinct_pack(const Distinct *d, Buf *ret) {
    buf_addc(ret, VERSION);
    if (!d->registers) {
        buf_addc(ret, FORM_LIST);
        pack_number(ret, d->n);
        for (size_t i = 0; i < d->n; i++)
            pack_fixed(ret, d->list[i]);
        return;
    }
    buf_addc(ret, FORM_REGISTERS);
    for (size_t i = 0; i < DISTINCT_REGISTERS; i += 4) { /* six bits each */
        uint32_t four = 0;
        for (size_t k = 0; k < 4; k++)
            four |= (uint32_t)d->registers[i + k] << (6 * k);
        char bytes[3] = {(char)four, (char)(four >> 8), (char)(four >> 16)};
        buf_add(ret, bytes, sizeof(bytes));
    }
}

static void get_list(Unpack *u, Distinct *d) {
    d->n = unpack_count(u, DISTINCT_EXACT, 8);
    d->room = d->n;
    if (d->n) d->list = xcalloc(d->n, sizeof(*d->list));
    for (size_t i = 0; i < d->n; i++) {
        d->list[i] = unpack_fixed(u);
        if (i && d->list[i] <= d->list[i - 1]) u->bad = true;
    }
}

static void get_registers(Unpack *u, Distinct *d) {
    if (u->end - u->p != DISTINCT_REGISTERS / 4 * 3) u->bad = true;
    if (u->bad) return;
    d->registers = xcalloc(DISTINCT_REGISTERS, 1);
    for (size_t i = 0; i < DISTINCT_REGISTERS; i += 4, u->p += 3) {
        uint32_t four = u->p[0] | (uint32_t)u->p[1] << 8 | (uint32_t)u->p[2] << 16;
        for (size_t k = 0; k < 4; k++) {
            d->registers[i + k] = four >> (6 * k) & 63;
            if (d->registers[i + k] > RANK_MAX) u->bad = true;
        }
    }
}

int distinct_unpack(Str packed, Distinct **ret) {
    if (packed.n < 2 || packed.p[0] != VERSION) return -EBADMSG;
    CLEANUP(distinct_freep) Distinct *d = distinct_new();
    Unpack u = unpack_of((Str){packed.p + 2, packed.n - 2});
    if (packed.p[1] == FORM_LIST)
        get_list(&u, d);
    else if (packed.p[1] == FORM_REGISTERS)
        get_registers(&u, d);
    else
        u.bad = true;
    if (!unpack_done(&u)) return -EBADMSG;
    *ret = TAKE(d);
    return 0;
}
