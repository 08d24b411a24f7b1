/* WorkforceDesk -- Zendesk's shapes, as far as the played agents need them. */
#include "docket/workforce_desk.h"

#include <errno.h>

#include "json/json.h"

static const JsonLimits limits = {.bytes = 8 << 20, .depth = 32, .members = 1000};

static const struct {
    const char *name, *endpoint;
} calls[DESK_CALLS] = {
    [DESK_SIGN_IN] = {"sign in", "POST /sessions"},
    [DESK_ME] = {"who am I", "GET /users/me"},
    [DESK_STAFF] = {"list staff", "GET /users"},
    [DESK_GROUPS] = {"list groups", "GET /groups"},
    [DESK_TOKEN] = {"get a token", "POST /api_tokens"},
    [DESK_DUTY] = {"go on duty", "PUT /users/me/duty"},
    [DESK_ASSIGNED] = {"look", "GET /views/{id}/tickets"},
    [DESK_READ] = {"read", "GET /tickets/{id}/comments"},
    [DESK_REPLY] = {"reply", "PUT /tickets/{id}"},
    [DESK_NOTE] = {"note", "PUT /tickets/{id}"},
    [DESK_ASK] = {"ask back", "PUT /tickets/{id}"},
    [DESK_TRANSFER] = {"transfer", "POST /tickets/{id}/transfer"},
    [DESK_UPLOAD] = {"upload", "POST /uploads"},
    [DESK_SOLVE] = {"solve", "PUT /tickets/{id}"},
    [DESK_HOLD] = {"put on hold", "PUT /tickets/{id}"},
};

const char *desk_call_name(DeskCall c) {
    return calls[c].name;
}

const char *desk_call_endpoint(DeskCall c) {
    return calls[c].endpoint;
}

static void add_header(Buf *out, const char *name, Str value) {
    buf_adds(out, name);
    buf_add_str(out, value);
    buf_adds(out, "\r\n");
}

void desk_write(Buf *out, const char *host, const DeskIdentity *who, const char *method,
                const char *path, const char *type, Str body) {
    buf_adds(out, method);
    buf_addc(out, ' ');
    buf_adds(out, path);
    buf_adds(out, " HTTP/1.1\r\n");
    add_header(out, "Host: ", str(host));
    if (who->authorization.p) add_header(out, "Authorization: ", who->authorization);
    if (who->cookie.p) add_header(out, "Cookie: ", who->cookie);
    if (who->csrf.p) add_header(out, "X-CSRF-Token: ", who->csrf);
    if (body.p) {
        add_header(out, "Content-Type: ", str(type));
        buf_adds(out, "Content-Length: ");
        buf_add_u64(out, body.n);
        buf_adds(out, "\r\n");
    }
    buf_adds(out, "\r\n");
    buf_add_str(out, body);
}

/* ---- bodies ---- */

static void add_member(Buf *b, const char *before, Str value) {
    buf_adds(b, before);
    buf_add_json(b, value);
}

void desk_sign_in_body(Buf *ret, Str tenant, Str email, Str password) {
    add_member(ret, "{\"session\":{\"email\":", email);
    add_member(ret, ",\"password\":", password);
    if (tenant.p) add_member(ret, ",\"tenant\":", tenant);
    buf_adds(ret, "}}");
}

void desk_token_body(Buf *ret, int64_t user_id) {
    buf_adds(ret, "{\"api_token\":{\"description\":\"docket workforce\",\"expires_in_days\":1,"
                  "\"user_id\":");
    buf_add_i64(ret, user_id);
    buf_adds(ret, "}}");
}

void desk_duty_body(Buf *ret, bool on) {
    buf_adds(ret, on ? "{\"duty\":{\"on_duty\":true}}" : "{\"duty\":{\"on_duty\":false}}");
}

void desk_change_body(Buf *ret, const DeskChange *c) {
    const char *comma = "";
    buf_adds(ret, "{\"ticket\":{");
    if (c->status) {
        add_member(ret, "\"status\":", str(c->status));
        comma = ",";
    }
    if (c->text.p) {
        buf_adds(ret, comma);
        add_member(ret, "\"comment\":{\"body\":", c->text);
        buf_adds(ret, c->is_public ? ",\"public\":true" : ",\"public\":false");
        if (c->upload.p) {
            add_member(ret, ",\"uploads\":[", c->upload);
            buf_addc(ret, ']');
        }
        buf_addc(ret, '}');
        comma = ",";
    }
    if (c->filled) {
        buf_adds(ret, comma);
        buf_adds(ret, "\"custom_fields\":[{\"id\":\"退款金额\",\"value\":\"25.00\"},"
                      "{\"id\":\"责任方\",\"value\":\"商家\"},"
                      "{\"id\":\"赔付方案\",\"value\":[\"退款\"]}]");
        comma = ",";
    }
    if (c->updated_stamp.p) {
        buf_adds(ret, comma);
        add_member(ret, "\"safe_update\":true,\"updated_stamp\":", c->updated_stamp);
    }
    buf_adds(ret, "}}");
}

