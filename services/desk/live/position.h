/* Position -- how far somebody has heard docket.events: of every partition the offset that comes
 * next. The same events have the same positions at every desk. Travels as the id of a server-sent
 * event, and comes back as Last-Event-ID: hexadecimal, opaque to clients, good at any desk. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { POSITION_PARTITIONS = 256 /* of the topic, at most */ };
#define POSITION_OFFSET_MAX (INT64_MAX - 1)

typedef struct Position {
    size_t n; /* partitions from 0 that are named; of others nothing came */
    int64_t next[POSITION_PARTITIONS]; /* 0: nothing came */
} Position;

/* Appends. */
void position_write(const Position *p, Buf *ret);
/* 0, or -EINVAL: none of ours. */
int position_read(Str text, Position *ret);
/* What comes next of a partition; beyond POSITION_PARTITIONS always 0. */
int64_t position_next(const Position *p, int32_t partition);
/* Raises it to `next`; never lowers. */
void position_raise(Position *p, int32_t partition, int64_t next);
