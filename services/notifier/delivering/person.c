/* Addresses come out of the vault here, for one try, and go with its arena. */
#include <errno.h>

#include "documents/zones.h"
#include "notifier/delivering/delivering_internal.h"
#include "vault/field.h"
#include "json/json.h"

/* Zones are read once; who comes with the 65th reads UTC. */
static const Zone *zone_of(Delivering *d, Str name) {
    for (size_t i = 0; i < d->zones_n; i++)
        if (str_eq(d->zones[i].name, name)) return d->zones[i].zone;
    if (d->zones_n == ZONES_MAX || !zone_name_ok(name)) return NULL;
    d->zones[d->zones_n].name = (Str){xstrndup(name.p, name.n), name.n};
    return d->zones[d->zones_n++].zone = zones_read(name);
}

static int unsealed(Delivering *d, const Task *t, Str field, Str sealed, Arena *arena, Str *ret) {
    CLEANUP(buf_done) Buf clear = {0};
    int r = field_unseal(d->parts.vault, t->row.tenant_id, field, sealed, &clear);
    if (r == 0) *ret = arena_str(arena, buf_str(&clear));
    return r;
}

/* Of a requester's fields the first of this name. */
static int requester_field(Delivering *d, const Task *t, const cJSON *fields, const char *name,
                           Arena *arena, Str *ret) {
    for (const cJSON *f = fields ? fields->child : NULL; f; f = f->next) {
        Str is, sealed;
        if (json_get_string(f, "field", &is) == 1 && str_is(is, name) &&
            json_get_string(f, "sealed", &sealed) == 1)
            return unsealed(d, t, is, sealed, arena, ret);
    }
    return 0;
}

static int requester(Delivering *d, const Task *t, Arena *arena, LetterPerson *p) {
    cJSON *fields = NULL;
    if (!t->personal.n || json_parse_in(arena, t->personal, NULL, &fields, NULL) < 0) return 0;
    int r = requester_field(d, t, fields, "name", arena, &p->name);
    if (r == -ENOKEY) return r;
    return requester_field(d, t, fields, t->row.way == NOTIFY_BY_SMS ? "phone" : "email", arena,
                           &p->address);
}

static int staff(Delivering *d, const Task *t, Arena *arena, LetterPerson *p) {
    CLEANUP(buf_done) Buf clear = {0};
    p->name = t->person_name;
    if (t->row.way != NOTIFY_BY_MAIL || !t->email.n) return 0;
    int r = vault_unseal(d->parts.vault, t->row.tenant_id, STR("email"), t->email, &clear);
    if (r == 0) p->address = arena_str(arena, buf_str(&clear));
    return r;
}

int person_open(Delivering *d, const Task *t, Arena *arena, LetterPerson *ret, Buf *ret_problem) {
    LetterPerson p = {.language = t->locale, .tenant = t->tenant};
    p.zone = zone_of(d, t->zone.n ? t->zone : STR("Asia/Shanghai"));
    int r = 0;
    if (letter_person_id(t->row.recipient)) {
        r = t->personal.n ? requester(d, t, arena, &p) : staff(d, t, arena, &p);
        if (r == -ENOKEY) {
            buf_adds(ret_problem, "the key ring lacks the key of an address");
            return r;
        }
        if (r < 0 || !p.address.n) {
            buf_adds(ret_problem, r < 0 ? "the address cannot be read"
                                        : "the recipient has no address for this way any more");
            return -EINVAL;
        }
    }
    *ret = p;
    return 0;
}
