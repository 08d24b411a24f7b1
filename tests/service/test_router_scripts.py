"""The router's decisions in Redis against a brute-force model: replays, reordering, duplicates, people, expiry, rebuilds."""
import random

import pytest

from assignment_model import RESERVED_MS, Model
from roster import RedisServer, Roster

GROUPS = ["11", "12", "13"]
SKILLS = ["en", "vip", "退款"]
KINDS = [f"{g}:{s}" for g in GROUPS for s in ("", "en", "en,vip", "退款")]
AGING_MS = 60_000


@pytest.fixture(scope="module")
def server():
    running = RedisServer()
    yield running
    running.close()


@pytest.fixture
def roster(server):
    server.client.flushall()
    fresh = Roster(server.client)
    assert fresh.rebuild() == "OK" and fresh.finish() == "OK"
    return fresh


class World:
    """PostgreSQL's rows, routers that die between any two steps, messages that arrive late, twice, or never."""

    def __init__(self, roster, seed):
        self.random = random.Random(seed)
        self.roster, self.model = roster, Model()
        self.now = 1_763_000_000_000
        self.rows = {}        # ticket -> dict(version, state, agent, score, since, kind): the truth
        self.by_people = set()  # agents whom people gave something
        self.in_flight = []   # reservations whose router has not committed: (ticket, version, agent, score, kind)
        self.moving = []      # places held whose router has not committed: (ticket, version, agent)
        self.messages = []    # rows on their way to Redis
        self.next_ticket = 1000
        self.agents = {}

    # --- both sides do the same, and must say the same
    def reserve(self, tickets):
        expected = self.model.reserve(self.now, tickets)
        assert self.roster.reserve(self.now, tickets) == expected
        return expected

    def settle(self, rows, ends_expired=False):
        self.model.settle(self.now, rows, ends_expired)
        hints = self.roster.settle(self.now, rows, ends_expired)
        assert len(hints) == len(set(hints)) and all(self.model.has_room(a) for a in hints)

    def row_says(self, ticket):
        r = self.rows.get(ticket)
        if r is None:
            return (ticket, 0, "G", "0", 0, 0, "")
        return (ticket, r["version"], r["state"], r["agent"], r["score"], r["since"], r["kind"])

    def machine_load(self, agent):
        committed = {t for t, r in self.rows.items() if r["state"] == "A" and r["agent"] == agent}
        reserved = {t for t, r in self.model.tickets.items() if r["state"] == "R" and r["agent"] == agent}
        held = {t for t, h in self.model.holds.items() if h["agent"] == agent}
        return len(committed | reserved | held)

    def still_good(self, ticket, version):
        return self.rows.get(ticket, {"version": 0})["version"] == version

    # --- what happens
    def new_tickets(self):
        batch = []
        for _ in range(self.random.randint(1, 8)):
            score = self.now - self.random.randint(0, 3) * AGING_MS - self.random.randint(0, 1000)
            batch.append((str(self.next_ticket), score, self.random.choice(KINDS)))
            self.next_ticket += 1
        if self.rows and self.random.random() < 0.2:  # a replay among them
            old = self.random.choice(list(self.rows))
            batch.append((old, self.now, self.rows[old]["first_kind"]))
        for (ticket, score, kind), (agent, load, capacity, why) in zip(batch, self.reserve(batch)):
            if why == "N":
                assert load < capacity, "above capacity"
            if ticket in self.rows:
                continue
            self.in_flight.append((ticket, 0, agent if why in "NS" else "0", score, kind))

    def take(self):
        agent = self.random.choice(list(self.agents))
        limit = self.random.randint(1, 6)
        taken = self.roster.take(self.now, agent, limit)
        assert taken == self.model.take(self.now, agent, limit)
        for ticket, version, to, load, capacity, kind in taken:
            assert load < capacity, "above capacity"
            self.in_flight.append((ticket, version, to, self.rows[ticket]["score"], kind))

    def commit(self):
        """A router's transaction. It refuses what another one overtook, and what lies too long (the router asks again)."""
        if not self.in_flight:
            return
        ticket, version, agent, score, kind = self.in_flight.pop(self.random.randrange(len(self.in_flight)))
        if self.still_good(ticket, version):
            if agent != "0":
                t = self.model.tickets.get(ticket)
                if not (t and t["state"] in "RA" and t["agent"] == agent):
                    return  # its reservation ended: too late
            since = self.rows.get(ticket, {"since": self.now})["since"]
            self.rows[ticket] = dict(version=version + 2 if version == 0 else version + 1, state="A" if agent != "0" else "W",
                                     agent=agent, score=score, since=since, kind=kind, first_kind=kind)
        self.tell(ticket)

    def another(self):
        """Escalations give tickets to somebody else; some know an older row, or are asked twice."""
        has = [i for i, r in self.rows.items() if r["state"] == "A"]
        asked = []
        for ticket in self.random.sample(has, min(len(has), self.random.randint(1, 5))):
            r = self.rows[ticket]
            late = self.random.random() < 0.1
            asked.append((ticket, r["version"] - late, self.random.choice(list(self.agents)) if late else r["agent"], r["first_kind"]))
        if asked and self.random.random() < 0.3:
            asked.append(self.random.choice(asked))
        expected = self.model.another(self.now, asked)
        assert self.roster.another(self.now, asked) == expected
        for (ticket, version, assignee, _), (agent, load, capacity) in zip(asked, expected):
            assert agent != assignee
            if agent != "0":
                self.moving.append((ticket, version, agent))

    def commit_move(self):
        if not self.moving:
            return
        ticket, version, agent = self.moving.pop(self.random.randrange(len(self.moving)))
        held = self.model.holds.get(ticket)
        if self.still_good(ticket, version) and held and held["agent"] == agent:  # else it refuses: too late
            self.rows[ticket] = dict(self.rows[ticket], version=version + 1, agent=agent)
        self.tell(ticket)

    def tell(self, ticket):
        said = self.row_says(ticket)
        for _ in range(self.random.choice([0, 1, 1, 1, 2])):  # lost, told, told twice
            self.messages.append(said)

    def deliver(self):
        self.random.shuffle(self.messages)
        cut = self.random.randint(0, len(self.messages))
        now, self.messages = self.messages[:cut], self.messages[cut:]
        if now:
            self.settle(now)

    def people(self):
        """Solve, hand over (also above capacity), take over from the queue, reopen."""
        if not self.rows:
            return
        ticket = self.random.choice(list(self.rows))
        r = dict(self.rows[ticket])
        r["version"] += 1
        what = self.random.random()
        if what < 0.6:
            r["state"], r["agent"] = "G", "0"
        elif what < 0.8:
            r["state"], r["agent"] = "A", self.random.choice(list(self.agents) + ["999"])
            self.by_people.add(r["agent"])
        else:
            r["state"], r["agent"], r["kind"] = "W", "0", self.random.choice(KINDS)
        self.rows[ticket] = r
        self.tell(ticket)

    def duty(self):
        rows = []
        for agent in self.random.sample([str(a) for a in range(101, 109)], self.random.randint(1, 3)):
            gone = self.random.random() < 0.1
            groups = [] if gone else self.random.sample(GROUPS, self.random.randint(1, 3))
            skills = [] if gone else self.random.sample(SKILLS, self.random.randint(0, 3))
            rows.append((agent, 0 if gone else self.random.randint(0, 4), not gone and self.random.random() < 0.8, groups, skills))
            self.agents[agent] = rows[-1]
        self.model.agents_set(self.now, rows)
        self.roster.agents_set(self.now, rows)

    def expire(self):
        expired = self.roster.expired(self.now)
        assert sorted(expired) == sorted(self.model.expired(self.now))
        known = [self.row_says(t) for t, _, age in expired if t in self.rows or age >= 12 * RESERVED_MS]
        if known:
            self.settle(known, ends_expired=True)

    def lose_a_router(self):
        self.in_flight = [x for x in self.in_flight if self.random.random() < 0.5]
        self.moving = [x for x in self.moving if self.random.random() < 0.5]

    def audit(self):
        """The reconciler's pages change nothing where nothing contradicts itself."""
        for name in self.roster.call("audit", self.now, "", "0"):
            self.roster.call("audit", self.now, name, "0")

    def step(self):
        self.now += self.random.choice([0, 1, 7, 300, 4000])
        what = self.random.choices(
            [self.new_tickets, self.take, self.commit, self.deliver, self.people, self.duty, self.expire, self.lose_a_router,
             self.another, self.commit_move, self.audit],
            [20, 15, 30, 20, 10, 5, 5, 1, 10, 8, 1])[0]
        what()

    def compare(self):
        loads = {}
        for ticket, t in self.model.tickets.items():
            if t["state"] in "RA":
                loads.setdefault(t["agent"], {})[ticket] = t["version"]
        there = self.roster.loads()
        assert {a: set(t) for a, t in there.items()} == {a: self.model.held_by(a) for a in there}
        assert all(self.model.load(a) == 0 for a in self.model.agents if a not in there)
        assert {a: {t: v for t, v in there[a].items() if t in loads[a]} for a in loads} == loads
        assert self.roster.queues() == {k: self.model.queue(k) for k in self.model.kinds()}
        for kind in KINDS:
            able = sorted((a for a in self.model.agents if self.model.has_room(a) and self.model.may(a, kind)), key=self.model.rank)
            if self.roster.client.sismember(self.roster.prefix + "gk:" + kind.split(":")[0], kind):
                assert self.roster.able(kind) == able, kind

    def settle_everything(self):
        """What reconciler, expiry and replays come to in the end: Redis equals the rows."""
        self.in_flight, self.moving, self.messages = [], [], []
        self.now += 13 * RESERVED_MS
        self.expire()
        self.settle([self.row_says(t) for t in self.rows])
        self.compare()
        assert not self.model.holds and not self.roster.client.keys(self.roster.prefix.replace("{", "[{]").replace("}", "[}]") + "h:*")
        for ticket, t in self.model.tickets.items():
            assert t["state"] != "R"
            assert ticket in self.rows and t["state"] == self.rows[ticket]["state"]
        assert set(t for t, r in self.rows.items() if r["state"] != "G") <= set(self.model.tickets)


