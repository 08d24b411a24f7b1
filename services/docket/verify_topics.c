/* What Kafka holds against what PostgreSQL holds: lag, dead letters, and every submission a ticket.
 */
#include <stdio.h>

#include "base/arena.h"
#include "docket/verify_internal.h"
#include "events/dead.h"
#include "events/submission.h"
#include "kafka/admin.h"

static const struct {
    const char *topic, *group;
} consumed[] = {
    {"docket.submissions", "docket-router"},
    {"docket.submissions.bulk", "docket-router-bulk"},
    {"docket.signals", "docket-router-signals"},
};

enum { IDS_PER_QUERY = 10000 };

int64_t verify_under_way(Verify *v, Buf *ret_what) {
    int64_t total = 0;
    v->reservations = 0;
    CLEANUP(kafka_admin_freep)
    KafkaAdmin *admin = kafka_admin_new(&(KafkaAdminSettings){.brokers = v->brokers}, &v->trouble);
    if (!admin) return -1;
    for (size_t i = 0; i < sizeof(consumed) / sizeof(consumed[0]); i++) {
        int64_t lag = 0;
        if (kafka_admin_lag(admin, consumed[i].topic, consumed[i].group, &lag, &v->trouble) < 0)
            return -1;
        if (lag) buf_printf(ret_what, "%lld in %s; ", (long long)lag, consumed[i].topic);
        total += lag;
    }
    int64_t desk = verify_desk_under_way(v, admin, ret_what);
    if (desk < 0) return -1;
    int64_t promises = verify_promises_under_way(v, admin, ret_what);
    if (promises < 0) return -1;
    int64_t told = verify_notify_under_way(v, admin, ret_what);
    if (told < 0) return -1;
    int64_t counted = verify_analytics_under_way(v, admin, ret_what);
    if (counted < 0) return -1;
    total += desk + promises + told + counted;
    const PostgresRows *rows = verify_query(v, "SELECT count(*)::bigint FROM ticket.outbox", NULL);
    if (!rows) return -1;
    if (rows_int(rows, 0, 0))
        buf_printf(ret_what, "%lld outbox rows; ", (long long)rows_int(rows, 0, 0));
    total += rows_int(rows, 0, 0);

    if (!(rows = verify_query(v, "SELECT DISTINCT tenant_id FROM config.revisions", NULL)))
        return -1;
    for (size_t i = 0; v->redis && i < rows_count(rows); i++) {
        char epoch[64], reservations[64];
        const RedisReply *reply;
        (void)snprintf(epoch, sizeof(epoch), "d:{%lld}:epoch", (long long)rows_int(rows, i, 0));
        (void)snprintf(reservations, sizeof(reservations), "d:{%lld}:r",
                       (long long)rows_int(rows, i, 0));
        if (redis_session_command(v->redis, 2, (Str[]){STR("ZCARD"), str(reservations)}, &reply) <
            0) {
            buf_printf(&v->trouble, "Redis: %s", redis_session_trouble(v->redis));
            return -1;
        }
        int64_t unconfirmed = redis_reply_int(reply);
        if (unconfirmed) buf_printf(ret_what, "%lld reservations; ", (long long)unconfirmed);
        total += unconfirmed;
        v->reservations += unconfirmed;
        if (redis_session_command(v->redis, 2, (Str[]){STR("GET"), str(epoch)}, &reply) < 0) {
            buf_printf(&v->trouble, "Redis: %s", redis_session_trouble(v->redis));
            return -1;
        }
        Str run_id = str(redis_session_run_id_for(v->redis, str(epoch)));
        if (!str_eq(redis_reply_str(reply), run_id)) {
            buf_printf(ret_what, "Redis is not rebuilt for tenant %lld; ",
                       (long long)rows_int(rows, i, 0));
            total++;
        }
    }
    return total;
}

typedef struct Ids {
    int64_t tenant[IDS_PER_QUERY], ticket[IDS_PER_QUERY];
    size_t n;
} Ids;

