/* ZoneShelf -- time zones by name, read once and kept; and which name was meant. */
#pragma once

#include "promise/zone.h"

typedef struct ZoneShelf ZoneShelf;

ZoneShelf *zone_shelf_new(void);
ZoneShelf *zone_shelf_free(ZoneShelf *s); /* accepts NULL, returns NULL */
/* NULL: there is no such zone. It stays until the shelf goes. */
const Zone *zone_shelf_find(ZoneShelf *s, Str name);
/* The name of a zone that is fewest edits away, letters' case apart; NULL: none is near. */
const char *zone_shelf_nearest(ZoneShelf *s, Str name);
