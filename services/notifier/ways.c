/* One outgoing client for all of them, and each way's own settings. */
#include "notifier/ways.h"

#include <errno.h>
#include <stdlib.h>

#include "config/config.h"
#include "notifier/channels/mail.h"
#include "notifier/channels/robot.h"
#include "notifier/channels/secrets.h"
#include "notifier/channels/sms.h"
#include "notifier/channels/topic.h"
#include "notifier/channels/webhook.h"
#include "signing/link.h"

enum { IDLE_MAX = 256, BYTES_MAX = 128 << 20, HOST_BYTES = 256 };

struct Ways {
    WaysParts parts;
    Outgoing *outgoing;
    Secrets *secrets;
    Words *words;
    TokenKey key;
    MailChannelSettings mail;
    char *mail_host, *mail_user, *mail_password;
    Channel *channels[NOTIFY_WAYS];
    Delivering *delivering;
};

/* ---- Mail ---- */

/* What stands in a URL, %40 and the like taken back. */
static char *decoded(Str text) {
    char *copy = xmalloc(text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        copy[n] = text.p[i];
        if (text.p[i] == '%' && i + 2 < text.n &&
            text_unhex((Str){text.p + i + 1, 2}, &copy[n], 1) == 1)
            i += 2;
        n++;
    }
    copy[n] = 0;
    return copy;
}

/* smtp://user:password@host:port, as config has checked it. */
static int read_mail_url(Ways *w, Buf *problem) {
    Str rest = str(w->parts.settings->mail_url), user = {NULL, 0}, host, port;
    char bare[HOST_BYTES];
    uint16_t number = 0;
    rest = (Str){rest.p + strlen("smtp://"), rest.n - strlen("smtp://")};
    rest = str_cut(rest, '/', &port);
    for (size_t i = rest.n; i-- > 0;)
        if (rest.p[i] == '@') {
            user = (Str){rest.p, i};
            rest = (Str){rest.p + i + 1, rest.n - i - 1};
            break;
        }
    Str password, name = str_cut(user, ':', &password);
    w->mail_user = decoded(name);
    w->mail_password = decoded(password);
    if (config_parse_address(rest, bare, &number) == 0) {
        host = str(bare);
    } else {
        host = rest;
        if (host.n > 2 && host.p[0] == '[') host = (Str){host.p + 1, host.n - 2};
    }
    if (!host.n) {
        buf_adds(problem, "mail_url names no host");
        return -EINVAL;
    }
    w->mail_host = xstrndup(host.p, host.n);
    w->mail = (MailChannelSettings){.host = w->mail_host,
                                    .port = number,
                                    .tls = OUTGOING_TLS_STARTTLS,
                                    .user = w->mail_user,
                                    .password = w->mail_password,
                                    .from = w->parts.settings->mail_from,
                                    .bounces = w->parts.settings->mail_bounces,
                                    .timeout_ms = (int)w->parts.settings->mail_timeout_ms};
    if (str_is(str(w->parts.settings->mail_tls), "implicit")) w->mail.tls = OUTGOING_TLS_IMPLICIT;
    if (str_is(str(w->parts.settings->mail_tls), "none")) w->mail.tls = OUTGOING_TLS_NONE;
    return 0;
}

static int open_mail(Ways *w, Buf *problem) {
    if (!w->parts.settings->mail_from[0]) return 0;
    if (read_mail_url(w, problem) < 0) return -EINVAL;
    w->channels[NOTIFY_BY_MAIL] = mail_channel_new(w->outgoing, &w->mail, problem);
    return w->channels[NOTIFY_BY_MAIL] ? 0 : -EINVAL;
}

/* ---- The others ---- */

static int open_topics(Ways *w, Buf *problem) {
    const NotifierSettings *s = w->parts.settings;
    TopicChannelSettings topics = {.brokers = s->kafka_brokers,
                                   .options = s->kafka_options,
                                   .client_id = w->parts.instance,
                                   .mode = str_is(str(s->cloud_events), "structured")
                                               ? CLOUD_EVENT_STRUCTURED
                                               : CLOUD_EVENT_BINARY};
    w->channels[NOTIFY_BY_KAFKA] = topic_channel_new(w->parts.loop, &topics, problem);
    return w->channels[NOTIFY_BY_KAFKA] ? 0 : -EINVAL;
}