/* Which of these are neither a ticket nor an alias of one? */
static int ids_ask(Verify *v, Finding *f, Ids *ids, const char *topic) {
    CLEANUP(params_done) Params params = {0};
    params_array(&params, PARAM_INT8, ids->n);
    for (size_t i = 0; i < ids->n; i++)
        params_element_i64(&params, ids->tenant[i]);
    params_array(&params, PARAM_INT8, ids->n);
    for (size_t i = 0; i < ids->n; i++)
        params_element_i64(&params, ids->ticket[i]);
    const PostgresRows *rows = verify_query(
        v,
        "SELECT u.tenant, u.ticket FROM unnest($1::bigint[], $2::bigint[]) u(tenant, ticket)"
        " WHERE NOT EXISTS (SELECT FROM ticket.tickets t WHERE t.tenant_id = u.tenant AND t.id = "
        "u.ticket)"
        " AND NOT EXISTS (SELECT FROM ticket.aliases a JOIN ticket.tickets t ON t.tenant_id = "
        "a.tenant_id"
        "  AND t.id = a.ticket_id WHERE a.tenant_id = u.tenant AND a.id = u.ticket)",
        &params);
    if (!rows) return -1;
    for (size_t i = 0; i < rows_count(rows); i++)
        finding_broken(f, rows_int(rows, i, 0), "ticket %lld: in %s, not in PostgreSQL",
                       (long long)rows_int(rows, i, 1), topic);
    ids->n = 0;
    return 0;
}

static int verify_submissions(Verify *v, const char *topic) {
    CLEANUP(buf_done) Buf promise = {0};
    buf_printf(&promise, "every message in %s became a ticket", topic);
    Finding *f = verify_begin(v, promise.p);
    CLEANUP(kafka_reader_freep) KafkaReader *reader = NULL;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(mem_freep) Ids *ids = xcalloc(1, sizeof(*ids));
    if (kafka_reader_new(
            &(KafkaReaderSettings){
                .brokers = v->brokers, .topic = topic, .partition = -1, .from = -1, .to = -1},
            &reader, &v->trouble) < 0)
        return -1;
    for (;;) {
        KafkaMessage message;
        Submission submission;
        const char *problem;
        int r = kafka_reader_next(reader, &message, &v->trouble);
        if (r < 0) return -1;
        if (r == 0) break;
        f->checked++;
        /* wrong bytes on the topic are the business of docket.dead */
        if (submission_decode(message.value, arena, &submission, &problem) == 0) {
            ids->tenant[ids->n] = submission.tenant_id;
            ids->ticket[ids->n++] = submission.ticket_id;
        }
        kafka_message_done(&message);
        arena_reset(arena);
        if (ids->n == IDS_PER_QUERY && ids_ask(v, f, ids, topic) < 0) return -1;
    }
    return ids->n ? ids_ask(v, f, ids, topic) : 0;
}

static int verify_dead(Verify *v) {
    Finding *f = verify_begin(v, "no accepted ticket lies in docket.dead");
    CLEANUP(kafka_reader_freep) KafkaReader *reader = NULL;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    if (kafka_reader_new(&(KafkaReaderSettings){.brokers = v->brokers,
                                                .topic = "docket.dead",
                                                .partition = -1,
                                                .from = -1,
                                                .to = -1},
                         &reader, &v->trouble) < 0)
        return -1;
    for (;;) {
        KafkaMessage message;
        Submission submission;
        const char *problem;
        int r = kafka_reader_next(reader, &message, &v->trouble);
        if (r < 0) return -1;
        if (r == 0) return 0;
        f->checked++;
        Str reason = kafka_message_header(&message, DEAD_HEADER_REASON);
        if (submission_decode(message.value, arena, &submission, &problem) == 0) {
            CLEANUP(params_done) Params params = {0};
            params_i64(&params, submission.tenant_id);
            params_i64(&params, submission.ticket_id);
            const PostgresRows *rows = verify_query(
                v,
                "SELECT FROM ticket.tickets WHERE tenant_id = $1::bigint AND id = $2::bigint UNION "
                "ALL"
                " SELECT FROM ticket.aliases WHERE tenant_id = $1::bigint AND id = $2::bigint",
                &params);
            if (!rows) {
                kafka_message_done(&message);
                return -1;
            }
            if (rows_count(rows) == 0) /* one that was replayed since has become its ticket */
                finding_broken(f, submission.tenant_id, "ticket %lld: %.*s",
                               (long long)submission.ticket_id, STR_ARG(reason));
        }
        kafka_message_done(&message);
        arena_reset(arena);
    }
}

int verify_topics(Verify *v) {
    if (verify_submissions(v, "docket.submissions") < 0 ||
        verify_submissions(v, "docket.submissions.bulk") < 0)
        return -1;
    return verify_dead(v);
}
