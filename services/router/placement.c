/* Kinds, scores and reasons. */
#include "router/placement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const why_names[WHYS] = {
    [WHY_LEAST_LOADED] = "least_loaded",
    [WHY_TAKEN_FROM_QUEUE] = "taken_from_queue",
    [WHY_ASKED_FOR] = "asked_for",
    [WHY_NOBODY_ON_DUTY] = "nobody_on_duty",
    [WHY_NOBODY_SKILLED] = "nobody_skilled",
    [WHY_ALL_FULL] = "all_full",
    [WHY_BEHIND_OTHERS] = "behind_others",
    [WHY_PAUSED] = "paused",
    [WHY_RAN_OUT] = "ran_out",
    [WHY_NO_GROUP] = "no_group",
    [WHY_FALLBACK] = "fallback",
    [WHY_RELEASED] = "released",
};

const char *placement_why_name(PlacementWhy why) {
    return why_names[why];
}

int placement_why_parse(Str name, PlacementWhy *ret) {
    for (int w = 0; w < WHYS; w++)
        if (str_is(name, why_names[w])) {
            *ret = (PlacementWhy)w;
            return 0;
        }
    return -EINVAL;
}

static int by_bytes(const void *a, const void *b) {
    const Str *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int order = n ? memcmp(x->p, y->p, n) : 0;
    return order ? order : (x->n > y->n) - (x->n < y->n);
}

Str placement_kind(Arena *arena, int64_t group_id, const Str *skills, size_t n) {
    char group[24];
    int group_n = snprintf(group, sizeof(group), "%lld:", (long long)group_id);
    size_t total = (size_t)group_n;
    Str *sorted = n ? arena_alloc(arena, n * sizeof(*sorted)) : NULL;
    for (size_t i = 0; i < n; i++) {
        sorted[i] = skills[i];
        total += skills[i].n + 1;
    }
    if (n > 1) qsort(sorted, n, sizeof(*sorted), by_bytes);
    char *p = arena_alloc(arena, total + 1), *at = p;
    memcpy(at, group, (size_t)group_n);
    at += group_n;
    for (size_t i = 0; i < n; i++) {
        if (i && str_eq(sorted[i], sorted[i - 1])) continue;
        if (i) *at++ = ',';
        memcpy(at, sorted[i].p, sorted[i].n);
        at += sorted[i].n;
    }
    *at = 0;
    return (Str){p, (size_t)(at - p)};
}

Str placement_kind_of(Arena *arena, const TicketPlace *place) {
    return str(
        arena_printf(arena, "%lld:%.*s", (long long)place->group_id, STR_ARG(place->skills)));
}

int64_t placement_score(int64_t created_ms, TicketPriority priority, int64_t aging_ms) {
    return created_ms - (int64_t)priority * aging_ms;
}

char placement_state(const TicketPlace *place) {
    if (place->version == 0) return 'G';
    if (ticket_status_is_load(place->status) && place->assignee_id) return 'A';
    if (place->status == TICKET_NEW && !place->assignee_id && place->group_id) return 'W';
    return 'G';
}

static bool is_member(const Agent *a, int64_t group_id) {
    for (size_t i = 0; i < a->groups_n; i++)
        if (a->groups[i] == group_id) return true;
    return false;
}

static bool has_skills(const Agent *a, const Str *skills, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < a->skills_n && !str_eq(a->skills[k], skills[i]))
            k++;
        if (k == a->skills_n) return false;
    }
    return true;
}

Staffing placement_staffing(const Catalog *c, const AgentDuty *duties, size_t duties_n,
                            int64_t group_id, const Str *skills, size_t skills_n) {
    Staffing s = {0};
    for (size_t i = 0; i < duties_n; i++) {
        if (!duties[i].on_duty) continue;
        const Agent *a = catalog_agent(c, duties[i].agent_id);
        if (!a || !is_member(a, group_id)) continue;
        s.on_duty++;
        if (has_skills(a, skills, skills_n)) s.able++;
    }
    return s;
}

Str placement_reason(Arena *arena, const PlacementFacts *f) {
    char text[256];
    int n = snprintf(text, sizeof(text), "{\"why\":\"%s\"", why_names[f->why]);
    if (f->why == WHY_LEAST_LOADED || f->why == WHY_TAKEN_FROM_QUEUE)
        n += snprintf(text + n, sizeof(text) - (size_t)n, ",\"load\":%lld,\"capacity\":%lld",
                      (long long)f->load, (long long)f->capacity);
    if (f->why != WHY_ASKED_FOR && f->why != WHY_NO_GROUP && f->why != WHY_RELEASED)
        n += snprintf(text + n, sizeof(text) - (size_t)n, ",\"on_duty\":%d,\"able\":%d",
                      f->staffing.on_duty, f->staffing.able);
    if (f->from_group)
        n += snprintf(text + n, sizeof(text) - (size_t)n, ",\"from_group\":%lld",
                      (long long)f->from_group);
    (void)snprintf(text + n, sizeof(text) - (size_t)n, "}");
    return str(arena_strndup(arena, text, strlen(text)));
}
