/* Zone -- how far local wall time is ahead of UTC, at any instant. Pure: the caller reads the file.
 *
 * Source: RFC 8536 (TZif, version 2 and later) and the POSIX TZ rule in its footer, which holds
 * behind the last transition of the table. Worked out up to the year 2200. */
#pragma once

#include <stdint.h>

#include "base/memory.h"
#include "base/text.h"

typedef struct Zone Zone;

/* `tzif` is the content of /usr/share/zoneinfo/<name>; nothing of it is kept. NULL with a sentence
 * in *ret_problem (may be NULL) when it is no such file. */
Zone *zone_parse(Str tzif, Buf *ret_problem);
Zone *zone_free(Zone *z); /* accepts NULL, returns NULL */
DEFINE_FREEP(Zone, zone)

/* May it name a file below the zone directory? "Asia/Shanghai", "UTC": letters, digits, _ + - and
 * single slashes, no dots. */
bool zone_name_ok(Str name);

/* Milliseconds to be added to UTC at this instant; they hold in [*ret_from, *ret_until). */
int64_t zone_offset_ms(const Zone *z, int64_t utc_ms, int64_t *ret_from, int64_t *ret_until);
