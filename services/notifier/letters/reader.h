/* Reader -- what was said, in the language and at the hours of who reads it. Pure. */
#pragma once

#include "base/arena.h"
#include "promise/zone.h"
#include "template/template.h"

typedef struct Reader {
    Str language;     /* "zh-CN", "en"; whoever reads neither reads Chinese */
    const Zone *zone; /* NULL: UTC */
} Reader;

/* Turns members of `values` (as values_of() made them) from what telling wrote into what templates
 * name: moments (`at_ms`, `created_ms`, `due_ms` ...) into `at`, `created_at`, `due_at` ...,
 * lengths
 * (`target_ms`) into words, states and metrics from their code into words. */
void reader_translate(const Reader *r, TemplateValue *values, size_t n, Arena *arena);
