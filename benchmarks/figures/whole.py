"""Everything at once on this machine: all services, the servers they need, the generator, a workforce and a mail server that takes every
requester's confirmation. What each process used of the processors is part of the figure."""
import base64
import json
import os
import socket
import subprocess
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.desk import Desk
from harness.postgres import free_port
from harness.promises import metrics_of
from harness.stack import REPOSITORY, request

from .bench import BUILD, TICK, median
from .pipeline import figure

RATE = 4000
REQUEST_TRACKER = 10.9  # tickets/s through its REST2 on the machine of our figures, where --rt does not name one that runs
AGENTS = 50
SETTLES_WITHIN = 60
# Every ticket is promised something, and its requester is told that it has come.
DOCUMENTS = """
policies:
  - {name: 标准, targets: {first_reply: 1h, resolution: 24h}, warn: [80]}
templates:
  - name: 收到
    language: zh
    subject: "[#{{ticket.id}}] 已收到：{{ticket.subject}}"
    text: |
      {{recipient.name}}，您好：

      我们已收到您的来信“{{ticket.subject}}”，单号 {{ticket.id}}，{{ticket.group}}会尽快回复您。
    in:
      en:
        subject: "[#{{ticket.id}}] Received: {{ticket.subject}}"
        text: |
          Hello {{recipient.name}},

          we have received "{{ticket.subject}}" as number {{ticket.id}}; {{ticket.group}} will answer soon.
notifications:
  - {name: 收到, event: ticket_created, to: requester, template: 收到}
"""


# -- what the processors were used for ---------------------------------------------------------------------------------------

def used(pid):
    """(parent, name, seconds of itself, of its ended children) or None when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[1]), words, (int(fields[11]) + int(fields[12])) / TICK, (int(fields[13]) + int(fields[14])) / TICK


def postgres_seconds(postmaster):
    """Of each role's backends and of PostgreSQL's own processes, and of those that ended since (by whomever)."""
    parts = {}
    for entry in os.listdir("/proc"):
        said = used(entry) if entry.isdigit() else None
        if not said or said[0] != postmaster:
            continue
        title = said[1].removeprefix("postgres: ").split()
        part = title[0] if title and title[0].startswith("docket_") else " ".join(title[:1]) or "?"
        name = f"postgres {part.removeprefix('docket_')}"
        parts[name] = parts.get(name, 0) + said[2]
    itself = used(postmaster)
    parts["postgres ended"] = itself[2] + itself[3]
    return parts


class Processors:
    """Seconds used by every process of the stack from here to read(), and by all of the machine's."""

    def __init__(self, stack, more):
        self.stack, self.more = stack, more
        self.first, self.busy = self.look(), self.machine()

    def look(self):
        seconds = dict(self.more())
        for file in (self.stack.home / "run").glob("*.pid"):
            said = used(self.stack.pid(file.stem))
            if said and file.stem != "postgres":
                seconds[file.stem] = said[2] + said[3]
        seconds.update(postgres_seconds(self.stack.pid("postgres")))
        return seconds

    @staticmethod
    def machine():
        """Seconds in which a processor was not idle (or waiting for a disk)."""
        fields = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return (sum(fields) - fields[3] - fields[4]) / TICK

    def read(self):
        now = self.look()
        seconds = {name: now[name] - self.first.get(name, 0) for name in now}
        lost = sum(n for name, n in self.first.items() if name not in now and name.startswith("postgres "))
        seconds["postgres ended"] = max(0, seconds["postgres ended"] - lost)  # a backend that ended is its parent's from then on
        return seconds, self.machine() - self.busy


# -- the mail server ---------------------------------------------------------------------------------------------------------

