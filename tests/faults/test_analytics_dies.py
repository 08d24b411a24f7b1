"""Whatever is done to docket-analytics and whenever: each event is in the figures once. After each harm `docket verify` tells every
ledger anew and compares."""
import os
import signal

import pytest

from harness.figures import Figures, metrics, move_offsets
from harness.shop import Shop
from harness.stack import Stack, until


@pytest.fixture(scope="module")
def stack():
    """Of its own, with what makes events and nobody else who follows them."""
    running = Stack()
    try:
        yield running.up("--router", 1, "--sla", 0, "--notifier", 0, "--front", 0, "--analytics", 0)
    finally:
        running.down()


@pytest.fixture(scope="module")
def shop(stack):
    """Its first tickets are there before the first analytics, and their events are lost to it."""
    old = Shop(stack)
    for _ in range(3):
        old.done(old.ticket(), by="lin", comment={"body": "您好", "public": True})
    stack.all_published()
    move_offsets(stack, 1)
    stack.up("--analytics", 1)
    return old


@pytest.fixture
def figures(stack, shop):
    yield Figures(stack, shop.tenant)
    for name in ("analytics-1", "analytics-2"):
        if stack.state(name) == "T":
            os.kill(stack.pid(name), signal.SIGCONT)
    if dead_or_frozen(stack, "analytics-1") or not dead_or_frozen(stack, "analytics-2"):
        stack.up("--analytics", 1)


def worked(shop, n=3):
    """New tickets, each answered: four rows or five."""
    for _ in range(n):
        ticket = shop.ticket()
        shop.done(ticket, by="lin", comment={"body": "您好", "public": True}, tags=["x"])


def dead_or_frozen(stack, name):
    return stack.state(name) in (None, "Z", "T")


def crashing(stack, name, how):
    """Dies or freezes with the next batch."""
    stack.command("kill", name, check=False)
    stack.command("start", name, environment={"DOCKET_CRASH": how}, check=False)
    stack.read_environment()


def test_an_old_database_is_filled_from_its_ledger(stack, shop, figures):
    figures.followed()
    assert figures.windows()["其他"]["arrived"] >= 3
    assert metrics(stack, "analytics-1")["docket_analytics_rebuilt_total"] >= 3
    until(lambda: metrics(stack, "analytics-1")["docket_analytics_filled_share"] == 1, 30, "everything to be filled")
    figures.proven()


@pytest.mark.parametrize("point", ["before-keep", "after-keep"])
def test_one_that_dies_between_two_steps_adds_nothing_twice(stack, shop, figures, point):
    crashing(stack, "analytics-1", f"{point}:die")
    worked(shop)
    until(lambda: dead_or_frozen(stack, "analytics-1"), 30, f"it to die {point}")
    stack.command("start", "analytics-1")
    figures.followed().proven()


def test_events_read_again_from_the_beginning_add_nothing(stack, shop, figures):
    worked(shop, 1)
    rows, windows = figures.followed().rows(), figures.windows()
    stack.stop("analytics-1")
    move_offsets(stack, 0)
    stack.start("analytics-1")
    worked(shop, 1)
    after = figures.followed().rows()
    assert {ticket: after[ticket] for ticket in rows} == rows
    assert figures.windows()["其他"]["arrived"] == windows["其他"]["arrived"] + 1
    figures.proven()


@pytest.mark.parametrize("point", ["before-keep", "after-keep"])
def test_who_slept_through_a_rebalance_changes_nothing_of_what_another_has_by_now(stack, shop, figures, point):
    """It wakes with what it was about to write, or has written without knowing."""
    crashing(stack, "analytics-1", f"{point}:freeze")
    worked(shop)
    until(lambda: stack.state("analytics-1") == "T", 30, f"it to freeze {point}")
    stack.up("--analytics", 2)
    figures.followed(60)
    until(lambda: {who for who, in stack.sql("SELECT owner FROM analytics.partitions")} == {"analytics-2"}, 60,
          "the other to have everything")
    worked(shop)
    rows, windows = figures.followed().rows(), figures.windows()
    os.kill(stack.pid("analytics-1"), signal.SIGCONT)
    if point == "before-keep":
        until(lambda: "is somebody else's by now" in stack.log("analytics-1"), 30, "it to be fenced")
    until(lambda: "analytics-1" in {who for who, in stack.sql("SELECT owner FROM analytics.partitions")}, 60, "both to share")
    assert figures.rows() == rows and figures.windows() == windows
    worked(shop)
    figures.followed().proven()


def test_two_share_the_partitions_and_one_takes_over_what_the_other_leaves(stack, shop, figures):
    stack.up("--analytics", 2)
    until(lambda: {who for who, in stack.sql("SELECT owner FROM analytics.partitions")} == {"analytics-1", "analytics-2"}, 60,
          "both to share")
    worked(shop)
    stack.kill("analytics-2")
    worked(shop)
    figures.followed(60)
    stack.start("analytics-2")
    worked(shop)
    figures.followed().proven()
