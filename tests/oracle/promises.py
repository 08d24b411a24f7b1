"""What the promises of a ticket say, worked out the slow way: a clock is a row of ticks, and every tick is looked at.

Written from the rules of the promises alone (elapsed time is what was counted tick by tick; due is where the
counting would arrive) and shares nothing with the scheduler. A tick is a minute or a second, whatever the case
says. Within a case all instants are ticks since 1970, except where a warning falls between two of them.
"""
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

METRICS = ("first_reply", "next_reply", "periodic_update", "resolution", "requester_wait", "agent_work", "ack")
REVIVED = ("resolution", "requester_wait", "agent_work")
PAUSES = {"requester_wait": ("pending",), "agent_work": ("pending", "on_hold")}
OTHER_NAMES = {"open": "in_progress", "hold": "on_hold"}
DAY, WEEK = 1440, 10080
LOOKED_AT_ONCE = 180  # minutes between two looks at a zone's offset; a zone does not change twice in them


def state_called(name):
    return OTHER_NAMES.get(name, name)


class Hours:
    """One revision of a calendar: which minutes are open, minute by minute, looked up as far as anybody asks."""

    def __init__(self, calendar, first_minute):
        self.first, self.open = first_minute - first_minute % LOOKED_AT_ONCE, bytearray()
        self.broken, self.always = False, False
        if calendar is None:
            self.broken = True
        elif calendar.get("always"):
            self.always = True
        else:
            self.broken = not self.understood(calendar)
        self.always = self.always or self.broken

    def understood(self, calendar):
        """Paints the week; False when it is empty, out of range, overlaps itself or knows no such zone."""
        self.week = bytearray(WEEK)
        for start, end in calendar["week"]:
            if not 0 <= start < end <= start + WEEK or start >= WEEK:
                return False
            for minute in range(start, end):
                if self.week[minute % WEEK]:
                    return False
                self.week[minute % WEEK] = 1
        if not any(self.week):
            return False
        try:
            self.zone = ZoneInfo(calendar["zone"])
        except (KeyError, ValueError, OSError):
            return False
        closed = {date.fromisoformat(day).toordinal() for day in calendar.get("holidays", ())}
        works_as = {date.fromisoformat(day).toordinal(): as_day for day, as_day in calendar.get("makeup", {}).items()}
        self.special = {day: bytes(DAY) for day in closed}
        for day, as_day in works_as.items():
            self.special[day] = self.week[as_day * DAY : (as_day + 1) * DAY]
        return True

    def offset(self, minute):
        moment = datetime.fromtimestamp(minute * 60, timezone.utc).astimezone(self.zone)
        return moment.utcoffset() // timedelta(minutes=1)

    def local(self, minute, offset, n):
        """The n minutes from this one on, none of which leaves the local date."""
        day, of_day = divmod(minute + offset, DAY)
        ordinal = day + date(1970, 1, 1).toordinal()
        painted = self.special.get(ordinal)
        if painted is None:
            weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
            return self.week[weekday * DAY + of_day : weekday * DAY + of_day + n]
        return painted[of_day : of_day + n]

    def look_on(self):
        """The next three hours: day by day where the offset stands still, minute by minute where it moves."""
        minute = self.first + len(self.open)
        end = minute + LOOKED_AT_ONCE
        offset = self.offset(minute)
        if offset == self.offset(end):
            while minute < end:
                n = min(end - minute, DAY - (minute + offset) % DAY)
                self.open += self.local(minute, offset, n)
                minute += n
        else:
            for at in range(minute, end):
                self.open += self.local(at, self.offset(at), 1)

    def minutes(self, start, end):
        while self.first + len(self.open) < end:
            self.look_on()
        return self.open[start - self.first : end - self.first]

    def ticks(self, start, end, a_minute):
        """One byte a tick, 1 when open."""
        if self.always:
            return b"\1" * (end - start)
        if a_minute == 1:
            return self.minutes(start, end)
        first, last = start // a_minute, -(-end // a_minute)
        wide = b"".join((b"\1" if m else b"\0") * a_minute for m in self.minutes(first, last))
        return wide[start - first * a_minute : end - first * a_minute]


class Clock:
    def __init__(self, metric, instance, start):
        self.metric, self.instance, self.start = metric, instance, start
        self.status = "running"
        self.stretches = []  # [from tick, to tick, what was counted in it, was there a target to judge it by?]
        self.target = None
        self.last_target = None  # while it last ran: what a breach is compared with
        self.breached_at = self.cause = self.fulfilled_at = self.cancelled_at = None
        self.warned = {}

    @property
    def elapsed(self):
        return sum(counted.count(1) for _, _, counted, _ in self.stretches)