@pytest.mark.parametrize("seed", range(12))
def test_scripts_decide_as_the_brute_force_model(roster, seed):
    world = World(roster, seed)
    world.duty()
    for n in range(1200):
        world.step()
        if n % 50 == 0:
            world.compare()
    world.settle_everything()


@pytest.mark.parametrize("seed", range(100, 106))
def test_machine_never_assigns_above_capacity(roster, seed):
    """Capacities that only grow and no people: then nobody ever holds more than she may, in rows and reservations together."""
    world = World(roster, seed)
    world.people = lambda: None
    for agent in range(101, 109):
        world.agents[str(agent)] = (str(agent), world.random.randint(1, 4), True, world.random.sample(GROUPS, 2), SKILLS[:agent % 4])
    world.duty = lambda: (world.model.agents_set(world.now, list(world.agents.values())),
                          world.roster.agents_set(world.now, list(world.agents.values())))
    world.duty()
    for _ in range(800):
        world.step()
        for agent, row in world.agents.items():
            assert world.machine_load(agent) <= row[1]
    world.settle_everything()
    # and nobody waits for somebody who is there
    for _ in range(200):
        pairs = world.model.able_and_waiting()
        if not pairs:
            break
        world.now += 1
        for ticket, version, to, _, _, kind in world.roster.take(world.now, pairs[0][1], 50):
            world.rows[ticket].update(version=version + 1, state="A", agent=to)
            world.model.take(world.now, pairs[0][1], 50)
            world.settle([world.row_says(ticket)])
    assert not world.model.able_and_waiting()


