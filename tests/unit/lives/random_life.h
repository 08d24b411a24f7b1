/* Random lives: rows and revisions of two sets of documents, the same for the same seed. */
#pragma once

#include "unit/lives/world.h"

enum { STEPS_MAX = 40 };

static inline uint32_t draw(uint64_t *seed, uint32_t n) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % n;
}

typedef struct Step { /* one thing that happens: a row, or a revision */
    int64_t at;
    const Catalog *revision; /* NULL: a row */
    Event row;
} Step;

static inline Event random_row(uint64_t *seed, int32_t seq, int64_t at, TicketStatus *status) {
    static const char *const actors[] = {"agent:1012", "requester:1000000000007", "system",
                                         "user:1017"};
    Event e = {.seq = seq,
               .kind = LEDGER_TICKET_UPDATED,
               .at_ms = at,
               .actor = str(actors[draw(seed, 4)])};
    if (draw(seed, 3) == 0)
        e.set.comment = (EditComment){.present = true, .is_public = draw(seed, 4) > 0};
    if (draw(seed, 2) == 0) {
        *status = (TicketStatus)draw(seed, TICKET_CLOSED);
        e.set.sets |= EDIT_STATUS;
        e.set.status = *status;
    }
    if (draw(seed, 5) == 0) {
        e.set.sets |= EDIT_PRIORITY;
        e.set.priority = (TicketPriority)draw(seed, PRIORITIES);
    }
    if (draw(seed, 6) == 0) {
        e.set.sets |= EDIT_GROUP;
        e.set.group_id = 1006 + draw(seed, 3);
    }
    if (draw(seed, 6) == 0) {
        static const Str tags[] = {{"急", 3}, {"退款", 6}};
        e.set.sets |= EDIT_TAGS;
        e.set.tags = tags;
        e.set.tags_n = draw(seed, 3);
    }
    if (draw(seed, 6) == 0) {
        e.set.sets |= EDIT_CUSTOM_FIELDS;
        e.set.custom_fields = draw(seed, 2) ? STR("{\"vip\":\"yes\"}") : STR("{}");
    }
    if (draw(seed, 12) == 0) e.set.reason = STR("{\"why\":\"acknowledged\"}");
    return e;
}

#define RANDOM_STEPS                                                                               \
    "    escalate: [{notify: lead}, {after: 7m, notify: manager}, {after: 20m, notify: lead,"      \
    " every: 11m, times: 4}]\n"

static const char *const random_documents[] = {
    "groups: [{name: 售后}, {name: 投诉}]\n"
    "fields: [{name: vip, title: VIP, type: text}]\n"
    "calendars: [{name: 班, zone: Asia/Shanghai, week: {mon-fri: [09:00-12:00, 13:00-18:00]}}]\n"
    "policies:\n"
    "  - name: 急\n"
    "    when: {any: [{tags: [急]}, {custom.vip: {present: true}}, {group: 投诉}]}\n"
    "    targets: {first_reply: 20m, next_reply: 10m, resolution: 6h, agent_work: 3h,\n"
    "      stages: {in_progress: 40m, pending: {within: 8h, hours: 班}}}\n"
    "    warn: [50, 95, 3m]\n" RANDOM_STEPS "  - name: 其他\n"
    "    targets: {first_reply: 1h, periodic_update: 2h, requester_wait: {within: {high: 30m, "
    "urgent: 5m, normal: 4h}, hours: 班}}\n" RANDOM_STEPS,
    "groups: [{name: 售后}, {name: 投诉}]\n"
    "fields: [{name: vip, title: VIP, type: text}]\n"
    "calendars: [{name: 班, zone: Asia/Tokyo, week: {mon-sun: 08:00-20:00}}]\n"
    "policies:\n"
    "  - name: 急\n"
    "    when: {any: [{tags: [急]}, {custom.vip: {present: true}}, {group: 投诉}]}\n"
    "    targets: {first_reply: 10m, next_reply: 40m, ack: 5m, agent_work: 1h,\n"
    "      stages: {new: 20m, on_hold: {within: {low: 1h, high: 5m}}}}\n"
    "    reopen: restart\n"
    "    warn: [80, 50]\n" RANDOM_STEPS "  - name: 其他\n"
    "    targets: {first_reply: {within: 50m, hours: 班}, requester_wait: 2h}\n"
    "    replies_by: [agent, bot]\n" RANDOM_STEPS,
};

static inline int64_t lookup_group(void *arg, const char *kind, Str name) {
    (void)arg;
    return str_is(name, "售后") ? 1006 : str_is(name, "投诉") ? 1007 : 2000 + (int64_t)*kind;
}

static inline size_t random_life(uint64_t seed, const Catalog *const revisions[2], Step *steps,
                                 size_t max) {
    uint64_t s = seed;
    int64_t at = BORN + 2000;
    TicketStatus status = TICKET_NEW;
    size_t n = 0;
    int32_t seq = 1;
    steps[n++] = (Step){.at = BORN,
                        .row = {.seq = 1,
                                .kind = LEDGER_TICKET_CREATED,
                                .at_ms = at,
                                .created_ms = BORN,
                                .actor = STR("requester:1000000000007"),
                                .set = {.sets = EDIT_STATUS | EDIT_PRIORITY | EDIT_GROUP,
                                        .priority = (TicketPriority)draw(&s, PRIORITIES),
                                        .group_id = 1006}}};
    size_t wanted = 2 + draw(&s, (uint32_t)max - 2);
    while (n < wanted) {
        int64_t before = at;
        at += draw(&s, 3) ? draw(&s, 20 * MIN) : draw(&s, 10 * HOUR);
        if (draw(&s, 4) == 0) at -= at % MIN;
        if (at <= before) at = before + 1;
        if (draw(&s, 8) == 0)
            steps[n++] = (Step){.at = at, .revision = revisions[draw(&s, 2)]};
        else
            steps[n++] = (Step){.at = at, .row = random_row(&s, ++seq, at, &status)};
    }
    return n;
}

static inline void take(TicketLife *l, const Step *step) {
    int r = step->revision ? ticket_life_revise(l, step->at, step->revision)
                           : ticket_life_tell(l, &step->row);
    assert_int_equal(r, 0);
}

static inline void mark_all(TicketLife *l, Arena *arena) {
    PromiseMoment *m;
    size_t n = ticket_life_due(l, arena, &m);
    for (size_t i = 0; i < n; i++)
        ticket_life_mark(l, &m[i]);
}

static inline void compile_random(const Catalog *ret[2]) {
    for (int i = 0; i < 2; i++) {
        CLEANUP(buf_done) Buf problems = {0};
        DocumentSource source = {str(random_documents[i]), STR("random.yaml"), 1};
        ret[i] = catalog_compile(&source, 1, i + 1, lookup_group, NULL, &problems);
        if (!ret[i]) fail_msg("%s", problems.p);
    }
}
