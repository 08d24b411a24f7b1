/* Attachment -- a file as answers show it, and what those who attach files must know of uploads.
 *
 * An upload is a token (shown once, stored as its hash) and the files sent under it. Whoever
 * attaches turns the tokens of a request into files with ATTACHMENT_UNATTACHED_SQL, names them in
 * the comment (attachment_entry_json()) and gives their ids to the store with the edit, which binds
 * them in its transaction; a file is bound once and for ever. */
#pragma once

#include "base/text.h"
#include "digest/digest.h"

enum { UPLOAD_FILES_MAX = 20, UPLOAD_MINUTES = 60 }; /* of one token; until it must be attached */

typedef struct Attachment {
    int64_t id, size;
    Str name;  /* a label, made harmless; never a path */
    Str type;  /* what its bytes are: "image/png" */
    Str class; /* as evidence, or "" */
} Attachment;

/* $1 bigint tenant, $2 bytea[] hashes of the tokens, $3 bigint the uploader's user id. Columns:
 * file_id, size, name, detected_type, class, token_hash. A token without a row is unknown, expired,
 * somebody else's or attached already: 422 without saying which. */
#define ATTACHMENT_UNATTACHED_SQL                                                                  \
    "SELECT f.file_id, f.size, f.name, f.detected_type, f.class, f.token_hash FROM desk.files f"   \
    " WHERE f.tenant_id = $1::bigint AND f.token_hash = ANY ($2::bytea[])"                         \
    " AND f.uploader_id = $3::bigint AND f.ticket_id IS NULL AND f.complete"                       \
    " AND f.created_at > now() - interval '60 minutes' ORDER BY f.file_id"

/* The hash a token is stored as. */
void upload_token_hash(Str token, uint8_t ret[DIGEST_SHA256_BYTES]);

/* Appends {"id","name","type","size","class"}: one element of EditComment.attachments. */
void attachment_entry_json(Buf *ret, const Attachment *a);
/* Appends Zendesk's attachment object: {"url","id","file_name","content_url","content_type","size",
 * "inline","deleted","thumbnails", and our "class"}. `base` as request_base(). */
void attachment_json(Buf *ret, Str base, const Attachment *a);
