"""What `docket apply` promises, against a real PostgreSQL."""
import itertools
import json
import select
import subprocess
import uuid

import psycopg2
import pytest
import yaml
from psycopg2.extras import Json

from harness.stack import REPOSITORY, Stack

numbers = itertools.count(1)

SHOP = """
settings: {default_group: 售后}
skills: [清关, 英语]
groups:
  - {name: 售后, title: 售后服务}
  - {name: 跨境, fallback: 售后}
agents:
  - {name: lin, groups: [跨境], skills: [清关], capacity: 10, duty: on}
  - {name: zhao, groups: [售后]}
rules:
  - name: 清关
    when: {any: [{text: 清关}]}
    set: {group: 跨境, skills: [清关]}
"""


@pytest.fixture(scope="module")
def servers():
    """PostgreSQL with the schema, and no service."""
    running = Stack()
    try:
        running.up("--servers")
        running.docket("migrate")
        yield running
    finally:
        running.down()


class Shop:
    """One tenant and the ways to ask about its documents."""

    def __init__(self, servers, directory):
        self.servers, self.directory = servers, directory
        self.name = f"apply-{next(numbers)}"
        servers.docket("tenant", "create", self.name, "--title", "小店")
        self.number = self.sql("SELECT tenant_id FROM docket.tenants WHERE name = %s", self.name)[0][0]

    def sql(self, text, *parameters):
        return self.servers.sql(text, *parameters, admin=True)

    def apply(self, text, *options, check=True, name="shop.yaml"):
        file = self.directory / name
        file.write_text(text)
        return self.servers.docket("apply", "--tenant", self.name, *options, file, check=check)

    def refused(self, text, *options):
        run = self.apply(text, *options, check=False)
        assert run.returncode == 1, (run.returncode, run.stdout, run.stderr)
        return run

    def revision(self):
        return self.sql("SELECT coalesce(max(revision), 0) FROM config.revisions WHERE tenant_id = %s", self.number)[0][0]

    def documents(self):
        return dict(self.sql("SELECT kind, body FROM config.documents WHERE tenant_id = %s AND revision = %s",
                             self.number, self.revision()))

    def id(self, kind, name):
        return self.sql("SELECT id FROM config.names WHERE tenant_id = %s AND kind = %s AND name = %s",
                        self.number, kind, name)[0][0]

    def agent(self, name):
        rows = self.sql("SELECT on_duty, capacity FROM ticket.agents WHERE tenant_id = %s AND agent_id = %s",
                        self.number, self.id("agent", name))
        return rows[0] if rows else None

    def ticket(self, group, status="new", assignee=None, skills=()):
        """A ticket as the store would have written it: its row and its ledger."""
        ticket = next(numbers) + 200_000
        places = {"status": status, "group_id": self.id("group", group),
                  "assignee_id": self.id("agent", assignee) if assignee else None}
        self.sql("INSERT INTO ticket.tickets VALUES (%s, %s, 1, %s, 'normal', '咨询', '其他', 'web', %s, %s, 1, 1, 's', 'd',"
                 " %s, '{}', '', '', '', '', '', '', '', '', '{}', now(), now())", self.number, ticket, status,
                 places["group_id"], places["assignee_id"], list(skills))
        self.sql("INSERT INTO ticket.ledger VALUES (%s, %s, 1, %s, 0, 'ticket_created', 'router', now(), 1, '', %s)",
                 self.number, ticket, str(uuid.uuid4()), Json({"set": places}))
        return ticket

    def place(self, ticket):
        return self.sql("SELECT status, group_id, assignee_id, version FROM ticket.tickets WHERE tenant_id = %s AND id = %s",
                        self.number, ticket)[0]


@pytest.fixture
def shop(servers, tmp_path):
    return Shop(servers, tmp_path)


def test_the_demo_shop_is_applied_as_it_is(servers, shop):
    run = servers.docket("apply", "--tenant", shop.name, REPOSITORY / "deploy/demo/shop.yaml")
    assert "  + 客服 agents lin.xiaowan" in run.stdout
    assert shop.revision() == 1
    assert shop.sql("SELECT count(*) FROM ticket.agents WHERE tenant_id = %s", shop.number) == [(30,)]


