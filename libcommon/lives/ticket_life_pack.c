/* Numbers and texts in one order; reading asks for them in the same. Version 1: varints (LEB128),
 * instants relative to the last row's, the Life's own bytes (promise/life_pack.h) at the end. */
#include <errno.h>

#include "base/pack.h"
#include "lives/ticket_life_internal.h"
#include "promise/life_pack.h"

enum {
    VERSION = 1,
    TEXT_BYTES_MAX = 1 << 20,
};
#define INSTANT_LIMIT INT64_C(253402300799999) /* 9999-12-31 */

/* ---- Writing ---- */

static void put(Buf *b, uint64_t v) {
    pack_number(b, v);
}

static void put_fixed(Buf *b, uint64_t v) {
    char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(v >> (8 * i));
    buf_add(b, bytes, sizeof(bytes));
}

/* As the distance from `from`, 0 for "none" (INT64_MIN). */
static void put_instant(Buf *b, int64_t at, int64_t from) {
    if (at == INT64_MIN) {
        put(b, 0);
        return;
    }
    int64_t distance = at - from;
    put(b, ((uint64_t)distance << 1 ^ (distance < 0 ? UINT64_MAX : 0)) + 1);
}

static uint32_t asked(const TicketLife *l) {
    uint32_t asks = l->catalog ? catalog_policy_asks(l->catalog) : 0;
    return l->whole ? asks : l->kept;
}

static size_t policy_place(const TicketLife *l) { /* from 1; 0: none */
    const Policy *all;
    if (!l->policy) return 0;
    (void)catalog_policies(l->catalog, &all);
    return (size_t)(l->policy - all) + 1;
}

void ticket_life_pack(const TicketLife *l, Buf *ret) {
    uint32_t kept = asked(l);
    buf_addc(ret, VERSION);
    put(ret, (uint64_t)l->seq);
    put_fixed(ret, catalog_promises_mark(l->catalog));
    put(ret, l->life ? (uint64_t)l->status + 1 : 0);
    if (!l->life) return;
    put(ret, (uint64_t)l->row_ms);
    put_instant(ret, l->judged_ms, l->row_ms);
    put_instant(ret, l->revised_ms, l->row_ms);
    put_instant(ret, l->chains_ms, l->row_ms);
    put_instant(ret, l->acked_ms, l->row_ms);
    put(ret, policy_place(l));
    put(ret, (uint64_t)l->priority);
    put(ret, (uint64_t)l->group_id);
    put(ret, (uint64_t)l->assignee_id);
    put(ret, (uint64_t)l->source_id);
    put(ret, kept);
    for (int i = 0; i < TEXTS; i++) {
        if (!(kept >> text_fields[i] & 1)) continue;
        put(ret, l->texts[i].n);
        buf_add(ret, l->texts[i].p, l->texts[i].n);
    }
    put(ret, l->notes_n);
    for (size_t i = 0; i < l->notes_n; i++) {
        const Note *n = &l->notes[i];
        put(ret, (uint64_t)n->metric << 1 | n->told);
        put(ret, (uint64_t)n->instance);
        put(ret, (uint64_t)n->code);
        if (code_act(n->code) == PROMISE_ESCALATED) put(ret, (uint64_t)n->at_ms);
    }
    life_pack(l->life, ret);
}

/* ---- Reading ---- */

typedef struct Packed {
    const unsigned char *p, *end;
    bool bad;
} Packed;

static uint64_t get(Packed *r, uint64_t max) {
    uint64_t v = 0;
    if (r->p < r->end && *r->p < 0x80 && *r->p <= max) return *r->p++;
    for (int shift = 0; shift < 64 && r->p < r->end; shift += 7) {
        unsigned char byte = *r->p++;
        if (shift == 63 && byte > 1) break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        if (v > max) break;
        return v;
    }
    r->bad = true;
    return 0;
}

static uint64_t get_fixed(Packed *r) {
    uint64_t v = 0;
    if (r->end - r->p < 8) {
        r->bad = true;
        return 0;
    }
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)*r->p++ << (8 * i);
    return v;
}

static int64_t get_instant(Packed *r, int64_t from) {
    uint64_t v = get(r, UINT64_C(4) * INSTANT_LIMIT);
    if (!v) return INT64_MIN;
    v--;
    int64_t at = from + ((int64_t)(v >> 1) ^ -(int64_t)(v & 1));
    if (at < 0 || at > INSTANT_LIMIT) r->bad = true;
    return r->bad ? 0 : at;
}

static void get_text(Packed *r, OwnText *ret) {
    uint64_t n = get(r, TEXT_BYTES_MAX);
    if (n > (uint64_t)(r->end - r->p)) r->bad = true;
    if (r->bad) return;
    own_set(ret, (Str){(const char *)r->p, n});
    r->p += n;
}

static void get_notes(Packed *r, TicketLife *l) {
    uint64_t n = get(r, NOTES_MAX);
    if (n > (uint64_t)(r->end - r->p)) r->bad = true;
    if (r->bad || !n) return;
    l->notes = xcalloc(n, sizeof(*l->notes));
    l->notes_room = n;
    for (uint64_t i = 0; i < n && !r->bad; i++) {
        Note *note = &l->notes[l->notes_n++];
        uint64_t metric = get(r, (METRICS - 1) << 1 | 1);
        note->metric = (uint8_t)(metric >> 1);
        note->told = metric & 1;
        note->instance = (int32_t)get(r, INT32_MAX);
        note->code = (int64_t)get(r, INT32_MAX);
        if (code_act(note->code) == PROMISE_ACTS && note->code != CHAIN_ENDED) r->bad = true;
        if (code_act(note->code) == PROMISE_ESCALATED) note->at_ms = (int64_t)get(r, INSTANT_LIMIT);
    }
}

