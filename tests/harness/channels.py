"""The other side of channel_driver: letters in, their ends out."""
import json
import os
import subprocess

from harness.postgres import BUILD

DRIVER = BUILD / "tests" / "channel_driver"


class Channels:
    """`with Channels(secrets={"群": {"address": ...}}) as channels: channels.send(by="dingtalk", system="群", markdown="x")`. Ends cleanly,
    with nothing leaked, or the test fails."""

    def __init__(self, secrets=None, allow="127.0.0.0/8", **settings):
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1")
        self.process = subprocess.Popen([DRIVER, json.dumps({"secrets": secrets or {}, "allow": allow, **settings})], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        self.ends, self.next_id = {}, 0
        assert self.read() == {"ready": True}

    def read(self):
        line = self.process.stdout.readline()
        assert line, f"channel_driver ended with {self.process.wait()}\n{self.process.stderr.read()[-8000:]}"
        return json.loads(line)

    def write(self, **what):
        self.process.stdin.write(json.dumps(what, ensure_ascii=False) + "\n")
        self.process.stdin.flush()

    def begin(self, **letter):
        self.next_id += 1
        self.write(id=self.next_id, **{"key": f"d_7_{self.next_id}", "event": "ticket_created", "ticket_id": 100001,
                                       "occurred_ms": 1700000000123, **letter})
        return self.next_id

    def end(self, number):
        while number not in self.ends:
            answer = self.read()
            self.ends[answer["id"]] = answer
        return self.ends.pop(number)

    def send(self, **letter):
        return self.end(self.begin(**letter))

    def secrets(self, **secrets):
        self.write(secrets=secrets)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        errors = self.process.stderr.read()
        assert kind or status == 0, f"channel_driver ended with {status}\n{errors[-8000:]}"