def test_a_section_replaces_its_own_kind_and_no_other(shop):
    shop.apply(SHOP)
    before = shop.documents()
    run = shop.apply("# new people\nskills: [清关]\n", name="skills.yaml")
    after = shop.documents()
    assert shop.revision() == 2
    assert after.pop("skills") == "skills: [清关]\n"
    before.pop("skills")
    assert after == before
    assert "  - 技能 skills 英语" in run.stdout
    rows = shop.sql("SELECT source, first_line FROM config.documents WHERE tenant_id = %s AND revision = 2 AND kind IN"
                    " ('rules', 'skills') ORDER BY kind", shop.number)
    assert [(source.rsplit("/")[-1], line) for source, line in rows] == [("shop.yaml", 10), ("skills.yaml", 2)]


def test_every_change_is_shown_by_name(shop):
    shop.apply(SHOP)
    changed = SHOP.replace("capacity: 10", "capacity: 12").replace("title: 售后服务", "title: 服务").replace(
        "name: zhao", "name: qian")
    run = shop.apply(changed, "--check")
    assert run.stdout.splitlines() == [
        f"小店（{shop.name}）：第 1 版 → 第 2 版 revision 1 → 2",
        "  ~ 客服 agents lin：capacity: 10 → 12",
        "  + 客服 agents qian",
        "  - 客服 agents zhao",
        "  ~ 组 groups 售后：title: 售后服务 → 服务",
        "检查通过，未写入 checked; nothing was written"]
    assert shop.revision() == 1


def test_the_same_content_makes_no_revision(shop):
    shop.apply(SHOP)
    run = shop.apply("# a comment that belongs to nobody\n" + SHOP)
    assert "nothing to do" in run.stdout
    assert shop.revision() == 1


def test_what_is_wrong_is_named_with_its_line_and_nothing_is_written(shop):
    shop.apply(SHOP)
    run = shop.refused(SHOP.replace("group: 跨境", "group: 跨镜").replace("capacity: 10", "capacity: 1001"))
    file = shop.directory / "shop.yaml"
    assert run.stderr.splitlines()[:2] == [
        f"{file}:8: agent `lin`: `capacity: 1001`: must be a whole number from 0 to 1000",
        f"{file}:13: rule `清关`: unknown group `跨镜`; did you mean `跨境`?"]
    run = shop.refused("groups: [{name: 售后}]\n")  # what stays still speaks of 跨境, in its own file and line
    assert f"{file}:8: agent `lin`: unknown group `跨境`" in run.stderr
    assert shop.revision() == 1


def test_a_program_reads_the_same_as_json(shop):
    shop.apply(SHOP)
    answer = json.loads(shop.apply(SHOP.replace("[清关, 英语]", "[清关]"), "--json", "--check").stdout)
    assert answer == {"tenant": shop.name, "ok": True, "applied": False, "revision": 1, "refused": [], "moved": 0,
                      "problems": [], "changes": [{"change": "removed", "section": "skills", "name": "英语", "detail": ""}]}
    answer = json.loads(shop.refused("rules: [{name: r}]\n", "--json").stdout)
    assert not answer["ok"] and len(answer["problems"]) == 1


def test_numbers_stay_with_their_names(shop):
    shop.apply(SHOP)
    zhao, group = shop.id("agent", "zhao"), shop.id("group", "跨境")
    shop.apply(SHOP.replace("name: zhao", "name: qian"))
    assert shop.agent("zhao") is None
    shop.apply(SHOP)
    assert (shop.id("agent", "zhao"), shop.id("group", "跨境")) == (zhao, group)


def test_duty_is_the_persons_and_capacity_follows_the_document_that_changes_it(shop):
    shop.apply(SHOP)
    assert (shop.agent("lin"), shop.agent("zhao")) == ((True, 10), (False, 10))
    shop.sql("UPDATE ticket.agents SET on_duty = NOT on_duty, capacity = 7 WHERE tenant_id = %s", shop.number)
    shop.apply(SHOP.replace("title: 售后服务", "title: 服务"))
    assert (shop.agent("lin"), shop.agent("zhao")) == ((False, 7), (True, 7))
    shop.apply(SHOP.replace("groups: [售后]}", "groups: [售后], capacity: 15, duty: off}"))
    assert (shop.agent("lin"), shop.agent("zhao")) == ((False, 7), (True, 15))


