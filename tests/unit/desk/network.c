/* Where somebody is from: cut to what he cannot change at will, and said by nobody but a proxy. */
#include "desk/access/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void an_address_is_cut_to_its_network(void **state) {
    (void)state;
    static const struct {
        const char *address, *network;
    } cases[] = {
        {"203.0.113.77", "203.0.113.0/24"},
        {"::ffff:203.0.113.77", "203.0.113.0/24"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"},
        {"::1", "::/48"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff::/48"},
        {"", "unknown"},
        {"203.0.113", "unknown"},
        {"203.0.113.77 ", "unknown"},
        {"example.com", "unknown"},
        {"1111111111111111111111111111111111111111111111111111111111111111111", "unknown"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char network[NETWORK_BYTES];
        network_of(str(cases[i].address), network);
        assert_string_equal(network, cases[i].network);
    }
}

static void only_a_trusted_proxy_says_where_a_client_is(void **state) {
    (void)state;
    static const char trusted[] = "127.0.0.1, ::1";
    static const struct {
        const char *peer, *said, *client;
    } cases[] = {
        {"127.0.0.1", "198.51.100.7", "198.51.100.7"},
        {"::1", "10.0.0.1, 198.51.100.7", "198.51.100.7"}, /* the first is anybody's word */
        {"127.0.0.1", NULL, "127.0.0.1"},
        {"127.0.0.1", "", "127.0.0.1"},
        {"127.0.0.1", "198.51.100.7,", "127.0.0.1"},
        {"198.51.100.9", "198.51.100.7", "198.51.100.9"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        Str client = network_client(str(cases[i].peer), str(cases[i].said), trusted);
        assert_true(str_is(client, cases[i].client));
    }
    assert_true(str_is(network_client(STR("127.0.0.1"), STR("1.2.3.4"), ""), "127.0.0.1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_cut_to_its_network),
        cmocka_unit_test(only_a_trusted_proxy_says_where_a_client_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
