"""A private Docket for tests: real servers and real services, started by deploy/local/stack, and ways to look at them.

Tests wait for conditions with `until()`, never for time; where the time is the promise, with `within()`. One stack serves a whole
pytest session (fixture `stack` in tests/conftest.py); every test makes a tenant of its own with `stack.tenant()`, so tests do not
see each other.
"""
import json
import os
import shlex
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import psycopg2
import redis as redis_client

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("DOCKET_BUILD", REPOSITORY / ".build" / "asan"))

# How many times longer than on a quiet machine a test waits before it calls a thing missing. What is there is waited for no longer.
PATIENCE = float(os.environ.get("DOCKET_TEST_PATIENCE", "4"))


def until(condition, seconds=20.0, what="the condition", every=0.02):
    """The first true value of condition(); AssertionError with `what` when it does not come. `seconds` are a quiet machine's: it is
    the thing that is promised, not the time."""
    return within(condition, seconds * PATIENCE, what, every)


def within(condition, seconds, what="the condition", every=0.02):
    """The same where so many seconds are the promise."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for {what}; last answer: {value!r}")
        time.sleep(every)  # between two looks at the condition, not instead of it


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


def request(method, url, body=None, headers=None, timeout=30):
    """One HTTP request; answers of any status are returned, a broken connection raises."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body, ensure_ascii=False).encode()
    ask = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    if data is not None and not ask.has_header("Content-type"):
        ask.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(ask, timeout=timeout) as reply:
            return Answer(reply.status, dict(reply.headers), reply.read())
    except urllib.error.HTTPError as reply:
        return Answer(reply.code, dict(reply.headers), reply.read())


def patiently(ask, once_more, seconds=20):
    """The first answer of ask() that does not have to be asked for once more; the last one when that takes too long."""
    end = time.monotonic() + seconds * PATIENCE
    while once_more(answer := ask()) and time.monotonic() < end:
        time.sleep(0.3)
    return answer


