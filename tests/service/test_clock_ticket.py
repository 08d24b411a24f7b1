"""docket clock TICKET: every minute of a ticket's promises, told from its ledger. Rows are moved to chosen instants by the
owner of the schema, so that every number can be worked out by hand."""
import json

import pytest

from harness.moved import after, move
from harness.shop import Shop

PEOPLE = """
settings: {default_group: 售后, default_kind: 咨询, default_category: 其他}
groups: [{name: 售后}]
agents: [{name: lin, groups: [售后], capacity: 500, duty: on}]
"""
PROMISES = PEOPLE + """
calendars:
  - {name: 班, zone: Asia/Shanghai, week: {mon-fri: 09:00-18:00}}
policies:
  - name: VIP
    when: {all: {tier: [vip]}}
    targets:
      first_reply: 15m
      requester_wait: %s
      resolution: {within: 24h, hours: 班}
      stages: {in_progress: 4h}
    warn: [50]
"""
MIN = 60000


@pytest.fixture(scope="module")
def shop(stack):
    return Shop(stack, PROMISES % "4h")


def clock(shop, ticket):
    """Clocks by (metric, instance)."""
    page = json.loads(shop.stack.docket("clock", ticket, "--tenant", shop.tenant.name, "--json").stdout)
    page["clocks"] = {(c["metric"], c["instance"]): c for c in page["clocks"]}
    return page


def spans(found, *members):
    return [tuple(span[member] for member in members) for span in found["spans"]]


@pytest.fixture(scope="module")
def solved(shop):
    ticket = shop.placed(tier="vip")
    shop.done(ticket, by="lin", comment={"body": "正在查询"})
    shop.done(ticket, by="lin", status="pending")
    shop.done(ticket, by="lin", status="open")
    shop.done(ticket, by="lin", status="solved")
    move(shop, ticket, [0, 0, 20, 30, 90, 600])
    return ticket


def test_a_late_reply_broke_the_promise_when_it_was_due(shop, solved):
    page = clock(shop, solved)
    assert (page["status"], page["policy"], page["revision"], page["seq"]) == ("solved", "VIP", 1, 6)
    reply = page["clocks"]["first_reply", 1]
    assert (reply["status"], reply["started_at"], reply["fulfilled_at"]) == ("fulfilled", after(0), after(20))
    assert (reply["target_ms"], reply["elapsed_ms"], reply["left_ms"]) == (15 * MIN, 20 * MIN, -5 * MIN)
    assert (reply["breached_at"], reply["breach_cause"], reply["due_at"]) == (after(15), "time", None)


def test_every_minute_of_a_pause_is_accounted_for(shop, solved):
    wait = clock(shop, solved)["clocks"]["requester_wait", 1]
    assert spans(wait, "from", "to", "kind", "status") == [
        (after(0), after(20), "counted", "assigned"),
        (after(20), after(30), "counted", "in_progress"),
        (after(30), after(90), "paused", "pending"),
        (after(90), after(600), "counted", "in_progress")]
    assert (wait["elapsed_ms"], wait["breached_at"]) == (540 * MIN, after(300))


def test_closed_hours_do_not_count(shop, solved):
    whole = clock(shop, solved)["clocks"]["resolution", 1]
    assert whole["hours"] == "班" and whole["elapsed_ms"] == 480 * MIN and whole["breached_at"] is None
    assert spans(whole, "from", "to", "kind")[-2:] == [(after(90), after(480), "counted"), (after(480), after(600), "closed")]


def test_a_stage_has_a_clock_each_time_it_is_entered(shop, solved):
    clocks = clock(shop, solved)["clocks"]
    first, second = clocks["stage_in_progress", 1], clocks["stage_in_progress", 2]
    assert (first["started_at"], first["fulfilled_at"], first["breached_at"]) == (after(20), after(30), None)
    assert (second["started_at"], second["breached_at"], second["fulfilled_at"]) == (after(90), after(330), after(600))
    assert ("stage_pending", 1) not in clocks


def test_the_page_says_it_in_words(shop, solved):
    page = shop.stack.docket("clock", solved, "--tenant", shop.tenant.name).stdout
    for words in ["政策 policy VIP", "首次回复 first_reply 1", "已完成 fulfilled，违约 broken", "承诺 target 15m",
                  "停表 paused", "待客户回复 pending", "非工作时间 closed", "公开回复 a reply", "第 1 版 revision"]:
        assert words in page, (words, page)


def test_a_revision_holds_from_its_instant_on(shop):
    ticket = shop.placed(tier="vip")
    shop.done(ticket, by="lin", priority="high")
    move(shop, ticket, [0, 0, 240])
    for revision, wait in enumerate(["1h", "1h", "3h"], 2):
        file = shop.stack.home / f"{shop.tenant.name}-{revision}.yaml"
        file.write_text((PROMISES % wait).replace("{name: 售后}", "{name: 售后, title: 第%d版}" % revision))
        shop.stack.docket("apply", "--tenant", shop.tenant.name, file)
        shop.stack.sql("UPDATE config.revisions SET applied_at = %s WHERE tenant_id = %s AND revision = %s",
                       after(revision * 60), shop.tenant.number, revision, admin=True)
    page = clock(shop, ticket)
    wait = page["clocks"]["requester_wait", 1]
    assert (wait["breached_at"], wait["breach_cause"]) == (after(120), "policy_change")
    assert wait["target_ms"] == 180 * MIN and page["revision"] == 4
    assert spans(wait, "from", "kind", "policy", "priority")[:3] == [
        (after(0), "counted", "VIP", "normal"), (after(120), "counted", "VIP", "normal"),
        (after(240), "counted", "VIP", "high")]


def test_without_documents_time_runs_and_nothing_is_promised(shop):
    ticket = shop.placed(tier="vip")
    shop.done(ticket, by="lin", comment={"body": "好"})
    move(shop, ticket, [-300, -300, -280])  # before the first documents
    clocks = clock(shop, ticket)["clocks"]
    assert (clocks["first_reply", 1]["target_ms"], clocks["first_reply", 1]["elapsed_ms"]) == (None, 20 * MIN)
    assert clocks["requester_wait", 1]["target_ms"] is not None  # since then


def test_no_ticket_is_no_clock(shop):
    run = shop.stack.docket("clock", 999999999, "--tenant", shop.tenant.name, check=False)
    assert run.returncode == 1 and "there is no ticket" in run.stderr
    assert shop.stack.docket("clock", check=False).returncode == 2
    assert shop.stack.docket("clock", "x", check=False).returncode == 2
