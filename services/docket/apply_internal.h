/* What the files of `docket apply` share. */
#pragma once

#include "docket/apply_moves.h"
#include "docket/apply_store.h"
#include "documents/diff.h"
#include "documents/sections.h"

enum { MOVES_MAX = 64, THINGS_MAX = 1000 };

typedef struct Options {
    const char *tenant, *postgres;
    bool check, json;
    ApplyMove moves[MOVES_MAX];
    size_t moves_n;
    char **files;
    int files_n;
} Options;

typedef struct Apply {
    const Options *o;
    Arena *arena;
    PostgresSession *session;
    ApplyTenant tenant;
    int64_t revision; /* the present one; 0: none */
    ApplyDocuments stored, given, wanted;
    Catalog *before, *after; /* before: NULL when there is none or it no longer compiles */
    const DocumentChange *changes;
    size_t changes_n;
    ApplyThing gone[THINGS_MAX];
    size_t gone_n;
    ApplyMove moves[MOVES_MAX];
    size_t moves_n;
    int64_t moved; /* tickets */
    Buf problems;  /* of the documents: one a line */
    Buf trouble;   /* why it was not possible at all */
} Apply;

/* The text of a file ("-": standard input) in the arena; -EINVAL with a sentence. */
int apply_read_file(Apply *a, const char *name, size_t bytes_max, Str *ret, Buf *ret_problem);
/* Holidays that a section `calendars` leaves to a file, beside the document, are put into it. */
void apply_put_ics(Apply *a, const char *document, DocumentSection *section);

bool apply_is_moved(const Apply *a, const ApplyThing *t);

/* The outcome (0, -EPERM) for people and for programs; `same`: there was nothing to do. */
void apply_say(const Apply *a, int outcome, bool same);
void apply_say_json(const Apply *a, int outcome, bool same);
