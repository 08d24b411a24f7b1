/* A shop with two policies, and a ticket in it that is told row by row, its life going through its
 * packed form with each of them. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lives/ticket_life.h"

enum { MIN = 60000, HOUR = 60 * MIN };
#define BORN INT64_C(1763791200000) /* 2025-11-22T06:00Z */

static const char shop[] =
    "groups: [{name: 售后}, {name: 投诉}]\n"
    "policies:\n"
    "  - name: VIP\n"
    "    when: {all: {tier: [vip]}}\n"
    "    targets: {first_reply: 15m, resolution: 24h, requester_wait: 8h, next_reply: 30m}\n"
    "    warn: [50, 5m]\n"
    "    escalate:\n"
    "      - {notify: lead}\n"
    "      - {after: 10m, notify: manager, priority: raise}\n"
    "      - {after: 1h, group: 投诉, every: 30m, times: 3}\n"
    "  - {name: 其他, targets: {first_reply: 1h, requester_wait: {within: {urgent: 1h, normal: "
    "4h}}},\n"
    "     warn: [80], escalate: [{notify: lead}]}\n";

static inline int64_t lookup(void *arg, const char *kind, Str name) {
    (void)arg;
    (void)kind;
    return 1001 + (int64_t)name.n;
}

static inline const Catalog *compile(const char *text, int64_t revision) {
    CLEANUP(buf_done) Buf problems = {0};
    DocumentSource source = {str(text), STR("shop.yaml"), 1};
    const Catalog *c = catalog_compile(&source, 1, revision, lookup, NULL, &problems);
    if (!c) fail_msg("%s", problems.p);
    return c;
}

typedef struct World {
    const Catalog *shop;
    Arena *arena;
    TicketLife *life;
    int32_t seq;
} World;

static inline int open_world(void **state) {
    World *w = xcalloc(1, sizeof(*w));
    w->shop = compile(shop, 7);
    w->arena = arena_new(0);
    *state = w;
    return 0;
}

static inline int close_world(void **state) {
    World *w = *state;
    ticket_life_free(w->life);
    (void)catalog_unref(w->shop);
    arena_free(w->arena);
    free(w);
    return 0;
}

/* The shop's life goes through its packed form with every row. */
static inline void repack(World *w) {
    CLEANUP(buf_done) Buf packed = {0};
    const Catalog *c = ticket_life_catalog(w->life);
    ticket_life_pack(w->life, &packed);
    TicketLife *again = NULL;
    assert_int_equal(ticket_life_unpack(buf_str(&packed), c, &again), 0);
    assert_true(ticket_life_next_ms(w->life) == ticket_life_next_ms(again));
    ticket_life_free(w->life);
    w->life = again;
}

static inline void born(World *w, const char *tier) {
    w->life = ticket_life_new(false, w->shop);
    w->seq = 1;
    Event e = {.tenant_id = 1,
               .ticket_id = 100001,
               .seq = 1,
               .kind = LEDGER_TICKET_CREATED,
               .at_ms = BORN + 2000,
               .created_ms = BORN,
               .actor = STR("requester:1000000000007"),
               .set = {.sets = EDIT_STATUS | EDIT_PRIORITY | EDIT_GROUP | EDIT_CATEGORY,
                       .status = TICKET_NEW,
                       .priority = PRIORITY_NORMAL,
                       .group_id = 1002,
                       .category = STR("其他")},
               .channel = STR("web"),
               .tier = str(tier)};
    assert_int_equal(ticket_life_tell(w->life, &e), 0);
    repack(w);
}

static inline int tell(World *w, int64_t after_ms, const char *actor, TicketUpdate set) {
    Event e = {.tenant_id = 1,
               .ticket_id = 100001,
               .seq = w->seq + 1,
               .kind = LEDGER_TICKET_UPDATED,
               .at_ms = BORN + after_ms,
               .actor = str(actor),
               .set = set};
    int r = ticket_life_tell(w->life, &e);
    if (r == 0) {
        w->seq++;
        repack(w);
    }
    return r;
}

static inline TicketUpdate to(TicketStatus s) {
    return (TicketUpdate){.sets = EDIT_STATUS, .status = s};
}

static inline TicketUpdate said(bool is_public) {
    return (TicketUpdate){.comment = {.present = true, .is_public = is_public}};
}

/* "breached first_reply 1 +900s; ..." of what is due at an instant; marks it. */
static inline const char *due(World *w, int64_t after_ms) {
    static const char *const acts[] = {"warned", "breached", "escalated"};
    CLEANUP(buf_done) Buf text = {0};
    PromiseMoment *m;
    ticket_life_judge(w->life, BORN + after_ms);
    size_t n = ticket_life_due(w->life, w->arena, &m);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&text, "%s%s %s %d%s%s +%lldm", i ? "; " : "", acts[m[i].act],
                   metric_name(m[i].metric), m[i].instance, *m[i].level ? " " : "", m[i].level,
                   (long long)((m[i].at_ms - BORN) / MIN));
        ticket_life_mark(w->life, &m[i]);
    }
    repack(w);
    PromiseMoment *none;
    assert_int_equal(ticket_life_due(w->life, w->arena, &none), 0);
    return arena_strndup(w->arena, text.p ? text.p : "", text.n);
}

static inline int64_t next_after(const World *w) {
    int64_t next = ticket_life_next_ms(w->life);
    return next == NEVER ? -1 : (next - BORN) / MIN;
}
