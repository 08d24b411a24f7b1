/* What the files of one decision share: the draft of an edit. */
#pragma once

#include "desk/tickets/change.h"

typedef struct Draft {
    const ChangeActor *a;
    const ChangeTicket *t;
    const TicketRow *row;
    Arena *arena;
    Change *out;
    TicketEdit *e;
    Invalid *bad;
    RightSet needs;
    Str kind, category; /* as the change leaves them */
    int64_t form_id;
    const cJSON *custom_fields; /* likewise; NULL: none */
    Buf personal;               /* sealed originals of fields and note: elements, with commas */
    Buf comment_personal;
    bool sealing_failed;
    bool replies; /* writes to the customer */
    Str reply;    /* that in plain text */
    const char *why;
    Str why_more; /* further members of the reason, each with a comma ahead */
    bool above_capacity;
    bool note_missed; /* said already */
} Draft;

/* Reads like this: reached at all, not deleted, not closed. VERDICT_EDIT: go on. */
ChangeVerdict draft_begin(Draft *d, const ChangeActor *a, const ChangeTicket *t, Arena *arena,
                          Change *out);
/* Closed or merged: then refused, with words. */
bool draft_is_over(const TicketRow *t);
ChangeVerdict draft_refuse_closed(Draft *d);
/* Rights, standards, and the reason; the verdict. */
ChangeVerdict draft_end(Draft *d);

bool draft_blank(Str text); /* nothing but blanks, tabs and line ends */
/* 1 and *ret; 0 when absent; -EINVAL with an entry. null counts as absent, "" as a text. */
int draft_text(Draft *d, const cJSON *object, const char *key, const char *field, size_t bytes_max,
               Str *ret);
int draft_id(Draft *d, const cJSON *object, const char *key, const char *field, int64_t *ret,
             bool *ret_null);
/* `text` with its personal numbers masked; the original goes sealed into *list under `field`. */
Str draft_mask(Draft *d, Str field, Str text, Buf *list);
void draft_seal(Draft *d, Str field, Str clear, Buf *list);

/* change_fields.c */
void draft_facts(Draft *d, const cJSON *ticket); /* subject, priority, kind ... form */
void draft_tags(Draft *d, ChangeTags how, const cJSON *tags);
void draft_tag_members(Draft *d, const cJSON *ticket);   /* tags, additional_tags, remove_tags */
void draft_custom_fields(Draft *d, const cJSON *ticket); /* after draft_facts() */

/* change_people.c */
void draft_people(Draft *d, const cJSON *ticket); /* collaborators, followers */

/* change_comment.c */
void draft_comment(Draft *d, const cJSON *comment);
void draft_note(Draft *d, Str text, bool demanded); /* a handover note, shown as an internal one */

/* change_place.c */
void draft_place(Draft *d, const cJSON *ticket); /* status, group, assignee; after the comment */
/* To this group and person, 0: nobody, in this state; checked. `said`: the state was asked for. */
void draft_move(Draft *d, TicketStatus to, int64_t group_id, int64_t assignee_id, ActorKind by);
const Agent *draft_agent(const Draft *d, int64_t id);
bool agent_in(const Agent *agent, int64_t group_id);
bool draft_is_full(const Draft *d, int64_t agent_id); /* one more were above her capacity */
bool draft_on_duty(const Draft *d, int64_t agent_id);
