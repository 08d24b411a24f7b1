/* The key ring's file: its text, its safety, its creation and rotation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/text.h"

enum { RING_KEY_BYTES = 32, RING_KEYS_LIMIT = 256, RING_FILE_BYTES = 64 * 1024 };

typedef struct RingKey {
    uint16_t id;
    uint8_t bytes[RING_KEY_BYTES];
} RingKey;

typedef struct Ring {
    RingKey keys[RING_KEYS_LIMIT];
    size_t n;
    size_t active; /* index */
    uint8_t hash_key[RING_KEY_BYTES];
} Ring;

/* Pure. `file` only names the place in *problem. 0 or -EINVAL; *ret is filled in either case, so
 * wipe it. */
int ring_parse(const char *file, Str text, Ring *ret, Buf *problem);
/* Reads, checks mode and owner, parses. *ret_stat tells which file it was. */
int ring_read(const char *file, Ring *ret, struct stat *ret_stat, Buf *problem);
void ring_wipe(Ring *r);
