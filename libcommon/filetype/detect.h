/* Detect -- what a file is by its bytes, whatever it is called (libmagic). Safe in any thread: one
 * asks at a time. */
#pragma once

#include "base/text.h"

typedef struct FileDetector FileDetector;

enum { DETECT_BYTES = 256 << 10, DETECT_TYPE_BYTES = 128 }; /* looked at; of a type with its NUL */

/* NULL and a sentence in *ret_problem when libmagic has no data. */
FileDetector *file_detector_new(Buf *ret_problem);
FileDetector *file_detector_free(FileDetector *d);
DEFINE_FREEP(FileDetector, file_detector)

/* "image/png"; "application/octet-stream" for what nobody knows. A few ms. */
void file_detect(FileDetector *d, Str bytes, char ret[DETECT_TYPE_BYTES]);
