/* Surface -- every family's table: each is defined by its family and named in surface.c. */
#pragma once

#include "desk/api/routes.h"

extern const RouteTable *const surface[]; /* NULL behind the last */
