/* Authorization and Idempotency-Key: whatever they hold, a token or key that is taken is printable
 * and within its bounds. The first byte chooses the header. */
#include <stdint.h>
#include <stdlib.h>

#include "http/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n == 0) return 0;
    Arena *arena = arena_new(0);
    Str header = {(const char *)data + 1, n - 1}, got = {NULL, 0};
    bool key = data[0] & 1;
    int r = key ? credentials_key(header, arena, &got) : credentials_token(header, arena, &got);
    if (r == 0) {
        if (got.n == 0 || got.n > (key ? CREDENTIALS_KEY_BYTES : CREDENTIALS_TOKEN_BYTES)) abort();
        for (size_t i = 0; i < got.n; i++)
            if (got.p[i] < ' ' || got.p[i] > '~') abort();
    }
    arena_free(arena);
    return 0;
}
