/* What the generator of texts and the demo shop promise each other. */
#include "docket/texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "conditions/intern.h"
#include "documents/catalog.h"

static Catalog *shop;

static int read_shop(void **state) {
    (void)state;
    static char text[1 << 17];
    FILE *f = fopen("deploy/demo/shop.yaml", "r");
    if (!f) return -1;
    size_t n = fread(text, 1, sizeof(text), f);
    (void)fclose(f);
    Buf problems = {0};
    DocumentSource source = {{text, n}, STR("shop.yaml"), 1};
    shop = catalog_compile(&source, 1, 1, NULL, NULL, &problems);
    if (!shop) print_error("%s", problems.p);
    buf_done(&problems);
    return shop ? 0 : -1;
}

static int forget_shop(void **state) {
    (void)state;
    catalog_unref(shop);
    return 0;
}

static void the_same_state_gives_the_same_ticket(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf a = {0};
    CLEANUP(buf_done) Buf b = {0};
    uint64_t one = 42, two = 42;
    for (int i = 0; i < 1000; i++) {
        TextTicket x, y;
        texts_next(&one, &a, &x);
        texts_next(&two, &b, &y);
        assert_true(str_eq(x.subject, y.subject));
        assert_true(str_eq(x.description, y.description));
        assert_true(str_eq(x.order, y.order));
        assert_true(str_eq(x.email, y.email));
        assert_true(str_eq(x.phone, y.phone));
        assert_true(str_eq(x.tier, y.tier));
    }
    assert_int_equal(one, two);
}

static uint64_t fold(uint64_t h, Str s) { /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return (h ^ s.n) * 1099511628211u;
}

/* Compilers evaluate arguments in different orders; a surge must not care who built it. Change the
 * number when the words change. */
static void every_compiler_writes_the_same_tickets(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf store = {0};
    uint64_t seed = 1, h = 14695981039346656037u;
    for (int i = 0; i < 1000; i++) {
        TextTicket t;
        texts_next(&seed, &store, &t);
        Str all[] = {t.subject, t.description, t.kind,  t.channel, t.tier, t.region, t.language,
                     t.order,   t.product,     t.batch, t.device,  t.name, t.email,  t.phone};
        for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++)
            h = fold(h, all[k]);
    }
    assert_int_equal(h, 0x80676db95b7a0e93u);
}

/* Numbers left out: orders and dates alone make no text another one. */
static Str without_digits(Arena *arena, Str s) {
    char *copy = arena_alloc(arena, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9') copy[n++] = s.p[i];
    return (Str){copy, n};
}

static void texts_are_of_a_ticket_s_length_and_hardly_ever_the_same(void **state) {
    (void)state;
    enum { TEXTS = 200000 };
    CLEANUP(buf_done) Buf store = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(intern_freep) Intern *wholes = intern_new(false);
    CLEANUP(intern_freep) Intern *wordings = intern_new(false);
    uint64_t seed = 7;
    size_t outside = 0, bytes = 0;
    for (int i = 0; i < TEXTS; i++) {
        TextTicket t;
        texts_next(&seed, &store, &t);
        intern_add(wholes, t.description);
        intern_add(wordings, without_digits(arena, t.description));
        arena_reset(arena);
        outside += t.description.n < 60 || t.description.n > 400;
        bytes += t.description.n;
        assert_null(memchr(t.description.p, '{', t.description.n));
        assert_null(memchr(t.subject.p, '{', t.subject.n));
        assert_in_range(t.subject.n, 6, 120);
        assert_true(str_ends(t.email, STR("@example.com")));
        assert_true(!t.phone.p || (t.phone.n == 11 && t.phone.p[0] == '1'));
        assert_true(t.name.n >= 6 && t.order.n == 18);
    }
    assert_true(outside < TEXTS / 100);
    assert_in_range(bytes / TEXTS, 120, 300);
    assert_true(intern_count(wholes) > TEXTS * 99 / 100);
    assert_true(intern_count(wordings) > TEXTS * 85 / 100);
}

static void the_shops_rules_send_work_to_every_group(void **state) {
    (void)state;
    enum { TEXTS = 20000 };
    const Group *groups;
    size_t n = catalog_groups(shop, &groups), unmatched = 0, per_group[16] = {0};
    assert_int_equal(n, 6);
    CLEANUP(buf_done) Buf store = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    uint64_t seed = 1;
    for (int i = 0; i < TEXTS; i++) {
        TextTicket t;
        TicketFacts f;
        texts_next(&seed, &store, &t);
        catalog_classify(shop,
                         &(Submission){.subject = t.subject,
                                       .description = t.description,
                                       .kind = t.kind,
                                       .channel = t.channel,
                                       .tier = t.tier,
                                       .region = t.region,
                                       .language = t.language,
                                       .order = t.order,
                                       .product = t.product,
                                       .device = t.device},
                         arena, &f);
        for (size_t g = 0; g < n; g++)
            per_group[g] += groups[g].id == f.group_id;
        unmatched += str_starts(f.reason, STR("{\"rules\":[]"));
        arena_reset(arena);
    }
    for (size_t g = 0; g < n; g++) {
        print_message("%.*s %.1f %%\n", STR_ARG(groups[g].name),
                      100.0 * (double)per_group[g] / TEXTS);
        assert_in_range(per_group[g], TEXTS / 20, TEXTS / 2);
    }
    print_message("no rule %.1f %%\n", 100.0 * (double)unmatched / TEXTS);
    assert_true(unmatched < TEXTS / 50);
}

static void the_shop_has_thirty_people_and_somebody_for_every_group(void **state) {
    (void)state;
    const Group *groups;
    const Agent *agents;
    size_t groups_n = catalog_groups(shop, &groups), agents_n = catalog_agents(shop, &agents);
    assert_int_equal(agents_n, 30);
    for (size_t g = 0; g < groups_n; g++) {
        size_t on_duty = 0;
        for (size_t a = 0; a < agents_n; a++)
            for (size_t i = 0; i < agents[a].groups_n; i++)
                on_duty += agents[a].on_duty && agents[a].groups[i] == groups[g].id;
        assert_true(on_duty >= 3);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_state_gives_the_same_ticket),
        cmocka_unit_test(every_compiler_writes_the_same_tickets),
        cmocka_unit_test(texts_are_of_a_ticket_s_length_and_hardly_ever_the_same),
        cmocka_unit_test(the_shops_rules_send_work_to_every_group),
        cmocka_unit_test(the_shop_has_thirty_people_and_somebody_for_every_group),
    };
    return cmocka_run_group_tests(tests, read_shop, forget_shop);
}
