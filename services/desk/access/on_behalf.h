/* On behalf -- `X-On-Behalf-Of: EMAIL`: a token that may make tokens for others (tokens.manage) may
 * as well act for one of them, a colleague or a customer, also one who never signed in.
 *
 * The request then is that person's: her rights, her reach, her name in the ledger; r->by says who
 * really asked, which stands beside her in the ledger's reason and in the record of access. Refused
 * with 403: sessions, tokens without that right, whom nobody knows or who is suspended, and whoever
 * may or reaches anything that the token does not. */
#pragma once

#include "desk/api/request.h"

/* Once the subject is known: `go_on` with the person's, or at once where the header is absent; or
 * the request has been answered. What may change something leaves a row `acted_for` first. */
void on_behalf(Request *r, void (*go_on)(Request *r));
