/* Only libmagic's table is asked, none of its readers of whole formats (compressed files, ELF,
 * OLE): those parse what strangers sent, and say nothing that we need. */
#include "filetype/detect.h"

#include <magic.h>
#include <pthread.h>
#include <stdbool.h>

#define FLAGS                                                                                      \
    (MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF | MAGIC_NO_CHECK_CDF |         \
     MAGIC_NO_CHECK_TOKENS | MAGIC_NO_CHECK_APPTYPE | MAGIC_NO_CHECK_CSV)

struct FileDetector {
    magic_t magic;
    pthread_mutex_t one_at_a_time;
};

FileDetector *file_detector_new(Buf *ret_problem) {
    FileDetector *d = xcalloc(1, sizeof(*d));
    (void)pthread_mutex_init(&d->one_at_a_time, NULL);
    d->magic = magic_open(FLAGS);
    if (d->magic && magic_load(d->magic, NULL) == 0) return d;
    const char *why = d->magic ? magic_error(d->magic) : NULL;
    buf_printf(ret_problem, "libmagic cannot be used: %s", why ? why : "out of memory");
    return file_detector_free(d);
}

FileDetector *file_detector_free(FileDetector *d) {
    if (!d) return NULL;
    if (d->magic) magic_close(d->magic);
    (void)pthread_mutex_destroy(&d->one_at_a_time);
    free(d);
    return NULL;
}

static bool all_text_type(const char *type) {
    return strncmp(type, "text/", 5) == 0;
}

void file_detect(FileDetector *d, Str bytes, char ret[DETECT_TYPE_BYTES]) {
    size_t n = bytes.n < DETECT_BYTES ? bytes.n : DETECT_BYTES;
    (void)pthread_mutex_lock(&d->one_at_a_time);
    const char *said = magic_buffer(d->magic, bytes.p, n);
    size_t length = said ? strlen(said) : 0;
    const char *type = length && length < DETECT_TYPE_BYTES && memchr(said, '/', length)
                           ? said
                           : "application/octet-stream";
    if (str_starts(bytes, STR("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")))
        type = "application/x-ole-storage"; /* we asked libmagic not to look inside */
    if (str_starts(bytes, STR("MZ")) && !all_text_type(type))
        type = "application/vnd.microsoft.portable-executable"; /* also one that is cut off */
    memcpy(ret, type, strlen(type) + 1);
    (void)pthread_mutex_unlock(&d->one_at_a_time);
}
