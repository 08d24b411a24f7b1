/* WorkforceStaff -- one request after another; the loop turns until each is answered. */
#include "docket/workforce_staff.h"

#include <errno.h>
#include <stdio.h>

#include "docket/http_link.h"

enum { PATIENCE_MS = 10000, CONNECT_MS = 3000, PAGE = 100 };

typedef struct Office {
    Loop *loop;
    HttpAddress desk;
    HttpLink link;
    DeskIdentity who;
    bool answered;
    int status, retry_after_s;
    Buf body, path, cursor;
} Office;

static void on_opened(void *arg) {
    Office *o = arg;
    (void)http_link_flush(&o->link);
}

static bool on_answered(void *arg, const HttpReply *reply) {
    Office *o = arg;
    if (o->answered) return false;
    o->answered = true;
    o->status = reply->status;
    o->retry_after_s = reply->retry_after_s;
    buf_clear(&o->body);
    buf_add_str(&o->body, reply->body);
    loop_stop(o->loop);
    return true;
}

static void on_lost(void *arg, HttpLoss why) {
    Office *o = arg;
    (void)why;
    loop_stop(o->loop);
}

static const HttpLinkUser link_user = {on_opened, on_answered, on_lost, NULL};

/* The answer's status; -EIO without one. 429 and 503 are asked again a few times. */
static int office_ask(Office *o, const char *method, const char *path, Str body) {
    for (int i = 0; i < 10; i++) {
        o->answered = false;
        o->status = -EIO;
        for (int wait = 0; !o->link.open && wait < CONNECT_MS; wait += 100)
            loop_run_for(o->loop, 100);
        if (!o->link.open) return -EIO;
        desk_write(&o->link.out, o->desk.host, &o->who, method, path, "application/json", body);
        if (http_link_flush(&o->link)) loop_run_for(o->loop, PATIENCE_MS);
        if (o->answered && o->status != 429 && o->status != 503) return o->status;
        if (o->answered) loop_run_for(o->loop, o->retry_after_s ? o->retry_after_s * 1000L : 500);
    }
    return o->answered ? o->status : -EIO;
}

static int complain(Buf *ret, const Office *o, const char *what, int status) {
    if (status < 0)
        buf_printf(ret, "%s: no answer from %s", what, o->desk.host);
    else
        buf_printf(ret, "%s: the desk answered %d: %.*s", what, status,
                   (int)(o->body.n < 300 ? o->body.n : 300), o->body.p ? o->body.p : "");
    return status < 0 ? -EIO : -EINVAL;
}

/* Every page of a list; at most `most` of its entries. */
static int list(Office *o, const char *path, const char *plural, size_t most, DeskPerson **ret,
                size_t *ret_n, Buf *ret_problem) {
    DeskPerson *people = NULL;
    size_t n = 0;
    buf_clear(&o->cursor);
    do {
        buf_clear(&o->path);
        buf_printf(&o->path, "%s%cpage[size]=%d", path, strchr(path, '?') ? '&' : '?', PAGE);
        if (o->cursor.n) buf_printf(&o->path, "&page[after]=%s", o->cursor.p);
        int status = office_ask(o, "GET", o->path.p, (Str){NULL, 0});
        people = xrealloc(people, (n + PAGE) * sizeof(*people));
        int got = status == 200
                      ? desk_read_people(buf_str(&o->body), plural, people + n, PAGE, &o->cursor)
                      : -EINVAL;
        if (got < 0) {
            free(people);
            return complain(ret_problem, o, path, status);
        }
        n += (size_t)got;
    } while (o->cursor.n && n < most);
    *ret = people;
    *ret_n = n < most ? n : most;
    return 0;
}

/* Appends "Bearer TOKEN" and a line feed to the texts. */
static int hire(Office *o, const DeskPerson *p, Staff *staff, Buf *ret_problem) {
    CLEANUP(buf_done) Buf body = {0};
    CLEANUP(buf_done) Buf token = {0};
    desk_token_body(&body, p->id);
    int status = office_ask(o, "POST", "/api/v2/api_tokens.json", buf_str(&body));
    Str answer = buf_str(&o->body);
    if (status != 201 || desk_read_text(answer, "api_token", "full_token", &token) < 0 ||
        desk_read_id(answer, "api_token", "id", &staff->tokens[staff->tokens_n]) < 0)
        return complain(ret_problem, o, "a token for an agent", status);
    staff->tokens_n++;
    buf_printf(&staff->texts, "Bearer %s\n", token.p);
    return 0;
}

