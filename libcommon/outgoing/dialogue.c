/* RFC 5321, the client's side of one transaction. Commands go one by one, or all three ahead of
 * the message at once; either way the replies come in their order. */
#include "outgoing/dialogue.h"

#include <errno.h>

#include "outgoing/answer.h"

enum { ADDRESS_BYTES = 254, MESSAGE_LINE_BYTES = 998, REASON_BYTES = 300 };

int dialogue_check_address(Str address, bool may_be_empty, bool *needs_utf8) {
    size_t ats = 0;
    *needs_utf8 = false;
    if (address.n == 0) return may_be_empty ? 0 : -EINVAL;
    if (address.n > ADDRESS_BYTES || !str_is_text(address)) return -EINVAL;
    for (size_t i = 0; i < address.n; i++) {
        unsigned char c = (unsigned char)address.p[i];
        if (c <= ' ' || c == 0x7f || strchr("<>()[]\\,;:\"", c)) return -EINVAL;
        ats += c == '@';
        *needs_utf8 = *needs_utf8 || c >= 0x80;
    }
    bool ends = address.p[0] == '@' || address.p[address.n - 1] == '@';
    return ats == 1 && !ends ? 0 : -EINVAL;
}

int dialogue_check_message(Str message, Buf *problem) {
    size_t line = 0;
    for (size_t i = 0; i < message.n; i++) {
        char c = message.p[i];
        if (c == '\r' && i + 1 < message.n && message.p[i + 1] == '\n') {
            line = 0;
            i++;
            continue;
        }
        if (c == '\r' || c == '\n' || c == 0) {
            buf_adds(problem,
                     "a message's lines end in CR LF, and neither they nor NUL stand elsewhere");
            return -EINVAL;
        }
        if (++line > MESSAGE_LINE_BYTES) {
            buf_printf(problem, "a message's line has at most %d bytes", MESSAGE_LINE_BYTES);
            return -EINVAL;
        }
    }
    if (message.n == 0 || line) {
        buf_adds(problem, "a message ends with CR LF");
        return -EINVAL;
    }
    return 0;
}

static bool is_8bit(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80) return true;
    return false;
}

static void end(Dialogue *d, OutgoingOutcome outcome, const char *why) {
    d->state = DIALOGUE_ENDED;
    d->outcome = outcome;
    buf_clear(&d->to_send);
    if (outcome == OUTGOING_DELIVERED) return;
    buf_adds(&d->reason, why);
    if (d->code) buf_printf(&d->reason, ": %d %.*s", d->code, STR_ARG(buf_str(&d->text)));
}

void dialogue_begin(Dialogue *d, Str from, Str to, Str message, bool knows_utf8, bool knows_8bit,
                    bool pipelines) {
    bool from_utf8, to_utf8;
    *d = (Dialogue){.from = from,
                    .to = to,
                    .message = message,
                    .knows_utf8 = knows_utf8,
                    .knows_8bit = knows_8bit,
                    .pipelines = pipelines};
    (void)dialogue_check_address(from, true, &from_utf8);
    (void)dialogue_check_address(to, false, &to_utf8);
    bool eight = is_8bit(message);
    if ((from_utf8 || to_utf8) && !knows_utf8) {
        end(d, OUTGOING_REFUSED, "the mail server does not know addresses beyond ASCII (SMTPUTF8)");
    } else if (eight && !knows_8bit) {
        end(d, OUTGOING_REFUSED, "the mail server takes messages of ASCII only (no 8BITMIME)");
    } else {
        buf_printf(&d->to_send, "MAIL FROM:<%.*s>%s%s\r\n", STR_ARG(from),
                   eight ? " BODY=8BITMIME" : "", from_utf8 || to_utf8 ? " SMTPUTF8" : "");
        if (pipelines) buf_printf(&d->to_send, "RCPT TO:<%.*s>\r\nDATA\r\n", STR_ARG(to));
    }
}

void dialogue_done(Dialogue *d) {
    buf_done(&d->to_send);
    buf_done(&d->reply);
    buf_done(&d->text);
    buf_done(&d->reason);
}

