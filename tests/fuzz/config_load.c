/* Any file: it loads and prints back to the same, or every problem is told in bounded text. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef struct Sample {
    char *name, *listen, *brokers, *database, *ring, *mode;
    int64_t workers, wait, buffer;
    bool strict;
} Sample;

#define AT(field) .offset = offsetof(Sample, field)
static const ConfigKey keys[] = {
    {.name = "name", .type = CONFIG_STRING, AT(name), .fallback = "", .help = "a"},
    {.name = "listen", .type = CONFIG_ADDRESS, AT(listen), .fallback = "*:0", .help = "a"},
    {.name = "brokers",
     .type = CONFIG_ADDRESSES,
     AT(brokers),
     .fallback = "a:1",
     .min = 1,
     .help = "a"},
    {.name = "database", .type = CONFIG_URL, AT(database), .fallback = "redis://a", .help = "a"},
    {.name = "ring", .type = CONFIG_FILE, AT(ring), .fallback = "", .help = "a"},
    {.name = "mode",
     .type = CONFIG_CHOICE,
     AT(mode),
     .fallback = "x",
     .help = "a",
     .choices = "x y"},
    {.name = "workers",
     .type = CONFIG_INT,
     AT(workers),
     .fallback = "4",
     .min = 1,
     .max = 64,
     .help = "a"},
    {.name = "wait", .type = CONFIG_DURATION, AT(wait), .fallback = "5s", .help = "a"},
    {.name = "buffer", .type = CONFIG_BYTES, AT(buffer), .fallback = "1KiB", .help = "a"},
    {.name = "strict", .type = CONFIG_BOOL, AT(strict), .fallback = "no", .help = "a"},
};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static void write_file(const char *path, const void *p, size_t n) {
    FILE *f = fopen(path, "we");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0) abort();
}

static char *printed(const Sample *s) {
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    if (!f) abort();
    config_print(keys, KEYS, s, f);
    (void)fclose(f);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static char path[64];
    Sample s = {0}, again = {0};
    CLEANUP(buf_done) Buf problem = {0};
    if (!*path) (void)snprintf(path, sizeof(path), "/dev/shm/docket-fuzz-config-%d", (int)getpid());
    write_file(path, data, n);
    if (config_load(keys, KEYS, path, &s, &problem) < 0) {
        if (problem.n == 0 || problem.n > 64 * 1024 || s.name) abort();
        (void)unlink(path);
        return 0;
    }
    char *text = printed(&s);
    bool exact = !(strchr(s.name, '"') && strchr(s.name, '\'')) && !strstr(text, "***");
    if (exact && !strpbrk(s.name, "\r") && !strpbrk(s.database, "\"'")) {
        write_file(path, text, strlen(text));
        if (config_load(keys, KEYS, path, &again, &problem) < 0) {
            (void)fprintf(stderr, "%s\n%s\n", text, problem.p);
            abort();
        }
        char *text_again = printed(&again);
        if (strcmp(text, text_again) != 0) abort();
        free(text_again);
        config_done(keys, KEYS, &again);
    }
    free(text);
    config_done(keys, KEYS, &s);
    (void)unlink(path);
    return 0;
}