static int open_channels(Ways *w, Buf *problem) {
    Loop *loop = w->parts.loop;
    w->secrets = secrets_new(loop, w->parts.settings->postgres_url, w->parts.instance,
                             w->parts.vault, problem);
    if (!w->secrets) return -EINVAL;
    ChannelSecrets secrets = secrets_finder(w->secrets);
    w->channels[NOTIFY_BY_WEBHOOK] =
        webhook_channel_new(w->outgoing, secrets, (int)w->parts.settings->webhook_timeout_ms);
    w->channels[NOTIFY_BY_SMS] = sms_channel_new(loop, w->outgoing, secrets);
    Channel *robots = robot_channel_new(loop, w->outgoing, secrets);
    w->channels[NOTIFY_BY_DINGTALK] = robots;
    w->channels[NOTIFY_BY_WECOM] = robots;
    w->channels[NOTIFY_BY_FEISHU] = robots;
    int r = open_topics(w, problem);
    return r < 0 ? r : open_mail(w, problem);
}

/* ---- Delivering ---- */

static const Catalog *catalog_of(void *arg, int64_t tenant_id) {
    const Ways *w = arg;
    return configuration_catalog(w->parts.configuration, tenant_id);
}

static int open_delivering(Ways *w, Buf *problem) {
    const NotifierSettings *s = w->parts.settings;
    DeliveringSettings d;
    delivering_defaults(&d);
    d.postgres_url = s->postgres_url;
    d.instance = w->parts.instance;
    d.limits.concurrency = (size_t)s->concurrency;
    d.limits.running_max = (size_t)s->running_max;
    d.limits.circuit.first_ms = s->leave_alone_ms;
    d.lease_margin_ms = s->lease_margin_ms;
    d.retry_first_ms = s->retry_first_ms;
    d.retry_most_ms = s->retry_most_ms;
    d.pause_after_ms = s->pause_after_ms;
    DeliveringParts parts = {.world = {.desk_url = s->desk_url,
                                       .mail_from = s->mail_from,
                                       .key = &w->key,
                                       .words = w->words},
                             .vault = w->parts.vault,
                             .catalog = catalog_of,
                             .arg = w};
    memcpy(parts.channels, w->channels, sizeof(parts.channels));
    w->delivering = delivering_new(w->parts.loop, &d, &parts, problem);
    return w->delivering ? 0 : -EINVAL;
}

Ways *ways_new(const WaysParts *parts, Buf *ret_problem) {
    const NotifierSettings *s = parts->settings;
    Ways *w = xcalloc(1, sizeof(*w));
    w->parts = *parts;
    w->words = words_new();
    w->key.id = LINK_KEY_ID;
    w->outgoing = outgoing_new(
        parts->loop,
        &(OutgoingSettings){.allow = s->allow_networks,
                            .ca_file = s->ca_file[0] ? s->ca_file : NULL,
                            .max_running = (size_t)s->running_max,
                            /* A mail server serves all tenants: four times one's own. */
                            .max_per_destination = 4 * (size_t)s->concurrency,
                            .max_bytes = BYTES_MAX,
                            .max_idle = IDLE_MAX},
        ret_problem);
    if (!w->outgoing ||
        vault_hash(parts->vault, 0, STR(LINK_KEY_FIELD), STR(LINK_KEY_TEXT), w->key.bytes) < 0 ||
        open_channels(w, ret_problem) < 0 || open_delivering(w, ret_problem) < 0)
        return ways_free(w);
    return w;
}

Ways *ways_free(Ways *w) {
    if (!w) return NULL;
    for (int i = 0; i < NOTIFY_WAYS; i++) {
        Channel *c = w->channels[i];
        for (int k = i; k < NOTIFY_WAYS; k++) /* some serve several ways */
            if (w->channels[k] == c) w->channels[k] = NULL;
        channel_free(c);
    }
    w->delivering = delivering_free(w->delivering);
    w->secrets = secrets_free(w->secrets);
    w->outgoing = outgoing_free(w->outgoing);
    w->words = words_free(w->words);
    free(w->mail_host);
    free(w->mail_user);
    free(w->mail_password);
    free(w);
    return NULL;
}

Delivering *ways_delivering(Ways *w) {
    return w->delivering;
}
