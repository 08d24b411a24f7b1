#include "desk/api/request_internal.h"

bool waiting_take(Request *r) {
    (void)r;
    return false;
}
