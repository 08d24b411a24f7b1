/* Part -- what desk.c starts of this folder. */
#pragma once

#include "desk/desk.h"

extern const DeskPart follower_part;
