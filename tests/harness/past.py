"""A random past: tickets with ledgers over many weeks, written as if the router and the desk had written them then, and what reports
must say of them, told in SQL over those ledgers and by nothing of the services.

    past = Past(stack, seed=7, tickets=400)
    past.rows("SELECT channel, count(*) FROM facts GROUP BY 1")
"""
import json
import random
from datetime import datetime, timedelta, timezone

import psycopg2
import psycopg2.extras

from harness.shop import Shop

DOCUMENTS = """
settings: {default_group: 售后, close_after: 365d, time_zone: Asia/Shanghai, agent_rate: 90}
groups:
  - {name: 售后, title: 售后组}
  - {name: 物流, title: 物流组}
  - {name: 投诉, title: 投诉组}
agents:
  - {name: an, title: 安, groups: [售后], capacity: 9, duty: off}
  - {name: bo, title: 博, groups: [售后, 物流], capacity: 9, duty: off}
  - {name: chen, title: 陈, groups: [物流], capacity: 9, duty: off}
  - {name: dai, title: 戴, groups: [投诉], capacity: 9, duty: off}
policies:
  - {name: 贵宾, when: {all: [{tier: vip}]}, targets: {first_reply: 2h, resolution: 2d}}
"""
GROUPS = {"售后": ["an", "bo"], "物流": ["bo", "chen"], "投诉": ["dai"]}
CATEGORIES = ["退款", "退款/进度", "退款/金额", "物流/破损", "物流/丢件", "咨询", "=cmd|' /C calc'!A0", "开票, \"增值税\""]
FIRST_REPLY, RESOLUTION = 2 * 3600, 2 * 86400  # of vip tickets, around the clock

# Every step of every ticket with what was before it, as sheets count: instants never run backwards, time runs until it is closed.
STEPS = """
CREATE TEMP TABLE raw AS
SELECT ticket_id, seq, kind, actor, payload,
       max(CASE WHEN seq = 1 THEN (payload->'set'->>'created_at')::timestamptz ELSE at END) OVER (PARTITION BY ticket_id ORDER BY seq) AS at
FROM ticket.ledger WHERE tenant_id = {tenant};
CREATE TEMP TABLE carried AS
SELECT *, {marks} FROM raw WINDOW w AS (PARTITION BY ticket_id ORDER BY seq);
CREATE TEMP TABLE states AS SELECT ticket_id, seq, kind, actor, payload, at, {values} FROM carried;
CREATE TEMP TABLE steps AS
SELECT *, actor LIKE 'agent:%' AS by_agent, split_part(actor, ':', 2) AS actor_id,
       lag(status) OVER w AS was, lag(group_id) OVER w AS was_group, lag(assignee_id) OVER w AS was_assignee,
       at - lag(at) OVER w AS stretch, (payload->'comment'->>'public')::boolean AS public
FROM states WINDOW w AS (PARTITION BY ticket_id ORDER BY seq);
"""
CARRIED = {"status": "text", "priority": "text", "kind_of": "text", "category": "text", "channel": "text", "region": "text", "tier": "text",
           "product": "text", "group_id": "bigint", "assignee_id": "bigint", "satisfaction": "text"}

