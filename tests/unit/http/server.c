/* The server in this process, its clients as plain sockets; system calls of libcommon/http are
 * counted on their way to the kernel. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "http/server.h"

static int reads, writes, epoll_changes;
static bool counting;

/* These stand before the C library's own. */
ssize_t recv(int fd, void *p, size_t n, int flags) {
    reads += counting;
    return syscall(SYS_recvfrom, fd, p, n, flags, NULL, NULL);
}
ssize_t send(int fd, const void *p, size_t n, int flags) {
    writes += counting;
    return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}
int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event) {
    epoll_changes += counting;
    return (int)syscall(SYS_epoll_ctl, epoll, op, fd, event);
}

typedef struct World {
    Loop *loop;
    HttpServer *server;
    int client;
    HttpExchange *held[256];
    size_t held_count;
    void (*handle)(struct World *w, HttpExchange *x);
    Buf got; /* what the client has read */
} World;

static void on_request(HttpExchange *x, void *arg) {
    World *w = arg;
    w->handle(w, x);
}

static void answer_at_once(World *w, HttpExchange *x) {
    (void)w;
    http_answer(x, 200, "text/plain", http_body(x));
}

static void hold(World *w, HttpExchange *x) {
    w->held[w->held_count++] = x;
}

static int setup(void **state) {
    World *w = xcalloc(1, sizeof(*w));
    int port;
    w->loop = loop_new();
    w->handle = answer_at_once;
    w->server = http_server_new(w->loop, NULL, on_request, w);
    assert_int_equal(http_server_listen(w->server, "127.0.0.1:0", &port), 0);
    w->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(w->client, (struct sockaddr *)&to, sizeof(to)), 0);
    counting = true;
    epoll_changes = 0;
    loop_run_for(w->loop, 20);
    counting = false;
    assert_int_equal(epoll_changes, 1); /* the counter does see what the loop does */
    assert_int_equal(http_server_connections(w->server), 1);
    *state = w;
    return 0;
}

static int teardown(void **state) {
    World *w = *state;
    http_server_free(w->server);
    (void)close(w->client);
    loop_free(w->loop);
    buf_done(&w->got);
    free(w);
    return 0;
}

static void write_all(World *w, const char *text) {
    size_t n = strlen(text);
    assert_int_equal(write(w->client, text, n), n);
}

/* Turns the loop until the client has read `wanted`; false when it does not come. */
static bool read_until(World *w, const char *wanted) {
    for (int i = 0; i < 2000; i++) {
        char part[65536];
        loop_run_for(w->loop, 1);
        ssize_t n = syscall(SYS_recvfrom, w->client, part, sizeof(part), MSG_DONTWAIT, NULL, NULL);
        if (n > 0) buf_add(&w->got, part, (size_t)n);
        if (w->got.p && strstr(w->got.p, wanted)) return true;
    }
    return false;
}

static size_t count(const World *w, const char *what) {
    size_t n = 0;
    for (const char *p = w->got.p; p && (p = strstr(p, what)); p++)
        n++;
    return n;
}

