/* Loops of one width each, which the compiler makes wide ones of. */
#include "analytics/table/columns.h"

#include <string.h>

void column_done(Column *c) {
    free(c->p);
    *c = (Column){0};
}

void column_grow(Column *c, size_t had, size_t room, size_t *bytes) {
    if (!c->width) return;
    c->p = xrealloc(c->p, room * c->width);
    memset((char *)c->p + had * c->width, 0, (room - had) * c->width);
    *bytes += (room - had) * c->width;
}

void column_widen(Column *c, uint64_t value, size_t room, size_t *bytes) {
    Column wide = {.width = value >> 32 ? 8 : value >> 16 ? 4 : value >> 8 ? 2 : 1};
    wide.p = xcalloc(room, wide.width);
    for (size_t i = 0; c->width && i < room; i++)
        column_set(&wide, i, column_get(c, i), room, bytes);
    *bytes += room * (size_t)(wide.width - c->width);
    free(c->p);
    *c = wide;
}

void column_read(const Column *c, size_t first, size_t n, uint32_t *restrict ret) {
    switch (c->width) {
    case 1: {
        const uint8_t *p = (const uint8_t *)c->p + first;
        for (size_t i = 0; i < n; i++)
            ret[i] = p[i];
        break;
    }
    case 2: {
        const uint16_t *p = (const uint16_t *)c->p + first;
        for (size_t i = 0; i < n; i++)
            ret[i] = p[i];
        break;
    }
    case 4:
        memcpy(ret, (const uint32_t *)c->p + first, n * sizeof(*ret));
        break;
    case 8: {
        const uint64_t *p = (const uint64_t *)c->p + first;
        for (size_t i = 0; i < n; i++)
            ret[i] = (uint32_t)p[i];
        break;
    }
    default:
        memset(ret, 0, n * sizeof(*ret));
    }
}

void column_gather(const Column *c, const uint32_t *restrict places, size_t n,
                   uint32_t *restrict ret) {
    switch (c->width) {
    case 1: {
        const uint8_t *p = c->p;
        for (size_t i = 0; i < n; i++)
            ret[i] = p[places[i]];
        break;
    }
    case 2: {
        const uint16_t *p = c->p;
        for (size_t i = 0; i < n; i++)
            ret[i] = p[places[i]];
        break;
    }
    case 4: {
        const uint32_t *p = c->p;
        for (size_t i = 0; i < n; i++)
            ret[i] = p[places[i]];
        break;
    }
    case 8: {
        const uint64_t *p = c->p;
        for (size_t i = 0; i < n; i++)
            ret[i] = (uint32_t)p[places[i]];
        break;
    }
    default:
        memset(ret, 0, n * sizeof(*ret));
    }
}
