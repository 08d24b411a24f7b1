"""SIGKILL of each process in the middle of a surge, and twenty seconds without it: nothing is lost or doubled."""
import time

import pytest

from harness.stack import until
from harness.storm import Storm


def some_accepted(storm, n=300):
    until(lambda: storm.accepted_so_far() > n or storm.process.poll() is not None, 30, "the surge to begin")


@pytest.mark.parametrize("victim", ["intake-1", "router-1", "postgres", "redis", "kafka"])
def test_nothing_is_lost_when_it_is_killed_and_comes_back_at_once(stack, shop, victim):
    storm = Storm(stack, shop, rate=200, seconds=8)
    some_accepted(storm)
    stack.kill(victim)
    stack.start(victim)
    storm.prove()


@pytest.mark.parametrize("victim", ["intake-1", "router-1", "postgres", "redis", "kafka"])
def test_nothing_is_lost_when_it_is_away_for_twenty_seconds(stack, shop, victim):
    storm = Storm(stack, shop, rate=60, seconds=26)
    some_accepted(storm, 60)
    stack.kill(victim)
    gone = time.monotonic()
    until(lambda: time.monotonic() - gone > 20, 25, "twenty seconds to pass")
    stack.start(victim)
    storm.prove()


def test_nothing_is_lost_when_routers_come_and_go_under_load(stack, shop):
    stack.up("--router", 1)
    storm = Storm(stack, shop, rate=200, seconds=16)
    some_accepted(storm)
    stack.up("--router", 3)
    some_accepted(storm, 1500)
    stack.up("--router", 1)
    storm.prove()
    stack.up("--router", 2)


def test_a_killed_routers_partitions_are_served_again_within_ten_seconds(stack, shop):
    storm = Storm(stack, shop, rate=100, seconds=14)
    some_accepted(storm)
    stack.kill("router-1")
    killed = time.monotonic()
    # tickets accepted after the kill, in every partition, must become visible
    until(lambda: time.monotonic() - killed > 0.5, 2, "a few tickets after the kill")
    count = storm.accepted_so_far()
    until(lambda: stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s", shop.number)[0][0] >= count * 0.94,
          12, "the other router to serve its partitions")
    assert time.monotonic() - killed < 10.5
    storm.prove()
