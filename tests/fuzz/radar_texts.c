/* Any bytes as texts: tokens that go forward and are text, likeness that is whole with itself,
 * groups and names that bear it; and as a packed surge, refused or going on. */
#include <stdlib.h>

#include "radar/likeness.h"
#include "radar/surge.h"
#include "radar/telling.h"
#include "radar/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void surge(Str packed) {
    CLEANUP(buf_done) Buf again = {0};
    SurgeRules rules = SURGE_RULES_DEFAULT;
    Surge s;
    if (surge_unpack(packed, &s) < 0) return;
    surge_pack(&s, &again);
    if (!str_eq(packed, buf_str(&again)) && surge_unpack(buf_str(&again), &s) < 0) abort();
    for (int i = 0; i < 20; i++)
        (void)surge_step(&s, &rules, 5, (Outlook){3, 0.2}, i % 7 * 10);
    if (!(s.score >= 0)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Background *background;
    static LikeGroups *groups;
    if (!background) {
        background = background_new();
        groups = like_groups_new(64, 0.5);
    }
    Str texts[8], rest = {(const char *)data, size};
    size_t n = 0;
    Token t;
    surge(rest);
    while (rest.n && n < 8)
        texts[n++] = str_cut(rest, '\n', &rest);
    for (size_t i = 0; i < n; i++) {
        Likeness l;
        Str left = texts[i];
        while (token_next(&left, &t))
            if (!t.n || !str_is_text((Str){t.text, t.n})) abort();
        likeness_of(texts[i], &l);
        if (l.pairs && likeness_share(&l, &l) != 1) abort();
        LikeGroup g = like_groups_add(groups, &l);
        if (!g.id != !l.pairs) abort();
        background_add(background, texts[i]);
    }
    CLEANUP(buf_done) Buf name = {0};
    background_name(background, texts, n, &name);
    if (!str_is_text(buf_str(&name))) abort();
    return 0;
}
