/* Node -- a YAML document as a tree that remembers its lines. Pure.
 *
 * A strict subset: one document of UTF-8, at most 4 MiB and 16 levels deep; no anchors and aliases
 * (so no bombs), no tags, no key twice in one map. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"
#include "documents/problems.h"

enum { YAML_BYTES_MAX = 4 << 20, YAML_DEPTH_MAX = 16, YAML_KEYS_MAX = 100 /* of one map */ };

typedef enum NodeKind { NODE_NOTHING, NODE_TEXT, NODE_LIST, NODE_MAP } NodeKind;

typedef struct Node {
    NodeKind kind;
    long line;
    Str key; /* as a member of a map */
    long key_line;
    Str text;                  /* NODE_TEXT; NUL-terminated */
    struct Node *first, *next; /* members, and the next one of the same parent */
    size_t n;                  /* of members */
    /* Bytes of the source; of members only. `end` is behind the last character that says anything:
     * comments and blank lines further down belong to nobody. */
    size_t key_start, start, end;
    bool flow;  /* written in brackets */
    bool block; /* a text written below its `|`: its first line is the next one */
} Node;

/* The root, or NULL with the problem noted. An empty document is NODE_NOTHING. Everything in the
 * arena. */
const Node *yaml_read(Str text, Str file, long first_line, Arena *arena, Problems *problems);

const Node *node_member(const Node *map, const char *key); /* NULL: absent, or no map */
const char *node_kind_name(const Node *n);                 /* "a list": for messages */
