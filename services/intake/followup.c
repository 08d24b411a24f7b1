#include "intake/followup.h"

static bool reaches(const FollowupSource *source, const FollowupSender *sender) {
    if (!source->id) return false;
    return sender->may_place || source->source_id == sender->source_id ||
           (source->contact_hash.n && str_eq(source->contact_hash, sender->contact_hash));
}

bool followup_check(const FollowupSource *source, const FollowupSender *sender, Arena *arena,
                    FormNotes *problems) {
    static const Str field = STR("via_followup_source_id");
    long long id = (long long)source->id;
    if (!reaches(source, sender))
        form_note(problems, arena, field, "InvalidValue",
                  "没有这张工单 (is no ticket that this token reaches)",
                  "send the id of a closed ticket, or leave it out");
    else if (source->status == TICKET_MERGED)
        form_note(problems, arena, field, "InvalidValue",
                  "工单已合并到另一张 (that ticket was merged into another one)",
                  "send the id of the other one once it is closed, or leave it out");
    else if (source->status != TICKET_CLOSED)
        form_note(problems, arena, field, "InvalidValue",
                  arena_printf(arena, "工单尚未结案 (that ticket is %s, not closed)",
                               ticket_status_name(source->status)),
                  arena_printf(arena, "answer it instead: PUT /api/v2/tickets/%lld", id));
    else
        return true;
    return false;
}
