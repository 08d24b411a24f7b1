/* Comments -- the conversation of ticket r->ids[0], page by page. */
#pragma once

#include "desk/api/request.h"

void comments_answer(Request *r, bool public_only);
