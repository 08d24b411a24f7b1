/* Arena -- memory of one request or one batch, freed at once.
 * Bump allocation in chunks; alignment 16. Not thread safe. */
#pragma once

#include <stddef.h>

#include "base/memory.h"
#include "base/text.h"

typedef struct Arena Arena;

Arena *arena_new(size_t chunk_bytes); /* 0: 16 KiB chunks */
Arena *arena_free(Arena *a);          /* accepts NULL, returns NULL */
DEFINE_FREEP(Arena, arena)

void *arena_alloc(Arena *a, size_t n);  /* never NULL; not zeroed */
void *arena_zalloc(Arena *a, size_t n); /* never NULL; zeroed */
char *arena_strndup(Arena *a, const char *s, size_t n);
Str arena_str(Arena *a, Str s); /* a copy, NUL-terminated behind its end */
char *arena_printf(Arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(Arena *a); /* everything given out is gone; the first chunk is kept */
size_t arena_used(const Arena *a);
