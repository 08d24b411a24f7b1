/* A shop's documents compiled, for a group of tests: the file that includes this has defined before
 * what they are, `shop`, and which ids their names have, `lookup`. */
#pragma once

static Catalog *compile(const char *text, Buf *problems) {
    DocumentSource source = {str(text), STR("shop.yaml"), 1};
    return catalog_compile(&source, 1, 3, lookup, NULL, problems);
}

static int open_shop(void **state) {
    CLEANUP(buf_done) Buf problems = {0};
    Catalog *c = compile(shop, &problems);
    if (!c) print_error("%s", problems.p);
    *state = c;
    return c ? 0 : -1;
}

static int close_shop(void **state) {
    (void)catalog_unref(*state);
    return 0;
}
