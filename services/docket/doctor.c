/* docket doctor -- looks at everything that Docket stands on, and says what to do. Changes nothing.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "docket/command.h"
#include "kafka/admin.h"
#include "postgres/session.h"
#include "redis/session.h"

typedef enum Verdict { FINE, WATCH, BROKEN } Verdict;

typedef struct Doctor {
    bool json, colour;
    int worst;
    size_t said;
} Doctor;

/* One line: what was looked at, what was found, and for anything but FINE what to do. */
static void say(Doctor *d, Verdict verdict, const char *what, const char *remedy, const char *fmt,
                ...) __attribute__((format(printf, 5, 6)));

static void say(Doctor *d, Verdict verdict, const char *what, const char *remedy, const char *fmt,
                ...) {
    static const char *const words[] = {"fine", "watch", "broken"};
    static const char *const marks[] = {"✓", "!", "✗"};
    static const char *const paints[] = {"\033[32m", "\033[33m", "\033[31m"};
    CLEANUP(buf_done) Buf found = {0}, line = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&found, fmt, args);
    va_end(args);
    if ((int)verdict > d->worst) d->worst = (int)verdict;
    if (d->json) {
        buf_adds(&line, d->said ? "," : "");
        buf_printf(&line, "\n{\"what\":\"%s\",\"verdict\":\"%s\",\"found\":", what, words[verdict]);
        buf_add_json(&line, buf_str(&found));
        buf_adds(&line, ",\"remedy\":");
        buf_add_json(&line, str(verdict == FINE ? "" : remedy));
        buf_addc(&line, '}');
    } else {
        buf_printf(&line, "%s%s%s %-22s %s\n", d->colour ? paints[verdict] : "", marks[verdict],
                   d->colour ? "\033[0m" : "", what, found.p ? found.p : "");
        if (verdict != FINE) buf_printf(&line, "    → %s\n", remedy);
    }
    d->said++;
    (void)fwrite(line.p, 1, line.n, stdout);
}

static int64_t number(PostgresSession *pg, const char *sql, Buf *problem) {
    const PostgresRows *rows;
    if (postgres_session_run(pg, sql, NULL, &rows, problem) < 0 || rows_count(rows) == 0) return -1;
    return rows_int(rows, 0, 0);
}

static void look_at_rows(Doctor *d, PostgresSession *pg) {
    CLEANUP(buf_done) Buf problem = {0};
    int64_t n = number(pg, "SELECT count(*)::bigint FROM docket.migrations", &problem);
    if (n < 0) {
        say(d, BROKEN, "schema", "docket migrate", "no migrations: %s", problem.p ? problem.p : "");
        return;
    }
    say(d, FINE, "schema", "", "%lld migrations applied", (long long)n);

    n = number(pg,
               "SELECT coalesce(extract(epoch FROM now() - min(created_at))::bigint, 0) FROM "
               "ticket.outbox",
               &problem);
    say(d, n > 10 ? BROKEN : FINE, "outbox",
        "nobody publishes it: are the routers running, and is Kafka there? See docket.events in "
        "their logs",
        n ? "oldest row waits %lld s" : "nothing waits", (long long)n);

    n = number(pg,
               "SELECT count(*)::bigint FROM docket.tenants t WHERE NOT EXISTS"
               " (SELECT FROM config.revisions r WHERE r.tenant_id = t.tenant_id)",
               &problem);
    say(d, n ? WATCH : FINE, "documents",
        "docket apply --tenant NAME FILE: without it their tickets wait in no group",
        n ? "%lld tenants have none" : "every tenant has some", (long long)n);

    n = number(
        pg,
        "SELECT count(*)::bigint FROM ticket.tickets WHERE status = 'new' AND assignee_id IS NULL",
        &problem);
    int64_t oldest =
        number(pg,
               "SELECT coalesce(extract(epoch FROM now() - min(created_at))::bigint, 0)"
               " FROM ticket.tickets WHERE status = 'new' AND assignee_id IS NULL",
               &problem);
    int64_t on_duty =
        number(pg, "SELECT count(*)::bigint FROM ticket.agents WHERE on_duty", &problem);
    say(d,
        n > 0 && on_duty == 0    ? BROKEN
        : n > 0 && oldest > 3600 ? WATCH
                                 : FINE,
        "waiting tickets",
        on_duty == 0 ? "nobody is on duty: docket agents on NAME --tenant T"
                     : "more people, or more capacity: docket agents list",
        "%lld wait, the oldest %lld s; %lld agents on duty", (long long)n, (long long)oldest,
        (long long)on_duty);

    n = number(
        pg,
        "SELECT count(*)::bigint FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace"
        " WHERE s.nspname = 'ticket' AND c.relname ~ '^tickets_[0-9]+$' AND"
        "  substring(c.relname FROM '[0-9]+')::bigint * 10000000 > (SELECT last_value FROM "
        "ticket.ticket_ids)",
        &problem);
    say(d, n < 1 ? BROKEN : FINE, "partitions ahead",
        "SELECT ticket.make_partitions() as docket_migrator", "%lld", (long long)n);
}

