/* Acceptance -- the steps in their order, and nothing else; each decision is a pure file's. */
#include "intake/acceptance.h"

#include <errno.h>

#include "base/clock.h"
#include "base/crash.h"
#include "events/submission.h"
#include "http/credentials.h"
#include "intake/answer.h"
#include "intake/claims.h"
#include "intake/counts.h"
#include "intake/followup.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "json/json.h"

#define JSON_TYPE "application/json; charset=utf-8"

/* What one request may hold besides its body: arena, tree, message, answer. */
enum { REQUEST_BYTES = 8192, BODY_FACTOR = 3 };

typedef struct Acceptance Acceptance;

/* What lives in the exchange's arena, until it is answered. */
typedef struct Work {
    Draft draft;
    FormNotes problems, warnings;
    Submission submission;
    Sealed sealed;
    bool dedup_by_external_id, may_place; /* of the token */
    Str body;                             /* of the 201 */
    Str location;
} Work;

struct Acceptance {
    Acceptances *all;
    HttpExchange *x; /* NULL: answered, and something is still awaited */
    Work *work;
    Claim claim;
    ClaimCall call;
    bool awaiting; /* a token, claim or report will come */
    Lane lane;
    int64_t began_ms;
    size_t bytes;                /* counted against in_flight_bytes */
    Acceptance *before, *behind; /* in `waiting` or in `orphans` */
};

typedef struct Line { /* oldest first */
    Acceptance *first, *last;
    size_t n;
} Line;

struct Acceptances {
    Gate *gate;
    Line waiting;      /* to be answered */
    Line orphans;      /* answered 503; a token, claim or report is still to come */
    Acceptance *spare; /* as many as were ever under way, which in_flight_bytes bounds */
    size_t bytes;
    LoopTimer *timer; /* for the first of `waiting` */
    Buf text;         /* scratch: messages, bodies, problems */
    Metric *in_flight, *in_flight_bytes, *oldest, *oldest_report, *ids_left, *late_reports;
};

/* -- who waits ----------------------------------------------------------------------------------
 */

static void line_add(Line *l, Acceptance *a) {
    a->behind = NULL;
    a->before = l->last;
    if (l->last)
        l->last->behind = a;
    else
        l->first = a;
    l->last = a;
    l->n++;
}

static void line_remove(Line *l, Acceptance *a) {
    if (a->before)
        a->before->behind = a->behind;
    else
        l->first = a->behind;
    if (a->behind)
        a->behind->before = a->before;
    else
        l->last = a->before;
    a->before = a->behind = NULL;
    l->n--;
}

static void on_scrape(void *arg) {
    Acceptances *all = arg;
    int64_t now = clock_monotonic_ms();
    const Acceptance *oldest = all->waiting.first;
    const Acceptance *unreported = all->orphans.first ? all->orphans.first : oldest;
    metric_set(all->in_flight, (double)all->waiting.n);
    metric_set(all->in_flight_bytes, (double)all->bytes);
    metric_set(all->oldest, oldest ? (double)(now - oldest->began_ms) / 1000 : 0);
    metric_set(all->oldest_report, unreported ? (double)(now - unreported->began_ms) / 1000 : 0);
    metric_set(all->ids_left, (double)ids_left(all->gate->ids));
}

static void on_late(void *arg);

Acceptances *acceptances_new(Gate *gate) {
    Acceptances *all = xcalloc(1, sizeof(*all));
    all->gate = gate;
    all->timer = loop_timer_new(gate->loop, on_late, all);
    all->in_flight = metric_gauge("docket_intake_in_flight", "Requests not yet answered.", NULL);
    all->in_flight_bytes =
        metric_gauge("docket_intake_in_flight_bytes",
                     "Memory set aside for requests and submissions under way.", NULL);
    all->oldest = metric_gauge("docket_intake_oldest_unanswered_seconds",
                               "Age of the oldest request not yet answered.", NULL);
    all->oldest_report = metric_gauge("docket_intake_report_lag_seconds",
                                      "Age of the oldest submission without Kafka's report.", NULL);
    all->ids_left = metric_gauge("docket_intake_ids_left", "Ticket ids leased and unused.", NULL);
    all->late_reports =
        metric_counter("docket_intake_late_reports_total",
                       "Submissions reported as stored after their sender was told 503.", NULL);
    metrics_on_scrape(on_scrape, all);
    return all;
}

