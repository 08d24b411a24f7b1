/* File name -- what somebody calls a file, made a label that is safe to show and to save under.
 * Pure. */
#pragma once

#include "base/text.h"

enum { FILE_NAME_BYTES_MAX = 255, FILE_ENDING_BYTES_MAX = 15 };

/* Appends the name (UTF-8) without its path, control and direction characters, invisible ones and
 * what file systems reserve; without blanks and dots at its ends; not longer than
 * FILE_NAME_BYTES_MAX, its ending kept. Never empty, never "." or "..", never a device of Windows:
 * what is left of nothing is "file". */
void file_name_clean(Str raw, Buf *ret);
/* What stands behind the last dot, in small letters ("png"); "" when there is none or it is longer
 * than FILE_ENDING_BYTES_MAX. */
void file_name_ending(Str name, char ret[FILE_ENDING_BYTES_MAX + 1]);
