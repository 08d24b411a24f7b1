"""docket agents and docket explain against a living router."""
import json

import pytest

from harness.stack import until
from submissions import Ids, Topics, submission
from test_router import SHOP, agent_id, all_stored, both_agree, load, redis_view, rows


@pytest.fixture(scope="module")
def topics(stack):
    return Topics(stack.environment["DOCKET_KAFKA"])


@pytest.fixture(scope="module")
def ids(stack):
    return Ids(stack)


@pytest.fixture
def shop(stack):
    tenant = stack.tenant(SHOP)
    until(lambda: stack.redis().get(f"d:{{{tenant.number}}}:epoch"), what="Redis to know the tenant")
    return tenant


def tool(shop, *words, **options):
    return shop.stack.docket("agents", *words, "--tenant", shop.name, **options)


def listed(shop):
    return {a["name"]: a for a in map(json.loads, tool(shop, "list", "--json").stdout.splitlines())}


def test_duty_and_capacity_are_told_to_the_routers(shop, topics, ids):
    topics.send("docket.submissions", *[submission(shop.number, t) for t in ids.take(12)])
    all_stored(shop, 12)
    both_agree(shop)
    assert {n: (a["on_duty"], a["capacity"], a["load"]) for n, a in listed(shop).items()} == {
        "an": (True, 3, 3), "bo": (True, 2, 2), "chen": (False, 4, 0)}
    assert listed(shop)["chen"]["skills"] == ["英语"] and listed(shop)["chen"]["groups"] == ["售后"]
    assert "chen" in tool(shop, "on", "chen").stdout
    until(lambda: load(shop).get(agent_id(shop, "chen")) == 4, what="chen's hands to be full")
    tool(shop, "capacity", "bo", "chen", "5")
    until(lambda: sum(load(shop).values()) == 12, what="everybody to be full")
    tool(shop, "off", "--all")
    both_agree(shop)
    assert not any(a["on_duty"] for a in listed(shop).values())
    assert "在岗" not in tool(shop, "list").stdout


def test_a_released_ticket_waits_again_and_is_taken_by_whoever_has_room(stack, shop, topics, ids):
    tool(shop, "off", "bo")
    tickets = ids.take(4)
    topics.send("docket.submissions", *[submission(shop.number, t) for t in tickets])
    all_stored(shop, 4)
    both_agree(shop)
    an = agent_id(shop, "an")
    mine = next(t for t in tickets if shop.row(t)["assignee_id"] == an)
    tool(shop, "capacity", "an", "0")
    answer = json.loads(tool(shop, "release", mine, "--json").stdout)
    assert answer["released_from"] == an
    until(lambda: redis_view(shop).get(mine) == 0, what="Redis to hear of it")
    assert [l["kind"] for l in shop.ledger(mine)][-1] == "ticket_released" and shop.row(mine)["status"] == "new"
    until(lambda: any(m for m in topics.read("docket.events", lambda m: m.key() == str(mine).encode())
                      if dict(m.headers())["ce_id"] == f"{mine}-3".encode()), what="its event")
    tool(shop, "on", "bo")
    until(lambda: load(shop).get(agent_id(shop, "bo")) == 2, what="bo to take both")
    both_agree(shop)
    assert tool(shop, "release", mine + 10**9, check=False).returncode == 1
    waiting = [r["id"] for r in rows(shop).values() if r["status"] == "new"]
    assert not waiting or tool(shop, "release", waiting[0], check=False).returncode == 1


def test_wrong_words_are_answered_with_a_remedy(shop):
    for words, says in [(("on", "ann"), "did you mean `an`"), (("capacity", "an", "many"), "0 to 1000"), (("on",), "who?"),
                        (("dance",), "list, on, off, capacity or release"), (("release", "x"), "which ticket")]:
        run = tool(shop, *words, check=False)
        assert run.returncode in (1, 2) and says in run.stderr, (words, run.stderr)


def test_explain_says_why_in_words(shop, topics, ids):
    first, overseas = ids.take(2)
    topics.send("docket.submissions", submission(shop.number, first), submission(shop.number, overseas, region="overseas"))
    until(lambda: (shop.row(overseas) or {}).get("assignee_id"), what="the fallback")
    said = json.loads(shop.stack.docket("explain", first, "--tenant", shop.name, "--json").stdout)
    assert [s["kind"] for s in said["steps"]] == ["ticket_created", "ticket_assigned"]
    assert "没有规则命中" in said["steps"][0]["zh"] and "相对负载最轻" in said["steps"][1]["zh"]
    assert "least loaded" in said["steps"][1]["en"] and "配置第 1 版" in said["steps"][1]["zh"]
    text = shop.stack.docket("explain", overseas).stdout
    for words in ("命中规则「跨境」", "无人在岗", "转到兜底组「售后」", "Nobody was on duty in 跨境", "stood first"):
        assert words in text, (words, text)
    assert shop.stack.docket("explain", 10**12, check=False).returncode == 1
