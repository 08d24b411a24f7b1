"""The notifier: webhooks against a bare libcurl-multi loop, what is recorded against COPY BINARY, who hangs against who does not, and
what a million that wait weigh. Deliveries are written as telling writes them; PostgreSQL keeps its durability settings."""
import io
import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from .bench import BUILD, cpu_seconds, median, peak_mib, run, until
from .pipeline import figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from harness.notifier import NotifierDesk, black_hole, documents  # noqa: E402
from harness.postgres import free_port  # noqa: E402

MESSAGES = 30_000
HANGING = 200
WAITING = 5_000
MILLION = 1_000_000
PROBES = 1_000
NGINX = """
worker_processes 1; daemon off; pid {scratch}/hook.pid; error_log {scratch}/hook.log;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {scratch}; proxy_temp_path {scratch};
  fastcgi_temp_path {scratch}; uwsgi_temp_path {scratch}; scgi_temp_path {scratch};
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 ok; }} }} }}
"""
SAID = {"event": {"name": "ticket_created", "at_ms": 1795305600000, "actor": "李小满"},
        "ticket": {"id": 7, "subject": "包裹三天没有更新", "description": "订单 88123 的物流停在中转站已经三天了，麻烦帮忙查一下到底在哪里，客户很着急，谢谢",
                   "status": "new", "priority": "normal", "kind": "售后", "category": "物流/查询", "channel": "web", "region": "华东",
                   "group": "物流", "requester": "李**", "created_ms": 1795305600000, "order": "88123", "tags": ["物流"]}}


