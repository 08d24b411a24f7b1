/* WorkforceStaff -- whom to play: asked from the desk with an administrator's token, before the
 * play begins. */
#pragma once

#include "docket/workforce_play.h"

typedef struct Staff {
    PlayAgent *agents;
    size_t agents_n;
    int64_t *groups;
    size_t groups_n;
    int64_t *tokens; /* ids of those that were made for them */
    size_t tokens_n;
    Buf texts; /* what the agents' slices point into */
} Staff;

void staff_done(Staff *s);

/* At most `most` agents in the order of their numbers, each with a token of her own, for a day.
 * -EINVAL or -EIO with a sentence in *ret_problem; what was made by then is to be dismissed. */
int staff_hire(const char *url, Str administrator, size_t most, Staff *ret, Buf *ret_problem);
/* Revokes the tokens. */
void staff_dismiss(const char *url, Str administrator, Staff *s);
/* "NAME PASSWORD" a line: they sign in themselves. */
int staff_read(const char *file, size_t most, Staff *ret, Buf *ret_problem);
