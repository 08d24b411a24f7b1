/* Reads a file's lines and the environment against a table. */
#include "config/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_internal.h"

enum { FILE_BYTES = 1 << 20, PROBLEMS_SHOWN = 20, VALUE_SHOWN = 80 };

typedef struct Load {
    const ConfigKey *keys;
    size_t n;
    const char *file;
    size_t *lines; /* per key: where the file sets it, 0 = nowhere */
    void *out;
    Buf *problem;
    size_t problems;
} Load;

static void problem_at(Load *l, size_t line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void problem_at(Load *l, size_t line, const char *fmt, ...) {
    va_list args;
    if (++l->problems > PROBLEMS_SHOWN) return;
    if (l->problem->n) buf_addc(l->problem, '\n');
    if (line)
        buf_printf(l->problem, "%s:%zu: ", l->file, line);
    else if (l->file)
        buf_printf(l->problem, "%s: ", l->file);
    va_start(args, fmt);
    buf_vprintf(l->problem, fmt, args);
    va_end(args);
}

/* Edits that make a of b (Levenshtein), for names up to 63 bytes. */
static size_t distance(Str a, Str b) {
    size_t row[64];
    if (a.n > 63 || b.n > 63) return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = diagonal + (a.p[i - 1] != b.p[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.n];
}

static void unknown_key(Load *l, size_t line, Str name) {
    const char *nearest = NULL;
    size_t least = name.n / 3 + 2; /* further away is no likeness */
    for (size_t i = 0; i < l->n; i++) {
        size_t d = distance(name, str(l->keys[i].name));
        if (d < least) {
            least = d;
            nearest = l->keys[i].name;
        }
    }
    if (name.n > 63) name.n = 63;
    if (nearest)
        problem_at(l, line, "unknown key `%.*s`; did you mean `%s`?", STR_ARG(name), nearest);
    else
        problem_at(l, line, "unknown key `%.*s`; --print-config lists the keys", STR_ARG(name));
}

/* As it may be read by whoever sees a log or a terminal. */
static Str without_secrets(const ConfigKey *k, Str value, Buf *into) {
    if (k->type == CONFIG_URL)
        config_mask_url(value, into);
    else if (k->type == CONFIG_SECRET && value.n)
        buf_adds(into, "***");
    else
        return value;
    return buf_str(into);
}

static void wrong_value(Load *l, size_t line, const char *name, const ConfigKey *k, Str value,
                        const Buf *why) {
    CLEANUP(buf_done) Buf shown = {0};
    value = without_secrets(k, value, &shown);
    if (value.n > VALUE_SHOWN) value.n = VALUE_SHOWN;
    problem_at(l, line, "%s `%.*s` %s", name, STR_ARG(value), why->p);
}

/* "x" and 'x' lose their quotes; an unquoted value ends at a # behind a blank. -EINVAL: a quote
 * without its twin, or something behind it. */
static int unquote(Str text, Str *ret) {
    if (text.n && (text.p[0] == '"' || text.p[0] == '\'')) {
        Str behind;
        Str inside = str_cut((Str){text.p + 1, text.n - 1}, text.p[0], &behind);
        if (!behind.p) return -EINVAL;
        behind = str_trim(behind);
        if (behind.n && behind.p[0] != '#') return -EINVAL;
        *ret = inside;
        return 0;
    }
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '#' && (i == 0 || text.p[i - 1] == ' ' || text.p[i - 1] == '\t')) {
            *ret = str_trim((Str){text.p, i});
            return 0;
        }
    *ret = text;
    return 0;
}

static void read_line(Load *l, size_t line, Str text) {
    Str raw, value;
    CLEANUP(buf_done) Buf why = {0};
    text = str_trim(text);
    if (text.n == 0 || text.p[0] == '#') return;
    Str name = str_trim(str_cut(text, '=', &raw));
    if (!raw.p) {
        problem_at(l, line, "`=` is missing; write `key = value`");
        return;
    }
    size_t i = 0;
    while (i < l->n && !str_is(name, l->keys[i].name))
        i++;
    if (i == l->n) {
        unknown_key(l, line, name);
        return;
    }
    const ConfigKey *k = &l->keys[i];
    if (l->lines[i]) {
        problem_at(l, line, "%s is set twice, first in line %zu; keep one", k->name, l->lines[i]);
        return;
    }
    l->lines[i] = line;
    if (unquote(str_trim(raw), &value) < 0) {
        problem_at(l, line, "%s has a wrong quote; write %s = \"value\"", k->name, k->name);
        return;
    }
    if (config_store(k, value, l->out, &why) < 0) wrong_value(l, line, k->name, k, value, &why);
}

static int read_file(const char *path, Buf *ret) {
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return -errno;
    int r = 0;
    if (fstat(fd, &st) < 0)
        r = -errno;
    else if (!S_ISREG(st.st_mode))
        r = -EISDIR;
    while (r == 0 && ret->n <= FILE_BYTES) {
        buf_reserve(ret, 16384);
        ssize_t got = read(fd, ret->p + ret->n, 16384);
        if (got == 0) break;
        if (got > 0)
            ret->n += (size_t)got;
        else if (errno != EINTR)
            r = -errno;
    }
    (void)close(fd);
    return r == 0 && ret->n > FILE_BYTES ? -EFBIG : r;
}

/* False: there is no telling what the file sets. */
static bool read_config_file(Load *l) {
    CLEANUP(buf_done) Buf text = {0};
    int r = read_file(l->file, &text);
    if (r < 0) {
        problem_at(l, 0, "%s; name a readable configuration file with --config",
                   r == -EISDIR  ? "is not a regular file"
                   : r == -EFBIG ? "is larger than 1 MiB"
                                 : strerror(-r));
        return false;
    }
    Str rest = buf_str(&text);
    for (size_t line = 1; rest.p; line++) {
        Str one = str_cut(rest, '\n', &rest);
        if (one.n && one.p[one.n - 1] == '\r') one.n--;
        if (one.n && memchr(one.p, 0, one.n))
            problem_at(l, line, "has a NUL byte; the file must be text");
        else
            read_line(l, line, one);
    }
    return true;
}

static void environment_name(const char *key, char *ret, size_t room) {
    int n = snprintf(ret, room, "DOCKET_%s", key);
    for (int i = 0; i < n && (size_t)i < room; i++)
        ret[i] = ret[i] == '.' ? '_' : (char)toupper((unsigned char)ret[i]);
}

static bool is_text(const ConfigKey *k) {
    return k->type == CONFIG_STRING || k->type == CONFIG_SECRET || k->type == CONFIG_ADDRESS ||
           k->type == CONFIG_ADDRESSES || k->type == CONFIG_URL || k->type == CONFIG_FILE ||
           k->type == CONFIG_CHOICE;
}

static char **text_field(const ConfigKey *k, void *cfg) {
    return (char **)(void *)((char *)cfg + k->offset);
}

/* The environment's value, or the fallback where the file was silent. */
static void complete(Load *l, size_t i) {
    const ConfigKey *k = &l->keys[i];
    CLEANUP(buf_done) Buf why = {0};
    char name[96];
    environment_name(k->name, name, sizeof(name));
    const char *value = getenv(name);
    if (value) {
        char *before = is_text(k) ? *text_field(k, l->out) : NULL;
        if (config_store(k, str(value), l->out, &why) < 0) {
            const char *file = l->file;
            l->file = NULL; /* the place is the environment */
            wrong_value(l, 0, name, k, str(value), &why);
            l->file = file;
        } else
            free(before);
    } else if (!l->lines[i] && !k->fallback)
        problem_at(l, 0, "%s is missing (%s); set it in the file or as %s", k->name, k->help, name);
    else if (!l->lines[i] && config_store(k, str(k->fallback), l->out, &why) < 0)
        wrong_value(l, 0, k->name, k, str(k->fallback), &why);
}

int config_load(const ConfigKey *keys, size_t n, const char *file, void *ret_struct,
                Buf *ret_problem) {
    Load l = {.keys = keys, .n = n, .file = file, .out = ret_struct, .problem = ret_problem};
    l.lines = xcalloc(n ? n : 1, sizeof(*l.lines));
    bool complete_it = !file || read_config_file(&l);
    for (size_t i = 0; complete_it && i < n; i++)
        complete(&l, i);
    free(l.lines);
    if (l.problems == 0) return 0;
    if (l.problems > PROBLEMS_SHOWN)
        buf_printf(ret_problem, "\nand %zu more", l.problems - PROBLEMS_SHOWN);
    config_done(keys, n, ret_struct);
    return -EINVAL;
}

void config_done(const ConfigKey *keys, size_t n, void *cfg) {
    for (size_t i = 0; i < n; i++)
        if (is_text(&keys[i])) {
            free(*text_field(&keys[i], cfg));
            *text_field(&keys[i], cfg) = NULL;
        }
}

static void print_value(const ConfigKey *k, const void *cfg, Buf *out) {
    char text[32];
    int64_t v = 0;
    const void *field = (const char *)cfg + k->offset;
    if (is_text(k)) {
        CLEANUP(buf_done) Buf masked = {0};
        Str s = without_secrets(k, str(*(char *const *)field), &masked);
        if (s.n && memchr(s.p, '"', s.n))
            buf_printf(out, "'%.*s'", STR_ARG(s));
        else
            buf_printf(out, "\"%.*s\"", STR_ARG(s));
        return;
    }
    if (k->type == CONFIG_BOOL) {
        buf_adds(out, *(const bool *)field ? "true" : "false");
        return;
    }
    memcpy(&v, field, sizeof(v));
    if (k->type == CONFIG_DURATION)
        buf_adds(out, config_show_duration(v, text));
    else if (k->type == CONFIG_BYTES)
        buf_adds(out, config_show_bytes(v, text));
    else
        buf_add_i64(out, v);
}

void config_print(const ConfigKey *keys, size_t n, const void *cfg, FILE *to) {
    for (size_t i = 0; i < n; i++) {
        const ConfigKey *k = &keys[i];
        char name[96];
        CLEANUP(buf_done) Buf out = {0};
        environment_name(k->name, name, sizeof(name));
        buf_printf(&out, "%s# %s\n# ", i ? "\n" : "", k->help);
        if (!k->fallback)
            buf_adds(&out, "required");
        else if (k->type == CONFIG_URL) {
            buf_adds(&out, "default: ");
            config_mask_url(str(k->fallback), &out);
        } else
            buf_printf(&out, "default: %s", *k->fallback ? k->fallback : "(empty)");
        buf_printf(&out, "; environment: %s\n", name);
        if (cfg) {
            buf_printf(&out, "%s = ", k->name);
            print_value(k, cfg, &out);
        } else
            buf_printf(&out, "#%s = %s", k->name, k->fallback ? k->fallback : "");
        (void)fprintf(to, "%s\n", out.p);
    }
}