NOW = 1_763_000_000_000


def waits(ticket, version=1, kind="11:", score=NOW):
    return (ticket, version, "W", "0", score, NOW, kind)


def has(ticket, agent, version=2):
    return (ticket, version, "A", agent, 0, NOW, "")


def test_asked_again_the_answer_is_the_same(roster):
    roster.agents_set(NOW, [("101", 2, True, ["11"], []), ("102", 2, True, ["11"], [])])
    first = roster.reserve(NOW, [("1", NOW, "11:"), ("2", NOW, "11:")])
    again = roster.reserve(NOW + 5, [("2", NOW, "11:"), ("1", NOW, "11:")])
    assert [a for a, *_ in first] == ["101", "102"]
    assert [(a, why) for a, _, _, why in again] == [("102", "S"), ("101", "S")]
    assert roster.loads() == {"101": {"1": 0}, "102": {"2": 0}}


def test_least_loaded_relative_to_capacity_goes_first_and_ties_go_to_the_longest_idle(roster):
    roster.agents_set(NOW, [("101", 10, True, ["11"], []), ("102", 2, True, ["11"], [])])
    order = [roster.reserve(NOW + i, [(str(i), NOW, "11:")])[0][0] for i in range(12)]
    assert order[:3] == ["101", "102", "101"]  # 0/10 0/2, then 1/10 before 1/2
    assert order.count("101") == 10 and order.count("102") == 2
    assert roster.reserve(NOW + 99, [("99", NOW, "11:")])[0][3] == "F"


