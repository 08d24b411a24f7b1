/* Shape -- reading typed members of a Node, every mistake noted with its line and a remedy. Pure.
 */
#pragma once

#include <stdint.h>

#include "conditions/intern.h"
#include "documents/node.h"
#include "documents/problems.h"

/* What is being read, for messages: "shop.yaml:41: rule `贵重物品`: ...". */
typedef struct Reading {
    Problems *problems;
    Str file;
    const char *what; /* "rule", "group" ... or "" */
    Str name;
} Reading;

void complain(const Reading *r, long line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Each returns false, having complained, when the member is of another shape. Absent or empty
 * members leave *ret alone and are fine. */
bool shape_map(const Reading *r, const Node *n);  /* n is a map */
bool shape_list(const Reading *r, const Node *n); /* n is a list */
bool shape_text(const Reading *r, const Node *map, const char *key, size_t bytes_max, Str *ret);
bool shape_int(const Reading *r, const Node *map, const char *key, int64_t low, int64_t high,
               int64_t *ret);
bool shape_switch(const Reading *r, const Node *map, const char *key, bool *ret); /* on, off ... */
/* "90s", "30m", "2h", "1d"; a bare number is refused. Longest: 365 days. */
bool shape_duration(const Reading *r, const Node *map, const char *key, int64_t *ret_ms);
/* A list of texts, or one text. At most `max`, none empty, none twice. In the arena. */
bool shape_texts(const Reading *r, const Node *n, size_t bytes_max, size_t max, Arena *arena,
                 const Str **ret, size_t *ret_n);
/* Complains of every key of `map` that is not in the list. */
void shape_keys(const Reading *r, const Node *map, const Str *known, size_t n);
#define SHAPE_KEYS(r, map, ...)                                                                    \
    do {                                                                                           \
        static const Str known_[] = {__VA_ARGS__};                                                 \
        shape_keys(r, map, known_, sizeof(known_) / sizeof(*known_));                              \
    } while (0)
#define KEY(literal)                                                                               \
    { literal, sizeof(literal) - 1 }

/* A name that stands for itself: not empty, no control characters, no comma, equals sign, quotes,
 * backslash, no blanks at its ends. */
bool shape_name(const Reading *r, long line, Str name);
/* The number of `name` among known ones; INTERN_NONE, having complained "unknown group `x`". */
uint32_t shape_reference(const Reading *r, long line, const char *what, Str name,
                         const Intern *known);
