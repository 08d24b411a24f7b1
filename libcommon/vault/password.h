/* Password -- kept as argon2id only (libsodium; 64 MiB and two passes, about 0.1 s). Safe in any
 * thread, and far too slow for the loop's: give it to workers/workers.h. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

enum {
    PASSWORD_HASH_BYTES = 128, /* with its NUL */
    PASSWORD_BYTES_MIN = 10,
    PASSWORD_BYTES_MAX = 1024
};

/* 0, or -ENOMEM. The text names its own parameters and salt. */
int password_hash(Str clear, char ret[PASSWORD_HASH_BYTES]);
/* `hash` NULL or "" is that of nobody: false, after the same work, so that the time does not tell
 * who exists. */
bool password_verify(const char *hash, Str clear);
/* Made with other parameters than password_hash() uses now: hash again at the next success. */
bool password_is_dated(const char *hash);
/* Of random characters, for people who get their first one from an operator. */
enum { PASSWORD_RANDOM_BYTES = 25 };
void password_random(char ret[PASSWORD_RANDOM_BYTES]);
