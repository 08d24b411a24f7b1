"""A shop that promises something, without a scheduler: the tests tell the router what fell due.

    shop = PromisingShop(stack, Topics(...), Ids(stack))
    ticket = shop.ticket(minutes_ago=20)                 # 15 minutes were promised
    shop.tell(BREACHED, ticket)                          # the row
    shop.escalate(ticket, "2", raise_priority=True)      # behind its breach
"""
import time

from harness.desk import Desk
from harness.stack import REPOSITORY, Stack, request, until
from harness.submissions import promise, submission

MINUTE = 60_000
SHOP = """
settings: {default_group: 售后}
groups:
  - {name: 售后, title: 售后组}
  - {name: 投诉, title: 投诉组}
agents:
  - {name: an, title: 安, groups: [售后], capacity: 3, duty: on}
  - {name: bo, title: 博, groups: [售后], capacity: 2, duty: off}
  - {name: chen, title: 陈, groups: [投诉], capacity: 4, duty: on}
policies:
  - name: 标准
    targets: {first_reply: 15m, resolution: 24h}
    warn: [80]
    escalate:
      - {notify: lead}
      - {after: 1m, priority: raise}
      - {after: 1m, group: 投诉}
      - {after: 1m, reassign: on}
"""
WARNED, BREACHED, ESCALATED = "promise_warned", "promise_breached", "promise_escalated"


def unscheduled(*options):
    """A running stack of one's own without docket-sla."""
    running = Stack()
    try:
        return running.up(*options, *(["--sla", 0] if (REPOSITORY / "services/sla").exists() and
                                      "sla" in (REPOSITORY / "deploy/local/stack").read_text() else []))
    except BaseException:
        running.down()
        raise


class PromisingShop:
    def __init__(self, stack, topics, ids, documents=SHOP):
        self.stack, self.topics, self.ids = stack, topics, ids
        self.tenant = stack.tenant(documents)
        self.number = self.tenant.number
        until(lambda: stack.redis().get(f"d:{{{self.number}}}:epoch"), what="Redis to know the tenant")
        self.names = dict(stack.sql("SELECT name, id FROM config.names WHERE tenant_id = %s", self.number))
        # Its tickets are older than it is: so let its documents be.
        stack.sql("UPDATE config.revisions SET applied_at = applied_at - interval '1 day' WHERE tenant_id = %s", self.number, admin=True)
        self.revision = stack.sql("SELECT max(revision) FROM config.revisions WHERE tenant_id = %s", self.number)[0][0]
        self.desk = Desk(stack, self.tenant)
        self.tokens = {}

    def token(self, name):
        """An agent's own: what she says counts as a person's reply."""
        if name not in self.tokens:
            self.tokens[name] = self.stack.docket("token", "create", "--tenant", self.tenant.name, "--user", name).stdout.split()[-1]
        return self.tokens[name]

    def ticket(self, minutes_ago=20, **more):
        """Accepted so long ago, and with somebody unless all are full."""
        ticket, = self.ids.take()
        self.topics.send("docket.submissions",
                         submission(self.number, ticket, accepted_ms=int(time.time() * 1000) - minutes_ago * MINUTE, **more))
        self.tenant.stored(ticket)
        return ticket

    def row(self, ticket):
        return self.tenant.row(ticket)

    def promises(self, ticket):
        return [row for row in self.tenant.ledger(ticket) if row["kind"].startswith("promise_")]

    def due(self, ticket):
        """When its first reply is or was due, in ms."""
        created = self.stack.sql("SELECT (extract(epoch FROM created_at) * 1000)::bigint FROM ticket.tickets WHERE id = %s AND tenant_id = %s",
                                 ticket, self.number)
        return (created[0][0] if created else 0) + 15 * MINUTE

    def signal(self, act, ticket, **more):
        due = more.pop("due_ms", self.due(ticket))
        more.setdefault("at_ms", due)
        more.setdefault("judged_seq", (self.row(ticket) or {}).get("version", 2))
        return promise(act, self.number, ticket, due_ms=due, **{"revision": self.revision, **more})

    def tell(self, act, ticket, wait=True, **more):
        message = self.signal(act, ticket, **more)
        self.topics.send("docket.signals", message, key=str(ticket))
        if not wait:
            return message
        level = more.get("level", "")
        return until(lambda: next((row for row in self.promises(ticket)
                                   if row["kind"] == act and row["payload"]["promise"]["level"] == level), None),
                     what=f"the row of {act} {level}")

    def escalate(self, ticket, level, **more):
        if not any(row["kind"] == BREACHED for row in self.promises(ticket)):
            self.tell(BREACHED, ticket)
        return self.tell(ESCALATED, ticket, level=level, **more)

    def load(self):
        return dict(self.stack.sql("SELECT assignee_id, count(*) FROM ticket.tickets WHERE tenant_id = %s AND assignee_id IS NOT NULL"
                                   " AND status IN ('assigned', 'in_progress') GROUP BY 1", self.number))

    def duty(self, name, on):
        self.stack.docket("agents", "on" if on else "off", name, "--tenant", self.tenant.name)

    def metric(self, name):
        """Of both routers together."""
        ports = dict(line.split()[:2] for line in (self.stack.home / "ports").read_text().splitlines())
        total = 0.0
        for router in ("router-1", "router-2"):
            text = request("GET", f"http://127.0.0.1:{ports[f'{router}-ops']}/metrics").body.decode()
            total += sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))
        return total

    def verified(self, wait=30):
        self.stack.verify("--tenant", self.tenant.name, wait=wait)
