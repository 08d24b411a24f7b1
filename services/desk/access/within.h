/* Within -- may the one who asks have power over that person? Nobody changes the password, the role
 * or the tokens of somebody who may more than he himself. */
#pragma once

#include "desk/api/request.h"

/* All that a person of this role may and reaches, by the documents. False: there is no such role,
 * or no such person any more. */
bool within_subject(Request *r, int64_t user_id, Str role, Subject *ret);
/* Of herself always; of others only when all of it is within the requester's own. */
bool within_reach(Request *r, int64_t user_id, Str role);
