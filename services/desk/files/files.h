/* Files -- uploads and attachments: the part that lives as long as the desk. Looking at bytes
 * (libmagic, SHA-256) happens beside the loop; bytes go to PostgreSQL and come back in pieces. */
#pragma once

#include "desk/desk.h"

enum { FILE_CHUNK_BYTES = 256 << 10 }; /* of desk.file_chunks, but for the last of a file */

extern const struct DeskPart files_part;

/* The largest body that the request with this head may bring: only uploads may be large. */
size_t files_body_limit(const HttpExchange *x, void *desk);

/* `work` in one of the threads, then `done` on the loop. False: too much waits, answer 503. */
bool files_beside(Desk *d, void (*work)(void *arg), void (*done)(void *arg, bool ran), void *arg);
struct FileDetector *files_detector(Desk *d);
