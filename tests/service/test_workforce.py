"""docket workforce: agents played through the desk's API, and nothing else."""
import json

import pytest

from harness.desk import Desk

SHOP = """
settings: {default_group: 售后}
kinds: [咨询, 售后]
groups: [{name: 售后}, {name: 物流}]
agents:
  - {name: lin, groups: [售后], capacity: 6, duty: off}
  - {name: wu, groups: [物流], capacity: 6, duty: off}
fields: # what the played agents fill in, as in the demo shop
  - {name: 退款金额, type: decimal}
  - {name: 责任方, type: tagger, options: [商家]}
  - {name: 赔付方案, type: multiselect, options: [退款]}
rules:
  - {name: 退款, when: {all: [{text: {contains: [退款]}}]}, set: {group: 售后, kind: 售后, category: 退款}}
standards:
  - {name: 办结, categories: [退款], before: [solved], fields: [退款金额], evidence: [{class: 审批截图, title: 主管同意的截图}]}
  - {name: 用语, reply: {must: [抱歉, 歉意]}}
"""
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def shop(stack):
    tenant = stack.tenant(SHOP)
    for number in range(6):
        tenant.create(subject=f"第 {number} 张", comment={"body": "退款没到" if number % 2 else "问一下"})
    return Desk(stack, tenant)


def play(desk, *words, seed=1, seconds=6):
    said = desk.stack.docket("workforce", "--agents", 2, "--pace", 120, "--seconds", seconds, "--seed", seed, "--poll", 100, "--transfer", 0,
                             "--url", desk.url, "--json", *words, timeout=60, check=False)
    assert said.returncode in (0, 1), (said.stdout, said.stderr)
    return json.loads(said.stdout)


def test_they_come_on_duty_take_what_is_assigned_and_solve_it_as_the_standards_ask(shop):
    report = play(shop, "--token", shop.token(), "--ask", 0)
    assert report["on_duty"] == 2
    assert report["solved"] >= 3 and report["replies"] >= 3, report
    assert report["no_answer"] == report["broken"] == report["given_up"] == 0, report
    assert report["calls"]["solve"]["refused"].keys() <= {"422", "409"}, report  # 422 before the evidence is there
    solved = shop.stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s AND status = 'solved'", shop.tenant.number)[0][0]
    assert solved == report["solved"]
    left = shop.stack.sql("SELECT count(*) FROM access.tokens WHERE tenant_id = %s AND label = 'docket workforce' AND revoked_at IS NULL",
                          shop.tenant.number)[0][0]
    assert left == 0, "tokens of the play are given back"


def test_they_sign_in_with_their_own_passwords_and_leave(shop, tmp_path):
    people = tmp_path / "people"
    lines = []
    for agent in ("lin", "wu"):
        shop.stack.docket("user", "create", "--tenant", shop.tenant.name, "--email", f"{agent}@example.com", "--agent", agent,
                          "--role", "agent", stdin=PASSWORD + "\n")
        lines.append(f"{agent}@example.com {PASSWORD}")
    people.write_text("\n".join(lines) + "\n")
    for number in range(4):
        shop.tenant.create(subject=f"又一张 {number}", comment={"body": "问一下"})
    report = play(shop, "--users", people, "--tenant", shop.tenant.name, "--leave", seed=2)
    assert report["on_duty"] == 2 and report["calls"]["sign in"]["refused"] == {}, report
    assert report["solved"] + report["asked"] >= 1, report
    on = shop.stack.sql("SELECT count(*) FROM ticket.agents WHERE tenant_id = %s AND on_duty", shop.tenant.number)[0][0]
    assert on == 0


def test_without_a_desk_it_says_so(stack):
    said = stack.docket("workforce", "--agents", 1, "--url", "http://127.0.0.1:1", "--token", "x", check=False, timeout=150)
    assert said.returncode == 2 and "no answer" in said.stderr
