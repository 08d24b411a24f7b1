/* Answer -- every way in which the desk answers, in Zendesk's shapes. Each ends the request. */
#pragma once

#include "desk/api/request.h"

void answer_json(Request *r, int status,
                 Str body); /* 200, 201 ...; adds rate-limit headers, ETag */
void answer_created(Request *r, Str location_path, Str body); /* 201 + Location */
void answer_no_content(Request *r);                           /* 204 */

/* Bytes that are no JSON (304 and 416: none), with whatever headers the handler has set itself. */
void answer_bytes(Request *r, int status, const char *type, Str bytes);
/* The same in pieces (http/server.h): r is gone, its exchange goes on. `more` may come with `gone`
 * before this returns. */
void answer_stream(Request *r, int status, const char *type, uint64_t length, HttpMore more,
                   void *arg);

/* Likewise for a body without an end of its own. */
void answer_open(Request *r, int status, const char *type, HttpMore more, void *arg);

void answer_bad_request(Request *r, const char *field, const char *reason, const char *remedy);
void answer_unauthenticated(Request *r); /* 401 {"error":"Couldn't authenticate you"} */
void answer_forbidden(Request *r, const char *reason);
/* 404 {"error":"RecordNotFound","description":"Not found"}: also for what is not reached and for
 * other tenants' ids: byte for byte the same. */
void answer_not_found(Request *r);
void answer_no_endpoint(Request *r); /* 404 for a path that is none */
void answer_method(Request *r, const char *allowed /* "GET, PUT" */); /* 405 */
void answer_media_type(Request *r, const char *wanted);               /* 415 */
void answer_not_acceptable(Request *r, const char *type);             /* 406: only that is there */
void answer_conflict(Request *r, const char *description);            /* 409 */
/* 429 and 503: Retry-After in whole seconds; below 1 (503): one to three, by chance. */
void answer_too_many(Request *r, int retry_after_s);
void answer_unavailable(Request *r, const char *reason, int retry_after_s);

/* 422 {"error":"RecordInvalid","description":"Record validation errors","details":{field:[{"error",
 * "description"}]}}. Collect first, so that every missing thing is named at once. */
typedef struct Invalid {
    Arena *arena;
    struct InvalidEntry *first, **last;
    size_t n;
} Invalid;
void invalid_init(Invalid *v, Arena *arena);
/* `error` is "BlankValue" "InvalidValue" "InvalidFormat" "TooLong"...; the description is what the
 * agent reads: Chinese first, then English. field "base" for the record as a whole. */
void invalid_add(Invalid *v, const char *field, const char *error, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void answer_invalid(Request *r, const Invalid *v);
void invalid_words(const Invalid *v, Buf *ret); /* all descriptions, with ; between */
