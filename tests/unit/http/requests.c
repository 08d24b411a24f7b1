/* Every line of requests.txt, through head and chunk together: given whole, and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "base/text.h"
#include "http/chunk.h"
#include "http/head.h"

enum { HEAD_LIMIT = 16384, BODY_LIMIT = 1 << 20 };

typedef struct Verdict {
    int taken;      /* complete requests before the end or the refusal */
    int refused;    /* status, 0 when nothing was */
    bool cut_short; /* the bytes end inside a request */
} Verdict;

/* Takes requests off (p, n) as the server does, showing the parsers `step` bytes more each time. */
static Verdict judge(const char *p, size_t n, size_t step) {
    Verdict v = {0};
    HttpRefusal why;
    while (n) {
        static HttpHead h;
        http_head_init(&h);
        size_t shown = 0;
        HttpHeadResult r = HTTP_HEAD_MORE;
        while (r == HTTP_HEAD_MORE && shown < n) {
            shown = n - shown > step ? shown + step : n;
            r = http_head_parse(&h, p, shown, HEAD_LIMIT, &why);
        }
        if (r == HTTP_HEAD_REFUSED) {
            v.refused = why.status;
            return v;
        }
        v.cut_short = r == HTTP_HEAD_MORE;
        if (v.cut_short) return v;
        p += h.bytes;
        n -= h.bytes;
        if (h.content_length > BODY_LIMIT) {
            v.refused = 413;
            return v;
        }
        if (!h.chunked) {
            v.cut_short = h.content_length > n;
            if (v.cut_short) return v;
            p += h.content_length;
            n -= (size_t)h.content_length;
        } else {
            HttpChunks c;
            HttpChunkResult k = HTTP_CHUNK_MORE;
            size_t total = 0;
            http_chunks_init(&c);
            while (k != HTTP_CHUNK_END) {
                if (!n) {
                    v.cut_short = true;
                    return v;
                }
                Str input = {p, n < step ? n : step}, data;
                size_t before = input.n;
                k = http_chunks_next(&c, &input, &data, &why);
                p += before - input.n;
                n -= before - input.n;
                if (k == HTTP_CHUNK_DATA && (total += data.n) + c.left > BODY_LIMIT) {
                    k = HTTP_CHUNK_REFUSED;
                    why.status = 413;
                }
                if (k == HTTP_CHUNK_REFUSED) {
                    v.refused = why.status;
                    return v;
                }
            }
        }
        v.taken++;
        if (!h.keep_alive) return v;
    }
    return v;
}

/* Undoes \r \n \t \\ \xHH \{COUNT:TEXT}. */
static void unescape(Str s, Buf *ret) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\') {
            buf_addc(ret, s.p[i]);
            continue;
        }
        unsigned char byte;
        switch (s.p[++i]) {
        case 'r':
            buf_addc(ret, '\r');
            break;
        case 'n':
            buf_addc(ret, '\n');
            break;
        case 't':
            buf_addc(ret, '\t');
            break;
        case '\\':
            buf_addc(ret, '\\');
            break;
        case 'x':
            assert_int_equal(text_unhex((Str){s.p + i + 1, 2}, &byte, 1), 1);
            buf_addc(ret, (char)byte);
            i += 2;
            break;
        case '{': {
            CLEANUP(buf_done) Buf text = {0};
            Str rest = {s.p + i + 1, s.n - i - 1}, count = str_cut(rest, ':', &rest);
            Str inside = str_cut(rest, '}', &rest);
            uint64_t n;
            assert_int_equal(str_to_u64(count, &n), 0);
            unescape(inside, &text);
            while (n--)
                buf_add_str(ret, buf_str(&text));
            i = (size_t)(inside.p + inside.n - s.p);
            break;
        }
        default:
            fail_msg("unknown escape \\%c", s.p[i]);
        }
    }
}

/* Runs every line whose first word begins so; returns how many those were. */
static int run_lines(const char *first, size_t step) {
    FILE *f = fopen("tests/unit/http/requests.txt", "r");
    assert_non_null(f);
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int lines = 0;
    while ((n = getline(&line, &room, f)) > 0) {
        CLEANUP(buf_done) Buf bytes = {0};
        Str rest = {line, (size_t)n - 1}, expected = str_cut(rest, ' ', &rest);
        if (n < 2 || line[0] == '#' || !str_starts(expected, str(first))) continue;
        Str name = str_cut(rest, ' ', &rest);
        while (rest.n && rest.p[0] == ' ')
            rest.p++, rest.n--;
        unescape(rest, &bytes);
        Verdict v = judge(bytes.p, bytes.n, step);
        Verdict want = {0};
        if (str_is(expected, "cut"))
            want.cut_short = true;
        else if (str_starts(expected, STR("ok")))
            want.taken = expected.p[2] - '0';
        else
            want.refused = atoi(expected.p);
        if (v.taken != want.taken || v.refused != want.refused || v.cut_short != want.cut_short)
            fail_msg("%.*s (%zu bytes at a time): taken %d, refused %d, cut short %d; expected "
                     "%.*s",
                     STR_ARG(name), step, v.taken, v.refused, v.cut_short, STR_ARG(expected));
        lines++;
    }
    free(line);
    (void)fclose(f);
    return lines;
}

static void every_malformed_request_is_refused(void **state) {
    (void)state;
    assert_true(run_lines("4", SIZE_MAX) + run_lines("5", SIZE_MAX) >= 180);
}

static void every_malformed_request_is_refused_byte_by_byte(void **state) {
    (void)state;
    assert_true(run_lines("4", 1) + run_lines("5", 1) >= 180);
}

static void every_valid_request_is_taken(void **state) {
    (void)state;
    assert_true(run_lines("ok", SIZE_MAX) >= 60);
}

static void every_valid_request_is_taken_byte_by_byte(void **state) {
    (void)state;
    assert_true(run_lines("ok", 1) >= 60);
    (void)run_lines("ok", 7);
}

static void a_request_cut_short_waits_for_more(void **state) {
    (void)state;
    assert_true(run_lines("cut", SIZE_MAX) >= 10);
    (void)run_lines("cut", 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_malformed_request_is_refused),
        cmocka_unit_test(every_malformed_request_is_refused_byte_by_byte),
        cmocka_unit_test(every_valid_request_is_taken),
        cmocka_unit_test(every_valid_request_is_taken_byte_by_byte),
        cmocka_unit_test(a_request_cut_short_waits_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