/* A line that begins with a dot gets another one; one dot alone ends it. */
static void add_message(Buf *to, Str message) {
    buf_reserve(to, message.n + message.n / 64 + 16);
    while (message.n) {
        const char *lf = memchr(message.p, '\n', message.n);
        size_t n = lf ? (size_t)(lf + 1 - message.p) : message.n;
        if (message.p[0] == '.') buf_addc(to, '.');
        buf_add(to, message.p, n);
        message = (Str){message.p + n, message.n - n};
    }
    buf_adds(to, ".\r\n");
}

static void answer(Dialogue *d) {
    static const char *const refused[] = {
        "the mail server refused the sender", "the mail server refused the recipient",
        "the mail server refused to take a message", "the mail server refused the message", ""};
    bool good = d->state == DIALOGUE_DATA ? d->code == 354 : d->code / 100 == 2;
    if (d->to_send.n && d->code < 400) { /* an answer to what has not been said yet */
        end(d, OUTGOING_LATER, "the mail server speaks out of turn");
        return;
    }
    if (!good) {
        OutgoingOutcome outcome = answer_of_smtp(d->code);
        end(d, outcome == OUTGOING_REFUSED ? outcome : OUTGOING_LATER, refused[d->state]);
        return;
    }
    switch (d->state) {
    case DIALOGUE_MAIL:
        d->state = DIALOGUE_RCPT;
        if (!d->pipelines) buf_printf(&d->to_send, "RCPT TO:<%.*s>\r\n", STR_ARG(d->to));
        break;
    case DIALOGUE_RCPT:
        d->state = DIALOGUE_DATA;
        if (!d->pipelines) buf_adds(&d->to_send, "DATA\r\n");
        break;
    case DIALOGUE_DATA:
        d->state = DIALOGUE_MESSAGE;
        add_message(&d->to_send, d->message);
        break;
    case DIALOGUE_MESSAGE:
        end(d, OUTGOING_DELIVERED, "");
        break;
    case DIALOGUE_ENDED:
        break;
    }
}

/* One line, without its CR LF. */
static void hear_line(Dialogue *d, Str line) {
    int code = 0;
    bool good = line.n >= 3 && (line.n == 3 || line.p[3] == ' ' || line.p[3] == '-');
    for (size_t i = 0; i < 3 && good; i++) {
        good = line.p[i] >= '0' && line.p[i] <= '9';
        code = code * 10 + (line.p[i] - '0');
    }
    if (!good || code < 200 || code > 599) {
        d->code = 0;
        end(d, OUTGOING_LATER, "the mail server does not speak SMTP");
        return;
    }
    d->code = code;
    buf_clear(&d->text);
    buf_adds(&d->text, "");
    for (size_t i = 4; i < line.n && d->text.n < REASON_BYTES; i++)
        buf_addc(&d->text, line.p[i] >= ' ' && line.p[i] <= '~' ? line.p[i] : '?');
    if (line.n > 3 && line.p[3] == '-') return; /* more of it comes */
    d->reply_bytes = 0;
    answer(d);
}

void dialogue_hear(Dialogue *d, Str bytes) {
    for (size_t i = 0; i < bytes.n && d->state != DIALOGUE_ENDED; i++) {
        if (++d->reply_bytes > DIALOGUE_REPLY_BYTES || d->reply.n > DIALOGUE_LINE_BYTES) {
            d->code = 0;
            end(d, OUTGOING_LATER, "the mail server's reply has no end");
            return;
        }
        if (bytes.p[i] != '\n') {
            buf_addc(&d->reply, bytes.p[i]);
            continue;
        }
        Str line = buf_str(&d->reply);
        if (line.n && line.p[line.n - 1] == '\r') line.n--;
        hear_line(d, line.p ? line : STR(""));
        buf_clear(&d->reply);
    }
}

bool dialogue_before_message(const Dialogue *d) {
    return d->state == DIALOGUE_DATA || (d->state == DIALOGUE_MESSAGE && d->to_send.n);
}

void dialogue_give_up(Dialogue *d, const char *why) {
    if (d->state == DIALOGUE_ENDED) return;
    d->code = 0;
    end(d, OUTGOING_LATER, why);
}

bool dialogue_in_doubt(const Dialogue *d) {
    return d->state == DIALOGUE_MESSAGE;
}