static void office_done(Office *o) {
    http_link_done(&o->link); /* does nothing before it was opened */
    loop_free(o->loop);
    buf_done(&o->body);
    buf_done(&o->path);
    buf_done(&o->cursor);
}

/* `bearer` lives as long as the office. */
static int office_open(Office *o, const char *url, Str administrator, Buf *bearer,
                       Buf *ret_problem) {
    int r = http_address_resolve(str(url), &o->desk, ret_problem);
    if (r < 0) return r;
    o->loop = loop_new();
    buf_adds(bearer, "Bearer ");
    buf_add_str(bearer, administrator);
    o->who.authorization = buf_str(bearer);
    http_link_init(&o->link, o->loop, &o->desk, &link_user, o);
    return 0;
}

void staff_dismiss(const char *url, Str administrator, Staff *s) {
    CLEANUP(buf_done) Buf bearer = {0};
    CLEANUP(buf_done) Buf problem = {0};
    CLEANUP(office_done) Office o = {0};
    if (!s->tokens_n || office_open(&o, url, administrator, &bearer, &problem) < 0) return;
    for (; s->tokens_n; s->tokens_n--) {
        buf_clear(&o.path);
        buf_printf(&o.path, "/api/v2/api_tokens/%lld.json", (long long)s->tokens[s->tokens_n - 1]);
        if (office_ask(&o, "DELETE", o.path.p, (Str){NULL, 0}) < 0)
            return; /* they end by themselves */
    }
}

int staff_hire(const char *url, Str administrator, size_t most, Staff *ret, Buf *ret_problem) {
    CLEANUP(buf_done) Buf bearer = {0};
    CLEANUP(office_done) Office o = {0};
    CLEANUP(mem_freep) DeskPerson *people = NULL, *groups = NULL;
    size_t people_n = 0, groups_n = 0;
    int r = office_open(&o, url, administrator, &bearer, ret_problem);
    if (r < 0) return r;
    r = list(&o, "/api/v2/users.json?role=agent", "users", most, &people, &people_n, ret_problem);
    if (r == 0)
        r = list(&o, "/api/v2/groups.json", "groups", 1000, &groups, &groups_n, ret_problem);
    if (r < 0) return r;
    if (people_n == 0) {
        buf_adds(ret_problem, "the desk knows no agents; docket apply brings them");
        return -EINVAL;
    }
    ret->groups = xcalloc(groups_n + 1, sizeof(*ret->groups));
    for (size_t i = 0; i < groups_n; i++)
        ret->groups[ret->groups_n++] = groups[i].id;
    ret->agents = xcalloc(people_n, sizeof(*ret->agents));
    ret->tokens = xcalloc(people_n, sizeof(*ret->tokens));
    for (size_t i = 0; i < people_n && r == 0; i++) {
        ret->agents[i].id = people[i].id;
        r = hire(&o, &people[i], ret, ret_problem);
    }
    if (r < 0) return r;
    Str rest = buf_str(&ret->texts); /* which moves no more */
    for (size_t i = 0; i < people_n; i++)
        ret->agents[i].authorization = str_cut(rest, '\n', &rest);
    ret->agents_n = people_n;
    return 0;
}

int staff_read(const char *file, size_t most, Staff *ret, Buf *ret_problem) {
    FILE *in = fopen(file, "re");
    char chunk[4096];
    size_t got;
    if (!in) {
        buf_printf(ret_problem, "%s: %s", file, strerror(errno));
        return -EINVAL;
    }
    while ((got = fread(chunk, 1, sizeof(chunk), in)) > 0)
        buf_add(&ret->texts, chunk, got);
    (void)fclose(in);
    Str rest = buf_str(&ret->texts);
    while (rest.p && ret->agents_n < most) {
        Str line = str_trim(str_cut(rest, '\n', &rest)), password;
        if (!line.n || line.p[0] == '#') continue;
        Str name = str_cut(line, ' ', &password);
        if (!password.p) {
            buf_printf(ret_problem, "%s: expected `EMAIL PASSWORD` a line", file);
            return -EINVAL;
        }
        ret->agents = xrealloc(ret->agents, (ret->agents_n + 1) * sizeof(*ret->agents));
        ret->agents[ret->agents_n++] = (PlayAgent){.name = name, .password = str_trim(password)};
    }
    if (ret->agents_n) return 0;
    buf_printf(ret_problem, "%s: nobody in it", file);
    return -EINVAL;
}

void staff_done(Staff *s) {
    free(s->agents);
    free(s->groups);
    free(s->tokens);
    buf_done(&s->texts);
}
