/* View JSON -- a view as Zendesk shows it: {"url","id","title","execution","conditions",...}. */
#pragma once

#include "documents/views.h"

void view_json(Buf *ret, Str base, const Catalog *catalog, const View *v, int position);
