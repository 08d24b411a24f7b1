"""The gate against nginx's bare `return 202`: the same POST, 64 keep-alive connections, per CPU-second of the server."""
import re
import subprocess
import time
from pathlib import Path

from .bench import cpu_seconds, median, run
from .pipeline import figure

NGINX = """
worker_processes 1; daemon off; pid {scratch}/nginx.pid; error_log {scratch}/nginx.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {scratch}; proxy_temp_path {scratch};
  fastcgi_temp_path {scratch}; uwsgi_temp_path {scratch}; scgi_temp_path {scratch};
  server {{ listen 127.0.0.1:{port}; location / {{ return 202; }} }} }}
"""
# Every request has a key of its own, as the load of the issue has.
SCRIPT = """
local n = 0
local body = [[{"ticket":{"subject":"包裹三天没有更新","comment":{"body":"订单 88123 的物流停在中转站已经三天了，麻烦帮忙查一下到底在哪里，客户很着急，谢谢"},"requester":{"name":"李小满","email":"li.xiaoman@example.com","phone":"13800138000"},"order":"88123","product":"电热水壶","region":"华东","tier":"普通","tags":["物流"]}}]]
local token = os.getenv("TOKEN")
request = function()
  n = n + 1
  return wrk.format("POST", "/api/v2/tickets.json", {["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json",
    ["Idempotency-Key"] = os.getenv("ROUND") .. "-" .. n}, body)
end
"""


def hammer(bench, url, token, seconds, name):
    script = bench.scratch / "post.lua"
    script.write_text(SCRIPT)
    bench.round = getattr(bench, "round", 0) + 1
    out = run("wrk", "-t1", "-c64", f"-d{seconds}s", "-s", script, url,
              env={**bench.stack.environment, "TOKEN": token, "ROUND": f"{name}-{bench.round}"}).stdout
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return requests - (int(refused.group(1)) if refused else 0), refused


def gate_against_nginx(bench):
    stack = bench.fresh(1000, routers=0)
    token = bench.tokens.read_text().split()[1]
    port = 20000 + int(time.time()) % 20000
    conf = bench.scratch / "nginx.conf"
    conf.write_text(NGINX.format(scratch=bench.scratch, port=port))
    nginx = subprocess.Popen(["nginx", "-p", str(bench.scratch), "-c", str(conf)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        worker = None
        while worker is None and time.monotonic() < deadline:
            children = Path(f"/proc/{nginx.pid}/task/{nginx.pid}/children").read_text().split()
            worker = int(children[0]) if children else None
        ratios = []
        for _ in range(max(3, bench.options.rounds)):
            rates = []
            for url, pid, name in ((stack.gate, stack.pid("intake-1"), "gate"), (f"http://127.0.0.1:{port}", worker, "nginx")):
                began = cpu_seconds(pid)
                accepted, refused = hammer(bench, url, token, 8, name)
                used = cpu_seconds(pid) - began
                rates.append(accepted / used)
                assert name == "nginx" or not refused, f"the gate refused {refused.group(1)}"
            ratios.append(rates[0] / rates[1])
            bench.say(f"    gate {1e6 / rates[0]:.1f} µs of CPU a request, nginx {1e6 / rates[1]:.1f}")
        yield figure("gate / nginx `return 202`, per CPU-second", median(ratios), ratios, 0.35, "{:.2f}×")
    finally:
        nginx.terminate()
        nginx.wait()
