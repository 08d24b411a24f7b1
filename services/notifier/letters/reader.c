/* One table of members, and one of words. */
#include "notifier/letters/reader.h"

#include "base/clock.h"

enum { MINUTE_MS = 60000, HOUR_MINUTES = 60, DAY_MINUTES = 24 * 60 };

typedef enum Turn { TURN_MOMENT, TURN_LENGTH, TURN_STATUS, TURN_METRIC } Turn;

static const struct {
    const char *from, *to;
    Turn turn;
} turns[] = {
    {"at_ms", "at", TURN_MOMENT},
    {"created_ms", "created_at", TURN_MOMENT},
    {"updated_ms", "updated_at", TURN_MOMENT},
    {"due_ms", "due_at", TURN_MOMENT},
    {"since_ms", "since", TURN_MOMENT},
    {"until_ms", "until", TURN_MOMENT},
    {"target_ms", "target", TURN_LENGTH},
    {"elapsed_ms", "elapsed", TURN_LENGTH},
    {"status", "status", TURN_STATUS},
    {"metric", "metric", TURN_METRIC},
};

static const struct {
    const char *code, *zh, *en;
} words[] = {
    {"new", "新建", "new"},
    {"assigned", "已分配", "assigned"},
    {"in_progress", "处理中", "in progress"},
    {"pending", "等待客户", "pending"},
    {"on_hold", "挂起", "on hold"},
    {"solved", "已解决", "solved"},
    {"closed", "已关闭", "closed"},
    {"deleted", "已删除", "deleted"},
    {"merged", "已合并", "merged"},
    {"first_reply", "首次响应", "first reply"},
    {"next_reply", "下次响应", "next reply"},
    {"periodic_update", "定期更新", "periodic update"},
    {"ack", "确认", "acknowledgement"},
    {"stage_new", "新建阶段", "stage new"},
    {"stage_assigned", "已分配阶段", "stage assigned"},
    {"stage_in_progress", "处理阶段", "stage in progress"},
    {"stage_pending", "等待阶段", "stage pending"},
    {"stage_on_hold", "挂起阶段", "stage on hold"},
    {"requester_wait", "客户等待", "requester wait"},
    {"agent_work", "客服处理", "agent work"},
    {"resolution", "解决", "resolution"},
};

static bool reads_english(const Reader *r) {
    return str_starts(r->language, STR("en"));
}

static Str word_of(const Reader *r, Str code) {
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (str_is(code, words[i].code)) return str(reads_english(r) ? words[i].en : words[i].zh);
    return code;
}

static Str moment_of(const Reader *r, int64_t ms, Arena *arena) {
    char text[25];
    int64_t from, until;
    if (r->zone) ms += zone_offset_ms(r->zone, ms, &from, &until);
    clock_format_ms(ms, text);
    return str(arena_printf(arena, "%.10s %.5s", text, text + 11));
}

static Str length_of(const Reader *r, int64_t ms, Arena *arena) {
    long long minutes = (long long)((ms + MINUTE_MS / 2) / MINUTE_MS);
    bool english = reads_english(r);
    if (minutes < HOUR_MINUTES * 2)
        return str(arena_printf(arena, english ? "%lld min" : "%lld 分钟", minutes));
    if (minutes < 2 * DAY_MINUTES)
        return str(arena_printf(arena, english ? "%lld h %02lld min" : "%lld 小时 %02lld 分钟",
                                minutes / HOUR_MINUTES, minutes % HOUR_MINUTES));
    return str(arena_printf(arena, english ? "%lld d %lld h" : "%lld 天 %lld 小时",
                            minutes / DAY_MINUTES, minutes % DAY_MINUTES / HOUR_MINUTES));
}

static void translate(const Reader *r, TemplateValue *v, Arena *arena) {
    for (size_t i = 0; i < sizeof(turns) / sizeof(*turns); i++) {
        int64_t ms;
        if (!str_is(v->name, turns[i].from)) continue;
        if (turns[i].turn == TURN_STATUS || turns[i].turn == TURN_METRIC) {
            v->text = word_of(r, v->text);
        } else if (str_to_i64(v->text, &ms) == 0) {
            v->text =
                turns[i].turn == TURN_MOMENT ? moment_of(r, ms, arena) : length_of(r, ms, arena);
        } else {
            continue; /* a text already */
        }
        v->name = str(turns[i].to);
        return;
    }
}

void reader_translate(const Reader *r, TemplateValue *values, size_t n, Arena *arena) {
    for (size_t i = 0; i < n; i++) {
        TemplateValue *v = &values[i];
        if (str_is(v->name, "custom")) continue; /* the tenant's own names */
        if (v->members)
            reader_translate(r, (TemplateValue *)v->members, v->members_n, arena);
        else
            translate(r, v, arena);
    }
}