def test_a_new_ticket_does_not_jump_over_those_who_wait(roster):
    roster.settle(NOW, [waits("1")])
    roster.agents_set(NOW, [("101", 5, True, ["11"], [])])
    assert roster.reserve(NOW, [("2", NOW - 10 * AGING_MS, "11:")]) == [("101", 0, 0, "H")]
    assert roster.loads() == {}
    assert roster.reserve(NOW, [("3", NOW, "11:en")])[0][3] == "F"  # another kind: nobody speaks English


def test_settling_says_who_should_take_what_waits(roster):
    assert roster.settle(NOW, [waits("1")]) == []
    assert roster.agents_set(NOW, [("101", 1, True, ["11"], [])]) == ["101"]
    roster.settle(NOW, [has("7", "101")])
    assert roster.settle(NOW, [waits("2")]) == []
    assert roster.settle(NOW, [("7", 3, "G", "0", 0, NOW, "")]) == ["101"]
    assert roster.settle(NOW, [waits("3")]) == ["101"]


def test_waiting_one_aging_period_is_worth_one_class(roster):
    urgent_now, low_old = NOW - 3 * AGING_MS, NOW - 3 * AGING_MS - 1
    roster.settle(NOW, [waits("1", score=urgent_now), waits("2", score=low_old), waits("3", score=NOW)])
    roster.agents_set(NOW, [("101", 3, True, ["11"], [])])
    assert [t for t, *_ in roster.take(NOW, "101", 10)] == ["2", "1", "3"]


def test_a_stale_row_changes_nothing(roster):
    roster.agents_set(NOW, [("101", 3, True, ["11"], [])])
    roster.settle(NOW, [("1", 5, "G", "0", 0, NOW, "")])
    roster.settle(NOW, [has("1", "101", 4), waits("1", 3)])
    assert roster.loads() == {} and roster.queues() == {}


def test_tombstones_live_for_an_hour(roster):
    roster.settle(NOW, [("1", 5, "G", "0", 0, NOW, "")])
    assert 3590 < roster.client.ttl(roster.prefix + "t:1") <= 3600
    roster.settle(NOW, [has("1", "101", 6)])
    assert roster.client.ttl(roster.prefix + "t:1") == -1


def test_an_expired_reservation_goes_back_only_when_the_row_still_says_so(roster):
    roster.agents_set(NOW, [("101", 1, True, ["11"], [])])
    roster.settle(NOW, [waits("1")])
    assert [t for t, *_ in roster.take(NOW, "101", 5)] == ["1"]
    assert roster.expired(NOW + RESERVED_MS - 1) == []
    roster.settle(NOW + 5, [waits("1")], ends_expired=True)  # too early: somebody is at it
    assert roster.loads() == {"101": {"1": 1}}
    assert roster.expired(NOW + RESERVED_MS) == [("1", 1, RESERVED_MS)]
    assert roster.expired(NOW + RESERVED_MS) == [], "one router looks at a time"
    roster.settle(NOW + RESERVED_MS, [waits("1")], ends_expired=True)
    assert roster.loads() == {} and roster.queues() == {"11:": ["1"]}


def test_an_expired_reservation_is_confirmed_by_the_row(roster):
    roster.agents_set(NOW, [("101", 1, True, ["11"], [])])
    roster.reserve(NOW, [("1", NOW, "11:")])
    roster.settle(NOW + RESERVED_MS, [has("1", "101")])
    assert roster.loads() == {"101": {"1": 2}} and roster.expired(NOW + 9 * RESERVED_MS) == []


