/* Between the reader of files and the readers of values. */
#pragma once

#include "config/config.h"

/* Stores `text` in the key's field, or -EINVAL and the end of a sentence in *why:
 * "is no duration; write a number and ms, s, m, h or d". An old text is not freed. */
int config_store(const ConfigKey *k, Str text, void *ret_struct, Buf *why);

/* The text form with the largest fitting unit; text holds 32 bytes. */
const char *config_show_duration(int64_t ms, char *text);
const char *config_show_bytes(int64_t n, char *text);
