#include "analytics/radar/account.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "radar/likeness.h"
#include "radar/telling.h"

enum {
    ALIKE_AT_LEAST = 3, /* texts: fewer are no group to tell of */
    SUBJECT_SHOWN = 90, /* bytes of an example's */
};

static const struct {
    const char *zh, *en;
} dims[ACCOUNT_DIMS] = {
    [ACCOUNT_PRODUCT] = {"商品", "product"},   [ACCOUNT_BATCH] = {"批次", "batch"},
    [ACCOUNT_DEVICE] = {"机型", "device"},     [ACCOUNT_REGION] = {"地区", "region"},
    [ACCOUNT_CHANNEL] = {"渠道", "channel"},   [ACCOUNT_TIER] = {"客户等级", "tier"},
    [ACCOUNT_CARRIER] = {"承运商", "carrier"},
};

/* ---- Which tickets are the culprits' ---- */

static bool has(const uint32_t *values, const Culprit *c) {
    for (int i = 0; i < 2; i++)
        if (c->dimensions[i] >= 0 && values[c->dimensions[i]] != c->values[i]) return false;
    return true;
}

static bool has_any(const Account *a, size_t ticket) {
    for (int i = 0; i < a->culprits_n && i < ACCOUNT_CULPRITS; i++)
        if (has(a->values + ticket * ACCOUNT_DIMS, &a->culprits[i])) return true;
    return false;
}

/* ---- Texts ---- */

typedef struct Alike {
    uint64_t id;
    size_t n, first;
} Alike;

