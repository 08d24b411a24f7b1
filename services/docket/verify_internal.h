/* Verify -- the parts of `docket verify` and the report that they fill together. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "docket/verify_checks.h"
#include "postgres/session.h"
#include "redis/session.h"

enum { VERIFY_FINDINGS_MAX = 64, VERIFY_OFFENDERS_SHOWN = 5 };

/* One promise: how much was looked at, how much broke it, and the first of those in words. */
typedef struct Finding {
    char *promise;
    int64_t checked, broken;
    int64_t only; /* the tenant whose offenders count; 0: every one */
    char *offenders[VERIFY_OFFENDERS_SHOWN];
    size_t offenders_n;
} Finding;

typedef struct Verify {
    PostgresSession *postgres;
    RedisSession *redis; /* NULL: not looked at */
    const char *brokers; /* NULL: not looked at */
    const char *redis_url, *postgres_url;
    int64_t grace_ms;     /* what is due for so long must have been told */
    int64_t only;         /* a tenant's number; 0: every one */
    int64_t reservations; /* of what is under way: those that stay are a finding, not a reason to
                             wait */
    Finding findings[VERIFY_FINDINGS_MAX];
    size_t findings_n;
    Buf trouble; /* why a part could not be looked at at all: exit 2 */
} Verify;

Finding *verify_begin(Verify *v, const char *promise);
/* Counts one offender, if its tenant is looked at, and keeps the first few in words. */
void finding_broken(Finding *f, int64_t tenant, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* NULL and v->trouble filled when PostgreSQL refuses the query. */
const PostgresRows *verify_query(Verify *v, const char *sql, const Params *params);

/* One query's finding; 0, or -1 with v->trouble filled. */
int verify_check(Verify *v, const VerifyCheck *check);

/* Both return how many offenders there are. */
int64_t verify_print_people(const Verify *v);
int64_t verify_print_json(const Verify *v);

/* The parts; each returns 0, or -1 with v->trouble filled. */
int verify_rows(Verify *v);
int verify_desk(Verify *v);
int verify_promises(Verify *v);
int verify_notify(Verify *v);
/* `followed`: analytics has had the time to see everything. */
int verify_analytics(Verify *v, bool followed);
int verify_redis(Verify *v);
int verify_topics(Verify *v);
int verify_accepted(Verify *v, const char *file);

/* Messages, outbox rows and reservations under way right now; -1 with v->trouble filled. *ret_what
 * says which. */
int64_t verify_under_way(Verify *v, Buf *ret_what);
/* Of it, what a desk has still to see; 0 where none has ever run. */
struct KafkaAdmin;
int64_t verify_desk_under_way(Verify *v, struct KafkaAdmin *admin, Buf *ret_what);
/* Likewise of a scheduler. */
int64_t verify_promises_under_way(Verify *v, struct KafkaAdmin *admin, Buf *ret_what);
/* Likewise of a notifier. */
int64_t verify_notify_under_way(Verify *v, struct KafkaAdmin *admin, Buf *ret_what);
/* Likewise of an analytics, and what it is still filling. */
int64_t verify_analytics_under_way(Verify *v, struct KafkaAdmin *admin, Buf *ret_what);
