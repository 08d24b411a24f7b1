/* Sealing and hashing. Each key keeps an encrypting and a decrypting context with its schedule
 * made, so one value costs a nonce, a few blocks and the tag. */
#include "vault/vault.h"

#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Update() and its kin, see HashKey */

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <time.h>

#include "base/cause.h"
#include "vault/ring_internal.h"

enum {
    FORMAT = 0x01,
    KEY_ID_AT = 1,
    NONCE_AT = 3,
    NONCE_BYTES = 12,
    TEXT_AT = NONCE_AT + NONCE_BYTES,
    TAG_BYTES = 16,
    FIELD_BYTES = 64
};
_Static_assert(TEXT_AT + TAG_BYTES == VAULT_OVERHEAD, "the format of vault.h");

typedef struct VaultKey {
    uint16_t id;
    EVP_CIPHER_CTX *seal, *unseal;
} VaultKey;

/* HMAC-SHA256 (RFC 2104) with both keyed blocks already taken in. libcrypto's own HMAC copies its
 * contexts through the allocator for every value: twice the time of the hashing itself. */
typedef struct HashKey {
    SHA256_CTX inner, outer;
} HashKey;

struct Vault {
    char *file;
    struct stat read_as; /* which file we hold */
    EVP_CIPHER *cipher;
    HashKey hash;
    bool hash_known;
    uint8_t hash_fingerprint[VAULT_HASH_BYTES];
    VaultKey *keys;
    size_t n, active;
    uint64_t sealed;
};

static void drop_keys(VaultKey *keys, size_t n) {
    for (size_t i = 0; i < n; i++) {
        EVP_CIPHER_CTX_free(keys[i].seal); /* cleanses */
        EVP_CIPHER_CTX_free(keys[i].unseal);
    }
    free(keys);
}

Vault *vault_free(Vault *v) {
    if (!v) return NULL;
    drop_keys(v->keys, v->n);
    OPENSSL_cleanse(&v->hash, sizeof(v->hash));
    EVP_CIPHER_free(v->cipher);
    free(v->file);
    free(v);
    return NULL;
}

