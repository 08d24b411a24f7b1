/* The YAML door: any bytes become a catalog or problems, sections or problems, and a diff; what is
 * cut into sections says the same as the whole. */
#include <assert.h>

#include "documents/catalog.h"
#include "documents/diff.h"
#include "documents/sections.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char good[] = "groups: [{name: a}, {name: b, fallback: a}]\n"
                           "rules: [{name: r, when: {all: {text: [x]}}, set: {group: b}}]\n";

static void classify(const Catalog *c, Arena *arena) {
    Str tags[] = {STR("a"), STR("x")};
    TicketFacts f;
    catalog_classify(c,
                     &(Submission){.channel = STR("web"),
                                   .subject = STR("x 退款"),
                                   .description = STR("a b c refund 清关"),
                                   .tier = STR("vip"),
                                   .custom_fields = STR("{\"a\":1,\"x\":\"y\"}"),
                                   .tags = tags,
                                   .tags_n = 2},
                     arena, &f);
    const Group *groups;
    assert(catalog_groups(c, &groups) > 0);
    assert(catalog_group(c, f.group_id));
    assert(f.category.n && f.kind.n && f.reason.n > 2 && f.reason.p[f.reason.n - 1] == '}');
}

/* The sections, each as a source of its own. */
static size_t cut(Str text, Arena *arena, DocumentSource *ret, size_t max) {
    DocumentSection *sections;
    Buf problems = {0};
    int n = sections_cut(text, STR("f"), arena, &sections, &problems);
    buf_done(&problems);
    for (int i = 0; i < n && (size_t)i < max; i++)
        ret[i] = (DocumentSource){sections[i].body, STR("f"), sections[i].first_line};
    return n < 0 ? 0 : (size_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    CLEANUP(buf_done) Buf problems = {0};
    DocumentSource whole = {{(const char *)data, size}, STR("f"), 1};
    Catalog *c = catalog_compile(&whole, 1, 3, NULL, NULL, &problems);
    assert(!c == (problems.n > 0));

    DocumentSource sections[16];
    size_t n = cut(whole.text, arena, sections, 16);
    if (c && n <= 16) {
        classify(c, arena);
        Catalog *again = catalog_compile(sections, n, 3, NULL, NULL, &problems);
        assert(again);
        const DocumentChange *changes;
        assert(documents_diff(&whole, 1, sections, n, arena, &changes) == 0);
        catalog_unref(again);
    }
    const DocumentChange *changes;
    DocumentSource other = {str(good), STR("g"), 1};
    (void)documents_diff(&whole, 1, &other, 1, arena, &changes);
    (void)documents_diff(&other, 1, &whole, 1, arena, &changes);
    catalog_unref(c);
    return 0;
}
