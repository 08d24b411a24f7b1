/* Reads and writes key rings. A ring is only ever replaced as a whole: written beside, synced,
 * renamed. Whatever held a key is wiped. */
#include "vault/ring_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cause.h"
#include "vault/vault.h"

void ring_wipe(Ring *r) {
    OPENSSL_cleanse(r, sizeof(*r));
}

static void buf_wipe(Buf *b) {
    if (b->p) OPENSSL_cleanse(b->p, b->room);
    buf_done(b);
}

static Str next_word(Str *rest) {
    *rest = str_trim(*rest);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    Str word = {rest->p, n};
    *rest = (Str){rest->p + n, rest->n - n};
    return word;
}

typedef struct RingParse {
    const char *file;
    Ring *ring;
    size_t line;
    bool has_active, has_hash;
    Buf *problem;
} RingParse;

static int refuse(RingParse *p, const char *reason) { /* never shows the line: it holds a key */
    buf_printf(p->problem, "%s:%zu: %s", p->file, p->line, reason);
    return -EINVAL;
}

static int parse_line(RingParse *p, Str line) {
    Ring *ring = p->ring;
    Str name = next_word(&line), key = next_word(&line), flag = next_word(&line);
    uint8_t bytes[RING_KEY_BYTES];
    uint64_t id = 0;
    if (key.n != 2 * RING_KEY_BYTES || text_unhex(key, bytes, sizeof(bytes)) < 0)
        return refuse(p, "a key must be 64 hexadecimal digits");
    int r = 0;
    if (str_is(name, "hash")) {
        if (p->has_hash)
            r = refuse(p, "a second hash key; keep the first one made");
        else if (flag.n)
            r = refuse(p, "nothing may follow the hash key");
        p->has_hash = true;
        memcpy(ring->hash_key, bytes, sizeof(bytes));
    } else if (str_to_u64(name, &id) < 0 || id == 0 || id > UINT16_MAX)
        r = refuse(p, "a line begins with a key id of 1 to 65535, or with `hash`");
    else if (ring->n == RING_KEYS_LIMIT)
        r = refuse(p, "more than 256 keys");
    else if (flag.n && !str_is(flag, "active"))
        r = refuse(p, "only `active` may follow a key");
    else if (flag.n && p->has_active)
        r = refuse(p, "a second active key; leave one");
    for (size_t i = 0; r == 0 && id && i < ring->n; i++)
        if (ring->keys[i].id == id) r = refuse(p, "this key id has been used above");
    if (r == 0 && str_trim(line).n) r = refuse(p, "text behind the key");
    if (r == 0 && id) {
        if (flag.n) {
            ring->active = ring->n;
            p->has_active = true;
        }
        ring->keys[ring->n].id = (uint16_t)id;
        memcpy(ring->keys[ring->n++].bytes, bytes, sizeof(bytes));
    }
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return r;
}

int ring_parse(const char *file, Str text, Ring *ret, Buf *problem) {
    RingParse p = {.file = file, .ring = ret, .problem = problem};
    ret->n = ret->active = 0;
    Str rest = text;
    while (rest.p) {
        Str line = str_cut(rest, '\n', &rest);
        p.line++;
        if (line.n && line.p[line.n - 1] == '\r') line.n--;
        line = str_trim(line);
        if (line.n == 0 || line.p[0] == '#') continue;
        int r = parse_line(&p, line);
        if (r < 0) return r;
    }
    if (ret->n && !p.has_active && ret->n == 1) p.has_active = true; /* the only one */
    if (ret->n && p.has_active && p.has_hash) return 0;
    buf_printf(problem, "%s: %s", file,
               ret->n == 0     ? "no key; make a ring with `docket keys create`"
               : !p.has_active ? "no key is marked `active`; mark the newest"
                               : "no `hash` line; restore it from a backup of this ring");
    return -EINVAL;
}

static int check_safety(const char *file, const struct stat *st, Buf *problem) {
    if (!S_ISREG(st->st_mode)) {
        buf_printf(problem, "%s: is not a regular file", file);
        return -EINVAL;
    }
    if (st->st_mode & 077) {
        buf_printf(problem, "%s: mode %04o lets others read it; chmod 600 it", file,
                   (unsigned)(st->st_mode & 07777));
        return -EPERM;
    }
    if (st->st_size > RING_FILE_BYTES) {
        buf_printf(problem, "%s: is larger than 64 KiB", file);
        return -EINVAL;
    }
    return 0;
}

