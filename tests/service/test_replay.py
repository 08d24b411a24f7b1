"""`docket replay`: a recorded life of tickets lived again by the real services on the test clock, and every promise settled as
whoever looks at each single millisecond of their ledgers settles it."""
import csv
import io
import json
import random
from datetime import datetime, timezone

import pytest

from harness.promises import TestClock
from harness.shop import Shop
from harness.stack import Stack
from oracle import promises

MINUTE = 60000
WEEK = {"mon-fri": ["09:00-12:00", "13:00-18:00"], "sat": ["10:00-16:00"]}
TARGETS = {
    "first_reply": ({"urgent": 15, "high": 30, "normal": 60, "low": 240}, "calendar"),
    "next_reply": ({"urgent": 15, "high": 30, "normal": 60, "low": 120}, "班"),
    "periodic_update": ({"urgent": 60, "high": 240, "normal": 480, "low": 960}, "班"),
    "resolution": ({"urgent": 240, "high": 480, "normal": 1440, "low": 2880}, "班"),
    "requester_wait": ({"urgent": 240, "high": 480, "normal": 600, "low": 1200}, "calendar"),
    "agent_work": ({"urgent": 120, "high": 240, "normal": 300}, "班"),
    "ack": ({"urgent": 10, "high": 20, "normal": 40, "low": 60}, "calendar"),
}
DOCUMENTS = {
    "settings": {"default_group": "g", "close_after": "30d"},
    "groups": [{"name": "g", "title": "g"}],
    "agents": [{"name": "lin", "title": "林悦", "groups": ["g"], "capacity": 500, "duty": True},
               {"name": "wu", "title": "吴建国", "groups": ["g"], "capacity": 500, "duty": True}],
    "calendars": [{"name": "班", "zone": "Asia/Shanghai", "week": WEEK}],
    "policies": [{"name": "标准", "warn": [50, 80],
                  "targets": {metric: {"within": {p: f"{m}m" for p, m in minutes.items()}, "hours": hours}
                              for metric, (minutes, hours) in TARGETS.items()}}],
}  # fmt: skip


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return TestClock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def stack(clock):
    running = Stack()
    running.environment.update(clock.environment)
    try:
        yield running.up("--router", 1, "--desk", 1, "--sla", 1, "--front", 0)
    finally:
        running.down()


@pytest.fixture
def shop(stack):
    return Shop(stack, json.dumps(DOCUMENTS, ensure_ascii=False))


def tokens(shop, folder, mail):
    file = folder / "tokens"
    shop.user("requester", "customer", email=mail)
    who = {"gate": shop.tenant.token, "requester": shop.token("requester"), "lin": shop.token("lin"), "wu": shop.token("wu"),
           "program": shop.desk.token()}
    file.write_text("".join(f"{name} {token}\n" for name, token in who.items()))
    return file


def story(number, tickets, rows):
    """A recorded life: replies in time and late, pauses, reopening, other priorities, notes, a program that answers."""
    chance = random.Random(f"a story {number}")
    start = int(datetime(2026, 1, 5, 0, 30, tzinfo=timezone.utc).timestamp()) * 1000  # a Monday, 08:30 in Shanghai
    written = []
    for n in range(tickets):
        at = start + chance.randrange(0, 300) * MINUTE
        written.append((at, f"T{n}", "requester", "", chance.choice(["low", "normal", "high", "urgent"]), "请问", ""))
        for _ in range(rows):
            at += int(chance.expovariate(1 / 150)) * MINUTE
            kind = chance.random()
            if kind < 0.3:
                written.append((at, f"T{n}", "requester", "", "", "还是不行", ""))
            elif kind < 0.55:
                written.append((at, f"T{n}", chance.choice(["lin", "wu"]), "", "", "您好", chance.choice(["", "", "no"])))
            elif kind < 0.85:
                state = chance.choice(["open", "pending", "pending", "hold", "solved", "acknowledged"])
                written.append((at, f"T{n}", "lin", state, "", chance.choice(["", "请看"]), ""))
            elif kind < 0.93:
                written.append((at, f"T{n}", "wu", "", chance.choice(["low", "normal", "high", "urgent"]), "", ""))
            else:
                written.append((at, f"T{n}", "program", "", "", "自动回复", ""))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("at", "ticket", "who", "state", "priority", "comment", "public"))
    writer.writerows(sorted(written, key=lambda row: row[0]))
    return out.getvalue()


def judged(shop, ticket, now):
    """What the oracle makes of a ticket's ledger: its clocks by metric and instance."""
    events = []
    created = shop.stack.sql("SELECT (extract(epoch FROM created_at) * 1000)::bigint FROM ticket.tickets WHERE id = %s", ticket)[0][0]
    for row in shop.tenant.ledger(ticket):
        at = max(events[-1]["at"] if events else 0, int(datetime.fromisoformat(row["at"]).timestamp() * 1000 + 0.5))
        payload = row["payload"]
        if row["kind"] == "ticket_created":
            events.append({"at": created, "type": "create", "by": "end_user", "public": True, "priority": payload["set"].get("priority"),
                           "state": payload["set"].get("status", "new")})
            continue
        changed = payload.get("set", {})
        if "priority" in changed:
            events.append({"at": at, "type": "priority", "priority": changed["priority"]})
        if "status" in changed:
            events.append({"at": at, "type": "state", "state": changed["status"]})
        if row["kind"] == "ticket_updated" and payload.get("comment"):
            kind = row["actor"].split(":")[0]
            by = {"requester": "end_user", "agent": "agent", "user": "agent"}.get(kind, "bot")
            events.append({"at": at, "type": "comment", "by": by, "public": payload["comment"]["public"]})
        if payload.get("reason", {}).get("why") == "acknowledged":
            events.append({"at": at, "type": "ack"})
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    week = []
    for name, shifts in WEEK.items():
        first, _, last = name.partition("-")
        for day in range(days.index(first), days.index(last or first) + 1):
            for shift in shifts:
                week.append([day * 1440 + int(t[:2]) * 60 + int(t[3:]) for t in shift.split("-")])
    targets = {metric: {p: {"minutes": m, "hours": "calendar" if hours == "calendar" else "c1"} for p, m in minutes.items()}
               for metric, (minutes, hours) in TARGETS.items()}
    case = {"step_ms": 1, "now": now, "shares": [50, 80], "calendars": {"c1": [{"zone": "Asia/Shanghai", "week": week}]},
            "policies": [{"targets": targets, "reopen": "resume", "pause": {}, "replies_by": ["agent"], "private_replies": False}],
            "events": events}
    return {(c["metric"], c["instance"]): c for c in promises.judge(case)["clocks"]}


def test_probe(shop, stack, clock, tmp_path):
    file = tmp_path / "story.csv"
    file.write_text(story(1, 4, 6))
    run = stack.docket("replay", "--input", file, "--tokens", tokens(shop, tmp_path, "replay@example.com"), "--tenant", shop.tenant.name,
                       "--clock", clock.file, "--hours-after", 40, "--json", check=False, timeout=400)
    print(run.returncode, run.stderr)
    print(run.stdout[:3000])
    for t in {json.loads(line)["id"] for line in run.stdout.splitlines()}:
        for row in shop.tenant.ledger(t):
            print(t, row["seq"], row["kind"], row["actor"], row["at"], json.dumps(row["payload"], ensure_ascii=False)[:400])
        break
    assert 0
