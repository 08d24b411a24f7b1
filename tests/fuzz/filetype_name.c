/* Any bytes as a file's name: what comes out is text, no path, hides nothing, and is its own clean
 * name. */
#include <stdlib.h>

#include "filetype/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    CLEANUP(buf_done) Buf name = {0}, again = {0};
    char ending[FILE_ENDING_BYTES_MAX + 1];
    file_name_clean((Str){(const char *)data, n}, &name);
    Str s = buf_str(&name);
    if (!s.n || s.n > FILE_NAME_BYTES_MAX || !str_is_text(s)) abort();
    if (str_is(s, ".") || str_is(s, "..") || s.p[0] == ' ' || s.p[s.n - 1] == ' ') abort();
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f || strchr("/\\<>:\"|?*", s.p[i]))
            abort();
    if (memmem(s.p, s.n, "\xe2\x80\xae", 3) || memmem(s.p, s.n, "\xe2\x80\x8b", 3)) abort();
    file_name_clean(s, &again);
    if (!str_eq(buf_str(&again), s)) abort();
    file_name_ending(s, ending);
    return 0;
}
