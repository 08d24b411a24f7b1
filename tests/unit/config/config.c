/* One table, one file, the environment: what is taken, and how each mistake is told. */
#include "config/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Sample {
    char *name, *listen, *brokers, *database, *ring, *mode;
    int64_t workers, wait, buffer;
    bool strict;
} Sample;

#define AT(field) .offset = offsetof(Sample, field)
static const ConfigKey keys[] = {
    {.name = "name", .type = CONFIG_STRING, AT(name), .fallback = "", .help = "its name"},
    {.name = "listen",
     .type = CONFIG_ADDRESS,
     AT(listen),
     .fallback = "127.0.0.1:0",
     .help = "where"},
    {.name = "kafka.brokers",
     .type = CONFIG_ADDRESSES,
     AT(brokers),
     .fallback = "127.0.0.1:9092",
     .min = 1,
     .help = "brokers"},
    {.name = "database",
     .type = CONFIG_URL,
     AT(database),
     .help = "PostgreSQL",
     .schemes = "postgresql postgres"},
    {.name = "ring", .type = CONFIG_FILE, AT(ring), .fallback = "", .help = "key ring"},
    {.name = "mode",
     .type = CONFIG_CHOICE,
     AT(mode),
     .fallback = "fast",
     .help = "how",
     .choices = "fast safe"},
    {.name = "workers",
     .type = CONFIG_INT,
     AT(workers),
     .fallback = "4",
     .min = 1,
     .max = 64,
     .help = "how many"},
    {.name = "wait",
     .type = CONFIG_DURATION,
     AT(wait),
     .fallback = "5s",
     .min = 1,
     .max = 60000,
     .help = "how long"},
    {.name = "buffer", .type = CONFIG_BYTES, AT(buffer), .fallback = "16MiB", .help = "memory"},
    {.name = "strict", .type = CONFIG_BOOL, AT(strict), .fallback = "no", .help = "or not"},
};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static char folder[] = "/tmp/docket-unit-config-XXXXXX";
static char file[128];

