"""Random SIGKILLs on top of the named points. `tests/run faults --seeds N` gives N schedules; one by default."""
import os
import random

import pytest

from harness.stack import until
from harness.storm import Storm

SEEDS = int(os.environ.get("DOCKET_TEST_SEEDS", "1"))


@pytest.mark.parametrize("seed", range(20261122, 20261122 + SEEDS))
def test_whatever_is_killed_and_whenever_nothing_is_lost(stack, shop, seed):
    dice = random.Random(seed)
    storm = Storm(stack, shop, rate=150, seconds=15, seed=seed)
    mark = 0
    for _ in range(5):
        mark += dice.randrange(150, 450)
        until(lambda: storm.accepted_so_far() > mark or storm.process.poll() is not None, 60, "the surge to go on")
        victim = dice.choice(["intake-1", "router-1", "router-2", "postgres", "redis", "kafka"])
        stack.kill(victim)
        stack.start(victim)
    storm.prove(wait=90)
