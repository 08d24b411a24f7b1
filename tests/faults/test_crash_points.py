"""Dying once and freezing once at every named moment between two stores (correctness.md 33), with one router and with two."""
import os
import signal

import pytest

from harness.stack import until
from harness.storm import Storm

ROUTER_POINTS = ["after-reservation", "after-commit", "after-publish", "before-offset"]
GATE_POINTS = ["after-claim", "after-produce"]


def reached(stack, name, how):
    if how == "die":
        until(lambda: stack.state(name) in (None, "Z"), 30, f"{name} to die at its crash point")
    else:
        until(lambda: stack.state(name) == "T", 30, f"{name} to freeze at its crash point")


@pytest.mark.parametrize("routers", [1, 2])
@pytest.mark.parametrize("how", ["die", "freeze"])
@pytest.mark.parametrize("point", ROUTER_POINTS)
def test_a_router_stopped_there_loses_and_doubles_nothing(stack, shop, point, how, routers):
    stack.up("--router", routers)
    stack.stop("router-1")
    starting = stack.start_without_waiting("router-1", DOCKET_CRASH=f"{point}:{how}:3")
    storm = Storm(stack, shop, rate=150, seconds=5)
    reached(stack, "router-1", how)
    starting.kill()
    if how == "die":
        stack.start("router-1")
    else:  # long enough for the group to have given its partitions to others, then it wakes
        storm.finish()
        os.kill(stack.pid("router-1"), signal.SIGCONT)
    storm.prove() if how == "die" else stack.verify("--accepted", storm.accepted, wait=60)
    stack.stop("router-1")
    stack.up("--router", 2)


@pytest.mark.parametrize("how", ["die", "freeze"])
@pytest.mark.parametrize("point", GATE_POINTS)
def test_a_gate_stopped_there_loses_and_doubles_nothing(stack, shop, point, how):
    stack.up("--intake", 1)
    stack.stop("intake-1")
    stack.start("intake-1", DOCKET_CRASH=f"{point}:{how}:100")
    storm = Storm(stack, shop, rate=150, seconds=6)
    reached(stack, "intake-1", how)
    if how == "die":
        stack.start("intake-1")
    else:
        os.kill(stack.pid("intake-1"), signal.SIGCONT)
    storm.prove()
    stack.stop("intake-1")
    stack.start("intake-1")


def test_a_router_that_dies_before_its_outbox_row_is_gone_publishes_again(stack, shop):
    stack.up("--router", 1)
    stack.docket("agents", "off", "a1", "--tenant", shop.name)
    stack.stop("router-1")
    starting = stack.start_without_waiting("router-1", DOCKET_CRASH="after-outbox-publish:die:1")
    until(lambda: stack.state("router-1") == "S", 20, "the router to run")
    storm = Storm(stack, shop, rate=100, seconds=5)
    storm.finish()
    for name in ("a1", "a2", "a3"):
        stack.docket("agents", "capacity", name, "60", "--tenant", shop.name)
    stack.docket("agents", "on", "a1", "--tenant", shop.name)
    reached(stack, "router-1", "die")
    starting.kill()
    stack.up("--router", 2)
    stack.verify("--accepted", storm.accepted, wait=60)
