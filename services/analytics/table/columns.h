/* Column -- whole numbers of a block's rows, each as wide as the largest of them needs: 0, 1, 2, 4
 * or 8 bytes. Width 0 is "all of them 0" and takes nothing. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

typedef struct Column {
    void *p;
    uint8_t width;
} Column;

void column_done(Column *c);
/* Room for `room` of them, where there was room for `had`; what is new is 0. *bytes: counted. */
void column_grow(Column *c, size_t had, size_t room, size_t *bytes);
/* `room` as it is now. */
void column_widen(Column *c, uint64_t value, size_t room, size_t *bytes);

static inline uint64_t column_get(const Column *c, size_t i) {
    switch (c->width) {
    case 1:
        return ((const uint8_t *)c->p)[i];
    case 2:
        return ((const uint16_t *)c->p)[i];
    case 4:
        return ((const uint32_t *)c->p)[i];
    case 8:
        return ((const uint64_t *)c->p)[i];
    default:
        return 0;
    }
}

static inline void column_set(Column *c, size_t i, uint64_t value, size_t room, size_t *bytes) {
    if (c->width < 8 && value >> (8 * c->width)) column_widen(c, value, room, bytes);
    switch (c->width) {
    case 1:
        ((uint8_t *)c->p)[i] = (uint8_t)value;
        break;
    case 2:
        ((uint16_t *)c->p)[i] = (uint16_t)value;
        break;
    case 4:
        ((uint32_t *)c->p)[i] = (uint32_t)value;
        break;
    case 8:
        ((uint64_t *)c->p)[i] = value;
        break;
    default:
        break;
    }
}

/* Those from `first` on; of values wider than 32 bits the low ones. */
void column_read(const Column *c, size_t first, size_t n, uint32_t *restrict ret);
/* Those at these places. */
void column_gather(const Column *c, const uint32_t *restrict places, size_t n,
                   uint32_t *restrict ret);
