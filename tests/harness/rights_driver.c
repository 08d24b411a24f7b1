/* Makes tickets and subjects by a seed, and prints, a JSON line each, what libcommon/rights says
 * about them: for tests/service/test_rights.py, which asks PostgreSQL the same.
 *
 *   rights_driver SEED TICKETS SUBJECTS */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "rights/rights.h"

static uint64_t seed;

static uint64_t pick(uint64_t below) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

static const Str kinds[] = {STR(""), STR("咨询"), STR("售后"), STR("投诉")};
static const Str categories[] = {STR(""),         STR("退款"),          STR("退款/进度"),
                                 STR("退款进度"), STR("退款/进度/a%_"), STR("100%"),
                                 STR("100%/x"),   STR("1000/x"),        STR("it's")};
static const Str regions[] = {STR(""), STR("cn"), STR("us")};
#define SOME(list) list[pick(sizeof(list) / sizeof(*list))]

static const Str *some_texts(Arena *arena, const Str *from, size_t n, size_t *ret_n) {
    if (pick(3)) return NULL;
    Str *list = arena_alloc(arena, 4 * sizeof(*list));
    *ret_n = pick(4);
    for (size_t i = 0; i < *ret_n; i++)
        list[i] = from[pick(n)];
    return list;
}

static void add_values(Buf *out, const ReachValue *values, size_t n) {
    for (size_t i = 0; i < n; i++) {
        buf_adds(out, i ? ",[" : "[");
        for (size_t k = 0; k < values[i].n; k++) {
            if (k) buf_addc(out, ',');
            if (values[i].texts)
                buf_add_json(out, values[i].texts[k]);
            else
                buf_add_i64(out, values[i].numbers[k]);
        }
        buf_addc(out, ']');
    }
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    seed = strtoull(argv[1], NULL, 10);
    size_t tickets_n = strtoull(argv[2], NULL, 10), subjects_n = strtoull(argv[3], NULL, 10);
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf out = {0};
    TicketScope *tickets = arena_zalloc(arena, tickets_n * sizeof(*tickets));
    for (size_t i = 0; i < tickets_n; i++) {
        TicketScope *t = &tickets[i];
        *t = (TicketScope){.tenant_id = 1 + (int64_t)pick(2),
                           .group_id = pick(4) ? 10 + (int64_t)pick(4) : 0,
                           .assignee_id = pick(3) ? 1 + (int64_t)pick(4) : 0,
                           .requester_id = 1 + (int64_t)pick(4),
                           .kind = SOME(kinds),
                           .category = SOME(categories),
                           .region = SOME(regions)};
        buf_printf(&out, "[%lld,%lld,%lld,%lld,", (long long)t->tenant_id, (long long)t->group_id,
                   (long long)t->assignee_id, (long long)t->requester_id);
        buf_add_json(&out, t->kind), buf_addc(&out, ',');
        buf_add_json(&out, t->category), buf_addc(&out, ',');
        buf_add_json(&out, t->region);
        buf_adds(&out, "]\n");
    }
    for (size_t i = 0; i < subjects_n; i++) {
        int64_t *groups = arena_alloc(arena, 4 * sizeof(*groups));
        size_t groups_n = 0;
        for (int64_t g = 10; g < 14; g++)
            if (pick(2)) groups[groups_n++] = g;
        BuiltinRole like = (BuiltinRole)pick(BUILTIN_ROLES);
        Subject who = {.tenant_id = 1 + (int64_t)pick(2),
                       .user_id = (int64_t)pick(5),
                       .like = like,
                       .rights = RIGHTS_ALL,
                       .reach = rights_builtin_reach(like, groups, groups_n)};
        if (pick(2)) { /* an own role's */
            Reach *r = &who.reach;
            r->kinds = some_texts(arena, kinds, 4, &r->kinds_n);
            r->categories = some_texts(arena, categories, 9, &r->categories_n);
            r->regions = some_texts(arena, regions, 3, &r->regions_n);
        }
        ReachValue values[REACH_VALUES_MAX];
        CLEANUP(buf_done) Buf sql = {0};
        size_t n = rights_reach_sql(&who, "t", 1, &sql, values);
        buf_adds(&out, "{\"sql\":");
        buf_add_json(&out, buf_str(&sql));
        buf_adds(&out, ",\"values\":[");
        add_values(&out, values, n);
        buf_adds(&out, "],\"reaches\":\"");
        for (size_t t = 0; t < tickets_n; t++)
            buf_addc(&out, rights_reach(&who, &tickets[t]) ? '1' : '0');
        buf_adds(&out, "\"}\n");
    }
    fwrite(out.p, 1, out.n, stdout);
    return 0;
}
