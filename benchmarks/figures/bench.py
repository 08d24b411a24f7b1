"""What the figures share: a private stack of release builds, twenty tenants, and measuring of processes."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("DOCKET_BUILD", str(Path(__file__).resolve().parents[2] / ".build" / "release"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from harness.stack import BUILD, Stack, until  # noqa: E402,F401

TENANTS = 20
RULES = 200
AGENTS = 30
TICK = os.sysconf("SC_CLK_TCK")


def median(values):
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def documents(capacity, agents=AGENTS):
    """A tenant with 200 rules and room for `capacity` tickets."""
    each = max(1, min(1000, -(-capacity // agents)))
    groups = ["售后", "物流", "跨境", "技术", "投诉", "VIP"]
    words = ["退款", "丢件", "清关", "闪退", "态度", "会员", "发票", "破损", "换货", "超时"]
    lines = ["settings: {default_group: 售后}", "skills: [英语]", "groups:"]
    lines += [f"  - {{name: {group}, title: {group}}}" for group in groups]
    lines += ["agents:"]
    lines += [f"  - {{name: a{i}, title: 客服{i}, groups: [{groups[i % 6]}], skills: [英语], capacity: {each}, duty: true}}"
              for i in range(agents)]
    lines += ["rules:"]
    for i in range(RULES):
        word = words[i % 10]
        lines.append(f"  - {{name: 规则{i}, when: {{any: [{{text: {{contains: [{word}{i}, {word if i < 10 else word + '类' + str(i)}]}}}}]}},"
                     f" set: {{category: {word}/{i}, group: {groups[i % 6]}}}}}")
    return "\n".join(lines) + "\n"


class Bench:
    def __init__(self, options):
        self.options = options
        self.terminal = sys.stderr if not os.isatty(1) else sys.stdout

    def say(self, text):
        print(text, file=self.terminal, flush=True)

    def __enter__(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="docket-bench-", dir="/var/tmp"))
        self.stack = None
        return self

    def __exit__(self, *_):
        for stack in {id(s): s for s in [self.stack, *getattr(self, "others", [])] if s}.values():
            stack.down()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def fresh(self, tickets, routers=2, more="", agents=AGENTS, environment=None, **kinds):
        """An empty stack of gate and routers (and so many others as `kinds` says, desk=1) with twenty tenants who have room for half of
        `tickets` and `more` in their documents; a file of their tokens."""
        if self.stack:
            self.stack.down()
        self.stack = Stack()
        self.stack.environment.update(environment or {})
        shape = {"router": routers, "intake": 1, "desk": 0, "sla": 0, "notifier": 0, **kinds}
        self.stack.up(*[word for kind, count in shape.items() for word in (f"--{kind}", count)])
        tokens, self.tenants = [], []
        for number in range(TENANTS):
            tenant = self.stack.tenant(documents(tickets // 2 // TENANTS, agents) + more)
            self.tenants.append(tenant)
            tokens.append(f"{tenant.number} {tenant.token}")
        self.tokens = self.scratch / "tokens"
        self.tokens.write_text("\n".join(tokens) + "\n")
        return self.stack

    def surge_words(self, rate, seconds, *more):
        """With 1,024 requests that may be under way the loop is open: with 128, at 8,000 a second, each wait beyond 16 ms at the gate
        became a queue in the generator."""
        return ["surge", "--rate", rate, "--seconds", seconds, "--tokens", self.tokens, "--duplicates", "1/50", "--connections", 64,
                "--depth", 16, "--accepted", self.scratch / "accepted", "--json", *more]

    def surge(self, rate, seconds, *more):
        """One run of `docket surge` over all tenants: its summary."""
        run = self.stack.docket(*self.surge_words(rate, seconds, *more), check=False, timeout=seconds * 3 + 120)
        return self.surge_said(run.stdout, run.stderr)

    @staticmethod
    def surge_said(output, errors=""):
        lines = output.strip().splitlines()
        assert lines, f"surge said nothing: {errors}"
        said = json.loads(lines[-1])
        said["tickets"] = said["accepted"]
        said["p99_ms"] = said["latency_ms"]["p99"]
        said["statuses"] = {**said["refused"], "no answer": said["no_answer"], "unsent": said["unsent"]}
        said["refused"] = sum(said["refused"].values()) + said["no_answer"] + said["unsent"]
        return said

    def stored(self):
        return self.stack.sql("SELECT count(*) FROM ticket.tickets")[0][0]

    def wait_stored(self, count, seconds):
        """Seconds until so many tickets are committed, or None."""
        began = time.monotonic()
        try:
            until(lambda: self.stored() >= count, seconds, "the tickets", every=0.5)
        except AssertionError:
            return None
        return time.monotonic() - began


def cpu_seconds(pid):
    """User and system time of a process and its threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def peak_mib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def run(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, text=True, capture_output=True, **options)
