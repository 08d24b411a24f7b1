#include "desk/files/range.h"

RangeVerdict range_read(Str header, int64_t size, FileRange *ret) {
    Str to, from;
    int64_t first, last;
    if (header.n < 6 || !str_eq_nocase((Str){header.p, 6}, STR("bytes="))) return RANGE_WHOLE;
    Str rest = {header.p + 6, header.n - 6};
    if (memchr(rest.p, ',', rest.n)) return RANGE_WHOLE;
    from = str_trim(str_cut(rest, '-', &to));
    if (!to.p) return RANGE_WHOLE;
    to = str_trim(to);
    for (size_t i = 0; i < from.n + to.n; i++) {
        char c = i < from.n ? from.p[i] : to.p[i - from.n];
        if (c < '0' || c > '9') return RANGE_WHOLE;
    }
    if (!from.n) { /* the last so many */
        if (!to.n || str_to_i64(to, &last) < 0) return RANGE_WHOLE;
        if (last == 0) return RANGE_NONE;
        *ret = (FileRange){last < size ? size - last : 0, size - 1};
        return RANGE_PART;
    }
    if (str_to_i64(from, &first) < 0) return RANGE_WHOLE;
    last = INT64_MAX;
    if (to.n && str_to_i64(to, &last) < 0) return RANGE_WHOLE;
    if (last < first) return RANGE_WHOLE;
    if (first >= size) return RANGE_NONE;
    *ret = (FileRange){first, last < size ? last : size - 1};
    return RANGE_PART;
}

bool range_names_tag(Str header, Str tag) {
    while (header.p) {
        Str one = str_trim(str_cut(header, ',', &header));
        if (str_is(one, "*")) return true;
        if (str_starts(one, STR("W/"))) one = (Str){one.p + 2, one.n - 2};
        if (str_eq(one, tag)) return true;
    }
    return false;
}
