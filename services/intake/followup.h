/* Followup -- may this submission continue that ticket? Pure.
 *
 * Only a closed ticket is continued; one that is open is answered instead. A sender reaches what
 * came in through its own source, and what the same requester asked for before; with the right to
 * place tickets it reaches every one of its tenant. What it does not reach is, to it, not there. */
#pragma once

#include "intake/submission_form.h"
#include "store/followups.h"

typedef struct FollowupSender {
    int64_t source_id;
    bool may_place;
    Str contact_hash; /* of the requester it names */
} FollowupSender;

/* True, or false with the reason in *problems. source->known. */
bool followup_check(const FollowupSource *source, const FollowupSender *sender, Arena *arena,
                    FormNotes *problems);
