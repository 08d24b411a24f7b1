/* Personal -- what personal data looks like: masks for people, normal forms for hashing, and the
 * finder of phone, identity and card numbers in free text. Pure.
 *
 * Text is UTF-8. Full-width digits, letters and signs count like their ASCII twins. */
#pragma once

#include <stddef.h>

#include "base/text.h"

/* Each appends the masked form to *ret; anything that does not look like what it should is masked
 * harder, never less. Empty stays empty. */
void personal_mask_phone(Str phone, Buf *ret); /* 13812345678 -> 138****5678 */
void personal_mask_email(Str email, Buf *ret); /* zhang.san@example.com -> z***@example.com */
void personal_mask_name(Str name, Buf *ret);   /* 张小明 -> 张**, John -> J*** */
void personal_mask_address(Str address, Buf *ret); /* 广东省深圳市南山区… -> 广东省深圳市**** */
void personal_mask_identity(Str identity, Buf *ret); /* 110***********002X */
void personal_mask_card(Str card, Buf *ret);         /* ************1234 */

/* Append one form for all spellings of the same thing; 0 or -EINVAL when it is no such thing.
 * phone: "+8613812345678" for every spelling of a Chinese mobile number, "+861012345678" for
 * 010-12345678, "+<digits>" for what has a country code, else the bare digits; 5 to 15 digits.
 * email: lower case, no blanks around, at most 254 bytes. */
int personal_normal_phone(Str phone, Buf *ret);
int personal_normal_email(Str email, Buf *ret);

typedef enum PersonalKind {
    PERSONAL_PHONE,    /* Chinese mobile, Chinese landline with area code, +country... */
    PERSONAL_IDENTITY, /* 18 digits with a real date and the right check digit */
    PERSONAL_CARD      /* 13 to 19 digits of a known issuer's range that pass Luhn */
} PersonalKind;

/* `where` points into the text. */
typedef void (*PersonalFound)(void *arg, PersonalKind kind, Str where);

/* Calls `found` (may be NULL) for each, in order, never overlapping; returns how many. Looks only
 * at runs of digits (with single spaces or hyphens between groups), so text without digits costs
 * next to nothing. */
size_t personal_scan(Str text, PersonalFound found, void *arg);
/* Appends the text with each find masked; returns how many. */
size_t personal_mask_text(Str text, Buf *ret);
