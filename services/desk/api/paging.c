/* Both paginations; the cursor is 33 bytes: version, sort key, id, and the seal over them and their
 * query. */
#include "desk/api/paging.h"

#include <errno.h>

#include "desk/api/answer.h"
#include "desk/api/request_internal.h"
#include "desk/desk.h"
#include "http/url.h"

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

enum {
    SIZE_DEFAULT = 100,
    SIZE_MAX_ROWS = 100,
    OFFSET_END = 10000,
    CURSOR_VERSION = 1,
    CURSOR_CLEAR = 17, /* version, position, id */
    CURSOR_SEAL = 16,
    CURSOR_BYTES = CURSOR_CLEAR + CURSOR_SEAL,
    CURSOR_CHARS = CURSOR_BYTES / 3 * 4
};

/* ---- the cursor ---- */

static bool is_of_the_page(Str name) { /* whatever does not choose rows */
    static const char *const names[] = {"page[size]", "page[after]", "page[before]",
                                        "page",       "per_page",    "include",
                                        "sort",       "sort_by",     "sort_order"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (str_is(name, names[i])) return true;
    return false;
}

static int compare_str(Str a, Str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int r = n ? memcmp(a.p, b.p, n) : 0;
    return r ? r : (a.n > b.n) - (a.n < b.n);
}

static int compare_pairs(const void *a, const void *b) {
    const QueryPair *x = a, *y = b;
    int r = compare_str(x->name, y->name);
    return r ? r : compare_str(x->value, y->value);
}

static void add_part(Buf *b, Str part) { /* its length ahead: no two lists look the same */
    buf_add_u64(b, part.n);
    ADD(b, ":");
    buf_add_str(b, part);
}

/* Everything that a cursor belongs to. */
static void add_query(Request *r, Str sort, bool descending, Buf *b) {
    size_t n = r->inner->pairs_n;
    QueryPair *pairs = arena_alloc(r->arena, n * sizeof(*pairs) + 1);
    if (n) memcpy(pairs, r->inner->pairs, n * sizeof(*pairs));
    if (n > 1) qsort(pairs, n, sizeof(*pairs), compare_pairs);
    add_part(b, str(r->route->path));
    for (size_t i = 0; i < REQUEST_IDS; i++) {
        buf_add_i64(b, r->ids[i]);
        ADD(b, ",");
    }
    add_part(b, r->name);
    add_part(b, sort);
    buf_addc(b, descending ? '-' : '+');
    for (size_t i = 0; i < n; i++) {
        if (is_of_the_page(pairs[i].name)) continue;
        add_part(b, pairs[i].name);
        add_part(b, pairs[i].value);
    }
}

static bool seal(Request *r, Str sort, bool descending, const char *clear, char ret[CURSOR_SEAL]) {
    CLEANUP(buf_done) Buf text = {0};
    uint8_t hash[VAULT_HASH_BYTES];
    buf_add(&text, clear, CURSOR_CLEAR);
    add_query(r, sort, descending, &text);
    if (vault_hash(r->desk->vault, r->subject.tenant_id, STR("desk.cursor"), buf_str(&text), hash) <
        0)
        return false;
    memcpy(ret, hash, CURSOR_SEAL);
    return true;
}

static int base64url_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '-') return 62;
    return c == '_' ? 63 : -1;
}

static bool cursor_decode(Str text, char ret[CURSOR_BYTES]) {
    if (!text.p || text.n != CURSOR_CHARS) return false;
    for (size_t i = 0; i < CURSOR_CHARS; i += 4) {
        uint32_t bits = 0;
        for (size_t j = 0; j < 4; j++) {
            int v = base64url_value(text.p[i + j]);
            if (v < 0) return false;
            bits = bits << 6 | (uint32_t)v;
        }
        for (size_t j = 0; j < 3; j++)
            ret[i / 4 * 3 + j] = (char)(bits >> (16 - 8 * j) & 0xFF);
    }
    return true;
}

static void cursor_write(Request *r, const Paging *p, bool descending, int64_t position, int64_t id,
                         char ret[CURSOR_CHARS + 1]) {
    char bytes[CURSOR_BYTES] = {CURSOR_VERSION};
    memcpy(bytes + 1, &position, 8);
    memcpy(bytes + 9, &id, 8);
    ret[0] = 0;
    if (seal(r, p->sort, descending, bytes, bytes + CURSOR_CLEAR))
        (void)text_base64url(bytes, CURSOR_BYTES, ret);
}

