/* Intern -- texts to small numbers, in order of arrival. Pure. Copies what it keeps. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/text.h"

typedef struct Intern Intern;

enum { INTERN_NONE = UINT32_MAX };

Intern *intern_new(bool nocase); /* nocase: ASCII letters are equal in both cases */
Intern *intern_free(Intern *t);  /* accepts NULL, returns NULL */
DEFINE_FREEP(Intern, intern)

/* The number of `s`, a new one (the count so far) when it was not known. */
uint32_t intern_add(Intern *t, Str s);
uint32_t intern_find(const Intern *t, Str s); /* INTERN_NONE: not known; accepts NULL */
Str intern_at(const Intern *t, uint32_t number);
size_t intern_count(const Intern *t); /* accepts NULL */
