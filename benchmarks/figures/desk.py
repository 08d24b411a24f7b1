"""The desk: a ticket by id and a page of a view against nginx serving the same bytes; updates against pgbench running the desk's own
statements; and the same reads with three million tickets stored."""
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from .bench import BUILD, Stack, cpu_seconds, median, run  # noqa: F401
from .desk_data import FIRST, OPEN, filled
from .pipeline import figure

CONNECTIONS = 64
ALL_OPEN = 3  # the built-in view 全部未结
NGINX = """
worker_processes 1; daemon off; pid {scratch}/nginx.pid; error_log {scratch}/nginx.log;
events {{ worker_connections 1024; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; types {{ application/json json; }}
  client_body_temp_path {scratch}; proxy_temp_path {scratch}; fastcgi_temp_path {scratch}; uwsgi_temp_path {scratch};
  scgi_temp_path {scratch};
  server {{ listen 127.0.0.1:{port}; root {scratch}/www; }} }}
"""
# PATHS has one path a line; each request takes the next one at random.
SCRIPT = """
local paths = {}
for line in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = line end
math.randomseed(tonumber(os.getenv("SEED")))
local headers = {["Authorization"] = "Bearer " .. os.getenv("TOKEN")}
request = function() return wrk.format("GET", paths[math.random(#paths)], headers) end
"""


def hammer(bench, url, paths, token, seconds):
    """Answers of 200 in a second, from random paths of the list."""
    script, list_ = bench.scratch / "get.lua", bench.scratch / "paths"
    script.write_text(SCRIPT)
    list_.write_text("\n".join(paths) + "\n")
    bench.round = getattr(bench, "round", 0) + 1
    out = run("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script, url,
              env={**bench.stack.environment, "TOKEN": token, "PATHS": str(list_), "SEED": str(bench.round)}).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    assert not refused, f"{url} refused {refused.group(1)}"
    requests, took = int(re.search(r"(\d+) requests in", out).group(1)), re.search(r"requests in ([\d.]+)(m?s|m),", out)
    return requests, float(took.group(1)) * {"ms": 0.001, "s": 1, "m": 60}[took.group(2)]


@contextmanager
def nginx(bench, body):
    """An nginx that serves these bytes as /body.json: its URL and the id of its worker."""
    port = 20000 + int(time.time()) % 20000
    www, conf = bench.scratch / "www", bench.scratch / "nginx.conf"
    www.mkdir(exist_ok=True)
    (www / "body.json").write_bytes(body)
    conf.write_text(NGINX.format(scratch=bench.scratch, port=port))
    bench.scratch.chmod(0o755)  # its worker is somebody else when we are root
    www.chmod(0o755)
    server = subprocess.Popen(["nginx", "-p", str(bench.scratch), "-c", str(conf)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        worker = None
        while worker is None and time.monotonic() < deadline:
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            worker = int(children[0]) if children else None
        yield f"http://127.0.0.1:{port}", worker
    finally:
        server.terminate()
        server.wait()


class Desks:
    """The stacks of this run: one with 50,000 tickets, and when it is asked for one with 3 million; kept for the next figure."""

    def __init__(self, bench, tickets):
        self.stack = Stack()
        self.stack.environment["DOCKET_REQUESTS_PER_MINUTE"] = "1000000000"
        self.stack.up("--router", 1, "--intake", 1, "--desk", 1)
        self.tenant = filled(bench, self.stack, tickets)
        self.url = self.stack.environment["DOCKET_DESK_URL"]
        self.pid = self.stack.pid("desk-1")
        self.token = self.stack.docket("token", "create", "--tenant", self.tenant.name, "--role", "administrator").stdout.split()[-1]
        self.tickets = tickets

    def body(self, path):
        return run("curl", "-sf", "-H", f"Authorization: Bearer {self.token}", self.url + path).stdout.encode()


def desks(bench, tickets):
    kept = bench.__dict__.setdefault("desks", {})
    if tickets not in kept:
        kept[tickets] = Desks(bench, tickets)
        bench.others = [desk.stack for desk in kept.values()]
    bench.stack = kept[tickets].stack
    return kept[tickets]


def tickets_by_id(desk, n=20_000):
    step = max(1, desk.tickets // n)
    return [f"/api/v2/tickets/{FIRST + i}.json" for i in range(0, desk.tickets, step)]


def page_of_view():
    return [f"/api/v2/views/{ALL_OPEN}/tickets.json?page%5Bsize%5D=50"]


def against_nginx(bench, what, paths, sample, at_least):
    desk = desks(bench, 50_000)
    body = desk.body(sample)
    ratios = []
    with nginx(bench, body) as (url, worker):
        for _ in range(max(3, bench.options.rounds)):
            rates = []
            for base, pid, each in ((desk.url, desk.pid, paths), (url, worker, ["/body.json"])):
                began = cpu_seconds(pid)
                requests, _ = hammer(bench, base, each, desk.token, 6)
                rates.append(requests / (cpu_seconds(pid) - began))
            ratios.append(rates[0] / rates[1])
            bench.say(f"    desk {1e6 / rates[0]:.1f} µs of CPU a request, nginx {1e6 / rates[1]:.1f} ({len(body):,} bytes)")
    yield figure(what, median(ratios), ratios, at_least, "{:.3f}×")


def ticket(bench):
    paths = tickets_by_id(desks(bench, 50_000))
    yield from against_nginx(bench, "a ticket by id / nginx, per CPU-second of the desk", paths, paths[7], 0.15)


def view(bench):
    paths = page_of_view()
    desks(bench, 50_000)
    yield from against_nginx(bench, "a page of 50 of a view / nginx, likewise", paths, paths[0], 0.04)


def growth(bench):
    few, many = desks(bench, 50_000), desks(bench, 3_000_000)
    reads = {"a ticket by id": tickets_by_id, "a page of a view": lambda _: page_of_view()}
    for name, paths in reads.items():
        ratios = []
        for _ in range(max(3, bench.options.rounds)):
            rates = []
            for desk in (many, few):
                requests, seconds = hammer(bench, desk.url, paths(desk), desk.token, 6)
                rates.append(requests / seconds)
            ratios.append(rates[0] / rates[1])
            bench.say(f"    {name}: {rates[0]:.0f}/s of 3,000,000 tickets, {rates[1]:.0f}/s of 50,000")
        yield figure(f"{name}, 3 million stored / 50,000", median(ratios), ratios, 0.8, "{:.2f}×")