static bool cursor_read(Request *r, Str text, bool descending, Paging *ret) {
    char bytes[CURSOR_BYTES], expected[CURSOR_SEAL];
    if (!cursor_decode(text, bytes) || bytes[0] != CURSOR_VERSION ||
        !seal(r, ret->sort, descending, bytes, expected))
        return false;
    unsigned char differs = 0; /* in constant time */
    for (size_t i = 0; i < CURSOR_SEAL; i++)
        differs |= (unsigned char)(bytes[CURSOR_CLEAR + i] ^ expected[i]);
    if (differs) return false;
    memcpy(&ret->position, bytes + 1, 8);
    memcpy(&ret->id, bytes + 9, 8);
    ret->has_position = true;
    return true;
}

/* ---- reading ---- */

static bool read_sort(Request *r, const char *const *sorts, Paging *p) {
    Str asked = request_query(r, "sort"), order = request_query(r, "sort_order");
    bool by = false;
    if (!asked.p) {
        asked = request_query(r, "sort_by");
        by = asked.p;
    }
    if (!asked.n) asked = str(sorts[0]);
    if (asked.n && asked.p[0] == '-') {
        p->descending = true;
        asked = (Str){asked.p + 1, asked.n - 1};
    }
    if (order.p && (by || !request_query(r, "sort").p)) {
        p->descending = str_eq_nocase(order, STR("desc"));
        if (!p->descending && !str_eq_nocase(order, STR("asc"))) {
            answer_bad_request(r, "sort_order", "is neither asc nor desc", "send one of them");
            return false;
        }
    }
    for (size_t i = 0; sorts[i]; i++) {
        const char *name = sorts[i][0] == '-' ? sorts[i] + 1 : sorts[i];
        if (!str_is(asked, name)) continue;
        p->sort = str(name);
        return true;
    }
    CLEANUP(buf_done) Buf names = {0};
    for (size_t i = 0; sorts[i]; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", sorts[i][0] == '-' ? sorts[i] + 1 : sorts[i]);
    answer_bad_request(
        r, by ? "sort_by" : "sort", "is nothing that this list can be sorted by",
        arena_printf(r->arena, "send one of %.*s, or leave it out", STR_ARG(buf_str(&names))));
    return false;
}

static bool read_cursor(Request *r, Paging *p) {
    Str after = request_query(r, "page[after]"), before = request_query(r, "page[before]");
    bool descending = p->descending;
    if (!request_query_int(r, "page[size]", 1, SIZE_MAX_ROWS, &p->size)) return false;
    if (after.p && before.p) {
        answer_bad_request(r, "page[before]", "stands beside page[after]", "send one of them");
        return false;
    }
    p->backwards = before.p;
    if (p->backwards) p->descending = !descending;
    Str cursor = before.p ? before : after;
    if (!cursor.n) return true;
    if (cursor_read(r, cursor, descending, p)) return true;
    answer_bad_request(r, before.p ? "page[before]" : "page[after]",
                       "is no cursor of this query: each goes with the path, sort and filters of "
                       "the page that it came with",
                       "begin without a cursor");
    return false;
}

static bool read_offset(Request *r, Paging *p) {
    if (!request_query_int(r, "per_page", 1, INT32_MAX, &p->size)) return false;
    if (p->size > SIZE_MAX_ROWS) p->size = SIZE_MAX_ROWS; /* as Zendesk does */
    if (!request_query_int(r, "page", 1, INT32_MAX, &p->page)) return false;
    if ((p->page - 1) * p->size < OFFSET_END) return true;
    answer_bad_request(r, "page", "lies beyond the first 10,000 records",
                       "go on by cursor: page[size] and page[after]");
    return false;
}

bool paging_read(Request *r, const char *const *sorts, Paging *ret) {
    Paging p = {.size = SIZE_DEFAULT, .page = 1};
    if (!read_sort(r, sorts, &p)) return false;
    p.by_cursor = request_query(r, "page[size]").p || request_query(r, "page[after]").p ||
                  request_query(r, "page[before]").p;
    if (!(p.by_cursor ? read_cursor(r, &p) : read_offset(r, &p))) return false;
    *ret = p;
    return true;
}

int64_t paging_limit(const Paging *p) {
    return p->size + 1;
}

int64_t paging_offset(const Paging *p) {
    return p->by_cursor ? 0 : (p->page - 1) * p->size;
}

size_t paging_row(const Paging *p, size_t shown, size_t i) {
    return p->backwards ? shown - 1 - i : i;
}

/* ---- writing ---- */

/* The URL of this request, without what chooses the page, as the inside of a JSON string. */
static void add_url(Request *r, Buf *ret) {
    CLEANUP(buf_done) Buf url = {0};
    char mark = '?';
    buf_add_str(&url, request_base(r));
    buf_add_str(&url, http_path(r->exchange));
    for (size_t i = 0; i < r->inner->pairs_n; i++) {
        const QueryPair *pair = &r->inner->pairs[i];
        if (str_starts(pair->name, STR("page")) || str_is(pair->name, "per_page")) continue;
        buf_addc(&url, mark);
        url_encode(pair->name, &url);
        buf_addc(&url, '=');
        url_encode(pair->value, &url);
        mark = '&';
    }
    buf_addc(&url, mark);
    CLEANUP(buf_done) Buf quoted = {0};
    buf_add_json(&quoted, buf_str(&url));
    buf_add(ret, quoted.p, quoted.n - 1); /* its end is the caller's */
}

static void add_page_url(Request *r, const Paging *p, int64_t page, Buf *ret) {
    add_url(r, ret);
    ADD(ret, "page=");
    buf_add_i64(ret, page);
    ADD(ret, "&per_page=");
    buf_add_i64(ret, p->size);
    ADD(ret, "\"");
}

static void add_cursor_url(Request *r, const Paging *p, const char *which, const char *cursor,
                           Buf *ret) {
    add_url(r, ret);
    ADD(ret, "page%5B");
    buf_adds(ret, which);
    ADD(ret, "%5D=");
    buf_adds(ret, cursor);
    ADD(ret, "&page%5Bsize%5D=");
    buf_add_i64(ret, p->size);
    ADD(ret, "\"");
}

static void write_offset(Request *r, const Paging *p, bool more, int64_t count, Buf *ret) {
    ADD(ret, ",\"next_page\":");
    if (more && p->page * p->size < OFFSET_END)
        add_page_url(r, p, p->page + 1, ret);
    else
        ADD(ret, "null");
    ADD(ret, ",\"previous_page\":");
    if (p->page > 1)
        add_page_url(r, p, p->page - 1, ret);
    else
        ADD(ret, "null");
    ADD(ret, ",\"count\":");
    if (count >= 0)
        buf_add_i64(ret, count);
    else
        ADD(ret, "null");
}

static void add_quoted(Buf *ret, const char *cursor) {
    if (*cursor) {
        ADD(ret, "\"");
        buf_adds(ret, cursor);
        ADD(ret, "\"");
    } else {
        ADD(ret, "null");
    }
}

static void write_cursors(Request *r, const Paging *p, size_t shown, bool more,
                          const PagingEnds *ends, Buf *ret) {
    char first[CURSOR_CHARS + 1] = "", last[CURSOR_CHARS + 1] = "";
    bool descending = p->descending != p->backwards; /* as it was asked for */
    if (shown || more) { /* a page may be empty and not the last: what it saw was not to be shown */
        cursor_write(r, p, descending, ends->first_position, ends->first_id, first);
        cursor_write(r, p, descending, ends->last_position, ends->last_id, last);
    }
    /* Reading backwards, what lies behind us is the page we came from. */
    bool next = p->backwards ? p->has_position : more;
    bool previous = p->backwards ? more : p->has_position;
    ADD(ret, ",\"meta\":{\"has_more\":");
    buf_adds(ret, more ? "true" : "false");
    ADD(ret, ",\"after_cursor\":");
    add_quoted(ret, last);
    ADD(ret, ",\"before_cursor\":");
    add_quoted(ret, first);
    ADD(ret, "},\"links\":{\"prev\":");
    if (previous && *first)
        add_cursor_url(r, p, "before", first, ret);
    else
        ADD(ret, "null");
    ADD(ret, ",\"next\":");
    if (next && *last)
        add_cursor_url(r, p, "after", last, ret);
    else
        ADD(ret, "null");
    ADD(ret, "}");
}

void paging_write(Request *r, const Paging *p, size_t shown, bool more, const PagingEnds *ends,
                  int64_t count, Buf *ret) {
    if (p->by_cursor)
        write_cursors(r, p, shown, more, ends, ret);
    else
        write_offset(r, p, more, count, ret);
}