static int by_size(const void *x, const void *y) {
    const Alike *a = x, *b = y;
    if (a->n != b->n) return a->n > b->n ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

/* Groups, the largest first; group_of[i] is the place of text i's, or SIZE_MAX. */
static size_t group_texts(const Account *a, Arena *arena, Alike **ret, size_t *group_of) {
    CLEANUP(like_groups_freep) LikeGroups *groups = like_groups_new(ACCOUNT_TEXTS_MAX, 0.5);
    Alike *all = arena_zalloc(arena, (a->texts_n + 1) * sizeof(*all));
    uint64_t *ids = arena_zalloc(arena, (a->texts_n + 1) * sizeof(*ids));
    size_t n = 0;
    for (size_t i = 0; i < a->texts_n; i++) {
        Likeness of;
        likeness_of(a->texts[i].text, &of);
        ids[i] = like_groups_add(groups, &of).id;
        if (!ids[i]) continue;
        size_t k = 0;
        while (k < n && all[k].id != ids[i])
            k++;
        if (k == n) all[n++] = (Alike){.id = ids[i], .first = i};
        all[k].n++;
    }
    if (n > 1) qsort(all, n, sizeof(*all), by_size);
    for (size_t i = 0; i < a->texts_n; i++) {
        group_of[i] = SIZE_MAX;
        for (size_t k = 0; k < n && ids[i]; k++)
            if (all[k].id == ids[i]) {
                group_of[i] = k;
                break;
            }
    }
    *ret = all;
    return n;
}

static void name_groups(Account *a, Arena *arena, const Alike *alike, size_t n,
                        const size_t *group_of) {
    CLEANUP(background_freep) Background *usual = background_new();
    for (size_t i = 0; i < a->others_n; i++)
        background_add(usual, a->others[i]);
    for (size_t i = 0; i < a->texts_n; i++)
        background_add(usual, a->texts[i].text);
    for (size_t k = 0; k < n && a->groups_n < ACCOUNT_GROUPS; k++) {
        if (alike[k].n < ALIKE_AT_LEAST) break;
        Str some[TELLING_TEXTS_MAX];
        size_t some_n = 0;
        for (size_t i = 0; i < a->texts_n && some_n < TELLING_TEXTS_MAX; i++)
            if (group_of[i] == k) some[some_n++] = a->texts[i].text;
        CLEANUP(buf_done) Buf name = {0};
        background_name(usual, some, some_n, &name);
        if (!name.n) buf_add_str(&name, a->texts[alike[k].first].subject);
        a->groups[a->groups_n++] =
            (AccountGroup){.name = arena_str(arena, buf_str(&name)), .texts = alike[k].n};
    }
}

/* Of the culprits' tickets if there are any; first one of each group of texts, the largest first,
 * then whatever comes. */
static void choose_examples(Account *a, Arena *arena, const size_t *group_of) {
    bool *taken = arena_zalloc(arena, a->texts_n + 1);
    bool *of_culprit = arena_zalloc(arena, a->texts_n + 1);
    for (size_t i = 0; i < a->texts_n; i++)
        for (size_t t = 0; t < a->n; t++)
            if (a->ids[t] == a->texts[i].ticket_id) {
                of_culprit[i] = !a->culprits_n || has_any(a, t);
                break;
            }
    for (int pass = 0; pass < 3; pass++)
        for (size_t k = 0; k < (pass == 0 ? a->groups_n : 1); k++)
            for (size_t i = 0; i < a->texts_n && a->examples_n < ACCOUNT_EXAMPLES; i++) {
                if (taken[i] || (pass < 2 && !of_culprit[i])) continue;
                if (pass == 0 && group_of[i] != k) continue;
                taken[i] = true;
                a->examples[a->examples_n++] = &a->texts[i];
                if (pass == 0) break;
            }
}

void account_look(Account *a, Arena *arena) {
    CulpritRules rules = CULPRIT_RULES_DEFAULT;
    int found = culprits_find(ACCOUNT_DIMS, (CulpritRows){a->values, a->n},
                              (CulpritRows){a->before, a->before_n}, &rules, a->culprits);
    a->culprits_n = found < 0 ? 0 : found;
    Alike *alike;
    size_t *group_of = arena_zalloc(arena, (a->texts_n + 1) * sizeof(*group_of));
    size_t n = group_texts(a, arena, &alike, group_of);
    name_groups(a, arena, alike, n, group_of);
    choose_examples(a, arena, group_of);
}

/* ---- Words ---- */

static double times_of(const WatchMoment *m) {
    double times = (double)m->observed / (m->expected > 0.01 ? m->expected : 0.01);
    return times < 99 ? times : 99;
}

static long long minutes_of(const WatchMoment *m) {
    return (long long)(m->at_ms - m->began_ms) / 60000;
}

/* At most so many bytes, whole characters, one line. */
static void add_short(Buf *b, Str text, size_t most) {
    size_t n = text.n < most ? text.n : most;
    while (n < text.n && n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        buf_addc(b, (unsigned char)text.p[i] < ' ' ? ' ' : text.p[i]);
    if (n < text.n) buf_adds(b, "…");
}

static void add_local(Buf *b, int64_t utc_ms, int64_t offset_ms) {
    int64_t local = (utc_ms + offset_ms) / 1000, day = local / 86400, rest = local % 86400;
    /* Civil from days: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
    int64_t z = day + 719468, era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
    int64_t y = yoe + era * 400 + (m <= 2), off = offset_ms / 60000;
    buf_printf(b, "%04lld-%02lld-%02lld %02lld:%02lld (UTC%+03lld:%02lld)", (long long)y,
               (long long)m, (long long)d, (long long)(rest / 3600), (long long)(rest % 3600 / 60),
               (long long)(off / 60), (long long)(off < 0 ? -off : off) % 60);
}

static Str value_of(const Account *a, const Culprit *c, int i) {
    return a->value ? a->value(a->arg, (AccountDim)c->dimensions[i], c->values[i]) : STR("?");
}

static void add_culprits(const Account *a, Buf *b) {
    if (!a->culprits_n) return;
    buf_adds(b, "\n可能的原因 likely culprits:\n");
    for (int i = 0; i < a->culprits_n && i < ACCOUNT_CULPRITS; i++) {
        const Culprit *c = &a->culprits[i];
        buf_adds(b, "- ");
        for (int k = 0; k < 2 && c->dimensions[k] >= 0; k++) {
            if (k) buf_adds(b, " + ");
            buf_printf(b, "%s %s ", dims[c->dimensions[k]].zh, dims[c->dimensions[k]].en);
            add_short(b, value_of(a, c, k), SUBJECT_SHOWN);
        }
        buf_printf(b, ": %u 件，平常 %.1f (%u tickets, %.1f expected; IC025 %.1f, FDR %.2g)\n",
                   c->observed, c->expected, c->observed, c->expected, c->ic025, c->false_share);
    }
}

static void add_groups(const Account *a, Buf *b) {
    if (!a->groups_n) return;
    buf_printf(b, "\n相近的来信 texts alike (%zu read):\n", a->texts_n);
    for (size_t i = 0; i < a->groups_n; i++) {
        buf_adds(b, "- ");
        add_short(b, a->groups[i].name, SUBJECT_SHOWN);
        buf_printf(b, ": %llu\n", (unsigned long long)a->groups[i].texts);
    }
}

static void add_examples(const Account *a, Buf *b) {
    if (!a->examples_n) return;
    buf_adds(b, "\n例 examples:\n");
    for (size_t i = 0; i < a->examples_n; i++) {
        buf_printf(b, "- #%lld ", (long long)a->examples[i]->ticket_id);
        add_short(b, a->examples[i]->subject, SUBJECT_SHOWN);
        buf_addc(b, '\n');
    }
}

static void write_said(const Account *a, Buf *b) {
    buf_adds(b, "{\"subject\":");
    buf_add_json(b, a->subject);
    buf_adds(b, ",\"culprits\":[");
    for (int i = 0; i < a->culprits_n && i < ACCOUNT_CULPRITS; i++) {
        const Culprit *c = &a->culprits[i];
        buf_adds(b, i ? ",{\"of\":{" : "{\"of\":{");
        for (int k = 0; k < 2 && c->dimensions[k] >= 0; k++) {
            buf_printf(b, "%s\"%s\":", k ? "," : "", dims[c->dimensions[k]].en);
            buf_add_json(b, value_of(a, c, k));
        }
        buf_printf(b, "},\"observed\":%u,\"expected\":%.3f,\"ic025\":%.3f,\"false_share\":%.3g}",
                   c->observed, c->expected, c->ic025, c->false_share);
    }
    buf_adds(b, "],\"groups\":[");
    for (size_t i = 0; i < a->groups_n; i++) {
        buf_adds(b, i ? ",{\"name\":" : "{\"name\":");
        buf_add_json(b, a->groups[i].name);
        buf_printf(b, ",\"texts\":%llu}", (unsigned long long)a->groups[i].texts);
    }
    buf_printf(b, "],\"texts_read\":%zu,\"examples\":[", a->texts_n);
    for (size_t i = 0; i < a->examples_n; i++) {
        if (i) buf_addc(b, ',');
        buf_add_i64(b, a->examples[i]->ticket_id);
    }
    buf_printf(b, "],\"incidents\":%zu}", a->incidents_n);
}

/* Of those in no group at all, none. */
static int64_t most_frequent(const int64_t *groups, size_t n) {
    int64_t best = 0;
    size_t most = 0;
    for (size_t i = 0; i < n && i < 1000; i++) {
        size_t same = 0;
        for (size_t k = 0; k < n && k < 1000; k++)
            same += groups[k] == groups[i];
        if (groups[i] && same > most) {
            most = same;
            best = groups[i];
        }
    }
    return best;
}

static void choose_incidents(Account *a, Arena *arena) {
    a->incidents = arena_alloc(arena, SURGE_INCIDENTS_MAX * sizeof(*a->incidents));
    for (size_t i = 0; i < a->n && a->incidents_n < SURGE_INCIDENTS_MAX; i++)
        if (!a->culprits_n || has_any(a, i)) a->incidents[a->incidents_n++] = a->ids[i];
}

void account_write(Account *a, Arena *arena) {
    CLEANUP(buf_done) Buf subject = {0}, words = {0}, said = {0};
    const WatchMoment *m = &a->moment;
    choose_incidents(a, arena);
    a->group_id = most_frequent(a->groups_of, a->n);
    add_short(&subject, a->category.n ? a->category : STR("未分类 uncategorised"), 200);
    buf_printf(&subject, " 激增 surge: %.1f×，%lld 分钟内 %lld 件 (%lld tickets in %lld min)",
               times_of(m), minutes_of(m), (long long)m->observed, (long long)m->observed,
               minutes_of(m));
    a->subject = arena_str(arena, buf_str(&subject));

    buf_adds(&words, "自 since ");
    add_local(&words, m->began_ms, a->offset_ms);
    buf_printf(
        &words,
        "：%lld 分钟内 %lld 件，按往周节律应为 %.1f 件，%.1f 倍。\n"
        "%lld tickets in %lld minutes, where the rhythm of the weeks explains %.1f: %.1f×.\n",
        minutes_of(m), (long long)m->observed, m->expected, times_of(m), (long long)m->observed,
        minutes_of(m), m->expected, times_of(m));
    add_culprits(a, &words);
    add_groups(a, &words);
    add_examples(a, &words);
    a->description = arena_str(arena, buf_str(&words));
    write_said(a, &said);
    a->said = arena_str(arena, buf_str(&said));
}
