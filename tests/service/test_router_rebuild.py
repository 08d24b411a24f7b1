"""Redis comes back empty: everybody is assigned again within seconds, however many tenants there are; a new one never waits."""
import time

import pytest

from harness.stack import until
from submissions import Ids, Topics, submission
from test_router import load, rows

SHOP = """
settings: {default_group: g}
groups:
  - {name: g, title: g}
agents:
  - {name: a, title: a, groups: [g], capacity: 2, duty: on}
"""
TENANTS = 24


@pytest.fixture(scope="module")
def topics(stack):
    return Topics(stack.environment["DOCKET_KAFKA"])


@pytest.fixture(scope="module")
def ids(stack):
    return Ids(stack)


def epoch(stack, shop):
    return stack.redis().get(f"d:{{{shop.number}}}:epoch")


def test_assignment_resumes_within_seconds_for_every_tenant(stack, topics, ids):
    shops = [stack.tenant(SHOP) for _ in range(TENANTS)]
    until(lambda: all(epoch(stack, shop) for shop in shops), what="Redis to know them")
    topics.send("docket.submissions", *[submission(shop.number, ids.take()[0]) for shop in shops for _ in range(3)])
    until(lambda: all(len(rows(shop)) == 3 for shop in shops), 30, "their tickets")
    stack.kill("redis")
    stack.start("redis")
    back = time.monotonic()
    run = stack.redis().info("server")["run_id"]
    newcomer = stack.tenant(SHOP)
    until(lambda: epoch(stack, newcomer) == run, 10, "Redis to know a tenant that came meanwhile")
    until(lambda: all(epoch(stack, shop) == run for shop in shops), 10, "Redis to know all of them again")
    took = time.monotonic() - back
    assert took < 10, f"{TENANTS} tenants paused for {took:.1f} s"
    for shop in shops:  # the room that there is, and no more
        stack.docket("agents", "capacity", "a", "3", "--tenant", shop.name)
    until(lambda: all(load(shop) and set(load(shop).values()) == {3} for shop in shops), 30, "assignment to go on")
    for shop in (shops[0], shops[-1], newcomer):
        stack.verify("--tenant", shop.name, wait=60)
