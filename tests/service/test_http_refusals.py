"""Every request of tests/unit/http/requests.txt, sent to our server over a socket; nginx and libhttp-parser see the same."""
import ctypes
import ctypes.util
import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from harness.http_echo import Echo, Client, table
from harness.stack import until

CASES = list(table())
VALID = [case for case in CASES if case[0].startswith("ok")]
MALFORMED = [case for case in CASES if not case[0].startswith("ok")]


@pytest.fixture(scope="module")
def echo():
    with Echo() as running:
        yield running


def talk(port, data, cut):
    """The statuses of all final answers, and whether the server closed by itself or after our half-close."""
    with Client(port, timeout=5) as client:
        try:
            client.send(data)
            if cut:
                client.half_close()
        except (BrokenPipeError, ConnectionResetError):
            pass
        replies = []
        try:
            while (reply := client.answer(head_only=data.startswith(b"HEAD"))) is not None:
                replies.append(reply)
        except (ConnectionResetError, AssertionError, ValueError, KeyError):
            pass  # nginx cuts some off; ours is held to more below
        except socket.timeout:
            return replies, False
        return replies, True


@pytest.mark.parametrize("expected,name,data", VALID, ids=[case[1] for case in VALID])
def test_valid_request_is_taken(echo, expected, name, data):
    replies, closed = talk(echo.port, data, cut=True)
    statuses = [reply.status for reply in replies if reply.status >= 200]
    assert len(statuses) == int(expected[2:]) and all(status in (200, 204) for status in statuses), replies
    assert closed


@pytest.mark.parametrize("expected,name,data", MALFORMED, ids=[case[1] for case in MALFORMED])
def test_malformed_request_is_refused_and_the_connection_closed(echo, expected, name, data):
    with echo.connect(timeout=5) as client:
        client.send(data)
        if expected == "cut":
            client.half_close()
        replies = client.answers()  # ends only when the server closes; a reset would raise
    assert len(replies) == 1, replies
    problem = json.loads(replies[0].body)
    assert replies[0].status == problem["status"] == (400 if expected == "cut" else int(expected))
    assert replies[0].headers["content-type"] == "application/problem+json"
    assert replies[0].headers["connection"] == "close"
    assert problem["field"] and problem["reason"] and problem["remedy"]


# -- the others ---------------------------------------------------------------------------------------------------------

def nginx_verdicts():
    """name -> taken. nginx reads the whole body before it passes a request on, so chunks count too."""
    with tempfile.TemporaryDirectory(prefix="docket-nginx-") as home:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        Path(home, "nginx.conf").write_text(f"""
            daemon off; master_process off; pid {home}/pid; error_log /dev/null;
            events {{ worker_connections 128; }}
            http {{ access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p;
                    server {{ listen 127.0.0.1:{port}; client_max_body_size 1m;
                              proxy_ignore_client_abort on; # half-closing is no going away
                              location / {{ proxy_pass http://unix:{home}/inner; }} }}
                    server {{ listen unix:{home}/inner; location / {{ return 200 ok; }} }} }}""")
        server = subprocess.Popen(["/usr/sbin/nginx", "-p", home, "-c", f"{home}/nginx.conf"], stderr=subprocess.DEVNULL)
        try:
            def is_up():
                with socket.socket() as s:
                    return s.connect_ex(("127.0.0.1", port)) == 0
            until(is_up, what="nginx")
            verdicts = {}
            for expected, name, data in CASES:
                replies, _ = talk(port, data, cut=True)
                finals = [reply.status for reply in replies if reply.status >= 200]
                wanted = int(expected[2:]) if expected.startswith("ok") else 1
                verdicts[name] = len(finals) >= wanted and all(status < 400 for status in finals)
            return verdicts
        finally:
            server.terminate()
            server.wait(10)


def http_parser_verdicts():
    """name -> taken, by libhttp-parser 2.9 through its C interface."""
    library = ctypes.CDLL(ctypes.util.find_library("http_parser"))
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
    library.http_parser_execute.restype = ctypes.c_size_t
    library.http_parser_execute.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    verdicts = {}
    for expected, name, data in CASES:
        complete = []
        on_complete = callback(lambda _: complete.append(1) and 0 or 0)
        settings = (ctypes.c_void_p * 10)()
        settings[7] = ctypes.cast(on_complete, ctypes.c_void_p)  # on_message_complete
        parser = ctypes.create_string_buffer(64)
        library.http_parser_init(parser, 0)  # HTTP_REQUEST
        took = library.http_parser_execute(parser, settings, data, len(data))
        ended = library.http_parser_execute(parser, settings, b"", 0)  # end of input
        wanted = int(expected[2:]) if expected.startswith("ok") else 1
        verdicts[name] = took == len(data) and ended == 0 and len(complete) >= wanted
    return verdicts


def test_ours_refuses_what_others_let_through(echo, capsys):
    others = {"nginx": nginx_verdicts(), "libhttp-parser": http_parser_verdicts()}
    ours = {}
    for expected, name, data in CASES:
        replies, _ = talk(echo.port, data, cut=True)
        ours[name] = bool(replies) and all(reply.status < 400 for reply in replies)
    with capsys.disabled():
        print(f"\n{'':16}{'malformed refused':>20}{'valid taken':>16}")
        for who, verdicts in {"docket": ours, **others}.items():
            refused = sum(not verdicts[name] for _, name, _ in MALFORMED)
            taken = sum(verdicts[name] for _, name, _ in VALID)
            print(f"{who:16}{refused:>13} of {len(MALFORMED)}{taken:>9} of {len(VALID)}")
    if os.environ.get("DOCKET_SHOW"):
        for who, verdicts in others.items():
            print(who, "lets through:", *(name for _, name, _ in MALFORMED if verdicts[name]))
            print(who, "does not take:", *(name for _, name, _ in VALID if not verdicts[name]))
    assert len(MALFORMED) >= 100
    assert not [name for _, name, _ in MALFORMED if ours[name]]
    assert not [name for _, name, _ in VALID if not ours[name]]
    # a table on which the others look as good as ours, or hopeless, would compare nothing
    for verdicts in others.values():
        refused = sum(not verdicts[name] for _, name, _ in MALFORMED)
        assert len(MALFORMED) / 2 < refused < len(MALFORMED)
        assert sum(verdicts[name] for _, name, _ in VALID) > len(VALID) * 0.8
