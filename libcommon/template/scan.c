/* Where in a page or a JSON text a variable stands, by the words before it. */
#include <errno.h>
#include <string.h>

#include "template/template_internal.h"

/* ---- HTML ---- */

enum {
    BETWEEN, /* tags */
    TAG_OPEN,
    TAG_NAME,
    IN_TAG,
    ATTRIBUTE_NAME,
    BEFORE_VALUE,
    IN_DOUBLE,
    IN_SINGLE,
    UNQUOTED,
    REMARK,       /* <!-- ... --> */
    REMARK_DASH,  /* one dash seen */
    REMARK_DASHES /* two */
};

enum { PLAIN, ADDRESS, FORBIDDEN };

static bool blank(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\f';
}

static bool letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void name_add(Scan *s, char c) {
    if (c >= 'A' && c <= 'Z') c = (char)(c + ('a' - 'A'));
    if (s->name_n < sizeof(s->name)) s->name[s->name_n++] = c;
}

static void name_clear(Scan *s) {
    memset(s->name, 0, sizeof(s->name));
    s->name_n = 0;
}

static bool among(const Scan *s, const char *const *names) {
    for (; *names; names++)
        if (str_is((Str){s->name, s->name_n}, *names)) return true;
    return false;
}

/* Elements whose content is no HTML, or which run, embed or ask: no mail program shows them. */
static const char *tag_named(const Scan *s) {
    static const char *const refused[] = {
        "script",    "style",    "textarea", "title",  "iframe",  "noscript", "xmp",  "svg",
        "plaintext", "template", "object",   "embed",  "noembed", "noframes", "math", "base",
        "frame",     "frameset", "applet",   "select", "listing", NULL};
    return among(s, refused) ? "elements such as <script>, <style>, <title> and <iframe> are not "
                               "taken; leave it out, and write style=\"...\" for looks"
                             : NULL;
}

static const char *attribute_named(Scan *s) {
    static const char *const addresses[] = {"href", "src",    "action",     "formaction", "cite",
                                            "ping", "poster", "background", "longdesc",   NULL};
    static const char *const refused[] = {"style", "srcset", "data", "xlink:href", NULL};
    s->attribute = among(s, addresses) ? ADDRESS : among(s, refused) ? FORBIDDEN : PLAIN;
    s->slashes = 0;
    if (s->name_n >= 2 && s->name[0] == 'o' && s->name[1] == 'n')
        return "attributes that run a script (on...) are not taken; leave it out";
    if (str_is((Str){s->name, s->name_n}, "srcdoc"))
        return "the attribute srcdoc is not taken; leave it out";
    return NULL;
}

static void in_value(Scan *s, char c) {
    if (s->attribute != ADDRESS || s->slashes == 3) return;
    if (c == '/')
        s->slashes++;
    else if (c == '?' || c == '#')
        s->slashes = 3;
}

static void end_value(Scan *s) {
    s->state = IN_TAG;
    s->attribute = PLAIN;
    s->slashes = 0;
}

static const char *html_next(Scan *s, char c) {
    const char *wrong = NULL;
    switch (s->state) {
    case BETWEEN:
        if (c == '<') s->state = TAG_OPEN;
        break;
    case TAG_OPEN:
        name_clear(s);
        if (letter(c) || c == '/' || c == '!' || c == '?') {
            s->state = c == '?' ? IN_TAG : TAG_NAME;
            if (c != '/') name_add(s, c);
        } else if (c != '<') {
            s->state = BETWEEN;
        }
        break;
    case TAG_NAME:
        if (blank(c) || c == '/' || c == '>') {
            if ((wrong = tag_named(s))) break;
            name_clear(s);
            s->state = c == '>' ? BETWEEN : IN_TAG;
        } else {
            name_add(s, c);
            if (str_is((Str){s->name, s->name_n}, "!--")) {
                name_clear(s);
                s->state = REMARK_DASHES; /* <!--> is a whole one */
            }
        }
        break;
    case IN_TAG:
        if (c == '>') {
            s->state = BETWEEN;
        } else if (!blank(c) && c != '/') {
            if (c == '"' || c == '\'' || c == '=' || c == '<')
                return "a stray quote, equals sign or < in a tag; write name=\"value\"";
            name_add(s, c);
            s->state = ATTRIBUTE_NAME;
        }
        break;
    case ATTRIBUTE_NAME:
        if (c == '"' || c == '\'' || c == '<')
            return "a stray quote or < in a tag; write name=\"value\"";
        if (c == '=' || blank(c) || c == '>' || c == '/') {
            if ((wrong = attribute_named(s))) break;
            name_clear(s);
            if (c == '=')
                s->state = BEFORE_VALUE;
            else
                end_value(s);
            if (c == '>') s->state = BETWEEN;
        } else {
            name_add(s, c);
        }
        break;
    case BEFORE_VALUE:
        if (c == '"')
            s->state = IN_DOUBLE;
        else if (c == '\'')
            s->state = IN_SINGLE;
        else if (c == '>')
            return "an attribute without its value; write name=\"value\"";
        else if (blank(c))
            return "a blank behind the equals sign of an attribute; write name=\"value\"";
        else
            s->state = UNQUOTED;
        break;
    case IN_DOUBLE:
    case IN_SINGLE:
        if (c == (s->state == IN_DOUBLE ? '"' : '\''))
            end_value(s);
        else
            in_value(s, c);
        break;
    case UNQUOTED:
        if (blank(c)) end_value(s);
        if (c == '>') {
            end_value(s);
            s->state = BETWEEN;
        }
        break;
    case REMARK:
        if (c == '-') s->state = REMARK_DASH;
        break;
    case REMARK_DASH:
        s->state = c == '-' ? REMARK_DASHES : REMARK;
        break;
    case REMARK_DASHES:
        if (c == '!') return "`--!` in a remark, which browsers read differently; leave it out";
        if (c != '-') s->state = c == '>' ? BETWEEN : REMARK;
        break;
    default:
        break;
    }
    return wrong;
}

