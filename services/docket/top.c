/* docket top -- the live board on a terminal, as docket-analytics draws it every second. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "docket/command.h"
#include "docket/options.h"
#include "docket/top_feed.h"
#include "docket/top_picture.h"
#include "json/json.h"

static const char me[] = "docket top";

static const char help[] =
    "Usage: docket top [options]\n"
    "\n"
    "现场看板：到达、等待、客服、到期、各服务的落后，每秒刷新。按 q 退出。\n"
    "The live board: what arrives, what waits, who is free, which promises fall due within the\n"
    "hour, and how far each service is behind; refreshed every second. q leaves.\n"
    "\n"
    "  --once            one picture, and that is it; also where the output is no terminal\n"
    "  --json            as JSON, a picture a line\n"
    "  --seconds S       for so long (until q)\n"
    "  --columns N       so wide (the terminal's width; 100 where it is none)\n"
    "  --url URL         docket-analytics (DOCKET_ANALYTICS_URL, DOCKET_URL)\n"
    "  --token TOKEN     of somebody who may read tickets (DOCKET_TOKEN)\n"
    "\n"
    "Exit codes: 0 shown, 1 nobody answers or it is refused, 2 not called like this.\n";

enum { ANSWER_MS = 10000, SILENCE_MS = 10000, AGAIN_MS = 1000 };

typedef struct Top {
    const char *url, *token;
    bool once, json;
    int64_t seconds, columns;
    /* While it runs. */
    HttpAddress server;
    bool screen; /* on a terminal, over and over */
    cJSON *board;
} Top;

static volatile sig_atomic_t over;

static void on_signal(int signo) {
    (void)signo;
    over = 1;
}

/* ---- the terminal ---- */

static struct termios terminal_was;
static bool terminal_changed;

static void screen_enter(void) {
    struct termios t;
    struct sigaction end = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &end, NULL);
    (void)sigaction(SIGTERM, &end, NULL);
    (void)sigaction(SIGHUP, &end, NULL);
    if (tcgetattr(STDIN_FILENO, &terminal_was) == 0) {
        t = terminal_was;
        t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        terminal_changed = tcsetattr(STDIN_FILENO, TCSANOW, &t) == 0;
    }
    (void)fputs("\033[?1049h\033[?25l", stdout);
}

static void screen_leave(void) {
    (void)fputs("\033[?25h\033[?1049l", stdout);
    (void)fflush(stdout);
    if (terminal_changed) (void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal_was);
}

static TopLook look_of(const Top *t, const char *trouble) {
    struct winsize size;
    TopLook look = {.columns = 100, .trouble = trouble};
    const char *no_colour = getenv("NO_COLOR");
    if (isatty(STDOUT_FILENO)) {
        look.colour = !no_colour || !*no_colour;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col) {
            look.columns = size.ws_col;
            if (t->screen) look.lines = size.ws_row;
        }
    }
    if (t->columns) look.columns = (size_t)t->columns;
    return look;
}

/* Over what stands there, line by line, so that nothing flickers. */
static void show_screen(const Buf *picture) {
    Str rest = buf_str(picture);
    (void)fputs("\033[H", stdout);
    while (rest.p && rest.n) {
        Str line = str_cut(rest, '\n', &rest);
        (void)printf("%.*s\033[K%s", STR_ARG(line), rest.n ? "\r\n" : "");
    }
    (void)fputs("\033[J", stdout);
    (void)fflush(stdout);
}

static void show(const Top *t, const char *trouble) {
    CLEANUP(buf_done) Buf picture = {0};
    TopLook look = look_of(t, trouble);
    top_picture_write(t->board, &look, &picture);
    if (t->screen) {
        show_screen(&picture);
    } else {
        (void)fwrite(picture.p, 1, picture.n, stdout);
        (void)fflush(stdout);
    }
}

/* ---- pictures ---- */

static bool take_picture(Top *t, Str text) {
    CLEANUP(buf_done) Buf problem = {0};
    static const JsonLimits limits = {.bytes = SSE_EVENT_BYTES, .depth = 8, .members = 64};
    if (t->json) {
        (void)printf("%.*s\n", STR_ARG(text));
        (void)fflush(stdout);
        return true;
    }
    cJSON *board = NULL;
    if (json_parse(text, &limits, &board, &problem) < 0) {
        (void)fprintf(stderr, "%s: %s\n", me, problem.p);
        return false;
    }
    cJSON_Delete(t->board);
    t->board = board;
    show(t, NULL);
    return true;
}

