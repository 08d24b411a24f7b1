/* Group -- one of the documents' groups, and who is in which, as they are shown. */
#pragma once

#include "desk/api/request.h"

void group_write(Request *r, const Group *g, Buf *ret);
