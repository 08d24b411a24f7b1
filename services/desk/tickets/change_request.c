/* What customers do with their own tickets. */
#include "desk/tickets/change_internal.h"
#include "json/json.h"

/* To whom a ticket comes back: to her who had it, when she is there, else to the queue. */
static void come_back(Draft *d, TicketStatus to) {
    const Agent *agent = draft_agent(d, d->row->assignee_id);
    bool hers = agent && draft_on_duty(d, agent->id) &&
                (!d->row->group_id || agent_in(agent, d->row->group_id));
    if (hers)
        draft_move(d, to, d->row->group_id, agent->id, ACTOR_REQUESTER);
    else
        draft_move(d, TICKET_NEW, d->row->group_id, 0, ACTOR_REQUESTER);
}

static void solve(Draft *d) {
    if (d->row->status == TICKET_NEW) {
        invalid_add(d->bad, "status", "InvalidValue",
                    "还没有客服受理，暂时不能标记为已解决 (nobody has taken it yet; it cannot be "
                    "solved)");
        return;
    }
    d->why = d->row->status == TICKET_SOLVED ? "confirmed" : "solved_by_requester";
    draft_move(d, d->row->status == TICKET_SOLVED ? TICKET_CLOSED : TICKET_SOLVED, d->row->group_id,
               d->row->assignee_id, ACTOR_REQUESTER);
}

ChangeVerdict change_request(const ChangeActor *a, const ChangeTicket *t, const cJSON *request,
                             Arena *arena, Change *ret) {
    Draft d;
    bool solved = false;
    ChangeVerdict verdict = draft_begin(&d, a, t, arena, ret);
    if (verdict != VERDICT_EDIT) return verdict;
    d.e->actor_kind = ACTOR_REQUESTER;
    if (d.row->status >= TICKET_CLOSED) {
        invalid_add(
            d.bad, "status", "InvalidValue",
            "工单已结案；如仍需帮助，请提交新的工单，并注明 via_followup_source_id: %lld (the "
            "ticket is closed; send a new one that names it: POST /api/v2/tickets with "
            "via_followup_source_id %lld)",
            (long long)d.row->id, (long long)d.row->id);
        return VERDICT_INVALID;
    }
    if (json_get_bool(request, "solved", &solved) < 0)
        invalid_add(d.bad, "solved", "InvalidValue", "solved 要填 true 或 false (true or false)");
    draft_comment(&d, cJSON_GetObjectItemCaseSensitive(request, "comment"));
    d.e->comment.is_public = true; /* customers write nothing else */
    d.e->comment.mentions = (Str){NULL, 0};
    if (d.e->comment.present) {
        d.needs |= right_bit(RIGHT_TICKETS_REPLY);
        d.why = "requester_replied";
    }
    if (solved) {
        solve(&d);
    } else if (d.e->comment.present && d.row->status == TICKET_PENDING) {
        come_back(&d, TICKET_IN_PROGRESS);
    } else if (d.e->comment.present && d.row->status == TICKET_SOLVED) {
        d.why = "reopened";
        come_back(&d, TICKET_ASSIGNED);
    }
    return draft_end(&d);
}

ChangeVerdict change_satisfaction(const ChangeActor *a, const ChangeTicket *t, const cJSON *rating,
                                  Arena *arena, Change *ret) {
    Draft d;
    Str score = {NULL, 0}, comment = {NULL, 0};
    ChangeVerdict verdict = draft_begin(&d, a, t, arena, ret);
    if (verdict != VERDICT_EDIT) return verdict;
    d.e->actor_kind = ACTOR_REQUESTER;
    d.why = "rated";
    if (a->who->user_id != d.row->requester_id) {
        ret->reason = "只有提交工单的客户可以评价 (only its requester may rate a ticket)";
        return VERDICT_FORBIDDEN;
    }
    if (d.row->status == TICKET_MERGED)
        invalid_add(d.bad, "satisfaction_rating", "InvalidValue",
                    "工单已合并，请评价合并后的工单 (the ticket was merged; rate the other one)");
    else if (d.row->status != TICKET_SOLVED && d.row->status != TICKET_CLOSED && !t->was_solved)
        invalid_add(d.bad, "satisfaction_rating", "InvalidValue",
                    "工单解决之后才能评价 (a ticket can be rated once it was solved)");
    if (draft_text(&d, rating, "score", "score", 16, &score) >= 0 && !str_is(score, "good") &&
        !str_is(score, "bad"))
        invalid_add(d.bad, "score", "InvalidValue", "评价只能是 good 或 bad (good or bad)");
    (void)draft_text(&d, rating, "comment", "comment", CHANGE_NOTE_BYTES, &comment);
    d.e->satisfaction = score;
    if (!str_eq(score, t->row.satisfaction)) d.e->sets |= EDIT_SATISFACTION;
    if (!draft_blank(comment)) d.e->note = draft_mask(&d, STR("note"), comment, &d.personal);
    return draft_end(&d);
}