def test_routers_hear_of_it_when_it_is_committed_and_only_then(shop):
    connection = psycopg2.connect(shop.servers.environment["DOCKET_POSTGRES_ADMIN"])
    connection.autocommit = True
    connection.cursor().execute("LISTEN docket_config; LISTEN docket_agents")
    shop.apply(SHOP, "--check")
    shop.refused("rules: [{name: r}]\n")
    shop.apply(SHOP)
    assert select.select([connection], [], [], 10)[0]
    connection.poll()
    heard = [(n.channel, n.payload) for n in connection.notifies]
    connection.close()
    assert ("docket_config", f"{shop.number},1") in heard
    assert ("docket_agents", f"{shop.number},{shop.id('agent', 'lin')}") in heard
    assert [h for h in heard if h[0] == "docket_config" and h[1].startswith(f"{shop.number},")] == [
        ("docket_config", f"{shop.number},1")]
    signals = shop.sql("SELECT topic FROM ticket.outbox WHERE tenant_id = %s", shop.number)
    assert signals == [("docket.signals",)], "one for lin, who is on duty; none for zhao"


def test_a_group_agent_or_skill_with_open_tickets_stays(shop):
    shop.apply(SHOP)
    shop.ticket("跨境", skills=["清关"])
    shop.ticket("跨境", "assigned", "lin", ["清关", "英语"])
    shop.ticket("跨境", "solved", "lin")
    less = ("skills: []\ngroups: [{name: 售后}]\nagents: [{name: zhao, groups: [售后]}]\nrules: []\n")
    for options in ([], ["--check"]):
        run = shop.refused(less, *options)
        assert "组 跨境 还有 2 张未完结工单，不能删除 group `跨境` still has 2 open tickets" in run.stderr
        assert "say where they go: --move-group 跨境=NAME" in run.stderr
        assert "agent `lin` still has 1 open tickets" in run.stderr
        assert "skill `清关` still has 2 open tickets" in run.stderr
        assert "skill `英语` still has 1 open tickets" in run.stderr
    answer = json.loads(shop.refused(less, "--json").stdout)
    assert answer["refused"][0] == {"kind": "agent", "name": "lin", "open_tickets": 1}
    assert shop.revision() == 1


def test_a_role_that_somebody_has_stays_and_they_are_named(shop):
    shop.apply(SHOP + "roles: [{name: 专员, based_on: agent}, {name: 空缺, based_on: lead}]\n")
    shop.sql("INSERT INTO access.users (tenant_id, user_id, role) SELECT %s, id, '专员' FROM config.names WHERE tenant_id = %s AND name = 'lin'"
             " UNION ALL SELECT %s, 4711, '专员'", shop.number, shop.number, shop.number)
    shop.sql("INSERT INTO access.users (tenant_id, user_id, role, deleted_at) VALUES (%s, 4712, '空缺', now())", shop.number)
    shop.sql("INSERT INTO access.tokens (tenant_id, hash, hint, principal) VALUES (%s, sha256('x'), 'x', 'role:专员')", shop.number)
    less = "roles: [{name: 空缺, based_on: lead}]\n"
    for options in ([], ["--check"]):
        run = shop.refused(less, *options)
        assert "role `专员` is still that of 3: lin" in run.stderr and "4711" in run.stderr and "token" in run.stderr
        assert "docket user role USER ROLE" in run.stderr
    answer = json.loads(shop.refused(less, "--json").stdout)
    assert [(r["kind"], r["name"], r["users"]) for r in answer["refused"]] == [("role", "专员", 3)]
    assert shop.revision() == 1
    shop.sql("UPDATE access.users SET role = 'agent' WHERE tenant_id = %s", shop.number)
    shop.sql("UPDATE access.tokens SET revoked_at = now() WHERE tenant_id = %s", shop.number)
    shop.apply("roles: []\n")
    assert shop.revision() == 2


def test_tickets_go_where_they_are_told_and_their_ledgers_say_so(shop):
    shop.apply(SHOP)
    waiting, held, pending, other = (shop.ticket("跨境"), shop.ticket("跨境", "assigned", "lin"),
                                     shop.ticket("跨境", "pending", "lin"), shop.ticket("售后", "assigned", "zhao"))
    less = ("skills: []\ngroups: [{name: 售后}, {name: 新组}]\nagents: [{name: zhao, groups: [售后]}, "
            "{name: qian, groups: [新组]}]\nrules: []\n")
    run = shop.apply(less, "--move-group", "跨境=新组", "--move-agent", "lin=qian")
    assert "移走 3 张工单 moved 3 tickets" in run.stdout
    new, qian = shop.id("group", "新组"), shop.id("agent", "qian")
    assert shop.place(waiting) == ("new", new, None, 2)
    assert shop.place(held) == ("assigned", new, qian, 2)
    assert shop.place(pending) == ("pending", new, qian, 2)
    assert shop.place(other) == ("assigned", shop.id("group", "售后"), shop.id("agent", "zhao"), 1)
    rows = shop.sql("SELECT kind, actor, payload -> 'set' ->> 'group_id', payload -> 'reason' ->> 'why' FROM ticket.ledger"
                    " WHERE tenant_id = %s AND seq = 2 ORDER BY ticket_id", shop.number)
    assert rows == [("ticket_queued", "system", str(new), "moved")] + [("ticket_assigned", "system", str(new), "moved")] * 2
    assert shop.sql("SELECT count(*) FROM ticket.outbox WHERE tenant_id = %s AND topic = 'docket.events'",
                    shop.number) == [(3,)]
    assert shop.revision() == 2