def test_a_place_held_counts_until_postgresql_has_said_what_became_of_it(roster):
    roster.agents_set(NOW, [("101", 5, True, ["11"], []), ("102", 1, True, ["11"], [])])
    roster.settle(NOW, [has("1", "101"), has("2", "101")])
    assert roster.another(NOW, [("1", 2, "101", "11:"), ("2", 2, "101", "11:")]) == [("102", 0, 1), ("0", 0, 0)]
    assert roster.reserve(NOW, [("3", NOW, "11:")])[0][0] == "101", "102 is full"
    later = NOW + RESERVED_MS
    assert sorted(t for t, *_ in roster.expired(later)) == ["1", "3"]
    assert roster.another(later, [("2", 2, "101", "11:")]) == [("0", 0, 0)], "nobody has looked yet"
    roster.settle(later, [has("1", "101")], ends_expired=True)  # it came to nothing
    assert roster.another(later, [("2", 2, "101", "11:")]) == [("102", 0, 1)]
    roster.settle(later, [has("2", "102", 3)])
    assert set(roster.loads()["102"]) == {"2"} and "2" not in roster.loads()["101"]


def test_nothing_is_done_on_a_cold_redis(roster):
    roster.agents_set(NOW, [("101", 1, True, ["11"], [])])
    roster.client.set(roster.prefix + "epoch", "0" * 40)
    before = roster.client.dbsize()
    assert roster.call("reserve", NOW, "1", "1", "11:") == "COLD"
    assert roster.settle(NOW, [waits("1")]) == "COLD"
    assert roster.call("take", NOW, "101", 5) == "COLD"
    assert roster.call("expired", NOW, 5) == "COLD"
    assert roster.call("another", NOW, "1", "1", "101", "11:") == "COLD"
    assert roster.agents_set(NOW, [("102", 1, True, ["11"], [])]) == "COLD"
    assert roster.call("overview", NOW, "11") == "COLD" and roster.call("waiting", NOW, "11", NOW, 5) == "COLD"
    assert roster.call("audit", NOW, "", "0") == "COLD"
    roster.client.delete(roster.prefix + "epoch")
    assert roster.settle(NOW, [waits("1")]) == "COLD"
    assert roster.client.dbsize() == before - 1


def test_a_rebuild_wipes_what_an_older_life_left_and_nothing_else(roster):
    roster.agents_set(NOW, [("101", 1, True, ["11"], [])])
    roster.settle(NOW, [waits(str(i)) for i in range(2000)])
    roster.client.set("d:{1}:c:claim", "of the gate")
    roster.client.set("d:{2}:t:1", "another tenant's")
    assert roster.rebuild("one", force=True) == "OK"
    assert sorted(roster.client.keys("*")) == ["d:{1}:c:claim", "d:{1}:epoch", "d:{1}:rebuilder", "d:{2}:t:1"]
    assert roster.call("reserve", NOW, "1", "1", "11:") == "COLD"  # not yet
    assert roster.settle(NOW, [waits("1")]) == []                  # but rows may be told
    assert roster.finish("one") == "OK"
    assert roster.queues() == {"11:": ["1"]}


def test_one_rebuilds_at_a_time_and_a_frozen_one_is_fenced(roster):
    roster.client.set(roster.prefix + "epoch", "f" * 40)
    assert roster.call("rebuild", NOW, "begin", "one") == "OK"
    assert roster.call("rebuild", NOW, "begin", "two") == "BUSY"
    roster.client.delete(roster.prefix + "rebuilder")  # its lease ran out
    assert roster.call("rebuild", NOW, "begin", "two") == "OK"
    assert roster.call("rebuild", NOW, "wipe", "one", "0") == "LOST"
    assert roster.settle(NOW, [waits("1")]) == "COLD"
    assert roster.call("rebuild", NOW, "wipe", "two", "0") == "0"
    assert roster.call("settle", NOW, "0", *waits("1"), epoch=f"fill:{roster.run_id}:one") == "COLD"
    assert roster.call("settle", NOW, "0", *waits("1"), epoch=f"fill:{roster.run_id}:two") == []
    assert roster.finish("one") == "LOST"
    assert roster.finish("two") == "OK"
    assert roster.call("rebuild", NOW, "begin", "three") == "WARM"


def test_the_audit_drops_what_contradicts_the_tickets(roster):
    roster.agents_set(NOW, [("101", 2, True, ["11"], []), ("102", 2, True, ["11"], [])])
    roster.settle(NOW, [has("1", "101"), waits("2")])
    roster.client.hset(roster.prefix + "l:102", mapping={"1": 2, "9": 4})
    roster.client.zadd(roster.prefix + "q:11:", {"1": 5})
    assert sorted(roster.call("audit", NOW, "", "0")) == ["l:101", "l:102", "q:11:"]
    assert [sorted(roster.call("audit", NOW, name, "0")[1:]) for name in ("l:101", "l:102", "q:11:")] == [["1"], ["1", "9"], ["1", "2"]]
    assert roster.loads() == {"101": {"1": 2}} and roster.queues() == {"11:": ["2"]}


