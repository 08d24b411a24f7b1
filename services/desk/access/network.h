/* Network -- where somebody is from, coarse enough to name no one and fine enough to count by: an
 * IPv4 address's /24, an IPv6 address's /48. Pure. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

enum { NETWORK_BYTES = 64 };

/* "203.0.113.0/24", "2001:db8:1::/48", "unknown" for what is no address. */
void network_of(Str address, char ret[NETWORK_BYTES]);
/* The client's address: the peer's own, or what a proxy of the list (addresses, commas between)
 * says in X-Forwarded-For, of which only the last entry is the proxy's own word. */
Str network_client(Str peer, Str forwarded_for, const char *trusted_proxies);
