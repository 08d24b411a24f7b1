"""Everything together at a given rate, and what the same data costs without us."""
import io
import json
import time

import psycopg2

from .bench import BUILD, cpu_seconds, median, peak_mib, run

TABLES = ["requesters", "submission_keys", "tickets", "ledger", "personal"]


def once(bench, *more):
    """One run at the wanted rate: what came of it."""
    rate, seconds = bench.options.rate, bench.options.seconds
    stack = bench.fresh(rate * seconds)
    names = ["intake-1", "router-1", "router-2", "postgres", "kafka", "redis"]
    before = {name: cpu_seconds(stack.pid(name)) for name in names}
    summary = bench.surge(rate, seconds, *more)
    committed_after = bench.wait_stored(summary["tickets"], 60)
    summary["committed_after"] = committed_after
    summary["memory"] = {name: peak_mib(stack.pid(name)) for name in names[:3]}
    summary["cpu"] = {name: round(cpu_seconds(stack.pid(name)) - before[name], 2) for name in names}
    return summary


def pipeline(bench):
    runs = []
    for _ in range(bench.options.rounds):
        summary = once(bench)
        runs.append(summary)
        bench.say(f"    {summary['accepted'] / bench.options.seconds:.0f}/s accepted, p99 {summary['p99_ms']} ms, refused"
                  f" {summary['refused']}, all committed {summary['committed_after']} s after the end, cpu {summary['cpu']},"
                  f" memory {summary['memory']}")
    rates = [r["accepted"] / bench.options.seconds for r in runs]
    tails = [r["p99_ms"] for r in runs]
    lags = [r["committed_after"] if r["committed_after"] is not None else 999 for r in runs]
    yield figure("tickets/s accepted, all together", median(rates), rates, bench.options.rate * 0.995, "{:.0f}")
    yield figure("acceptance p99, ms", median(tails), tails, 250, "{:.0f}", at_most=True)
    yield figure("everything committed after the end, s", median(lags), lags, 10, "{:.1f}", at_most=True)
    yield figure("refused", sum(r["refused"] for r in runs), [], 0, "{:.0f}", at_most=True)
    for name in ("intake-1", "router-1", "router-2"):
        values = [r["memory"][name] for r in runs]
        yield figure(f"memory of {name}, MiB", median(values), values, 128, "{:.0f}", at_most=True)


def copy_binary(stack):
    """Seconds to COPY BINARY the rows that are stored into empty tables of the same shape, with the same indexes."""
    connection = psycopg2.connect(stack.environment["DOCKET_POSTGRES_ADMIN"])
    cursor = connection.cursor()
    cursor.execute("CREATE SCHEMA reference")
    data = {}
    for table in TABLES:
        cursor.execute(f"CREATE TABLE reference.{table} (LIKE ticket.{table} INCLUDING ALL)")
        data[table] = io.BytesIO()
        cursor.copy_expert(f"COPY (SELECT * FROM ticket.{table}) TO STDOUT BINARY", data[table])
        data[table].seek(0)
    connection.commit()
    began = time.monotonic()
    for table in TABLES:
        cursor.copy_expert(f"COPY reference.{table} FROM STDIN BINARY", data[table])
        connection.commit()
    seconds = time.monotonic() - began
    cursor.execute("DROP SCHEMA reference CASCADE")
    connection.commit()
    connection.close()
    return seconds


def reference(bench):
    ratios = []
    for _ in range(bench.options.rounds):
        ours = once(bench)
        stack = bench.stack
        tickets = bench.stored()
        stack.command("stop", "router-1")
        stack.command("stop", "router-2")
        stack.docket("topics", "--file", scratch_topic(bench))
        produced = json.loads(run(BUILD / "bin" / "bare-producer", stack.environment["DOCKET_KAFKA"], "docket.submissions",
                                  "reference.submissions").stdout)
        copied = copy_binary(stack)
        rate = tickets / (produced["seconds"] + copied)
        mine = tickets / (bench.options.seconds + (ours["committed_after"] or 999))
        ratios.append(mine / rate)
        bench.say(f"    bare producer {produced['seconds']:.1f} s + COPY BINARY {copied:.1f} s for {tickets} tickets:"
                  f" {rate:.0f}/s; all together {mine:.0f}/s")
    yield figure("all together / bare producer + COPY BINARY", median(ratios), ratios, 0.25, "{:.2f}×")


def scratch_topic(bench):
    file = bench.scratch / "topics"
    file.write_text("reference.submissions 12 1 1048576\n")
    return file


def texts_from_a_file(bench):
    """The file holds the generator's own kind of texts, so that the difference is the reading of it."""
    texts = bench.scratch / "texts.csv"
    with texts.open("w") as out:
        out.write("category,sentiment,text\n")
        for i in range(20000):
            out.write(f"物流,0,订单 {88000 + i} 的包裹三天没有更新，停在中转站，麻烦帮忙查一下，谢谢。这个月已经是第 {i % 7 + 1} 次了\n")
    ratios = []
    for _ in range(bench.options.rounds):
        generated = once(bench)
        from_file = once(bench, "--input", texts)
        speed = [s["accepted"] / (bench.options.seconds + (s["committed_after"] or 999)) for s in (generated, from_file)]
        ratios.append(speed[1] / speed[0])
    yield figure("texts from a file / the generator's", median(ratios), ratios, 0.9, "{:.2f}×")


def figure(what, value, values, bound, form, at_most=False):
    """One row of the table: value, spread, and whether the bound is kept."""
    return {"what": what, "value": form.format(value), "number": value,
            "spread": f"{form.format(min(values))} .. {form.format(max(values))}" if len(values) > 1 else "",
            "at_least": ("≤ " if at_most else "") + form.format(bound), "kept": value <= bound if at_most else value >= bound}