static void look_at_promises(Doctor *d, PostgresSession *pg) {
    CLEANUP(buf_done) Buf problem = {0};
    int64_t late = number(
        pg,
        "SELECT greatest(0, (extract(epoch FROM now()) * 1000)::bigint - coalesce(min(next_ms),"
        " 9223372036854775807)) / 1000 FROM sla.lives WHERE state IS NOT NULL",
        &problem);
    if (late < 0)
        say(d, BROKEN, "promises", "docket migrate", "%s", problem.p ? problem.p : "no answer");
    else
        say(d, late > 60 ? BROKEN : FINE, "promises",
            "nobody tells what is due: is docket-sla running, and are PostgreSQL and Kafka there? "
            "See its /health/ready?verbose",
            late ? "the oldest that is due waits %lld s" : "nothing due waits to be told",
            (long long)late);
}

static void look_at_deliveries(Doctor *d, PostgresSession *pg) {
    CLEANUP(buf_done) Buf problem = {0};
    int64_t oldest =
        number(pg,
               "SELECT greatest(0, coalesce(extract(epoch FROM now() - min(due)), 0))::bigint"
               " FROM notify.deliveries WHERE state = 'waiting'",
               &problem);
    if (oldest < 0) {
        say(d, BROKEN, "deliveries", "docket migrate", "%s", problem.p ? problem.p : "no answer");
        return;
    }
    say(d, oldest > 3600 ? WATCH : FINE, "deliveries",
        "which destination hangs? docket notify list; is docket-notifier running, and told where "
        "to "
        "send? See its /health/ready?verbose",
        oldest ? "the oldest that may go waits %lld s" : "nothing waits to be sent",
        (long long)oldest);
    int64_t refused = number(pg,
                             "SELECT count(*)::bigint FROM notify.deliveries WHERE state = "
                             "'refused' AND ended_at > now() - interval '1 day'",
                             &problem);
    say(d, refused > 0 ? WATCH : FINE, "refused for good",
        "why: docket notify list, docket notify show ID", "%lld in a day", (long long)refused);
}

static void look_at_postgres(Doctor *d, const char *url) {
    CLEANUP(buf_done) Buf problem = {0};
    CLEANUP(postgres_session_freep) PostgresSession *pg = NULL;
    const char *remedy =
        "check DOCKET_POSTGRES and the server's log; the local one: deploy/local/stack up";
    if (!url) {
        say(d, BROKEN, "PostgreSQL", "eval \"$(deploy/local/stack env)\", or set it",
            "DOCKET_POSTGRES is not set");
        return;
    }
    if (postgres_session_open(url, "docket-doctor", 0, &pg, &problem) < 0) {
        say(d, BROKEN, "PostgreSQL", remedy, "%s", problem.p ? problem.p : "no answer");
        return;
    }
    say(d, FINE, "PostgreSQL", "", "answers");
    look_at_rows(d, pg);
    look_at_promises(d, pg);
    look_at_deliveries(d, pg);
}