static int html_value(Scan *s, TemplateKind is, Place *ret, const char **ret_wrong) {
    if (s->state == BETWEEN) {
        *ret = PLACE_HTML;
        return 0;
    }
    if (s->state != IN_DOUBLE && s->state != IN_SINGLE) {
        if (s->state == BEFORE_VALUE) s->state = UNQUOTED; /* said once */
        *ret_wrong = "a variable inside a tag must stand in a quoted attribute; write "
                     "name=\"{{...}}\"";
        return -EINVAL;
    }
    if (s->attribute == FORBIDDEN) {
        *ret_wrong = "no variable is safe in this attribute; write it out";
        return -EINVAL;
    }
    *ret = PLACE_ATTRIBUTE;
    if (s->attribute != ADDRESS) return 0;
    if (is != TEMPLATE_IS_URL && s->slashes < 3) {
        *ret_wrong = "only a variable that is an address may begin a link; write the address up to "
                     "its host, such as https://shop.example/?q={{...}}";
        return -EINVAL;
    }
    if (s->slashes == 3) *ret = PLACE_ADDRESS;
    s->slashes = 3;
    return 0;
}

/* ---- JSON ---- */

enum { OUTSIDE, IN_STRING };

static void json_next(Scan *s, char c) {
    if (s->state == OUTSIDE) {
        if (c == '"') s->state = IN_STRING;
    } else if (s->backslash) {
        s->backslash = false;
    } else if (c == '\\') {
        s->backslash = true;
    } else if (c == '"') {
        s->state = OUTSIDE;
    }
}

static int json_value(const Scan *s, TemplateKind is, Place *ret, const char **ret_wrong) {
    if (s->backslash) {
        *ret_wrong = "a backslash stands before a variable; leave it out";
        return -EINVAL;
    }
    if (s->state == OUTSIDE && is != TEMPLATE_IS_NUMBER && is != TEMPLATE_IS_FLAG) {
        *ret_wrong = "only numbers and flags may stand outside of a JSON string; put it in quotes";
        return -EINVAL;
    }
    *ret = s->state == OUTSIDE ? PLACE_BARE : PLACE_STRING;
    return 0;
}

/* ---- All ---- */

const char *scan_words(Scan *s, Str words) {
    const char *wrong = NULL;
    for (size_t i = 0; i < words.n && !wrong; i++) {
        unsigned char c = (unsigned char)words.p[i];
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            wrong = "a control character; remove it";
        else if (s->escape == TEMPLATE_HEADER && c == '\n')
            wrong = "a line break; it must be one line";
        else if (s->escape == TEMPLATE_HTML)
            wrong = html_next(s, words.p[i]);
        else if (s->escape == TEMPLATE_JSON)
            json_next(s, words.p[i]);
    }
    return wrong;
}

int scan_value(Scan *s, TemplateKind is, Place *ret, const char **ret_wrong) {
    switch (s->escape) {
    case TEMPLATE_HTML:
        return html_value(s, is, ret, ret_wrong);
    case TEMPLATE_JSON:
        return json_value(s, is, ret, ret_wrong);
    case TEMPLATE_MARKDOWN:
        *ret = PLACE_MARKDOWN;
        return 0;
    case TEMPLATE_HEADER:
        *ret = PLACE_HEADER;
        return 0;
    case TEMPLATE_TEXT:
    case TEMPLATE_ESCAPES:
        break;
    }
    *ret = PLACE_TEXT;
    return 0;
}

bool scan_same(const Scan *a, const Scan *b) {
    return a->state == b->state && a->attribute == b->attribute && a->slashes == b->slashes &&
           a->backslash == b->backslash && a->name_n == b->name_n &&
           memcmp(a->name, b->name, sizeof(a->name)) == 0;
}

bool scan_at_rest(const Scan *s) {
    return s->state == 0 && !s->backslash;
}
