#include "sla/story.h"

#include <errno.h>

bool story_is_new(const Story *s) {
    return !s->known_seq && s->rows && s->rows->event->seq == 1;
}

/* Whatever cannot be told from here the ledger knows. */
static void tell(Story *s) {
    bool news = false;
    for (const FollowedRow *row = s->rows; row; row = row->next) {
        int told = ticket_life_tell(s->life, row->event);
        if (told == -EALREADY) continue;
        if (told < 0) {
            s->life = ticket_life_free(s->life);
            s->fate = STORY_LEDGER;
            return;
        }
        news = true;
    }
    s->fate = news ? STORY_TOLD : STORY_OLD;
}

void story_begin(Story *s, const JudgedTenant *tenant) {
    const Event *first = s->rows->event;
    if (tenant && first->created_ms < tenant->since_ms) {
        s->fate = STORY_LEDGER; /* other documents held when it began, or may have */
        return;
    }
    s->life = ticket_life_new(false, tenant ? tenant->catalog : NULL);
    tell(s);
}

void story_go_on(Story *s, const Kept *kept, const JudgedTenant *tenant) {
    if (kept->over) {
        s->fate = followed_rows_last(s->rows) > kept->seq ? STORY_LEDGER : STORY_GONE;
        return;
    }
    /* Other promises held since, and be it that they have gone again; or another release wrote it.
     */
    if (!tenant_holds(tenant, kept->revision) ||
        ticket_life_unpack(kept->state, tenant ? tenant->catalog : NULL, &s->life) < 0) {
        s->life = NULL;
        s->fate = STORY_LEDGER;
        return;
    }
    tell(s);
}

void story_settle(Story *s, Buf *scratch, Arena *arena) {
    const Catalog *c = ticket_life_catalog(s->life);
    s->kept = (Kept){.seq = ticket_life_seq(s->life),
                     .revision = c ? catalog_revision(c) : 0,
                     .over = ticket_life_over(s->life)};
    if (s->kept.over) return;
    buf_clear(scratch);
    ticket_life_pack(s->life, scratch);
    s->kept.state = arena_str(arena, buf_str(scratch));
}
