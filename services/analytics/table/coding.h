/* Coding -- texts or ids, each kept once and known by a small number in the order of appearance;
 * 0 is none ("" or 0). Never forgets one. Pure. */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

typedef struct Coding {
    Str *texts;   /* of texts; or */
    int64_t *ids; /* of ids; by code */
    uint32_t n, room;
    uint32_t *slots; /* code; 0: free */
    uint32_t slots_n;
    Arena *own; /* of texts */
    bool is_text;
} Coding;

void coding_init(Coding *c, bool is_text);
void coding_done(Coding *c);

uint32_t coding_text(Coding *c, Str text); /* found or made */
uint32_t coding_id(Coding *c, int64_t id);
uint32_t coding_find_text(const Coding *c, Str text); /* 0: not there, or none */
uint32_t coding_find_id(const Coding *c, int64_t id);
size_t coding_bytes(const Coding *c);
