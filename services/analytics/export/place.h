/* ExportPlace -- where files go: a directory, or a bucket of an S3-compatible store. A file appears
 * under its name in one step, whole or not at all, and replaces an earlier one of that name. */
#pragma once

#include <stdbool.h>

#include "base/text.h"
#include "loop/loop.h"

typedef struct ExportPlace ExportPlace;

typedef struct ExportPlaceSettings {
    const char *to;             /* "/var/lib/docket/export" or "s3://bucket/prefix" */
    const char *endpoint;       /* of the store: "https://s3.eu-central-1.amazonaws.com" */
    const char *region;         /* "eu-central-1" */
    const char *key, *secret;   /* the secret may be a file's content */
    const char *allow_networks; /* private ones that the store may stand in; NULL: none */
    int64_t timeout_ms;         /* of one file */
} ExportPlaceSettings;

/* NULL and a sentence in *ret_problem when the settings are no good. */
ExportPlace *export_place_new(Loop *loop, const ExportPlaceSettings *settings, Buf *ret_problem);
ExportPlace *
export_place_free(ExportPlace *p); /* what is being written is forgotten, or finished */
DEFINE_FREEP(ExportPlace, export_place)

/* `why` NULL: it is there. */
typedef void (*ExportPlaced)(void *arg, const char *why);
/* `name` is a relative path; `bytes` is taken. One at a time; `done` comes once, never inside this
 * call, and never after export_place_free(). */
void export_place_put(ExportPlace *p, const char *name, const char *type, Buf *bytes,
                      ExportPlaced done, void *arg);
