/* Addresses and ids: what is one, and how a domain looks in ASCII. */
#include <idn2.h>
#include <stdlib.h>

#include "mail/mail_internal.h"

static const char atom[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                           "!#$%&'*+-/=?^_`{|}~";

static MailOutcome bad(Buf *ret_problem, MailOutcome o, const char *why) {
    if (ret_problem) buf_adds(ret_problem, why);
    return o;
}

/* atoms joined by single dots */
static bool is_dotted(Str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' ? i == 0 || i + 1 == s.n || s.p[i - 1] == '.'
                          : !s.p[i] || !strchr(atom, s.p[i]))
            return false;
    }
    return s.n > 0;
}

/* Letters, digits and inner hyphens, at least two labels, the last one not all digits. */
static bool is_domain(Str s) {
    size_t label = 0, labels = 0;
    bool digits = true;
    for (size_t i = 0; i <= s.n; i++) {
        char c = i < s.n ? s.p[i] : '.';
        if (c == '.') {
            if (label == 0 || label > 63 || s.p[i - 1] == '-') return false;
            labels++;
            label = 0;
            if (i < s.n) digits = true;
        } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && label)) {
            digits = digits && c >= '0' && c <= '9';
            label++;
        } else {
            return false;
        }
    }
    return labels >= 2 && !digits && s.n <= 253;
}

MailOutcome mail_address(Str address, Buf *ret, Buf *ret_problem) {
    size_t at = address.n, start = ret->n;
    char text[MAIL_ADDRESS_MAX + 1];
    while (at > 0 && address.p[at - 1] != '@')
        at--;
    if (at < 2 || address.n > MAIL_ADDRESS_MAX || !mail_is_line(address))
        return bad(ret_problem, MAIL_BAD_ADDRESS, "an address that is none");
    Str local = {address.p, at - 1}, domain = {address.p + at, address.n - at};
    for (size_t i = 0; i < local.n; i++)
        if (local.p[i] & 0x80)
            return bad(ret_problem, MAIL_NEEDS_SMTPUTF8,
                       "an address with letters beyond ASCII before its @");
    if (!is_dotted(local) || local.n > 64)
        return bad(ret_problem, MAIL_BAD_ADDRESS, "an address that is none before its @");
    memcpy(text, domain.p, domain.n);
    text[domain.n] = 0;
    char *ascii = NULL;
    int outcome = idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    bool good = outcome == IDN2_OK && is_domain(str(ascii)) &&
                local.n + 1 + strlen(ascii) <= MAIL_ADDRESS_MAX;
    if (good) {
        buf_add_str(ret, local);
        buf_addc(ret, '@');
        buf_adds(ret, ascii);
    }
    idn2_free(ascii);
    if (good) return MAIL_BUILT;
    ret->n = start;
    return bad(ret_problem, MAIL_BAD_ADDRESS, "an address that is none behind its @");
}

bool mail_is_line(Str s) {
    if (s.n && !str_is_text(s)) return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f) return false;
        if (c == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0) return false; /* C1 */
        if (c == 0xe2 && (unsigned char)s.p[i + 1] == 0x80 &&
            ((unsigned char)s.p[i + 2] & 0xfe) == 0xa8)
            return false; /* U+2028, U+2029: line breaks to some */
    }
    return true;
}

bool mail_is_message_id(Str s) {
    Str right, left = str_cut(s, '@', &right);
    return s.n <= MAIL_ID_MAX && is_dotted(left) && right.p && is_dotted(right);
}
