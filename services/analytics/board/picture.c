#include "analytics/board/picture.h"

#include <stdlib.h>

#include "base/clock.h"

enum { MINUTE_MS = 60000 };

typedef struct Staff {
    int64_t on_duty, free, busy, in_hand, capacity;
} Staff;

typedef struct Line {
    int64_t id, waiting, oldest_s, at_risk;
    const Group *group; /* NULL: none, or one that the documents no longer have */
    Staff staff;
} Line;

typedef struct Lines {
    Line *p;
    size_t n, room;
} Lines;

int64_t board_minute(int64_t ms) {
    return ms - ms % MINUTE_MS;
}

int board_minute_place(int64_t now_ms, int64_t at_ms) {
    int64_t ago = (board_minute(now_ms) - board_minute(at_ms)) / MINUTE_MS;
    return at_ms <= now_ms && ago < BOARD_MINUTES ? BOARD_MINUTES - 1 - (int)ago : -1;
}

/* ---- lines ---- */

static bool reaches_group(const Subject *who, int64_t id) {
    if (!who || who->reach.all_groups) return true;
    for (size_t i = 0; i < who->reach.groups_n; i++)
        if (who->reach.groups[i] == id) return true;
    return false;
}

static Line *line_of(Lines *lines, const BoardFigures *f, int64_t id) {
    for (size_t i = 0; i < lines->n; i++)
        if (lines->p[i].id == id) return &lines->p[i];
    if (lines->n == lines->room) {
        lines->room = lines->room ? lines->room * 2 : 32;
        lines->p = xrealloc(lines->p, lines->room * sizeof(*lines->p));
    }
    Line *l = &lines->p[lines->n++];
    *l = (Line){.id = id, .group = f->catalog && id ? catalog_group(f->catalog, id) : NULL};
    return l;
}

