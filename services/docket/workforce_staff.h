/* WorkforceStaff -- whom to play: asked from the desk with an administrator's token, before the
 * play begins. */
#pragma once

#include "docket/workforce_play.h"

typedef struct Staff {
    PlayAgent *agents;
    size_t agents_n;
    int64_t *groups;
    size_t groups_n;
    Buf texts; /* what the agents' slices point into */
} Staff;

void staff_done(Staff *s);

/* At most `most` agents in the order of their numbers, each with a token of her own that ends an
 * hour after the run. -EINVAL or -EIO with a sentence in *ret_problem. */
int staff_hire(const char *url, Str administrator, size_t most, int64_t seconds, Staff *ret,
               Buf *ret_problem);
/* "NAME PASSWORD" a line: they sign in themselves. */
int staff_read(const char *file, size_t most, Staff *ret, Buf *ret_problem);
