"""One client of GET /api/v2/live, listening in a thread of its own.

    with Listener(desk, token) as heard:
        heard.until(lambda e: e.name == "ticket" and e.data["ticket_id"] == 7)
"""
import http.client
import json
import threading
import urllib.parse
from collections import namedtuple

from harness.stack import until

Event = namedtuple("Event", "name id data")


class Listener:
    def __init__(self, desk, token, last=None, url=None, **headers):
        address = urllib.parse.urlsplit(url or desk.url)
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
        head = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}", **headers}
        if last is not None:
            head["Last-Event-ID"] = last
        self.connection.request("GET", "/api/v2/live", headers={k: v for k, v in head.items() if v is not None})
        self.answer = self.connection.getresponse()
        self.events, self.beats, self.last, self.over = [], 0, None, False
        if self.answer.status == 200:
            self.thread = threading.Thread(target=self.listen, daemon=True)
            self.thread.start()

    def listen(self):
        name, data = "message", []
        try:
            while line := self.answer.readline():
                line = line.decode().rstrip("\n")
                if not line:
                    if data:
                        self.events.append(Event(name, self.last, json.loads("\n".join(data))))
                    name, data = "message", []
                    continue
                field, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if field == "event":
                    name = value
                elif field == "data":
                    data.append(value)
                elif field == "id":
                    self.last = value
                elif not field:
                    self.beats += 1
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass
        self.over = True

    def named(self, name):
        return [event for event in list(self.events) if event.name == name]

    def tickets(self, ticket=None):
        return [event for event in self.named("ticket") if ticket in (None, event.data["ticket_id"])]

    def until(self, condition, seconds=60, what="an event"):
        def look():
            for event in list(self.events):
                if condition(event):
                    return event
            return None
        return until(look, seconds, f"{what}; heard {self.events[-10:]}, over: {self.over}")

    def ticket(self, ticket, seconds=60, **members):
        """The first event of that ticket with these members in its data."""
        return self.until(lambda e: e.name == "ticket" and e.data["ticket_id"] == ticket
                          and all(e.data.get(k) == v for k, v in members.items()), seconds, f"ticket {ticket} {members}")

    def close(self):
        # The thread may be inside a read: the socket is shut down under it, and both end.
        sock = getattr(self.connection, "sock", None)
        try:
            if sock:
                sock.shutdown(2)
        except OSError:
            pass
        if hasattr(self, "thread"):
            self.thread.join(10)
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