static EVP_CIPHER_CTX *keyed(const EVP_CIPHER *cipher, const uint8_t *key, int encrypt) {
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx || EVP_CipherInit_ex2(ctx, cipher, key, NULL, encrypt, NULL) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

static int make_keys(Vault *v, const Ring *ring, VaultKey **ret) {
    VaultKey *keys = xcalloc(ring->n, sizeof(*keys));
    for (size_t i = 0; i < ring->n; i++) {
        keys[i].id = ring->keys[i].id;
        keys[i].seal = keyed(v->cipher, ring->keys[i].bytes, 1);
        keys[i].unseal = keyed(v->cipher, ring->keys[i].bytes, 0);
        if (!keys[i].seal || !keys[i].unseal) {
            drop_keys(keys, ring->n);
            return -EIO;
        }
    }
    *ret = keys;
    return 0;
}

static HashKey hash_key(const uint8_t key[RING_KEY_BYTES]) {
    uint8_t inner[SHA256_CBLOCK], outer[SHA256_CBLOCK];
    HashKey ret;
    for (size_t i = 0; i < SHA256_CBLOCK; i++) {
        uint8_t byte = i < RING_KEY_BYTES ? key[i] : 0;
        inner[i] = byte ^ 0x36;
        outer[i] = byte ^ 0x5c;
    }
    (void)SHA256_Init(&ret.inner);
    (void)SHA256_Update(&ret.inner, inner, sizeof(inner));
    (void)SHA256_Init(&ret.outer);
    (void)SHA256_Update(&ret.outer, outer, sizeof(outer));
    OPENSSL_cleanse(inner, sizeof(inner));
    OPENSSL_cleanse(outer, sizeof(outer));
    return ret;
}

static void mac(const HashKey *key, const void *head, size_t head_n, Str text,
                uint8_t ret[VAULT_HASH_BYTES]) {
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX h = key->inner;
    (void)SHA256_Update(&h, head, head_n);
    if (text.n) (void)SHA256_Update(&h, text.p, text.n);
    (void)SHA256_Final(digest, &h);
    h = key->outer;
    (void)SHA256_Update(&h, digest, sizeof(digest));
    (void)SHA256_Final(ret, &h);
}

/* Sets the hash key on first use; afterwards only checks that it is the same one. */
static int adopt_hash_key(Vault *v, const Ring *ring, Buf *problem) {
    uint8_t fingerprint[VAULT_HASH_BYTES];
    HashKey key = hash_key(ring->hash_key);
    mac(&key, "", 0, STR("docket hash key"), fingerprint);
    int r = 0;
    if (!v->hash_known) {
        v->hash = key;
        v->hash_known = true;
        memcpy(v->hash_fingerprint, fingerprint, sizeof(fingerprint));
    } else if (CRYPTO_memcmp(fingerprint, v->hash_fingerprint, sizeof(fingerprint)) != 0) {
        buf_printf(problem,
                   "%s: the hash key has changed, look-ups would miss; restore the old one",
                   v->file);
        r = -EINVAL;
    }
    OPENSSL_cleanse(&key, sizeof(key));
    return r;
}

/* All or nothing: on failure the vault is as it was. */
static int load(Vault *v, Buf *problem) {
    CLEANUP(ring_wipe) Ring ring;
    struct stat st;
    VaultKey *keys = NULL;
    int r = ring_read(v->file, &ring, &st, problem);
    if (r == 0) r = make_keys(v, &ring, &keys);
    if (r == 0) r = adopt_hash_key(v, &ring, problem);
    if (r < 0) {
        if (problem->n == 0) buf_printf(problem, "%s: libcrypto refuses to use the keys", v->file);
        if (keys) drop_keys(keys, ring.n);
        return r;
    }
    assert(keys);
    if (!v->n || v->keys[v->active].id != ring.keys[ring.active].id) v->sealed = 0;
    drop_keys(v->keys, v->n);
    v->keys = keys;
    v->n = ring.n;
    v->active = ring.active;
    v->read_as = st;
    return 0;
}

Vault *vault_open(const char *file, Buf *ret_problem) {
    CLEANUP(vault_freep) Vault *v = xcalloc(1, sizeof(*v));
    v->file = xstrdup(file);
    v->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (!v->cipher) {
        buf_adds(ret_problem, "libcrypto offers no AES-256-GCM; check openssl.cnf");
        return NULL;
    }
    return load(v, ret_problem) == 0 ? TAKE(v) : NULL;
}

static bool same_file(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

int vault_reload_if_changed(Vault *v, Buf *ret_problem) {
    CLEANUP(buf_done) Buf unwanted = {0};
    struct stat st;
    if (!ret_problem) ret_problem = &unwanted;
    if (stat(v->file, &st) < 0) {
        int error = errno;
        buf_printf(ret_problem, "%s: %s", v->file, strerror(error));
        return -error;
    }
    if (same_file(&st, &v->read_as)) return 0;
    int r = load(v, ret_problem);
    return r < 0 ? r : 1;
}

uint16_t vault_active_key(const Vault *v) {
    return v->keys[v->active].id;
}

uint64_t vault_sealed(const Vault *v) {
    return v->sealed;
}

/* What binds a value to its place: format, key id, tenant, field. ret holds 11 + FIELD_BYTES. */
static size_t associated(uint16_t key_id, int64_t tenant_id, Str field, uint8_t *ret) {
    assert(field.n <= FIELD_BYTES);
    ret[0] = FORMAT;
    ret[1] = (uint8_t)(key_id >> 8);
    ret[2] = (uint8_t)key_id;
    for (int i = 0; i < 8; i++)
        ret[3 + i] = (uint8_t)((uint64_t)tenant_id >> (56 - 8 * i));
    if (field.n) memcpy(ret + 11, field.p, field.n);
    return 11 + field.n;
}

int vault_seal(Vault *v, int64_t tenant_id, Str field, Str clear, Buf *ret) {
    VaultKey *key = &v->keys[v->active];
    uint8_t about[11 + FIELD_BYTES];
    size_t about_n = associated(key->id, tenant_id, field, about);
    int n = 0;
    if (clear.n > INT_MAX - VAULT_OVERHEAD) return -EIO;
    buf_reserve(ret, VAULT_OVERHEAD + clear.n);
    uint8_t *out = (uint8_t *)ret->p + ret->n;
    memcpy(out, about, NONCE_AT); /* format and key id */
    random_bytes(out + NONCE_AT, NONCE_BYTES);
    if (EVP_EncryptInit_ex2(key->seal, NULL, NULL, out + NONCE_AT, NULL) != 1 ||
        EVP_EncryptUpdate(key->seal, NULL, &n, about, (int)about_n) != 1 ||
        (clear.n && EVP_EncryptUpdate(key->seal, out + TEXT_AT, &n, (const uint8_t *)clear.p,
                                      (int)clear.n) != 1) ||
        EVP_EncryptFinal_ex(key->seal, out + TEXT_AT + clear.n, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(key->seal, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, out + TEXT_AT + clear.n) !=
            1)
        return -EIO;
    ret->n += VAULT_OVERHEAD + clear.n;
    ret->p[ret->n] = 0;
    v->sealed++;
    return 0;
}

static VaultKey *key_of(Vault *v, uint16_t id) {
    for (size_t i = 0; i < v->n; i++)
        if (v->keys[i].id == id) return &v->keys[i];
    return NULL;
}

int vault_unseal(Vault *v, int64_t tenant_id, Str field, Str sealed, Buf *ret) {
    uint8_t *in = (uint8_t *)(uintptr_t)sealed.p, about[11 + FIELD_BYTES];
    int n = 0;
    if (sealed.n < VAULT_OVERHEAD || sealed.n > INT_MAX || in[0] != FORMAT) return -EINVAL;
    uint16_t id = (uint16_t)(in[KEY_ID_AT] << 8 | in[KEY_ID_AT + 1]);
    VaultKey *key = key_of(v, id);
    if (!key && vault_reload_if_changed(v, NULL) > 0) /* another process was told of it earlier */
        key = key_of(v, id);
    if (!key) return -ENOKEY;
    size_t about_n = associated(id, tenant_id, field, about), text_n = sealed.n - VAULT_OVERHEAD;
    buf_reserve(ret, text_n);
    uint8_t *out = (uint8_t *)ret->p + ret->n;
    if (EVP_DecryptInit_ex2(key->unseal, NULL, NULL, in + NONCE_AT, NULL) == 1 &&
        EVP_DecryptUpdate(key->unseal, NULL, &n, about, (int)about_n) == 1 &&
        (!text_n || EVP_DecryptUpdate(key->unseal, out, &n, in + TEXT_AT, (int)text_n) == 1) &&
        EVP_CIPHER_CTX_ctrl(key->unseal, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, in + TEXT_AT + text_n) ==
            1 &&
        EVP_DecryptFinal_ex(key->unseal, out + text_n, &n) == 1) {
        ret->n += text_n;
        ret->p[ret->n] = 0;
        return 0;
    }
    OPENSSL_cleanse(out, text_n); /* nobody reads what was not proven */
    ret->p[ret->n] = 0;
    return -EBADMSG;
}

int vault_hash(Vault *v, int64_t tenant_id, Str field, Str normalized,
               uint8_t ret[VAULT_HASH_BYTES]) {
    uint8_t head[11 + FIELD_BYTES + 1];
    size_t n = associated(0, tenant_id, field, head);
    head[n++] = 0; /* no field name holds a NUL: where it ends is certain */
    mac(&v->hash, head, n, normalized, ret);
    return 0;
}