class Sink:
    def __init__(self):
        self.port, self.counters_port = free_port(), free_port()
        self.process = subprocess.Popen([BUILD / "bin" / "mail-sink", str(self.port), str(self.counters_port)], stdout=subprocess.DEVNULL)

    def counters(self):
        with socket.create_connection(("127.0.0.1", self.counters_port)) as peer:
            return json.loads(peer.makefile().read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


# -- a run -------------------------------------------------------------------------------------------------------------------

class Running(threading.Thread):
    """A docket command beside everything else: its words and, in the end, its processor's time."""

    def __init__(self, stack, words):
        super().__init__()
        self.child = subprocess.Popen(["docket", *map(str, words)], env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                      text=True)
        self.seconds = 0.0
        self.start()

    def run(self):
        self.output = self.child.stdout.read()
        _, _, usage = os.wait4(self.child.pid, 0)
        self.child.returncode = 0
        self.seconds = usage.ru_utime + usage.ru_stime

    def said(self):
        self.join()
        return self.output


def has_analytics():
    return (BUILD / "bin" / "docket-analytics").exists() and "analytics" in (REPOSITORY / "deploy/local/lib/services.sh").read_text()


def shape(bench, sink):
    kinds = {"desk": 1, "sla": 1, "notifier": 1}
    if has_analytics():
        kinds["analytics"] = 1
    mail = {"DOCKET_MAIL_URL": f"smtp://127.0.0.1:{sink.port}", "DOCKET_MAIL_TLS": "none", "DOCKET_MAIL_FROM": "support@example.com",
            "DOCKET_ALLOW_NETWORKS": "127.0.0.0/8"}
    stack = bench.fresh(bench.options.rate * bench.options.seconds, more=DOCUMENTS, agents=AGENTS, environment=mail, **kinds)
    return stack, kinds


def behind(stack, kinds, sink, mails):
    """What is not settled yet: {what: how much}."""
    left = {"outbox": stack.sql("SELECT count(*) FROM (SELECT 1 FROM ticket.outbox LIMIT 1000) o")[0][0], "mails": mails - sink.counters()["distinct"]}
    for name in ["router-1", "router-2", *[f"{kind}-1" for kind in kinds]]:
        seen = metrics_of(stack, name)
        left[name] = sum(value for series, value in seen.items() if series.split("{")[0].endswith("_lag_messages"))
    return {what: count for what, count in left.items() if count > 0}


def settle(bench, stack, kinds, sink, mails, at_most):
    """Seconds from now until nothing is behind; None: it did not come. How far each was in between is told."""
    began, said, settled_after = time.monotonic(), 0, {}
    while True:
        left, now = behind(stack, kinds, sink, mails), time.monotonic() - began
        for what in left:
            settled_after.pop(what, None)
        for what in ("outbox", "mails", "router-1", "router-2", *[f"{kind}-1" for kind in kinds]):
            if what not in left:
                settled_after.setdefault(what, round(now, 1))
        if not left and stack.sql("SELECT count(*) FROM notify.deliveries WHERE state = 'waiting'", admin=True)[0][0] == 0:
            return time.monotonic() - began, settled_after
        if now > at_most:
            bench.say(f"    not settled: {left}")
            return None, settled_after
        if now > said + 10:
            said = now
            bench.say(f"      {now:.0f} s after the end there are left {left}")
        time.sleep(0.5)


def once(bench, sink):
    rate, seconds = bench.options.rate, bench.options.seconds
    stack, kinds = shape(bench, sink)
    desk = Desk(stack, bench.tenants[0])
    token = desk.token()
    begun, before = [], sink.counters()
    processors = Processors(stack, lambda: {"generator": begun[0].seconds, "workforce": begun[1].seconds, "mail sink": sink.counters()["cpu"]}
                            if begun else {"generator": 0, "workforce": 0, "mail sink": sink.counters()["cpu"]})
    surge = Running(stack, bench.surge_words(rate, seconds))
    people = Running(stack, ["workforce", "--agents", AGENTS, "--seconds", seconds, "--url", desk.url, "--token", token, "--json", "--quiet"])
    begun += [surge, people]
    said = bench.surge_said(surge.said())
    ended = time.monotonic()
    while_under_load, _ = processors.read()
    played = json.loads(people.said() or "{}")
    begun_settling = time.monotonic()
    settled, each = settle(bench, stack, kinds, sink, before["distinct"] + said["accepted"], max(300, 3 * SETTLES_WITHIN))
    if settled is not None:
        settled += begun_settling - ended
    cpu, busy = processors.read()
    said.update(settled_after=settled, each=each, cpu=cpu, busy=busy, load=while_under_load, played=played,
                mails=sink.counters()["distinct"] - before["distinct"], kinds=kinds)
    verified = stack.docket("verify", "--wait", 60, "--grace", 120, check=False, timeout=1200)
    said["verified"] = verified.returncode == 0
    if not said["verified"]:
        bench.say(verified.stdout[-3000:] + verified.stderr[-1000:])
    return said


def tell(bench, said):
    """The profile: µs of a processor for each ticket accepted, by process; under load, and with what was done after it."""
    tickets = max(1, said["accepted"])
    ours = sum(said["cpu"].values())
    bench.say(f"    {said['accepted'] / bench.options.seconds:.0f}/s accepted, refused {said['refused'] and said['statuses']}, p99 {said['p99_ms']:.1f} ms,"
              f" settled {said['settled_after'] if said['settled_after'] is None else round(said['settled_after'], 1)} s after the end {said['each']},"
              f" mails {said['mails']}, verify {'ok' if said['verified'] else 'FAILED'}")
    bench.say(f"    workforce: {said['played'].get('handled')} handled, {said['played'].get('replies')} replies, {said['played'].get('no_answer')}"
              f" without an answer; processors: {ours:.1f} s ours, {said['busy'] - ours:.1f} s of others on this machine")
    bench.say(f"    {'µs a ticket':<28} {'in all':>8} {'under load':>12}")
    for name, seconds in sorted(said["cpu"].items(), key=lambda pair: -pair[1]):
        if seconds >= 0.02:
            bench.say(f"      {name:<26} {1e6 * seconds / tickets:>8.1f} {1e6 * said['load'].get(name, 0) / tickets:>12.1f}")
    bench.say(f"      {'sum':<26} {1e6 * ours / tickets:>8.1f} {1e6 * sum(said['load'].values()) / tickets:>12.1f}")


def request_tracker(url, seconds=20):
    """Tickets a second through Request Tracker 5's REST2, by as many clients at once as make it fastest; with the password in `url`."""
    parts = urllib.parse.urlsplit(url)
    login = base64.b64encode(urllib.parse.unquote(f"{parts.username}:{parts.password}").encode()).decode()
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2], path=parts.path.rstrip("/") + "/REST/2.0/ticket").geturl()

    def client(until, made):
        while time.monotonic() < until:
            answer = request("POST", address, {"Queue": "General", "Subject": f"包裹三天没有更新 {len(made)}", "Requestor": f"buyer{len(made)}@example.com",
                                               "ContentType": "text/plain", "Content": "订单的物流停在中转站已经三天了，麻烦帮忙查一下。"},
                             {"Authorization": f"Basic {login}"})
            assert answer.status == 201, (answer.status, answer.body[:300])
            made.append(1)

    best = 0
    for clients in (1, 2, 4):
        made, until = [], time.monotonic() + seconds
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(lambda _: client(until, made), range(clients)))
        best = max(best, len(made) / seconds)
    return best


