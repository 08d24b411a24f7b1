/* Entries lie in one array, whose places are the wheel's node numbers; a table of places finds them
 * by ticket. What the wheel gives out waits in a heap until it is taken; an entry that changes
 * meanwhile leaves a dead item there, known by its instant. */
#include "sla/clocks.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "sla/wheel.h"

#define NOBODY UINT32_MAX

enum { FIRST_TABLE = 1024, FIRST_ENTRIES = 512, FREE = 1, READY = 2, TAKE_AT_ONCE = 1024 };

typedef struct Entry {
    int64_t tenant_id, ticket_id; /* ticket_id of a free one: the next free one */
    int32_t seq;
    uint16_t partition;
    uint8_t priority, flags;
} Entry;

typedef struct Ready {
    int64_t due_ms;
    uint32_t place;
    uint32_t priority;
} Ready;

struct Clocks {
    Wheel *wheel;
    Entry *entries;
    uint32_t used, room; /* places ever given out, with memory */
    uint32_t free;       /* first free one */
    size_t count;
    uint32_t *table; /* places; NOBODY: empty */
    uint32_t mask;
    Ready *ready; /* a heap: the most important first */
    size_t ready_n, ready_room, ready_alive;
};

static uint32_t *table_new(uint32_t size) {
    uint32_t *t = xmalloc((size_t)size * sizeof(*t));
    memset(t, 0xff, (size_t)size * sizeof(*t));
    return t;
}

Clocks *clocks_new(int64_t now_ms) {
    Clocks *c = xcalloc(1, sizeof(*c));
    c->wheel = wheel_new(CLOCKS_MAX, now_ms);
    c->table = table_new(FIRST_TABLE);
    c->mask = FIRST_TABLE - 1;
    c->free = NOBODY;
    return c;
}

Clocks *clocks_free(Clocks *c) {
    if (!c) return NULL;
    wheel_free(c->wheel);
    free(c->entries);
    free(c->table);
    free(c->ready);
    free(c);
    return NULL;
}

/* ---- Look-up ---- */

/* Tickets of one batch of ids lie close together: spread them. */
static uint32_t home_of(const Clocks *c, int64_t tenant_id, int64_t ticket_id) {
    uint64_t h = ((uint64_t)ticket_id ^ ((uint64_t)tenant_id << 40)) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32) & c->mask;
}

/* The slot of the table where this ticket is, or the empty one where it would be. */
static uint32_t slot_of(const Clocks *c, int64_t tenant_id, int64_t ticket_id) {
    uint32_t slot = home_of(c, tenant_id, ticket_id);
    while (c->table[slot] != NOBODY) {
        const Entry *e = &c->entries[c->table[slot]];
        if (e->ticket_id == ticket_id && e->tenant_id == tenant_id) break;
        slot = (slot + 1) & c->mask;
    }
    return slot;
}

static void table_grow(Clocks *c) {
    uint32_t size = (c->mask + 1) * 2;
    free(c->table);
    c->table = table_new(size);
    c->mask = size - 1;
    for (uint32_t i = 0; i < c->used; i++) {
        const Entry *e = &c->entries[i];
        if (!(e->flags & FREE)) c->table[slot_of(c, e->tenant_id, e->ticket_id)] = i;
    }
}

/* Without tombstones: what follows moves up unless it would pass its home. */
static void table_remove(Clocks *c, uint32_t slot) {
    for (uint32_t next = (slot + 1) & c->mask; c->table[next] != NOBODY;
         next = (next + 1) & c->mask) {
        const Entry *e = &c->entries[c->table[next]];
        uint32_t home = home_of(c, e->tenant_id, e->ticket_id);
        if (((next - home) & c->mask) < ((next - slot) & c->mask)) continue;
        c->table[slot] = c->table[next];
        slot = next;
    }
    c->table[slot] = NOBODY;
}

/* ---- Entries ---- */

static uint32_t entry_new(Clocks *c) {
    if (c->free != NOBODY) {
        uint32_t place = c->free;
        c->free = (uint32_t)c->entries[place].ticket_id;
        return place;
    }
    if (c->used == c->room) {
        uint64_t room = c->room ? (uint64_t)c->room + c->room / 4 : FIRST_ENTRIES;
        c->room = (uint32_t)(room > CLOCKS_MAX ? CLOCKS_MAX : room);
        c->entries = xrealloc(c->entries, c->room * sizeof(*c->entries));
    }
    return c->used++;
}

static void unready(Clocks *c, Entry *e) {
    if (!(e->flags & READY)) return;
    e->flags &= (uint8_t)~READY;
    c->ready_alive--;
}

int clocks_put(Clocks *c, const TicketClock *clock) {
    uint32_t slot = slot_of(c, clock->tenant_id, clock->ticket_id), place = c->table[slot];
    if (place == NOBODY) {
        if (c->count == CLOCKS_MAX) return -ENOSPC;
        if (c->count + 1 > ((size_t)c->mask + 1) / 4 * 3) {
            table_grow(c);
            slot = slot_of(c, clock->tenant_id, clock->ticket_id);
        }
        place = entry_new(c);
        c->table[slot] = place;
        c->count++;
    } else {
        unready(c, &c->entries[place]);
    }
    c->entries[place] = (Entry){.tenant_id = clock->tenant_id,
                                .ticket_id = clock->ticket_id,
                                .seq = clock->seq,
                                .partition = clock->partition,
                                .priority = clock->priority};
    if (clock->next_ms == INT64_MAX)
        wheel_cancel(c->wheel, place);
    else
        (void)wheel_set(c->wheel, place, clock->next_ms); /* places are below the wheel's limit */
    return 0;
}

