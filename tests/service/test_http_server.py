"""What libcommon/http promises about connections: order, half-close, slow and greedy clients, limits, drain."""
import json
import resource
import signal
import socket
import struct
import subprocess
import time

import pytest
from harness.http_echo import Echo, get, post
from harness.stack import until


@pytest.fixture()
def echo():
    with Echo() as running:
        yield running


def names(replies):
    return [reply.body.decode().split()[2] for reply in replies]


def is_closed(client):
    try:
        return client.socket.recv(1) == b""
    except (ConnectionResetError, BrokenPipeError):
        return True


# -- order ----------------------------------------------------------------------------------------------------------------

def test_64_pipelined_requests_are_all_in_flight_and_answered_in_order(echo):
    with echo.connect() as client:
        # /hold answers nobody before 64 wait, and then the last first
        client.send(b"".join(get(f"/hold?n=64&i={i}") for i in range(64)))
        replies = [client.answer() for _ in range(64)]
    assert names(replies) == [f"n=64&i={i}" for i in range(64)]


def test_a_quick_answer_waits_for_the_slow_one_asked_before_it(echo):
    with echo.connect() as client:
        client.send(get("/later?ms=300") + get("/later?ms=1") + get("/quick"))
        first, second, third = (client.answer() for _ in range(3))
    assert names([first, second]) == ["ms=300", "ms=1"]
    assert third.status == 202


def test_a_request_byte_by_byte_is_the_same_request(echo):
    body = b"0123456789"
    with echo.connect() as client:
        for byte in post("/slow?a=b", body):
            client.send(bytes([byte]))
        assert client.answer().body == b"POST /slow a=b 10\n" + body


def test_a_large_body_and_its_echo_survive_any_cutting(echo):
    body = bytes(i * 7 % 251 for i in range(900_000))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[i:i + 7919] for i in range(0, len(body), 7919)))
    with echo.connect() as client:
        client.send(post("/", body) + b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        for _ in range(2):
            assert client.answer().body == b"POST /  900000\n" + body


# -- clients that go ------------------------------------------------------------------------------------------------------

def test_a_half_closed_client_gets_its_answers(echo):
    with echo.connect() as client:
        client.send(get("/later?ms=200") + get("/quick"))
        client.half_close()
        replies = client.answers()
    assert [reply.status for reply in replies] == [200, 202]


def test_a_client_gone_before_its_answer_harms_nobody(echo):
    before = echo.status()["descriptors"]
    for how in ("reset", "close"):
        gone = echo.connect()
        gone.send(get("/hold?n=2"))
        until(lambda: echo.status()["in_flight"] == 2, what="the request to be held")  # it and /status itself
        if how == "reset":
            gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.socket.close()
        if how == "reset":
            until(lambda: echo.status()["connections"] == 1, what="the reset to be noticed")
        with echo.connect() as other:
            other.send(get("/hold?n=2&i=other"))  # both are answered now; the first has nobody to read it
            assert names([other.answer()]) == ["n=2&i=other"]
        until(lambda: echo.status()["connections"] == 1, what="the connections to go")
    after = echo.status()
    assert after["in_flight"] == 1 and after["descriptors"] <= before


def test_no_descriptor_is_left_behind(echo):
    before = echo.status()["descriptors"]
    for i in range(300):
        client = echo.connect()
        if i % 4 == 0:
            client.send(get("/quick"))
            assert client.answer().status == 202
        elif i % 4 == 1:
            client.send(b"GET / HTTP/1.1\r\nHost")
        elif i % 4 == 2:
            client.send(b"nonsense\r\n\r\n")
            assert client.answer().status == 400
        client.socket.close()
    until(lambda: echo.status()["connections"] == 1, what="all connections to go")
    assert echo.status()["descriptors"] <= before


# -- slow clients -----------------------------------------------------------------------------------------------------------

def test_2000_slow_heads_do_not_slow_a_good_client():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 8192, hard))
    with Echo(head_ms=8000) as echo:  # they must all be in before the first of them is sent away
        slow = [echo.connect(timeout=30) for _ in range(2000)]
        for client in slow:
            client.send(b"GET / HTTP/1.1\r\nX: ")
        until(lambda: echo.status()["connections"] == 2001, what="2,000 slow clients to be in")
        waits = []
        with echo.connect() as good:
            for i in range(400):
                for client in slow[i * 5:i * 5 + 5]:
                    client.send(b"y")  # each of them drips on, and wins no time by it
                began = time.monotonic()
                good.send(post("/", b"x" * 400))
                assert good.answer().status == 200
                waits.append(time.monotonic() - began)
        assert sorted(waits)[395] < 0.1, f"p99 {sorted(waits)[395]:.3f} s"
        for client in slow:
            assert client.answer().status == 408
            assert client.answer() is None
            client.socket.close()
        until(lambda: echo.status()["connections"] == 1, what="the slow ones to be gone")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_body_that_drips_is_refused():
    with Echo(body_ms=400) as echo, echo.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        reply = client.answer()
        assert reply.status == 408 and json.loads(reply.body)["field"] == "body"
        assert client.answer() is None


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\nX: ", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"],
                         ids=["head", "body"])
