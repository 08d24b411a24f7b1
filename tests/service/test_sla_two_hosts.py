"""Two schedulers share the promises, and the clock of one host is a second ahead or behind: PostgreSQL's clock, by which the
ledger goes, decides that something is due. Nothing is told before, nothing is lost."""
import time

import pytest

from harness.promises import Signals
from harness.shop import Shop
from harness.stack import until
from harness.submissions import Ids, Topics, submission

DOCUMENTS = """
settings: {default_group: g}
groups:
  - {name: g, title: g}
policies:
  - {name: 标准, targets: {first_reply: 1m}}
"""
TICKETS = 48


@pytest.mark.parametrize("ahead", ["+1000", "-1000"])
def test_a_host_whose_clock_is_a_second_off_tells_nothing_early_and_nothing_twice(stack, ahead):
    shop, signals = Shop(stack, DOCUMENTS), Signals(stack)
    topics, ids = Topics(stack.environment["DOCKET_KAFKA"]), Ids(stack)
    stack.start("sla-2", DOCKET_CLOCK=ahead)
    try:
        until(lambda: {owner for owner, in stack.sql("SELECT owner FROM sla.partitions")} == {"sla-1", "sla-2"}, 60, "both to have a share")
        now = int(time.time() * 1000)
        tickets = {ticket: now + 5000 + n * 60 for n, ticket in enumerate(ids.take(TICKETS))}  # due then
        topics.send("docket.submissions", *[submission(shop.tenant.number, ticket, accepted_ms=due - 60000) for ticket, due in tickets.items()])
        until(lambda: len(signals.of(*tickets)) >= TICKETS, 90, "all of it to be told", every=0.2)
        until(lambda: sum(row["kind"] == "promise_breached" for ticket in tickets for row in shop.tenant.ledger(ticket)) == TICKETS, 60,
              "the router to act on all of it", every=1)
    finally:
        stack.stop("sla-2")
    told = signals.of(*tickets)
    signals.close()
    assert len({t.ticket for t in told}) == TICKETS and len({t.key for t in told}) == TICKETS
    for t in told:
        assert t.at_ms == tickets[t.ticket] <= t.told_ms, f"it says so {tickets[t.ticket] - t.told_ms} ms before it is due"
        assert tickets[t.ticket] <= t.sent_ms, f"told {tickets[t.ticket] - t.sent_ms} ms early"
    for ticket, due in tickets.items():
        row, = [row for row in shop.tenant.ledger(ticket) if row["kind"] == "promise_breached"]
        written = stack.sql("SELECT (extract(epoch FROM %s::timestamptz) * 1000)::bigint", row["at"])[0][0]
        assert written >= due
