/* The desk's whole surface: one line a family; its routes stand at the end of the file named. */
#include "desk/api/surface.h"

extern const RouteTable ticket_reading_routes; /* tickets/read.c */

const RouteTable *const surface[] = {
    &ticket_reading_routes,
    NULL,
};
