"""The scheduler: events followed before and with PostgreSQL, ten million clocks after SIGKILL, and how soon what is due is told."""
import io
import json
import time

import psycopg2

from harness.promises import is_ready, metrics_of

from .bench import BUILD, median, run, until
from .pipeline import figure

TICKETS = 20_000
BACKLOG = 60_000          # tickets whose events wait for the scheduler
LIVE = 10_000_000
DUE_TICKETS, DUE_SECONDS = 2500, 16   # a second, each with two promises that fall due together
POLICIES = """
policies:
  - {name: 标准, targets: {first_reply: %s, ack: %s, resolution: 48h}, warn: [90]}
"""


def followed(bench):
    """Read, told, packed and hung up, four events and three clocks a ticket, per CPU-second."""
    rates = []
    for _ in range(bench.options.rounds):
        told = json.loads(run(BUILD / "bin" / "followed", TICKETS).stdout)
        bench.say(f"    {told['events_per_second']:.0f} events/s, {told['state_bytes']:.0f} bytes a ticket")
        rates.append(told["events_per_second"])
    yield figure("events followed a second on one core", median(rates), rates, 60000, "{:.0f}")


def apply(bench, within):
    """Every tenant promises the same from now on."""
    for number, _ in enumerate(bench.tokens.read_text().splitlines()):
        name = bench.stack.sql("SELECT name FROM docket.tenants WHERE name <> 'demo' ORDER BY tenant_id OFFSET %s LIMIT 1", number)[0][0]
        file = bench.stack.home / f"{name}.yaml"
        promised = bench.stack.home / f"{name}-promised.yaml"
        promised.write_text(file.read_text() + POLICIES % (within, within))
        bench.stack.docket("apply", "--tenant", name, promised)


def copy_seconds(stack):
    """COPY BINARY of the lives that are kept, into an empty table of the same shape: rows a second."""
    connection = psycopg2.connect(stack.environment["DOCKET_POSTGRES_ADMIN"])
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS sla.reference; CREATE TABLE sla.reference (LIKE sla.lives INCLUDING ALL)")
    rows = io.BytesIO()
    cursor.copy_expert("COPY (SELECT * FROM sla.lives) TO STDOUT BINARY", rows)
    connection.commit()
    rows.seek(0)
    began = time.monotonic()
    cursor.copy_expert("COPY sla.reference FROM STDIN BINARY", rows)
    connection.commit()
    took = time.monotonic() - began
    count = stack.sql("SELECT count(*) FROM sla.lives")[0][0]
    cursor.execute("DROP TABLE sla.reference")
    connection.commit()
    connection.close()
    return count / took


