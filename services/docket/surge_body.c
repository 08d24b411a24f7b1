/* SurgeBodies -- texts are escaped once, ahead; a body is then a few copies. */
#include "docket/surge_body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "docket/texts.h"
#include "json/json.h"

enum {
    CSV_COLUMNS = 256,
    TEXT_BYTES = 65536 /* longer ones are cut: the gate takes 256 KiB, escapes included */
};
static const size_t FILE_BYTES = (size_t)1 << 30;

typedef struct Text {
    size_t at;
    uint32_t subject_n, body_n; /* JSON strings with their quotes; body_n 0: a whole ticket */
} Text;

struct SurgeBodies {
    Buf store;
    Text *texts;
    size_t n, room;
    Buf scratch; /* of the generator */
    uint64_t seed;
    Str channels[16];
    size_t channels_n;
};

static uint64_t mix(uint64_t x) { /* splitmix64 */
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

SurgeBodies *surge_bodies_free(SurgeBodies *b) {
    if (!b) return NULL;
    buf_done(&b->store);
    buf_done(&b->scratch);
    free(b->texts);
    free(b);
    return NULL;
}

size_t surge_bodies_count(const SurgeBodies *b) {
    return b->n;
}

void surge_bodies_channels(SurgeBodies *b, const char *channels) {
    Str rest = str(channels);
    b->channels_n = 0;
    while (rest.p && b->channels_n < 16) {
        Str one = str_trim(str_cut(rest, ',', &rest));
        if (one.n) b->channels[b->channels_n++] = one;
    }
}

static Text *text_add(SurgeBodies *b) {
    if (b->n == b->room) {
        b->room = b->room ? b->room * 2 : 1024;
        b->texts = xrealloc(b->texts, b->room * sizeof(*b->texts));
    }
    Text *t = &b->texts[b->n++];
    *t = (Text){.at = b->store.n};
    return t;
}

/* At most `bytes` of it, whole characters. */
static Str cut(Str s, size_t bytes) {
    if (s.n <= bytes) return s;
    s.n = bytes;
    while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xC0) == 0x80)
        s.n--;
    return s;
}

static void add(SurgeBodies *b, Str subject, Str body) {
    body = cut(str_trim(body), TEXT_BYTES);
    if (body.n == 0) return;
    if (!subject.n) { /* its beginning, up to the first sentence's end */
        subject = cut(body, 60);
        const char *line = memchr(subject.p, '\n', subject.n);
        if (line) subject.n = (size_t)(line - subject.p);
    }
    Text *t = text_add(b);
    buf_add_json(&b->store, cut(subject, 1000));
    t->subject_n = (uint32_t)(b->store.n - t->at);
    buf_add_json(&b->store, body);
    t->body_n = (uint32_t)(b->store.n - t->at - t->subject_n);
}

SurgeBodies *surge_bodies_generate(uint64_t seed) {
    SurgeBodies *b = xcalloc(1, sizeof(*b));
    b->seed = seed;
    return b;
}

/* -- files --------------------------------------------------------------------------------------
 */

size_t surge_csv_next(Str *text, Buf *store, Str *ret, size_t max) {
    size_t starts[CSV_COLUMNS], ends[CSV_COLUMNS], n = 0;
    const char *p = text->p, *end = text->p + text->n;
    buf_clear(store);
    buf_reserve(store, 1); /* fields may all be empty, and still point somewhere */
    if (max > CSV_COLUMNS) max = CSV_COLUMNS;
    while (p < end && (*p == '\n' || *p == '\r'))
        p++; /* empty lines */
    if (p == end) {
        *text = (Str){end, 0};
        return 0;
    }
    for (bool more = true; more;) {
        size_t start = store->n;
        bool quoted = p < end && *p == '"';
        if (quoted) p++;
        while (p < end) {
            if (quoted && *p == '"') {
                if (p + 1 < end && p[1] == '"')
                    p++;
                else {
                    quoted = false;
                    p++;
                    continue;
                }
            } else if (!quoted && (*p == ',' || *p == '\n' || *p == '\r')) {
                break;
            }
            buf_addc(store, *p++);
        }
        if (n < max) {
            starts[n] = start;
            ends[n++] = store->n;
        }
        more = p < end && *p == ',';
        if (more) p++;
    }
    if (p < end && *p == '\r') p++;
    if (p < end && *p == '\n') p++;
    *text = (Str){p, (size_t)(end - p)};
    for (size_t i = 0; i < n; i++)
        ret[i] = (Str){store->p + starts[i], ends[i] - starts[i]};
    return n;
}

