/* POST /api/v2/users, for whoever makes users otherwise (api/inside.h). */
#pragma once

#include "desk/api/request.h"

void user_create(Request *r);
