"""Lists, counts, counts of views, exports and side-loads agree, whoever asks: for people of random rights every count is the
length of the list that it counts, and the list is what an oracle of the rule says she reaches; every page is full or the last."""
import collections
import json
import random

import pytest

from harness.desk import Desk
from harness.stack import until

SEED = 20261122
GROUPS = ["售后", "物流", "跨境"]
KINDS = ["咨询", "售后", "投诉"]
CATEGORIES = ["", "退款", "退款/进度", "退款单", "物流/丢件"]
REGIONS = ["", "cn", "eu"]
STATES = ["pending", "on_hold", "solved", "closed", "deleted", "merged"]
OPEN = {"pending", "on_hold"}
PEOPLE = 6
VIEWS = """
views:
  - {name: 全部}
  - {name: 了结, when: {all: [{status: [solved, closed]}]}, sort: -updated_at}
  - {name: 我办结, when: {all: [{status: [solved, closed]}, {assignee: me}]}, sort: -updated_at}
  - {name: 退款类, when: {all: [{category: {starts_with: 退款}}]}, sort: updated_at}
  - {name: 加急, when: {all: [{priority: urgent}]}, sort: -updated_at}
  - {name: 本组, when: {all: [{group: own}], any: [{status: closed}, {kind: 投诉}]}, sort: -updated_at}
  - {name: 贵宾, when: {all: [{tags: vip}]}, sort: -updated_at}
  - {name: 罕见, when: {all: [{status: closed}, {custom.level: "7"}]}, sort: -updated_at}
"""


def documents(dice):
    text = f"settings: {{default_group: 售后}}\nkinds: [{', '.join(KINDS)}]\ngroups: [{', '.join('{name: %s}' % g for g in GROUPS)}]\n"
    text += "fields: [{name: level}]\n"
    roles, agents = [], []
    for i in range(PEOPLE):
        own = dice.sample(GROUPS, dice.randint(1, 2))
        reach = {}
        if dice.random() < 0.6:
            reach["groups"] = ["own"] + dice.sample(GROUPS, dice.randint(0, 1)) if dice.random() < 0.6 else ["all"]
        if dice.random() < 0.5:
            reach["kinds"] = dice.sample(KINDS, dice.randint(1, 2))
        if dice.random() < 0.5:
            reach["categories"] = dice.sample(["退款", "退款/进度", "物流"], dice.randint(1, 2))
        if dice.random() < 0.4:
            reach["regions"] = dice.sample(["cn", "eu"], 1)
        roles.append(f"  - {{name: r{i}, based_on: agent, grant: [tickets.export], reach: {json.dumps(reach, ensure_ascii=False)}}}")
        agents.append(f"  - {{name: a{i}, groups: [{', '.join(own)}], capacity: 1, duty: off}}")
    return text + "roles:\n" + "\n".join(roles) + "\nagents:\n" + "\n".join(agents) + VIEWS


