/* A whole life in a child process: arguments, health, drain, exit codes. */
#include "runtime/runtime.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "log/log.h"

/* --- the service: counts orders to drain, and says what happens to it on standard error ----------
 */

typedef struct Shop {
    char *name;
    int64_t drains; /* how often drain() says "not yet" */
    bool broken, fails_later, unready;
} Shop;

#define AT(field) .offset = offsetof(Shop, field)
static const ConfigKey shop_keys[] = {
    {.name = "name", .type = CONFIG_STRING, AT(name), .fallback = "", .help = "its name"},
    {.name = "drains", .type = CONFIG_INT, AT(drains), .fallback = "0", .help = "turns"},
    {.name = "broken", .type = CONFIG_BOOL, AT(broken), .fallback = "no", .help = "start fails"},
    {.name = "fails_later",
     .type = CONFIG_BOOL,
     AT(fails_later),
     .fallback = "no",
     .help = "fails"},
    {.name = "unready", .type = CONFIG_BOOL, AT(unready), .fallback = "no", .help = "not ready"},
};

typedef struct Self {
    Runtime *runtime;
    const Shop *shop;
    int64_t asked;
    LoopTimer *failure;
} Self;

static bool till_is_open(void *arg, Buf *ret_reason) {
    const Self *s = arg;
    if (s->shop->unready) buf_adds(ret_reason, "the till is shut");
    return !s->shop->unready;
}

static void roof_falls_in(void *arg) {
    Self *s = arg;
    runtime_fail(s->runtime, "the roof fell in at %s", runtime_instance(s->runtime));
}

static int shop_start(Runtime *r, const void *config, void **ret_self) {
    const Shop *shop = config;
    if (shop->broken) {
        log_error(NULL, "no key to the door");
        return -EACCES;
    }
    Self *s = xcalloc(1, sizeof(*s));
    *s = (Self){.runtime = r, .shop = shop};
    s->failure = loop_timer_new(runtime_loop(r), roof_falls_in, s);
    if (shop->fails_later) loop_timer_arm(s->failure, 1);
    runtime_ready_check(r, "till", till_is_open, s);
    *ret_self = s;
    return 0;
}

static bool shop_drain(void *self) {
    Self *s = self;
    assert(runtime_draining(s->runtime));
    return s->asked++ >= s->shop->drains;
}

static void shop_stop(void *self) {
    Self *s = self;
    log_info(NULL, "shop shut after %lld", (long long)s->asked);
    loop_timer_free(s->failure);
    free(s);
}

static const Service shop = {.name = "shop",
                             .summary = "Sells things to tests",
                             .keys = shop_keys,
                             .n_keys = sizeof(shop_keys) / sizeof(shop_keys[0]),
                             .config_size = sizeof(Shop),
                             .start = shop_start,
                             .drain = shop_drain,
                             .stop = shop_stop};

/* --- the child -----------------------------------------------------------------------------------
 */

typedef struct Child {
    pid_t pid;
    int out;  /* its standard output and error */
    Buf text; /* what it has written so far */
    int port;
} Child;

/* `settings`: "drains=3 unready=yes"; then the arguments. */
static Child spawn(const char *settings, const char *argument, const char *value) {
    int ends[2];
    Child c = {0};
    assert_int_equal(pipe(ends), 0);
    c.pid = fork();
    assert_true(c.pid >= 0);
    if (c.pid == 0) {
        char *argv[] = {(char *)(uintptr_t) "docket-shop", (char *)(uintptr_t)argument,
                        (char *)(uintptr_t)value, NULL};
        char *copy = strdup(settings), *rest = copy;
        for (char *word; (word = strtok_r(rest, " ", &rest));) {
            char *equals = strchr(word, '=');
            *equals = 0;
            (void)setenv(word, equals + 1, 1);
        }
        free(copy);
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        exit(service_main(value ? 3 : argument ? 2 : 1, argv, &shop));
    }
    (void)close(ends[1]);
    c.out = ends[0];
    return c;
}

/* Reads on until `text` has been written; false at the end of its output or after 20 s. */
static bool says(Child *c, const char *text) {
    int64_t deadline = clock_monotonic_ms() + 90000;
    while (!c->text.p || !strstr(c->text.p, text)) {
        struct pollfd p = {.fd = c->out, .events = POLLIN};
        char some[4096];
        if (!c->pid || clock_monotonic_ms() > deadline || poll(&p, 1, 1000) < 0) return false;
        if (!(p.revents & (POLLIN | POLLHUP))) continue;
        ssize_t n = read(c->out, some, sizeof(some));
        if (n <= 0) return false;
        buf_add(&c->text, some, (size_t)n);
    }
    return true;
}

