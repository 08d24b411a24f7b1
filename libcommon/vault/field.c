/* What there is to a field besides its bytes. */
#include "vault/field.h"

#include <errno.h>

#include "vault/personal.h"

static const struct {
    Str field;
    void (*mask)(Str, Buf *);
    int (*normal)(Str, Buf *);
} kinds[] = {
    [FIELD_NAME] = {{"name", 4}, personal_mask_name, NULL},
    [FIELD_EMAIL] = {{"email", 5}, personal_mask_email, personal_normal_email},
    [FIELD_PHONE] = {{"phone", 5}, personal_mask_phone, personal_normal_phone},
    [FIELD_ADDRESS] = {{"address", 7}, personal_mask_address, NULL},
};

int field_hash(Vault *v, int64_t tenant_id, FieldKind kind, Str clear,
               uint8_t ret[VAULT_HASH_BYTES]) {
    CLEANUP(buf_done) Buf normal = {0};
    if (!kinds[kind].normal || kinds[kind].normal(clear, &normal) < 0) return -EINVAL;
    return vault_hash(v, tenant_id, kinds[kind].field, buf_str(&normal), ret);
}

int field_seal(Vault *v, int64_t tenant_id, FieldKind kind, Str clear, SealedField *ret) {
    SealedField f = {.field = kinds[kind].field};
    int r = 0;
    if (kinds[kind].normal) {
        r = field_hash(v, tenant_id, kind, clear, f.hash);
        f.hashed = r == 0;
    }
    if (r == 0) r = vault_seal(v, tenant_id, f.field, clear, &f.sealed);
    if (r < 0) {
        field_done(&f);
        return r;
    }
    kinds[kind].mask(clear, &f.masked);
    *ret = f;
    return 0;
}

void field_done(SealedField *f) {
    buf_done(&f->masked);
    buf_done(&f->sealed);
}

void field_json(const SealedField *f, Buf *array) {
    buf_adds(array, array->n ? ",{\"field\":" : "{\"field\":");
    buf_add_json(array, f->field);
    buf_adds(array, ",\"masked\":");
    buf_add_json(array, buf_str(&f->masked));
    buf_adds(array, ",\"sealed\":\"");
    buf_reserve(array, 4 * (f->sealed.n + 2) / 3 + 1);
    array->n += text_base64url(f->sealed.p, f->sealed.n, array->p + array->n);
    buf_adds(array, "\",\"hash\":\"");
    if (f->hashed) {
        buf_reserve(array, 2 * sizeof(f->hash) + 1);
        text_hex(f->hash, sizeof(f->hash), array->p + array->n);
        array->n += 2 * sizeof(f->hash);
    }
    buf_adds(array, "\"}");
}

static int digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int field_unseal(Vault *v, int64_t tenant_id, Str field, Str base64url, Buf *ret) {
    CLEANUP(buf_done) Buf sealed = {0};
    uint32_t bits = 0;
    size_t held = 0;
    for (size_t i = 0; i < base64url.n; i++) {
        int value = digit(base64url.p[i]);
        if (value < 0) return -EINVAL;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        buf_addc(&sealed, (char)(bits >> held & 0xff));
    }
    return vault_unseal(v, tenant_id, field, buf_str(&sealed), ret);
}