size_t acceptances_waiting(const Acceptances *all) {
    return all->waiting.n;
}

static void release(Acceptance *a) { /* it is in no line any more */
    Acceptances *all = a->all;
    all->bytes -= a->bytes;
    a->behind = all->spare;
    all->spare = a;
}

static Acceptance *acceptance_new(Acceptances *all, HttpExchange *x, size_t bytes) {
    Acceptance *a = all->spare;
    if (a) {
        all->spare = a->behind;
    } else {
        a = xmalloc(sizeof(*a));
    }
    *a = (Acceptance){.all = all, .x = x, .began_ms = clock_monotonic_ms(), .bytes = bytes};
    all->bytes += bytes;
    line_add(&all->waiting, a);
    if (all->waiting.n == 1) loop_timer_arm(all->timer, all->gate->config->answer_ms);
    return a;
}

/* -- answers ------------------------------------------------------------------------------------
 */

/* Takes the request out of the line and answers it; afterwards `a` is gone, or an orphan. */
static void answer(Acceptance *a, int status, Str body) {
    HttpExchange *x = a->x;
    count_answer(status);
    a->work = NULL;
    a->x = NULL;
    line_remove(&a->all->waiting, a);
    if (a->awaiting)
        line_add(&a->all->orphans, a);
    else
        release(a);
    http_answer(x, status, JSON_TYPE, body);
}

static void answer_refusal(Acceptance *a, int status, const char *reason, const char *error,
                           const char *description) {
    Buf *text = &a->all->text;
    buf_clear(text);
    answer_error(text, error, str(description));
    count_refusal(reason);
    answer(a, status, buf_str(text));
}

/* 503 with Retry-After, spread so that those who were refused together do not return together. */
static void answer_later(Acceptance *a, const char *reason, const char *description) {
    uint8_t dice;
    random_bytes(&dice, 1);
    http_answer_header(a->x, "Retry-After", (const char *[]){"1", "2", "3"}[dice % 3]);
    answer_refusal(a, 503, reason, "ServiceUnavailable", description);
}

Acceptances *acceptances_free(Acceptances *all) {
    if (!all) return NULL;
    while (all->waiting.first) { /* nothing comes any more, and an exchange must be answered */
        all->waiting.first->awaiting = false;
        answer_later(all->waiting.first, "slow", "The gate is stopping; send it again");
    }
    metrics_off_scrape(on_scrape, all);
    loop_timer_free(all->timer);
    for (Acceptance *a = all->orphans.first, *next; a; a = next) {
        next = a->behind;
        free(a);
    }
    for (Acceptance *a = all->spare, *next; a; a = next) {
        next = a->behind;
        free(a);
    }
    buf_done(&all->text);
    free(all);
    return NULL;
}

