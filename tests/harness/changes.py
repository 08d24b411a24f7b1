"""The other side of changes_driver: a desk without HTTP, that changes tickets and publishes what it did."""
import json
import os
import subprocess
import uuid

from harness.postgres import BUILD


def edit(id, version, tenant=1, cause=None, **more):
    return {"tenant": tenant, "id": id, "version": version, "cause": cause or uuid.uuid4().hex, **more}


class Changes:
    """`crash` is what DOCKET_CRASH says: "after-commit:die"."""

    def __init__(self, stack, stores=2, crash=None, brokers=None):
        url = stack.environment["DOCKET_POSTGRES_ADMIN"].replace("docket_migrator@", "docket_desk@")
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1", **({"DOCKET_CRASH": crash} if crash else {}))
        self.process = subprocess.Popen([BUILD / "tests" / "changes_driver", url, brokers or stack.environment["DOCKET_KAFKA"],
                                         str(stores)], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def send(self, op, **more):
        self.process.stdin.write(json.dumps({"op": op, **more}, ensure_ascii=False) + "\n")
        self.process.stdin.flush()

    def read(self):
        line = self.process.stdout.readline()
        assert line, f"changes_driver ended with {self.process.wait()}"
        return json.loads(line)

    def ask(self, *edits):
        """The edits as they came out, asked for in one turn; each must have been stored."""
        self.send("ask", edits=edits)
        answers = self.read()["answers"]
        assert {a["outcome"] for a in answers} == {"stored"}, answers
        return [a["edit"] for a in answers]

    def answers(self, *edits):
        self.send("ask", edits=edits)
        return self.read()["answers"]

    def idle(self):
        self.send("idle")
        return self.read()["idle"]

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0