static void expect(Child *c, const char *text) {
    if (!says(c, text)) fail_msg("`%s` was never said:\n%s", text, c->text.p ? c->text.p : "");
}

static void learn_port(Child *c) {
    expect(c, "started ops=");
    expect(c, " version=");
    c->port = atoi(strstr(c->text.p, "started ops=") + strlen("started ops="));
    assert_true(c->port > 0);
}

static void expect_end(Child *c, int code) {
    int status = 0;
    (void)says(c, "\x01 never"); /* to the end of its output */
    assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
        fail_msg("status %x instead of exit code %d:\n%s", (unsigned)status, code,
                 c->text.p ? c->text.p : "");
    (void)close(c->out);
    c->pid = 0;
}

/* The whole answer. */
static char *ask(const Child *c, const char *method, const char *target) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port)};
    Buf answer = {0};
    char request[256], some[4096];
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    int n = snprintf(request, sizeof(request),
                     "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, target);
    assert_int_equal(send(fd, request, (size_t)n, 0), n);
    for (ssize_t got; (got = recv(fd, some, sizeof(some), 0)) > 0;)
        buf_add(&answer, some, (size_t)got);
    (void)close(fd);
    return answer.p;
}

static void answers(const Child *c, const char *target, int status, const char *part) {
    CLEANUP(mem_freep) char *answer = ask(c, "GET", target);
    char line[32];
    (void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    if (!answer || !strstr(answer, part) || strncmp(answer, line, strlen(line)) != 0)
        fail_msg("%s is answered by\n%s", target, answer);
}

/* --- promises
 * -------------------------------------------------------------------------------------- */

static void a_life_ends_clean_when_nothing_is_in_flight(void **state) {
    Child c = spawn("DOCKET_INSTANCE=shop-1", NULL, NULL);
    (void)state;
    learn_port(&c);
    expect(&c, "ready ops=");
    expect(&c, "instance=shop-1");
    answers(&c, "/health/live", 200, "\r\n\r\nok\n");
    answers(&c, "/health/ready", 200, "\r\n\r\nok\n");
    answers(&c, "/health/ready?verbose", 200, "[+]till ok\nok\n");
    answers(&c, "/metrics", 200, "docket_build_info{service=\"shop\",version=\"");
    answers(&c, "/metrics", 200, "text/plain; version=0.0.4");
    answers(&c, "/metrics", 200, "docket_loop_late_seconds_bucket");
    answers(&c, "/else", 404, "/health/live");
    CLEANUP(mem_freep) char *posted = ask(&c, "POST", "/metrics");
    assert_non_null(strstr(posted, "Allow: GET, HEAD"));
    (void)kill(c.pid, SIGHUP); /* nothing */
    (void)kill(c.pid, SIGTERM);
    expect_end(&c, 0);
    expect(&c, "shop shut after 1");
    assert_null(strstr(c.text.p, "not ready"));
    buf_done(&c.text);
}

static void live_and_ready_are_two_answers(void **state) {
    Child c = spawn("DOCKET_UNREADY=yes", NULL, NULL);
    (void)state;
    learn_port(&c);
    expect(&c, "not ready: till: the till is shut");
    answers(&c, "/health/live", 200, "ok");
    answers(&c, "/health/ready", 503, "not ready: till: the till is shut");
    answers(&c, "/health/ready?verbose=1", 503, "[-]till: the till is shut\nnot ready");
    (void)kill(c.pid, SIGTERM);
    expect_end(&c, 0);
    buf_done(&c.text);
}

static void drain_is_asked_until_nothing_is_in_flight(void **state) {
    Child c = spawn("DOCKET_DRAINS=10", NULL, NULL);
    (void)state;
    learn_port(&c);
    (void)kill(c.pid, SIGINT);
    expect(&c, "draining");
    expect_end(&c, 0);
    expect(&c, "drained");
    expect(&c, "shop shut after 11");
    buf_done(&c.text);
}

static void a_draining_service_is_alive_but_not_ready(void **state) {
    Child c = spawn("DOCKET_DRAINS=1000000", NULL, NULL);
    (void)state;
    learn_port(&c);
    expect(&c, "ready ops=");
    (void)kill(c.pid, SIGTERM);
    expect(&c, "draining");
    answers(&c, "/health/ready", 503, "not ready: draining");
    answers(&c, "/health/live", 200, "ok");
    (void)kill(c.pid, SIGTERM);
    expect(&c, "second signal");
    expect_end(&c, 1);
    expect(&c, "shop shut after");
    buf_done(&c.text);
}

static void drain_has_a_deadline(void **state) {
    Child c = spawn("DOCKET_DRAINS=1000000 DOCKET_DRAIN_MS=60ms", NULL, NULL);
    (void)state;
    learn_port(&c);
    (void)kill(c.pid, SIGTERM);
    expect_end(&c, 1);
    expect(&c, "drain_ms is over");
    expect(&c, "shop shut after");
    buf_done(&c.text);
}

static void a_failed_start_exits_1_and_a_failure_later_too(void **state) {
    Child c = spawn("DOCKET_BROKEN=yes", NULL, NULL);
    (void)state;
    expect_end(&c, 1);
    expect(&c, "no key to the door");
    assert_null(strstr(c.text.p, "shop shut"));
    buf_done(&c.text);
    c = spawn("DOCKET_FAILS_LATER=yes DOCKET_INSTANCE=shop-9 DOCKET_LOG_FORMAT=json", NULL, NULL);
    expect_end(&c, 1);
    expect(
        &c,
        "\"level\":\"error\",\"service\":\"shop\",\"msg\":\"failed: the roof fell in at shop-9\"");
    expect(&c, "shop shut after 0");
    buf_done(&c.text);
}

static void an_ops_port_in_use_is_told(void **state) {
    Child first = spawn("DOCKET_NAME=first", NULL, NULL);
    char settings[64];
    (void)state;
    learn_port(&first);
    (void)snprintf(settings, sizeof(settings), "DOCKET_OPS_LISTEN=127.0.0.1:%d", first.port);
    Child second = spawn(settings, NULL, NULL);
    expect_end(&second, 1);
    expect(&second, "Address already in use");
    (void)kill(first.pid, SIGTERM);
    expect_end(&first, 0);
    buf_done(&first.text);
    buf_done(&second.text);
}

static void wrong_configuration_and_usage_exit_2(void **state) {
    static const struct {
        const char *settings, *argument, *value, *said;
    } wrong[] = {
        {"DOCKET_DRAINS=many", NULL, NULL, "DOCKET_DRAINS `many` is no whole number"},
        {"DOCKET_LOG_LEVEL=loud", NULL, NULL, "is not one of: debug info warn error"},
        {"DOCKET_DRAINS=many", "--check-config", NULL, "is no whole number"},
        {"DOCKET_DRAINS=1", "--config", "/nonexistent/shop.conf", "No such file or directory"},
        {"DOCKET_DRAINS=1", "--conifg", NULL, "--help shows the options"},
        {"DOCKET_DRAINS=1", "start", NULL, "`start` is no option"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        Child c = spawn(wrong[i].settings, wrong[i].argument, wrong[i].value);
        expect_end(&c, 2);
        expect(&c, wrong[i].said);
        buf_done(&c.text);
    }
}

static void questions_are_answered_without_a_life(void **state) {
    static const struct {
        const char *argument, *said;
    } asked[] = {
        {"--version", "docket-shop " DOCKET_VERSION "\n"},
        {"--help", "docket-shop -- Sells things to tests"},
        {"--check-config", "environment: the configuration is right"},
        {"--print-config", "# default: 0; environment: DOCKET_DRAINS\ndrains = 3\n"},
        {"--print-config", "log_format = \"logfmt\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        Child c = spawn("DOCKET_DRAINS=3", asked[i].argument, NULL);
        expect_end(&c, 0);
        expect(&c, asked[i].said);
        assert_null(strstr(c.text.p, "started"));
        buf_done(&c.text);
    }
}

static void descriptors_are_raised_to_the_hard_limit(void **state) {
    struct rlimit before, low;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = (struct rlimit){.rlim_cur = 64, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    Child c = spawn("DOCKET_NAME=x", NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    learn_port(&c);
    CLEANUP(mem_freep) char *page = ask(&c, "GET", "/metrics");
    double limit = strtod(strstr(page, "\nprocess_max_fds ") + strlen("\nprocess_max_fds "), NULL);
    assert_true(limit == (double)before.rlim_max || before.rlim_max > (1ULL << 50));
    (void)kill(c.pid, SIGTERM);
    expect_end(&c, 0);
    buf_done(&c.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life_ends_clean_when_nothing_is_in_flight),
        cmocka_unit_test(live_and_ready_are_two_answers),
        cmocka_unit_test(drain_is_asked_until_nothing_is_in_flight),
        cmocka_unit_test(a_draining_service_is_alive_but_not_ready),
        cmocka_unit_test(drain_has_a_deadline),
        cmocka_unit_test(a_failed_start_exits_1_and_a_failure_later_too),
        cmocka_unit_test(an_ops_port_in_use_is_told),
        cmocka_unit_test(wrong_configuration_and_usage_exit_2),
        cmocka_unit_test(questions_are_answered_without_a_life),
        cmocka_unit_test(descriptors_are_raised_to_the_hard_limit),
    };
    return cmocka_run_group_tests_name("runtime", tests, NULL, NULL);
}
