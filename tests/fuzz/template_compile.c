/* Any bytes as a template and as a value: it ends within its bounds, what comes out is text, and no
 * value, whatever it holds, changes the structure that the template's own words make. The input:
 * one byte that chooses the escape, one for the bound, the source, a NUL, the value. */
#include <stdlib.h>
#include <string.h>

#include "template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define NAME(literal, is)                                                                          \
    { {literal, sizeof(literal) - 1}, is, NULL, 0 }

static const TemplateName inner[] = {NAME("t", TEMPLATE_IS_TEXT),   NAME("u", TEMPLATE_IS_URL),
                                     NAME("n", TEMPLATE_IS_NUMBER), NAME("f", TEMPLATE_IS_FLAG),
                                     NAME("o", TEMPLATE_IS_OPEN),   NAME("l", TEMPLATE_IS_LIST)};
static const TemplateName known[] = {NAME("t", TEMPLATE_IS_TEXT),
                                     NAME("u", TEMPLATE_IS_URL),
                                     NAME("n", TEMPLATE_IS_NUMBER),
                                     NAME("f", TEMPLATE_IS_FLAG),
                                     NAME("o", TEMPLATE_IS_OPEN),
                                     {{"m", 1}, TEMPLATE_IS_MAP, inner, 6},
                                     {{"l", 1}, TEMPLATE_IS_LIST, inner, 6},
                                     NAME("e", TEMPLATE_IS_TEXT)};

static void count(void *arg, long line, const char *what) {
    if (line < 1 || !*what) abort();
    ++*(int *)arg;
}

static TemplateOutcome render(const Template *t, Str value, size_t max, Buf *ret) {
    const TemplateValue items[] = {{.text = value}, {.text = value}, {.text = value}};
    const TemplateValue custom[] = {{.name = STR("x"), .text = value}};
    const TemplateValue m[] = {{.name = STR("t"), .text = value},
                               {.name = STR("u"), .text = value},
                               {.name = STR("n"), .text = value},
                               {.name = STR("f"), .text = value},
                               {.name = STR("o"), .members = custom, .members_n = 1},
                               {.name = STR("l"), .members = items, .members_n = 3}};
    const TemplateValue two[] = {{.members = m, .members_n = 6}, {.members = m, .members_n = 6}};
    const TemplateValue all[] = {{.name = STR("t"), .text = value},
                                 {.name = STR("u"), .text = value},
                                 {.name = STR("n"), .text = value},
                                 {.name = STR("f"), .text = value},
                                 {.name = STR("o"), .members = custom, .members_n = 1},
                                 {.name = STR("m"), .members = m, .members_n = 6},
                                 {.name = STR("l"), .members = two, .members_n = 2}};
    return template_render(t, all, 7, max, ret);
}

/* How often each character of `signs` stands in it, line breaks for HTML apart. */
static void tally(Str s, TemplateEscape escape, const char *signs, size_t ret[16]) {
    memset(ret, 0, 16 * sizeof(*ret));
    for (size_t i = 0; i < s.n; i++) {
        while (escape == TEMPLATE_HTML && s.n - i >= 5 && memcmp(s.p + i, "<br>\n", 5) == 0)
            i += 5;
        if (escape == TEMPLATE_JSON && s.p[i] == '\\') {
            i++;
            continue;
        }
        if (i >= s.n) break;
        const char *at = s.p[i] ? strchr(signs, s.p[i]) : NULL;
        if (at) ret[at - signs]++;
    }
}

static void compare(TemplateEscape escape, const Template *t, Str value, size_t max) {
    static const char *const signs[TEMPLATE_ESCAPES] = {
        "", "<>\"'`", "\"", "\\`*[]<>@~|" /* # and & belong to addresses, too */, "\n"};
    CLEANUP(buf_done) Buf tame = {0}, wild = {0};
    size_t tame_n[16], wild_n[16];
    TemplateOutcome o = render(t, value, max, &wild);
    if (wild.n > max || !(wild.n == 0 || str_is_text(buf_str(&wild)))) abort();
    if (o == TEMPLATE_TOO_LONG && wild.n) abort();
    for (size_t i = 0; i < wild.n; i++)
        if ((unsigned char)wild.p[i] < 0x20 && wild.p[i] != '\n' && wild.p[i] != '\t') abort();
    if (o != TEMPLATE_WHOLE || !value.n) return;
    if (render(t, STR("x"), TEMPLATE_OUTPUT_MAX, &tame) != TEMPLATE_WHOLE) return;
    tally(buf_str(&tame), escape, signs[escape], tame_n);
    tally(buf_str(&wild), escape, signs[escape], wild_n);
    if (memcmp(tame_n, wild_n, sizeof(tame_n)) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    if (n < 2) return 0;
    TemplateEscape escape = (TemplateEscape)(data[0] % TEMPLATE_ESCAPES);
    size_t max = (size_t)(data[1] + 1) * 256;
    const uint8_t *nul = memchr(data + 2, 0, n - 2);
    Str source = {(const char *)data + 2, nul ? (size_t)(nul - data) - 2 : n - 2};
    Str value = nul ? (Str){(const char *)nul + 1, n - (size_t)(nul + 1 - data)} : (Str){NULL, 0};
    int complaints = 0;
    CLEANUP(template_freep)
    Template *t =
        template_compile(source, escape, known, sizeof(known) / sizeof(*known), count, &complaints);
    if (!t != (complaints > 0) || complaints > TEMPLATE_PROBLEMS_MAX) abort();
    if (!t) return 0;
    if (template_needs(t) & ~template_uses(t)) abort();
    compare(escape, t, value, max);
    return 0;
}
