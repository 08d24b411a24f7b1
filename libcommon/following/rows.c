#include "following/rows.h"

void followed_rows_add(FollowedRow **rows, const Event *event, Arena *arena) {
    FollowedRow **at = rows;
    while (*at && (*at)->event->seq < event->seq)
        at = &(*at)->next;
    if (*at && (*at)->event->seq == event->seq) return;
    FollowedRow *row = arena_alloc(arena, sizeof(*row));
    *row = (FollowedRow){event, *at};
    *at = row;
}

int32_t followed_rows_gap(const FollowedRow *rows, int32_t known) {
    for (; rows; rows = rows->next) {
        if (rows->event->seq <= known) continue;
        if (rows->event->seq != known + 1) return known + 1;
        known++;
    }
    return 0;
}

int32_t followed_rows_last(const FollowedRow *rows) {
    int32_t last = 0;
    for (; rows; rows = rows->next)
        last = rows->event->seq;
    return last;
}
