/* docket notify -- the operator's view of what people and systems are told: reads the words after
 * it and hands over to the verb. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docket/command.h"
#include "docket/notify_parts.h"
#include "docket/options.h"

static const char me[] = "docket notify";

enum { LIMIT = 100, LIMIT_MAX = 100000 };

static const struct {
    const char *name;
    int (*run)(const NotifyOptions *o);
    int words_min, words_max;
} verbs[] = {
    {"list", notify_list, 0, 0},
    {"show", notify_show, 1, 1},
    {"retry", notify_retry, 0, NOTIFY_IDS_MAX},
    {"drop", notify_drop, 0, NOTIFY_IDS_MAX},
    {"destinations", notify_destinations, 0, 0},
    {"pause", notify_pause, 1, 1},
    {"resume", notify_resume, 1, 1},
    {"secret", notify_secret, 1, 2},
};

Str notify_actor(const NotifyOptions *o) {
    const char *user = getenv("USER");
    return o->by && *o->by ? str(o->by) : user && *user ? str(user) : STR("operator");
}

/* A person is 'requester:7', 'agent:12', 'user:9', 'system:erp', or an agent's or system's name. */
static int find_recipient(const NotifyOptions *o, PostgresSession *s, int64_t tenant_id, Buf *ret) {
    CLEANUP(params_done) Params p = {0};
    const PostgresRows *rows;
    if (strchr(o->person, ':')) {
        buf_adds(ret, o->person);
        return 0;
    }
    if (!tenant_id) {
        (void)fprintf(stderr, "%s: whose `%s`? Give --tenant NAME too\n", me, o->person);
        return 2;
    }
    params_i64(&p, tenant_id);
    params_text(&p, str(o->person));
    int r = lookup_run(me, s,
                       "SELECT id FROM config.names WHERE tenant_id = $1::bigint AND kind = "
                       "'agent' AND name = $2::text",
                       &p, &rows);
    if (r) return r;
    if (rows_count(rows) == 1)
        buf_printf(ret, "agent:%lld", (long long)rows_int(rows, 0, 0));
    else
        buf_printf(ret, "system:%s", o->person);
    return 0;
}

static bool is_state(const char *state) {
    return !strcmp(state, "waiting") || !strcmp(state, "delivered") || !strcmp(state, "refused") ||
           !strcmp(state, "dropped");
}

int notify_filter(const NotifyOptions *o, PostgresSession *s, Params *ret) {
    CLEANUP(buf_done) Buf recipient = {0};
    int64_t tenant_id = 0, ids[NOTIFY_IDS_MAX];
    if (o->state && !is_state(o->state)) {
        (void)fprintf(stderr, "%s: a state is waiting, delivered, refused or dropped, not `%s`\n",
                      me, o->state);
        return 2;
    }
    for (int i = 0; i < o->words_n; i++)
        if (str_to_i64(str(o->words[i]), &ids[i]) < 0 || ids[i] < 1) {
            (void)fprintf(stderr, "%s: `%s` is no delivery's number; docket notify list\n", me,
                          o->words[i]);
            return 2;
        }
    int r = o->tenant ? lookup_tenant(me, s, o->tenant, &tenant_id) : 0;
    if (r == 0 && o->person) r = find_recipient(o, s, tenant_id, &recipient);
    if (r) return r;
    params_i64(ret, tenant_id);
    params_text(ret, str(o->state ? o->state : ""));
    params_text(ret, str(o->destination ? o->destination : ""));
    params_text(ret, buf_str(&recipient));
    params_i64(ret, o->ticket);
    params_array(ret, PARAM_INT8, (size_t)o->words_n);
    for (int i = 0; i < o->words_n; i++)
        params_element_i64(ret, ids[i]);
    return 0;
}