def test_a_move_that_makes_no_sense_is_refused(shop):
    shop.apply(SHOP)
    assert "`售后` stays in the documents" in shop.refused(SHOP, "--move-group", "售后=跨境").stderr
    less = SHOP.replace("  - {name: zhao, groups: [售后]}\n", "")
    assert "no agent `nobody` to move to" in shop.refused(less, "--move-agent", "zhao=nobody").stderr
    run = shop.apply(less, "--move-agent", "zhoa=lin", check=False)
    assert run.returncode == 2 and "there never was a agent `zhoa`" in run.stderr
    assert shop.revision() == 1


def test_two_at_once_make_one_revision_after_the_other(shop):
    shop.apply(SHOP)
    runs = []
    for i in range(5):
        file = shop.directory / f"settings-{i}.yaml"
        file.write_text(f"settings: {{default_group: 售后, aging: {20 + i}m}}\n")
        runs.append(subprocess.Popen(["docket", "apply", "--tenant", shop.name, str(file)], text=True,
                                     env=shop.servers.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0] * 5, outputs
    assert shop.revision() == 6
    bodies = shop.sql("SELECT body FROM config.documents WHERE tenant_id = %s AND kind = 'settings' AND revision > 1",
                      shop.number)
    assert len({body for body, in bodies}) == 5


HOLIDAYS = """BEGIN:VCALENDAR\r
BEGIN:VEVENT\r
DTSTART;VALUE=DATE:20261001\r
DTEND;VALUE=DATE:20261008\r
SUMMARY:国庆节 "假期"\r
END:VEVENT\r
END:VCALENDAR\r
"""
CALENDAR = "calendars:\n  - {name: 班, zone: Asia/Shanghai, ics_file: 2026.ics, week: {mon-fri: 09:00-18:00}}\n"


def test_an_icalendar_file_becomes_part_of_the_document(shop):
    (shop.directory / "2026.ics").write_bytes(HOLIDAYS.encode())
    shop.apply(CALENDAR + SHOP)
    (stored,) = [text for (text,) in shop.sql(
        "SELECT DISTINCT body FROM config.documents WHERE tenant_id = %s AND kind = 'calendars'", shop.number)]
    assert yaml.safe_load(stored)["calendars"][0]["ics"] == HOLIDAYS and "ics_file" not in stored
    (shop.directory / "2026.ics").write_text(HOLIDAYS.replace("20261001", "2026100"))
    assert "2026.ics: line 3: DTSTART is no date; write 20261001 (named in" in shop.refused(CALENDAR + SHOP).stderr
    (shop.directory / "2026.ics").unlink()
    assert "shop.yaml:2: `ics_file`:" in shop.refused(CALENDAR + SHOP).stderr


def test_what_is_not_possible_says_why(servers, shop):
    def trouble(*words, **options):
        run = servers.docket("apply", *words, check=False, **options)
        assert run.returncode == 2, (run.returncode, run.stdout, run.stderr)
        return run.stderr
    assert "No such file" in trouble("--tenant", shop.name, "nowhere.yaml")
    assert "name 1 to 64 files" in trouble("--tenant", shop.name)
    assert "make it: docket tenant create ghost" in trouble("--tenant", "ghost", "-", stdin=SHOP)
    assert "hold no section" in trouble("--tenant", shop.name, "-", stdin="# nothing\n")
    assert "larger than 4 MiB" in trouble("--tenant", shop.name, "-", stdin="#" * (4 << 20) + "#")
    assert "must be FROM=TO" in trouble("--tenant", shop.name, "--move-group", "a", "-", stdin=SHOP)
    broken = {"DOCKET_POSTGRES_ADMIN": "postgres://x:secret@127.0.0.1:1/docket"}
    said = trouble("--tenant", shop.name, "-", stdin=SHOP, environment=broken)
    assert "secret" not in said and "127.0.0.1" in said
