/* Both sides of a merge. */
#include "desk/tickets/change_internal.h"
#include "json/json.h"

static void say(Draft *d, const cJSON *given, const char *what_happened) {
    CLEANUP(buf_done) Buf json = {0};
    cJSON *own = NULL;
    if (!given) {
        buf_adds(&json, "{\"public\":false,\"body\":");
        buf_add_json(&json, str(what_happened));
        buf_addc(&json, '}');
        if (json_parse_in(d->arena, buf_str(&json), NULL, &own, NULL) < 0) return;
    }
    draft_comment(d, given ? given : own);
}

/* What is merged must lead somewhere that goes on, and that she may merge into. */
static void check_target(Draft *d, const ChangeMerge *m) {
    const TicketRow *into = d->t->other;
    TicketScope scope = into ? ticket_row_scope(into) : (TicketScope){0};
    if (m->into == d->row->id)
        invalid_add(d->bad, "ids", "InvalidValue",
                    "工单不能并入自己 (a ticket cannot be merged into itself)");
    else if (!into || into->status == TICKET_DELETED ||
             rights_decide(d->a->who, RIGHT_TICKETS_MERGE, &scope, NULL) != RIGHTS_YES)
        invalid_add(d->bad, "base", "InvalidValue", "没有要并入的工单 (no ticket to merge into)");
    else if (draft_is_over(into))
        invalid_add(d->bad, "base", "InvalidValue",
                    "要并入的工单已结案 (the ticket to merge into is closed)");
}

ChangeVerdict change_merge_source(const ChangeActor *a, const ChangeTicket *t, const ChangeMerge *m,
                                  Arena *arena, Change *ret) {
    Draft d;
    ChangeVerdict verdict = draft_begin(&d, a, t, arena, ret);
    if (verdict != VERDICT_EDIT) return verdict;
    d.needs |= right_bit(RIGHT_TICKETS_MERGE);
    d.why = "merged";
    d.why_more = str(arena_printf(arena, ",\"into\":%lld", (long long)m->into));
    check_target(&d, m);
    if (ticket_status_is_open(d.row->status))
        draft_move(&d, TICKET_MERGED, d.row->group_id, d.row->assignee_id, ACTOR_AGENT);
    else
        invalid_add(d.bad, "status", "InvalidValue",
                    "只有未解决的工单可以合并 (only a ticket that is not solved can be merged)");
    say(&d, m->comment,
        arena_printf(arena, "已合并到工单 #%lld (merged into ticket #%lld)", (long long)m->into,
                     (long long)m->into));
    return draft_end(&d);
}

static Str listed(Arena *arena, const int64_t *ids, size_t n, const char *between) {
    CLEANUP(buf_done) Buf list = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&list, "%s%lld", i ? between : "", (long long)ids[i]);
    return arena_str(arena, buf_str(&list));
}

ChangeVerdict change_merge_target(const ChangeActor *a, const ChangeTicket *t, const ChangeMerge *m,
                                  Arena *arena, Change *ret) {
    Draft d;
    ChangeVerdict verdict = draft_begin(&d, a, t, arena, ret);
    if (verdict != VERDICT_EDIT) return verdict;
    if (draft_is_over(d.row)) return draft_refuse_closed(&d);
    d.needs |= right_bit(RIGHT_TICKETS_MERGE);
    d.why = "merged_from";
    d.why_more = str(arena_printf(arena, ",\"tickets\":[%.*s]",
                                  STR_ARG(listed(arena, m->merged, m->merged_n, ","))));
    if (!m->merged_n)
        invalid_add(d.bad, "ids", "InvalidValue", "没有工单被合并进来 (no ticket was merged)");
    Str names = listed(arena, m->merged, m->merged_n, "、#");
    say(&d, m->comment,
        arena_printf(arena, "工单 #%.*s 已合并到此工单 (merged into this ticket)", STR_ARG(names)));
    return draft_end(&d);
}
