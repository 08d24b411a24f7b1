"""The desk's API for tests: a token per role, requests that give every answer back, and waiting for what must come.

    desk = Desk(stack, tenant)
    desk.get("/tickets/7").json["ticket"]              # as an administrator
    desk.put("/tickets/7", {"ticket": {...}}, role="agent")
    desk.until("/tickets/7", lambda a: a.json["ticket"]["status"] == "open")
"""
import urllib.parse

from harness.stack import patiently, request, until

# What the desk says before it has done anything about a request.
NOT_YET = (b"Tickets take longer than usual", b"wait for their tickets", b"Too many requests wait for the database")


def not_yet(method, answer):
    return answer.status == 503 and (method == "GET" or any(words in answer.body for words in NOT_YET))


class Desk:
    def __init__(self, stack, tenant, url=None, role="administrator"):
        self.stack, self.tenant, self.role = stack, tenant, role
        self.url = url or stack.environment["DOCKET_DESK_URL"]
        self.tokens = {}

    def token(self, role=None):
        """A token of that role, made once for each Desk."""
        role = role or self.role
        if role not in self.tokens:
            words = self.stack.docket("token", "create", "--tenant", self.tenant.name, "--role", role)
            self.tokens[role] = words.stdout.split()[-1]
        return self.tokens[role]

    def ask(self, method, path, body=None, role=None, token=None, headers=None, timeout=30, again=True, **query):
        """One request to /api/v2<path> (or to a whole URL, as in links.next); `token` "" asks without credentials. Told 503 before
        anything was done it asks again, as a client does; not where that is looked for: again=False."""
        url = path if path.startswith("http") else self.url + "/api/v2" + path
        if query:
            url += ("&" if "?" in url else "?") + urllib.parse.urlencode(query)
        shown = self.token(role) if token is None else token
        head = {"Authorization": f"Bearer {shown}"} if shown else {}
        return patiently(lambda: request(method, url, body, {**head, **(headers or {})}, timeout),
                         lambda answer: again and not_yet(method, answer))

    def get(self, path, **how):
        return self.ask("GET", path, **how)

    def post(self, path, body=None, **how):
        return self.ask("POST", path, body, **how)

    def put(self, path, body=None, **how):
        return self.ask("PUT", path, body, **how)

    def delete(self, path, body=None, **how):
        return self.ask("DELETE", path, body, **how)

    def until(self, path, condition, seconds=20.0, what=None, **how):
        """The first answer to GET that meets the condition."""
        last = []

        def look():
            last[:] = [self.get(path, **how)]
            return last[0] if condition(last[0]) else None

        try:
            return until(look, seconds)
        except AssertionError:
            raise AssertionError(f"waited {seconds} s for {what or path}; last answer: "
                                 f"{last[0].status} {last[0].body[:2000]!r}") from None

    def ticket(self, ticket, **how):
        """The ticket as the desk shows it; fails unless it does."""
        answer = self.get(f"/tickets/{ticket}", **how)
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json["ticket"]
