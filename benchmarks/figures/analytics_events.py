"""Events that become figures: on one core before PostgreSQL, and kept in it beside COPY BINARY of the same rows."""
import io
import json
import time

import psycopg2

from harness.promises import metrics_of

from .bench import BUILD, median, run, until
from .pipeline import figure

TICKETS = 60_000
BACKLOG = 60_000  # tickets whose events wait for analytics


def counted(bench):
    """Read, told, counted and packed, per CPU-second; eight events a ticket, two of them at once, the others each in a batch of its own."""
    rates = []
    for _ in range(bench.options.rounds):
        told = json.loads(run(BUILD / "bin" / "counted", TICKETS).stdout)
        bench.say(f"    {told['events_per_second']:.0f} events/s, {told['rows_per_event']:.2f} rows an event, {told['row_bytes']:.0f} bytes a row")
        rates.append(told["events_per_second"])
    yield figure("events to figures and windows a second on one core", median(rates), rates, 500_000, "{:.0f}")


def copy_seconds(stack):
    """COPY BINARY of the rows of figures, into an empty table of the same shape: rows a second."""
    connection = psycopg2.connect(stack.environment["DOCKET_POSTGRES_ADMIN"])
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS analytics.reference; CREATE TABLE analytics.reference (LIKE analytics.tickets INCLUDING ALL)")
    rows = io.BytesIO()
    cursor.copy_expert("COPY (SELECT * FROM analytics.tickets) TO STDOUT BINARY", rows)
    connection.commit()
    rows.seek(0)
    began = time.monotonic()
    cursor.copy_expert("COPY analytics.reference FROM STDIN BINARY", rows)
    connection.commit()
    took = time.monotonic() - began
    count = stack.sql("SELECT count(*) FROM analytics.tickets")[0][0]
    cursor.execute("DROP TABLE analytics.reference")
    connection.commit()
    connection.close()
    return count / took


def kept(bench):
    """A backlog of events, with every ticket's figures and all windows kept; against COPY BINARY of the same rows."""
    stack = bench.fresh(BACKLOG * 2, analytics=1)
    until(lambda: stack.sql("SELECT min(filled) FROM analytics.partitions")[0][0] == 1, 60, "nothing to be filled")
    stack.up("--analytics", 0)
    bench.surge(4000, BACKLOG // 4000)
    until(lambda: stack.sql("SELECT count(*) FROM ticket.outbox")[0][0] == 0, 60, "the outbox")
    ratios = []
    for _ in range(bench.options.rounds):
        stack.up("--analytics", 0)
        stack.sql("TRUNCATE analytics.tickets, analytics.windows, analytics.changes", admin=True)
        stack.environment["DOCKET_GROUP"] = f"docket-analytics-{time.time_ns()}"  # from the beginning
        stack.up("--analytics", 1, "--router", 0)
        began = until(lambda: metrics_of(stack, "analytics-1")["docket_analytics_events_total"] and time.monotonic(), 60, "the first event",
                      every=0.005)
        first = metrics_of(stack, "analytics-1")["docket_analytics_events_total"]
        until(lambda: metrics_of(stack, "analytics-1")["docket_analytics_lag_messages"] == 0, 300, "the last event", every=0.01)
        took = time.monotonic() - began
        rate = (metrics_of(stack, "analytics-1")["docket_analytics_events_total"] - first) / took
        reference = copy_seconds(stack)
        bench.say(f"    {rate:.0f} events/s kept, COPY BINARY {reference:.0f} rows/s")
        ratios.append(rate / reference)
    del stack.environment["DOCKET_GROUP"]
    yield figure("events kept as figures a second / COPY BINARY rows", median(ratios), ratios, 0.4, "{:.2f}×")
