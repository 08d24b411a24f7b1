/* libsodium's argon2id. */
#include "vault/password.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

_Static_assert(crypto_pwhash_STRBYTES <= PASSWORD_HASH_BYTES, "libsodium's text fits");

#define PASSES crypto_pwhash_OPSLIMIT_INTERACTIVE
#define MEMORY crypto_pwhash_MEMLIMIT_INTERACTIVE

static void ready(void) {
    if (sodium_init() < 0) abort(); /* no random numbers: nothing of it would be safe */
}

int password_hash(Str clear, char ret[PASSWORD_HASH_BYTES]) {
    ready();
    return crypto_pwhash_str(ret, clear.p, clear.n, PASSES, MEMORY) == 0 ? 0 : -ENOMEM;
}

bool password_verify(const char *hash, Str clear) {
    ready();
    if (hash && *hash) return crypto_pwhash_str_verify(hash, clear.p, clear.n) == 0;
    unsigned char key[32], salt[crypto_pwhash_SALTBYTES] = {0};
    volatile int worked = crypto_pwhash(key, sizeof(key), clear.n ? clear.p : "", clear.n, salt,
                                        PASSES, MEMORY, crypto_pwhash_ALG_ARGON2ID13);
    (void)worked;
    return false;
}

bool password_is_dated(const char *hash) {
    ready();
    return crypto_pwhash_str_needs_rehash(hash, PASSES, MEMORY) != 0;
}

void password_random(char ret[PASSWORD_RANDOM_BYTES]) {
    static const char letters[] = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    ready();
    for (int i = 0; i < PASSWORD_RANDOM_BYTES - 1; i++)
        ret[i] = letters[randombytes_uniform(sizeof(letters) - 1)];
    ret[PASSWORD_RANDOM_BYTES - 1] = 0;
}