/* In order, each once; and nothing of the future. */
static bool notes_sound(const TicketLife *l) {
    int64_t now = ticket_life_now_ms(l);
    for (size_t i = 0; i < l->notes_n; i++) {
        const Note *a = i ? &l->notes[i - 1] : NULL, *b = &l->notes[i];
        if (b->at_ms > now) return false;
        if (!a || a->metric < b->metric) continue;
        if (a->metric > b->metric || a->instance > b->instance ||
            (a->instance == b->instance && a->code >= b->code))
            return false;
    }
    return true;
}

static bool past(int64_t at, int64_t now) {
    return at == NEVER || (at >= 0 && at <= now);
}

static bool clocks_sound(const TicketLife *l) {
    const Clock *clocks;
    int64_t now = ticket_life_now_ms(l);
    size_t n = life_clocks(l->life, &clocks);
    for (size_t i = 0; i < n; i++) {
        const Clock *c = &clocks[i];
        if (i && (clocks[i - 1].metric > c->metric ||
                  (clocks[i - 1].metric == c->metric && clocks[i - 1].instance >= c->instance)))
            return false;
        if (!past(c->start_ms, now) || !past(c->since_ms, now) || !past(c->breached_ms, now) ||
            !past(c->ended_ms, now))
            return false;
        for (int k = 0; k < SHARES_MAX; k++)
            if (!past(c->warned_ms[k], now)) return false;
    }
    return life_now(l->life) >= 0 && life_now(l->life) <= now && l->chains_ms <= now &&
           life_entered(l->life) >= 0 && life_entered(l->life) <= now && l->acked_ms <= now;
}

static bool get_head(Packed *r, int32_t *ret_seq, uint64_t *ret_mark) {
    if (r->p == r->end || *r->p++ != VERSION) return false;
    *ret_seq = (int32_t)get(r, INT32_MAX);
    *ret_mark = get_fixed(r);
    return !r->bad;
}

static Packed packed_of(Str bytes) {
    const unsigned char *p = (const unsigned char *)bytes.p;
    return (Packed){p, p + (bytes.n <= TICKET_LIFE_PACKED_MAX ? bytes.n : 0), false};
}

bool ticket_life_peek(Str packed, int32_t *ret_seq, uint64_t *ret_promises_mark) {
    Packed r = packed_of(packed);
    int32_t seq;
    uint64_t mark;
    if (!packed.n || !get_head(&r, &seq, &mark)) return false;
    *ret_seq = seq;
    *ret_promises_mark = mark;
    return true;
}

/* Behind the head. */
static void get_life(Packed *r, TicketLife *l) {
    const Policy *all = NULL;
    size_t policies = l->catalog ? catalog_policies(l->catalog, &all) : 0;
    l->row_ms = (int64_t)get(r, INSTANT_LIMIT);
    l->judged_ms = get_instant(r, l->row_ms);
    l->revised_ms = get_instant(r, l->row_ms);
    l->chains_ms = get_instant(r, l->row_ms);
    l->acked_ms = get_instant(r, l->row_ms);
    uint64_t policy = get(r, policies);
    l->policy = policy && !r->bad ? &all[policy - 1] : NULL;
    l->priority = (TicketPriority)get(r, PRIORITIES - 1);
    l->group_id = (int64_t)get(r, INT64_MAX);
    l->assignee_id = (int64_t)get(r, INT64_MAX);
    l->source_id = (int64_t)get(r, INT64_MAX);
    l->kept = (uint32_t)get(r, (UINT64_C(1) << FACT_FIELDS) - 1);
    for (int i = 0; i < TEXTS && !r->bad; i++)
        if (l->kept >> text_fields[i] & 1) get_text(r, &l->texts[i]);
    Str tags = own_str(&l->texts[TEXT_TAGS]);
    if (tags.n && tags.p[tags.n - 1]) r->bad = true;
    get_notes(r, l);
    if (r->bad) return;
    Terms terms = policy_terms(l->policy, l->priority);
    l->life = life_unpack((Str){(const char *)r->p, (size_t)(r->end - r->p)}, &terms);
    r->p = r->end;
    const Clock *past;
    if (l->life) l->past_seen = life_past(l->life, &past);
    if (!l->life || !clocks_sound(l) || !notes_sound(l)) r->bad = true;
}

int ticket_life_unpack(Str packed, const Catalog *in_force, TicketLife **ret) {
    Packed r = packed_of(packed);
    int32_t seq;
    uint64_t mark;
    if (!packed.n || !get_head(&r, &seq, &mark)) return -EBADMSG;
    if (mark != catalog_promises_mark(in_force)) return -ESTALE;
    CLEANUP(ticket_life_freep) TicketLife *l = ticket_life_new(false, in_force);
    uint64_t status = get(&r, TICKET_STATUSES);
    l->seq = seq;
    l->whole = status == 0;
    l->status = (TicketStatus)(status ? status - 1 : 0);
    if (status) get_life(&r, l);
    if (r.bad || r.p != r.end) return -EBADMSG;
    *ret = TAKE(l);
    return 0;
}