@contextmanager
def receiver(bench):
    port = free_port()
    conf = bench.scratch / "hook.conf"
    conf.write_text(NGINX.format(scratch=bench.scratch, port=port))
    nginx = subprocess.Popen(["nginx", "-p", str(bench.scratch), "-c", str(conf)], stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        nginx.terminate()
        nginx.wait()


@contextmanager
def desk(bench, *systems):
    with NotifierDesk(WEBHOOK_TIMEOUT="15s", LEASE_MARGIN="10s", LEAVE_ALONE="5s", RETRY_FIRST="5s",
                      RETRY_MOST="4h") as running:
        running.sql("ALTER SYSTEM SET fsync = on")
        running.sql("SELECT pg_reload_conf()")
        running.made = running.tenant(documents(*systems))
        yield running


def settled(tenant, destination, count, seconds=300):
    """Seconds from when they were due until the last one was recorded."""
    until(lambda: tenant.desk.sql("SELECT count(*) FROM notify.deliveries WHERE destination = %s AND state = 'delivered'",
                                  destination)[0][0] >= count, seconds, "everything to be delivered", every=0.1)


def copy_rate(desk, count):
    """COPY BINARY of the deliveries as they waited, into an empty table with the same indexes: rows a second."""
    connection = desk.postgres.connect()
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS notify.reference; CREATE TABLE notify.reference (LIKE notify.deliveries INCLUDING ALL)")
    rows = io.BytesIO()
    cursor.copy_expert("COPY (SELECT * FROM notify.waited) TO STDOUT BINARY", rows)
    connection.commit()
    rows.seek(0)
    began = time.monotonic()
    cursor.copy_expert("COPY notify.reference FROM STDIN BINARY", rows)
    connection.commit()
    took = time.monotonic() - began
    cursor.execute("DROP TABLE notify.reference")
    connection.commit()
    connection.close()
    return count / took


def webhooks(bench):
    """One fast destination with kept connections: signed, recorded."""
    per_cpu, per_second = [], []
    with receiver(bench) as url, desk(bench, ("erp", "webhook", url)) as running:
        tenant = running.made
        running.docket("notify", "secret", "set", "erp", "--tenant", tenant.name, "--kind", "webhook",
                       stdin="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
        body = bench.scratch / "body.json"
        body.write_text(json.dumps({"type": "ticket.created", "timestamp": "2026-11-22T00:00:00.000Z", "data": SAID}, ensure_ascii=False))
        process = running.start()
        tenant.tell("system:erp", "webhook", url, "给erp", said=SAID, count=200)
        settled(tenant, url, 200)
        for round_ in range(bench.options.rounds):
            running.sql("TRUNCATE notify.deliveries")
            tenant.tell("system:erp", "webhook", url, "给erp", said=SAID, ticket=1, due="3 seconds", count=MESSAGES)
            running.sql("DROP TABLE IF EXISTS notify.waited; CREATE TABLE notify.waited AS SELECT * FROM notify.deliveries")
            running.sql("UPDATE notify.deliveries SET due = now()")
            began, used = time.monotonic(), cpu_seconds(process.process.pid)
            settled(tenant, url, MESSAGES)
            took, used = time.monotonic() - began, cpu_seconds(process.process.pid) - used
            bare = json.loads(run(BUILD / "bin" / "poster", url, MESSAGES, 8, body).stdout)
            copied = copy_rate(running, MESSAGES)
            bench.say(f"    {1e6 * used / MESSAGES:.1f} µs of CPU a webhook, bare loop {1e6 * bare['cpu'] / MESSAGES:.1f};"
                      f" {MESSAGES / took:.0f}/s sent and recorded, COPY BINARY {copied:.0f} rows/s")
            per_cpu.append(bare["cpu"] / used)
            per_second.append(MESSAGES / took / copied)
    yield figure("webhooks per CPU-second / a bare libcurl-multi loop", median(per_cpu), per_cpu, 0.5, "{:.2f}×")
    yield figure("deliveries sent and recorded a second / COPY BINARY", median(per_second), per_second, 0.1, "{:.2f}×")


def probe(running, url):
    """p99 of what is told to the fast one at a hundred a second, in seconds from its row to its record."""
    tenant = running.made
    running.sql("DELETE FROM notify.deliveries WHERE destination = %s", url)
    connection = running.postgres.connect()
    connection.autocommit = True
    cursor = connection.cursor()
    began = time.monotonic()
    for n in range(PROBES):
        cursor.execute("INSERT INTO notify.deliveries (tenant_id, cause, notification, recipient, way, ticket_id, revision, urgent,"
                       " destination, said, due, expires) VALUES (%s, 'p' || nextval('notify.delivery_ids'), '给fast', 'system:fast',"
                       " 'webhook', %s, 1, false, %s, %s, clock_timestamp(), now() + interval '1 day')",
                       (tenant.number, 10_000_000 + n, url, json.dumps(SAID)))
        while time.monotonic() < began + n / 100:
            time.sleep(0.001)
    connection.close()
    settled(tenant, url, PROBES)
    return running.sql("SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - created_at))"
                       " FROM notify.deliveries WHERE destination = %s", url)[0][0]


def hanging(bench):
    """A fast destination beside two hundred that take everything and answer nothing."""
    holes = [black_hole() for _ in range(HANGING)]
    ratios = []
    try:
        with receiver(bench) as url, desk(bench, ("fast", "webhook", url), *[(f"s{i}", "webhook", u) for i, (_, u) in enumerate(holes)]) as running:
            running.start()
            probe(running, url)
            for _ in range(bench.options.rounds):
                running.sql("DELETE FROM notify.deliveries")
                running.sql("DELETE FROM notify.destinations")
                alone = probe(running, url)
                for i, (_, u) in enumerate(holes):
                    running.made.tell(f"system:s{i}", "webhook", u, f"给s{i}", ticket=1000 * i, count=WAITING // HANGING)
                beside = probe(running, url)
                bench.say(f"    p99 {1000 * alone:.0f} ms alone, {1000 * beside:.0f} ms beside {HANGING} that hang")
                ratios.append(beside / alone)
                running.running[0].kill()  # what hangs would hang on into the next round
                running.running.clear()
                running.start()
            running.sql("DELETE FROM notify.deliveries")
    finally:
        for listener, _ in holes:
            listener.close()
    yield figure(f"p99 of a fast destination beside {HANGING} that hang / alone", median(ratios), ratios, 1.5, "{:.2f}×", at_most=True)


def memory(bench):
    """A notifier's peak with a million that wait for a destination that hangs, against one for which nothing waits."""
    listener, hole = black_hole()
    more = []
    with receiver(bench) as url, desk(bench, ("fast", "webhook", url), ("slow", "webhook", hole)) as running:
        def peak():
            process = running.start()
            running.sql("DELETE FROM notify.deliveries WHERE destination = %s", url)
            running.made.tell("system:fast", "webhook", url, "给fast", said=SAID, ticket=20_000_000, count=5000)
            settled(running.made, url, 5000)
            seen = process.metric("docket_notifier_looks_total")
            until(lambda: process.metric("docket_notifier_looks_total") >= seen + 20, 300, "looks at all that waits", every=0.1)
            mib = peak_mib(process.process.pid)
            process.kill()
            running.running.clear()
            return mib
        empty = peak()
        running.made.tell("system:slow", "webhook", hole, "给slow", said=SAID, ticket=1, count=MILLION)
        full = peak()
        bench.say(f"    {empty:.1f} MiB with nothing waiting, {full:.1f} MiB with a million")
        more.append(full - empty)
    listener.close()
    yield figure("MiB more with one million deliveries waiting", median(more), more, 32, "{:.1f}", at_most=True)