def whole(bench):
    if "--rate" not in bench.options.given:
        bench.options.rate = RATE
    runs = []
    with Sink() as sink:
        for _ in range(bench.options.rounds):
            said = once(bench, sink)
            tell(bench, said)
            runs.append(said)
    services = 2 + len(runs[0]["kinds"])
    rates = [r["accepted"] / bench.options.seconds for r in runs]
    tails = [r["p99_ms"] for r in runs]
    after = [999 if r["settled_after"] is None else r["settled_after"] for r in runs]
    cpu = [1e6 * sum(r["cpu"].values()) / max(1, r["accepted"]) for r in runs]
    yield figure(f"all {services} services: tickets/s accepted", median(rates), rates, bench.options.rate * 0.995, "{:.0f}")
    yield figure("  acceptance p99, ms", median(tails), tails, 100, "{:.0f}", at_most=True)
    yield figure("  refused", sum(r["refused"] for r in runs), [], 0, "{:.0f}", at_most=True)
    yield figure("  everything settled after the end, s", median(after), after, SETTLES_WITHIN, "{:.1f}", at_most=True)
    yield figure("  confirmations at the mail sink / accepted", min(r["mails"] / max(1, r["accepted"]) for r in runs), [], 1, "{:.4f}")
    yield figure("  promises broken (docket verify)", sum(not r["verified"] for r in runs), [], 0, "{:.0f}", at_most=True)
    yield figure("  µs of a processor a ticket, all processes", median(cpu), cpu, 1e6 * os.cpu_count() / bench.options.rate *
                 (bench.options.seconds + SETTLES_WITHIN) / bench.options.seconds, "{:.0f}", at_most=True)
    other = request_tracker(bench.options.rt) if bench.options.rt else REQUEST_TRACKER
    bench.say(f"    Request Tracker 5: {other:.1f} tickets/s" + ("" if bench.options.rt else ", as measured before; --rt URL measures one that runs"))
    yield figure("  tickets/s / Request Tracker 5's REST2", median(rates) / other, [r / other for r in rates], 350, "{:.0f}×")
