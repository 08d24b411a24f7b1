/* Allocation that cannot fail: the process ends instead (see memory.h for why that is safe). */
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static void *checked(void *p, size_t n) {
    if (p || n == 0) return p;
    (void)fprintf(stderr, "docket: out of memory asking for %zu bytes\n", n);
    abort();
}

void *xmalloc(size_t n) {
    return checked(malloc(n), n);
}

void *xcalloc(size_t count, size_t size) {
    return checked(calloc(count, size), count && size ? size : 0);
}

void *xrealloc(void *p, size_t n) {
    return checked(realloc(p, n), n);
}

char *xstrdup(const char *s) {
    return checked(strdup(s), strlen(s) + 1);
}

char *xstrndup(const char *s, size_t n) {
    return checked(strndup(s, n), n + 1);
}
