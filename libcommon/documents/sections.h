/* Sections -- a file cut into the documents that it holds, each stored and replaced on its own.
 * Pure. */
#pragma once

#include "base/arena.h"
#include "base/text.h"

typedef struct DocumentSection {
    Str kind; /* "rules" */
    Str body; /* the YAML of that section alone, its key included; comments around it left out */
    long first_line;
} DocumentSection;

/* The number of sections, in the arena; -EINVAL with a problem a line in *ret_problems when the
 * file is no YAML or holds something else than sections. Unknown ones are the catalog's to
 * refuse. */
int sections_cut(Str text, Str file, Arena *arena, DocumentSection **ret, Buf *ret_problems);