static void look_at_kafka(Doctor *d, const char *brokers) {
    static const char more_routers[] =
        "start more routers; if lag does not fall at all, see their /health/ready?verbose";
    static const struct {
        const char *topic, *group, *what, *remedy;
    } consumed[] = {
        {"docket.submissions", "docket-router", "docket.submissions", more_routers},
        {"docket.submissions.bulk", "docket-router-bulk", "docket.submissions.bulk", more_routers},
        {"docket.signals", "docket-router-signals", "docket.signals", more_routers},
        {"docket.events", "docket-sla", "promises' events",
         "start more schedulers; if lag does not fall at all, see their "
         "/health/ready?verbose"},
        {"docket.events", "docket-notifier", "notifications' events",
         "start more notifiers; if lag does not fall at all, see their "
         "/health/ready?verbose"}};
    CLEANUP(buf_done) Buf problem = {0};
    if (!brokers) {
        say(d, BROKEN, "Kafka", "eval \"$(deploy/local/stack env)\", or set it",
            "DOCKET_KAFKA is not set");
        return;
    }
    CLEANUP(kafka_admin_freep)
    KafkaAdmin *admin =
        kafka_admin_new(&(KafkaAdminSettings){.brokers = brokers, .timeout_ms = 5000}, &problem);
    int n = admin ? kafka_admin_brokers(admin, &problem) : -1;
    if (n < 0) {
        say(d, BROKEN, "Kafka",
            "check DOCKET_KAFKA and the brokers' logs; the local one: deploy/local/stack up", "%s",
            problem.p ? problem.p : "no answer");
        return;
    }
    say(d, FINE, "Kafka", "", "%d broker%s", n, n == 1 ? "" : "s");
    for (size_t i = 0; i < sizeof(consumed) / sizeof(consumed[0]); i++) {
        int64_t lag = 0;
        if (kafka_admin_partitions(admin, consumed[i].topic, &problem) < 0)
            say(d, BROKEN, consumed[i].what, "docket topics --file deploy/topics.conf",
                "no such topic");
        else if (kafka_admin_lag(admin, consumed[i].topic, consumed[i].group, &lag, &problem) < 0)
            say(d, BROKEN, consumed[i].what, "the brokers' logs", "%s",
                problem.p ? problem.p : "no answer");
        else
            say(d, lag > 100000 ? WATCH : FINE, consumed[i].what, consumed[i].remedy, "%lld behind",
                (long long)lag);
    }
    KafkaPartitionState states[64];
    int partitions = kafka_admin_state(admin, "docket.dead", NULL, states, 64, &problem);
    int64_t dead = 0;
    for (int i = 0; i < partitions && i < 64; i++)
        dead += states[i].end - states[i].begin;
    say(d, dead ? WATCH : FINE, "docket.dead",
        "docket dead list, then docket dead show and docket dead replay",
        dead ? "%lld messages" : "empty", (long long)dead);
}

static void look_at_redis(Doctor *d, const char *url) {
    CLEANUP(buf_done) Buf problem = {0};
    CLEANUP(redis_session_freep) RedisSession *redis = NULL;
    if (!url) {
        say(d, BROKEN, "Redis", "eval \"$(deploy/local/stack env)\", or set it",
            "DOCKET_REDIS is not set");
        return;
    }
    if (redis_session_open(url, 0, &redis, &problem) < 0)
        say(d, WATCH, "Redis",
            "tickets are stored and wait; assignment resumes by itself when it is back", "%s",
            problem.p ? problem.p : "no answer");
    else
        say(d, FINE, "Redis", "", "answers");
}

static void look_at_ring(Doctor *d, const char *ring) {
    struct stat st;
    if (!ring || !*ring) return; /* only gates need it */
    if (stat(ring, &st) < 0)
        say(d, BROKEN, "key ring", "docket keys init --ring FILE, the same file for every intake",
            "%s is not there", ring);
    else if (st.st_mode & 077)
        say(d, BROKEN, "key ring", "chmod 600", "%s can be read by others", ring);
    else
        say(d, FINE, "key ring", "", "%s", ring);
}

static int doctor_run(int argc, char **argv) {
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    Doctor d = {.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR")};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c != 'j') return 2;
        d.json = true;
    }
    if (d.json) printf("[");
    look_at_postgres(&d, getenv("DOCKET_POSTGRES"));
    look_at_kafka(&d, getenv("DOCKET_KAFKA"));
    look_at_redis(&d, getenv("DOCKET_REDIS"));
    look_at_ring(&d, getenv("DOCKET_KEYRING"));
    if (d.json) printf("\n]\n");
    return d.worst == BROKEN ? 1 : 0;
}

const Command doctor_command = {
    .name = "doctor",
    .summary = "look at everything Docket stands on, and say what to do",
    .help = "Usage: docket doctor [--json]\n"
            "\n"
            "Looks at PostgreSQL (schema, outbox, waiting tickets, partitions, promises), Kafka "
            "(topics, lag, dead letters), Redis\n"
            "and the key ring, by DOCKET_POSTGRES, DOCKET_KAFKA, DOCKET_REDIS and DOCKET_KEYRING. "
            "Changes nothing.\n"
            "\n"
            "Exit: 0 nothing is broken, 1 something is.\n",
    .run = doctor_run,
};
