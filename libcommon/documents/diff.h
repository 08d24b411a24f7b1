/* Diff -- what would change between two sets of documents, thing by thing. Pure; it knows no
 * section, only that most are lists of names or of maps with a `name`. */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"
#include "documents/catalog.h"

typedef enum DiffKind {
    DIFF_ADDED,
    DIFF_REMOVED,
    DIFF_CHANGED,
    DIFF_REORDERED /* the section as a whole: the same names stand in another order */
} DiffKind;

typedef struct DocumentChange {
    DiffKind kind;
    Str section; /* "rules" */
    Str name;    /* "跨境清关"; of settings the key */
    Str detail; /* "priority: high → urgent; stop: — → on"; absent when added or removed, but the
                   value of a new setting */
} DocumentChange;

/* In order of the new documents, removed ones after each section's others. Sources that are no YAML
 * count as empty. Everything in the arena. */
size_t documents_diff(const DocumentSource *before, size_t before_n, const DocumentSource *after,
                      size_t after_n, Arena *arena, const DocumentChange **ret);
