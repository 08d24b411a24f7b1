"""A router frozen for a minute in the middle of a batch wakes up into a world that went on without it."""
import os
import signal
import time

from harness.stack import until
from harness.storm import Storm


def test_frozen_for_sixty_seconds_in_a_batch_and_woken(stack, shop):
    stack.up("--router", 2)
    stack.stop("router-1")
    starting = stack.start_without_waiting("router-1", DOCKET_CRASH="after-reservation:freeze:5")
    storm = Storm(stack, shop, rate=60, seconds=30)
    until(lambda: stack.state("router-1") == "T", 30, "the router to freeze")
    frozen = time.monotonic()
    starting.kill()
    storm.finish()
    # nobody waits for the sleeper: everything is stored and assigned by the other one
    stack.verify("--accepted", storm.accepted, wait=60)
    until(lambda: time.monotonic() - frozen > 60, 65, "a minute to pass")
    os.kill(stack.pid("router-1"), signal.SIGCONT)
    until(lambda: stack.state("router-1") == "S", 10, "the router to wake")
    again = Storm(stack, shop, rate=60, seconds=5, seed=2)
    again.prove()
    stack.verify("--accepted", storm.accepted, wait=60)