class Walk:
    def __init__(self, case):
        self.case = case
        self.step = case["step_ms"]
        self.a_minute = 60000 // self.step
        self.first, self.now = case["events"][0]["at"] // self.step, case["now"] // self.step
        self.clocks, self.running_of = [], {}
        self.revisions = {name: 1 for name in case["calendars"]}
        self.hours, self.alarms = {}, set()
        self.policy, self.priority, self.state = {}, None, None
        self.over = self.replied = self.waiting = False

    # ---- what is in force

    def opening(self, name):
        """The hours of a target, as its calendar stands now; a broken one is always open, and noted."""
        key = (name, self.revisions.get(name, 1))
        if key not in self.hours:
            known = self.case["calendars"].get(name, [])
            calendar = {"always": True} if name == "calendar" else None
            if name != "calendar" and 1 <= key[1] <= len(known):
                calendar = known[key[1] - 1]
            self.hours[key] = Hours(calendar, self.first // self.a_minute)
        if self.hours[key].broken:
            self.alarms.add(f"{key[0]}/{key[1]}")
        return self.hours[key]

    def target_of(self, metric):
        return self.policy.get("targets", {}).get(metric, {}).get(self.priority)

    def stops(self, metric):
        named = self.policy.get("pause", {}).get(metric)
        return {state_called(s) for s in (PAUSES.get(metric, ()) if named is None else named)}

    def is_reply(self, event):
        if event["by"] not in self.policy.get("replies_by", ["agent"]):
            return False
        return event["public"] or self.policy.get("private_replies", False)

    # ---- what happens

    def begin(self, metric, at):
        instance = 1 + sum(c.metric == metric for c in self.clocks)
        clock = Clock(metric, instance, at)
        self.clocks.append(clock)
        self.running_of[metric] = clock

    def fulfil(self, metric, at):
        clock = self.running_of.pop(metric, None)
        if clock:
            clock.status, clock.fulfilled_at = "fulfilled", at

    def happen(self, event, at):
        if self.over:
            return
        kind = event["type"]
        if kind == "create":
            self.created(event, at)
        elif kind == "comment":
            self.commented(event, at)
        elif kind == "state":
            self.moved(state_called(event["state"]), at)
        elif kind == "priority":
            self.priority = event["priority"]
        elif kind == "policy":
            self.decreed(event["rev"])
        elif kind == "calendar":
            self.revisions[event["calendar"]] = event["rev"]
        elif kind == "ack":
            self.fulfil("ack", at)
        else:
            for clock in self.running_of.values():
                clock.status, clock.cancelled_at = "cancelled", at
            self.running_of, self.over = {}, True
        for clock in self.running_of.values():
            self.settle(clock)

    def decreed(self, revision):
        self.policy = self.case["policies"][revision - 1] if revision else {}

    def created(self, event, at):
        self.decreed(event.get("policy", 1 if self.case["policies"] else 0))
        self.priority = event["priority"]
        for metric in ("first_reply", "resolution", "requester_wait", "agent_work", "ack"):
            self.begin(metric, at)
        if event["public"] and self.is_reply(event):
            self.begin("periodic_update", at)
        self.moved(state_called(event.get("state", "new")), at)

    def commented(self, event, at):
        solved = self.state == "solved"
        if self.is_reply(event):
            self.replied, self.waiting = True, False
            for metric in ("first_reply", "next_reply", "periodic_update", "ack"):
                self.fulfil(metric, at)
            if not solved:
                self.begin("periodic_update", at)
        elif event["by"] == "end_user" and event["public"]:
            if solved:
                self.waiting = True
            elif self.replied and "next_reply" not in self.running_of:
                self.begin("next_reply", at)

    def moved(self, state, at):
        was, self.state = self.state, state
        if state in ("solved", "closed"):
            for metric in list(self.running_of):
                self.fulfil(metric, at)
            self.replied, self.over = True, state == "closed"
        elif was == "solved":
            for metric in REVIVED:
                last = [c for c in self.clocks if c.metric == metric][-1]
                if self.policy.get("reopen", "resume") == "restart":
                    self.begin(metric, at)
                else:
                    last.status, last.fulfilled_at = "running", None
                    self.running_of[metric] = last
            if self.waiting:
                self.waiting = False
                self.begin("next_reply", at)

    def settle(self, clock):
        """After an event: does it run, towards what, and by which hours was what has no target yet?"""
        clock.status = "paused" if self.state in self.stops(clock.metric) else "running"
        clock.target = self.target_of(clock.metric)
        if clock.target:
            for stretch in clock.stretches:
                if not stretch[3]:
                    hours = self.opening(clock.target["hours"])
                    stretch[2], stretch[3] = hours.ticks(stretch[0], stretch[1], self.a_minute), True

    # ---- what is reached

    def thresholds(self, clock):
        """(share, elapsed milliseconds) of each warning, then of the target itself."""
        minutes = clock.target["minutes"]
        return [(share, 600 * minutes * share) for share in self.case["shares"]] + [(None, 60000 * minutes)]

    def tick_reached(self, elapsed, counted, start, wanted_ms):
        """The first instant (ms) within these ticks, or at their end, at which so much has been counted."""
        if elapsed * self.step >= wanted_ms:
            return start * self.step
        if (elapsed + counted.count(1)) * self.step < wanted_ms:
            return None
        at = 0
        while (elapsed + counted.count(1, at, at + 256)) * self.step < wanted_ms:  # not in these ticks
            elapsed += counted.count(1, at, at + 256)
            at += 256
        for tick in range(at, at + 256):
            if counted[tick] and (elapsed + 1) * self.step >= wanted_ms:
                return (start + tick) * self.step + wanted_ms - elapsed * self.step
            elapsed += counted[tick]
        raise AssertionError("counted and not found")

    def watch(self, clock, start, end, counted):
        """Warnings and the breach from this instant on, before the instant that ends the stretch."""
        if clock.target and clock.breached_at is None:
            found, elapsed = {}, clock.elapsed
            for share, wanted in self.thresholds(clock):
                at = self.tick_reached(elapsed, counted, start, wanted)
                if at is not None and (at < end * self.step or at == start * self.step):
                    found[share] = at
            breach = found.pop(None, None)
            for share, at in found.items():
                if share not in clock.warned and (breach is None or at < breach):
                    clock.warned[share] = at
            if breach is not None:
                # Another target broke it only where the one it ran under until now would have been kept.
                kept = clock.last_target is None or elapsed * self.step < 60000 * clock.last_target
                moved = breach == start * self.step and clock.stretches and kept
                clock.breached_at, clock.cause = breach, "policy_change" if moved else "time"
        clock.last_target = clock.target["minutes"] if clock.target else None

    def walk(self):
        events = self.case["events"]
        at = 0
        while at < len(events):
            tick = events[at]["at"] // self.step
            while at < len(events) and events[at]["at"] // self.step == tick:
                self.happen(events[at], tick)
                at += 1
            end = events[at]["at"] // self.step if at < len(events) else self.now
            self.pass_time(tick, end)
            if at == len(events) and end > tick:
                self.pass_time(end, end)

    def pass_time(self, start, end):
        for clock in self.running_of.values():
            if clock.status != "running":
                continue
            counted = b"\1" * (end - start)
            if clock.target and end > start:
                counted = self.opening(clock.target["hours"]).ticks(start, end, self.a_minute)
            self.watch(clock, start, end, counted)
            if end > start:
                clock.stretches.append([start, end, counted, clock.target is not None])

    # ---- what is said

    def arrival(self, clock, wanted_ms):
        """The first instant at which the clock runs and has so much behind it; beyond now it goes on running."""
        elapsed = 0
        for start, end, counted, _ in clock.stretches:
            at = self.tick_reached(elapsed, counted, start, wanted_ms)
            if at is not None and at < end * self.step:
                return at
            elapsed += counted.count(1)
        hours = self.opening(clock.target["hours"])
        start, n = self.now, 60 * self.a_minute
        while True:
            ahead = hours.ticks(start, start + n, self.a_minute)
            at = self.tick_reached(elapsed, ahead, start, wanted_ms)
            if at is not None:
                return at
            elapsed += ahead.count(1)
            start, n = start + n, min(2 * n, 7 * DAY * self.a_minute)

    def stretches_of(self, clock, counted_only):
        """[[from, to), ...] in ms, neighbours joined."""
        found = []
        for start, end, counted, _ in clock.stretches:
            at = 0
            while at < end - start:
                if counted_only:
                    at = counted.find(1, at)
                    if at < 0:
                        break
                    to = counted.find(0, at)
                    to = end - start if to < 0 else to
                else:
                    to = end - start
                a, b = (start + at) * self.step, (start + to) * self.step
                if found and found[-1][1] == a:
                    found[-1][1] = b
                else:
                    found.append([a, b])
                at = to
        return found

    def told(self, clock):
        def ms(tick):
            return None if tick is None else tick * self.step

        reached = {}
        if clock.status == "running" and clock.target:
            reached = {share: self.arrival(clock, wanted) for share, wanted in self.thresholds(clock)}
        return {
            "metric": clock.metric,
            "instance": clock.instance,
            "start": ms(clock.start),
            "status": clock.status,
            "runs": self.stretches_of(clock, False),
            "counted": self.stretches_of(clock, True),
            "elapsed": clock.elapsed * self.step,
            "target": clock.target["minutes"] if clock.target else None,
            "due": reached.get(None),
            "warnings": {str(share): reached.get(share) for share in self.case["shares"]},
            "breached_at": clock.breached_at,
            "breach_cause": clock.cause,
            "fulfilled_at": ms(clock.fulfilled_at),
            "cancelled_at": ms(clock.cancelled_at),
            "warned_at": {str(share): clock.warned.get(share) for share in self.case["shares"]},
        }


def judge(case):
    """The RESULT of a case, as `docket clock --cases` has to give it (without "touches")."""
    walk = Walk(case)
    walk.walk()
    clocks = sorted(walk.clocks, key=lambda c: (METRICS.index(c.metric), c.instance))
    return {"clocks": [walk.told(c) for c in clocks], "alarms": sorted(walk.alarms)}