# One row a ticket; seconds are cut, not rounded.
FACTS = """
CREATE TEMP TABLE facts AS
WITH ends AS (SELECT ticket_id, max(seq) AS last FROM steps GROUP BY 1),
     reopened AS (SELECT ticket_id, max(seq) AS seq, count(*) FILTER (WHERE was = 'solved') AS times FROM steps
                  WHERE status <> was AND status IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold') GROUP BY 1),
     solves AS (SELECT s.* FROM steps s WHERE s.status <> s.was AND (s.status = 'solved' OR (s.status = 'closed' AND s.was <> 'solved')))
SELECT s.ticket_id, s.status, s.priority, s.kind_of AS kind, s.category, split_part(s.category, '/', 1) AS category_top, s.channel, s.region,
       s.tier, s.product, s.group_id, s.assignee_id, coalesce(s.satisfaction, '') AS satisfaction, c.at AS created,
       split_part(c.actor, ':', 2)::bigint AS requester_id,
       (SELECT x.group_id FROM steps x WHERE x.ticket_id = s.ticket_id AND x.group_id IS NOT NULL ORDER BY seq DESC LIMIT 1) AS last_group,
       (SELECT min(at) FROM steps x WHERE x.ticket_id = s.ticket_id AND x.assignee_id IS NOT NULL) AS assigned,
       (SELECT min(at) FROM steps x WHERE x.ticket_id = s.ticket_id AND x.by_agent AND x.public) AS replied,
       (SELECT min(at) FROM solves x WHERE x.ticket_id = s.ticket_id) AS solved,
       (SELECT max(at) FROM solves x WHERE x.ticket_id = s.ticket_id AND x.seq > coalesce(r.seq, 0)) AS resolved,
       (SELECT max(at) FROM steps x WHERE x.ticket_id = s.ticket_id AND x.payload->'reason'->>'why' = 'rated') AS rated,
       (SELECT payload->>'note' FROM steps x WHERE x.ticket_id = s.ticket_id AND x.payload->'reason'->>'why' = 'rated' ORDER BY seq DESC LIMIT 1)
           AS note,
       coalesce(r.times, 0) AS reopenings,
       (SELECT count(*) FROM steps x WHERE x.ticket_id = s.ticket_id AND x.by_agent AND x.public) AS replies,
       (SELECT count(*) FROM steps x WHERE x.ticket_id = s.ticket_id AND x.by_agent AND x.kind = 'ticket_updated') AS touches,
       (SELECT count(DISTINCT actor) FROM steps x WHERE x.ticket_id = s.ticket_id AND x.by_agent AND x.kind = 'ticket_updated') AS touchers,
       (SELECT coalesce(floor(extract(epoch FROM sum(stretch))), 0)::bigint FROM steps x WHERE x.ticket_id = s.ticket_id
           AND x.was = 'in_progress' AND x.was_assignee IS NOT NULL) AS worked
FROM ends e JOIN steps s ON s.ticket_id = e.ticket_id AND s.seq = e.last JOIN steps c ON c.ticket_id = e.ticket_id AND c.seq = 1
LEFT JOIN reopened r ON r.ticket_id = e.ticket_id;
ALTER TABLE facts ADD to_reply bigint, ADD to_resolved bigint, ADD one_touch boolean;
UPDATE facts SET to_reply = floor(extract(epoch FROM replied - created)), to_resolved = floor(extract(epoch FROM resolved - created)),
    one_touch = resolved IS NOT NULL AND replies <= 1 AND touchers <= 1 AND reopenings = 0;

CREATE TEMP TABLE stages AS
SELECT ticket_id, stage, sum(entered) AS entered, floor(extract(epoch FROM sum(stretch)))::bigint AS time FROM (
    SELECT ticket_id, status AS stage, 1 AS entered, interval '0' AS stretch FROM steps WHERE status IS DISTINCT FROM was
    UNION ALL SELECT ticket_id, was, 0, stretch FROM steps WHERE was IS NOT NULL) x
WHERE stage IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold', 'solved') GROUP BY 1, 2;

CREATE TEMP TABLE group_passages AS
SELECT ticket_id, place, floor(extract(epoch FROM sum(held)))::bigint AS held, floor(extract(epoch FROM sum(worked)))::bigint AS worked FROM (
    SELECT ticket_id, group_id AS place, interval '0' AS held, interval '0' AS worked FROM steps WHERE group_id IS NOT NULL
    UNION ALL SELECT ticket_id, was_group, stretch, CASE WHEN was = 'in_progress' THEN stretch ELSE '0' END FROM steps
    WHERE was_group IS NOT NULL AND was IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold')) x GROUP BY 1, 2;

CREATE TEMP TABLE agent_passages AS
SELECT ticket_id, place, floor(extract(epoch FROM sum(held)))::bigint AS held, floor(extract(epoch FROM sum(worked)))::bigint AS worked,
       sum(reply) AS replies, sum(touch) AS touches FROM (
    SELECT ticket_id, assignee_id AS place, interval '0' AS held, interval '0' AS worked, 0 AS reply, 0 AS touch
    FROM steps WHERE assignee_id IS NOT NULL
    UNION ALL SELECT ticket_id, was_assignee, stretch, CASE WHEN was = 'in_progress' THEN stretch ELSE '0' END, 0, 0 FROM steps
    WHERE was_assignee IS NOT NULL AND was IN ('new', 'assigned', 'in_progress', 'pending', 'on_hold')
    UNION ALL SELECT ticket_id, actor_id::bigint, '0', '0', coalesce(public, false)::int, 1 FROM steps
    WHERE by_agent AND kind = 'ticket_updated') x GROUP BY 1, 2;

CREATE TEMP TABLE moves AS
SELECT ticket_id, was_group AS from_group, group_id AS to_group, count(*) AS times FROM steps
WHERE group_id <> was_group GROUP BY 1, 2, 3;

CREATE TEMP TABLE promises AS
SELECT ticket_id, 'first_reply' AS metric, extract(epoch FROM least(replied, solved) - created) <= {first_reply} AS kept FROM facts WHERE tier = 'vip'
UNION ALL SELECT ticket_id, 'resolution', extract(epoch FROM solved - created) <= {resolution} FROM facts WHERE tier = 'vip';
"""


