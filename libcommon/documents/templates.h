/* Templates -- the words of messages, in several languages. Pure. */
#pragma once

#include "documents/catalog.h"
#include "template/template.h"

typedef struct SmsParam {
    Str name;
    const Template *text;
} SmsParam;

typedef struct Wording { /* one language; what is absent is NULL */
    Str language;        /* "zh", "en", "pt-BR" */
    const Template *subject, *text, *html, *markdown, *json;
    Str sms_code;
    const SmsParam *sms;
    size_t sms_n;
} Wording;

typedef struct MessageTemplate {
    Str name, title;
    const Wording *wordings; /* the first is that of who reads none of the others */
    size_t wordings_n;
} MessageTemplate;

size_t catalog_templates(const Catalog *c, const MessageTemplate **ret);
const MessageTemplate *catalog_template(const Catalog *c, Str name); /* NULL: unknown */

/* The wording for who reads `language` ("en-US" takes "en"), else the first. */
const Wording *message_wording(const MessageTemplate *m, Str language);
