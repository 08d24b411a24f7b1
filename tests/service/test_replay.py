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
    "settings": {"default_group": "g", "close_after": "30d", "presence_timeout": "30d"},
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
        at = start + chance.randrange(0, 300 * 60) * 1000
        written.append((at, f"T{n}", "requester", "", chance.choice(["low", "normal", "high", "urgent"]), "请问", ""))
        for _ in range(rows):
            at += int(chance.expovariate(1 / 9000)) * 1000
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


def whole(ms):
    """Up to the next second: what coincides with a due time is replayed a millisecond before it."""
    return None if ms is None else -(-ms // 1000) * 1000


def replay_end(clock):
    return whole(int(clock.file.read_text()))


def judged(shop, ticket, now):
    """What the oracle makes of a ticket's ledger: its clocks by metric and instance."""
    events = []
    for row in shop.tenant.ledger(ticket):
        at = whole(round(datetime.fromisoformat(row["at"]).timestamp() * 1000))
        payload = row["payload"]
        if row["kind"] == "ticket_created":
            created = datetime.fromisoformat(payload["set"]["created_at"].replace("Z", "+00:00"))
            events.append({"at": whole(round(created.timestamp() * 1000)), "type": "create", "by": "end_user", "public": True, "priority": payload["set"].get("priority"),
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
    case = {"step_ms": 1000, "now": now, "shares": [50, 80], "calendars": {"c1": [{"zone": "Asia/Shanghai", "week": week}]},
            "policies": [{"targets": targets, "reopen": "resume", "pause": {}, "replies_by": ["agent"], "private_replies": False}],
            "events": events}
    return {(c["metric"], c["instance"]): c for c in promises.judge(case)["clocks"]}


def replayed(stack, shop, clock, folder, text, *options):
    """What the replay told of every clock, by ticket number, and what it said."""
    file = folder / "story.csv"
    file.write_text(text)
    run = stack.docket("replay", "--input", file, "--tokens", tokens(shop, folder, "replay@example.com"), "--tenant", shop.tenant.name,
                       "--clock", clock.file, "--wait", 240, "--json", *options, check=False, timeout=1500)
    found = {}
    for line in run.stdout.splitlines():
        told = json.loads(line)
        found.setdefault(told["id"], {})[(told["metric"], told["instance"])] = told
    return run, found


def test_a_replayed_life_is_settled_as_the_oracle_settles_it(stack, shop, clock, tmp_path):
    run, found = replayed(stack, shop, clock, tmp_path, story(1, 4, 5), "--hours-after", 24)
    assert run.returncode == 0, run.stderr
    assert len(found) == 4
    fates = set()
    for ticket, told in found.items():
        expected = judged(shop, ticket, replay_end(clock))
        assert told.keys() == expected.keys()
        for key, clock_told in told.items():
            oracle = expected[key]
            breached = clock_told.get("breached_ms")
            assert whole(breached) == whole(oracle["breached_at"]), (ticket, key, clock_told, oracle)
            assert (clock_told["fate"] == "kept") == (oracle["status"] == "fulfilled" and not breached and oracle["target"] is not None)
            fates.add((key[0], clock_told["fate"]))
        rows = [row["payload"]["promise"] for row in shop.tenant.ledger(ticket) if row["kind"] == "promise_breached"]
        assert sorted((p["metric"], p["instance"]) for p in rows) == sorted(key for key in told if "breached_ms" in told[key])
        assert not any(p["late"] for p in rows)
    assert {fate for _, fate in fates} >= {"kept", "broken"} and len({metric for metric, _ in fates}) >= 6
    stack.verify("--tenant", shop.tenant.name, wait=120)


def test_what_the_desk_refuses_is_named_and_the_life_goes_on(stack, shop, clock, tmp_path):
    rows = ["ticket,at,who,state,group,comment", "a,2026-01-05T09:00:00Z,requester,,,您好",
            "a,2026-01-05 09:01,lin,,没有这个组,", "a,2026-01-05T09:02:30Z,lin,solved,,好了"]  # fmt: skip
    run, found = replayed(stack, shop, clock, tmp_path, "\n".join(rows) + "\n")
    assert run.returncode == 1 and "record 3: POST" in run.stderr and "1 changes refused" in run.stderr
    (told,) = found.values()
    assert told["resolution", 1]["fate"] == "kept" and told["resolution", 1]["elapsed_ms"] == 150000


@pytest.mark.parametrize("text, says", [
    ("ticket,at\n", "record 1: it names the columns"),
    ("ticket,at,who\n", "record 2: nothing happens"),
    ("ticket,at,who\na,yesterday,lin\n", "record 2: `at` is written 2026-01-05T09:00:00Z, not `yesterday`"),
    ("ticket,at,who,state\na,2026-01-05T09:00:00Z,lin,lost\n", "record 2: `state` is open"),
    ("ticket,at,who\na,2026-01-05T09:00,requester\na,2026-01-05T09:01,nobody\n", "record 3: "),
])  # fmt: skip
def test_what_is_no_story_is_refused_before_anything_happens(stack, shop, clock, tmp_path, text, says):
    before = clock.file.read_text()
    run, found = replayed(stack, shop, clock, tmp_path, text)
    assert run.returncode == 2 and says in run.stderr and not found
    assert clock.file.read_text() == before
