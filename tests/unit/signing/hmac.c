/* RFC 4231's cases, in one piece and in many. */
#include "signing/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
    const char *key, *text, *mac; /* hexadecimal */
} cases[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6"
     "579"
     "204669727374",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
};

static void macs_are_those_of_rfc_4231(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char key[160], text[160], hex[HMAC_HEX];
        uint8_t mac[HMAC_BYTES];
        int key_n = text_unhex(str(cases[i].key), key, sizeof(key));
        int text_n = text_unhex(str(cases[i].text), text, sizeof(text));
        assert_true(key_n > 0 && text_n > 0);
        Str whole = {text, (size_t)text_n};
        const Str parts[] = {{text, 1}, {NULL, 0}, {text + 1, (size_t)text_n - 1}};
        hmac_sha256((Str){key, (size_t)key_n}, &whole, 1, mac);
        hmac_hex(mac, hex);
        assert_string_equal(hex, cases[i].mac);
        hmac_sha256((Str){key, (size_t)key_n}, parts, 3, mac);
        hmac_hex(mac, hex);
        assert_string_equal(hex, cases[i].mac);
    }
}

static void texts_are_equal_only_when_every_byte_is(void **state) {
    (void)state;
    assert_true(hmac_equal(STR("v1=ab"), STR("v1=ab")));
    assert_false(hmac_equal(STR("v1=ab"), STR("v1=ac")));
    assert_false(hmac_equal(STR("v1=ab"), STR("v1=a")));
    assert_true(hmac_equal((Str){NULL, 0}, STR("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macs_are_those_of_rfc_4231),
        cmocka_unit_test(texts_are_equal_only_when_every_byte_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