def test_a_lost_entry_is_made_whole_by_the_same_version(roster):
    roster.agents_set(NOW, [("101", 1, True, ["11"], [])])
    roster.settle(NOW, [has("1", "101"), waits("2")])
    roster.client.delete(roster.prefix + "l:101", roster.prefix + "q:11:")
    roster.settle(NOW, [has("1", "101"), waits("2")])
    assert roster.loads() == {"101": {"1": 2}} and roster.queues() == {"11:": ["2"]} and roster.able("11:") == []


def test_the_fallback_sees_who_waits_long_enough(roster):
    roster.settle(NOW, [(str(i), 3, "W", "0", NOW + i, NOW + i, "11:en" if i % 2 else "11:") for i in range(10)])
    answer = roster.call("waiting", NOW, "11", NOW + 3, 3)
    assert answer[0] == "10" and sorted(answer[1::2]) == ["0", "1", "2"] or len(answer) == 7
    assert roster.call("waiting", NOW, "12", NOW + 3, 3) == ["0"]


def test_no_script_is_slow_with_300000_waiting(roster):
    """2 ms for each script, as the server itself measures it; the size of a call is the router's (roster.h)."""
    agents = [(str(a), 200, True, ["11", "12", "13"], SKILLS) for a in range(1000, 1200)]
    nobody = ["21", "22"]
    kinds = [f"{g}:{s}" for g in nobody for s in ("", "en", "en,vip", "退款")]
    for start in range(0, 300_000, 50_000):
        pipe = roster.client.pipeline(transaction=False)
        for at in range(start, start + 50_000, 64):
            rows = [(str(i), 1, "W", "0", NOW - i, NOW, kinds[i % len(kinds)]) for i in range(at, min(at + 64, start + 50_000))]
            pipe.evalsha(roster.scripts["settle"].sha, 1, roster.prefix + "epoch", roster.run_id, NOW, 0, *[x for r in rows for x in r])
        if start == 0:
            roster.settle(NOW, [waits("0")])
        pipe.execute()
    for at in range(0, len(agents), 50):
        roster.agents_set(NOW, agents[at:at + 50])
    roster.client.config_set("slowlog-log-slower-than", 40)
    roster.client.config_set("slowlog-max-len", 10000)
    names = {script.sha: name for name, script in roster.scripts.items()}
    slow = set(roster.scripts)
    for measurement in range(5):
        roster.client.slowlog_reset()
        a_busy_minute(roster, measurement, kinds, nobody)
        took = {}
        for entry in roster.client.slowlog_get(10000):
            took.setdefault(names.get(entry["command"].decode().split()[1]), []).append(entry["duration"])
        assert {"reserve", "settle", "take"} <= set(took)
        # The server measures wall time on a machine that others use too: a script that is slow is slow every time, and as a rule.
        slow = {name for name in slow if sorted(took.get(name, [0]))[len(took.get(name, [0])) // 2] >= 2000}
        if not slow:
            return
    assert not slow, {name: sorted(took[name]) for name in slow}


def a_busy_minute(roster, number, kinds, nobody):
    ticket = 10_000_000 + number * 1_000_000
    for n in range(60):
        batch = [(str(ticket + i), NOW, (KINDS + kinds)[(n + i) % 20]) for i in range(40)]
        ticket += 40
        said = roster.reserve(NOW + n, batch)
        roster.settle(NOW + n, [has(t, a) if w == "N" else waits(t, kind=k) for (t, _, k), (a, _, _, w) in zip(batch, said)])
    for n in range(30):  # somebody for those who wait, with room for 100
        agent = str(5000 + number * 100 + n)
        roster.agents_set(NOW, [(agent, 100, True, nobody, SKILLS)])
        for _ in range(4):
            roster.take(NOW, agent, 32)
    roster.call("expired", NOW + RESERVED_MS * 2, 64)
    roster.call("overview", NOW, *GROUPS, *nobody)
    roster.call("waiting", NOW, "21", NOW, 100)
    for name in roster.call("audit", NOW, "", "0")[:50]:
        roster.call("audit", NOW, name, "0")
