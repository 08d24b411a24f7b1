"""The server program http_echo (libcommon/http and nothing else), plain sockets to talk to it, and the table of requests."""
import json
import os
import re
import resource
import signal
import socket
import subprocess
from pathlib import Path

from harness.stack import BUILD, REPOSITORY

PROGRAM = BUILD / "tests" / "http_echo"
REQUESTS = REPOSITORY / "tests/unit/http/requests.txt"


class Echo:
    """http_echo on a free port; `with Echo(head_ms=300) as echo`. Ends with a drain and asserts a clean exit."""

    def __init__(self, program=PROGRAM, descriptors=None, **limits):
        def before():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        self.process = subprocess.Popen([str(program), *(f"{k}={v}" for k, v in limits.items())], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=dict(os.environ), preexec_fn=before)
        self.port = int(self.process.stdout.readline().split()[1])

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            _, errors = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, errors = self.process.communicate()
            assert kind, f"http_echo did not drain\n{errors}"
        assert kind or self.process.returncode == 0, f"http_echo ended with {self.process.returncode}\n{errors}"

    def connect(self, timeout=15):
        return Client(self.port, timeout)

    def status(self):
        with self.connect() as client:
            client.send(get("/status"))
            return json.loads(client.answer().body)


def get(target, headers=""):
    return f"GET {target} HTTP/1.1\r\nHost: a\r\n{headers}\r\n".encode()


def post(target, body, headers=""):
    return f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"Reply({self.status}, {self.headers}, {self.body[:200]!r})"


class Client:
    """One connection. answer() takes the next whole answer off it; None when the server has closed."""

    def __init__(self, port, timeout=15):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def more(self):
        got = self.socket.recv(65536)
        self.buffer += got
        return bool(got)

    def answer(self, head_only=False):
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                assert not self.buffer, f"half an answer: {self.buffer!r}"
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        assert first.startswith("HTTP/1.1 "), first
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        status = int(first.split()[1])
        length = 0 if head_only or status in (204, 304) or status < 200 else int(headers["content-length"])
        while len(self.buffer) < length:
            assert self.more(), "the server closed inside a body"
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Reply(status, headers, body)

    def answers(self):
        """All until the server closes."""
        replies = []
        while (reply := self.answer()) is not None:
            replies.append(reply)
        return replies


def unescape(text):
    out = bytearray()
    at = 0
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
        elif text[at + 1] == "x":
            out.append(int(text[at + 2:at + 4], 16))
            at += 4
        elif text[at + 1] == "{":
            found = re.match(r"\\\{(\d+):(.*?)\}", text[at:])
            out += unescape(found[2]) * int(found[1])
            at += found.end()
        else:
            out += {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}[text[at + 1]]
            at += 2
    return bytes(out)


def table():
    """(expected, name, bytes) of every line of requests.txt."""
    for line in Path(REQUESTS).read_text().splitlines():
        if line and not line.startswith("#"):
            expected, name, text = line.split(" ", 2)
            yield expected, name, unescape(text.lstrip(" "))