class Office:
    """A tenant with people of random rights and tickets of every sort, but for those that a router would have its hand in."""

    def __init__(self, stack):
        self.stack, self.dice = stack, random.Random(SEED)
        self.tenant = stack.tenant(documents(self.dice))
        self.desk = Desk(stack, self.tenant)
        names = stack.sql("SELECT kind, name, id FROM config.names WHERE tenant_id = %s", self.tenant.number)
        self.agents = {name: number for kind, name, number in names if kind == "agent"}
        self.groups = {name: number for kind, name, number in names if kind == "group"}
        self.reaches = {line["name"]: line for line in self.people()}
        self.tickets = {}
        for i in range(400):
            self.add(100001 + i, self.dice.choice(STATES))
        for i in range(1300):  # of which a few are what a view looks for
            self.add(200001 + i, "closed", level="7" if i % 325 == 3 else "1", group="跨境", kind="咨询")
        self.store()

    def people(self):
        """Each person's rights as the documents say them, read with no help of ours."""
        import yaml
        said = yaml.safe_load(self.text())
        for agent, role in zip(said["agents"], said["roles"]):
            reach = role["reach"]
            groups = reach.get("groups", ["own"])
            reached = None if "all" in groups else {g for word in groups for g in (agent["groups"] if word == "own" else [word])}
            yield {"name": agent["name"], "own": set(agent["groups"]), "groups": reached, "kinds": reach.get("kinds"),
                   "categories": reach.get("categories"), "regions": reach.get("regions")}

    def text(self):
        return (self.stack.home / f"{self.tenant.name}.yaml").read_text()

    def add(self, ticket, status, level="1", **fixed):
        dice = self.dice
        self.tickets[ticket] = {
            "id": ticket, "status": status, "kind": dice.choice(KINDS), "category": dice.choice(CATEGORIES),
            "region": dice.choice(REGIONS), "priority": dice.choice(["low", "normal", "urgent"]), "group": dice.choice(GROUPS + [None]),
            "assignee": dice.choice([*self.agents, *self.agents, None]),
            "tags": ["vip"] if dice.random() < 0.2 else [], "level": level, "at": dice.randint(0, 70000), **fixed}

    def store(self):
        rows = [(self.tenant.number, t["id"], t["status"], t["priority"], t["kind"], t["category"], t["region"],
                 self.groups.get(t["group"]), self.agents.get(t["assignee"]), t["tags"], json.dumps({"level": t["level"]}), t["at"])
                for t in self.tickets.values()]
        self.stack.sql("""INSERT INTO ticket.tickets (tenant_id, id, version, status, priority, kind, category, region, group_id,
                assignee_id, tags, custom_fields, updated_at, created_at, channel, requester_id, source_id, subject, description,
                skills, tier, order_ref, product, batch, device, language, external_id)
            SELECT (r ->> 0)::bigint, (r ->> 1)::bigint, 3, r ->> 2, r ->> 3, r ->> 4, r ->> 5, r ->> 6, (r ->> 7)::bigint,
                (r ->> 8)::bigint, ARRAY(SELECT jsonb_array_elements_text(r -> 9)), (r ->> 10)::jsonb,
                now() - interval '20 hours' + (r ->> 11)::bigint * interval '1 s', now() - interval '30 days', 'web', 6, 7, 's', 'd',
                '{}', '', '', '', '', '', 'zh', ''
            FROM jsonb_array_elements(%s::jsonb) r""", json.dumps(rows), admin=True)
        self.stack.docket("desk", "rebuild", "--tenant", self.tenant.name)
        until(lambda: self.stack.sql("SELECT done FROM desk.fills WHERE tenant_id = %s", self.tenant.number) == [(True,)], 120,
              "the tenant to be read")
        # exports leave the last minute out, in which these rows may have been written
        self.stack.sql("UPDATE desk.ticket_index SET generated_at = updated_at WHERE tenant_id = %s", self.tenant.number, admin=True)

    def token(self, name):
        self.stack.docket("user", "create", "--tenant", self.tenant.name, "--email", f"{name}@example.com", "--agent", name,
                          "--role", "r" + name[1:], "--no-password")
        return self.stack.docket("token", "create", "--tenant", self.tenant.name, "--user", name).stdout.split()[-1]

    def reached(self, name):
        """The rule, once more: what is assigned to her, and what no list of her role keeps from her."""
        p = self.reaches[name]

        def fits(t):
            below = any(t["category"] == c or t["category"].startswith(c + "/") for c in p["categories"] or [])
            return t["assignee"] == name or ((p["groups"] is None or t["group"] in p["groups"]) and (p["kinds"] is None or t["kind"] in p["kinds"])
                                             and (p["categories"] is None or below) and (p["regions"] is None or t["region"] in p["regions"]))
        return [t for t in self.tickets.values() if fits(t)]

    def shown(self, name):
        return [t for t in self.reached(name) if t["status"] not in ("deleted", "merged")]

    def views(self, name):
        """title -> the tickets that the view must show her."""
        mine = self.shown(name)
        done = [t for t in mine if t["status"] in ("solved", "closed")]
        own = self.reaches[name]["own"]
        return {
            "我的未结": [t for t in mine if t["status"] in OPEN and t["assignee"] == name],
            "全部未结": [t for t in mine if t["status"] in OPEN],
            "待客户回复": [t for t in mine if t["status"] == "pending"],
            "最近解决": [t for t in mine if t["status"] == "solved"],
            "全部": mine, "了结": done, "我办结": [t for t in done if t["assignee"] == name],
            "退款类": [t for t in mine if t["category"].startswith("退款")],
            "加急": [t for t in mine if t["priority"] == "urgent"],
            "本组": [t for t in mine if t["group"] in own and (t["status"] == "closed" or t["kind"] == "投诉")],
            "贵宾": [t for t in mine if "vip" in t["tags"]],
            "罕见": [t for t in mine if t["status"] == "closed" and t["level"] == "7"],
        }