static int by_waiting(const void *left, const void *right) {
    const Line *a = left, *b = right;
    if (a->waiting != b->waiting) return a->waiting > b->waiting ? -1 : 1;
    if (a->at_risk != b->at_risk) return a->at_risk > b->at_risk ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

/* ---- staff ---- */

static int by_agent(const void *left, const void *right) {
    const BoardLoad *a = left, *b = right;
    return (a->agent_id > b->agent_id) - (a->agent_id < b->agent_id);
}

static int64_t load_of(const BoardFigures *f, int64_t agent_id) {
    const BoardLoad key = {.agent_id = agent_id};
    const BoardLoad *found =
        f->loads_n ? bsearch(&key, f->loads, f->loads_n, sizeof(key), by_agent) : NULL;
    return found ? found->tickets : 0;
}

static void staff_add(Staff *s, const AgentDuty *duty, int64_t load) {
    s->on_duty++;
    s->in_hand += load;
    s->capacity += duty->capacity;
    if (load < duty->capacity)
        s->free++;
    else
        s->busy++;
}

static bool is_shown(const BoardFigures *f, const Agent *agent) {
    if (!f->who || f->who->reach.all_groups) return true;
    for (size_t i = 0; agent && i < agent->groups_n; i++)
        if (reaches_group(f->who, agent->groups[i])) return true;
    return false;
}

static Staff count_staff(const BoardFigures *f, Lines *lines) {
    Staff all = {0};
    for (size_t i = 0; i < f->duties_n; i++) {
        const AgentDuty *duty = &f->duties[i];
        const Agent *agent = f->catalog ? catalog_agent(f->catalog, duty->agent_id) : NULL;
        if (!duty->on_duty || !is_shown(f, agent)) continue;
        int64_t load = load_of(f, duty->agent_id);
        staff_add(&all, duty, load);
        for (size_t j = 0; agent && j < agent->groups_n; j++)
            if (reaches_group(f->who, agent->groups[j]))
                staff_add(&line_of(lines, f, agent->groups[j])->staff, duty, load);
    }
    return all;
}

/* ---- JSON ---- */

static void number(Buf *b, const char *name, int64_t value) {
    buf_printf(b, "\"%s\":%lld", name, (long long)value);
}

static void write_instant(Buf *b, const char *name, int64_t ms) {
    char text[25];
    clock_format_ms(ms, text);
    buf_printf(b, "\"%s\":\"%s\"", name, text);
}

static void write_staff(Buf *b, const Staff *s) {
    buf_printf(b,
               "\"agents\":{\"on_duty\":%lld,\"free\":%lld,\"busy\":%lld,\"in_hand\":%lld,"
               "\"capacity\":%lld}",
               (long long)s->on_duty, (long long)s->free, (long long)s->busy, (long long)s->in_hand,
               (long long)s->capacity);
}

static void write_arrived(const BoardFigures *f, Buf *b) {
    int64_t sum = 0;
    for (size_t i = 0; i < BOARD_MINUTES; i++)
        sum += f->minutes[i];
    buf_adds(b, "\"arrived\":{");
    number(b, "last_minute", f->last_minute);
    buf_addc(b, ',');
    number(b, "last_hour", sum);
    buf_addc(b, ',');
    write_instant(b, "minutes_from",
                  board_minute(f->now_ms) - (int64_t)(BOARD_MINUTES - 1) * MINUTE_MS);
    buf_adds(b, ",\"minutes\":[");
    for (size_t i = 0; i < BOARD_MINUTES; i++) {
        if (i) buf_addc(b, ',');
        buf_add_i64(b, f->minutes[i]);
    }
    buf_adds(b, "]}");
}

static void write_name(Buf *b, const char *name, Str value) {
    buf_printf(b, ",\"%s\":", name);
    if (value.n)
        buf_add_json(b, value);
    else
        buf_adds(b, "null");
}

static void write_line(const Line *l, Buf *b) {
    buf_adds(b, "{\"id\":");
    if (l->id)
        buf_add_i64(b, l->id);
    else
        buf_adds(b, "null");
    Str name = l->group ? l->group->name : (Str){NULL, 0};
    write_name(b, "name", name);
    write_name(b, "title", l->group && l->group->title.n ? l->group->title : name);
    buf_addc(b, ',');
    number(b, "waiting", l->waiting);
    buf_addc(b, ',');
    number(b, "oldest_s", l->oldest_s);
    buf_addc(b, ',');
    number(b, "at_risk", l->at_risk);
    buf_addc(b, ',');
    write_staff(b, &l->staff);
    buf_addc(b, '}');
}

static void write_services(const BoardFigures *f, Buf *b) {
    buf_adds(b, ",\"services\":[");
    for (size_t i = 0; i < f->services_n; i++) {
        buf_printf(b, "%s{\"name\":\"%s\",\"behind\":", i ? "," : "", f->services[i].name);
        if (f->services[i].behind < 0)
            buf_adds(b, "null}");
        else
            buf_printf(b, "%lld}", (long long)f->services[i].behind);
    }
    buf_addc(b, ']');
}

void board_picture_write(const BoardFigures *f, Buf *ret) {
    Lines lines = {0};
    const Group *groups = NULL;
    int64_t waiting = 0, oldest_s = 0, at_risk = 0;
    size_t groups_n = f->catalog ? catalog_groups(f->catalog, &groups) : 0;
    for (size_t i = 0; i < groups_n; i++)
        if (reaches_group(f->who, groups[i].id)) (void)line_of(&lines, f, groups[i].id);
    for (size_t i = 0; i < f->waiting_n; i++) {
        const BoardGroupCount *c = &f->waiting[i];
        Line *l = line_of(&lines, f, c->group_id);
        l->waiting = c->tickets;
        l->oldest_s = c->oldest_s;
        waiting += c->tickets;
        if (c->oldest_s > oldest_s) oldest_s = c->oldest_s;
    }
    for (size_t i = 0; i < f->at_risk_n; i++) {
        line_of(&lines, f, f->at_risk[i].group_id)->at_risk = f->at_risk[i].tickets;
        at_risk += f->at_risk[i].tickets;
    }
    Staff staff = count_staff(f, &lines);
    if (lines.n) qsort(lines.p, lines.n, sizeof(*lines.p), by_waiting);

    buf_addc(ret, '{');
    write_instant(ret, "at", f->now_ms);
    buf_printf(ret, ",\"complete\":%s,\"filled\":%.4g,", f->filled >= 1 ? "true" : "false",
               f->filled);
    write_arrived(f, ret);
    buf_printf(ret, ",\"waiting\":{\"tickets\":%lld,\"oldest_s\":%lld}", (long long)waiting,
               (long long)oldest_s);
    buf_printf(ret, ",\"at_risk\":{\"tickets\":%lld,\"within_s\":%d},", (long long)at_risk,
               BOARD_RISK_MS / 1000);
    write_staff(ret, &staff);
    buf_adds(ret, ",\"groups\":[");
    for (size_t i = 0; i < lines.n; i++) {
        if (i) buf_addc(ret, ',');
        write_line(&lines.p[i], ret);
    }
    buf_addc(ret, ']');
    write_services(f, ret);
    buf_addc(ret, '}');
    free(lines.p);
}
