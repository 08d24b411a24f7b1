/* Bearer and Basic EMAIL/token:TOKEN, by access.find_token(). */
#include "desk/access/authenticate.h"

#include "desk/desk.h"
#include "http/credentials.h"

typedef struct Asking {
    Request *request;
    void (*done)(Request *r, AuthVerdict verdict);
} Asking;

static void on_token(void *arg, TokenVerdict verdict, const Principal *principal) {
    Asking *a = arg;
    Request *r = a->request;
    if (verdict == TOKEN_UNSURE) {
        a->done(r, AUTH_UNSURE);
        return;
    }
    if (verdict == TOKEN_UNKNOWN || principal->source_id) {
        a->done(r, AUTH_REFUSED);
        return;
    }
    r->token_id = principal->token_id;
    r->role = STR("administrator");
    r->subject = (Subject){.tenant_id = principal->tenant_id,
                           .like = ROLE_ADMINISTRATOR,
                           .rights = ((RightSet)1 << RIGHTS) - 1,
                           .reach = {.all_groups = true}};
    a->done(r, AUTH_KNOWN);
}

void authenticate(Request *r, void (*done)(Request *r, AuthVerdict verdict)) {
    Str header = http_header(r->exchange, "Authorization"), token;
    if (!header.p) {
        done(r, AUTH_NOBODY);
        return;
    }
    if (credentials_token(header, r->arena, &token) < 0) {
        done(r, AUTH_REFUSED);
        return;
    }
    Asking *a = arena_alloc(r->arena, sizeof(*a));
    *a = (Asking){r, done};
    tokens_check(r->desk->tokens, token, on_token, a);
}