/* Something was typed, or a signal came: is that the end? */
static bool is_end(void) {
    char key;
    if (over) return true;
    ssize_t n = read(STDIN_FILENO, &key, 1);
    return n > 0 ? key == 'q' || key == 'Q' || key == 3 : n == 0;
}

/* True: try again. */
static bool lost(Top *t, TopOutcome how, const Buf *why) {
    if (!t->screen || how == TOP_REFUSED) {
        if (t->screen) screen_leave();
        t->screen = false;
        (void)fprintf(stderr, "%s: %s\n", me, why->p ? why->p : "no answer");
        return false;
    }
    show(t, why->p);
    (void)usleep(AGAIN_MS * 1000); /* a signal ends it early */
    return !over;
}

static int run_feed(Top *t) {
    TopFeed feed = TOP_FEED_CLOSED;
    CLEANUP(buf_done) Buf why = {0};
    int also = t->screen ? STDIN_FILENO : -1, shown = 0;
    int64_t end_ms = t->seconds ? clock_monotonic_ms() + t->seconds * 1000 : INT64_MAX;
    bool go_on = true;
    while (go_on && !over && clock_monotonic_ms() < end_ms) {
        Str picture = {NULL, 0};
        buf_clear(&why);
        TopOutcome o = feed.fd < 0
                           ? top_feed_open(&feed, &t->server, str(t->token), ANSWER_MS, &why)
                           : top_feed_next(&feed, SILENCE_MS, also, &picture, &why);
        switch (o) {
        case TOP_PICTURE:
            if (!feed.begun) { /* the head alone */
                feed.begun = true;
                break;
            }
            if (!take_picture(t, picture)) go_on = false;
            shown++;
            if (t->once) go_on = false;
            break;
        case TOP_KEY:
            if (is_end()) go_on = false;
            break;
        case TOP_NOTHING:
            buf_adds(&why, "没有新的数据 nothing new comes");
            top_feed_close(&feed);
            go_on = lost(t, TOP_AWAY, &why);
            break;
        case TOP_ENDED:
        case TOP_AWAY:
        case TOP_REFUSED:
            go_on = lost(t, o, &why);
            break;
        }
    }
    top_feed_close(&feed);
    return shown ? 0 : 1;
}

static int run(int argc, char **argv) {
    Top t = {.url = NULL};
    CLEANUP(buf_done) Buf problem = {0};
    const Option options[] = {{"once", OPTION_FLAG, &t.once, 0, 0},
                              {"json", OPTION_FLAG, &t.json, 0, 0},
                              {"seconds", OPTION_NUMBER, &t.seconds, 1, 31536000},
                              {"columns", OPTION_NUMBER, &t.columns, 60, 1000},
                              {"url", OPTION_TEXT, &t.url, 0, 0},
                              {"token", OPTION_TEXT, &t.token, 0, 0}};
    int r = options_read(me, argc, argv, options, sizeof(options) / sizeof(*options));
    if (r) return r;
    if (optind < argc) return options_misused(me, "takes no argument", argv[optind]);
    if (!t.url) t.url = getenv("DOCKET_ANALYTICS_URL");
    if (!t.url || !*t.url)
        t.url = command_environment("DOCKET_URL", "docket-analytics, http://host:port");
    if (!t.token) t.token = command_environment("DOCKET_TOKEN", "a token of the tenant");
    if (http_address_resolve(str(t.url), &t.server, &problem) < 0) {
        (void)fprintf(stderr, "%s: %s\n", me, problem.p);
        return 2;
    }
    if (!isatty(STDOUT_FILENO) && !t.json && !t.seconds) t.once = true;
    t.screen = isatty(STDOUT_FILENO) && !t.once && !t.json;
    if (t.screen) screen_enter();
    int verdict = run_feed(&t);
    if (t.screen) screen_leave();
    cJSON_Delete(t.board);
    return verdict;
}

const Command top_command = {.name = "top",
                             .summary = "the live board: what arrives, waits, falls due",
                             .help = help,
                             .run = run};
