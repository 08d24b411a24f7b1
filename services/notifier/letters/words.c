/* Documents like a tenant's, in here. */
#include "notifier/letters/words.h"

#include <stdio.h>

struct Words {
    Catalog *catalog;
};

static const char source[] =
    "settings: {default_group: g}\n"
    "groups: [{name: g, title: g}]\n"
    "templates:\n"
    "  - name: promise\n"
    "    language: zh\n"
    "    subject: \"[#{{ticket.id}}] {{promise.metric}} {{promise.level}}: {{ticket.subject}}\"\n"
    "    text: |\n"
    "      工单 #{{ticket.id}}：{{ticket.subject}}\n"
    "      承诺：{{promise.metric}}（{{promise.policy}}）{{promise.level}}\n"
    "      期限：{{promise.due_at}}，已用 {{promise.elapsed}} / {{promise.target}}\n"
    "      组：{{ticket.group}}，负责人：{{ticket.assignee}}\n"
    "      {{ticket.url}}\n"
    "      {{#links.acknowledge}}\n"
    "      知悉并停止升级：{{links.acknowledge}}\n"
    "      {{/links.acknowledge}}\n"
    "    markdown: |\n"
    "      **#{{ticket.id}}** {{ticket.subject}}\n"
    "      {{promise.metric}} {{promise.level}}，期限 {{promise.due_at}}\n"
    "      {{ticket.url}}\n"
    "    in:\n"
    "      en:\n"
    "        subject: \"[#{{ticket.id}}] {{promise.metric}} {{promise.level}}: "
    "{{ticket.subject}}\"\n"
    "        text: |\n"
    "          Ticket #{{ticket.id}}: {{ticket.subject}}\n"
    "          Promise: {{promise.metric}} ({{promise.policy}}) {{promise.level}}\n"
    "          Due {{promise.due_at}}, {{promise.elapsed}} of {{promise.target}} used\n"
    "          Group {{ticket.group}}, assignee {{ticket.assignee}}\n"
    "          {{ticket.url}}\n"
    "          {{#links.acknowledge}}\n"
    "          Acknowledge, and nobody else is called: {{links.acknowledge}}\n"
    "          {{/links.acknowledge}}\n"
    "        markdown: |\n"
    "          **#{{ticket.id}}** {{ticket.subject}}\n"
    "          {{promise.metric}} {{promise.level}}, due {{promise.due_at}}\n"
    "          {{ticket.url}}\n"
    "  - name: paused\n"
    "    language: zh\n"
    "    subject: \"通知已暂停：{{event.actor}}\"\n"
    "    text: |\n"
    "      {{event.actor}} 长时间无法送达，已暂停向它投递通知。\n"
    "      原因：{{event.reason}}\n"
    "      自：{{event.at}}\n"
    "      修复后请运行 docket notify retry 恢复。\n"
    "    in:\n"
    "      en:\n"
    "        subject: \"Notifications paused: {{event.actor}}\"\n"
    "        text: |\n"
    "          {{event.actor}} could not be reached; nothing more is sent there.\n"
    "          Reason: {{event.reason}}\n"
    "          Since: {{event.at}}\n"
    "          Once it is repaired, run `docket notify retry`.\n"
    "  - name: storm\n"
    "    language: zh\n"
    "    subject: \"{{storm.minutes}} 分钟内 {{storm.count}} 张新的{{storm.kind}}工单\"\n"
    "    text: |\n"
    "      {{storm.minutes}} 分钟内新增 {{storm.count}} 张{{storm.kind}}工单，其中 "
    "{{storm.urgent}} 张紧急。\n"
    "      {{storm.url}}\n"
    "    markdown: |\n"
    "      **{{storm.minutes}} 分钟内 {{storm.count}} 张新的{{storm.kind}}工单**，{{storm.urgent}} "
    "张紧急\n"
    "      {{storm.url}}\n"
    "    in:\n"
    "      en:\n"
    "        subject: \"{{storm.count}} new {{storm.kind}} tickets in {{storm.minutes}} minutes\"\n"
    "        text: |\n"
    "          {{storm.count}} new {{storm.kind}} tickets in {{storm.minutes}} minutes, "
    "{{storm.urgent}} urgent.\n"
    "          {{storm.url}}\n"
    "        markdown: |\n"
    "          **{{storm.count}} new {{storm.kind}} tickets in {{storm.minutes}} minutes**, "
    "{{storm.urgent}} urgent\n"
    "          {{storm.url}}\n"
    "  - name: ticket\n"
    "    language: zh\n"
    "    subject: \"[#{{ticket.id}}] {{event.name}}: {{ticket.subject}}\"\n"
    "    text: |\n"
    "      工单 #{{ticket.id}}：{{ticket.subject}}\n"
    "      {{event.name}} {{event.at}}\n"
    "      {{ticket.url}}\n"
    "    markdown: |\n"
    "      **#{{ticket.id}}** {{ticket.subject}}\n"
    "      {{event.name}} {{event.at}}\n"
    "      {{ticket.url}}\n"
    "    in:\n"
    "      en:\n"
    "        subject: \"[#{{ticket.id}}] {{event.name}}: {{ticket.subject}}\"\n"
    "        text: |\n"
    "          Ticket #{{ticket.id}}: {{ticket.subject}}\n"
    "          {{event.name}} {{event.at}}\n"
    "          {{ticket.url}}\n"
    "        markdown: |\n"
    "          **#{{ticket.id}}** {{ticket.subject}}\n"
    "          {{event.name}} {{event.at}}\n"
    "          {{ticket.url}}\n";

Words *words_new(void) {
    CLEANUP(buf_done) Buf problems = {0};
    const DocumentSource document = {str(source), STR("(built in)"), 1};
    Catalog *catalog = catalog_compile(&document, 1, 1, NULL, NULL, &problems);
    if (!catalog) {
        (void)fprintf(stderr, "%s", problems.p);
        abort(); /* ours: the unit tests compile it */
    }
    Words *w = xcalloc(1, sizeof(*w));
    w->catalog = catalog;
    return w;
}

Words *words_free(Words *w) {
    if (!w) return NULL;
    catalog_unref(w->catalog);
    free(w);
    return NULL;
}

const MessageTemplate *words_for(const Words *w, Str event) {
    Str name = str_starts(event, STR("promise_")) ? STR("promise")
               : str_is(event, "storm")           ? STR("storm")
               : str_is(event, "paused")          ? STR("paused")
                                                  : STR("ticket");
    return catalog_template(w->catalog, name);
}