static TicketClock clock_of(const Clocks *c, uint32_t place) {
    const Entry *e = &c->entries[place];
    return (TicketClock){.tenant_id = e->tenant_id,
                         .ticket_id = e->ticket_id,
                         .seq = e->seq,
                         .partition = e->partition,
                         .priority = e->priority,
                         .next_ms = (e->flags & READY) || wheel_is_set(c->wheel, place)
                                        ? wheel_due_ms(c->wheel, place)
                                        : INT64_MAX};
}

bool clocks_get(const Clocks *c, int64_t tenant_id, int64_t ticket_id, TicketClock *ret) {
    uint32_t place = c->table[slot_of(c, tenant_id, ticket_id)];
    if (place == NOBODY) return false;
    *ret = clock_of(c, place);
    return true;
}

static void drop(Clocks *c, uint32_t slot) {
    uint32_t place = c->table[slot];
    Entry *e = &c->entries[place];
    wheel_cancel(c->wheel, place);
    unready(c, e);
    table_remove(c, slot);
    *e = (Entry){.ticket_id = c->free, .flags = FREE};
    c->free = place;
    c->count--;
}

void clocks_drop(Clocks *c, int64_t tenant_id, int64_t ticket_id) {
    uint32_t slot = slot_of(c, tenant_id, ticket_id);
    if (c->table[slot] != NOBODY) drop(c, slot);
}

size_t clocks_keep_partitions(Clocks *c, const uint64_t *kept, size_t words) {
    size_t gone = 0;
    for (uint32_t i = 0; i < c->used; i++) {
        const Entry *e = &c->entries[i];
        size_t word = e->partition / 64U;
        if ((e->flags & FREE) || (word < words && kept[word] >> (e->partition % 64U) & 1)) continue;
        drop(c, slot_of(c, e->tenant_id, e->ticket_id));
        gone++;
    }
    return gone;
}

/* ---- What is due ---- */

static bool before(const Ready *a, const Ready *b) {
    return a->priority != b->priority ? a->priority > b->priority : a->due_ms < b->due_ms;
}

static void ready_push(Clocks *c, Ready item) {
    if (c->ready_n == c->ready_room) {
        c->ready_room = c->ready_room ? c->ready_room * 2 : 256;
        c->ready = xrealloc(c->ready, c->ready_room * sizeof(*c->ready));
    }
    size_t at = c->ready_n++;
    for (; at > 0 && before(&item, &c->ready[(at - 1) / 2]); at = (at - 1) / 2)
        c->ready[at] = c->ready[(at - 1) / 2];
    c->ready[at] = item;
}

static Ready ready_pop(Clocks *c) {
    Ready top = c->ready[0], last = c->ready[--c->ready_n];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < c->ready_n) {
        if (child + 1 < c->ready_n && before(&c->ready[child + 1], &c->ready[child])) child++;
        if (!before(&c->ready[child], &last)) break;
        c->ready[at] = c->ready[child];
        at = child;
    }
    c->ready[at] = last;
    return top;
}

static void fill_ready(Clocks *c, int64_t now_ms) {
    uint32_t due[TAKE_AT_ONCE];
    size_t n;
    while (c->ready_n + TAKE_AT_ONCE <= CLOCKS_READY_MAX &&
           (n = wheel_take(c->wheel, now_ms, due, TAKE_AT_ONCE)) > 0)
        for (size_t i = 0; i < n; i++) {
            Entry *e = &c->entries[due[i]];
            e->flags |= READY;
            c->ready_alive++;
            ready_push(c, (Ready){wheel_due_ms(c->wheel, due[i]), due[i], e->priority});
        }
}

size_t clocks_take(Clocks *c, int64_t now_ms, TicketClock *ret, size_t max) {
    size_t n = 0;
    fill_ready(c, now_ms);
    while (n < max && c->ready_n) {
        Ready r = ready_pop(c);
        Entry *e = &c->entries[r.place];
        if (!(e->flags & READY) || r.due_ms != wheel_due_ms(c->wheel, r.place))
            continue; /* changed or gone since */
        unready(c, e);
        if (r.due_ms > now_ms) { /* the time was put back */
            (void)wheel_set(c->wheel, r.place, r.due_ms);
            continue;
        }
        ret[n] = clock_of(c, r.place);
        ret[n++].next_ms = r.due_ms;
    }
    return n;
}

int64_t clocks_next_ms(const Clocks *c) {
    return c->ready_alive ? 0 : wheel_next_ms(c->wheel);
}

size_t clocks_ready(const Clocks *c) {
    return c->ready_alive;
}

size_t clocks_count(const Clocks *c) {
    return c->count;
}

size_t clocks_armed(const Clocks *c) {
    return wheel_count(c->wheel) + c->ready_alive;
}

size_t clocks_bytes(const Clocks *c) {
    return sizeof(*c) + c->room * sizeof(Entry) + ((size_t)c->mask + 1) * sizeof(*c->table) +
           c->ready_room * sizeof(Ready) + wheel_bytes(c->wheel);
}

size_t clocks_page(const Clocks *c, int64_t tenant_id, uint32_t *cursor, TicketClock *ret,
                   size_t max) {
    size_t n = 0;
    uint32_t i = *cursor;
    for (; i < c->used && n < max; i++) {
        const Entry *e = &c->entries[i];
        if (!(e->flags & FREE) && (!tenant_id || e->tenant_id == tenant_id))
            ret[n++] = clock_of(c, i);
    }
    *cursor = i < c->used ? i : UINT32_MAX;
    return n;
}
