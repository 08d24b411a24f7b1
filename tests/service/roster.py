"""The scripts of services/router, called from Python on a redis-server of the test's own."""
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import redis

SCRIPTS = Path(__file__).resolve().parents[2] / "services" / "router" / "scripts"


class RedisServer:
    def __init__(self):
        self.home = Path(tempfile.mkdtemp(prefix="docket-redis-"))
        self.socket = str(self.home / "redis.sock")
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", str(self.home), "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL)
        self.client = redis.Redis(unix_socket_path=self.socket, decode_responses=True)
        end = time.monotonic() + 10
        while True:
            try:
                self.client.ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < end and self.process.poll() is None, "redis-server does not answer"
                time.sleep(0.01)

    def close(self):
        self.client.close()
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.home, ignore_errors=True)


def groups_of(rows, width):
    return [tuple(rows[i:i + width]) for i in range(0, len(rows), width)]


class Roster:
    """One tenant's assignment, with the model's signatures."""

    def __init__(self, client, tenant=1):
        self.client = client
        self.prefix = f"d:{{{tenant}}}:"
        self.run_id = client.info("server")["run_id"]
        common = (SCRIPTS / "common.lua").read_text()
        self.scripts = {p.stem: client.register_script(common + p.read_text()) for p in SCRIPTS.glob("*.lua") if p.stem != "common"}

    def call(self, name, now, *args, epoch=None):
        return self.scripts[name](keys=[self.prefix + "epoch"], args=[epoch or self.run_id, now, *args])

    def rebuild(self, nonce="n", run_id=None, force=False):
        run = run_id or self.run_id
        verdict = self.call("rebuild", 0, "begin", nonce, *(["force"] if force else []), epoch=run)
        if verdict != "OK":
            return verdict
        cursor = "0"
        while True:
            cursor = self.call("rebuild", 0, "wipe", nonce, cursor, epoch=run)
            if cursor == "0":
                return "OK"

    def finish(self, nonce="n"):
        return self.call("rebuild", 0, "finish", nonce)

    def reserve(self, now, tickets):
        flat = [x for ticket, score, kind in tickets for x in (ticket, f"{score:.0f}", kind)]
        return [(a, int(load), int(cap), why) for a, load, cap, why in groups_of(self.call("reserve", now, *flat), 4)]

    def another(self, now, asked):
        flat = [x for row in asked for x in row]
        return [(a, int(load), int(cap)) for a, load, cap in groups_of(self.call("another", now, *flat), 3)]

    def settle(self, now, rows, ends_expired=False):
        flat = [x for row in rows for x in row]
        return self.call("settle", now, int(ends_expired), *flat)

    def take(self, now, agent, limit):
        rows = self.call("take", now, agent, limit)
        return [(t, int(v), a, int(load), int(cap), kind) for t, v, a, load, cap, kind in groups_of(rows[1:], 6)]

    def expired(self, now):
        return [(t, int(v), int(age)) for t, v, age in groups_of(self.call("expired", now, 1000), 3)]

    def agents_set(self, now, rows):
        flat = []
        for agent, capacity, duty, groups, skills in rows:
            listed = [",%s," % ",".join(sorted(x)) if x else "," for x in (groups, skills)]
            flat += [agent, capacity, int(duty), *listed]
        return self.call("agents_set", now, *flat)

    # --- what is really in there
    def loads(self):
        keys = self.client.keys(self.prefix.replace("{", "[{]").replace("}", "[}]") + "l:*")
        return {k[len(self.prefix) + 2:]: {t: int(v) for t, v in self.client.hgetall(k).items()} for k in keys}

    def queues(self):
        keys = self.client.keys(self.prefix.replace("{", "[{]").replace("}", "[}]") + "q:*")
        return {k[len(self.prefix) + 2:]: self.client.zrange(k, 0, -1) for k in keys}

    def able(self, kind):
        return self.client.zrange(self.prefix + "g:" + kind, 0, -1)
