"""Random lives of tickets, as cases for `docket clock --cases`; the same number always makes the same life.

They look for trouble: events at the very instant a promise falls due, the nights in which clocks are changed, calendars
that open for a minute, targets that change while the ticket waits, several events in one instant.
"""
import random
from datetime import datetime, timedelta, timezone

from oracle import promises

ZONES = (
    "UTC", "Asia/Shanghai", "Europe/Berlin", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "America/New_York",
    "America/St_Johns", "America/Santiago", "America/Asuncion", "America/Havana", "America/Scoresbysund", "America/Caracas",
    "Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Chatham", "Pacific/Apia", "Pacific/Kiritimati", "Asia/Kathmandu",
    "Asia/Tehran", "Asia/Gaza", "Asia/Pyongyang", "Africa/Casablanca", "Africa/Cairo", "Antarctica/Troll", "Pacific/Fiji",
)  # fmt: skip
STATES = ("new", "assigned", "in_progress", "open", "pending", "on_hold", "hold", "solved", "closed")
PRIORITIES = ("low", "normal", "high", "urgent")
DAY, WEEK = 1440, 10080


def week(chance):
    """Intervals of a week: shop hours with lunch, nights, a few minutes, everything, or anything."""
    days = sorted(chance.sample(range(7), chance.randint(1, 7)))
    kind = chance.randrange(7)
    if kind == 0:
        return [[0, WEEK]]
    if kind == 1:
        return [[d * DAY, (d + 1) * DAY] for d in days]
    if kind == 2:  # nights: the last of them may go round into Monday
        start, n = chance.randrange(960, 1440), chance.randrange(60, 720)
        return [[d * DAY + start, d * DAY + start + n] for d in days]
    if kind == 3:  # hardly ever open
        return [[d * DAY + m, d * DAY + m + chance.choice((1, 2, 15, 61))] for d in days for m in (chance.randrange(1379),)]
    if kind == 4:  # the hours in which clocks are changed
        start = chance.choice((0, 30, 60, 90, 120, 150, 180))
        return [[d * DAY + start, d * DAY + start + chance.choice((60, 90, 119, 180))] for d in days]
    if kind == 5:
        cuts = sorted(chance.sample(range(WEEK), 2 * chance.randint(1, 12)))
        shift = chance.choice((0, 0, 1))
        pairs = list(zip(cuts[shift::2], cuts[shift + 1 :: 2]))
        pairs += [(cuts[-1], cuts[0] + WEEK)] if shift else []
        return [list(p) for p in chance.sample(pairs, len(pairs))]
    morning = chance.randrange(0, 600)
    lunch = morning + chance.randrange(1, 300)
    back = lunch + chance.randrange(1, 120)
    evening = back + chance.randrange(1, DAY - back)
    return [half for d in days for half in ([d * DAY + morning, d * DAY + lunch], [d * DAY + back, d * DAY + evening])]


def calendar(chance, around):
    if chance.random() < 0.08:
        return {"always": True}
    dates = [str((around + timedelta(days=n)).date()) for n in range(-2, 15)]
    made = {
        "zone": chance.choice(ZONES),
        "week": week(chance),
        "holidays": sorted(chance.sample(dates, chance.choice((0, 0, 1, 2, 5)))),
        "makeup": {day: chance.randrange(7) for day in sorted(chance.sample(dates, chance.choice((0, 0, 1, 2))))},
    }
    if chance.random() < 0.04:
        broken = chance.randrange(5)
        if broken == 0:
            made["week"] = []
        elif broken == 1:
            made["week"] = [[0, 600], [599, 900]]
        elif broken == 2:
            made["week"] = [[9000, 10140], [0, 61]]
        elif broken == 3:
            made["week"] = [[600, 600]]
        else:
            made["zone"] = "Mars/Olympus"
    return made


def policy(chance, calendars, fine):
    def minutes():
        if fine:
            return chance.choice((1, 2, 3, 5, 10, chance.randint(1, 90)))
        return chance.choice((1, 5, 15, 30, 60, 90, 120, 240, 480, 1440, 2880, chance.randint(1, 3000)))

    hours = ["calendar"] + 3 * calendars + (["c9"] if chance.random() < 0.02 else [])  # there is no c9
    targets = {
        metric: {p: {"minutes": minutes(), "hours": chance.choice(hours)} for p in PRIORITIES if chance.random() < 0.85}
        for metric in promises.METRICS
        if chance.random() < 0.85
    }
    return {
        "targets": targets,
        "reopen": chance.choice(("resume", "resume", "restart")),
        "pause": {m: chance.sample(STATES[:7], chance.choice((0, 1, 2, 3))) for m in promises.METRICS if chance.random() < 0.4},
        "replies_by": chance.choice((["agent"], ["agent"], ["agent", "bot"])),
        "private_replies": chance.random() < 0.1,
    }


