/* Link -- the address of a page that lets its bearer do one thing without signing in, written by
 * whoever sends a message (notifier) and read by whoever answers it (desk). Pure.
 *
 *     <base>/api/v2/links/<token>[?about=<what, percent-encoded>]
 *
 * GET shows what POST would do; only POST does it (mail scanners fetch every link they see). The
 * very same address stands in List-Unsubscribe, beside List-Unsubscribe-Post (RFC 8058).
 *
 * The key of its tokens is kept nowhere: both derive it from the key ring's hash key, which does
 * not rotate, under a name that nothing else is hashed under:
 *
 *     TokenKey key = {.id = LINK_KEY_ID};
 *     vault_hash(vault, 0, STR(LINK_KEY_FIELD), STR(LINK_KEY_TEXT), key.bytes);
 *
 * person_id of the token is who was written to (an agent, another of the staff, a requester), never
 * 0. TOKEN_UNSUBSCRIBE is about the way and the notification's name, "mail:收到工单", or "mail:"
 * for all that comes by it: not signed, the token says whose wish it is. TOKEN_ACKNOWLEDGE is about
 * its ticket, nothing else. */
#pragma once

#include "signing/token.h"

#define LINK_KEY_FIELD "link.key"
#define LINK_KEY_TEXT  "links without signing in"

enum { LINK_KEY_ID = 1, LINK_ABOUT_BYTES = 400 };

/* Appends the address. `base` without a slash at its end: "https://help.example.com"; `about` may
 * be absent. */
void link_write(Str base, const char *token, Str about, Buf *ret);