def committed(bench):
    """A backlog of events as the router leaves them (created, then queued or assigned, soon one after the other), with every life
    kept; against COPY BINARY of the same rows."""
    stack = bench.fresh(BACKLOG * 2)
    apply(bench, "1h")
    came = bench.surge(4000, BACKLOG // 4000)["tickets"]
    bench.wait_stored(came, 120)  # or the backlog would be what the routers had done when they were stopped
    until(lambda: stack.sql("SELECT count(*) FROM ticket.outbox")[0][0] == 0, 60, "the outbox")
    ratios = []
    for _ in range(bench.options.rounds):
        stack.sql("TRUNCATE sla.lives", admin=True)
        stack.up("--sla", 0)
        stack.environment["DOCKET_GROUP"] = f"docket-sla-{time.time_ns()}"  # from the beginning
        stack.up("--sla", 1, "--router", 0)
        began = until(lambda: metrics_of(stack, "sla-1")["docket_sla_events_total"] and time.monotonic(), 60, "the first event", every=0.005)
        first = metrics_of(stack, "sla-1")["docket_sla_events_total"]
        until(lambda: metrics_of(stack, "sla-1")["docket_sla_lag_messages"] == 0, 300, "the last event", every=0.01)
        took = time.monotonic() - began
        rate = (metrics_of(stack, "sla-1")["docket_sla_events_total"] - first) / took
        reference = copy_seconds(stack)
        bench.say(f"    {rate:.0f} events/s kept, COPY BINARY {reference:.0f} rows/s")
        ratios.append(rate / reference)
    del stack.environment["DOCKET_GROUP"]
    yield figure("events followed and kept a second / COPY BINARY rows", median(ratios), ratios, 0.4, "{:.2f}×")


def restart(bench):
    """SIGKILL with ten million open clocks, and how long until they are ready again: the group's patience with the dead included."""
    stack = bench.fresh(1000)
    apply(bench, "1h")
    stack.up("--sla", 1)
    bench.surge(100, 2)
    until(lambda: stack.sql("SELECT count(*) FROM sla.lives WHERE state IS NOT NULL")[0][0] > 0, 60, "a life to copy")
    stack.up("--sla", 0)
    stack.sql("""INSERT INTO sla.lives (tenant_id, ticket_id, partition, seq, revision, priority, next_ms, state)
        SELECT l.tenant_id, 1000000000 + g, g %% 12, l.seq, l.revision, l.priority,
            (extract(epoch FROM now()) * 1000)::bigint + 86400000 + g, l.state
        FROM generate_series(1, %s) g, (SELECT * FROM sla.lives WHERE state IS NOT NULL LIMIT 1) l""", LIVE, admin=True)
    stack.up("--sla", 1)

    def all_there():
        try:
            return metrics_of(stack, "sla-1").get("docket_sla_tickets", 0) >= LIVE and is_ready(stack, "sla-1")
        except OSError:
            return False
    until(all_there, 600, "the clocks", every=0.1)
    seconds = []
    for _ in range(bench.options.rounds):
        stack.kill("sla-1")
        began = time.monotonic()
        starting = stack.start_without_waiting("sla-1")
        until(all_there, 600, "the clocks", every=0.1)
        seconds.append(time.monotonic() - began)
        starting.wait()
        bench.say(f"    {seconds[-1]:.1f} s, {metrics_of(stack, 'sla-1')['docket_sla_clocks_bytes'] / LIVE:.0f} bytes a ticket")
    yield figure("ten million clocks ready after SIGKILL, s", median(seconds), seconds, 60, "{:.1f}", at_most=True)


def due(bench):
    """From the instant that a promise is broken to the delivery report of its signal, 5,000 a second; nobody acts on them."""
    stack = bench.fresh(DUE_TICKETS * DUE_SECONDS * 2)
    stack.up("--sla", 1)
    apply(bench, "24h")
    began = time.time()
    bench.surge(DUE_TICKETS, DUE_SECONDS)
    until(lambda: stack.sql("SELECT count(*) FROM sla.lives")[0][0] >= DUE_TICKETS * DUE_SECONDS * 0.97, 120, "the lives")
    until(lambda: metrics_of(stack, "sla-1")["docket_sla_lag_messages"] == 0, 60, "the events")
    within = int(time.time() - began) + 60  # when every life has followed these documents
    stack.up("--router", 0)
    apply(bench, f"{within}s")
    signals = 2 * stack.sql("SELECT count(*) FROM sla.lives WHERE state IS NOT NULL")[0][0]
    until(lambda: metrics_of(stack, "sla-1")['docket_sla_signals_total{kind="breached"}'] >= signals, within + 120, "the breaches", every=0.5)
    seen = metrics_of(stack, "sla-1")
    count = seen["docket_sla_lateness_seconds_count"]
    tail = next(float(name.split('le="')[1].split('"')[0]) for name, value in seen.items()
                if name.startswith("docket_sla_lateness_seconds_bucket") and value >= 0.99 * count)
    bench.say(f"    {count:.0f} signals, 99 in 100 within {tail * 1000:.0f} ms,"
              f" {seen['docket_sla_lateness_seconds_sum'] / count * 1000:.1f} ms on average")
    yield figure("due to delivery report at 5,000/s, p99, ms (upper bound of its bucket)", tail * 1000, [], 200, "{:.0f}", at_most=True)
