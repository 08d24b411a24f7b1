/* Wire -- protobuf-c on our arenas: envelopes packed into a Buf, unpacked into an Arena. */
#pragma once

#include <proto/envelope.pb-c.h>

#include "base/arena.h"
#include "base/cause.h"
#include "base/text.h"

enum { ENVELOPE_SCHEMA_VERSION = 1, TRACE_BYTES = 25 };

/* 9999-12-31: beyond it neither PostgreSQL's text form nor JavaScript is at home. */
#define WIRE_TIME_MAX INT64_C(253402300799999)

/* A NUL-terminated copy; the empty text for an absent Str, which proto3 leaves out. */
char *wire_text(Arena *a, Str s);
/* Not a copy: packing only reads. */
ProtobufCBinaryData wire_bytes(Str s);
Str wire_str(const char *z); /* absent when empty */

/* A fresh envelope; `trace` all zero stays empty. Cause and trace live in the arena. */
void wire_envelope(Docket__Envelope *ret, Arena *a, int64_t tenant_id, int64_t ticket_id,
                   const Cause *cause, int64_t at_ms, const Trace *trace);
void wire_pack(const Docket__Envelope *e, Buf *ret); /* appends */

/* NULL, with the reason, when it is not protobuf or holds text that is no text (see
 * str_is_text()); otherwise it lives in the arena. */
const Docket__Envelope *wire_unpack(Str message, Arena *a, const char **ret_problem);
/* Cause and trace of an envelope; false with the reason when they have the wrong length. */
bool wire_origin(const Docket__Envelope *e, Cause *ret_cause, Trace *ret_trace,
                 const char **ret_problem);
