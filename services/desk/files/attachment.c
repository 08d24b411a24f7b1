#include "desk/files/attachment.h"

void upload_token_hash(Str token, uint8_t ret[DIGEST_SHA256_BYTES]) {
    digest_sha256(token, ret);
}

void attachment_entry_json(Buf *ret, const Attachment *a) {
    buf_printf(ret, "{\"id\":%lld,\"name\":", (long long)a->id);
    buf_add_json(ret, a->name);
    buf_adds(ret, ",\"type\":");
    buf_add_json(ret, a->type);
    buf_printf(ret, ",\"size\":%lld,\"class\":", (long long)a->size);
    buf_add_json(ret, a->class);
    buf_addc(ret, '}');
}

/* One segment of a path: everything but unreserved characters is escaped. */
static void add_segment(Buf *ret, Str s) {
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        if (plain)
            buf_addc(ret, (char)c);
        else
            buf_printf(ret, "%%%02X", c);
    }
}

void attachment_json(Buf *ret, Str base, const Attachment *a) {
    buf_printf(ret, "{\"url\":\"%.*s/api/v2/attachments/%lld.json\",\"id\":%lld,\"file_name\":",
               STR_ARG(base), (long long)a->id, (long long)a->id);
    buf_add_json(ret, a->name);
    buf_printf(ret, ",\"content_url\":\"%.*s/api/v2/attachments/%lld/", STR_ARG(base),
               (long long)a->id);
    add_segment(ret, a->name);
    buf_adds(ret, "\",\"content_type\":");
    buf_add_json(ret, a->type);
    buf_printf(ret,
               ",\"size\":%lld,\"inline\":false,\"deleted\":false,\"thumbnails\":[],\"class\":",
               (long long)a->size);
    buf_add_json(ret, a->class);
    buf_addc(ret, '}');
}
