/* A message put together: checked, headers, bodies. */
#include <stdio.h>
#include <time.h>

#include "mail/mail_internal.h"

typedef struct Builder {
    Buf *to;
    Buf *problem;
    MailOutcome outcome;
} Builder;

/* The first mistake counts. */
static void refuse(Builder *b, MailOutcome o, const char *what, const char *why) {
    if (b->outcome != MAIL_BUILT) return;
    b->outcome = o;
    if (b->problem) buf_printf(b->problem, "%s: %s", what, why);
}

/* ---- Headers ---- */

static void line(Builder *b, const char *name, Str value) {
    if (!value.n) return;
    if (!mail_is_line(value))
        refuse(b, MAIL_BAD_HEADER, name, "a line break, another control character, or no UTF-8");
    else if (value.n > MAIL_HEADER_MAX)
        refuse(b, MAIL_TOO_LARGE, name, "longer than 998 bytes");
    else {
        buf_printf(b->to, "%s: ", name);
        mail_encode(value, false, b->to);
        buf_adds(b->to, "\r\n");
    }
}

static void add_address(Builder *b, const char *name, MailAddress a) {
    CLEANUP(buf_done) Buf why = {0};
    if (!mail_is_line(a.name))
        refuse(b, MAIL_BAD_HEADER, name, "a line break, another control character, or no UTF-8");
    if (a.name.n > MAIL_HEADER_MAX) refuse(b, MAIL_TOO_LARGE, name, "a name longer than 998 bytes");
    if (b->outcome != MAIL_BUILT) return;
    if (a.name.n) {
        mail_encode(a.name, true, b->to);
        buf_adds(b->to, a.name.n > 20 ? "\r\n " : " ");
    }
    buf_addc(b->to, '<');
    MailOutcome o = mail_address(a.address, b->to, &why);
    if (o != MAIL_BUILT) refuse(b, o, name, why.p);
    buf_addc(b->to, '>');
}

static void addresses(Builder *b, const char *name, const MailAddress *all, size_t n) {
    if (!n) return;
    buf_printf(b->to, "%s: ", name);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_adds(b->to, ",\r\n ");
        add_address(b, name, all[i]);
    }
    buf_adds(b->to, "\r\n");
}

static void id(Builder *b, const char *name, Str value) {
    if (!mail_is_message_id(value))
        refuse(b, MAIL_BAD_ADDRESS, name, "an id that is none");
    else
        buf_printf(b->to, "%s: <%.*s>\r\n", name, STR_ARG(value));
}

static void references(Builder *b, const Str *all, size_t n) {
    if (!n) return;
    buf_adds(b->to, "References:");
    for (size_t i = 0; i < n; i++) {
        if (!mail_is_message_id(all[i])) {
            refuse(b, MAIL_BAD_ADDRESS, "References", "an id that is none");
            return;
        }
        if (i == 0 || i + MAIL_REFERENCES_MAX > n)
            buf_printf(b->to, "%s <%.*s>", i ? "\r\n" : "", STR_ARG(all[i]));
    }
    buf_adds(b->to, "\r\n");
}