@pytest.fixture(scope="module")
def office(stack):
    made = Office(stack)
    yield made
    for table in ("ticket.tickets", "desk.ticket_index", "desk.counters", "desk.own_counters"):  # they have no ledger
        stack.sql(f"DELETE FROM {table} WHERE tenant_id = %s", made.tenant.number, admin=True)


def walk(desk, path, key="tickets", **how):
    """Every row of a list by cursor; each page but the last must be full."""
    rows, size = [], 100
    path += ("&" if "?" in path else "?") + f"page[size]={size}"
    while path:
        answer = desk.get(path, timeout=60, **how)
        assert answer.status == 200, (path, answer.body)
        rows += answer.json[key]
        assert len(answer.json[key]) == size or not answer.json["meta"]["has_more"], (path, len(answer.json[key]))
        path = answer.json["links"]["next"]
    assert len({row["id"] for row in rows}) == len(rows)
    return rows


def ids(rows):
    return sorted(row["id"] for row in rows)


@pytest.mark.parametrize("name", [f"a{i}" for i in range(PEOPLE)])
def test_what_is_counted_is_what_is_listed_and_that_is_what_she_reaches(office, name):
    desk, token = office.desk, office.token(name)
    wanted = office.shown(name)
    listed = walk(desk, "/tickets?include=groups,users", token=token)
    assert ids(listed) == ids(wanted), office.reaches[name]
    assert ids(walk(desk, "/tickets?sort=-updated_at", token=token)) == ids(wanted)
    assert desk.get("/tickets/count", token=token, timeout=60).json["count"] | {"refreshed_at": 0} == {
        "value": len(wanted), "exact": True, "refreshed_at": 0}
    for by, columns in (("status", ["status"]), ("group,kind", ["group", "kind"]), ("category,region,status", ["category", "region", "status"])):
        rows = desk.get(f"/counts?by={by}", token=token, timeout=60).json["counts"]
        counted = {tuple(row[{"group": "group_id"}.get(c, c)] for c in columns): row["value"] for row in rows}
        expected = collections.Counter(tuple(office.groups.get(t[c]) if c == "group" else t[c] for c in columns) for t in wanted)
        assert counted == dict(expected), by
    shown = {view["raw_title"]: view["id"] for view in desk.get("/views", token=token, timeout=60).json["views"]}
    expected = office.views(name)
    assert set(expected) <= set(shown)
    for title, tickets in expected.items():
        found = walk(desk, f"/views/{shown[title]}/tickets", token=token)
        assert ids(found) == ids(tickets), (title, office.reaches[name])
        count = desk.get(f"/views/{shown[title]}/count", token=token, timeout=60).json["view_count"]
        assert (count["value"], count["exact"]) == (len(tickets), True) or (len(tickets) > 1000 and count["value"] == 1000), (title, count)
        by_number = desk.get(f"/views/{shown[title]}/tickets?per_page=100", token=token, timeout=60).json
        assert len(by_number["tickets"]) == min(100, len(tickets)), title
    exported, path = [], "/incremental/tickets/cursor.json?start_time=0"
    while path:
        answer = desk.get(path, token=token, timeout=60).json
        exported += answer["tickets"]
        path = None if answer["end_of_stream"] else answer["after_url"]
    assert ids(exported) == ids(office.reached(name))


def test_side_loads_name_nobody_beyond_the_list(office):
    answer = office.desk.get("/tickets?include=groups,users&per_page=50").json
    named = {t["group_id"] for t in answer["tickets"]} - {None}
    assert {group["id"] for group in answer["groups"]} == named
    people = {t["assignee_id"] for t in answer["tickets"]} | {t["requester_id"] for t in answer["tickets"]}
    assert {user["id"] for user in answer["users"]} <= people
