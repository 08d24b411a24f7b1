/* Sign -- AWS Signature Version 4 of a PUT to S3 and what is like it: the header lines that go with
 * it. Pure. (libcurl 7.88 signs headers that it then leaves out.) */
#pragma once

#include <stdint.h>

#include "base/text.h"

typedef struct SignKey {
    const char *region, *key, *secret;
} SignKey;

enum { SIGN_LINES = 4 };

/* Appends `text` percent-encoded as S3 does it: all but letters, digits, "-._~" and slashes. */
void sign_encode_path(Str text, Buf *ret);
/* `host` as the client sends it ("bucket.example:9000"), `path` encoded already. Lines are
 * "Name: value": Content-Type, X-Amz-Date, X-Amz-Content-Sha256, Authorization. */
void sign_put(const SignKey *key, Str host, Str path, Str type, Str body, int64_t now_ms,
              Buf ret_lines[SIGN_LINES]);