static void a_request_costs_one_read_and_one_write(void **state) {
    World *w = *state;
    reads = writes = epoll_changes = 0;
    counting = true;
    for (int i = 0; i < 100; i++) {
        buf_clear(&w->got);
        write_all(w, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        assert_true(read_until(w, "\r\n\r\nhello"));
    }
    counting = false;
    assert_int_equal(reads, 100);
    assert_int_equal(writes, 100);
    assert_int_equal(epoll_changes, 0);
}

static void answers_of_one_turn_leave_in_one_write(void **state) {
    World *w = *state;
    w->handle = hold;
    CLEANUP(buf_done) Buf text = {0};
    for (int i = 0; i < 64; i++)
        buf_printf(&text, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
    reads = writes = 0;
    counting = true;
    write_all(w, text.p);
    while (w->held_count < 64)
        loop_run_for(w->loop, 1);
    assert_int_equal(http_server_in_flight(w->server), 64);
    for (size_t i = 64; i-- > 0;) { /* the last first */
        Str path = http_path(w->held[i]);
        http_answer(w->held[i], 200, "text/plain", path);
    }
    assert_true(read_until(w, "\r\n\r\n/63"));
    counting = false;
    assert_int_equal(reads, 1);
    assert_int_equal(writes, 1);
    assert_int_equal(count(w, "HTTP/1.1 200 OK\r\n"), 64);
    const char *at = w->got.p;
    for (int i = 0; i < 64; i++) { /* in the order asked */
        char path[24];
        (void)snprintf(path, sizeof(path), "\r\n\r\n/%d", i);
        at = strstr(at, path);
        assert_non_null(at);
    }
    assert_int_equal(http_server_in_flight(w->server), 0);
}

/* ---- an answer without an end ---- */

typedef struct Open {
    HttpExchange *x;
    int asked, gone;
} Open;

static void on_more(HttpExchange *x, bool gone, void *arg) {
    Open *o = arg;
    assert_ptr_equal(o->x, x);
    o->asked += !gone;
    o->gone += gone;
}

static Open *open_one(World *w, const char *request) {
    static Open o;
    o = (Open){.x = NULL};
    w->handle = hold;
    w->held_count = 0;
    write_all(w, request);
    for (int i = 0; i < 2000 && !w->held_count; i++)
        loop_run_for(w->loop, 1);
    assert_int_equal(w->held_count, 1);
    o.x = w->held[0];
    http_answer_open(o.x, 200, "text/event-stream", on_more, &o);
    return &o;
}

static void an_answer_without_an_end_goes_in_chunks_until_it_is_ended(void **state) {
    World *w = *state;
    Open *o = open_one(w, "GET /live HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(read_until(w, "\r\n\r\n"));
    assert_true(strstr(w->got.p, "Transfer-Encoding: chunked\r\n") != NULL);
    assert_null(strstr(w->got.p, "Content-Length"));
    assert_int_equal(o->asked, 1);
    loop_run_for(w->loop, 20); /* as long as it likes */
    http_answer_piece(o->x, STR("first"));
    assert_true(read_until(w, "\r\n\r\n5\r\nfirst\r\n"));
    assert_int_equal(o->asked, 2);
    http_answer_piece(o->x, STR("0123456789abcdef"));
    assert_true(read_until(w, "10\r\n0123456789abcdef\r\n"));
    http_answer_end(o->x);
    assert_true(read_until(w, "\r\n0\r\n\r\n"));
    assert_int_equal(o->asked, 3);
    assert_int_equal(o->gone, 0);
    w->handle = answer_at_once; /* and the connection goes on */
    write_all(w, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nagain");
    assert_true(read_until(w, "\r\n\r\nagain"));
    assert_int_equal(http_server_in_flight(w->server), 0);
}

static void an_old_client_reads_such_an_answer_until_it_is_closed(void **state) {
    World *w = *state;
    Open *o = open_one(w, "GET /live HTTP/1.0\r\n\r\n");
    assert_true(read_until(w, "Connection: close\r\n"));
    assert_true(read_until(w, "\r\n\r\n"));
    assert_null(strstr(w->got.p, "chunked"));
    http_answer_piece(o->x, STR("as it is"));
    assert_true(read_until(w, "\r\n\r\nas it is"));
    http_answer_end(o->x);
    char byte;
    for (int i = 0;
         i < 2000 && syscall(SYS_recvfrom, w->client, &byte, 1, MSG_DONTWAIT, NULL, NULL); i++)
        loop_run_for(w->loop, 1);
    assert_int_equal(syscall(SYS_recvfrom, w->client, &byte, 1, MSG_DONTWAIT, NULL, NULL), 0);
}

static void client_closes(World *w, const Open *o) {
    (void)shutdown(w->client, SHUT_WR);
    for (int i = 0; i < 2000 && http_server_connections(w->server); i++)
        loop_run_for(w->loop, 1);
    assert_int_equal(o->gone, 1);
    assert_int_equal(http_server_in_flight(w->server), 0);
    assert_int_equal(http_server_connections(w->server), 0);
}

/* While a piece is owed: nobody waits for the next sign of life to learn it. */
static void whoever_reads_such_an_answer_is_gone_as_soon_as_he_closes(void **state) {
    World *w = *state;
    Open *o = open_one(w, "GET /live HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(read_until(w, "\r\n\r\n"));
    assert_int_equal(o->asked, 1);
    client_closes(w, o);
}

static void and_likewise_with_a_piece_on_its_way(void **state) {
    World *w = *state;
    Open *o = open_one(w, "GET /live HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(read_until(w, "\r\n\r\n"));
    http_answer_piece(o->x, STR("on its way"));
    client_closes(w, o);
}

static void a_head_of_such_an_answer_is_over_at_once(void **state) {
    World *w = *state;
    Open *o = open_one(w, "HEAD /live HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(o->gone, 1);
    assert_true(read_until(w, "\r\n\r\n"));
    assert_int_equal(http_server_in_flight(w->server), 0);
}

static void such_an_answer_ends_with_its_server(void **state) {
    World *w = *state;
    Open *o = open_one(w, "GET /live HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(read_until(w, "\r\n\r\n"));
    w->server = http_server_free(w->server);
    assert_int_equal(o->gone, 1);
}

static void an_exchange_outlives_its_client(void **state) {
    World *w = *state;
    w->handle = hold;
    write_all(w, "POST /a?b=%20c HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    while (w->held_count < 1)
        loop_run_for(w->loop, 1);
    struct linger reset = {1, 0};
    (void)setsockopt(w->client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    (void)close(w->client);
    w->client = -1;
    while (http_server_connections(w->server))
        loop_run_for(w->loop, 1);
    HttpExchange *x = w->held[0];
    CLEANUP(buf_done) Buf value = {0};
    assert_true(str_is(http_body(x), "hello"));
    assert_true(str_is(http_peer(x), "127.0.0.1"));
    assert_true(http_query_value(x, "b", &value));
    assert_string_equal(value.p, " c");
    assert_int_equal(http_server_in_flight(w->server), 1);
    http_answer(x, 200, NULL, STR(""));
    assert_int_equal(http_server_in_flight(w->server), 0);
}

static void an_exchange_outlives_its_server(void **state) {
    World *w = *state;
    w->handle = hold;
    write_all(w, "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
    while (w->held_count < 2)
        loop_run_for(w->loop, 1);
    w->server = http_server_free(w->server);
    loop_run_for(w->loop, 2);
    assert_true(str_is(http_path(w->held[0]), "/a"));
    assert_true(str_is(http_header(w->held[1], "host"), "a"));
    http_answer_problem(w->held[1], 503, NULL, "gone", 1);
    http_answer(w->held[0], 200, NULL, STR(""));
}

static void stop_in_handler(World *w, HttpExchange *x) {
    http_server_stop_listening(w->server);
    http_answer(x, 202, NULL, STR(""));
}

static void a_handler_may_begin_the_drain(void **state) {
    World *w = *state;
    w->handle = stop_in_handler;
    write_all(w, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(read_until(w, "Connection: close\r\n\r\n"));
    assert_int_equal(count(w, "HTTP/1.1 202 "), 2); /* what was asked before is finished */
    assert_int_equal(count(w, "Connection: close"), 1);
    (void)close(w->client);
    w->client = -1;
    for (int i = 0; i < 2000 && http_server_connections(w->server); i++)
        loop_run_for(w->loop, 1);
    assert_int_equal(http_server_connections(w->server), 0);
}

static void answer_with_headers(World *w, HttpExchange *x) {
    (void)w;
    http_answer_header(x, "Location", "/a\r\nSet-Cookie: stolen\r\n\r\nbody");
    http_answer_header(x, "X-Second", "2");
    http_answer(x, 201, "application/json", STR("{}"));
}

static void a_header_value_cannot_end_its_line(void **state) {
    World *w = *state;
    w->handle = answer_with_headers;
    write_all(w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(read_until(w, "\r\n\r\n{}"));
    assert_non_null(
        strstr(w->got.p, "Location: /a  Set-Cookie: stolen    body\r\nX-Second: 2\r\n"));
}

static void answer_problem(World *w, HttpExchange *x) {
    (void)w;
    http_answer_problem(x, 429, NULL, "the \"budget\" is used up", 7);
}

static void a_problem_is_json_with_its_status(void **state) {
    World *w = *state;
    w->handle = answer_problem;
    write_all(w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(read_until(w, "}"));
    assert_non_null(strstr(w->got.p, "HTTP/1.1 429 Too Many Requests\r\n"));
    assert_non_null(strstr(w->got.p, "Content-Type: application/problem+json\r\n"));
    assert_non_null(strstr(w->got.p, "Retry-After: 7\r\n"));
    assert_non_null(strstr(w->got.p,
                           "{\"type\":\"about:blank\",\"title\":\"Too Many Requests\","
                           "\"status\":429,\"detail\":\"the \\\"budget\\\" is used up\"}"));
}

static void look_at_request(World *w, HttpExchange *x) {
    (void)w;
    CLEANUP(buf_done) Buf value = {0};
    assert_true(str_is(http_method(x), "PUT"));
    assert_true(str_is(http_path(x), "/a%20b"));
    assert_true(str_is(http_query(x), "q=%E5%B7%A5&empty=&bad=%00&last=1+2"));
    assert_true(http_query_value(x, "q", &value));
    assert_string_equal(value.p, "\xe5\xb7\xa5");
    assert_true(http_query_value(x, "empty", &value));
    assert_false(http_query_value(x, "bad", &value));
    assert_false(http_query_value(x, "none", &value));
    assert_true(http_query_value(x, "last", &value));
    assert_string_equal(value.p, "\xe5\xb7\xa5"
                                 "1 2");
    assert_true(str_is(http_header(x, "x-name"), "v"));
    assert_null(http_header(x, "absent").p);
    assert_true(http_started_us(x) > 0);
    assert_null(http_context(x));
    http_set_context(x, w);
    assert_ptr_equal(http_context(x), w);
    char *mine = arena_alloc(http_arena(x), 100000);
    memset(mine, 'm', 100000);
    assert_true(str_is(http_header(x, "x-name"), "v")); /* what was there stays where it was */
    http_answer(x, 204, NULL, STR(""));
}

static void the_request_is_what_was_sent(void **state) {
    World *w = *state;
    w->handle = look_at_request;
    for (int i = 0; i < 3; i++) { /* exchanges are used again: nothing of the last one is left */
        buf_clear(&w->got);
        write_all(w, "PUT /a%20b?q=%E5%B7%A5&empty=&bad=%00&last=1+2 HTTP/1.1\r\nHost: a\r\n"
                     "X-Name: v\r\n\r\n");
        assert_true(read_until(w, "HTTP/1.1 204 No Content\r\n"));
    }
    assert_null(strstr(w->got.p, "Content-Length"));
}

static void what_is_no_address_is_refused(void **state) {
    World *w = *state;
    static const char *bad[] = {
        "",     ":80",         "127.0.0.1",       "127.0.0.1:", "[::1]",
        "[::1", "127.0.0.1:x", "127.0.0.1:65536", "a.b:80",     "1.2.3.4.5:1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(http_server_listen(w->server, bad[i], NULL), -EINVAL);
    assert_int_equal(http_server_listen(w->server, "192.0.2.1:0", NULL), -EADDRNOTAVAIL);
    for (int i = 0; i < 7; i++)
        assert_int_equal(http_server_listen(w->server, "127.0.0.1:0", NULL), 0);
    assert_int_equal(http_server_listen(w->server, "127.0.0.1:0", NULL), -ENOSPC);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_request_costs_one_read_and_one_write),
        IN_WORLD(answers_of_one_turn_leave_in_one_write),
        IN_WORLD(an_answer_without_an_end_goes_in_chunks_until_it_is_ended),
        IN_WORLD(an_old_client_reads_such_an_answer_until_it_is_closed),
        IN_WORLD(whoever_reads_such_an_answer_is_gone_as_soon_as_he_closes),
        IN_WORLD(and_likewise_with_a_piece_on_its_way),
        IN_WORLD(a_head_of_such_an_answer_is_over_at_once),
        IN_WORLD(such_an_answer_ends_with_its_server),
        IN_WORLD(an_exchange_outlives_its_client),
        IN_WORLD(an_exchange_outlives_its_server),
        IN_WORLD(a_handler_may_begin_the_drain),
        IN_WORLD(a_header_value_cannot_end_its_line),
        IN_WORLD(a_problem_is_json_with_its_status),
        IN_WORLD(the_request_is_what_was_sent),
        IN_WORLD(what_is_no_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
