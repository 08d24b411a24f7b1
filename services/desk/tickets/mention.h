/* Mention -- whom does a note speak to? "@林小婉" by title, "@lin.xiaowan" by name. Pure. */
#pragma once

#include "documents/catalog.h"

/* At most `max` agents' ids, each once, in order of their mention. The longest name that fits
 * counts; an e-mail address ("a@b") mentions nobody. */
size_t mentions_find(const Catalog *c, Str text, int64_t *ret, size_t max);
