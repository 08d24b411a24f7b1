/* Reading the numbered SQL files. */
#include "docket/migrations.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest/digest.h"

enum { FILE_MAX = 4 << 20, FILES_MAX = 9999 };

void migrations_done(Migrations *m) {
    for (size_t i = 0; i < m->n; i++) {
        free(m->files[i].name);
        free(m->files[i].text);
    }
    free(m->files);
    *m = (Migrations){0};
}

/* "0003_tickets.sql" -> 3; 0 when it is no such name. */
static int32_t number_of(const char *name) {
    int64_t number;
    size_t n = strlen(name);
    if (n < 10 || name[4] != '_' || strcmp(name + n - 4, ".sql") != 0) return 0;
    if (!isdigit((unsigned char)name[0]) || str_to_i64((Str){name, 4}, &number) < 0) return 0;
    return (int32_t)number;
}

static int read_file(const char *path, char **ret) {
    CLEANUP(buf_done) Buf text = {0};
    FILE *f = fopen(path, "re");
    if (!f) return -errno;
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0 && text.n < FILE_MAX)
        buf_add(&text, chunk, n);
    int r = ferror(f)            ? -EIO
            : text.n >= FILE_MAX ? -EFBIG
            : memchr(text.p ? text.p : "", 0, text.n) ? -EILSEQ
                                                      : 0;
    (void)fclose(f);
    if (r == 0) *ret = text.p ? TAKE(text.p) : xstrdup("");
    return r;
}

static int by_number(const void *a, const void *b) {
    const Migration *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static int read_all(DIR *open, const char *directory, Migrations *ret, Buf *ret_problem) {
    for (struct dirent *entry; (entry = readdir(open));) {
        if (entry->d_name[0] == '.' || !strstr(entry->d_name, ".sql")) continue;
        int32_t number = number_of(entry->d_name);
        if (number == 0 || ret->n == FILES_MAX) {
            buf_printf(ret_problem, "%s/%s: not a migration's name (0001_what.sql)", directory,
                       entry->d_name);
            return -EINVAL;
        }
        CLEANUP(buf_done) Buf path = {0};
        buf_printf(&path, "%s/%s", directory, entry->d_name);
        ret->files = xrealloc(ret->files, (ret->n + 1) * sizeof(*ret->files));
        Migration *m = &ret->files[ret->n];
        *m = (Migration){.number = number};
        int r = read_file(path.p, &m->text);
        if (r < 0) {
            buf_printf(ret_problem, "%s: %s", path.p, strerror(-r));
            return r;
        }
        m->name = xstrdup(entry->d_name);
        digest_sha256(str(m->text), m->checksum);
        ret->n++;
    }
    return 0;
}

int migrations_read(const char *directory, Migrations *ret, Buf *ret_problem) {
    CLEANUP(migrations_done) Migrations m = {0};
    DIR *open = opendir(directory);
    if (!open) {
        buf_printf(ret_problem, "%s: %s", directory, strerror(errno));
        return -errno;
    }
    int r = read_all(open, directory, &m, ret_problem);
    (void)closedir(open);
    if (r < 0) return r;
    if (m.n) qsort(m.files, m.n, sizeof(*m.files), by_number);
    for (size_t i = 0; i < m.n; i++)
        if (m.files[i].number != (int32_t)i + 1) {
            buf_printf(ret_problem, "%s: %s where number %04zu was expected", directory,
                       m.files[i].name, i + 1);
            return -EINVAL;
        }
    if (m.n == 0) {
        buf_printf(ret_problem, "%s: there is no migration here", directory);
        return -ENOENT;
    }
    *ret = m;
    m = (Migrations){0};
    return 0;
}

bool migrations_find(Buf *ret_directory) {
    static const char *const places[] = {"deploy/migrations", "share/docket/migrations"};
    const char *told = getenv("DOCKET_MIGRATIONS");
    if (told && *told) {
        buf_adds(ret_directory, told);
        return true;
    }
    char at[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", at, sizeof(at) - 1);
    if (n < 0) return false;
    at[n] = 0;
    for (char *slash; (slash = strrchr(at, '/'));
         *slash = 0) /* from the program's folder upwards */
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            buf_clear(ret_directory);
            buf_printf(ret_directory, "%.*s/%s", (int)(slash - at), at, places[i]);
            if (access(ret_directory->p, R_OK | X_OK) == 0) return true;
        }
    return false;
}

int migrations_match(const Migrations *m, int32_t number, Str name, Str checksum,
                     Buf *ret_problem) {
    if (number < 1 || (size_t)number > m->n) {
        buf_printf(ret_problem,
                   "the database holds migration %.*s, which this program does not know: it was "
                   "migrated by a newer one; use that, or a database of its own",
                   STR_ARG(name));
        return -EINVAL;
    }
    const Migration *file = &m->files[number - 1];
    if (str_eq(checksum, (Str){(const char *)file->checksum, sizeof(file->checksum)})) return 0;
    buf_printf(ret_problem,
               "%s is not what the database was migrated with (%.*s): a released migration never "
               "changes; put the file back (git checkout) and write the change as number %04zu, or "
               "begin with an empty database",
               file->name, STR_ARG(name), m->n + 1);
    return -EINVAL;
}
