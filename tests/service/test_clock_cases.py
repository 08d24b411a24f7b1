"""What `docket clock --cases` promises: it judges a ticket's life as whoever looks at every single minute does."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from harness.stack import BUILD
from oracle import lives, promises

ONCE_WRONG = Path(promises.__file__).with_name("once_wrong.jsonl")
RANDOM_CASES = int(os.environ.get("DOCKET_CLOCK_CASES", "5000"))  # the long form: 100000
IN_ONE_GO = 2500


def clock(text, expected=0):
    """The results and complaints of `docket clock --cases -`."""
    done = subprocess.run([BUILD / "bin" / "docket", "clock", "--cases", "-"], input=text, text=True, capture_output=True, timeout=600)
    assert done.returncode == expected, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.splitlines()


def judged(cases):
    results, complaints = clock("".join(json.dumps(case) + "\n" for case in cases))
    assert len(results) == len(cases) and not complaints
    for result in results:
        result.pop("touches")
    return results


def differences(cases):
    """What is told differently, in words that name the case."""
    found = []
    for case, ours in zip(cases, judged(cases)):
        theirs = promises.judge(case)
        if ours != theirs:
            told = [(a["metric"], a["instance"], key, a[key], b[key]) for a, b in zip(ours["clocks"], theirs["clocks"]) for key in a if a[key] != b[key]]
            found.append((case["id"], ours["alarms"], theirs["alarms"], told))
    return found


def test_random_lives_are_judged_as_minute_by_minute():
    for first in range(0, RANDOM_CASES, IN_ONE_GO):
        found = differences([lives.life(number) for number in range(first, min(first + IN_ONE_GO, RANDOM_CASES))])
        assert not found, f"{len(found)} lives from {first} on, of them: {found[:3]}"


def test_lives_once_judged_wrongly_are_judged_well():
    cases = [json.loads(line) for line in ONCE_WRONG.read_text().splitlines()]
    assert cases and not differences(cases)


# ---- the oracle itself, against what anybody can work out

MONDAY = 1760313600000  # 2025-10-13 08:00 in Shanghai
MINUTE = 60000


def a_case(*events, now, minutes=60, hours="c1", **policy):
    targets = {metric: {"normal": {"minutes": minutes, "hours": hours}} for metric in ("first_reply", "resolution", "requester_wait")}
    week = [[day * 1440 + start, day * 1440 + end] for day in range(5) for start, end in ((540, 720), (780, 1080))]
    shop = {"zone": "Asia/Shanghai", "week": week, "holidays": ["2025-10-14"], "makeup": {"2025-10-18": 1}}
    create = {"at": MONDAY, "type": "create", "by": "end_user", "public": True, "priority": "normal"}
    return {
        "id": "by hand",
        "step_ms": MINUTE,
        "now": MONDAY + now * MINUTE,
        "shares": [50, 80, 95],
        "calendars": {"c1": [shop]},
        "policies": [{"targets": targets, "reopen": "resume", "pause": {}, "replies_by": ["agent"], "private_replies": False, **policy}],
        "events": [create] + [{**event, "at": MONDAY + event["at"] * MINUTE} for event in events],
    }


def both(case, metric):
    """This clock, as both tell it alike, its instants in minutes."""
    (ours,) = judged([case])
    theirs = promises.judge(case)
    assert ours == theirs
    clock = next(c for c in ours["clocks"] if c["metric"] == metric)
    for key in ("due", "breached_at", "fulfilled_at", "cancelled_at"):
        clock[key] = None if clock[key] is None else (clock[key] - MONDAY) / MINUTE
    return clock


@pytest.mark.parametrize("minutes, due", [
    (60, 120),  # opens at nine, an hour later
    (180, 240),  # exactly when lunch begins, not when it ends
    (181, 301),
    (480, 600),  # exactly at six
    (481, 600 + 2 * 1440 - 540 + 1),  # Tuesday is a holiday
    (4 * 480 + 1, 5 * 1440 + 61),  # Saturday works as a Tuesday
])  # fmt: skip
def test_due_is_where_the_open_minutes_arrive(minutes, due):
    assert both(a_case(now=1, minutes=minutes), "resolution")["due"] == due


def test_a_reply_at_the_due_instant_keeps_the_promise_and_a_minute_later_breaks_it():
    reply = {"type": "comment", "by": "agent", "public": True}
    kept = both(a_case({"at": 120, **reply}, now=500), "first_reply")
    late = both(a_case({"at": 121, **reply}, now=500), "first_reply")
    assert (kept["breached_at"], kept["fulfilled_at"]) == (None, 120)
    assert (late["breached_at"], late["breach_cause"], late["fulfilled_at"]) == (120, "time", 121)


def test_pending_moves_what_the_customer_waits_for_by_its_open_minutes():
    pending = [{"at": 90, "type": "state", "state": "pending"}, {"at": 330, "type": "state", "state": "in_progress"}]
    clock = both(a_case(*pending, now=340), "requester_wait")
    assert clock["elapsed"] == 40 * MINUTE and clock["due"] == 360


def test_a_shorter_target_after_reopening_breaks_the_promise_by_policy():
    shorter = a_case(
        {"at": 150, "type": "state", "state": "solved"},
        {"at": 160, "type": "priority", "priority": "low"},
        {"at": 200, "type": "state", "state": "in_progress"},
        now=210,
        minutes=120,
    )
    shorter["policies"][0]["targets"]["resolution"]["low"] = {"minutes": 30, "hours": "c1"}
    clock = both(shorter, "resolution")
    assert (clock["breached_at"], clock["breach_cause"]) == (200, "policy_change")


# ---- what is no case

@pytest.mark.parametrize("line, word", [
    ("", "empty"),
    ("{", ""),
    ("[]", "object"),
    ("null", "object"),
    ('{"events": []}', "now"),
])  # fmt: skip
def test_what_is_no_case_is_named_by_its_line_and_the_others_are_answered(line, word):
    good = json.dumps(a_case(now=1))
    results, complaints = clock(f"{good}\n{line}\n{good}\n", expected=1)
    assert results[0] == results[2] and results[0]["clocks"] and results[1] is None
    (complaint,) = complaints
    assert ":2: " in complaint and word in complaint
