/* Bump allocator in a list of chunks; a large object gets a chunk of its own. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct Chunk {
    struct Chunk *next;
    size_t size, used;
    _Alignas(16) unsigned char bytes[];
} Chunk;

struct Arena {
    size_t chunk_bytes;
    size_t used;
    Chunk *newest; /* the first chunk ever made is the last in the list and survives reset */
};

static Chunk *chunk_new(size_t size) {
    Chunk *c = xmalloc(sizeof(*c) + size);
    c->next = NULL;
    c->size = size;
    c->used = 0;
    return c;
}

Arena *arena_new(size_t chunk_bytes) {
    Arena *a = xcalloc(1, sizeof(*a));
    a->chunk_bytes = chunk_bytes ? chunk_bytes : 16384;
    a->newest = chunk_new(a->chunk_bytes);
    return a;
}

Arena *arena_free(Arena *a) {
    if (!a) return NULL;
    for (Chunk *c = a->newest, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(a);
    return NULL;
}

void *arena_alloc(Arena *a, size_t n) {
    n = (n + 15) & ~(size_t)15;
    if (n > a->newest->size - a->newest->used) {
        Chunk *c = chunk_new(n > a->chunk_bytes ? n : a->chunk_bytes);
        c->next = a->newest;
        a->newest = c;
    }
    void *p = a->newest->bytes + a->newest->used;
    a->newest->used += n;
    a->used += n;
    return p;
}

void *arena_zalloc(Arena *a, size_t n) {
    return memset(arena_alloc(a, n), 0, n);
}

char *arena_strndup(Arena *a, const char *s, size_t n) {
    char *copy = arena_alloc(a, n + 1);
    if (n) memcpy(copy, s, n);
    copy[n] = 0;
    return copy;
}

Str arena_str(Arena *a, Str s) {
    return (Str){arena_strndup(a, s.p, s.n), s.n};
}

char *arena_printf(Arena *a, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *s = arena_alloc(a, (size_t)n + 1);
    (void)vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

void arena_reset(Arena *a) {
    while (a->newest->next) {
        Chunk *next = a->newest->next;
        free(a->newest);
        a->newest = next;
    }
    a->newest->used = 0;
    a->used = 0;
}

size_t arena_used(const Arena *a) {
    return a->used;
}
