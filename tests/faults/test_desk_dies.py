"""A desk that dies or freezes between two stores loses nothing and doubles nothing: its gatherer, through its driver, at each of
its crash points, and PostgreSQL killed under it."""
import signal
import time

import pytest

from harness.changes import Changes, edit
from harness.stack import until

SHOP = """
settings: {default_group: 售后}
groups: [{name: 售后, title: 售后组}]
agents: [{name: an, title: 安, groups: [售后], capacity: 1, duty: on}]
"""
POINTS = ["after-commit", "after-outbox-publish", "after-outbox-delete"]


@pytest.fixture(scope="module")
def shop(stack):
    tenant = stack.tenant(SHOP)
    until(lambda: stack.redis().get(f"d:{{{tenant.number}}}:epoch"), what="Redis to know the tenant")
    return tenant


def next_held(shop):
    """The ticket that an has now, and one that waits for her."""
    waiting = shop.create()
    held = until(lambda: [r[0] for r in shop.stack.sql(
        "SELECT id FROM ticket.tickets WHERE tenant_id = %s AND status = 'assigned'", shop.number)], what="a ticket to be assigned")[0]
    if held == waiting:
        return next_held(shop)
    until(lambda: (shop.row(waiting) or {}).get("version"), what="the other one to wait")
    return held


@pytest.mark.parametrize("how", ["die", "freeze"])
@pytest.mark.parametrize("point", POINTS)
def test_a_desk_that_stops_between_two_stores(shop, point, how):
    held = next_held(shop)
    asked = edit(held, shop.row(held)["version"], tenant=shop.number, set={"status": "solved"}, comment={"public": 1, "body": "好了"})
    victim = Changes(shop.stack, crash=f"{point}:{how}")
    victim.send("ask", edits=[asked])
    if point != "after-commit":  # its client has been answered by then
        assert victim.read()["answers"][0]["edit"]["fate"] == "done"
        victim.send("idle")
    if how == "die":
        assert victim.process.wait(20) == -signal.SIGKILL
    else:
        until(lambda: open(f"/proc/{victim.process.pid}/stat").read().rsplit(")", 1)[1].split()[0] == "T", what="it to freeze")
    # whoever asked asks again, at another desk: one row
    other = Changes(shop.stack)
    [again] = other.ask(asked)
    assert again["fate"] == "replayed"
    until(lambda: shop.stack.sql("SELECT count(*) FROM ticket.outbox") == [(0,)], what="an empty outbox")
    if how == "freeze":
        victim.process.send_signal(signal.SIGCONT)
        if point == "after-commit":
            assert victim.read()["answers"][0]["edit"]["fate"] == "done"
        assert victim.idle() if point == "after-commit" else victim.read()["idle"]
        victim.close()
    other.close()
    assert [r["payload"]["set"] for r in shop.ledger(held)].count({"status": "solved"}) == 1
    until(lambda: shop.stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s AND status = 'assigned'", shop.number) == [(1,)],
          what="the freed room to be taken")
    shop.stack.verify()


def test_postgresql_killed_under_it(shop):
    """Whatever was answered is there; whatever was not is asked again and done once."""
    driver, ids = Changes(shop.stack), [shop.create() for _ in range(20)]
    for id in ids:
        shop.stored(id)
    asked = [edit(id, shop.row(id)["version"], tenant=shop.number, comment={"body": f"第{i}句", "public": 1}) for i, id in enumerate(ids)]
    driver.send("ask", edits=asked)
    shop.stack.kill("postgres")
    time.sleep(0.2)  # it is away for a moment
    shop.stack.start("postgres")
    answers = driver.read()["answers"]
    rest = [a for a, answer in zip(asked, answers) if answer["outcome"] != "stored"]

    def ask_the_rest():
        rest[:] = [a for a, answer in zip(rest, driver.answers(*rest)) if answer["outcome"] != "stored"] if rest else []
        return not rest
    until(ask_the_rest, 40, "PostgreSQL to be back")
    for i, id in enumerate(ids):
        said = [r for r in shop.ledger(id) if r["payload"].get("comment", {}).get("body") == f"第{i}句"]
        assert len(said) == 1
    assert driver.idle()
    driver.close()
    shop.stack.verify()


def test_with_redis_away_room_that_was_freed_meanwhile_is_taken_afterwards(shop):
    held = next_held(shop)
    shop.stack.kill("redis")
    driver = Changes(shop.stack)
    [told] = driver.ask(edit(held, shop.row(held)["version"], tenant=shop.number, set={"status": "solved"}))
    assert told["fate"] == "done" and driver.idle()
    driver.close()
    shop.stack.start("redis")
    until(lambda: shop.stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s AND status = 'assigned' AND id <> %s",
                                 shop.number, held) == [(1,)], 40, "the freed room to be taken")
    shop.stack.verify()
