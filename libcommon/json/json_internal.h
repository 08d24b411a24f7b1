/* What the check tells the parser: which integers a double cannot hold. */
#pragma once

#include "json/json.h"

typedef struct BigInteger {
    size_t nth; /* it is the document's nth number, counted from 0 */
    Str text;
} BigInteger;

typedef struct BigIntegers {
    BigInteger *list; /* free() it */
    size_t n, room;
} BigIntegers;

/* json_check(), and the big integers in document order when ret_big is not NULL. */
int json_check_find_big(Str text, const JsonLimits *limits, BigIntegers *ret_big, Buf *ret_problem);