int ring_read(const char *file, Ring *ret, struct stat *ret_stat, Buf *problem) {
    CLEANUP(buf_wipe) Buf text = {0};
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int error = errno;
        buf_printf(problem, "%s: %s%s", file, strerror(error),
                   error == ENOENT ? "; make a ring with `docket keys create`" : "");
        return -error;
    }
    int r = fstat(fd, &st) < 0 ? -errno : check_safety(file, &st, problem);
    buf_reserve(&text, RING_FILE_BYTES); /* once, so that no copy of a key stays in freed memory */
    while (r == 0 && text.n < RING_FILE_BYTES) {
        ssize_t got = read(fd, text.p + text.n, RING_FILE_BYTES - text.n);
        if (got == 0) break;
        if (got > 0)
            text.n += (size_t)got;
        else if (errno != EINTR)
            r = -errno;
    }
    (void)close(fd);
    if (r < 0 && problem->n == 0) buf_printf(problem, "%s: %s", file, strerror(-r));
    if (r == 0) r = ring_parse(file, buf_str(&text), ret, problem);
    if (r == 0) *ret_stat = st;
    return r;
}

static void add_key_line(Buf *text, const char *name, const uint8_t *bytes, const char *flag) {
    char hex[2 * RING_KEY_BYTES + 1];
    text_hex(bytes, RING_KEY_BYTES, hex);
    buf_printf(text, "%s %s%s\n", name, hex, flag);
    OPENSSL_cleanse(hex, sizeof(hex));
}

static void ring_format(const Ring *r, Buf *text) {
    buf_reserve(text, RING_FILE_BYTES);
    buf_adds(text,
             "# Docket's key ring: whoever has it can read all personal data; whoever loses it, "
             "none. Back it up.\n");
    for (size_t i = 0; i < r->n; i++) {
        char id[8];
        (void)snprintf(id, sizeof(id), "%u", r->keys[i].id);
        add_key_line(text, id, r->keys[i].bytes, i == r->active ? " active" : "");
    }
    add_key_line(text, "hash", r->hash_key, "");
}

static int write_all(int fd, Str text) {
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        text = (Str){text.p + n, text.n - (size_t)n};
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static void sync_folder(const char *file) {
    CLEANUP(mem_freep) char *copy = xstrdup(file);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    (void)close(fd);
}

/* Writes FILE.new and gives it its name: by link (which refuses an existing file) or by rename. The
 * .new file is also the lock between two writers. */
static int ring_write(const char *file, const Ring *ring, bool replace, Buf *problem) {
    CLEANUP(buf_wipe) Buf text = {0};
    CLEANUP(buf_done) Buf new_name = {0};
    buf_printf(&new_name, "%s.new", file);
    int fd = open(new_name.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        int error = errno;
        buf_printf(problem, "%s: %s%s", new_name.p, strerror(error),
                   error == EEXIST ? "; another rotation runs, or one died: then remove it" : "");
        return error == EEXIST ? -EBUSY : -error;
    }
    ring_format(ring, &text);
    int r = write_all(fd, buf_str(&text));
    if (close(fd) < 0 && r == 0) r = -errno;
    if (r == 0 && replace && rename(new_name.p, file) < 0) r = -errno;
    if (r == 0 && !replace && link(new_name.p, file) < 0) r = -errno;
    if (r < 0 || !replace) (void)unlink(new_name.p);
    if (r < 0)
        buf_printf(problem, "%s: %s", file, strerror(-r));
    else
        sync_folder(file);
    return r;
}

int vault_ring_create(const char *file, Buf *ret_problem) {
    CLEANUP(ring_wipe) Ring ring = {.n = 1};
    ring.keys[0].id = 1;
    random_bytes(ring.keys[0].bytes, RING_KEY_BYTES);
    random_bytes(ring.hash_key, RING_KEY_BYTES);
    return ring_write(file, &ring, false, ret_problem);
}

int vault_ring_rotate(const char *file, Buf *ret_problem) {
    CLEANUP(ring_wipe) Ring ring = {0};
    struct stat st;
    unsigned newest = 0;
    int r = ring_read(file, &ring, &st, ret_problem);
    if (r < 0) return r;
    for (size_t i = 0; i < ring.n; i++)
        if (ring.keys[i].id > newest) newest = ring.keys[i].id;
    if (ring.n == RING_KEYS_LIMIT || newest == UINT16_MAX) {
        buf_printf(ret_problem, "%s: is full; remove keys that seal nothing any more", file);
        return -ENOSPC;
    }
    ring.active = ring.n++;
    ring.keys[ring.active].id = (uint16_t)(newest + 1);
    random_bytes(ring.keys[ring.active].bytes, RING_KEY_BYTES);
    r = ring_write(file, &ring, true, ret_problem);
    return r < 0 ? r : (int)newest + 1;
}
