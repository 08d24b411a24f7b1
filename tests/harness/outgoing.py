"""The other side of outgoing_driver, and what it talks to: an HTTP server that misbehaves as told, and certificates."""
import asyncio
import json
import os
import socket
import ssl
import subprocess
import threading
import time

from aiosmtpd.smtp import SMTP

from harness.postgres import BUILD

DRIVER = BUILD / "tests" / "outgoing_driver"


class Outgoing:
    """`with Outgoing(allow="127.0.0.1") as out: out.post(url)`. Ends cleanly, with nothing leaked, or the test fails."""

    def __init__(self, **settings):
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1")
        self.process = subprocess.Popen([DRIVER, json.dumps(settings)], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=environment)
        self.first = self.read()
        self.answers, self.next_id = {}, 0

    def read(self):
        line = self.process.stdout.readline()
        assert line, f"outgoing_driver ended with {self.process.wait()}\n{self.process.stderr.read()[-8000:]}"
        return json.loads(line)

    def send(self, op, **more):
        self.process.stdin.write(json.dumps({"op": op, **more}, ensure_ascii=False) + "\n")
        self.process.stdin.flush()

    def ask(self, op, **more):
        """An op that is answered at once; results of requests that come first are kept."""
        self.send(op, **more)
        while "id" in (answer := self.read()):
            self.answers[answer["id"]] = answer
        return answer

    def begin(self, op, **more):
        self.next_id += 1
        self.send(op, id=self.next_id, **more)
        return self.next_id

    def result(self, request):
        while request not in self.answers:
            answer = self.read()
            self.answers[answer["id"]] = answer
        return self.answers.pop(request)

    def post(self, url, body="{}", **more):
        return self.result(self.begin("post", url=url, body=body, **more))

    def mail(self, **more):
        return self.result(self.begin("mail", **more))

    def lag(self):
        return self.ask("lag")["ms"]

    def __enter__(self):
        assert self.first == {"ready": True}, self.first
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        errors = self.process.stderr.read()
        assert kind or status == 0, f"outgoing_driver ended with {status}\n{errors[-8000:]}"


def certificates(folder):
    """ca.pem, and server.pem (its key with it) for `localhost`, by the openssl of this machine."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=folder, timeout=60)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "2", "-subj", "/CN=tests", "-addext", "basicConstraints=critical,CA:true")
    (folder / "names").write_text("subjectAltName=DNS:localhost,DNS:hook.test\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "server.key", "-out", "server.csr",
            "-subj", "/CN=localhost")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", "server.crt",
            "-extfile", "names")
    (folder / "server.pem").write_text((folder / "server.key").read_text() + (folder / "server.crt").read_text())
    return folder


def tls(folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


class Receiver:
    """An HTTP server on plain sockets: `answer(connection, request)` says what is sent back, bytes or an iterable of bytes."""

    def __init__(self, answer=None, host="127.0.0.1", context=None, port=0):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.answer = answer or (lambda connection, request: ok())
        self.context, self.requests, self.connections, self.closing = context, [], 0, threading.Event()
        self.open, self.lock = set(), threading.Lock()
        self.url = f"{'https' if context else 'http'}://{'[' + host + ']' if ':' in host else host}:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            stream = connection.makefile("rb")
            while head := stream.readline():
                headers = {}
                while (line := stream.readline().rstrip(b"\r\n")):
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", 0)))
                request = {"head": head.decode().strip(), "headers": headers, "body": body}
                with self.lock:
                    self.requests.append(request)
                answer = self.answer(connection, request)
                for part in [answer] if isinstance(answer, bytes) else answer:
                    if self.closing.is_set():
                        return
                    connection.sendall(part)
        except OSError:
            pass
        finally:
            with self.lock:
                self.open.discard(connection)
            connection.close()

    def wait(self, requests):
        until = time.monotonic() + 30
        while len(self.requests) < requests:
            assert time.monotonic() < until, f"{len(self.requests)} of {requests} requests came"
            time.sleep(0.005)
        return self.requests

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.listener.shutdown(socket.SHUT_RDWR)  # closing alone does not end the accept() of another thread
        self.listener.close()
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def ok(body=b"ok", status="200 OK", **headers):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


class MailServer:
    """aiosmtpd, the mail server of the distribution's Python, on a free port and a thread of its own. `hooks`: what a handler of
    aiosmtpd may have, handle_RCPT=..., as coroutines."""

    def __init__(self, implicit=None, host="127.0.0.1", hooks=None, **options):
        server = self
        self.mails, self.connections = [], 0

        class Handler:
            async def handle_DATA(self, smtp, session, envelope):
                server.mails.append({"from": envelope.mail_from, "to": envelope.rcpt_tos, "content": envelope.original_content,
                                     "tls": session.ssl is not None or implicit is not None, "user": session.auth_data,
                                     "helo": session.host_name, "mail_options": envelope.mail_options})
                return "250 2.0.0 taken"

        handler = Handler()
        for name, hook in (hooks or {}).items():
            setattr(handler, name, hook)

        def protocol():
            server.connections += 1
            return SMTP(handler, loop=self.loop, hostname="mail.test", ident="tests", **options)
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(self.loop.create_server(protocol, host, 0, ssl=implicit))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        async def end():
            self.server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        asyncio.run_coroutine_threadsafe(end(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)
        self.loop.close()


class Script:
    """A mail server that says what a script says: a list of pairs (bytes to wait for, bytes to answer or None to hang up)."""

    def __init__(self, *script):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.script, self.heard, self.connections, self.done = script, [], 0, threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            heard = b""
            with connection:
                try:
                    for wanted, answer in self.script:
                        while wanted not in heard:
                            if not (more := connection.recv(65536)):
                                raise OSError
                            heard += more
                        heard = heard[heard.index(wanted) + len(wanted):] if wanted else heard
                        self.heard.append(wanted)
                        if answer is None:
                            break
                        for part in [answer] if isinstance(answer, bytes) else answer:
                            connection.sendall(part)
                    else:
                        self.done.wait(60)
                except OSError:
                    pass

    def wait(self, steps):
        until = time.monotonic() + 30
        while len(self.heard) < steps:
            assert time.monotonic() < until, f"{len(self.heard)} of {steps} steps were reached"
            time.sleep(0.005)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.done.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
