#include "desk/tickets/mention.h"

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Ends where the name does: "@lin.yue" is nobody in "@lin.yuenan". */
static bool begins(Str text, Str name) {
    if (!name.n || !str_starts(text, name)) return false;
    return !is_word(name.p[name.n - 1]) || text.n == name.n || !is_word(text.p[name.n]);
}

static const Agent *longest(const Agent *agents, size_t n, Str text) {
    const Agent *best = NULL;
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        const Str names[] = {agents[i].name, agents[i].title};
        for (size_t k = 0; k < 2; k++) {
            if (names[k].n <= length || !begins(text, names[k])) continue;
            best = &agents[i];
            length = names[k].n;
        }
    }
    return best;
}

size_t mentions_find(const Catalog *c, Str text, int64_t *ret, size_t max) {
    const Agent *agents;
    size_t found = 0, agents_n = c ? catalog_agents(c, &agents) : 0;
    for (size_t i = 0; agents_n && i < text.n && found < max; i++) {
        if (text.p[i] != '@' || (i && is_word(text.p[i - 1]))) continue;
        const Agent *agent = longest(agents, agents_n, (Str){text.p + i + 1, text.n - i - 1});
        bool known = !agent;
        for (size_t k = 0; k < found && !known; k++)
            known = ret[k] == agent->id;
        if (!known) ret[found++] = agent->id;
    }
    return found;
}
