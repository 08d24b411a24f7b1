/* The client against a Redis Cluster of three, started here; slots are moved and nodes killed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "redis/session.h"
#include "redis/slots.h"

enum { NODES = 3 };

typedef struct Server {
    int port, bus;
    char directory[80], url[64], id[48];
    pid_t pid;
} Server;

typedef struct World {
    char directory[64], url[128];
    Server servers[NODES];
    Loop *loop;
    RedisClient *client;
    int connected, lost, answers, ok, remote, failed;
    char last[256];
    int64_t last_int;
} World;

static World world;

static int free_port(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    (void)close(fd);
    return ntohs(a.sin_port);
}

static void server_start(Server *s) {
    char port[8], bus[8];
    (void)snprintf(port, sizeof(port), "%d", s->port);
    (void)snprintf(bus, sizeof(bus), "%d", s->bus);
    s->pid = fork();
    if (s->pid == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, 1);
        execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir",
               s->directory, "--save", "", "--cluster-enabled", "yes", "--cluster-port", bus,
               "--cluster-require-full-coverage", "no", "--cluster-node-timeout", "2000",
               (char *)NULL);
        _exit(127);
    }
}

static void server_kill(Server *s) {
    if (s->pid <= 0) return;
    (void)kill(s->pid, SIGKILL);
    (void)waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

/* One command to one node itself; its answer's text or number. */
static int64_t tell(Server *s, char *ret /* 256 */, size_t argc, const Str *argv) {
    CLEANUP(redis_session_freep) RedisSession *session = NULL;
    CLEANUP(buf_done) Buf problem = {0};
    const RedisReply *reply = NULL;
    if (redis_session_open(s->url, 5000, &session, &problem) < 0) fail_msg("%s", problem.p);
    int r = redis_session_command(session, argc, argv, &reply);
    if (r < 0) fail_msg("%.*s: %.*s", STR_ARG(argv[0]), STR_ARG(redis_reply_str(reply)));
    if (ret) (void)snprintf(ret, 256, "%.*s", STR_ARG(redis_reply_str(reply)));
    return redis_reply_int(reply);
}

#define TELL(s, ret, ...)                                                                          \
    tell((s), (ret), sizeof((Str[]){__VA_ARGS__}) / sizeof(Str), (Str[]){__VA_ARGS__})