class Stack:
    def __init__(self, home=None, demo=False):
        """`demo`: with the demo tenant, which takes the stack some seconds to make."""
        self.home = Path(home or tempfile.mkdtemp(prefix="docket-test-", dir="/var/tmp"))
        self.home.chmod(0o755)
        self.environment = dict(os.environ, DOCKET_HOME=str(self.home), DOCKET_BIN=str(BUILD / "bin"), NO_COLOR="1",
                                DOCKET_STACK_DEMO=str(int(demo)), DOCKET_STACK_PATIENCE=str(max(1, round(PATIENCE))),
                                ASAN_OPTIONS="detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", ""))
        self.tenants = 0
        self.begun, self.shape = False, ["--intake", "1", "--router", "2", "--desk", "1", "--sla", "1", "--notifier", "1"]

    # -- processes -----------------------------------------------------------------------------------------------

    def command(self, *words, environment=None, check=True, timeout=900):
        run = subprocess.run([str(REPOSITORY / "deploy/local/stack"), *map(str, words)], timeout=timeout, text=True,
                             env={**self.environment, **(environment or {})}, capture_output=True)
        assert not check or run.returncode == 0, f"stack {words}: {run.stdout}\n{run.stderr}\n{self.logs()}"
        return run

    def up(self, *options):
        if not self.begun:
            if "--analytics" not in options:
                options = ("--analytics", 0, *options)  # only where it is asked for
            self.begun, self.shape = True, self.shape + [str(word) for word in options]
        self.command("up", *options)
        self.read_environment()
        return self

    def mend(self):
        """Whatever a failed test has left paused, dead or too many: as it began, so that the next test says something of its own."""
        for file in (self.home / "run").glob("*.pid"):
            if self.state(file.stem) == "T":
                self.command("resume", file.stem, check=False)
        self.command("up", *self.shape, check=False)

    def down(self):
        self.command("down", "--purge", check=False)

    def start(self, name, **environment):
        """Starts one process; environment variables (DOCKET_CRASH="after-commit:die" ...) are its own."""
        self.command("start", name, environment=environment)
        self.read_environment()

    def start_without_waiting(self, name, **environment):
        """For a process that is expected to die or freeze soon, perhaps before it is ready."""
        return subprocess.Popen([str(REPOSITORY / "deploy/local/stack"), "start", name], text=True,
                                env={**self.environment, **environment}, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def stop(self, name):
        self.command("stop", name)

    def kill(self, name):
        self.command("kill", name)

    def pause(self, name):
        self.command("pause", name)

    def resume(self, name):
        self.command("resume", name)

    def pid(self, name):
        try:
            return int((self.home / "run" / f"{name}.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def state(self, name):
        """The letter of /proc/PID/stat: S sleeping, R running, T stopped, Z zombie; None when it is gone."""
        pid = self.pid(name)
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return None

    def signal(self, name, number=signal.SIGKILL):
        os.kill(self.pid(name), number)

    def logs(self, last=30):
        texts = []
        for log in sorted((self.home / "log").glob("*.log")):
            texts.append(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-last:]))
        return "\n".join(texts)

    def log(self, name):
        path = self.home / "log" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # -- the operator's tool ---------------------------------------------------------------------------------------

    def read_environment(self):
        for line in self.command("env").stdout.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            if name != "PATH":
                self.environment[name] = "".join(shlex.split(value))
        self.environment["PATH"] = f"{BUILD / 'bin'}:{os.environ['PATH']}"

    def docket(self, *words, check=True, timeout=300, stdin=None, environment=None):
        run = subprocess.run(["docket", *map(str, words)], env={**self.environment, **(environment or {})}, text=True,
                             capture_output=True, timeout=timeout, input=stdin)
        assert not check or run.returncode == 0, f"docket {words} ended with {run.returncode}:\n{run.stdout}\n{run.stderr}"
        return run

    def verify(self, *options, wait=30):
        """Runs `docket verify` and fails with what it found."""
        run = self.docket("verify", "--wait", round(wait * PATIENCE), *options, check=False, timeout=wait * PATIENCE + 300)
        assert run.returncode == 0, f"docket verify ended with {run.returncode}:\n{run.stdout}\n{run.stderr}\n{self.logs()}"
        return run

    def tenant(self, documents=None, channels="web,api,app,email,chat,phone", **source):
        """A fresh tenant with a source and the documents given (YAML text)."""
        self.tenants += 1
        name = f"t{self.tenants}-{os.getpid()}-{int(time.time() * 1000) % 100000}"
        self.docket("tenant", "create", name, "--title", name)
        options = [word for key, value in source.items()
                   for word in ([f"--{key.replace('_', '-')}"] if value is True else [f"--{key.replace('_', '-')}", value])]
        self.docket("source", "create", "--tenant", name, "--name", "web", "--channels", channels, *options)
        token = self.docket("token", "create", "--tenant", name, "--source", "web").stdout.split()[-1]
        if documents is not None:
            file = self.home / f"{name}.yaml"
            file.write_text(documents)
            self.docket("apply", "--tenant", name, file)
        number = self.sql("SELECT tenant_id FROM docket.tenants WHERE name = %s", name)[0][0]
        return Tenant(self, name, number, token)

    # -- the stores, as somebody who looks in from outside ------------------------------------------------------------

    def all_published(self):
        """Waits until no row of anybody lies in the outbox: whoever sweeps next finds only what comes from now on."""
        until(lambda: self.sql("SELECT count(*) FROM ticket.outbox") == [(0,)], what="an empty outbox")

    def sql(self, text, *parameters, admin=False):
        connection = psycopg2.connect(self.environment["DOCKET_POSTGRES_ADMIN" if admin else "DOCKET_POSTGRES"])
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(text, parameters or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def redis(self):
        return redis_client.Redis.from_url(self.environment["DOCKET_REDIS"], decode_responses=True)

    @property
    def gate(self):
        return self.environment["DOCKET_INTAKE_URL"]

    def gate_of(self, name):
        ports = dict(line.split()[:2] for line in (self.home / "ports").read_text().splitlines())
        return f"http://127.0.0.1:{ports[name]}"


class Tenant:
    def __init__(self, stack, name, number, token):
        self.stack, self.name, self.number, self.token = stack, name, number, token

    def post(self, ticket=None, key=None, gate=None, raw=None, headers=None, timeout=30, again=True, **fields):
        """One ticket through the gate: the Answer. Told 503 it asks again, as a client does; not where that is looked for: again=False."""
        body = raw if raw is not None else {"ticket": ticket or {"subject": "s", "comment": {"body": "b"}, **fields}}
        head = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        if key:
            head["Idempotency-Key"] = key
        return patiently(lambda: request("POST", (gate or self.stack.gate) + "/api/v2/tickets.json", body, head, timeout),
                         lambda answer: again and answer.status == 503)

    def create(self, key=None, **fields):
        """The id of a ticket that the gate accepted; with a key, so that one that is asked for again is not two."""
        answer = self.post(key=key or uuid.uuid4().hex, **fields)
        assert answer.status == 201, (answer.status, answer.body)
        return answer.json["ticket"]["id"]

    def row(self, ticket):
        """The ticket's row as a dict, or None; follows aliases."""
        rows = self.stack.sql(
            "SELECT to_jsonb(t) FROM ticket.tickets t WHERE tenant_id = %s AND id = coalesce((SELECT ticket_id FROM"
            " ticket.aliases WHERE tenant_id = %s AND id = %s), %s)", self.number, self.number, ticket, ticket)
        return rows[0][0] if rows else None

    def stored(self, ticket, seconds=20):
        return until(lambda: self.row(ticket), seconds, f"ticket {ticket} to be stored")

    def ledger(self, ticket):
        return [row[0] for row in self.stack.sql(
            "SELECT to_jsonb(l) FROM ticket.ledger l WHERE tenant_id = %s AND ticket_id = %s ORDER BY seq",
            self.number, ticket)]
