/* Tokens are secrets; what is kept of one is its principal. */
#include "store/tokens.h"

#include "store/secrets.h"

enum { CHANNELS_MAX = 32 };

static const PostgresStatement find = {
    "find_tokens",
    "SELECT h.hash, f.tenant_id, f.token_id, f.principal, f.scopes, f.expires_at, f.revoked,"
    " f.source_id, f.channels, f.dedup_by_external_id, f.rate_per_second"
    " FROM unnest($1::bytea[]) h(hash) CROSS JOIN LATERAL access.find_token(h.hash) f"};

typedef struct Token {
    Principal principal; /* first: this is what callers are shown of it */
    int64_t expires_ms;  /* wall clock; 0: never */
    bool revoked;
    char text[]; /* what principal's slices point into */
} Token;

static Str keep(char **at, Str s) {
    char *p = *at;
    if (s.n) memcpy(p, s.p, s.n);
    p[s.n] = 0;
    *at += s.n + 1;
    return (Str){p, s.n};
}

static void *token_read(const PostgresRows *rows, size_t row) {
    Str scopes[CHANNELS_MAX], channels[CHANNELS_MAX];
    size_t scopes_n = rows_text_array(rows, row, 4, scopes, CHANNELS_MAX);
    size_t channels_n = rows_text_array(rows, row, 8, channels, CHANNELS_MAX);
    Str principal = rows_str(rows, row, 3);
    if (scopes_n > CHANNELS_MAX) scopes_n = CHANNELS_MAX;
    if (channels_n > CHANNELS_MAX) channels_n = CHANNELS_MAX;

    size_t bytes = principal.n + 1;
    for (size_t i = 0; i < channels_n; i++)
        bytes += channels[i].n + 1;
    Token *t = xmalloc(sizeof(*t) + bytes);
    char *at = t->text;
    t->revoked = rows_bool(rows, row, 6);
    t->expires_ms = rows_null(rows, row, 5) ? 0 : rows_time_ms(rows, row, 5);
    t->principal = (Principal){
        .tenant_id = rows_int(rows, row, 1),
        .token_id = rows_int(rows, row, 2),
        .source_id = rows_int(rows, row, 7),
        .principal = keep(&at, principal),
        .channels = xcalloc(channels_n ? channels_n : 1, sizeof(Str)),
        .channels_n = channels_n,
        .dedup_by_external_id = rows_bool(rows, row, 9),
        .rate_per_second = (int32_t)rows_int(rows, row, 10),
    };
    for (size_t i = 0; i < channels_n; i++)
        t->principal.channels[i] = keep(&at, channels[i]);
    for (size_t i = 0; i < scopes_n; i++) {
        if (str_is(scopes[i], "tickets:create")) t->principal.may_create = true;
        if (str_is(scopes[i], "tickets:place")) t->principal.may_place = true;
    }
    return t;
}

static void token_free(void *value) {
    Token *t = value;
    free(t->principal.channels);
    free(t);
}

static bool token_good(const void *value, int64_t wall_ms) {
    const Token *t = value;
    return !t->revoked && (!t->expires_ms || wall_ms < t->expires_ms);
}

static const SecretsKind kind = {&find, token_read, token_free, token_good};

Tokens *tokens_new(Loop *loop, const char *postgres_url, const char *application_name,
                   Buf *ret_problem) {
    return secrets_new(loop, &kind, postgres_url, application_name, ret_problem);
}

Tokens *tokens_free(Tokens *t) {
    return secrets_free(t);
}

void tokens_check(Tokens *t, Str token, SecretCallback cb, void *arg) {
    secrets_check(t, token, cb, arg);
}
