/* Routes -- the desk's whole surface on one screen: each family of resources exports one table of
 * Route, api/routes.c lists the tables. */
#pragma once

#include "desk/api/request.h"

typedef enum RouteFlag {
    ROUTE_JSON = 1,     /* takes a JSON object as its body: 400 without, 415 for another type */
    ROUTE_OPEN = 2,     /* anybody may ask; the subject may be nobody */
    ROUTE_TICKET = 4,   /* ids[0] is a ticket. A handler that finds none answers
                           answer_not_found() before it has changed anything; the frame then
                           follows aliases and waits for an id that was only just given out
                           (api/waiting.c), and calls the handler once more with what came of it */
    ROUTE_RAW = 8,      /* body is whatever it is (uploads) */
    ROUTE_CUSTOMER = 16 /* customers may ask too; without it they get 403 */
} RouteFlag;

typedef struct Route {
    const char *method;
    const char *path; /* "/api/v2/tickets/{id}/comments": {id} a positive integer, {name} one
                         segment; matches with and without ".json" */
    Right right;      /* needed at least, on no particular ticket; RIGHTS: none */
    unsigned flags;
    void (*handle)(Request *r);
} Route;

typedef struct RouteTable {
    const char *family; /* "tickets": label of the metrics */
    const Route *routes;
    size_t n;
} RouteTable;

struct Router *routes_new(Desk *d); /* every table, compiled */
struct Router *routes_free(struct Router *r);
void routes_handle(HttpExchange *x, void *desk); /* the server's HttpHandler */
/* For the matrix test and the OpenAPI check: every route, a line each "METHOD path right flags". */
void routes_print(Buf *ret);
