/* Tokens -- a text as what people compare it by: words of letters and digits, and single characters
 * where a script writes without spaces. Pure.
 *
 * ASCII and its full-width forms are lower-cased; a run of digits is one token, whatever its digits
 * (order numbers and dates differ where nothing else does); punctuation, spaces, symbols and emoji
 * part tokens and are dropped. Every other letter counts as it is. Invalid UTF-8 parts tokens too.
 */
#pragma once

#include <stdbool.h>

#include "base/text.h"

enum { TOKEN_BYTES_MAX = 48 }; /* longer words are cut */

typedef struct Token {
    char text[TOKEN_BYTES_MAX]; /* lower-cased; "0" for digits */
    size_t n;
    bool single; /* one character of such a script */
    bool joined; /* nothing lies between it and the one before */
} Token;

/* Takes the next one off *rest; false: none is left. */
bool token_next(Str *rest, Token *ret);
