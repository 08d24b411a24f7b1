/* Zones -- the system's time zones by name: the one thing that documents need from outside, read
 * from /usr/share/zoneinfo (or $TZDIR) when a calendar names it. */
#pragma once

#include "promise/zone.h"

/* NULL: no such zone, or its file cannot be read. */
Zone *zones_read(Str name);