def test_dripping_wins_no_time(start):
    with Echo(head_ms=500, body_ms=500) as echo, echo.connect() as client:
        client.send(start)
        client.socket.settimeout(0.05)  # a byte each 50 ms
        for _ in range(100):
            client.send(b"y")
            try:
                assert client.answer().status == 408
                return
            except socket.timeout:
                pass
        pytest.fail("still listened to after 5 s")


def test_an_idle_connection_is_closed_without_a_word():
    with Echo(idle_ms=300) as echo, echo.connect() as client:
        client.send(get("/quick"))
        assert client.answer().status == 202
        assert client.answer() is None


def test_a_handler_may_take_longer_than_every_limit_of_the_client():
    with Echo(idle_ms=100, head_ms=100, body_ms=100) as echo, echo.connect() as client:
        client.send(get("/later?ms=700"))
        assert client.answer().status == 200


def test_a_client_that_never_reads_is_cut_off():
    with Echo(body_ms=400) as echo:
        with echo.connect() as client:
            client.send(b"".join(get("/large?bytes=1000000") for _ in range(30)))
            until(lambda: echo.status()["connections"] == 1, what="the client to be cut off")


def test_a_slow_but_steady_reader_gets_all_of_it():
    with Echo(body_ms=1000) as echo, echo.connect() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.send(get("/large?bytes=8000000"))
        began = time.monotonic()
        total = 0
        while time.monotonic() - began < 2.5:  # a slow client is what this is about
            time.sleep(0.02)
            total += len(client.socket.recv(16384))
        while total < 8_000_000:
            got = len(client.socket.recv(1 << 20))
            assert got, f"cut off after {total} bytes"
            total += got


# -- greedy clients -------------------------------------------------------------------------------------------------------

def test_answers_not_taken_stop_the_reading_and_none_is_lost():
    with Echo(buffered_bytes=100_000) as echo, echo.connect() as client:
        client.send(b"".join(get(f"/large?bytes=300000&i={i}") for i in range(100)))

        def stalled():
            first = echo.status()["served"]
            time.sleep(0.2)  # the condition is that nothing moves meanwhile
            return echo.status()["served"] - first == 1
        until(stalled, what="the server to stop reading")
        assert echo.status()["served"] < 60
        for _ in range(100):
            assert len(client.answer().body) == 300_000


def test_more_unanswered_requests_than_allowed_are_not_read():
    with Echo(pipelined=4) as echo, echo.connect() as client:
        client.send(b"".join(get(f"/hold?n=5&i={i}") for i in range(12)))
        until(lambda: echo.status()["in_flight"] == 5, what="four to be held")  # and /status itself
        for i in range(3):  # each fifth, from elsewhere, lets four go
            with echo.connect() as other:
                until(lambda: echo.status()["in_flight"] == 5, what="the next four")
                other.send(get("/hold?n=5"))
                assert other.answer().status == 200
                assert names([client.answer() for _ in range(4)]) == [f"n=5&i={i * 4 + k}" for k in range(4)]


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_a_10_mb_body_is_refused_and_the_refusal_can_be_read(echo, how):
    with echo.connect() as client:
        if how == "length":
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n")
            piece = b"x" * 100_000
        else:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            piece = b"186a0\r\n" + b"x" * 100_000 + b"\r\n"
        for _ in range(100):
            client.send(piece)  # all of it, before a byte of the answer is read
        reply = client.answer()
        assert reply.status == 413 and reply.headers["connection"] == "close"
        assert client.answer() is None


def test_a_refusal_comes_after_the_answers_asked_before_it(echo):
    with echo.connect() as client:
        client.send(get("/later?ms=200") + b"nonsense\r\n\r\n")
        assert [reply.status for reply in client.answers()] == [200, 400]


def test_nothing_behind_a_refusal_is_listened_to(echo):
    served = echo.status()["served"]
    with echo.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + get("/smuggled"))
        assert [reply.status for reply in client.answers()] == [400]
    assert echo.status()["served"] == served + 1


def test_one_connection_too_many_is_told_when_to_come_again():
    with Echo(connections=3) as echo:
        open_ones = [echo.connect() for _ in range(3)]
        for client in open_ones:
            client.send(get("/quick"))
            assert client.answer().status == 202
        with echo.connect() as late:
            late.send(get("/quick"))
            reply = late.answer()
            assert reply.status == 503 and int(reply.headers["retry-after"]) >= 1
            assert late.answer() is None
        open_ones.pop().socket.close()

        def served():
            with echo.connect() as again:
                again.send(get("/quick"))
                return again.answer().status == 202
        until(served, what="the free place")
        for client in open_ones:
            client.socket.close()


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat") as stat:
        return sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13])) / 100


