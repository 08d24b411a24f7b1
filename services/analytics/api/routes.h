/* Routes -- the whole surface of docket-analytics: each folder with something to ask for exports
 * one table of routes, api/surface.c lists the tables. Asked with GET (and HEAD) only. */
#pragma once

#include "analytics/api/ask.h"

typedef struct ApiRoute {
    const char *path; /* "/api/v1/reports/{name}": {name} is one segment; ".json" may follow any */
    Right right;      /* needed at least; RIGHTS: none. Customers are refused everywhere */
    void (*handle)(Ask *a);
} ApiRoute;

typedef struct ApiTable {
    const char *family; /* "reports": label of the metrics */
    const ApiRoute *routes;
    size_t n;
} ApiTable;

extern const ApiTable *const api_surface[]; /* up to NULL */

void routes_handle(HttpExchange *x, void *analytics); /* the server's HttpHandler */
/* "GET path right family" a line: for whoever compares a document with what is there. */
void routes_print(Buf *ret);
