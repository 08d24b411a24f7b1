/* Engine -- libcurl's multi interface on the loop: its sockets and its one timer. Of this room
 * only. */
#pragma once

#include <curl/curl.h>

#include "loop/loop.h"

typedef struct Engine Engine;

/* A transfer has ended; called outside of libcurl, so everything may be called from it,
 * engine_free() too. */
typedef void (*EngineDone)(void *arg, CURL *easy, CURLcode code);

Engine *engine_new(Loop *loop, long max_connects, EngineDone done, void *arg); /* NULL: no memory */
/* Every handle must have been taken out. Safe inside `done`. */
Engine *engine_free(Engine *e);

/* A socket of a handle whose CURLOPT_CLOSESOCKETFUNCTION is engine_close(), and its data the
 * engine: it may stay watched while libcurl keeps its connection for later. */
void engine_opened(Engine *e, int fd);
int engine_close(void *engine, curl_socket_t fd);

int engine_add(Engine *e, CURL *easy); /* 0, or -EIO */
void engine_remove(Engine *e, CURL *easy);
