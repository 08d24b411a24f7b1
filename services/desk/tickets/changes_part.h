/* Changes part -- the stores by which the desk changes tickets, and who gathers for them. */
#pragma once

#include "desk/desk.h"

extern const DeskPart changes_part;
