/* LifePack -- a Life as some dozen bytes, to be kept between two happenings, and back. Pure.
 *
 * Version 2: varints (LEB128, zigzag where negative), instants relative to the ticket's creation.
 * Histories are not kept: only what the future needs. What is in force (Terms) is not in it either:
 * the caller derives it from documents and ticket again, as they were at the last happening. */
#pragma once

#include "promise/life.h"

void life_pack(const Life *l, Buf *ret); /* appended */
/* A Life without history, or NULL: another version, or not what life_pack() wrote. Every count and
 * length in it is checked: the bytes may come from anywhere. */
Life *life_unpack(Str packed, const Terms *in_force);
