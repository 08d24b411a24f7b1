/* Memory -- who owns what, said in the code.
 *
 * Policy: an allocation of ours that fails ends the process (x-functions below). Every queue and
 * buffer is bounded by a limit of its owner, so running out means the limits are wrong; and dying
 * is safe everywhere by design. Sizes that come from outside are checked against a limit before
 * they reach an allocator. */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#define CLEANUP(freep) __attribute__((cleanup(freep)))

/* Hands a CLEANUP variable's value on: `*ret = TAKE(x);` leaves x NULL, so its destructor does
 * nothing. */
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

/* DEFINE_FREEP(Deadlines, deadlines) makes deadlines_freep() for CLEANUP from deadlines_free(). */
#define DEFINE_FREEP(Type, name)                                                                   \
    static inline void name##_freep(Type **p) {                                                    \
        name##_free(*p);                                                                           \
    }

static inline void mem_freep(void *p) {
    free(*(void **)p);
}

/* Never return NULL; print one line and abort() when there is no memory. */
void *xmalloc(size_t n) __attribute__((returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((returns_nonnull));
void *xrealloc(void *p, size_t n) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((returns_nonnull));
