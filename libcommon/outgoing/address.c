/* The registries of special-purpose addresses (RFC 6890 and what came after), as two tables. IPv4
 * is treated as ::ffff:a.b.c.d throughout, so that an address in IPv6's clothes is the same
 * address. */
#include "outgoing/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

typedef struct Special {
    const char *network; /* "10.0.0.0" */
    uint8_t bits;
    const char *what;
} Special;

static const Special special4[] = {
    {"0.0.0.0", 8, "this very network"},
    {"10.0.0.0", 8, "a private network"},
    {"100.64.0.0", 10, "a carrier's network"},
    {"127.0.0.0", 8, "this machine"},
    {"169.254.0.0", 16, "a link-local network"}, /* clouds' metadata too */
    {"172.16.0.0", 12, "a private network"},
    {"192.0.0.0", 24, "a special network"},
    {"192.0.2.0", 24, "a network of examples"},
    {"192.88.99.0", 24, "a special network"},
    {"192.168.0.0", 16, "a private network"},
    {"198.18.0.0", 15, "a network of benchmarks"},
    {"198.51.100.0", 24, "a network of examples"},
    {"203.0.113.0", 24, "a network of examples"},
    {"224.0.0.0", 4, "a multicast network"},
    {"240.0.0.0", 4, "a reserved network"}, /* 255.255.255.255 too */
};

/* Within 2000::/3, the only space that is given out; what lies outside it is special as a whole. */
static const Special special6[] = {
    {"2001::", 23, "a special network"}, /* Teredo too */
    {"2001:db8::", 32, "a network of examples"},
    {"2002::", 16, "a network of tunnels"},
    {"3fff::", 20, "a network of examples"},
};
static const Special special6_named[] = {
    {"::1", 128, "this machine"},
    {"fc00::", 7, "a private network"},
    {"fe80::", 10, "a link-local network"},
    {"ff00::", 8, "a multicast network"},
};

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};

static bool within(const uint8_t *address, const uint8_t *network, unsigned bits) {
    if (memcmp(address, network, bits / 8) != 0) return false;
    unsigned rest = bits % 8;
    return !rest || ((address[bits / 8] ^ network[bits / 8]) >> (8 - rest)) == 0;
}

static const char *find(const Special *list, size_t n, int family, const uint8_t *address) {
    for (size_t i = 0; i < n; i++) {
        uint8_t network[16];
        (void)inet_pton(family, list[i].network, network);
        if (within(address, network, list[i].bits)) return list[i].what;
    }
    return NULL;
}

#define FIND(list, family, address) find(list, sizeof(list) / sizeof(*(list)), family, address)

static bool is_allowed(const AddressList *allowed, const uint8_t address[16]) {
    for (size_t i = 0; i < allowed->n; i++)
        if (within(address, allowed->networks[i].bytes, allowed->networks[i].bits)) return true;
    return false;
}

static const char *refusal(const AddressList *allowed, const uint8_t address[16], bool is_ipv6) {
    const char *what;
    if (is_allowed(allowed, address)) return NULL;
    if (memcmp(address, mapped, sizeof(mapped)) == 0) {
        what = FIND(special4, AF_INET, address + 12);
        return what || !is_ipv6 ? what : "IPv4 written as IPv6";
    }
    if (memcmp(address, nat64, sizeof(nat64)) == 0) { /* leads to the IPv4 address in it */
        uint8_t inner[16];
        memcpy(inner, mapped, sizeof(mapped));
        memcpy(inner + 12, address + 12, 4);
        return refusal(allowed, inner, false);
    }
    if ((address[0] & 0xe0) == 0x20) return FIND(special6, AF_INET6, address);
    what = FIND(special6_named, AF_INET6, address);
    return what ? what : "a special network";
}

const char *address_refusal(const AddressList *allowed, const struct sockaddr *address) {
    uint8_t bytes[16];
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        memcpy(bytes, mapped, sizeof(mapped));
        memcpy(bytes + 12, &in.sin_addr, 4);
        return refusal(allowed, bytes, false);
    }
    if (address->sa_family != AF_INET6) return "no network of the Internet";
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof(in6));
    memcpy(bytes, &in6.sin6_addr, 16);
    return refusal(allowed, bytes, true);
}

/* Bytes as IPv6, and 32 or 128 for what it was; 0: no address. */
static int read_address(const char *text, uint8_t ret[16]) {
    if (inet_pton(AF_INET6, text, ret) == 1) return 128;
    if (inet_pton(AF_INET, text, ret + 12) != 1) return 0;
    memcpy(ret, mapped, sizeof(mapped));
    return 32;
}

const char *address_text_refusal(const AddressList *allowed, const char *text) {
    uint8_t bytes[16];
    int kind = read_address(text, bytes);
    return kind ? refusal(allowed, bytes, kind == 128) : NULL;
}

static int parse_network(Str part, AddressNetwork *ret) {
    char text[INET6_ADDRSTRLEN];
    uint64_t bits;
    Str prefix, address = str_cut(part, '/', &prefix);
    if (address.n == 0 || address.n >= sizeof(text)) return -EINVAL;
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(address));
    int kind = read_address(text, ret->bytes);
    if (!kind) return -EINVAL;
    bits = (uint64_t)kind;
    if (prefix.p && (str_to_u64(prefix, &bits) < 0 || bits > (uint64_t)kind)) return -EINVAL;
    bits += 128 - (uint64_t)kind;
    for (size_t at = bits; at < 128; at++)
        if (ret->bytes[at / 8] & (0x80 >> at % 8)) return -EINVAL;
    ret->bits = (uint8_t)bits;
    return 0;
}

int address_list_parse(const char *text, AddressList *ret, Buf *problem) {
    AddressList list = {.n = 0};
    Str rest = str(text);
    while (rest.n) {
        Str part = str_trim(str_cut(rest, ',', &rest));
        if (part.n == 0) continue;
        if (list.n == ADDRESS_NETWORKS_MAX || parse_network(part, &list.networks[list.n]) < 0) {
            buf_printf(problem, "%.*s is no network such as 10.8.0.0/16, or one too many",
                       (int)(part.n < 64 ? part.n : 64), part.p);
            return -EINVAL;
        }
        list.n++;
    }
    *ret = list;
    return 0;
}
