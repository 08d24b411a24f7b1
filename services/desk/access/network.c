/* Addresses are cut to what their holder cannot change at will. */
#include "desk/access/network.h"

#include <arpa/inet.h>
#include <stdio.h>

void network_of(Str address, char ret[NETWORK_BYTES]) {
    char text[INET6_ADDRSTRLEN + 1];
    struct in_addr v4;
    struct in6_addr v6;
    if (address.n && address.n < sizeof(text)) {
        memcpy(text, address.p, address.n);
        text[address.n] = 0;
        bool mapped = strncmp(text, "::ffff:", 7) == 0;
        if (inet_pton(AF_INET, mapped ? text + 7 : text, &v4) == 1) {
            const unsigned char *b = (const unsigned char *)&v4;
            (void)snprintf(ret, NETWORK_BYTES, "%u.%u.%u.0/24", b[0], b[1], b[2]);
            return;
        }
        if (inet_pton(AF_INET6, text, &v6) == 1) {
            memset(v6.s6_addr + 6, 0, 10);
            (void)inet_ntop(AF_INET6, &v6, ret, NETWORK_BYTES);
            size_t n = strlen(ret);
            (void)snprintf(ret + n, NETWORK_BYTES - n, "/48");
            return;
        }
    }
    (void)snprintf(ret, NETWORK_BYTES, "unknown");
}

Str network_client(Str peer, Str forwarded_for, const char *trusted_proxies) {
    Str rest = str(trusted_proxies);
    while (rest.p) {
        Str proxy = str_trim(str_cut(rest, ',', &rest));
        if (!proxy.n || !str_eq(proxy, peer)) continue;
        Str last = {NULL, 0};
        while (forwarded_for.p)
            last = str_trim(str_cut(forwarded_for, ',', &forwarded_for));
        return last.n ? last : peer;
    }
    return peer;
}