static int notify_run(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "preview")) return notify_preview(argc - 1, argv + 1);
    NotifyOptions o = {.limit = LIMIT, .ring = getenv("DOCKET_KEYRING")};
    const Option options[] = {
        {"postgres", OPTION_TEXT, &o.postgres, 0, 0},
        {"tenant", OPTION_TEXT, &o.tenant, 0, 0},
        {"state", OPTION_TEXT, &o.state, 0, 0},
        {"destination", OPTION_TEXT, &o.destination, 0, 0},
        {"person", OPTION_TEXT, &o.person, 0, 0},
        {"ticket", OPTION_NUMBER, &o.ticket, 1, 9e15},
        {"limit", OPTION_NUMBER, &o.limit, 1, LIMIT_MAX},
        {"why", OPTION_TEXT, &o.why, 0, 0},
        {"by", OPTION_TEXT, &o.by, 0, 0},
        {"despite-doubt", OPTION_FLAG, &o.despite_doubt, 0, 0},
        {"ring", OPTION_TEXT, &o.ring, 0, 0},
        {"kind", OPTION_TEXT, &o.kind, 0, 0},
        {"manner", OPTION_TEXT, &o.manner, 0, 0},
        {"new", OPTION_FLAG, &o.fresh, 0, 0},
        {"at-once", OPTION_FLAG, &o.at_once, 0, 0},
        {"plain", OPTION_FLAG, &o.plain, 0, 0},
        {"previous", OPTION_FLAG, &o.previous, 0, 0},
        {"json", OPTION_FLAG, &o.json, 0, 0},
    };
    int r = options_read(me, argc, argv, options, sizeof(options) / sizeof(*options));
    if (r) return r;
    const char *verb = optind < argc ? argv[optind] : "";
    o.words_n = argc - optind - 1;
    o.words = (const char **)argv + optind + 1;
    const char *texts[] = {o.why ? o.why : "", o.by ? o.by : "", o.person ? o.person : "",
                           o.destination ? o.destination : ""};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (!str_is_text(str(texts[i])))
            return options_misused(me, "that is not valid UTF-8", NULL);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
        if (strcmp(verb, verbs[i].name) != 0) continue;
        if (o.words_n >= verbs[i].words_min && o.words_n <= verbs[i].words_max)
            return verbs[i].run(&o);
        return options_misused(me, "too few or too many words behind", verb);
    }
    return options_misused(
        me, "list, show, retry, drop, destinations, pause, resume, secret or preview", NULL);
}

static const char help[] =
    "Usage: docket notify list [--tenant NAME] [WHICH...] [--limit N] [--json]\n"
    "       docket notify show NUMBER [--json]\n"
    "       docket notify retry NUMBER...|WHICH... [--despite-doubt] [--json]\n"
    "       docket notify drop NUMBER...|WHICH... --why TEXT [--by NAME] [--json]\n"
    "       docket notify destinations [--tenant NAME] [--json]\n"
    "       docket notify pause|resume DESTINATION --tenant NAME [--why TEXT] [--json]\n"
    "       docket notify secret set SYSTEM --tenant NAME [--kind KIND] [--manner MANNER]\n"
    "                     [--new] [--at-once] [--plain] [--ring FILE] [--json] < SECRET\n"
    "       docket notify secret list --tenant NAME [--json]\n"
    "       docket notify secret remove SYSTEM --tenant NAME [--kind KIND] [--previous] [--json]\n"
    "       docket notify preview [OPTION...] FILE...\n"
    "\n"
    "WHICH deliveries: --state waiting|delivered|refused|dropped, --destination D, --ticket ID,\n"
    "--person P (an agent's or system's name, or requester:7); for retry and drop with --tenant.\n"
    "\n"
    "  list          the newest first, 100 of them unless --limit says otherwise\n"
    "  show          everything about one, and what its words are made from\n"
    "  retry         now, and for a day again; what was delivered is not sent twice. An SMS of\n"
    "                which nobody knows whether it was sent only --despite-doubt\n"
    "  drop          is not sent any more; who and why stands in its record\n"
    "  destinations  how each one does: what waits, failures in a row, pauses\n"
    "  pause         nothing is sent there until `resume`; what comes meanwhile waits\n"
    "  resume        also of one that was paused after days of failure\n"
    "  secret set    what a system knows us by, on standard input, never as an argument; kept\n"
    "                sealed by the key ring (--ring, or DOCKET_KEYRING), in force within 2 s.\n"
    "                --kind address: a robot's URL; sign: its signing secret; webhook: a signing\n"
    "                secret, in the --manner standard, zendesk or pagerduty; the one before stays\n"
    "                good until the next one, or not with --at-once; --new makes one and shows it\n"
    "                this once. SYSTEM `sms`: the account at the SMS gateway, as JSON:\n"
    "                {\"gateway\":\"aliyun\",\"key_id\":...,\"key_secret\":...,\"sign_name\":...}\n"
    "                (tencent: app_id and region too). --plain lets an address be http://\n"
    "  secret list   what is there and what is missing; never the secrets\n"
    "  preview       checks documents as `docket apply` does, and shows their templates with an\n"
    "                invented ticket; nothing is sent, no server is asked. --template NAME,\n"
    "                --language LANG, --event EVENT, --digest (one of several), --scant (a ticket\n"
    "                with no more than every ticket has)\n"
    "\n"
    "  --postgres URL   default: $DOCKET_POSTGRES_ADMIN; for list, show and destinations\n"
    "                   $DOCKET_POSTGRES\n"
    "\n"
    "Exit: 0 good, 1 there is no such thing or it cannot be done to all of them, 2 usage or not\n"
    "possible.\n";

const Command notify_command = {
    .name = "notify",
    .summary = "what people and systems are told: look, retry, drop, secrets, preview",
    .help = help,
    .run = notify_run,
};
