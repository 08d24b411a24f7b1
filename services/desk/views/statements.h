/* Statements -- SQL that is put together at run time, prepared like any other: the same text is the
 * same statement for the life of the process. Texts hold no values, so their number is that of the
 * shapes of questions; at STATEMENTS_MAX of them no new one is taken. */
#pragma once

#include "postgres/client.h"

enum { STATEMENTS_MAX = 4096 };

/* NULL: too many already. */
const PostgresStatement *statement_of(Str sql);
