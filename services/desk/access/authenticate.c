/* From a header or a cookie to a subject. */
#include "desk/access/authenticate.h"

#include "access/credential.h"
#include "base/clock.h"
#include "desk/access/access.h"
#include "desk/access/basic.h"
#include "desk/access/sessions.h"
#include "desk/api/routes.h"
#include "http/credentials.h"

typedef struct Asking {
    Request *request;
    void (*done)(Request *r, AuthVerdict verdict);
    Str secret; /* of a session */
} Asking;

static bool admit(Request *r, const Credential *c) {
    const Catalog *catalog = configuration_catalog(r->desk->configuration, c->tenant_id);
    if (!credential_subject(c, catalog, r->arena, &r->subject, &r->role)) return false;
    if (c->session)
        r->session_id = c->id;
    else
        r->token_id = c->id;
    return true;
}

static void on_token(void *arg, SecretVerdict verdict, const void *value) {
    Asking *a = arg;
    const Credential *c = value;
    if (verdict == SECRET_UNSURE)
        a->done(a->request, AUTH_UNSURE);
    else if (verdict == SECRET_UNKNOWN || c->session || !admit(a->request, c))
        a->done(a->request, AUTH_REFUSED); /* a session's secret is no token */
    else
        a->done(a->request, AUTH_KNOWN);
}

static bool changes_nothing(Request *r) {
    Str method = http_method(r->exchange);
    return str_is(method, "GET") || str_is(method, "HEAD");
}

static bool csrf_is_right(Request *r, Str secret) {
    char wanted[44];
    access_csrf(secret, wanted);
    Str shown = http_header(r->exchange, "X-CSRF-Token");
    if (shown.n != 43) return false;
    unsigned char wrong = 0;
    for (size_t i = 0; i < 43; i++)
        wrong |= (unsigned char)(wanted[i] ^ shown.p[i]);
    return !wrong;
}

static void on_session(void *arg, SecretVerdict verdict, const void *value) {
    Asking *a = arg;
    Request *r = a->request;
    const Credential *c = value;
    bool open = r->route->flags & ROUTE_OPEN;
    if (verdict == SECRET_UNSURE) {
        a->done(r, AUTH_UNSURE);
        return;
    }
    /* A cookie that is over is what browsers send anyway: nobody's, not somebody's wrong one. */
    if (verdict == SECRET_UNKNOWN || !c->session) {
        a->done(r, AUTH_NOBODY);
        return;
    }
    if (!changes_nothing(r) && !csrf_is_right(r, a->secret)) {
        a->done(r, open ? AUTH_NOBODY : AUTH_FORBIDDEN);
        return;
    }
    if (!admit(r, c)) {
        a->done(r, AUTH_REFUSED);
        return;
    }
    session_seen(r);
    a->done(r, AUTH_KNOWN);
}

void authenticate(Request *r, void (*done)(Request *r, AuthVerdict verdict)) {
    Str header = http_header(r->exchange, "Authorization"), token, email, password;
    Secrets *secrets = r->desk->access->credentials;
    Asking *a = arena_alloc(r->arena, sizeof(*a));
    *a = (Asking){.request = r, .done = done};
    if (!header.p) a->secret = access_cookie(r, "docket_session");
    if ((header.p || a->secret.n) && !configuration_ready(r->desk->configuration)) {
        done(r, AUTH_UNSURE); /* just started: nobody's groups and role are known yet */
    } else if (!header.p) {
        if (a->secret.n && a->secret.n <= CREDENTIALS_TOKEN_BYTES)
            secrets_check(secrets, a->secret, on_session, a);
        else
            done(r, AUTH_NOBODY);
    } else if (credentials_token(header, r->arena, &token) == 0) {
        secrets_check(secrets, token, on_token, a);
    } else if (credentials_password(header, r->arena, &email, &password) == 0) {
        basic_authenticate(r, email, password, done);
    } else {
        done(r, AUTH_REFUSED);
    }
}