static void on_late(void *arg) {
    Acceptances *all = arg;
    int64_t limit = all->gate->config->answer_ms;
    int64_t now = clock_monotonic_ms();
    size_t late = 0;
    /* Answering takes it out of the line, which clang-tidy does not see.
     * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    while (all->waiting.first && now - all->waiting.first->began_ms >= limit) {
        answer_later(all->waiting.first, "slow",
                     "Not stored in time; send it again with the same Idempotency-Key");
        late++;
    }
    if (late)
        log_warn(NULL, "%zu requests were answered 503: not through after %lld ms", late,
                 (long long)limit);
    if (all->waiting.first) loop_timer_arm(all->timer, all->waiting.first->began_ms + limit - now);
}

/* -- the steps, last first ----------------------------------------------------------------------
 */

static void on_report(void *arg, int error, int32_t partition, int64_t offset) {
    Acceptance *a = arg;
    (void)partition;
    (void)offset;
    if (error == 0) CRASH_POINT("after-produce");
    a->awaiting = false;
    if (!a->x) {
        if (error == 0) metric_add(a->all->late_reports, 1);
        line_remove(&a->all->orphans, a);
        release(a);
        return;
    }
    if (error) {
        log_warn(ABOUT(a->work->submission.tenant_id, a->work->submission.ticket_id),
                 "Kafka did not store a submission: %s", strerror(-error));
        answer_later(a, "not_stored", "Not stored; send it again with the same Idempotency-Key");
        return;
    }
    http_answer_header(a->x, "Location", a->work->location.p);
    count_acceptance(clock_monotonic_us() - http_started_us(a->x));
    answer(a, 201, a->work->body);
}

static Str joined(Arena *arena, Str a, Str b) {
    char *p = arena_alloc(arena, a.n + b.n + 1);
    memcpy(p, a.p, a.n);
    if (b.n) memcpy(p + a.n, b.p, b.n);
    p[a.n + b.n] = 0;
    return (Str){p, a.n + b.n};
}

static Str base_url(Acceptance *a) {
    const char *configured = a->all->gate->config->public_url;
    if (configured[0]) return str(configured);
    Str host = http_header(a->x, "Host");
    return joined(http_arena(a->x), STR("http://"), host);
}

/* The draft is final: location, body and message are written. */
static void publish(Acceptance *a) {
    Gate *gate = a->all->gate;
    Work *w = a->work;
    Buf *text = &a->all->text;
    Arena *arena = http_arena(a->x);
    Str base = base_url(a);

    buf_clear(text);
    answer_url(text, base, w->submission.ticket_id);
    w->location = arena_str(arena, buf_str(text));
    buf_clear(text);
    answer_created(text, base, &w->submission, &w->sealed, &w->warnings);
    w->body = arena_str(arena, buf_str(text));
    buf_clear(text);
    submission_encode(&w->submission, text);

    int r = publisher_send(gate->publisher, a->lane, buf_str(text), on_report, a);
    if (r == 0) {
        a->awaiting = true;
    } else if (r == -EMSGSIZE) {
        answer_refusal(a, 413, "too_large", "TooLarge",
                       "The ticket is larger than 1 MiB once encrypted; send a shorter one");
    } else {
        answer_later(a, r == -ENOBUFS ? "in_flight" : "kafka",
                     r == -ENOBUFS ? "Too much is under way; send it again later"
                                   : "Nothing can be stored at present; send it again later");
    }
}

static void on_claim(void *arg, ClaimOutcome outcome, const Claim *earlier) {
    Acceptance *a = arg;
    a->awaiting = false;
    if (!a->x) {
        line_remove(&a->all->orphans, a);
        release(a);
        return;
    }
    CRASH_POINT("after-claim");
    Submission *s = &a->work->submission;
    switch (outcome) {
    case CLAIM_OURS:
        count_claim("miss");
        break;
    case CLAIM_UNKNOWN: /* PostgreSQL decides */
        count_claim("unknown");
        break;
    case CLAIM_EARLIER:
        if (memcmp(earlier->fingerprint, a->claim.fingerprint, sizeof(a->claim.fingerprint))) {
            count_claim("other_body");
            answer_refusal(a, 400, "other_body", "IdempotentRequestError",
                           "Request parameters don't match the given idempotency key");
            return;
        }
        count_claim("hit");
        s->ticket_id = earlier->ticket_id;
        s->cause = earlier->cause;
        s->accepted_ms = earlier->accepted_ms;
        break;
    }
    http_answer_header(a->x, "X-Idempotency-Lookup", outcome == CLAIM_EARLIER ? "hit" : "miss");
    publish(a);
}

/* The key that makes this request one ticket; absent: none. 0 or -EINVAL. */
static int key_of(Acceptance *a, Str *ret) {
    Arena *arena = http_arena(a->x);
    Str header = http_header(a->x, "Idempotency-Key");
    Str external = a->work->draft.external_id;
    *ret = (Str){NULL, 0};
    if (header.p) {
        Str key;
        if (credentials_key(header, arena, &key) < 0) return -EINVAL;
        *ret = joined(arena, STR("k:"), key);
    } else if (a->work->dedup_by_external_id && external.p) {
        *ret = joined(arena, STR("x:"), external);
    }
    return 0;
}

static void claim_or_publish(Acceptance *a) {
    Gate *gate = a->all->gate;
    Submission *s = &a->work->submission;
    Str key;
    if (key_of(a, &key) < 0) {
        answer_refusal(a, 400, "key", "InvalidIdempotencyKey",
                       "Idempotency-Key: is not 1 to 255 printable ASCII characters, bare or as a "
                       "quoted string; send a UUID");
        return;
    }
    s->ticket_id = ids_next(gate->ids);
    if (s->ticket_id == 0) {
        answer_later(a, "ids", "No ticket id is at hand; send it again later");
        return;
    }
    s->cause = cause_new();
    s->accepted_ms = clock_wall_ms();
    Str traceparent = http_header(a->x, "traceparent");
    if (!traceparent.p || trace_parse(traceparent.p, traceparent.n, &s->trace) < 0)
        s->trace = trace_new();
    if (!key.p) {
        publish(a);
        return;
    }
    s->idempotency_key = key;
    a->claim = (Claim){.ticket_id = s->ticket_id, .cause = s->cause, .accepted_ms = s->accepted_ms};
    if (vault_hash(gate->vault, s->tenant_id, STR("POST /api/v2/tickets"), http_body(a->x),
                   a->claim.fingerprint) < 0) {
        answer_later(a, "vault", "Cannot encrypt at present; send it again later");
        return;
    }
    s->key_fingerprint = (Str){(const char *)a->claim.fingerprint, sizeof(a->claim.fingerprint)};
    if (claims_take(gate->redis, &a->call, s->tenant_id, s->source_id, key, &a->claim, on_claim,
                    a) == 0)
        a->awaiting = true;
    else
        on_claim(a, CLAIM_UNKNOWN, NULL);
}

static void refuse_form(Acceptance *a, FormVerdict verdict) {
    Buf *text = &a->all->text;
    buf_clear(text);
    if (verdict == FORM_FORBIDDEN) {
        CLEANUP(buf_done) Buf message = {0};
        answer_note(&message, &a->work->problems.items[0]);
        answer_forbidden(text, buf_str(&message));
        count_refusal("placement");
        answer(a, 403, buf_str(text));
        return;
    }
    answer_invalid(text, &a->work->problems);
    count_refusal("field");
    answer(a, 422, buf_str(text));
}

/* The ticket that this one continues. */
static void on_source(void *arg, const FollowupSource *source) {
    Acceptance *a = arg;
    a->awaiting = false;
    if (!a->x) {
        line_remove(&a->all->orphans, a);
        release(a);
        return;
    }
    Work *w = a->work;
    FollowupSender sender = {w->submission.source_id, w->may_place, w->submission.contact_hash};
    if (!source->known) {
        answer_later(a, "followup_unsure",
                     "The ticket that this one continues cannot be looked at; send it again later");
    } else if (!followup_check(source, &sender, http_arena(a->x), &w->problems)) {
        refuse_form(a, FORM_REFUSED);
    } else {
        w->submission.followup_of = source->id;
        claim_or_publish(a);
    }
}

static bool media_type_fits(Str type) {
    Str rest;
    Str kind = str_trim(str_cut(type, ';', &rest));
    return !type.p || str_eq_nocase(kind, STR("application/json"));
}

static void read_body(Acceptance *a, const Principal *p) {
    Gate *gate = a->all->gate;
    Arena *arena = http_arena(a->x);
    Buf *text = &a->all->text;

    if (!media_type_fits(http_header(a->x, "Content-Type")) ||
        http_header(a->x, "Content-Encoding").p) {
        answer_refusal(a, 415, "media_type", "UnsupportedMediaType",
                       "Send Content-Type: application/json, without a Content-Encoding");
        return;
    }
    JsonLimits limits = JSON_LIMITS_DEFAULT;
    limits.bytes = (size_t)gate->config->body_bytes;
    CLEANUP(buf_done) Buf problem = {0};
    cJSON *tree = NULL;
    if (json_parse_in(arena, http_body(a->x), &limits, &tree, &problem) < 0) {
        buf_clear(text);
        answer_error(text, "InvalidJSON", buf_str(&problem));
        count_refusal("json");
        answer(a, 400, buf_str(text));
        return;
    }
    /* A tree may be thirty times its text ("[1,1,1,..."): now that it is known, it counts. */
    size_t tree_bytes = arena_used(arena);
    if (tree_bytes > a->bytes) {
        a->all->bytes += tree_bytes - a->bytes;
        a->bytes = tree_bytes;
        if (a->all->bytes > (size_t)gate->config->in_flight_bytes) {
            answer_later(a, "in_flight", "Too much is under way; send it again later");
            return;
        }
    }
    Work *w = a->work = arena_zalloc(arena, sizeof(*w));
    FormRights rights = {p->channels, p->channels_n, p->may_place};
    FormVerdict verdict =
        submission_form_read(tree, &rights, arena, &w->draft, &w->problems, &w->warnings);
    if (verdict != FORM_ACCEPTED) {
        refuse_form(a, verdict);
        return;
    }
    Sender sender = {p->tenant_id, p->source_id, p->principal};
    int r = sealing_apply(gate->vault, &gate->personal_keys, &sender, &w->draft, arena,
                          &w->submission, &w->sealed);
    if (r == -E2BIG) {
        form_note(&w->problems, arena, STR("custom_fields"), "TooMany",
                  "hold personal data in more than 32 fields", "send fewer");
        refuse_form(a, FORM_REFUSED);
        return;
    }
    if (r < 0) {
        log_error(ABOUT(p->tenant_id, 0), "Cannot encrypt personal data: %s", strerror(-r));
        answer_later(a, "vault", "Cannot encrypt at present; send it again later");
        return;
    }
    w->dedup_by_external_id = p->dedup_by_external_id;
    w->may_place = p->may_place;
    if (!w->submission.followup_of)
        claim_or_publish(a);
    else if (followups_ask(gate->followups, p->tenant_id, w->submission.followup_of, on_source,
                           a) == 0)
        a->awaiting = true;
    else
        answer_later(a, "in_flight", "Too much is under way; send it again later");
}

static void on_token(void *arg, SecretVerdict verdict, const void *value) {
    const Principal *p = value;
    Acceptance *a = arg;
    Gate *gate = a->all->gate;
    a->awaiting = false;
    if (!a->x) {
        line_remove(&a->all->orphans, a);
        release(a);
        return;
    }
    switch (verdict) {
    case SECRET_UNKNOWN:
        http_answer_header(a->x, "WWW-Authenticate", "Bearer, Basic realm=\"Docket\"");
        answer_refusal(a, 401, "token", "Couldn't authenticate you", NULL);
        return;
    case SECRET_UNSURE:
        answer_later(a, "tokens_unsure", "Tokens cannot be checked at present; try again later");
        return;
    case SECRET_KNOWN:
        break;
    }
    if (!p->may_create) {
        Buf *text = &a->all->text;
        buf_clear(text);
        answer_forbidden(text, STR("This token may not create tickets; it lacks the scope "
                                   "tickets:create"));
        count_refusal("scope");
        answer(a, 403, buf_str(text));
        return;
    }
    int retry_s = 1;
    a->lane = lanes_choose(gate->lanes, p->tenant_id, p->source_id, p->rate_per_second,
                           clock_monotonic_ms(), &retry_s);
    if (a->lane == LANE_REFUSED) {
        char seconds[16];
        snprintf(seconds, sizeof(seconds), "%d", retry_s);
        http_answer_header(a->x, "Retry-After", seconds);
        answer_refusal(a, 429, "rate", "TooManyRequests",
                       "More than this tenant's limit; send it again later");
        return;
    }
    read_body(a, p);
}

void acceptance_begin(Gate *gate, HttpExchange *x) {
    Acceptances *all = gate->acceptances;
    size_t bytes = REQUEST_BYTES + BODY_FACTOR * http_body(x).n;
    bool room = all->bytes + bytes <= (size_t)gate->config->in_flight_bytes;
    Acceptance *a = acceptance_new(all, x, bytes);
    if (!room) {
        answer_later(a, "in_flight", "Too much is under way; send it again later");
        return;
    }
    Str token;
    if (credentials_token(http_header(x, "Authorization"), http_arena(x), &token) < 0) {
        on_token(a, SECRET_UNKNOWN, NULL);
        return;
    }
    a->awaiting = true; /* the answer may come inside the call; `a` may be gone afterwards */
    tokens_check(gate->tokens, token, on_token, a);
}
