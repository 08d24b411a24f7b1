"""The desk: a ticket by id and a page of a view against nginx serving the same bytes; updates against pgbench running the desk's own
statements; and the same reads with three million tickets stored."""
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from .bench import BUILD, Stack, cpu_seconds, median, run, until
from .desk_data import FIRST, OPEN, filled
from .pipeline import figure
from harness.stack import request

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

    def restart(self):
        self.stack.stop("desk-1")
        self.stack.start("desk-1")
        self.pid = self.stack.pid("desk-1")

    def body(self, path):
        return run("curl", "-sf", "-H", f"Authorization: Bearer {self.token}", self.url + path).stdout.encode()


def desks(bench, tickets):
    kept = bench.__dict__.setdefault("desks", {})
    if tickets not in kept:
        kept[tickets] = Desks(bench, tickets)
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


# -- updates -----------------------------------------------------------------------------------------------------------

UPDATES = """
local first, open, token = tonumber(os.getenv("FIRST")), tonumber(os.getenv("OPEN")), os.getenv("TOKEN")
local thread, n = 0, 0
math.randomseed(tonumber(os.getenv("SEED")))
local headers = {["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json"}
request = function()
  n = n + 1
  return wrk.format("PUT", "/api/v2/tickets/" .. (first + math.random(0, open - 1)) .. ".json", headers,
    [[{"ticket":{"comment":{"body":"您好，物流那边已经在核实，今天内给您答复，抱歉让您久等了。","public":true}}}]])
end
"""
WRITERS = 32


def superuser(desk, text):
    """As the cluster's owner, who alone may say what is logged."""
    home = desk.stack.home
    port = next(line.split()[1] for line in (home / "ports").read_text().splitlines() if line.split()[0] == "postgres")
    database = re.search(r"/(\w+)(\?|$)", desk.stack.environment["DOCKET_POSTGRES"]).group(1)
    run("psql", "-X", "-q", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "-d", database, "-c", text,
        env={**desk.stack.environment, "PGPASSWORD": (home / "secrets/postgres").read_text().strip()})


def update(desk, ticket):
    answer = request("PUT", f"{desk.url}/api/v2/tickets/{ticket}.json", {"ticket": {"comment": {
        "body": "您好，物流那边已经在核实，今天内给您答复，抱歉让您久等了。", "public": True}}},
        {"Authorization": f"Bearer {desk.token}"})
    assert answer.status == 200, (answer.status, answer.body)


def logged(desk):
    """The statements of one update by the desk, as PostgreSQL logged them, with what stood for their parameters."""
    superuser(desk, "ALTER ROLE docket_desk SET log_statement = 'all'")
    desk.restart()
    update(desk, FIRST + 1)  # prepares
    update(desk, FIRST + 2)
    log = desk.stack.home / "log/postgres.log"
    began = log.stat().st_size
    update(desk, FIRST + 3)
    until(lambda: "store_outbox_delete" in log.read_bytes()[began:].decode(errors="replace") or None, 10, "the outbox to be emptied")
    text = log.read_bytes()[began:].decode(errors="replace")
    superuser(desk, "ALTER ROLE docket_desk RESET log_statement")
    desk.restart()
    entries = re.split(r"(?m)^\d{4}-\d\d-\d\d [\d:.]+ UTC \[(\d+)\] (?:\S+@\S+ )?", text)
    return [(pid, entry.strip()) for pid, entry in zip(entries[1::2], entries[2::2])]


def statements(entries, ticket):
    """The same as a script of pgbench: any open ticket in place of that one, its version as it is found, a cause of its own."""
    script, pending = ["\\set id random(%d, %d)" % (FIRST, FIRST + OPEN - 1)], None
    ours = {pid for pid, text in entries if re.match(r"LOG:  execute (work_ticket|store_edit)", text)}
    for pid, text in entries:
        found = re.match(r"LOG:  (?:execute (\w+|<unnamed>)|statement): (.*)", text, re.S)
        if found and pid in ours:
            pending = [found.group(1) or "", " ".join(found.group(2).split())]
            if not pending[0]:
                script.append(pending[1] + ";")
        elif text.startswith("DETAIL:  parameters:") and pending:
            values = {number: value for number, value in re.findall(r"\$(\d+) = (NULL|'(?:[^']|'')*')", text)}
            name, body = pending
            if name == "store_edit":
                values.update({"2": "ARRAY[:id]", "3": "ARRAY[:r_version]", "5": "ARRAY[gen_random_uuid()]"})
            values = {n: ":id" if v == f"'{ticket}'" else "ARRAY[:id]" if v == f"'{{{ticket}}}'" else v for n, v in values.items()}
            body = re.sub(r"\$(\d+)", lambda m: values[m.group(1)], body)
            script.append(body + (" \\gset r_" if name == "work_ticket" else ";"))
            pending = None
    return "\n".join(script) + "\n"


def updates(bench):
    desk = desks(bench, 50_000)
    script = bench.scratch / "update.sql"
    script.write_text(statements(logged(desk), FIRST + 3))
    config = run(BUILD / "bin/docket-desk", "--print-config").stdout
    pools = [int(re.search(rf"(?m)^#? ?{key} *= *(\d+)", config).group(1)) for key in ("postgres_connections", "desk_stores")]
    connections = sum(pools)  # as many as the desk has
    role = desk.stack.environment["DOCKET_POSTGRES_ADMIN"]
    lua = bench.scratch / "put.lua"
    lua.write_text(UPDATES)
    ratios = []
    for _ in range(max(3, bench.options.rounds)):
        out = run("wrk", "-t1", f"-c{WRITERS}", "-d8s", "-s", lua, desk.url,
                  env={**desk.stack.environment, "TOKEN": desk.token, "FIRST": str(FIRST), "OPEN": str(OPEN), "SEED": str(len(ratios))}).stdout
        refused = int((re.search(r"Non-2xx or 3xx responses: (\d+)", out) or [0, 0])[1])
        ours = (int(re.search(r"(\d+) requests in", out).group(1)) - refused) / 8
        desk.stack.sql("VACUUM ticket.outbox", admin=True)
        out = run("pgbench", "-n", "-M", "prepared", "-c", connections, "-j", 2, "-T", 8, "-f", script, role).stdout
        theirs = float(re.search(r"tps = ([\d.]+)", out).group(1))
        failed = re.search(r"number of failed transactions: (\d+)", out)
        ratios.append(ours / theirs)
        bench.say(f"    desk {ours:.0f} updates/s ({refused} refused), pgbench {theirs:.0f}/s on {connections} connections"
                  f" ({failed.group(1) if failed else 0} failed)")
        desk.stack.sql("DELETE FROM ticket.outbox", admin=True)
    yield figure("update with a comment / pgbench with the same statements", median(ratios), ratios, 0.6, "{:.2f}×")


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
