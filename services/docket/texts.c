/* Templates, filled with what the dice say. */
#include "docket/texts.h"

#include <stdbool.h>
#include <string.h>

#include "docket/texts_words.h"

typedef struct Writer {
    uint64_t dice;
    Buf *store;
    const Situation *s;
    /* what this ticket is about: the same wherever a template names it */
    const char *product, *carrier, *country;
    char order[24], phone[16], device[24];
} Writer;

static uint64_t next(uint64_t *state) { /* splitmix64 */
    uint64_t x = *state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static uint32_t roll(Writer *w, uint32_t sides) {
    return (uint32_t)((next(&w->dice) >> 32) * sides >> 32);
}

static const char *pick(Writer *w, Words words) {
    return words.p[roll(w, (uint32_t)words.n)];
}

static const Situation *pick_situation(Writer *w) {
    uint32_t total = 0;
    for (size_t i = 0; i < situations_n; i++)
        total += situations[i].weight;
    uint32_t at = roll(w, total);
    const Situation *s = situations;
    while (at >= s->weight)
        at -= s++->weight;
    return s;
}

/* The last `width` digits of `v`; returns behind them. printf would be most of a text's cost. */
static char *write_digits(char *at, uint32_t v, int width) {
    for (int i = width; i-- > 0; v /= 10)
        at[i] = (char)('0' + v % 10);
    return at + width;
}

static char *write_text(char *at, const char *text) {
    while (*text)
        *at++ = *text++;
    return at;
}

static void add_padded(Buf *b, uint32_t v, int width) {
    char digits[10];
    buf_add(b, digits, (size_t)(write_digits(digits, v, width) - digits));
}

static void add_date(Writer *w) {
    uint32_t day = 1 + roll(w, 28), month = 10 + roll(w, 2);
    if (w->s->language == TEXT_ENGLISH) {
        buf_add_u64(w->store, day);
        buf_adds(w->store, month == 10 ? " October" : " November");
        return;
    }
    buf_add_u64(w->store, month);
    buf_adds(w->store, " 月 ");
    buf_add_u64(w->store, day);
    buf_adds(w->store, " 日");
}

static void fill_in(Writer *w, char what) {
    Buf *b = w->store;
    switch (what) {
    case 'p':
        buf_adds(b, w->product);
        break;
    case 'o':
        buf_adds(b, w->order);
        break;
    case 'd':
        add_date(w);
        break;
    case 'a':
        if (w->s->language == TEXT_ENGLISH) buf_addc(b, '$');
        buf_add_u64(b, 9 + roll(w, 2990));
        buf_addc(b, '.');
        add_padded(b, roll(w, 100), 2);
        break;
    case 'n':
        buf_add_u64(b, 2 + roll(w, 8));
        break;
    case 'h':
        buf_add_u64(b, 1 + roll(w, 6));
        break;
    case 'c':
        buf_adds(b, w->carrier);
        break;
    case 'w':
        buf_adds(b, "YD");
        add_padded(b, roll(w, 1000000000), 10);
        break;
    case 't':
        buf_adds(b, pick(w, towns));
        break;
    case 'y':
        buf_adds(b, w->country);
        break;
    case 'm':
        buf_adds(b, pick(w, payments));
        break;
    case 'v':
        buf_add_u64(b, 6 + roll(w, 4));
        buf_addc(b, '.');
        buf_add_u64(b, roll(w, 20));
        buf_addc(b, '.');
        buf_add_u64(b, roll(w, 10));
        break;
    case 's':
        buf_adds(b, pick(w, sizes));
        break;
    case 'k':
        buf_adds(b, pick(w, coupons));
        break;
    case 'e':
        buf_adds(b, w->device);
        break;
    case 'f':
        buf_adds(b, w->phone);
        break;
    default:
        buf_addc(b, what);
    }
}

static void add(Writer *w, const char *template) {
    for (const char *brace; (brace = strchr(template, '{')) != NULL; template = brace + 3) {
        buf_add(w->store, template, (size_t)(brace - template));
        fill_in(w, brace[1]); /* every one is {x} */
    }
    buf_adds(w->store, template);
}

/* Most people say what they bought and what they want; some only what is wrong. */
static void write_description(Writer *w) {
    TextLanguage language = w->s->language;
    uint32_t manner = roll(w, 10);
    add(w, pick(w, openings[language]));
    if (manner > 0) add(w, pick(w, w->s->general ? general_contexts : contexts[language]));
    add(w, pick(w, w->s->bodies));
    if (manner == 0 && !w->s->general) { /* in a hurry: what is wrong, and which order */
        add(w, language == TEXT_ENGLISH ? "Order {o}." : "订单 {o}。");
        return;
    }
    add(w, pick(w, demands[language]));
    if (manner > 7) add(w, pick(w, demands[language]));
    add(w, pick(w, closings[language]));
}

static void choose_things(Writer *w) {
    uint32_t country = roll(w, (uint32_t)countries_n);
    w->country = countries[country][0];
    w->product = w->s->language == TEXT_ENGLISH ? pick(w, products_english)
                                                : pick(w, products[w->s->product]);
    w->carrier = pick(w, carriers);
    char *at = write_text(w->order, w->s->abroad ? "CB2026" : "SO2026");
    at = write_digits(at, 10 + roll(w, 2), 2);
    at = write_digits(at, 1 + roll(w, 28), 2);
    *write_digits(at, roll(w, 100000000), 8) = 0;
    *write_digits(write_text(w->phone, "1700"), roll(w, 10000000), 7) = 0;
    *write_digits(write_text(w->device, "SN-"), roll(w, 1000000), 6) = 0;
}

typedef struct Slice { /* of the store, which may move while it grows */
    size_t at, n;
} Slice;

static Slice since(const Buf *b, size_t at) {
    return (Slice){at, b->n - at};
}

static Slice keep(Buf *b, const char *text) {
    size_t at = b->n;
    buf_adds(b, text);
    return since(b, at);
}

static Slice write_name(Writer *w) {
    size_t at = w->store->n;
    if (w->s->language == TEXT_ENGLISH)
        add(w, pick(w, first_names)), buf_addc(w->store, ' '), add(w, pick(w, last_names));
    else
        add(w, pick(w, surnames)), add(w, pick(w, given_names));
    return since(w->store, at);
}

static const char *choose_tier(Writer *w) {
    uint32_t of = roll(w, 100);
    return of < 1 ? "svip" : of < 6 ? "vip" : of < 16 ? "gold" : of < 30 ? "silver" : NULL;
}

static const char *choose_channel(Writer *w) {
    uint32_t of = roll(w, 10);
    return of < 5 ? "app" : of < 9 ? "web" : "api";
}

static const char *choose_region(Writer *w) {
    if (!w->s->abroad) return home_regions[roll(w, (uint32_t)home_regions_n)];
    for (size_t i = 0; i < countries_n; i++)
        if (countries[i][0] == w->country) return countries[i][1];
    return NULL;
}

void texts_next(uint64_t *state, Buf *store, TextTicket *ret) {
    Writer w = {.dice = next(state), .store = store};
    buf_clear(store);
    w.s = pick_situation(&w);
    choose_things(&w);

    add(&w, pick(&w, w.s->subjects));
    Slice subject = since(store, 0);
    size_t at = store->n;
    write_description(&w);
    Slice description = since(store, at);
    Slice order = keep(store, w.order), product = keep(store, w.product);
    Slice phone = keep(store, w.phone), device = keep(store, w.device), name = write_name(&w);
    at = store->n;
    buf_adds(store, "buyer");
    buf_add_u64(store, roll(&w, 10000000));
    buf_adds(store, "@example.com");
    Slice email = since(store, at);
    at = store->n;
    buf_adds(store, "B2026");
    add_padded(store, 1 + roll(&w, 11), 2);
    add_padded(store, 1 + roll(&w, 28), 2);
    Slice batch = since(store, at);

#define SLICE(s) ((Str){store->p + (s).at, (s).n}) /* nothing is written from here on */
    static const Str absent = {NULL, 0};
    /* One throw of the dice a line: in an initialiser each compiler would throw in its own order.
     */
    bool has_kind = w.s->kind && roll(&w, 3) == 0;
    const char *channel = choose_channel(&w);
    const char *tier = choose_tier(&w);
    const char *region = choose_region(&w);
    bool has_batch = roll(&w, 5) == 0;
    bool has_phone = roll(&w, 4) != 0;
    *ret = (TextTicket){
        .subject = SLICE(subject),
        .description = SLICE(description),
        .kind = has_kind ? str(w.s->kind) : absent,
        .channel = str(channel),
        .tier = str(tier),
        .region = str(region),
        .language = w.s->language == TEXT_ENGLISH ? STR("en") : absent,
        .order = SLICE(order),
        .product = SLICE(product),
        .batch = has_batch ? SLICE(batch) : absent,
        .device = w.s->has_device ? SLICE(device) : absent,
        .name = SLICE(name),
        .email = SLICE(email),
        .phone = has_phone ? SLICE(phone) : absent,
    };
#undef SLICE
}
