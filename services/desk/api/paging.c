#include "desk/api/paging.h"
