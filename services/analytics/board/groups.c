#include "analytics/board/groups.h"

#include <stdlib.h>

LagGroups *lag_groups_free(LagGroups *g) {
    if (!g) return NULL;
    free(g->text);
    free(g);
    return NULL;
}

static bool is_name(const char *name) {
    return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == 0;
}

static bool add(LagGroups *g, const char *name, const char *group, const char *topic) {
    size_t place = 0;
    while (place < g->names_n && strcmp(g->names[place], name) != 0)
        place++;
    if (g->pairs_n == KAFKA_LAG_MAX || place == BOARD_SERVICES_MAX) return false;
    if (place == g->names_n) g->names[g->names_n++] = name;
    g->service_of[g->pairs_n] = place;
    g->pairs[g->pairs_n++] = (KafkaLagPair){group, topic};
    return true;
}

/* Cut where it lies. */
static bool read_one(LagGroups *g, char *one) {
    one += strspn(one, " \t");
    for (size_t n = strlen(one); n && (one[n - 1] == ' ' || one[n - 1] == '\t'); n--)
        one[n - 1] = 0;
    char *group = strchr(one, '=');
    if (!*one) return true;
    if (!group) return false;
    *group++ = 0;
    char *topic = strchr(group, '@');
    if (!topic) return false;
    *topic++ = 0;
    return is_name(one) && *group && *topic && add(g, one, group, topic);
}

LagGroups *lag_groups_parse(const char *text, Buf *ret_problem) {
    CLEANUP(lag_groups_freep) LagGroups *g = xcalloc(1, sizeof(*g));
    g->text = xstrdup(text);
    for (char *one = g->text, *next; one; one = next) {
        next = strchr(one, ',');
        if (next) *next++ = 0;
        if (read_one(g, one)) continue;
        buf_printf(ret_problem,
                   "\"%s\" is not NAME=GROUP@TOPIC, or there are more than %d of them, or of more "
                   "than %d services",
                   one, KAFKA_LAG_MAX, BOARD_SERVICES_MAX);
        return NULL;
    }
    return TAKE(g);
}

void lag_groups_sum(const LagGroups *g, const int64_t *messages, BoardService *ret) {
    for (size_t i = 0; i < g->names_n; i++)
        ret[i] = (BoardService){g->names[i], 0};
    for (size_t i = 0; i < g->pairs_n; i++) {
        BoardService *s = &ret[g->service_of[i]];
        if (s->behind < 0) continue;
        s->behind = messages[i] < 0 ? -1 : s->behind + messages[i];
    }
}