class Past:
    def __init__(self, stack, seed=7, tickets=400, until=None, days=60):
        self.stack, self.dice = stack, random.Random(seed)
        self.shop = Shop(stack, DOCUMENTS)
        self.number, self.ids = self.shop.tenant.number, self.shop.ids
        self.until = until or datetime(2026, 11, 21, 4, tzinfo=timezone.utc)
        self.since = self.until - timedelta(days=days)
        # The documents were there before the first ticket.
        stack.sql("UPDATE config.revisions SET applied_at = %s WHERE tenant_id = %s", self.since - timedelta(days=30), self.number, admin=True)
        first = stack.sql("SELECT ticket.lease_ids()", admin=True)[0][0]
        self.write([self.ledger(first + n) for n in range(tickets)])
        # No event tells of them: they are found in the ledger, as on the first start over an old database.
        stack.docket("analytics", "rebuild", "--tenant", self.shop.tenant.name)
        self.tell()

    # -- making ------------------------------------------------------------------------------------------------------

    def ledger(self, ticket):
        """[(kind, actor, at, payload)] of one ticket: created, given to somebody, and whatever happens then."""
        dice = self.dice
        at = self.since + timedelta(milliseconds=dice.randrange(int((self.until - self.since) / timedelta(milliseconds=1)) - 6 * 86400_000))
        vip = dice.random() < 0.25
        group = dice.choice(list(GROUPS))
        agent = dice.choice(GROUPS[group])
        born = {"kind": dice.choice(["咨询", "投诉"]), "tags": [], "tier": "vip" if vip else dice.choice(["", "gold"]), "batch": "", "device": "",
                "region": dice.choice(["华东", "东北", ""]), "skills": [], "status": "new", "channel": dice.choice(["web", "app", "phone"]),
                "product": dice.choice(["座椅", "雨伞", ""]), "subject": f"第 {ticket} 张", "category": dice.choice(CATEGORIES),
                "group_id": self.ids[group], "language": "", "priority": dice.choice(["low", "normal", "high", "urgent"]), "order_ref": "",
                "source_id": 0, "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z", "description": "内容",
                "external_id": "", "custom_fields": {}}
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        rows = [("ticket_created", f"requester:{9000 + dice.randrange(120)}", at + timedelta(milliseconds=3), {"set": born, "reason": {}})]

        def later(most):
            nonlocal at
            at += timedelta(milliseconds=dice.randrange(1, int(most * 3600_000)))
            return at

        def did(who, **more):
            kind = "ticket_assigned" if who == "router" else "ticket_updated"
            comment = more.pop("comment", None)
            payload = {"set": more.pop("set", {}), "reason": more.pop("reason", {}), **more}
            if comment:
                author = int(who.split(":")[1])
                payload["comment"] = {"public": comment == "public", "author_id": author, "body": "您好", "channel": "api"}
            rows.append((kind, who, later(5), payload))

        did("router", set={"status": "assigned", "group_id": self.ids[group], "assignee_id": self.ids[agent]}, reason={"why": "least_loaded"})
        for _ in range(dice.randrange(7)):
            me = f"agent:{self.ids[agent]}"
            what = dice.choice(["work", "reply", "note", "wait", "hold", "move", "ask", "category"])
            if what == "work":
                did(me, set={"status": "in_progress"})
            elif what == "reply":
                did(me, comment="public")
            elif what == "note":
                did(me, comment="private")
            elif what == "wait":
                did(me, set={"status": "pending"}, comment="public")
            elif what == "hold":
                did(me, set={"status": "on_hold"})
            elif what == "ask":
                did(rows[0][1], comment="public")
            elif what == "category":
                did(me, set={"category": dice.choice(CATEGORIES)})
            else:
                group = dice.choice(list(GROUPS))
                agent = dice.choice(GROUPS[group])
                did(me, set={"status": "assigned", "group_id": self.ids[group], "assignee_id": self.ids[agent]}, note="转")
        me = f"agent:{self.ids[agent]}"
        if not vip and dice.random() < 0.25:
            return ticket, rows  # still open
        did(me, set={"status": "solved"}, **({"comment": "public"} if dice.random() < 0.4 else {}))
        if not vip and dice.random() < 0.2:
            did(rows[0][1], set={"status": "assigned"}, comment="public", reason={"why": "reopened"})
            if dice.random() < 0.3:
                return ticket, rows
            did(me, set={"status": "solved"})
        if dice.random() < 0.5:
            note = dice.choice([{}, {"note": "很快, 谢谢"}, {"note": "=HYPERLINK(\"http://x\")"}])
            did(rows[0][1], set={"satisfaction": dice.choice(["good", "good", "bad"])}, reason={"why": "rated"}, **note)
        if vip or dice.random() < 0.5:
            did("system", set={"status": "closed"})
        return ticket, rows

    def write(self, tickets):
        """Ledger and tickets, as one transaction: the row is what its ledger's sets come to."""
        ledger, projected = [], []
        for ticket, rows in tickets:
            row = {"satisfaction": ""}
            for seq, (kind, actor, at, payload) in enumerate(rows, 1):
                row.update(payload["set"])
                cause = f"{self.dice.getrandbits(128):032x}"
                ledger.append((self.number, ticket, seq, cause, 0, kind, actor, at, 1, b"", json.dumps(payload, ensure_ascii=False)))
            projected.append((self.number, ticket, len(rows), row["status"], row["priority"], row["kind"], row["category"], row["channel"],
                              row["group_id"], row.get("assignee_id"), int(rows[0][1].split(":")[1]), 0, row["subject"], row["description"],
                              [], [], row["tier"], row["region"], "", row["product"], "", "", "", "", "{}", row["created_at"], rows[-1][2],
                              row["satisfaction"]))
        with psycopg2.connect(self.stack.environment["DOCKET_POSTGRES_ADMIN"]) as connection, connection.cursor() as cursor:
            psycopg2.extras.execute_values(cursor, "INSERT INTO ticket.ledger (tenant_id, ticket_id, seq, cause_id, step, kind, actor, at, revision,"
                                           " trace, payload) VALUES %s", ledger)
            psycopg2.extras.execute_values(cursor, "INSERT INTO ticket.tickets (tenant_id, id, version, status, priority, kind, category, channel,"
                                           " group_id, assignee_id, requester_id, source_id, subject, description, skills, tags, tier, region,"
                                           " order_ref, product, batch, device, language, external_id, custom_fields, created_at, updated_at,"
                                           " satisfaction) VALUES %s", projected,
                                           template="(" + ",".join(["%s"] * 14 + ["%s::text[]"] * 2 + ["%s"] * 12) + ")")
        connection.close()

    # -- telling -----------------------------------------------------------------------------------------------------

    def tell(self):
        """The tables of STEPS and FACTS, in a connection of their own."""
        marks = ", ".join(f"sum((payload->'set' ? '{'kind' if c == 'kind_of' else c}')::int) OVER w AS {c}_mark" for c in CARRIED)
        values = ", ".join(f"(first_value(payload->'set'->>'{'kind' if c == 'kind_of' else c}') OVER (PARTITION BY ticket_id, {c}_mark ORDER BY seq))"
                           f"::{kind} AS {c}" for c, kind in CARRIED.items())
        self.connection = psycopg2.connect(self.stack.environment["DOCKET_POSTGRES_ADMIN"])
        self.connection.autocommit = True
        with self.connection.cursor() as cursor:
            cursor.execute("SET jit = off")
            cursor.execute(STEPS.format(tenant=self.number, marks=marks, values=values))
            cursor.execute("CREATE INDEX ON steps (ticket_id)")
            cursor.execute("ANALYZE steps")
            cursor.execute(FACTS.format(first_reply=FIRST_REPLY, resolution=RESOLUTION))

    def rows(self, text, *parameters):
        with self.connection.cursor() as cursor:
            cursor.execute(text, parameters or None)
            return cursor.fetchall()

    def close(self):
        self.connection.close()
