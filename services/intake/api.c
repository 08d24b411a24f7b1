/* Api -- URL and method to handler. Everything else is 404, or 405 with Allow. */
#include "intake/api.h"

#include "intake/acceptance.h"
#include "intake/answer.h"
#include "intake/counts.h"

typedef struct Route {
    Str path;
    const char *method;
    void (*serve)(Gate *gate, HttpExchange *x);
} Route;

static const Route routes[] = {
    {STR("/api/v2/tickets.json"), "POST", acceptance_begin},
    {STR("/api/v2/tickets"), "POST", acceptance_begin},
};

static void refuse(HttpExchange *x, int status, const char *reason, const char *error,
                   const char *description) {
    CLEANUP(buf_done) Buf body = {0};
    answer_error(&body, error, str(description));
    count_refusal(reason);
    count_answer(status);
    http_answer(x, status, "application/json; charset=utf-8", buf_str(&body));
}

void api_serve(HttpExchange *x, void *arg) {
    Gate *gate = arg;
    Str path = http_path(x);
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
        if (!str_eq(path, routes[i].path)) continue;
        if (str_is(http_method(x), routes[i].method)) {
            routes[i].serve(gate, x);
            return;
        }
        http_answer_header(x, "Allow", routes[i].method);
        refuse(x, 405, "method", "MethodNotAllowed", "Send POST to create a ticket");
        return;
    }
    refuse(x, 404, "path", "InvalidEndpoint", "Not found; tickets are created at /api/v2/tickets");
}