static void date(Builder *b, int64_t at_ms) {
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t at = (time_t)(at_ms / 1000);
    struct tm t;
    if (at_ms < 0 || !gmtime_r(&at, &t) || t.tm_year > 8099) {
        refuse(b, MAIL_BAD_HEADER, "Date", "a time that is none");
        return;
    }
    buf_printf(b->to, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", days[t.tm_wday], t.tm_mday,
               months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

/* A value that is ASCII without blanks or brackets, or it is refused. */
static bool is_token(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || (s.p[i] & 0x80) || s.p[i] == 0x7f || strchr("<>\"\\,", s.p[i]))
            return false;
    return s.n <= MAIL_HEADER_MAX - 40;
}

static void unsubscribe(Builder *b, const MailMessage *m) {
    if (!m->unsubscribe_url.n && !m->unsubscribe_mail.n) return;
    buf_adds(b->to, "List-Unsubscribe: ");
    if (m->unsubscribe_url.n) {
        if (!str_starts(m->unsubscribe_url, STR("https://")) || !is_token(m->unsubscribe_url))
            refuse(b, MAIL_BAD_HEADER, "List-Unsubscribe", "an address that is none, or not https");
        else
            buf_printf(b->to, "<%.*s>", STR_ARG(m->unsubscribe_url));
        if (m->unsubscribe_mail.n) buf_adds(b->to, ",\r\n ");
    }
    if (m->unsubscribe_mail.n) {
        CLEANUP(buf_done) Buf why = {0};
        buf_adds(b->to, "<mailto:");
        MailOutcome o = mail_address(m->unsubscribe_mail, b->to, &why);
        if (o != MAIL_BUILT) refuse(b, o, "List-Unsubscribe", why.p);
        buf_addc(b->to, '>');
    }
    buf_adds(b->to, "\r\n");
    if (m->unsubscribe_url.n)
        buf_adds(b->to, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
}

static void token(Builder *b, const char *name, Str value, const char *open, const char *close) {
    if (!value.n) return;
    if (!is_token(value))
        refuse(b, MAIL_BAD_HEADER, name,
               "a blank, bracket, control character or letter beyond "
               "ASCII");
    else
        buf_printf(b->to, "%s: %s%.*s%s\r\n", name, open, STR_ARG(value), close);
}

static void headers(Builder *b, const MailMessage *m) {
    date(b, m->at_ms);
    addresses(b, "From", &m->from, 1);
    if (m->reply_to.address.n || m->reply_to.name.n) addresses(b, "Reply-To", &m->reply_to, 1);
    addresses(b, "To", m->to, m->to_n);
    addresses(b, "Cc", m->cc, m->cc_n);
    line(b, "Subject", m->subject);
    id(b, "Message-ID", m->message_id);
    if (m->in_reply_to.n) id(b, "In-Reply-To", m->in_reply_to);
    references(b, m->references, m->references_n);
    if (m->origin != MAIL_BY_PERSON)
        buf_printf(b->to, "Auto-Submitted: %s\r\nX-Auto-Response-Suppress: All\r\n",
                   m->origin == MAIL_GENERATED ? "auto-generated" : "auto-replied");
    token(b, "X-Docket-Loop", m->loop, "", "");
    token(b, "List-Id", m->list_id, "<", ">");
    unsubscribe(b, m);
    token(b, "Content-Language", m->language, "", "");
    buf_adds(b->to, "MIME-Version: 1.0\r\n");
}

/* ---- Bodies ---- */

static bool is_body(Str s) {
    if (s.n && !str_is_text(s)) return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) return false;
    }
    return true;
}

static void part(Builder *b, const char *type, Str body) {
    CLEANUP(buf_done) Buf lines = {0};
    size_t beyond = 0;
    for (size_t i = 0; i < body.n; i++) {
        if (body.p[i] == '\r') continue; /* every line break becomes CRLF */
        if (body.p[i] == '\n') buf_addc(&lines, '\r');
        buf_addc(&lines, body.p[i]);
        beyond += (body.p[i] & 0x80) != 0;
    }
    bool base64 = beyond > lines.n / 6; /* quoted, each of them takes three */
    buf_printf(b->to,
               "Content-Type: %s; charset=\"utf-8\"\r\nContent-Transfer-Encoding: %s\r\n\r\n", type,
               base64 ? "base64" : "quoted-printable");
    if (base64)
        mail_base64(buf_str(&lines), 57, b->to);
    else
        mail_quote(buf_str(&lines), b->to);
    buf_adds(b->to, "\r\n");
}

/* "=_" stands in no quoted-printable or base64 text, so no body can end the part. */
static const char boundary[] = "=_docket_part";

static void bodies(Builder *b, const MailMessage *m) {
    if (!is_body(m->text) || !is_body(m->html))
        refuse(b, MAIL_BAD_BODY, "body", "a control character, or no UTF-8");
    if (m->text.n > MAIL_BODY_MAX || m->html.n > MAIL_BODY_MAX)
        refuse(b, MAIL_TOO_LARGE, "body", "longer than 1 MiB");
    if (b->outcome != MAIL_BUILT) return;
    if (!m->html.n) {
        part(b, "text/plain", m->text);
        return;
    }
    buf_printf(b->to, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n", boundary);
    buf_printf(b->to, "--%s\r\n", boundary);
    part(b, "text/plain", m->text);
    buf_printf(b->to, "--%s\r\n", boundary);
    part(b, "text/html", m->html);
    buf_printf(b->to, "--%s--\r\n", boundary);
}

MailOutcome mail_build(const MailMessage *m, Buf *ret, Buf *ret_problem) {
    CLEANUP(buf_done) Buf text = {0};
    Builder b = {.to = &text, .problem = ret_problem};
    if (m->to_n == 0) refuse(&b, MAIL_BAD_ADDRESS, "To", "nobody");
    if (m->to_n + m->cc_n > MAIL_RECIPIENTS_MAX)
        refuse(&b, MAIL_TOO_LARGE, "To", "more than 100 recipients");
    if (b.outcome == MAIL_BUILT) headers(&b, m);
    if (b.outcome == MAIL_BUILT) bodies(&b, m);
    if (text.n > MAIL_MESSAGE_MAX) refuse(&b, MAIL_TOO_LARGE, "message", "longer than 5 MiB");
    if (b.outcome == MAIL_BUILT) buf_add_str(ret, buf_str(&text));
    return b.outcome;
}