#define UNTIL(w, condition)                                                                        \
    do {                                                                                           \
        int64_t end_ = clock_monotonic_ms() + 90000;                                               \
        while (!(condition)) {                                                                     \
            if (clock_monotonic_ms() > end_) fail_msg("waited for %s", #condition);                \
            loop_run_for((w)->loop, 5);                                                            \
        }                                                                                          \
    } while (0)

static bool all_ok(void) {
    char info[256];
    for (int i = 0; i < NODES; i++) {
        (void)TELL(&world.servers[i], info, STR("CLUSTER"), STR("INFO"));
        if (!strstr(info, "cluster_state:ok")) return false;
    }
    return true;
}

static int start_cluster(void **state) {
    World *w = &world;
    char text[256], first[16], last[16], port[16], bus[16];
    (void)snprintf(w->directory, sizeof(w->directory), "/tmp/docket-cluster-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    for (int i = 0; i < NODES; i++) {
        Server *s = &w->servers[i];
        s->port = free_port();
        s->bus = free_port();
        (void)snprintf(s->directory, sizeof(s->directory), "%.64s/%d", w->directory, i);
        (void)snprintf(s->url, sizeof(s->url), "redis://127.0.0.1:%d", s->port);
        (void)mkdir(s->directory, 0700);
        server_start(s);
    }
    for (int i = 0; i < NODES; i++) {
        Server *s = &w->servers[i];
        (void)snprintf(first, sizeof(first), "%d", i * REDIS_SLOTS / NODES);
        (void)snprintf(last, sizeof(last), "%d", (i + 1) * REDIS_SLOTS / NODES - 1);
        (void)TELL(s, NULL, STR("CLUSTER"), STR("ADDSLOTSRANGE"), str(first), str(last));
        (void)TELL(s, text, STR("CLUSTER"), STR("MYID"));
        (void)snprintf(s->id, sizeof(s->id), "%.40s", text);
        (void)snprintf(port, sizeof(port), "%d", s->port);
        (void)snprintf(bus, sizeof(bus), "%d", s->bus);
        if (i)
            (void)TELL(&w->servers[0], NULL, STR("CLUSTER"), STR("MEET"), STR("127.0.0.1"),
                       str(port), str(bus));
    }
    w->loop = loop_new();
    UNTIL(w, all_ok());
    /* Two of the three are named; the third is found. */
    (void)snprintf(w->url, sizeof(w->url), "redis-cluster://127.0.0.1:%d,127.0.0.1:%d",
                   w->servers[0].port, w->servers[1].port);
    *state = w;
    return 0;
}

static int stop_cluster(void **state) {
    World *w = *state;
    char command[128];
    w->loop = loop_free(w->loop);
    for (int i = 0; i < NODES; i++)
        server_kill(&w->servers[i]);
    (void)snprintf(command, sizeof(command), "rm -rf %s", w->directory);
    return system(command);
}

static void on_connected(void *arg, const char *run_id) {
    assert_int_equal(strlen(run_id), 40);
    ((World *)arg)->connected++;
}

static void on_lost(void *arg) {
    ((World *)arg)->lost++;
}

static void on_answer(void *arg, const RedisReply *reply, int error) {
    World *w = arg;
    w->answers++;
    if (error == 0)
        w->ok++;
    else if (error == -EREMOTEIO)
        w->remote++;
    else
        w->failed++;
    (void)snprintf(w->last, sizeof(w->last), "%.*s", STR_ARG(redis_reply_str(reply)));
    w->last_int = redis_reply_int(reply);
}

static int open_client(void **state) {
    static const RedisEvents events = {.connected = on_connected, .lost = on_lost};
    CLEANUP(buf_done) Buf problem = {0};
    World *w = *state;
    w->connected = w->lost = w->answers = w->ok = w->remote = w->failed = 0;
    w->client = redis_client_new(w->loop, &(RedisSettings){.url = w->url, .timeout_ms = 1000},
                                 &events, w, &problem);
    assert_non_null(w->client);
    UNTIL(w, redis_connected(w->client));
    return 0;
}

static int close_client(void **state) {
    World *w = *state;
    w->client = redis_client_free(w->client);
    return 0;
}

#define SAY(w, ...)                                                                                \
    redis_command((w)->client, on_answer, (w), sizeof((Str[]){__VA_ARGS__}) / sizeof(Str),         \
                  (Str[]){__VA_ARGS__})

static Server *owner_of(World *w, const char *key) {
    return &w->servers[redis_slot(str(key)) * NODES / REDIS_SLOTS];
}

/* A key of that server's. */
static const char *key_on(World *w, int server) {
    static char key[16];
    int i = 0;
    do
        (void)snprintf(key, sizeof(key), "{k%d}", i++);
    while (owner_of(w, key) != &w->servers[server]);
    return key;
}

static void every_key_reaches_its_node(void **state) {
    World *w = *state;
    char key[32];
    assert_int_equal(w->connected, NODES);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(key, sizeof(key), "key:%d", i);
        assert_int_equal(SAY(w, STR("SET"), str(key), str(key)), 0);
        assert_int_equal(SAY(w, STR("GET"), str(key)), 0);
    }
    UNTIL(w, w->answers == 600);
    assert_int_equal(w->ok, 600);
    int64_t there = 0, one;
    for (int i = 0; i < NODES; i++) {
        one = TELL(&w->servers[i], NULL, STR("DBSIZE"));
        assert_true(one > 50);
        there += one;
    }
    assert_int_equal(there, 300);
    assert_int_equal(redis_outstanding(w->client), 0);
}

static void run_ids_are_those_of_the_key_holders(void **state) {
    World *w = *state;
    for (int i = 0; i < NODES; i++) {
        char info[256];
        const char *key = key_on(w, i);
        (void)TELL(&w->servers[i], info, STR("INFO"), STR("server"));
        CLEANUP(redis_session_freep) RedisSession *s = NULL;
        CLEANUP(buf_done) Buf problem = {0};
        assert_int_equal(redis_session_open(w->servers[i].url, 2000, &s, &problem), 0);
        assert_string_equal(redis_run_id_for(w->client, str(key)), redis_session_run_id(s));
    }
    assert_string_equal(redis_run_id(w->client), "");
}

static void scripts_run_where_their_keys_are(void **state) {
    World *w = *state;
    RedisScript script;
    redis_script_init(&script, "add", "return redis.call('INCRBY', KEYS[1], ARGV[1]) + #KEYS");
    for (int i = 0; i < NODES; i++) {
        char a[32], b[32];
        (void)snprintf(a, sizeof(a), "%sa", key_on(w, i));
        (void)snprintf(b, sizeof(b), "%sb", key_on(w, i));
        Str argv[3] = {str(a), str(b), STR("5")};
        w->answers = 0;
        assert_int_equal(redis_eval(w->client, &script, on_answer, w, 2, 3, argv), 0);
        UNTIL(w, w->answers == 1);
        assert_int_equal(w->last_int, 7);
    }
    assert_int_equal(w->ok, NODES);
}

static void set_slot(World *w, Server *s, int slot, const char *how, const char *id) {
    char number[8];
    (void)w;
    (void)snprintf(number, sizeof(number), "%d", slot);
    if (id)
        (void)TELL(s, NULL, STR("CLUSTER"), STR("SETSLOT"), str(number), str(how), str(id));
    else
        (void)TELL(s, NULL, STR("CLUSTER"), STR("SETSLOT"), str(number), str(how));
}

