/* Instants -- how people name one in a query; see request.h. Pure. */
#pragma once

#include "promise/zone.h"

/* 0 or -EINVAL. */
int instant_parse(Str text, const Zone *zone, int64_t now_ms, int64_t *ret_ms);
/* "2026-11-01T08:00:00+08:00", appended. */
void instant_write(int64_t utc_ms, const Zone *zone, Buf *ret);
