#include "desk/files/attachment.h"

#include "http/url.h"

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

void attachment_json(Buf *ret, Str base, const Attachment *a) {
    buf_printf(ret, "{\"url\":\"%.*s/api/v2/attachments/%lld.json\",\"id\":%lld,\"file_name\":",
               STR_ARG(base), (long long)a->id, (long long)a->id);
    buf_add_json(ret, a->name);
    buf_printf(ret, ",\"content_url\":\"%.*s/api/v2/attachments/%lld/", STR_ARG(base),
               (long long)a->id);
    url_encode(a->name, ret);
    buf_adds(ret, "\",\"content_type\":");
    buf_add_json(ret, a->type);
    buf_printf(ret,
               ",\"size\":%lld,\"inline\":false,\"deleted\":false,\"thumbnails\":[],\"class\":",
               (long long)a->size);
    buf_add_json(ret, a->class);
    buf_addc(ret, '}');
}