static void write_file(Str text) {
    FILE *f = fopen(file, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
    assert_int_equal(fclose(f), 0);
}

static int load(const char *text, Sample *ret, Buf *problem) {
    memset(ret, 0, sizeof(*ret));
    write_file(str(text));
    return config_load(keys, KEYS, file, ret, problem);
}

/* `line` is what stands behind the required key, in line 2; `expected` what is said about it. */
static void refuses(const char *line, const char *expected) {
    Sample s;
    char text[512], wanted[512];
    CLEANUP(buf_done) Buf problem = {0};
    (void)snprintf(text, sizeof(text), "database = postgresql://localhost/docket\n%s\n", line);
    (void)snprintf(wanted, sizeof(wanted), "%s:2: %s", file, expected);
    assert_int_equal(load(text, &s, &problem), -EINVAL);
    assert_string_equal(problem.p, wanted);
    assert_null(s.database);
}

static void takes(const char *line) {
    Sample s;
    char text[512];
    CLEANUP(buf_done) Buf problem = {0};
    (void)snprintf(text, sizeof(text), "database = postgresql://localhost/docket\n%s\n", line);
    if (load(text, &s, &problem) < 0) fail_msg("%s", problem.p);
    config_done(keys, KEYS, &s);
}

static void values_reach_the_struct(void **state) {
    Sample s;
    CLEANUP(buf_done) Buf problem = {0};
    (void)state;
    assert_int_equal(load("# a comment\n\n"
                          "  name = \"a # b = c\"  # behind\n"
                          "listen = [::1]:8080\r\n"
                          "kafka.brokers = a:1, b-2.example:65535 # two\n"
                          "database = postgresql://u:p%40x@db:5432/docket?sslmode=require\n"
                          "mode='safe'\n"
                          "workers=64\nwait = 1m\nbuffer = 64 KiB\nstrict = on",
                          &s, &problem),
                     0);
    assert_string_equal(s.name, "a # b = c");
    assert_string_equal(s.listen, "[::1]:8080");
    assert_string_equal(s.brokers, "a:1, b-2.example:65535");
    assert_string_equal(s.mode, "safe");
    assert_string_equal(s.ring, "");
    assert_int_equal(s.workers, 64);
    assert_int_equal(s.wait, 60000);
    assert_int_equal(s.buffer, 65536);
    assert_true(s.strict);
    assert_string_equal(s.database, "postgresql://u:p%40x@db:5432/docket?sslmode=require");
    config_done(keys, KEYS, &s);
    assert_null(s.name);
    config_done(keys, KEYS, &s);
}

static void fallbacks_fill_what_is_silent(void **state) {
    Sample s;
    CLEANUP(buf_done) Buf problem = {0};
    (void)state;
    assert_int_equal(load("database = postgres:///docket?host=/run/postgresql\n", &s, &problem), 0);
    assert_string_equal(s.listen, "127.0.0.1:0");
    assert_string_equal(s.name, "");
    assert_int_equal(s.workers, 4);
    assert_int_equal(s.wait, 5000);
    assert_int_equal(s.buffer, 16 << 20);
    assert_false(s.strict);
    config_done(keys, KEYS, &s);
}

static void environment_overrides_the_file(void **state) {
    Sample s = {0};
    CLEANUP(buf_done) Buf problem = {0};
    (void)state;
    (void)setenv("DOCKET_KAFKA_BROKERS", "kafka:1", 1);
    (void)setenv("DOCKET_DATABASE", "postgresql://env/docket", 1);
    (void)setenv("DOCKET_WAIT", "1s", 1);
    assert_int_equal(load("kafka.brokers = file:2\nwait = 2s\n", &s, &problem), 0);
    assert_string_equal(s.brokers, "kafka:1");
    assert_string_equal(s.database, "postgresql://env/docket");
    assert_int_equal(s.wait, 1000);
    config_done(keys, KEYS, &s);

    memset(&s, 0, sizeof(s));
    assert_int_equal(config_load(keys, KEYS, NULL, &s, &problem), 0); /* no file at all */
    assert_int_equal(s.wait, 1000);
    config_done(keys, KEYS, &s);

    (void)setenv("DOCKET_WAIT", "1 parsec", 1);
    assert_int_equal(load("wait = 2s\n", &s, &problem), -EINVAL);
    assert_string_equal(problem.p,
                        "DOCKET_WAIT `1 parsec` is no duration; write a number and ms, s, "
                        "m, h or d");
    (void)unsetenv("DOCKET_WAIT");
    (void)unsetenv("DOCKET_DATABASE");
    (void)unsetenv("DOCKET_KAFKA_BROKERS");
}

static void a_mistake_is_told_with_line_reason_and_remedy(void **state) {
    (void)state;
    refuses("lissten = 127.0.0.1:80", "unknown key `lissten`; did you mean `listen`?");
    refuses("colour = red", "unknown key `colour`; --print-config lists the keys");
    refuses("listen", "`=` is missing; write `key = value`");
    refuses("listen = here", "listen `here` has no port; write host:port");
    refuses("listen = 127.0.0.1:65536", "listen `127.0.0.1:65536` has a port above 65535");
    refuses("listen = 127.0.0.1:http",
            "listen `127.0.0.1:http` is no address; write host:port or [::1]:port");
    refuses("listen = ::1:80", "listen `::1:80` is no address; write host:port or [::1]:port");
    refuses("listen = [::zz]:80",
            "listen `[::zz]:80` is no address; write host:port or [::1]:port");
    refuses("kafka.brokers = a:1,,b:2",
            "kafka.brokers `a:1,,b:2` has an empty address in its list");
    refuses("kafka.brokers = a:0", "kafka.brokers `a:0` has port 0; the lowest here is 1");
    refuses("workers = 4.5", "workers `4.5` is no whole number");
    refuses("workers = 0", "workers `0` is below the least, 1");
    refuses("workers = 65", "workers `65` is above the most, 64");
    refuses("workers = 99999999999999999999",
            "workers `99999999999999999999` does not fit 64 bits");
    refuses("wait = 5", "wait `5` is no duration; write a number and ms, s, m, h or d");
    refuses("wait = 2m", "wait `2m` is above the most, 1m");
    refuses("buffer = 16MB", "buffer `16MB` is no size; write a number and KiB, MiB or GiB");
    refuses("buffer = -1", "buffer `-1` is no size; write a number and KiB, MiB or GiB");
    refuses("strict = maybe", "strict `maybe` is neither true nor false");
    refuses("mode = quick", "mode `quick` is not one of: fast safe");
    refuses("name = \"open", "name has a wrong quote; write name = \"value\"");
    refuses("database = postgresql://x/y", "database is set twice, first in line 1; keep one");
    refuses("ring = /nonexistent/ring", "ring `/nonexistent/ring` cannot be read: No such file or "
                                        "directory; check the path (it is taken from the working "
                                        "folder)");
    refuses("ring = /tmp", "ring `/tmp` is not a regular file");
}

static void a_url_is_checked_and_its_password_never_shown(void **state) {
    Sample s;
    CLEANUP(buf_done) Buf problem = {0}, wanted = {0};
    (void)state;
    assert_int_equal(load("database = redis://:secret@host:1/0", &s, &problem), -EINVAL);
    buf_printf(&wanted,
               "%s:1: database `redis://:***@host:1/0` has scheme `redis`; the scheme must be one "
               "of: postgresql postgres",
               file);
    assert_string_equal(problem.p, wanted.p);
    buf_clear(&problem);
    assert_int_equal(load("database = postgresql://u:secret@host:70000/x", &s, &problem), -EINVAL);
    assert_non_null(strstr(problem.p, "u:***@host:70000/x` has a port that is not 1 to 65535"));
    assert_null(strstr(problem.p, "secret"));
    buf_clear(&problem);
    assert_int_equal(load("database = localhost", &s, &problem), -EINVAL);
    assert_non_null(strstr(problem.p, "is no URL"));
    static const char *const wrong[] = {
        "postgresql://u:sec#ret@db/x",    "u:secret@db/x",
        "redis://u:se/cr@et@db/x",        "redis://db/x?password=secret&a=b",
        "host=db password=secret user=x", "postgresql://u:s@e:c@r:e"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[128];
        buf_clear(&problem);
        (void)snprintf(text, sizeof(text), "database = \"%s\"", wrong[i]);
        assert_int_equal(load(text, &s, &problem), -EINVAL);
        assert_null(strstr(problem.p, "sec"));
        assert_null(strstr(problem.p, "cr@"));
        assert_null(strstr(problem.p, "c@r"));
        assert_non_null(strstr(problem.p, "***"));
    }
}

static void a_required_key_and_a_missing_file_are_told(void **state) {
    Sample s = {0};
    CLEANUP(buf_done) Buf problem = {0}, wanted = {0};
    (void)state;
    assert_int_equal(load("", &s, &problem), -EINVAL);
    buf_printf(&wanted,
               "%s: database is missing (PostgreSQL); set it in the file or as DOCKET_DATABASE",
               file);
    assert_string_equal(problem.p, wanted.p);
    buf_clear(&problem);
    assert_int_equal(config_load(keys, KEYS, "/nonexistent/x.conf", &s, &problem), -EINVAL);
    assert_string_equal(problem.p,
                        "/nonexistent/x.conf: No such file or directory; name a readable "
                        "configuration file with --config");
    buf_clear(&problem);
    assert_int_equal(config_load(keys, KEYS, "/tmp", &s, &problem), -EINVAL);
    assert_non_null(strstr(problem.p, "is not a regular file"));
    buf_clear(&problem);
    write_file(STR("name = a\0b\n"));
    assert_int_equal(config_load(keys, KEYS, file, &s, &problem), -EINVAL);
    assert_non_null(strstr(problem.p, ":1: has a NUL byte"));
}

static void every_problem_is_told_at_once(void **state) {
    Sample s;
    CLEANUP(buf_done) Buf problem = {0};
    size_t lines = 1;
    (void)state;
    assert_int_equal(load("x = 1\nwait = 1\nworkers = none\n", &s, &problem), -EINVAL);
    for (const char *p = problem.p; (p = strchr(p, '\n')); p++)
        lines++;
    assert_int_equal(lines, 4); /* and the missing database */
}

static void units_and_urls_are_taken(void **state) {
    int64_t v = 0;
    (void)state;
    takes("wait = 250ms");
    takes("wait = 1m");
    takes("listen = *:80");
    takes("name =");
    assert_int_equal(config_parse_duration(STR("7d"), &v), 0);
    assert_true(v == 7 * 86400000LL);
    assert_int_equal(config_parse_duration(STR("0"), &v), 0);
    assert_int_equal(config_parse_duration(STR("9223372036854775807s"), &v), -ERANGE);
    assert_int_equal(config_parse_bytes(STR("1GiB"), &v), 0);
    assert_true(v == 1LL << 30);
    assert_int_equal(config_parse_bytes(STR(""), &v), -EINVAL);
}

static char *printed(const void *cfg) {
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    config_print(keys, KEYS, cfg, f);
    (void)fclose(f);
    return text;
}

static void what_is_printed_reads_back_the_same(void **state) {
    Sample s, again;
    CLEANUP(buf_done) Buf problem = {0};
    (void)state;
    assert_int_equal(
        load("database = postgresql://u@db/docket\nname = 'say \"hi\" # x'\nwait = 90ms\n"
             "buffer = 3MiB\nstrict = yes\n",
             &s, &problem),
        0);
    CLEANUP(mem_freep) char *text = printed(&s);
    assert_int_equal(load(text, &again, &problem), 0);
    CLEANUP(mem_freep) char *text_again = printed(&again);
    assert_string_equal(text, text_again);
    assert_int_equal(again.wait, 90);
    assert_int_equal(again.buffer, 3 << 20);
    assert_string_equal(again.name, "say \"hi\" # x");
    assert_non_null(
        strstr(text, "# how long\n# default: 5s; environment: DOCKET_WAIT\nwait = 90ms\n"));
    config_done(keys, KEYS, &s);
    config_done(keys, KEYS, &again);
    CLEANUP(mem_freep) char *template = printed(NULL);
    assert_non_null(strstr(template, "# required; environment: DOCKET_DATABASE\n#database = \n"));
}

static void secrets_are_masked_in_print(void **state) {
    Sample s;
    CLEANUP(buf_done) Buf problem = {0};
    (void)state;
    assert_int_equal(load("database = postgresql://u:geheim@db/docket\n", &s, &problem), 0);
    CLEANUP(mem_freep) char *text = printed(&s);
    assert_null(strstr(text, "geheim"));
    assert_non_null(strstr(text, "postgresql://u:***@db/docket"));
    config_done(keys, KEYS, &s);
}

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(file, sizeof(file), "%s/sample.conf", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    (void)unlink(file);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_reach_the_struct),
        cmocka_unit_test(fallbacks_fill_what_is_silent),
        cmocka_unit_test(environment_overrides_the_file),
        cmocka_unit_test(a_mistake_is_told_with_line_reason_and_remedy),
        cmocka_unit_test(a_url_is_checked_and_its_password_never_shown),
        cmocka_unit_test(a_required_key_and_a_missing_file_are_told),
        cmocka_unit_test(every_problem_is_told_at_once),
        cmocka_unit_test(units_and_urls_are_taken),
        cmocka_unit_test(what_is_printed_reads_back_the_same),
        cmocka_unit_test(secrets_are_masked_in_print),
    };
    return cmocka_run_group_tests_name("config", tests, make_folder, remove_folder);
}
