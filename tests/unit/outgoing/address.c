/* Every special network at its first and last address, and its neighbours outside. */
#include "outgoing/address.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>

static const AddressList none = {.n = 0};

static void addresses_of_the_internet_may_be_reached(void **state) {
    (void)state;
    static const char *const good[] = {"1.1.1.1",         "9.255.255.255",   "11.0.0.0",
                                       "100.63.255.255",  "100.128.0.0",     "126.255.255.255",
                                       "128.0.0.0",       "169.253.255.255", "169.255.0.0",
                                       "172.15.255.255",  "172.32.0.0",      "192.0.1.0",
                                       "192.167.255.255", "192.169.0.0",     "198.17.255.255",
                                       "198.20.0.0",      "223.255.255.255", "2400:3200::1",
                                       "2001:4860::8888", "2a00::1",         "64:ff9b::1.1.1.1"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (address_text_refusal(&none, good[i])) fail_msg("%s", good[i]);
}

static void special_networks_are_refused_to_their_last_address(void **state) {
    (void)state;
    static const char *const bad[] = {"0.0.0.0",
                                      "0.255.255.255",
                                      "10.0.0.0",
                                      "10.255.255.255",
                                      "100.64.0.0",
                                      "100.127.255.255",
                                      "127.0.0.1",
                                      "127.255.255.255",
                                      "169.254.0.0",
                                      "169.254.169.254",
                                      "172.16.0.0",
                                      "172.31.255.255",
                                      "192.0.0.8",
                                      "192.0.2.1",
                                      "192.168.0.0",
                                      "192.168.255.255",
                                      "198.18.0.0",
                                      "198.19.255.255",
                                      "198.51.100.7",
                                      "203.0.113.9",
                                      "224.0.0.1",
                                      "239.255.255.255",
                                      "240.0.0.1",
                                      "255.255.255.255",
                                      "::",
                                      "::1",
                                      "::127.0.0.1",
                                      "::ffff:127.0.0.1",
                                      "::ffff:1.1.1.1",
                                      "::ffff:0:1.1.1.1",
                                      "64:ff9b::10.0.0.1",
                                      "64:ff9b:1::1",
                                      "100::1",
                                      "2001::1",
                                      "2001:db8::1",
                                      "2002:7f00:1::",
                                      "3fff::1",
                                      "fc00::1",
                                      "fdff::1",
                                      "fe80::1",
                                      "febf::1",
                                      "fec0::1",
                                      "ff02::1",
                                      "4000::1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (!address_text_refusal(&none, bad[i])) fail_msg("%s", bad[i]);
    assert_null(
        address_text_refusal(&none, "localhost")); /* a name: looked at when it is resolved */
    assert_string_equal(address_text_refusal(&none, "169.254.169.254"), "a link-local network");
}

static void what_connect_gets_is_judged_like_its_text(void **state) {
    (void)state;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_string_equal(address_refusal(&none, (struct sockaddr *)&in), "a private network");
    in.sin_addr.s_addr = htonl(0x01010101);
    assert_null(address_refusal(&none, (struct sockaddr *)&in));
    (void)inet_pton(AF_INET6, "::ffff:8.8.8.8", &in6.sin6_addr);
    assert_string_equal(address_refusal(&none, (struct sockaddr *)&in6), "IPv4 written as IPv6");
    assert_non_null(address_refusal(&none, &other));
}

static void networks_that_are_named_may_be_reached(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf problem = {0};
    AddressList list;
    assert_int_equal(
        address_list_parse("10.8.0.0/13, 192.168.1.5,fd00:5::/32,127.0.0.0/31,", &list, &problem),
        0);
    assert_int_equal(list.n, 4);
    assert_null(address_text_refusal(&list, "10.15.255.255"));
    assert_non_null(address_text_refusal(&list, "10.16.0.0"));
    assert_non_null(address_text_refusal(&list, "10.7.255.255"));
    assert_null(address_text_refusal(&list, "192.168.1.5"));
    assert_non_null(address_text_refusal(&list, "192.168.1.4"));
    assert_null(address_text_refusal(&list, "fd00:5:ffff::1"));
    assert_non_null(address_text_refusal(&list, "fd00:6::1"));
    assert_null(address_text_refusal(&list, "127.0.0.1"));
    assert_non_null(address_text_refusal(&list, "127.0.0.2"));
    assert_int_equal(address_list_parse(NULL, &list, &problem), 0);
    assert_int_equal(list.n, 0);
}

static void what_is_no_network_is_refused_by_name(void **state) {
    (void)state;
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0.1/8",  "fd00::/129",   "localhost",
                                      "10.0.0.0/",   "/8",          "10.0.0",       "10.0.0.0/8/8",
                                      "fd00::1/64",  "10.0.0.0/-1", "10.0.0.0/8 x", "1.2.3.4.5"};
    AddressList list = {.n = 7};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        CLEANUP(buf_done) Buf problem = {0};
        if (address_list_parse(bad[i], &list, &problem) != -EINVAL) fail_msg("%s", bad[i]);
        assert_non_null(strstr(problem.p, bad[i]));
    }
    assert_int_equal(list.n, 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_the_internet_may_be_reached),
        cmocka_unit_test(special_networks_are_refused_to_their_last_address),
        cmocka_unit_test(what_connect_gets_is_judged_like_its_text),
        cmocka_unit_test(networks_that_are_named_may_be_reached),
        cmocka_unit_test(what_is_no_network_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