def first_instant(chance):
    """Any day of many years; every third time the day before somebody's clocks are changed."""
    year = chance.randint(2001, 2045) if chance.random() < 0.3 else chance.randint(2022, 2030)
    start = datetime(year, 1, 1, tzinfo=timezone.utc) + timedelta(minutes=chance.randrange(365 * DAY))
    if chance.random() < 0.35:
        month, day = chance.choice(((3, 8), (3, 25), (3, 28), (4, 1), (9, 5), (9, 24), (10, 1), (10, 25), (11, 1)))
        start = datetime(year, month, day, tzinfo=timezone.utc) + timedelta(minutes=chance.randrange(6 * DAY))
        if chance.random() < 0.1:
            start = datetime(2011, 12, 28, tzinfo=timezone.utc) + timedelta(minutes=chance.randrange(3 * DAY))  # Apia
    return start


def event(chance, revisions, policies):
    kind = chance.random()
    if kind < 0.36:
        return {"type": "comment", "by": chance.choice(("end_user", "end_user", "agent", "agent", "bot")), "public": chance.random() < 0.8}
    if kind < 0.70:
        return {"type": "state", "state": chance.choice(STATES[:8] + ("pending", "solved", "assigned"))}
    if kind < 0.82:
        return {"type": "priority", "priority": chance.choice(PRIORITIES + (None,))}
    if kind < 0.89 and policies:
        return {"type": "policy", "rev": chance.randint(0, policies)}
    if kind < 0.95 and revisions:
        name = chance.choice(sorted(revisions))
        beyond = chance.random() < 0.02
        return {"type": "calendar", "calendar": name, "rev": revisions[name] + 1 if beyond else chance.randint(1, revisions[name])}
    if kind < 0.985:
        return {"type": "ack"}
    return chance.choice(({"type": "merge"}, {"type": "delete"}, {"type": "state", "state": "closed"}))


def instants(chance, case):
    """Where a promise of this ticket falls due, warns, opens or shuts: instants at which things are hard."""
    found = set()
    for clock in promises.judge(case)["clocks"]:
        found |= {clock["due"], *clock["warnings"].values()} | {end for stretch in clock["counted"] for end in stretch}
    return sorted(at for at in found if at is not None and at % case["step_ms"] == 0 and at >= case["now"])


def life(number):
    """The case of this number."""
    chance = random.Random(f"a ticket's life {number}")
    fine = chance.random() < 0.25
    step = 1000 if fine else 60000
    start = first_instant(chance)
    first = int(start.timestamp()) * 1000 + (chance.randrange(60) * 1000 if fine else 0)
    calendars = {
        f"c{n + 1}": [calendar(chance, start) for _ in range(chance.choice((1, 1, 2, 3)))] for n in range(chance.choice((1, 1, 2)))
    }
    names = sorted(calendars)
    policies = [policy(chance, names, fine) for _ in range(chance.choice((0, 1, 1, 1, 2, 3)))]
    create = {
        "at": first,
        "type": "create",
        "by": chance.choice(("end_user", "end_user", "end_user", "agent", "bot")),
        "public": chance.random() < 0.8,
        "priority": chance.choice(PRIORITIES + PRIORITIES + (None,)),
    }
    if chance.random() < 0.5:
        create["policy"] = chance.randint(0, len(policies))
    if chance.random() < 0.2:
        create["state"] = chance.choice(STATES[:7])
    shares = [50, 80, 95] if chance.random() < 0.7 else sorted(chance.sample(range(1, 100), chance.randint(1, 4)))
    case = {
        "id": str(number),
        "step_ms": step,
        "now": first,
        "shares": shares,
        "calendars": calendars,
        "policies": policies,
        "events": [create],
    }
    pace = chance.choice((20, 120, 900)) if fine else chance.choice((10, 90, 600, 1500))
    revisions = {name: len(calendars[name]) for name in names}
    for _ in range(chance.choice((0, 3, 6, 6, 10, 16))):
        hard = instants(chance, case) if chance.random() < 0.15 else []
        if hard:
            at = hard[min(len(hard) - 1, chance.choice((0, 0, 1, 3)))] + chance.choice((0, 0, 0, step, -step))
            at = case["now"] if at < case["now"] or at > first + 20 * DAY * 60000 else at
        else:
            at = case["now"] + (0 if chance.random() < 0.25 else step * int(chance.expovariate(1 / pace)))
        case["now"] = at
        case["events"].append({"at": at, **event(chance, revisions, len(policies))})
    hard = instants(chance, case) if chance.random() < 0.1 else []
    if hard and hard[0] < case["now"] + 20 * DAY * 60000:
        case["now"] = hard[0]
    else:
        case["now"] += step * int(chance.expovariate(1 / pace))
    return case
