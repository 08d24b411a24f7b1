/* Envelopes in and out. What is unpacked was walked first, by the messages' own descriptors: a text
 * with NUL inside would be cut short by C strings, and bad UTF-8 would be refused by PostgreSQL. */
#include "events/wire_internal.h"

#include <stddef.h>

char *wire_text(Arena *a, Str s) {
    static char empty[] = "";
    return s.n ? arena_strndup(a, s.p, s.n) : empty;
}

ProtobufCBinaryData wire_bytes(Str s) {
    return (ProtobufCBinaryData){s.n, (uint8_t *)(uintptr_t)s.p};
}

Str wire_str(const char *z) {
    return z && *z ? str(z) : (Str){NULL, 0};
}

static bool trace_known(const Trace *t) {
    static const Trace unknown;
    return memcmp(t->trace_id, unknown.trace_id, sizeof(t->trace_id)) != 0;
}

void wire_envelope(Docket__Envelope *ret, Arena *a, int64_t tenant_id, int64_t ticket_id,
                   const Cause *cause, int64_t at_ms, const Trace *trace) {
    docket__envelope__init(ret);
    ret->schema_version = ENVELOPE_SCHEMA_VERSION;
    ret->tenant_id = (uint64_t)tenant_id;
    ret->ticket_id = (uint64_t)ticket_id;
    ret->at_ms = at_ms;
    ret->cause_id = wire_bytes((Str){
        arena_strndup(a, (const char *)cause->bytes, sizeof(cause->bytes)), sizeof(cause->bytes)});
    if (!trace || !trace_known(trace)) return;
    char *bytes = arena_alloc(a, TRACE_BYTES);
    memcpy(bytes, trace->trace_id, 16);
    memcpy(bytes + 16, trace->span_id, 8);
    bytes[24] = (char)trace->flags;
    ret->trace = wire_bytes((Str){bytes, TRACE_BYTES});
}

void wire_pack(const Docket__Envelope *e, Buf *ret) {
    buf_reserve(ret, docket__envelope__get_packed_size(e));
    ret->n += docket__envelope__pack(e, (uint8_t *)ret->p + ret->n);
    ret->p[ret->n] = 0;
}

/* ---- Walking a message before it is unpacked ---- */

static bool varint(Str *s, uint64_t *ret) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && s->n; shift += 7) {
        unsigned char byte = (unsigned char)*s->p;
        s->p++, s->n--;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = v;
            return true;
        }
    }
    return false;
}

static bool skip(Str *s, size_t n) {
    if (n > s->n) return false;
    s->p += n;
    s->n -= n;
    return true;
}

static const char *walk(Str s, const ProtobufCMessageDescriptor *of) {
    static const char torn[] = "not a whole protobuf message";
    while (s.n) {
        uint64_t tag, length;
        if (!varint(&s, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3) return torn;
        switch (tag & 7) {
        case 0:
            if (!varint(&s, &length)) return torn;
            continue;
        case 1:
            if (!skip(&s, 8)) return torn;
            continue;
        case 5:
            if (!skip(&s, 4)) return torn;
            continue;
        case 2:
            break;
        default:
            return torn;
        }
        if (!varint(&s, &length) || length > s.n) return torn;
        Str value = {s.p, (size_t)length};
        (void)skip(&s, value.n);
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(of, (unsigned)(tag >> 3));
        if (!field) continue; /* from a newer release */
        if (field->type == PROTOBUF_C_TYPE_STRING && !str_is_text(value))
            return "a text that is not UTF-8 or holds NUL";
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            const char *problem = walk(value, field->descriptor);
            if (problem) return problem;
        }
    }
    return NULL;
}

static void *allocate(void *arena, size_t n) {
    return arena_alloc(arena, n);
}

static void leave(void *arena, void *p) { /* goes with the arena */
    (void)arena;
    (void)p;
}

const Docket__Envelope *wire_unpack(Str message, Arena *a, const char **ret_problem) {
    ProtobufCAllocator allocator = {allocate, leave, a};
    const char *problem = message.n ? walk(message, &docket__envelope__descriptor) : "empty";
    if (problem) {
        *ret_problem = problem;
        return NULL;
    }
    const Docket__Envelope *e =
        docket__envelope__unpack(&allocator, message.n, (const uint8_t *)message.p);
    if (!e) *ret_problem = "not a whole protobuf message";
    return e;
}

bool wire_origin(const Docket__Envelope *e, Cause *ret_cause, Trace *ret_trace,
                 const char **ret_problem) {
    static const Cause none;
    if (e->cause_id.len != sizeof(ret_cause->bytes) ||
        memcmp(e->cause_id.data, none.bytes, sizeof(none.bytes)) == 0) {
        *ret_problem = "no cause id of 16 bytes";
        return false;
    }
    if (e->trace.len != 0 && e->trace.len != TRACE_BYTES) {
        *ret_problem = "a trace that does not have 25 bytes";
        return false;
    }
    memcpy(ret_cause->bytes, e->cause_id.data, sizeof(ret_cause->bytes));
    *ret_trace = (Trace){.flags = 0};
    if (e->trace.len) {
        memcpy(ret_trace->trace_id, e->trace.data, 16);
        memcpy(ret_trace->span_id, e->trace.data + 16, 8);
        ret_trace->flags = e->trace.data[24];
    }
    return true;
}