static const char *const body_names[] = {"text",    "body",   "description", "content",
                                         "message", "review", "comment"};
static const char *const subject_names[] = {"subject", "title"};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int column_of(const Str *heading, size_t n, const char *const *names, size_t names_n) {
    for (size_t name = 0; name < names_n; name++) {
        for (size_t i = 0; i < n; i++) {
            if (str_eq_nocase(str_trim(heading[i]), str(names[name]))) return (int)i;
        }
    }
    return -1;
}

static int read_csv(SurgeBodies *b, Str text, const char *column, Buf *ret_problem) {
    CLEANUP(buf_done) Buf store = {0};
    CLEANUP(buf_done) Buf joined = {0};
    Str fields[CSV_COLUMNS], rest = text;
    size_t n = surge_csv_next(&rest, &store, fields, CSV_COLUMNS);
    int body = column_of(fields, n, column ? &column : body_names, column ? 1 : COUNT(body_names));
    int subject = column_of(fields, n, subject_names, COUNT(subject_names));
    if (column && body < 0) {
        buf_printf(ret_problem, "no column is called `%s`; the first line is the heading", column);
        return -EINVAL;
    }
    if (body < 0) rest = text; /* no heading that we know: it is all text */
    while ((n = surge_csv_next(&rest, &store, fields, CSV_COLUMNS))) {
        if (body >= 0) {
            add(b, subject >= 0 && (size_t)subject < n ? fields[subject] : (Str){NULL, 0},
                (size_t)body < n ? fields[body] : (Str){NULL, 0});
            continue;
        }
        buf_clear(&joined);
        for (size_t i = 0; i < n; i++) {
            if (!fields[i].n) continue;
            if (joined.n) buf_adds(&joined, "，");
            buf_add_str(&joined, fields[i]);
        }
        add(b, (Str){NULL, 0}, buf_str(&joined));
    }
    return 0;
}

/* A text, or an object with a body: a comment as Zendesk has it. */
static void text_member(const cJSON *tree, const char *name, Str *ret) {
    const cJSON *inner;
    if (json_get_string(tree, name, ret) == 1) return;
    if (json_get_object(tree, name, &inner) == 1) (void)json_get_string(inner, "body", ret);
}

static int add_json(SurgeBodies *b, Str line, const char *column, Buf *ret_problem) {
    CLEANUP(cjson_freep) cJSON *tree = NULL;
    Str subject = {NULL, 0}, body = {NULL, 0};
    const cJSON *inner;
    int r = json_parse(line, NULL, &tree, ret_problem);
    if (r < 0) return r;
    if (json_get_object(tree, "ticket", &inner) == 1) {
        Text *t = text_add(b);
        buf_add_str(&b->store, line);
        t->subject_n = (uint32_t)line.n;
        return 0;
    }
    if (json_as_string(tree, &body) != 1) {
        for (size_t i = 0; i < COUNT(body_names) && !body.p; i++)
            text_member(tree, column ? column : body_names[i], &body);
        for (size_t i = 0; i < COUNT(subject_names) && !subject.p; i++)
            (void)json_get_string(tree, subject_names[i], &subject);
    }
    if (!body.p) {
        buf_adds(ret_problem, "holds no text (a member called text, body, description ...)");
        return -EINVAL;
    }
    add(b, subject, body);
    return 0;
}

static int read_lines(SurgeBodies *b, Str text, const char *column, Buf *ret_problem) {
    size_t number = 0;
    CLEANUP(buf_done) Buf problem = {0};
    while (text.p) {
        Str line = str_trim(str_cut(text, '\n', &text));
        number++;
        if (line.n && line.p[line.n - 1] == '\r') line.n--;
        if (!line.n) continue;
        int r = add_json(b, line, column, &problem);
        if (r < 0) {
            buf_printf(ret_problem, "line %zu: %s", number, problem.p);
            return r;
        }
    }
    return 0;
}

