/* A byte at a time for what is between the data, the data in one piece. */
#include "http/chunk.h"

#include <stdbool.h>

enum Stage {
    SIZE,
    EXTENSION_NAME,   /* behind ';' */
    EXTENSION_NAME_2, /* at least one character in */
    EXTENSION_VALUE,  /* behind '=' */
    EXTENSION_TOKEN,
    EXTENSION_QUOTED,
    EXTENSION_ESCAPED, /* behind '\' */
    EXTENSION_CLOSED,  /* behind the closing quote */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START, /* at the beginning of a line behind the last chunk */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    END
};

static bool is_token(char c) {
    return http_is_token((Str){&c, 1});
}

/* What a header value or quoted text may hold: no control character but the tab. */
static bool is_text(char c) {
    unsigned char u = (unsigned char)c;
    return (u >= 0x20 && u != 0x7f) || u == '\t';
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static const HttpRefusal bad_size = {400, "chunk size", "is not 1 to 16 hexadecimal digits",
                                     "send digits, then CR LF"};
static const HttpRefusal bad_extension = {400, "chunk extension", "is malformed or too long",
                                          "leave extensions out"};
static const HttpRefusal bad_end = {400, "chunk", "does not end in CR LF where its size says",
                                    "send size, CR LF, that many bytes, CR LF"};
static const HttpRefusal bad_trailer = {400, "trailer", "is malformed", "send Name: value, CR LF"};
static const HttpRefusal long_trailer = {431, "trailers", "are too long", "leave trailers out"};

void http_chunks_init(HttpChunks *c) {
    *c = (HttpChunks){.stage = SIZE};
}

/* Behind the size: what a character means that is not part of what went before. */
static const HttpRefusal *leave_size(HttpChunks *c, char ch, const HttpRefusal *otherwise) {
    if (ch == ';')
        c->stage = EXTENSION_NAME;
    else if (ch == '\r')
        c->stage = SIZE_LF;
    else
        return otherwise;
    return NULL;
}

static const HttpRefusal *step_size(HttpChunks *c, char ch) {
    int digit = hex_digit(ch);
    if (digit < 0) return c->digits ? leave_size(c, ch, &bad_size) : &bad_size;
    if (++c->digits > 16) return &bad_size; /* zeros without end, too */
    c->left = c->left << 4 | (uint64_t)digit;
    return NULL;
}

static const HttpRefusal *step_extension(HttpChunks *c, char ch) {
    if (++c->extension_bytes > HTTP_CHUNK_EXTENSION_BYTES) return &bad_extension;
    switch (c->stage) {
    case EXTENSION_NAME:
        if (!is_token(ch)) return &bad_extension;
        c->stage = EXTENSION_NAME_2;
        return NULL;
    case EXTENSION_NAME_2:
        if (is_token(ch)) return NULL;
        if (ch != '=') return leave_size(c, ch, &bad_extension);
        c->stage = EXTENSION_VALUE;
        return NULL;
    case EXTENSION_VALUE:
        if (ch != '"' && !is_token(ch)) return &bad_extension;
        c->stage = ch == '"' ? EXTENSION_QUOTED : EXTENSION_TOKEN;
        return NULL;
    case EXTENSION_TOKEN:
        return is_token(ch) ? NULL : leave_size(c, ch, &bad_extension);
    case EXTENSION_QUOTED:
        if (!is_text(ch)) return &bad_extension;
        if (ch == '"') c->stage = EXTENSION_CLOSED;
        if (ch == '\\') c->stage = EXTENSION_ESCAPED;
        return NULL;
    case EXTENSION_ESCAPED:
        c->stage = EXTENSION_QUOTED;
        return is_text(ch) ? NULL : &bad_extension;
    default: /* EXTENSION_CLOSED */
        return leave_size(c, ch, &bad_extension);
    }
}

static const HttpRefusal *step_trailer(HttpChunks *c, char ch) {
    if (++c->trailer_bytes > HTTP_CHUNK_TRAILER_BYTES) return &long_trailer;
    switch (c->stage) {
    case TRAILER_START:
        if (ch != '\r' && !is_token(ch)) return &bad_trailer;
        c->stage = ch == '\r' ? END_LF : TRAILER_NAME;
        return NULL;
    case TRAILER_NAME:
        if (ch == ':')
            c->stage = TRAILER_VALUE;
        else if (!is_token(ch))
            return &bad_trailer;
        return NULL;
    case TRAILER_VALUE:
        if (ch == '\r')
            c->stage = TRAILER_LF;
        else if (!is_text(ch))
            return &bad_trailer;
        return NULL;
    case TRAILER_LF:
        c->stage = TRAILER_START;
        return ch == '\n' ? NULL : &bad_trailer;
    default: /* END_LF */
        c->stage = END;
        return ch == '\n' ? NULL : &bad_trailer;
    }
}

/* One byte that is not data; NULL when it is right. */
static const HttpRefusal *step(HttpChunks *c, char ch) {
    switch ((enum Stage)c->stage) {
    case SIZE:
        return step_size(c, ch);
    case EXTENSION_NAME:
    case EXTENSION_NAME_2:
    case EXTENSION_VALUE:
    case EXTENSION_TOKEN:
    case EXTENSION_QUOTED:
    case EXTENSION_ESCAPED:
    case EXTENSION_CLOSED:
        return step_extension(c, ch);
    case SIZE_LF:
        c->digits = 0;
        c->stage = c->left ? DATA : TRAILER_START;
        return ch == '\n' ? NULL : &bad_size;
    case DATA_CR:
        c->stage = DATA_LF;
        return ch == '\r' ? NULL : &bad_end;
    case DATA_LF:
        c->stage = SIZE;
        return ch == '\n' ? NULL : &bad_end;
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER_VALUE:
    case TRAILER_LF:
    case END_LF:
        return step_trailer(c, ch);
    case DATA:
    case END:
        break;
    }
    return &bad_end; /* nothing more may be asked after END */
}

HttpChunkResult http_chunks_next(HttpChunks *c, Str *input, Str *ret_data, HttpRefusal *ret_why) {
    while (input->n) {
        if (c->stage == DATA) {
            size_t n = c->left < input->n ? (size_t)c->left : input->n;
            *ret_data = (Str){input->p, n};
            *input = (Str){input->p + n, input->n - n};
            c->left -= n;
            if (!c->left) c->stage = DATA_CR;
            return HTTP_CHUNK_DATA;
        }
        const HttpRefusal *why = step(c, *input->p);
        if (why) {
            *ret_why = *why;
            return HTTP_CHUNK_REFUSED;
        }
        *input = (Str){input->p + 1, input->n - 1};
        if (c->stage == END) return HTTP_CHUNK_END;
    }
    return HTTP_CHUNK_MORE;
}