void desk_transfer_body(Buf *ret, int64_t group_id, Str note) {
    buf_adds(ret, "{\"transfer\":{\"group_id\":");
    buf_add_i64(ret, group_id);
    add_member(ret, ",\"note\":", note);
    buf_adds(ret, "}}");
}

/* ---- answers ---- */

static cJSON *parsed(Arena *arena, Str body) {
    cJSON *tree;
    return json_parse_in(arena, body, &limits, &tree, NULL) < 0 ? NULL : tree;
}

static int urgency_of(Str priority) {
    static const char *const words[] = {"low", "normal", "high", "urgent"};
    for (int i = 0; i < 4; i++)
        if (str_is(priority, words[i])) return i;
    return 1;
}

static bool read_ticket(const cJSON *item, DeskTicket *ret) {
    DeskTicket t = {0};
    Str status = {NULL, 0}, priority = {NULL, 0}, at = {NULL, 0};
    if (json_get_int(item, "id", &t.id) != 1 || json_get_string(item, "status", &status) != 1)
        return false;
    (void)json_get_int(item, "group_id", &t.group_id);
    if (json_get_string(item, "priority", &priority) == 1) t.urgency = urgency_of(priority);
    if (json_get_string(item, "updated_at", &at) == 1 && at.n < sizeof(t.updated_at))
        memcpy(t.updated_at, at.p, at.n);
    t.pending = str_is(status, "pending") || str_is(status, "hold");
    t.solved = str_is(status, "solved") || str_is(status, "closed") || str_is(status, "deleted");
    *ret = t;
    return true;
}

int desk_read_tickets(Str body, DeskTicket *ret, size_t max) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    const cJSON *tree = parsed(arena, body), *list, *item;
    int n = 0;
    if (!tree) return -EINVAL;
    if (json_get_object(tree, "ticket", &item) == 1) return read_ticket(item, ret) ? 1 : -EINVAL;
    if (json_get_array(tree, "tickets", &list) != 1) return -EINVAL;
    cJSON_ArrayForEach(item, list) {
        if ((size_t)n == max) break;
        if (!read_ticket(item, &ret[n])) return -EINVAL;
        n++;
    }
    return n;
}

int desk_read_people(Str body, const char *plural, DeskPerson *ret, size_t max, Buf *ret_more) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    const cJSON *tree = parsed(arena, body), *list, *item, *meta;
    int n = 0;
    buf_clear(ret_more);
    if (!tree || json_get_array(tree, plural, &list) != 1) return -EINVAL;
    cJSON_ArrayForEach(item, list) {
        DeskPerson p = {0};
        Str name;
        if ((size_t)n == max) break;
        if (json_get_int(item, "id", &p.id) != 1) return -EINVAL;
        if (json_get_string(item, "name", &name) == 1 && name.n < sizeof(p.name))
            memcpy(p.name, name.p, name.n);
        ret[n++] = p;
    }
    bool more = false;
    Str cursor;
    if (json_get_object(tree, "meta", &meta) == 1 && json_get_bool(meta, "has_more", &more) == 1 &&
        more && json_get_string(meta, "after_cursor", &cursor) == 1)
        buf_add_str(ret_more, cursor);
    return n;
}

static const cJSON *member_of(Arena *arena, Str body, const char *object) {
    const cJSON *tree = parsed(arena, body), *inner;
    return tree && json_get_object(tree, object, &inner) == 1 ? inner : NULL;
}

int desk_read_text(Str body, const char *object, const char *member, Buf *ret) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    const cJSON *inner = member_of(arena, body, object);
    Str text;
    if (!inner || json_get_string(inner, member, &text) != 1) return -ENOENT;
    buf_add_str(ret, text);
    return 0;
}

int desk_read_id(Str body, const char *object, const char *member, int64_t *ret) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    const cJSON *inner = member_of(arena, body, object);
    return inner && json_get_int(inner, member, ret) == 1 ? 0 : -ENOENT;
}
