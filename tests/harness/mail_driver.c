/* Builds messages for tests: a JSON object a line in (see message_of()), the outcome's name and the
 * message in base64url a line out. */
#include <stdio.h>
#include <stdlib.h>

#include "mail/mail.h"
#include "json/json.h"

enum { MOST = 200 };

static Str text_of(const cJSON *o, const char *key) {
    Str s = {NULL, 0};
    (void)json_get_string(o, key, &s);
    return s;
}

static size_t addresses_of(const cJSON *o, const char *key, MailAddress ret[MOST]) {
    size_t n = 0;
    const cJSON *one, *list = cJSON_GetObjectItemCaseSensitive(o, key);
    cJSON_ArrayForEach(one, list) if (n < MOST) ret[n++] =
        (MailAddress){text_of(one, "name"), text_of(one, "address")};
    return n;
}

static void message_of(const cJSON *o, MailMessage *m) {
    static MailAddress from[MOST], reply[MOST], to[MOST], cc[MOST];
    static Str chain[MOST];
    const cJSON *one, *list = cJSON_GetObjectItemCaseSensitive(o, "references");
    int64_t origin = 0;
    *m = (MailMessage){.to = to, .cc = cc, .references = chain};
    if (addresses_of(o, "from", from)) m->from = from[0];
    if (addresses_of(o, "reply_to", reply)) m->reply_to = reply[0];
    m->to_n = addresses_of(o, "to", to);
    m->cc_n = addresses_of(o, "cc", cc);
    m->subject = text_of(o, "subject");
    m->text = text_of(o, "text");
    m->html = text_of(o, "html");
    m->language = text_of(o, "language");
    (void)json_get_int(o, "at_ms", &m->at_ms);
    m->message_id = text_of(o, "message_id");
    m->in_reply_to = text_of(o, "in_reply_to");
    cJSON_ArrayForEach(one, list) if (m->references_n < MOST) {
        (void)json_as_string(one, &chain[m->references_n++]);
    }
    (void)json_get_int(o, "origin", &origin);
    m->origin = (MailOrigin)origin;
    m->loop = text_of(o, "loop");
    m->list_id = text_of(o, "list_id");
    m->unsubscribe_url = text_of(o, "unsubscribe_url");
    m->unsubscribe_mail = text_of(o, "unsubscribe_mail");
}

int main(void) {
    static const char *const outcomes[] = {"built",          "bad_header", "bad_address",
                                           "needs_smtputf8", "bad_body",   "too_large"};
    const JsonLimits limits = {.bytes = 8 << 20, .depth = 4, .members = 40};
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        CLEANUP(buf_done) Buf message = {0}, why = {0};
        CLEANUP(cjson_freep) cJSON *o = NULL;
        MailMessage m;
        if (json_parse((Str){line, (size_t)n - (line[n - 1] == '\n')}, &limits, &o, &why) < 0) {
            (void)fprintf(stderr, "%s\n", why.p);
            return 1;
        }
        message_of(o, &m);
        MailOutcome outcome = mail_build(&m, &message, &why);
        char *out = xmalloc(message.n * 4 / 3 + 8);
        (void)text_base64url(message.n ? message.p : "", message.n, out);
        (void)printf("%s %s\n", outcomes[outcome], out);
        free(out);
    }
    free(line);
    return 0;
}
