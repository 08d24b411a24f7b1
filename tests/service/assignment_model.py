"""The promise of services/router/scripts, said again by brute force: no sorted sets, no caches, every question answered by
looking at everything. Method names and answers are the scripts'."""

RESERVED_MS = 10_000
SINCE_2020 = 1_577_836_800_000


class Model:
    def __init__(self):
        self.tickets = {}  # id -> dict(version, state, agent, score, since, kind)
        self.agents = {}   # id -> dict(capacity, duty, groups, skills, idle)
        self.expiry = {}   # "<reserved ticket>" or "h<held ticket>" -> ms
        self.holds = {}    # ticket -> dict(agent, version, since): a place held while somebody else still has it

    # --- questions
    def held_by(self, agent):
        """Tickets that take a place of hers."""
        return {i for i, t in self.tickets.items() if t["state"] in "RA" and t["agent"] == agent} | {
            i for i, h in self.holds.items() if h["agent"] == agent}

    def load(self, agent):
        return len(self.held_by(agent))

    def has_room(self, agent):
        a = self.agents.get(agent)
        return bool(a and a["duty"] and self.load(agent) < a["capacity"])

    def may(self, agent, kind):
        group, skills = kind.split(":", 1)
        a = self.agents[agent]
        return group in a["groups"] and all(s in a["skills"] for s in skills.split(",") if s)

    def rank(self, agent):
        a = self.agents[agent]
        return self.load(agent) * 8000 // a["capacity"], max(0, a["idle"] - SINCE_2020), agent

    def first(self, kind):
        able = [a for a in self.agents if self.has_room(a) and self.may(a, kind)]
        return min(able, key=self.rank) if able else None

    def queue(self, kind):
        waiting = [(t["score"], i) for i, t in self.tickets.items() if t["state"] == "W" and t["kind"] == kind]
        return [i for _, i in sorted(waiting)]

    def kinds(self):
        return sorted({t["kind"] for t in self.tickets.values() if t["state"] == "W"})

    def _reserve(self, now, agent, ticket, version, score, kind):
        self.tickets[ticket] = dict(version=version, state="R", agent=agent, score=score, since=now, kind=kind)
        self.agents[agent]["idle"] = now
        self.expiry[ticket] = now + RESERVED_MS

    # --- the scripts
    def reserve(self, now, tickets):
        answer = []
        for ticket, score, kind in tickets:
            known = self.tickets.get(ticket)
            if known:
                if known["state"] == "R":
                    known["since"] = now
                    self.expiry[ticket] = now + RESERVED_MS
                if known["state"] in "RA":
                    capacity = self.agents.get(known["agent"], {}).get("capacity", 0)
                    answer.append((known["agent"], max(0, self.load(known["agent"]) - 1), capacity, "S"))
                else:
                    answer.append(("0", 0, 0, "X"))
                continue
            first = self.first(kind)
            if self.queue(kind):
                answer.append((first or "0", 0, 0, "H" if first else "Q"))
            elif first:
                answer.append((first, self.load(first), self.agents[first]["capacity"], "N"))
                self._reserve(now, first, ticket, 0, score, kind)
            else:
                answer.append(("0", 0, 0, "F"))
        return answer

    def _hold(self, now, ticket, agent, version):
        self.holds[ticket] = dict(agent=agent, version=version, since=now)
        self.expiry["h" + ticket] = now + RESERVED_MS

    def another(self, now, asked):
        answer = []
        for ticket, version, assignee, kind in asked:
            t, held = self.tickets.get(ticket), self.holds.get(ticket)
            said = ("0", 0, 0)
            if held and held["agent"] != assignee:
                capacity = self.agents.get(held["agent"], {}).get("capacity", 0)
                said = held["agent"], max(0, self.load(held["agent"]) - 1), capacity
                self._hold(now, ticket, held["agent"], max(version, held["version"]))
            elif not held and t and t["state"] == "A" and t["agent"] == assignee and t["version"] <= version:
                able = [a for a in self.agents if a != assignee and self.has_room(a) and self.may(a, kind)]
                if able:
                    first = min(able, key=self.rank)
                    said = first, self.load(first), self.agents[first]["capacity"]
                    self._hold(now, ticket, first, version)
                    self.agents[first]["idle"] = now
            answer.append(said)
        return answer

    def settle(self, now, rows, ends_expired=False):
        for ticket, version, state, agent, score, since, kind in rows:
            t = self.tickets.get(ticket)
            if t is None:
                newer = version > 0
            elif t["version"] == version:
                newer = t["state"] != "R" or (ends_expired and now - t["since"] >= RESERVED_MS)
                if t["state"] == state == "W" and t["kind"] == kind:
                    since = t["since"]
            else:
                newer = version > t["version"]
            if not newer:
                continue
            had = ticket in self.held_by(agent)
            held = self.holds.get(ticket)
            if held and (version > held["version"] or (ends_expired and now - held["since"] >= RESERVED_MS)):
                del self.holds[ticket], self.expiry["h" + ticket]
            self.expiry.pop(ticket, None)
            if state == "A":
                self.tickets[ticket] = dict(version=version, state="A", agent=agent, score=0, since=now, kind="")
                if not had and agent in self.agents and (t is None or version > t["version"]):
                    self.agents[agent]["idle"] = max(self.agents[agent]["idle"], now)
            elif state == "W":
                self.tickets[ticket] = dict(version=version, state="W", agent="0", score=score, since=since, kind=kind)
            elif version > 0:
                self.tickets[ticket] = dict(version=version, state="G", agent="0", score=0, since=now, kind="")
            else:
                self.tickets.pop(ticket, None)

    def take(self, now, agent, limit):
        taken = []
        while limit > 0:
            heads = []
            for kind in self.kinds():
                if agent in self.agents and self.may(agent, kind) and self.first(kind):
                    ticket = self.queue(kind)[0]
                    heads.append((self.tickets[ticket]["score"], ticket, kind))
            if not heads:
                break
            _, ticket, kind = min(heads)
            to = self.first(kind)
            t = self.tickets[ticket]
            taken.append((ticket, t["version"], to, self.load(to), self.agents[to]["capacity"], kind))
            self._reserve(now, to, ticket, t["version"], t["score"], kind)
            limit -= 1
        return taken

    def expired(self, now):
        due, said = sorted((at, name) for name, at in self.expiry.items() if at <= now), {}
        for _, name in due:
            ticket = name.lstrip("h")
            what = self.holds[ticket] if name[0] == "h" else self.tickets[ticket]
            if ticket in self.tickets:
                self.expiry[name] = now + RESERVED_MS
                said.setdefault(ticket, (ticket, what["version"], now - what["since"]))
            else:
                del self.holds[ticket], self.expiry[name]
        return list(said.values())

    def agents_set(self, now, rows):
        for agent, capacity, duty, groups, skills in rows:
            before = self.agents.get(agent)
            idle = before["idle"] if before else 0
            if duty and not (before and before["duty"]):
                idle = now
            if not groups and self.load(agent) == 0:
                self.agents.pop(agent, None)
            else:
                self.agents[agent] = dict(capacity=capacity, duty=duty, groups=set(groups), skills=set(skills), idle=idle)

    def able_and_waiting(self):
        """Pairs that must not stay: a ticket waits although somebody who may take it has room."""
        return [(kind, self.first(kind)) for kind in self.kinds() if self.first(kind)]
