/* A file, bounded, into a Zone. */
#include "documents/zones.h"

#include <stdio.h>
#include <stdlib.h>

enum { ZONE_BYTES_MAX = 1 << 20 };

Zone *zones_read(Str name) {
    CLEANUP(buf_done) Buf path = {0}, bytes = {0};
    const char *folder = getenv("TZDIR");
    char part[4096];
    if (!zone_name_ok(name)) return NULL;
    buf_printf(&path, "%s/%.*s", folder && *folder ? folder : "/usr/share/zoneinfo", STR_ARG(name));
    FILE *in = fopen(path.p, "re");
    if (!in) return NULL;
    for (size_t n; bytes.n < ZONE_BYTES_MAX && (n = fread(part, 1, sizeof(part), in)) > 0;)
        buf_add(&bytes, part, n);
    (void)fclose(in);
    return bytes.n ? zone_parse(buf_str(&bytes), NULL) : NULL;
}
