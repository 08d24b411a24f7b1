/* The client against a real redis-server, started, killed, frozen and restarted here. */
#include "redis/client.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "redis/session.h"

typedef struct Server {
    char directory[64], socket[96], url[128];
    pid_t pid;
    const char *extra[4]; /* more arguments */
} Server;

typedef struct World {
    Loop *loop;
    RedisClient *client;
    Server server;
    int connected, lost;
    char run_id[64];
    /* answers */
    int answers, ok, remote, timed_out, not_connected, cancelled;
    char last[256];
    int64_t last_int;
} World;

static void server_start(Server *s) {
    s->pid = fork();
    if (s->pid == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, 1);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", s->socket, "--dir",
               s->directory, "--save", "", "--appendonly", "no", s->extra[0], s->extra[1],
               s->extra[2], s->extra[3], (char *)NULL);
        _exit(127);
    }
}

static void server_kill(Server *s) {
    if (s->pid <= 0) return;
    (void)kill(s->pid, SIGKILL); /* a stopped one dies too, without another word */
    (void)waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

static void on_connected(void *arg, const char *run_id) {
    World *w = arg;
    w->connected++;
    (void)snprintf(w->run_id, sizeof(w->run_id), "%s", run_id);
    /* Nothing else was sent before: the first command of this connection gets the first answer. */
}

static void on_lost(void *arg) {
    World *w = arg;
    w->lost++;
    assert_int_equal(redis_outstanding(w->client), 0);
}

static void on_answer(void *arg, const RedisReply *reply, int error) {
    World *w = arg;
    w->answers++;
    if (error == 0) w->ok++;
    if (error == -EREMOTEIO) w->remote++;
    if (error == -ETIMEDOUT) w->timed_out++;
    if (error == -ENOTCONN) w->not_connected++;
    if (error == -ECANCELED) w->cancelled++;
    assert_true((reply != NULL) == (error == 0 || error == -EREMOTEIO));
    (void)snprintf(w->last, sizeof(w->last), "%.*s", STR_ARG(redis_reply_str(reply)));
    w->last_int = redis_reply_int(reply);
}

/* Turns the loop until the condition holds. */
#define UNTIL(w, condition)                                                                        \
    do {                                                                                           \
        int64_t end_ = clock_monotonic_ms() + 90000;                                               \
        while (!(condition)) {                                                                     \
            if (clock_monotonic_ms() > end_) fail_msg("waited for %s", #condition);                \
            loop_run_for((w)->loop, 5);                                                            \
        }                                                                                          \
    } while (0)

static int say(World *w, const char *verb, const char *a, const char *b) {
    Str argv[3] = {str(verb), str(a), str(b)};
    return redis_command(w->client, on_answer, w, a ? b ? 3 : 2 : 1, argv);
}

static void open_client(World *w, int timeout_ms, size_t max_outstanding) {
    static const RedisEvents events = {.connected = on_connected, .lost = on_lost};
    CLEANUP(buf_done) Buf problem = {0};
    RedisSettings s = {
        .url = w->server.url, .timeout_ms = timeout_ms, .max_outstanding = max_outstanding};
    w->client = redis_client_new(w->loop, &s, &events, w, &problem);
    assert_non_null(w->client);
}

static int set_up(void **state) {
    World *w = calloc(1, sizeof(*w));
    (void)snprintf(w->server.directory, sizeof(w->server.directory), "/tmp/docket-redis-XXXXXX");
    assert_non_null(mkdtemp(w->server.directory));
    (void)snprintf(w->server.socket, sizeof(w->server.socket), "%s/s", w->server.directory);
    (void)snprintf(w->server.url, sizeof(w->server.url), "unix://%s", w->server.socket);
    server_start(&w->server);
    w->loop = loop_new();
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    World *w = *state;
    w->client = redis_client_free(w->client);
    w->loop = loop_free(w->loop);
    server_kill(&w->server);
    (void)unlink(w->server.socket);
    (void)rmdir(w->server.directory);
    free(w);
    return 0;
}

static void a_command_is_answered_once_connected(void **state) {
    World *w = *state;
    open_client(w, 1000, 0);
    assert_int_equal(say(w, "PING", NULL, NULL), -ENOTCONN);
    assert_string_equal(redis_run_id(w->client), "");
    UNTIL(w, w->connected);
    assert_int_equal(strlen(redis_run_id(w->client)), 40);
    assert_string_equal(w->run_id, redis_run_id(w->client));
    assert_int_equal(say(w, "SET", "k", "v"), 0);
    assert_int_equal(say(w, "GET", "k", NULL), 0);
    assert_int_equal(w->answers, 0); /* never inside the call */
    UNTIL(w, w->answers == 2);
    assert_string_equal(w->last, "v");
    assert_int_equal(say(w, "INCR", "k", NULL), 0);
    UNTIL(w, w->answers == 3);
    assert_int_equal(w->remote, 1);
}

static void arguments_are_bytes(void **state) {
    World *w = *state;
    Str argv[3] = {STR("SET"), {"a\0\r\nb", 5}, {"", 0}};
    open_client(w, 1000, 0);
    UNTIL(w, w->connected);
    assert_int_equal(redis_command(w->client, on_answer, w, 3, argv), 0);
    argv[0] = STR("STRLEN");
    assert_int_equal(redis_command(w->client, on_answer, w, 2, argv), 0);
    argv[0] = STR("EXISTS");
    assert_int_equal(redis_command(w->client, on_answer, w, 2, argv), 0);
    UNTIL(w, w->answers == 3);
    assert_int_equal(w->ok, 3);
    assert_int_equal(w->last_int, 1);
}

static void a_killed_server_answers_every_pending_command_once_with_an_error(void **state) {
    World *w = *state;
    char before[64];
    open_client(w, 2000, 0);
    UNTIL(w, w->connected);
    (void)snprintf(before, sizeof(before), "%s", w->run_id);
    (void)kill(w->server.pid, SIGSTOP); /* so that all of them are pending */
    for (int i = 0; i < 5000; i++)
        assert_int_equal(say(w, "SET", "k", "v"), 0);
    loop_run_for(w->loop, 20);
    assert_int_equal(w->answers, 0);
    server_kill(&w->server);
    UNTIL(w, w->lost == 1);
    assert_int_equal(w->answers, 5000);
    assert_int_equal(w->not_connected, 5000);
    assert_int_equal(say(w, "PING", NULL, NULL), -ENOTCONN);
    assert_string_equal(redis_run_id(w->client), "");
    assert_true(*redis_trouble(w->client));

    server_start(&w->server);
    UNTIL(w, w->connected == 2);
    assert_string_not_equal(before, w->run_id); /* another process */
    assert_int_equal(say(w, "PING", NULL, NULL), 0);
    UNTIL(w, w->answers == 5001);
    assert_int_equal(w->ok, 1);
    assert_int_equal(w->lost, 1);
}

static void a_frozen_server_times_out_each_command_and_is_let_go_of(void **state) {
    World *w = *state;
    open_client(w, 200, 0);
    UNTIL(w, w->connected);
    (void)kill(w->server.pid, SIGSTOP);
    int64_t begin = clock_monotonic_ms();
    for (int i = 0; i < 10; i++)
        assert_int_equal(say(w, "INCR", "n", NULL), 0);
    UNTIL(w, w->answers == 10);
    assert_int_equal(w->timed_out, 10);
    assert_in_range(clock_monotonic_ms() - begin, 190, 1900); /* each its own: not 10 times 200 */
    assert_int_equal(w->lost, 0);                             /* it might be just slow */
    UNTIL(w, w->lost == 1);
    (void)kill(w->server.pid, SIGCONT);
    UNTIL(w, w->connected == 2);
    assert_int_equal(w->answers, 10);
}

static void a_late_answer_belongs_to_nobody(void **state) {
    World *w = *state;
    open_client(w, 300, 0);
    UNTIL(w, w->connected);
    (void)kill(w->server.pid, SIGSTOP);
    assert_int_equal(say(w, "ECHO", "late", NULL), 0);
    UNTIL(w, w->timed_out == 1);
    assert_int_equal(say(w, "ECHO", "next", NULL), 0);
    (void)kill(w->server.pid, SIGCONT);
    UNTIL(w, w->answers == 2);
    assert_int_equal(w->ok, 1);
    assert_string_equal(w->last, "next");
    assert_int_equal(w->lost, 0);
}

static void too_much_outstanding_is_refused(void **state) {
    World *w = *state;
    open_client(w, 1000, 100);
    UNTIL(w, w->connected);
    for (int i = 0; i < 100; i++)
        assert_int_equal(say(w, "PING", NULL, NULL), 0);
    assert_int_equal(say(w, "PING", NULL, NULL), -ENOBUFS);
    UNTIL(w, w->answers == 100);
    assert_int_equal(say(w, "PING", NULL, NULL), 0);
    UNTIL(w, w->answers == 101);
}

static void a_freed_client_cancels_what_is_pending(void **state) {
    World *w = *state;
    open_client(w, 1000, 0);
    UNTIL(w, w->connected);
    for (int i = 0; i < 10; i++)
        assert_int_equal(say(w, "PING", NULL, NULL), 0);
    w->client = redis_client_free(w->client);
    assert_int_equal(w->cancelled, 10);
    assert_int_equal(w->lost, 0);
    loop_run_for(w->loop, 20);
    assert_int_equal(w->answers, 10);
}

static void a_script_flushed_away_is_sent_again(void **state) {
    World *w = *state;
    RedisScript script;
    Str argv[2] = {STR("{t}k"), STR("5")};
    redis_script_init(&script, "add", "return redis.call('INCRBY', KEYS[1], ARGV[1])");
    assert_int_equal(strlen(script.sha1), 40);
    open_client(w, 1000, 0);
    UNTIL(w, w->connected);
    for (int i = 0; i < 3; i++)
        assert_int_equal(redis_eval(w->client, &script, on_answer, w, 1, 2, argv), 0);
    UNTIL(w, w->answers == 3);
    assert_int_equal(w->ok, 3);
    assert_int_equal(w->last_int, 15);
    assert_int_equal(say(w, "SCRIPT", "FLUSH", NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(redis_eval(w->client, &script, on_answer, w, 1, 2, argv), 0);
    UNTIL(w, w->answers == 7);
    assert_int_equal(w->ok, 7);
    assert_int_equal(w->last_int, 30);
    assert_int_equal(redis_outstanding(w->client), 0);
}

static void a_wrong_password_is_said_and_never_connected(void **state) {
    World *w = *state;
    server_kill(&w->server);
    w->server.extra[0] = "--requirepass";
    w->server.extra[1] = "right";
    server_start(&w->server);
    open_client(w, 500, 0); /* without any */
    UNTIL(w, strstr(redis_trouble(w->client), "NOAUTH"));
    assert_int_equal(w->connected, 0);
    assert_int_equal(say(w, "PING", NULL, NULL), -ENOTCONN);
}

static void a_replica_is_not_connected(void **state) {
    World *w = *state;
    server_kill(&w->server);
    w->server.extra[0] = "--replicaof";
    w->server.extra[1] = "127.0.0.1";
    w->server.extra[2] = "1";
    server_start(&w->server);
    open_client(w, 500, 0);
    UNTIL(w, strstr(redis_trouble(w->client), "replica"));
    assert_int_equal(w->connected, 0);
}

static void count_writes(void *arg, const RedisReply *reply, int error) {
    Buf *info = arg;
    (void)error;
    buf_add_str(info, redis_reply_str(reply));
}

static int64_t reads_processed(World *w) {
    CLEANUP(buf_done) Buf info = {0};
    assert_int_equal(
        redis_command(w->client, count_writes, &info, 2, (Str[]){STR("INFO"), STR("stats")}), 0);
    UNTIL(w, info.n);
    const char *at = strstr(info.p, "total_reads_processed:");
    assert_non_null(at);
    return strtoll(at + strlen("total_reads_processed:"), NULL, 10);
}

static void one_turns_commands_leave_in_one_write(void **state) {
    World *w = *state;
    CLEANUP(redis_session_freep) RedisSession *other = NULL;
    CLEANUP(buf_done) Buf problem = {0};
    const RedisReply *reply;
    open_client(w, 1000, 0);
    UNTIL(w, w->connected);
    assert_int_equal(redis_session_open(w->server.url, 2000, &other, &problem), 0);
    int64_t before = reads_processed(w);
    for (int i = 0; i < 100; i++)
        assert_int_equal(say(w, "SET", "k", "v"), 0);
    /* Nothing has left before the turn is over. */
    assert_int_equal(redis_session_command(other, 2, (Str[]){STR("EXISTS"), STR("k")}, &reply), 0);
    assert_int_equal(redis_reply_int(reply), 0);
    UNTIL(w, w->answers == 100);
    assert_int_equal(reads_processed(w) - before, 3); /* the hundred, EXISTS, and INFO itself */
}

static void the_blocking_session_answers_one_by_one(void **state) {
    World *w = *state;
    CLEANUP(redis_session_freep) RedisSession *s = NULL;
    CLEANUP(buf_done) Buf problem = {0};
    const RedisReply *reply;
    assert_int_equal(redis_session_open(w->server.url, 2000, &s, &problem), 0);
    assert_int_equal(strlen(redis_session_run_id(s)), 40);
    assert_int_equal(redis_session_command(s, 3, (Str[]){STR("RPUSH"), STR("l"), STR("x")}, NULL),
                     0);
    assert_int_equal(
        redis_session_command(s, 4, (Str[]){STR("LRANGE"), STR("l"), STR("0"), STR("-1")}, &reply),
        0);
    assert_int_equal(redis_reply_count(reply), 1);
    assert_true(str_is(redis_reply_str(redis_reply_at(reply, 0)), "x"));
    assert_null(redis_reply_at(reply, 1));
    assert_int_equal(redis_session_command(s, 1, (Str[]){STR("NOPE")}, &reply), -EREMOTEIO);
    assert_int_equal(redis_reply_type(reply), REPLY_ERROR);
    server_kill(&w->server);
    server_start(&w->server); /* the next command waits for it */
    int r = redis_session_command(s, 1, (Str[]){STR("PING")}, &reply);
    if (r == -ENOTCONN) r = redis_session_command(s, 1, (Str[]){STR("PING")}, &reply);
    assert_int_equal(r, 0);
    s = redis_session_free(s);
    assert_int_equal(redis_session_open("unix:///tmp/nothing-here", 200, &s, &problem), -ENOTCONN);
    assert_non_null(strstr(problem.p, "No such file"));
}

#define REAL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        REAL(a_command_is_answered_once_connected),
        REAL(arguments_are_bytes),
        REAL(a_killed_server_answers_every_pending_command_once_with_an_error),
        REAL(a_frozen_server_times_out_each_command_and_is_let_go_of),
        REAL(a_late_answer_belongs_to_nobody),
        REAL(too_much_outstanding_is_refused),
        REAL(a_freed_client_cancels_what_is_pending),
        REAL(a_script_flushed_away_is_sent_again),
        REAL(a_wrong_password_is_said_and_never_connected),
        REAL(a_replica_is_not_connected),
        REAL(one_turns_commands_leave_in_one_write),
        REAL(the_blocking_session_answers_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
