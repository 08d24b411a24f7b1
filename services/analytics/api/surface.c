/* What can be asked for; the tables stand at the end of the files named. */
#include "analytics/api/routes.h"

/* One a line, so that two new ones do not collide. */
/* clang-format off */
extern const ApiTable report_routes;  /* reports/handlers.c */
extern const ApiTable finding_routes; /* radar/findings.c */
extern const ApiTable board_routes;   /* board/board.c */

const ApiTable *const api_surface[] = {
    &report_routes,
    &finding_routes,
    &board_routes,
    NULL,
};
/* clang-format on */
