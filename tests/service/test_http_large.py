"""Bodies and answers too large for the common limits: who may bring one is decided from the head, all together have a
budget, and an answer in pieces is held by nobody."""
import socket

import pytest
from harness.http_echo import Echo, get, post
from harness.stack import until

MIB = 1 << 20


def head(length, target="/uploads", extra=""):
    return f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n{extra}\r\n".encode()


def chunked(target, size, pieces):
    begin = f"POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return [begin, *[f"{size:x}\r\n".encode() + b"x" * size + b"\r\n"] * pieces, b"0\r\n\r\n"]


def resident(echo):
    with open(f"/proc/{echo.process.pid}/statm") as f:
        return int(f.read().split()[1]) * 4096


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_only_where_the_head_allows_it_may_a_body_be_large(how):
    with Echo(body_bytes=100_000, upload_bytes=4 * MIB) as echo:
        def send(client, target, size):
            if how == "length":
                client.send(head(size, target) + b"x" * size)
            else:
                for piece in chunked(target, size // 16, 16):
                    client.send(piece)
        with echo.connect() as client, echo.connect() as other, echo.connect() as small:
            send(client, "/uploads", 3 * MIB)
            until(lambda: echo.status()["in_flight"] == 2, what="the upload is with its handler")
            send(small, "/anything", 1600)  # the callback may also allow less than the common limit
            assert small.answer().status == 413
            other.send(get("/drop"))
            assert other.answer().status == 200
            reply = client.answer()
            assert (reply.status, reply.body) == (201, str(3 * MIB).encode())


def test_100_mb_are_refused_from_the_head_alone():
    with Echo(upload_bytes=20 * MIB) as echo, echo.connect() as client:
        client.send(head(100_000_000))
        reply = client.answer()
        assert reply.status == 413 and reply.headers["connection"] == "close"
        assert client.answer() is None


def test_100_mb_in_chunks_are_refused_when_they_pass_the_limit():
    with Echo(upload_bytes=2 * MIB) as echo, echo.connect() as client:
        sent = 0
        try:
            for piece in chunked("/uploads", MIB, 100):
                client.send(piece)
                sent += len(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 60 * MIB  # it was not read to its end
        assert resident(echo) < 200 * MIB


@pytest.mark.parametrize("how", ["length", "chunked"])
def test_large_bodies_share_a_budget_and_give_it_back(how):
    with Echo(body_bytes=100_000, upload_bytes=MIB, large_bytes=2 * MIB + 1000) as echo:
        clients = [echo.connect() for _ in range(3)]
        if how == "length":
            for client in clients[:2]:
                client.send(head(MIB) + b"x" * 10)  # only begun: it has its place already
        else:
            for client in clients[:2]:
                for piece in chunked("/uploads", 200_000, 1)[:2]:
                    client.send(piece)
        until(lambda: echo.status()["connections"] == 4, what="all are there")
        with echo.connect() as small:
            small.send(post("/uploads", b"x" * 1000))  # a small one needs none of it
            until(lambda: echo.status()["in_flight"] == 2, what="the small one is with its handler")

            def third():
                with echo.connect() as client:
                    client.send(head(MIB))
                    client.socket.settimeout(0.2)
                    try:
                        return client.answer()
                    except socket.timeout:
                        return None  # taken: it waits for the body

            reply = until(third, what="the third is refused")
            assert reply.status == 503 and reply.headers["retry-after"] == "1"
            clients[0].socket.close()  # given up half way
            until(lambda: third() is None, what="its place is free again")
            clients[1].socket.close()
            with echo.connect() as other:
                other.send(get("/drop"))
                assert other.answer().status == 200


def test_each_part_of_a_large_body_has_the_whole_time():
    with Echo(body_bytes=100_000, upload_bytes=MIB, body_ms=1000) as echo, echo.connect() as client, echo.connect() as other:
        client.send(head(500_000))
        for _ in range(5):  # longer than body_ms in all
            with pytest.raises(socket.timeout):
                client.socket.settimeout(0.3)
                client.socket.recv(1)
            client.send(b"x" * 100_000)
        until(lambda: echo.status()["in_flight"] == 2, what="it arrived")
        other.send(get("/drop"))
        client.socket.settimeout(15)
        assert client.answer().status == 201
    with Echo(body_bytes=100_000, upload_bytes=MIB, body_ms=300) as echo, echo.connect() as client:
        client.send(head(500_000) + b"x" * 50_000)
        assert client.answer().status == 408  # but no more than it


def test_an_answer_in_pieces_is_whole_and_in_its_turn():
    with Echo() as echo, echo.connect() as client:
        client.send(get("/later?ms=50") + get("/pieces?bytes=3000000&size=70000") + get("/pieces?bytes=5&size=5") +
                    b"HEAD /pieces?bytes=7&size=7 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/last"))
        assert client.answer().body.startswith(b"GET /later")
        assert client.answer().body == b"x" * 3000000
        assert client.answer().body == b"xxxxx"
        assert client.answer(head_only=True).headers["content-length"] == "7"
        assert client.answer().body.startswith(b"GET /last")
        assert echo.status()["streams"] == 0


def test_a_reader_that_does_not_read_costs_one_piece():
    with Echo() as echo:
        before = resident(echo)
        with echo.connect() as client:
            client.send(get("/pieces?bytes=100000000&size=100000"))
            client.socket.recv(1)
            until(lambda: echo.status()["streams"] == 1, what="it has begun")
            assert resident(echo) - before < 30 * MIB
        until(lambda: echo.status()["streams"] == 0 and echo.status()["in_flight"] == 1, what="its handler knows that he left")


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one():
    with Echo() as echo, echo.connect() as client:
        client.send(get("/pieces?bytes=100000&size=1000&break=5500"))
        with pytest.raises((AssertionError, ConnectionResetError)):
            client.answer()
        until(lambda: echo.status()["streams"] == 0 and echo.status()["in_flight"] == 1, what="nothing is left of it")


def test_a_server_that_ends_tells_those_who_still_give_pieces():
    with Echo() as echo, echo.connect() as client, echo.connect() as other:
        client.send(get("/pieces?bytes=100000000&size=100000"))
        client.socket.recv(1)
        other.send(get("/free"))
        until(lambda: echo.process.poll() is not None, what="it ends, and its sanitizer finds nothing")
        assert echo.process.returncode == 0, echo.process.stderr.read()