static void a_moved_slot_is_followed(void **state) {
    World *w = *state;
    const char *key = key_on(w, 0);
    char moved[32];
    int slot = redis_slot(str(key));
    (void)snprintf(moved, sizeof(moved), "%smoved", key);
    (void)TELL(&w->servers[0], NULL, STR("FLUSHALL"));
    for (int i = NODES - 1; i >= 0; i--)
        set_slot(w, &w->servers[i], slot, "NODE", w->servers[2].id);
    for (int i = 0; i < 10; i++) /* all of them on their way to the old place */
        assert_int_equal(SAY(w, STR("INCR"), str(moved)), 0);
    UNTIL(w, w->answers == 10);
    assert_int_equal(w->ok, 10);
    assert_int_equal(w->last_int, 10);
    assert_int_equal(TELL(&w->servers[2], NULL, STR("EXISTS"), str(moved)), 1);
    assert_string_equal(redis_run_id_for(w->client, str(moved)),
                        redis_run_id_for(w->client, str(key_on(w, 2))));
    (void)TELL(&w->servers[2], NULL, STR("DEL"), str(moved));
    for (int i = 0; i < NODES; i++) /* and back */
        set_slot(w, &w->servers[i], slot, "NODE", w->servers[0].id);
}

static void a_slot_on_the_move_is_asked_for_at_its_new_place(void **state) {
    World *w = *state;
    const char *key = key_on(w, 0);
    char asked[32];
    int slot = redis_slot(str(key));
    (void)snprintf(asked, sizeof(asked), "%sasked", key);
    (void)TELL(&w->servers[0], NULL, STR("FLUSHALL"));
    set_slot(w, &w->servers[1], slot, "IMPORTING", w->servers[0].id);
    set_slot(w, &w->servers[0], slot, "MIGRATING", w->servers[1].id);
    assert_int_equal(SAY(w, STR("SET"), str(asked), STR("v")), 0);
    assert_int_equal(SAY(w, STR("GET"), str(asked)), 0);
    UNTIL(w, w->answers == 2);
    assert_int_equal(w->ok, 2);
    assert_string_equal(w->last, "v");
    assert_int_equal(TELL(&w->servers[0], NULL, STR("DBSIZE")), 0); /* it is at the new place */
    for (int i = 0; i < 2; i++)
        set_slot(w, &w->servers[i], slot, "STABLE", NULL);
}

static void a_killed_node_takes_only_its_slots_along(void **state) {
    World *w = *state;
    char gone[32], there[32], before[64];
    (void)snprintf(gone, sizeof(gone), "%s", key_on(w, 1));
    (void)snprintf(there, sizeof(there), "%s", key_on(w, 2));
    (void)snprintf(before, sizeof(before), "%s", redis_run_id_for(w->client, str(gone)));
    (void)kill(w->servers[1].pid, SIGSTOP);
    for (int i = 0; i < 100; i++)
        assert_int_equal(SAY(w, STR("GET"), str(gone)), 0);
    loop_run_for(w->loop, 20);
    server_kill(&w->servers[1]);
    UNTIL(w, w->lost == 1);
    assert_int_equal(w->failed, 100);
    assert_int_equal(w->answers, 100);
    assert_false(redis_connected(w->client));
    assert_non_null(strstr(redis_trouble(w->client), "is not served"));
    assert_int_equal(SAY(w, STR("GET"), str(gone)), -ENOTCONN);
    assert_int_equal(SAY(w, STR("GET"), str(there)), 0);
    UNTIL(w, w->ok == 1);
    server_start(&w->servers[1]); /* remembers who it is */
    UNTIL(w, redis_connected(w->client));
    assert_int_equal(w->connected, NODES + 1);
    assert_string_not_equal(before, redis_run_id_for(w->client, str(gone)));
    UNTIL(w, all_ok());
    assert_int_equal(SAY(w, STR("GET"), str(gone)), 0);
    UNTIL(w, w->ok == 2);
}

static void the_session_speaks_to_a_cluster(void **state) {
    World *w = *state;
    CLEANUP(redis_session_freep) RedisSession *s = NULL;
    CLEANUP(buf_done) Buf problem = {0};
    const RedisReply *reply;
    assert_int_equal(redis_session_open(w->url, 3000, &s, &problem), 0);
    for (int i = 0; i < NODES; i++) {
        const char *key = key_on(w, i);
        assert_int_equal(redis_session_command(s, 3, (Str[]){STR("SET"), str(key), STR("x")}, NULL),
                         0);
        assert_int_equal(redis_session_command(s, 2, (Str[]){STR("GET"), str(key)}, &reply), 0);
        assert_true(str_is(redis_reply_str(reply), "x"));
    }
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, open_client, close_client)

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        WITH(every_key_reaches_its_node),
        WITH(run_ids_are_those_of_the_key_holders),
        WITH(scripts_run_where_their_keys_are),
        WITH(a_moved_slot_is_followed),
        WITH(a_slot_on_the_move_is_asked_for_at_its_new_place),
        WITH(a_killed_node_takes_only_its_slots_along),
        WITH(the_session_speaks_to_a_cluster),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* one of them, by hand */
    return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