def test_without_a_free_descriptor_new_clients_wait_and_the_rest_go_on():
    with Echo(descriptors=40) as echo:
        first = echo.connect()
        many = [echo.connect() for _ in range(60)]
        for client in many:
            client.send(get("/quick"))
        first.send(get("/quick"))
        assert first.answer().status == 202
        began = cpu_seconds(echo.process)
        for client in many:  # each place that becomes free is taken by one who waits
            assert client.answer().status == 202
            client.socket.close()
        assert cpu_seconds(echo.process) - began < 1
        first.socket.close()


# -- the corners of the protocol --------------------------------------------------------------------------------------------

def test_head_has_the_length_but_no_body(echo):
    with echo.connect() as client:
        client.send(b"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n" + get("/quick"))
        reply = client.answer(head_only=True)
        assert reply.status == 200 and int(reply.headers["content-length"]) == len("HEAD /a  0\n")
        assert client.answer().status == 202


def test_a_client_that_waits_for_100_is_told_to_go_on(echo):
    with echo.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert client.answer().status == 100
        client.send(b"hello")
        assert client.answer().body == b"POST /  5\nhello"


def test_100_comes_only_after_the_answers_asked_before_it(echo):
    with echo.connect() as client:
        client.send(get("/later?ms=150") + b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert client.answer().status == 200
        assert client.answer().status == 100
        client.send(b"hello")
        assert client.answer().status == 200


def test_a_body_too_large_is_refused_before_it_is_sent(echo):
    with echo.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 50000000\r\n\r\n")
        assert [reply.status for reply in client.answers()] == [413]


def test_options_star_is_answered_without_the_handler(echo):
    served = echo.status()["served"]
    with echo.connect() as client:
        client.send(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
        reply = client.answer()
        assert reply.status == 204 and "GET" in reply.headers["allow"]
    assert echo.status()["served"] == served + 1


@pytest.mark.parametrize("request_bytes", [b"GET /quick HTTP/1.0\r\n\r\n", get("/quick", "Connection: close\r\n")],
                         ids=["http_1_0", "close"])
def test_the_last_answer_says_so_and_the_connection_ends(echo, request_bytes):
    with echo.connect() as client:
        client.send(request_bytes)
        reply, *more = client.answers()
        assert reply.status == 202 and reply.headers["connection"] == "close" and not more


def test_the_date_is_that_of_the_answer(echo):
    with echo.connect() as client:
        client.send(get("/quick"))
        date = time.strptime(client.answer().headers["date"], "%a, %d %b %Y %H:%M:%S GMT")
    import calendar
    assert abs(calendar.timegm(date) - time.time()) < 3


# -- the end ----------------------------------------------------------------------------------------------------------------

def test_drain_finishes_what_was_asked_and_lets_nobody_in():
    with Echo() as echo:
        idle, busy, half = echo.connect(), echo.connect(), echo.connect()
        idle.send(get("/quick"))
        assert idle.answer().status == 202
        busy.send(get("/later?ms=600") + get("/later?ms=1"))
        half.send(b"GET /half HTTP/1.1\r\n")
        until(lambda: echo.status()["in_flight"] == 3, what="both to be in flight")
        echo.process.send_signal(signal.SIGTERM)
        assert idle.answer() is None
        with pytest.raises(ConnectionRefusedError):
            echo.connect()
        half.send(b"Host: a\r\n\r\n")
        reply = half.answer()
        assert reply.status == 200 and reply.headers["connection"] == "close"
        replies = busy.answers()
        assert names(replies) == ["ms=600", "ms=1"]
        for client in (idle, busy, half):
            client.socket.close()
        assert echo.process.wait(10) == 0


def test_a_server_freed_in_its_own_handler_closes_every_connection(echo):
    other = echo.connect()
    other.send(get("/hold?n=9"))
    until(lambda: echo.status()["in_flight"] == 2, what="one to be held")
    with echo.connect() as client:
        client.send(get("/free"))
        assert is_closed(client) and is_closed(other)
    assert echo.process.wait(10) == 0  # ASan would have said otherwise


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "300.1.1.1:80", "[::1:80", ":80",
                                     "127.0.0.1:-1", "127.0.0.1:+80", "shop.example:80"])
def test_a_wrong_address_stops_the_start(address):
    from harness.http_echo import PROGRAM
    run = subprocess.run([PROGRAM, f"listen={address}"], capture_output=True, text=True, timeout=10)
    assert run.returncode == 1 and "cannot listen" in run.stderr


@pytest.mark.parametrize("address,connect_to", [("[::1]:0", "::1"), ("*:0", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.1")])
def test_addresses_of_both_families(address, connect_to):
    with Echo(listen=address) as echo, socket.create_connection((connect_to, echo.port), timeout=5) as s:
        s.sendall(get("/quick"))
        assert s.recv(100).startswith(b"HTTP/1.1 202 ")
