"""Reports: a tenant's table in memory against the same questions as SQL on the same tickets; percentiles; memory."""
import json
import os
import time

import psycopg2

from .bench import BUILD, median, run
from .pipeline import figure

TICKETS = 3_000_000
VALUES = 10_000_000
QUESTIONS = 300
ROUNDS_OURS = 9
ROUNDS_SQL = 3
COLUMNS = """tenant_id bigint, id bigint, created_at timestamptz, resolved_at timestamptz, channel text, kind text, category text,
    product text, batch text, device text, region text, tier text, language text, satisfaction text, status int, priority int,
    source_id bigint, requester_id bigint, group_id bigint, assignee_id bigint, to_reply bigint, to_resolved bigint, reopenings int,
    one_touch int"""


def fact_tables(*words):
    return [json.loads(line) for line in run(BUILD / "bin" / "fact-tables", *words).stdout.splitlines()]


def of_100(share, values):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered) / 100))]


class Reference:
    """A PostgreSQL with room for all of it, every plan allowed that it has, the table vacuumed and read once."""

    def __enter__(self):
        from harness.postgres import Postgres
        self.server = Postgres()
        self.server.stop("fast")
        with open(self.server.home / "data" / "postgresql.conf", "a") as conf:
            conf.write("shared_buffers = 1536MB\nwork_mem = 256MB\nmax_parallel_workers_per_gather = 2\nmin_parallel_table_scan_size = 0\n"
                       "jit = on\nmax_wal_size = 8GB\n")
        self.server.start()
        self.connection = psycopg2.connect(host="127.0.0.1", port=self.server.port, user="postgres", dbname="docket")
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.server.remove()

    def fill(self, path):
        self.cursor.execute(f"CREATE UNLOGGED TABLE tickets ({COLUMNS})")
        with open(path) as rows:
            self.cursor.copy_expert("COPY tickets FROM STDIN", rows)
        self.cursor.execute("ALTER TABLE tickets ADD PRIMARY KEY (tenant_id, id)")
        self.cursor.execute("VACUUM ANALYZE tickets")

    def ask(self, sql):
        """Milliseconds, tickets, rows."""
        began = time.monotonic()
        self.cursor.execute(sql)
        rows = self.cursor.fetchall()
        took = (time.monotonic() - began) * 1000
        counted = [column.name for column in self.cursor.description].index("count")
        return took, sum(row[counted] for row in rows), len(rows)


def reports(bench):
    """Reports by up to two dimensions over all tickets, of one tenant, without a filter."""
    rows = bench.scratch / "rows"
    said, *ours = fact_tables("reports", TICKETS, ROUNDS_OURS, rows)
    bench.say(f"    {said['tickets']:,} tickets, {said['bytes'] / said['tickets']:.0f} bytes each")
    mine, theirs, ratios = [], [], []
    with Reference() as reference:
        reference.fill(rows)
        os.unlink(rows)
        for report in ours:
            reference.ask(report["sql"])  # warmed
            asked = [reference.ask(report["sql"]) for _ in range(ROUNDS_SQL)]
            took, tickets, lines = asked[0]
            assert (tickets, lines) == (report["count"], report["rows"]), f"{report['name']}: not the same answer"
            mine += report["ms"]
            theirs += [one[0] for one in asked]
            ratios.append(median([one[0] for one in asked]) / median(report["ms"]))
            bench.say(f"    {report['name']}: {median(report['ms']):.1f} ms against {median([one[0] for one in asked]):.0f}"
                      f" ({ratios[-1]:.0f}×)")
    bench.say(f"    p95 {of_100(95, mine):.1f} ms against {of_100(95, theirs):.0f}; each question {min(ratios):.0f}× to {max(ratios):.0f}×")
    ratio = of_100(95, theirs) / of_100(95, mine)
    yield figure("reports over 3 million tickets, p95 / SQL", ratio, [ratio], 50, "{:.0f}×")
    each = said["bytes"] / said["tickets"]
    yield figure("bytes a ticket in the tables", each, [each], 280, "{:.0f}", at_most=True)


def filters(bench):
    """Any report with any filters: random ones of every kind over all sources."""
    values = []
    for _ in range(bench.options.rounds):
        said = fact_tables("filters", TICKETS, QUESTIONS)[0]
        bench.say(f"    median {said['median_ms']:.1f} ms, p95 {said['p95_ms']:.0f}, worst {said['worst_ms']:.0f}")
        values.append(said["p95_ms"])
    yield figure("any report with any filters, p95, ms", median(values), values, 2000, "{:.0f}", at_most=True)


def percentiles(bench):
    """Ten million values into a sketch and nine percentiles out of it, against the array sorted."""
    ratios, errors = [], []
    for _ in range(bench.options.rounds):
        said = fact_tables("sketch", VALUES)[0]
        bench.say(f"    {said['sketch_ms']:.0f} ms against {said['sorted_ms']:.0f}, error at most {said['error'] * 100:.2f} %")
        ratios.append(said["sorted_ms"] / said["sketch_ms"])
        errors.append(said["error"] * 100)
    yield figure("percentiles of 10 million values / sorted array", median(ratios), ratios, 5, "{:.1f}×")
    yield figure("their error, %", max(errors), errors, 1, "{:.2f}", at_most=True)