static int read_all(const char *file, Buf *ret) {
    int fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    ssize_t got;
    do {
        buf_reserve(ret, 1 << 16);
        got = read(fd, ret->p + ret->n, 1 << 16);
        if (got > 0) ret->n += (size_t)got;
    } while ((got > 0 && ret->n < FILE_BYTES) || (got < 0 && errno == EINTR));
    int r = got < 0 ? -errno : got > 0 ? -EFBIG : 0;
    if (fd != STDIN_FILENO) close(fd);
    return r;
}

int surge_bodies_read(const char *file, const char *column, uint64_t seed, SurgeBodies **ret,
                      Buf *ret_problem) {
    CLEANUP(buf_done) Buf bytes = {0};
    CLEANUP(buf_done) Buf problem = {0};
    CLEANUP(surge_bodies_freep) SurgeBodies *b = xcalloc(1, sizeof(*b));
    b->seed = seed;
    int r = read_all(file, &bytes);
    if (r < 0) {
        buf_printf(ret_problem, "%s: %s", file, strerror(-r));
        return r;
    }
    Str text = buf_str(&bytes);
    if (str_starts(text, STR("\xEF\xBB\xBF"))) text = (Str){text.p + 3, text.n - 3};
    if (!text.p) text = STR("");
    Str begin = text;
    while (begin.n && (*begin.p == ' ' || *begin.p == '\n' || *begin.p == '\r'))
        begin.p++, begin.n--;
    /* A JSON line begins with { or with a quoted string that ends the line; CSV may begin with a
     * quote too, and then a comma follows somewhere. */
    Str first = str_cut(begin, '\n', &(Str){NULL, 0});
    bool json = str_starts(begin, STR("{")) ||
                (str_starts(begin, STR("\"")) && json_check(str_trim(first), NULL, NULL) == 0);
    r = json ? read_lines(b, text, column, &problem) : read_csv(b, text, column, &problem);
    if (r == 0 && b->n == 0) {
        buf_adds(&problem, "holds no text");
        r = -EINVAL;
    }
    if (r < 0) {
        buf_printf(ret_problem, "%s: %s", file, problem.p);
        return r;
    }
    *ret = TAKE(b);
    return 0;
}

/* -- a body -------------------------------------------------------------------------------------
 */

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

static void add_member(Buf *ret, const char *name, Str value) { /* ,"name":"value" */
    if (!value.p) return;
    ADD(ret, ",\"");
    buf_adds(ret, name);
    ADD(ret, "\":");
    buf_add_json(ret, value);
}

void surge_bodies_write(SurgeBodies *b, int64_t ticket, Buf *ret) {
    TextTicket t;
    uint64_t state = mix(b->seed * 0x100000001B3u ^ (uint64_t)ticket);
    uint64_t dice = mix(state);
    texts_next(&state, &b->scratch, &t);

    const Text *text = b->n ? &b->texts[(size_t)ticket % b->n] : NULL;
    if (text && text->body_n == 0) { /* a whole ticket, as it stands in the file */
        buf_add(ret, b->store.p + text->at, text->subject_n);
        return;
    }
    ADD(ret, "{\"ticket\":{\"subject\":");
    if (text) {
        const char *p = b->store.p + text->at;
        buf_add(ret, p, text->subject_n);
        ADD(ret, ",\"comment\":{\"body\":");
        buf_add(ret, p + text->subject_n, text->body_n);
    } else {
        buf_add_json(ret, t.subject);
        ADD(ret, ",\"comment\":{\"body\":");
        buf_add_json(ret, t.description);
    }
    ADD(ret, "},\"requester\":{\"name\":");
    buf_add_json(ret, t.name);
    add_member(ret, "email", t.email);
    add_member(ret, "phone", t.phone);
    ADD(ret, "}");
    add_member(ret, "kind", t.kind);
    add_member(ret, "tier", t.tier);
    add_member(ret, "region", t.region);
    add_member(ret, "language", t.language);
    add_member(ret, "order", t.order);
    add_member(ret, "product", t.product);
    add_member(ret, "batch", t.batch);
    add_member(ret, "device", t.device);
    Str channel = b->channels_n ? b->channels[dice % b->channels_n] : t.channel;
    if (!str_is(channel, "-")) {
        ADD(ret, ",\"via\":{\"channel\":");
        buf_add_json(ret, channel);
        ADD(ret, "}");
    }
    ADD(ret, "}}");
}
