#include "analytics/keeping/story.h"

#include <assert.h>
#include <errno.h>

void story_reset(Story *s) {
    record_done(&s->record);
    s->fate = STORY_UNREAD;
    s->kept_seq = 0;
    s->hours = NULL;
    s->told = 0;
    s->tallies_n = 0;
}

static void tally(Story *s, const Tally *t, Arena *arena) {
    if (!t->adds) return;
    if (s->tallies_n == s->tallies_room) {
        size_t room = s->tallies_room ? s->tallies_room * 2 : 4;
        Tally *more = arena_alloc(arena, room * sizeof(*more));
        if (s->tallies_n) memcpy(more, s->tallies, s->tallies_n * sizeof(*more));
        s->tallies = more;
        s->tallies_room = room;
    }
    assert(s->tallies);
    const Tally *last = s->tallies_n ? &s->tallies[s->tallies_n - 1] : NULL;
    Str category = last && str_eq(last->category, t->category) ? last->category
                                                               : arena_str(arena, t->category);
    s->tallies[s->tallies_n++] = (Tally){t->starts_ms, t->adds, category};
}

static bool has_newer(const Story *s, int32_t seq) {
    return s->wanted > seq || followed_rows_last(s->rows) > seq;
}

/* Whatever cannot be told from here the ledger knows. */
static void tell(Story *s, Arena *arena) {
    for (const FollowedRow *row = s->rows; row; row = row->next) {
        Tally t;
        int told = record_tell(&s->record, row->event, &t);
        if (told == -EALREADY) continue;
        if (told < 0) {
            s->fate = STORY_LEDGER;
            return;
        }
        tally(s, &t, arena);
    }
    s->fate = s->wanted > s->record.sheet->seq ? STORY_LEDGER : STORY_TOLD;
}

/* May the first row be told by the documents at hand? */
static bool begins_here(const Story *s, const JudgedTenant *tenant) {
    const Event *first = s->rows ? s->rows->event : NULL;
    return first && first->seq == 1 && (!tenant || first->created_ms >= tenant->since_ms);
}

static bool unpack(Story *s, const Kept *kept, const JudgedTenant *tenant) {
    return kept->life.p && tenant_holds(tenant, kept->revision) &&
           ticket_life_unpack(kept->life, tenant ? tenant->catalog : NULL, &s->record.life) == 0 &&
           fact_sheet_unpack(kept->sheet, &s->record.sheet) == 0;
}

void story_go_on(Story *s, const Kept *kept, const JudgedTenant *tenant, bool newest,
                 Arena *arena) {
    s->kept_seq = kept->seq;
    s->fate = STORY_LEDGER;
    if (!has_newer(s, kept->seq)) {
        s->fate = STORY_OLD;
    } else if (!newest) {
        return;
    } else if (!kept->seq && begins_here(s, tenant)) {
        s->record.sheet = fact_sheet_new();
        s->record.life = ticket_life_new(false, tenant ? tenant->catalog : NULL);
        tell(s, arena);
    } else if (kept->seq && unpack(s, kept, tenant)) {
        tell(s, arena);
    }
    if (s->fate != STORY_LEDGER) return;
    record_done(&s->record);
    s->tallies_n = 0;
}

void story_follow(void *arg, const TicketLife *life, const Event *row, bool told) {
    StoryTold *t = arg;
    Story *s = t->story;
    Tally adds;
    if (!told) {
        s->hours = ticket_life_hours(life);
        return;
    }
    if (s->told < 0) return;
    if (!s->record.sheet) s->record.sheet = fact_sheet_new();
    s->told = record_follow(s->record.sheet, life, row, s->hours, &adds);
    if (s->told == 0 && row->seq > s->kept_seq) tally(s, &adds, t->arena);
}
