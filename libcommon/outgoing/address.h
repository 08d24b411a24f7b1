/* Address -- which addresses may be reached from inside, and which networks are allowed all the
 * same. Pure. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum { ADDRESS_NETWORKS_MAX = 64 };

typedef struct AddressNetwork {
    uint8_t bytes[16]; /* IPv4 as ::ffff:0:0/96 */
    uint8_t bits;      /* of 128 */
} AddressNetwork;

typedef struct AddressList {
    AddressNetwork networks[ADDRESS_NETWORKS_MAX];
    size_t n;
} AddressList;

/* "10.0.0.0/8, 192.168.1.5,fd00::/8": NULL and "" are none. 0, or -EINVAL and which part is no
 * network in *problem. Bits behind the prefix must be zero. */
int address_list_parse(const char *text, AddressList *ret, Buf *problem);

/* NULL when it may be reached; else what kind of network it is of, "a private network". A family
 * that is neither IPv4 nor IPv6 may not. */
const char *address_refusal(const AddressList *allowed, const struct sockaddr *address);
/* The same for a text; NULL also when it is no address: then it is a name. IPv6 without brackets.
 */
const char *address_text_refusal(const AddressList *allowed, const char *text);
