/* Names come from the index of the system's zones (tzdata.zi), as far as they are asked for. */
#include "analytics/reports/zone_shelf.h"

#include <stdio.h>

#include "analytics/reports/report.h"
#include "documents/zones.h"

enum { SHELF_MAX = 1000, NAME_MAX_BYTES = 64 };

typedef struct Kept {
    char *name;
    Zone *zone;
} Kept;

struct ZoneShelf {
    Kept kept[SHELF_MAX];
    size_t n;
    char **names; /* NULL: not asked for yet */
    size_t names_n;
};

ZoneShelf *zone_shelf_new(void) {
    return xcalloc(1, sizeof(ZoneShelf));
}

ZoneShelf *zone_shelf_free(ZoneShelf *s) {
    if (!s) return NULL;
    for (size_t i = 0; i < s->n; i++) {
        free(s->kept[i].name);
        zone_free(s->kept[i].zone);
    }
    for (size_t i = 0; i < s->names_n; i++)
        free(s->names[i]);
    free(s->names);
    free(s);
    return NULL;
}

const Zone *zone_shelf_find(ZoneShelf *s, Str name) {
    for (size_t i = 0; i < s->n; i++)
        if (str_is(name, s->kept[i].name)) return s->kept[i].zone;
    if (!zone_name_ok(name) || s->n == SHELF_MAX) return NULL;
    Zone *zone = zones_read(name);
    if (zone) s->kept[s->n++] = (Kept){xstrndup(name.p, name.n), zone};
    return zone;
}

static void add_name(ZoneShelf *s, const char *name) {
    s->names = xrealloc(s->names, (s->names_n + 1) * sizeof(*s->names));
    s->names[s->names_n++] = xstrndup(name, strlen(name));
}

/* Lines "Z NAME ..." are zones, "L TARGET NAME" other names of them. */
static void read_names(ZoneShelf *s) {
    FILE *f = fopen("/usr/share/zoneinfo/tzdata.zi", "re");
    char line[512], name[NAME_MAX_BYTES], target[NAME_MAX_BYTES];
    add_name(s, "UTC");
    if (!f) return;
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "Z %63s", name) == 1 || sscanf(line, "L %63s %63s", target, name) == 2)
            add_name(s, name);
    }
    (void)fclose(f);
}

static char lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

const char *zone_shelf_nearest(ZoneShelf *s, Str name) {
    if (!s->names) read_names(s);
    for (size_t i = 0; i < s->names_n; i++)
        if (str_eq_nocase(name, str(s->names[i]))) return s->names[i];
    const char *nearest = report_nearest(name, (const char *const *)s->names, s->names_n);
    for (size_t i = 0; !nearest && i < s->names_n; i++) { /* "shanghai", "beijing" no more */
        const char *city = strrchr(s->names[i], '/');
        size_t at = 0;
        while (city && at < name.n && city[1 + at] && lower(city[1 + at]) == lower(name.p[at]))
            at++;
        if (city && name.n && at == name.n && !city[1 + at]) nearest = s->names[i];
    }
    return nearest;
}
