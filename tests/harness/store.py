"""The other side of store_driver: requests to libcommon/store, one JSON line each."""
import hashlib
import itertools
import json
import os
import subprocess

from harness.postgres import BUILD

HOUR = 3600 * 1000
NOW = 1_790_000_000_000  # 2026-09-21: what these tests call now
ids = itertools.count(100_001)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def cause(text):
    return hashlib.md5(text.encode()).hexdigest()


def ticket(id=None, tenant=1, who="li@example.com", body=None, **more):
    """One submission; a `key` brings the fingerprint of `body` with it. Its cause follows from its id and `said`."""
    id = id or next(ids)
    said = more.pop("said", "")
    made = {"tenant": tenant, "id": id, "cause": cause(f"{tenant}/{id}/{said}"), "hash": digest(who), "accepted_ms": NOW,
            "subject": f"subject {id}", "description": "words", "group": 1001, **more}
    if "key" in made:
        made["fingerprint"] = digest(body or "same body")
    return made


class Driver:
    def __init__(self, url):
        self.process = subprocess.Popen([BUILD / "tests" / "store_driver", url], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=1"))

    def send(self, op, **more):
        self.process.stdin.write(json.dumps({"op": op, **more}, ensure_ascii=False) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, f"store_driver ended with {self.process.wait()}"
        return json.loads(line)

    def ask(self, op, **more):
        self.send(op, **more)
        return self.answer()

    def new(self, *tickets, outcome="done"):
        told = self.ask("new", tickets=tickets)
        assert told["outcome"] == outcome, told
        return told["tickets"]

    def change(self, *changes, outcome="done"):
        told = self.ask("change", changes=changes)
        assert told["outcome"] == outcome, told
        return told["changes"]

    def edit(self, *edits, outcome="done"):
        told = self.ask("edit", edits=edits)
        assert told["outcome"] == outcome, told
        return told["edits"]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0
