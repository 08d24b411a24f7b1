/* poster -- the reference for webhooks: a bare libcurl-multi loop that posts one body many times
 * over kept connections, with nothing to claim, sign or record. Prints posts, seconds and
 * CPU-seconds as JSON.
 *
 * Usage: poster URL POSTS AT_ONCE BODY_FILE */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { AT_ONCE_MAX = 256, BODY_MAX = 1 << 20 };

static char body[BODY_MAX];
static long body_n;

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void) {
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static size_t drop(char *bytes, size_t size, size_t n, void *arg) {
    (void)bytes, (void)arg;
    return size * n;
}

static CURL *handle(const char *url, struct curl_slist *lines) {
    CURL *easy = curl_easy_init();
    (void)curl_easy_setopt(easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
    (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, body_n);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
    (void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    return easy;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    long posts = atol(argv[2]), at_once = atol(argv[3]), begun = 0, ended = 0, bad = 0;
    FILE *in = fopen(argv[4], "re");
    if (!in || at_once < 1 || at_once > AT_ONCE_MAX) return 2;
    body_n = (long)fread(body, 1, sizeof(body), in);
    (void)fclose(in);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    CURL *all[AT_ONCE_MAX];
    struct curl_slist *lines = curl_slist_append(NULL, "Content-Type: application/json");
    lines = curl_slist_append(lines, "Expect:");
    double began = now(), began_cpu = cpu();
    for (long i = 0; i < at_once; i++) {
        all[i] = handle(argv[1], lines);
        (void)curl_multi_add_handle(multi, all[i]);
        begun++;
    }
    while (ended < posts) {
        int running, left;
        (void)curl_multi_perform(multi, &running);
        for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
            long status = 0;
            CURL *easy = m->easy_handle;
            if (m->msg != CURLMSG_DONE) continue;
            (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
            if (m->data.result != CURLE_OK || status != 200) bad++;
            ended++;
            (void)curl_multi_remove_handle(multi, easy);
            if (begun < posts) {
                (void)curl_multi_add_handle(multi, easy);
                begun++;
            }
        }
        if (ended < posts) (void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    (void)printf("{\"posts\": %ld, \"bad\": %ld, \"seconds\": %.6f, \"cpu\": %.6f}\n", ended, bad,
                 now() - began, cpu() - began_cpu);
    for (long i = 0; i < at_once; i++)
        curl_easy_cleanup(all[i]);
    curl_multi_cleanup(multi);
    curl_slist_free_all(lines);
    return bad ? 1 : 0;
}
