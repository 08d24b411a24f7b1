/* A client without a server: says why, never hangs, and may be freed at any moment. */
#include "postgres/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

/* A socket that takes connections and never says a word; *ret_port is its port. */
static int silent_server(int *ret_port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static bool wait_for_trouble(Loop *loop, const PostgresClient *c, const char *words, int64_t ms) {
    int64_t until = clock_monotonic_ms() + ms;
    while (!strstr(postgres_client_trouble(c), words) && clock_monotonic_ms() < until)
        loop_run_for(loop, 5);
    return strstr(postgres_client_trouble(c), words) != NULL;
}

static void a_bad_url_is_refused_without_repeating_it(void **state) {
    (void)state;
    CLEANUP(loop_freep) Loop *loop = loop_new();
    const char *const bad[] = {"", "secret", "postgresql://u:secret@host:port:port/x?nonsense=1",
                               "user='secret"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CLEANUP(buf_done) Buf problem = {0};
        assert_null(
            postgres_client_new(loop, &(PostgresSettings){.url = bad[i]}, NULL, NULL, &problem));
        assert_non_null(strstr(problem.p, "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"));
        assert_null(strstr(problem.p, "secret"));
    }
}

static void never(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                  const PostgresProblem *problem) {
    (void)arg, (void)outcome, (void)results, (void)problem;
    fail_msg("a transaction that was never taken has no outcome");
}

static void nobody_there_is_said_and_tried_again(void **state) {
    (void)state;
    CLEANUP(loop_freep) Loop *loop = loop_new();
    CLEANUP(buf_done) Buf problem = {0};
    char url[80];
    int port, fd = silent_server(&port);
    close(fd); /* now nobody listens there */
    (void)snprintf(url, sizeof(url), "postgresql://u:secret@127.0.0.1:%d/x", port);
    PostgresClient *c =
        postgres_client_new(loop, &(PostgresSettings){.url = url}, NULL, NULL, &problem);
    assert_non_null(c);
    assert_true(wait_for_trouble(loop, c, "refused", 2000));
    assert_null(strstr(postgres_client_trouble(c), "secret"));
    assert_false(postgres_client_connected(c));
    assert_int_equal(postgres_client_run(c, 0, NULL, 0, never, NULL), -ENOTCONN);
    loop_run_for(loop, 300); /* a few tries */
    c = postgres_client_free(c);
    loop_run_for(loop, 20);
}

static void a_server_that_says_nothing_is_given_up(void **state) {
    (void)state;
    CLEANUP(loop_freep) Loop *loop = loop_new();
    CLEANUP(buf_done) Buf problem = {0};
    char url[80];
    int port, fd = silent_server(&port);
    (void)snprintf(url, sizeof(url), "postgresql://u@127.0.0.1:%d/x", port);
    PostgresClient *c = postgres_client_new(
        loop, &(PostgresSettings){.url = url, .connect_timeout_ms = 100}, NULL, NULL, &problem);
    assert_true(wait_for_trouble(loop, c, "no answer while connecting", 2000));
    c = postgres_client_free(c);
    c = postgres_client_new(loop, &(PostgresSettings){.url = url}, NULL, NULL, &problem);
    loop_run_for(loop, 30);
    c = postgres_client_free(c); /* in the middle of connecting */
    loop_run_for(loop, 20);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_url_is_refused_without_repeating_it),
        cmocka_unit_test(nobody_there_is_said_and_tried_again),
        cmocka_unit_test(a_server_that_says_nothing_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
