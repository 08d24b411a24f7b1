"""POSTs of libcommon/outgoing to receivers that behave, that hang, that lie and that never end; and their signatures, checked by a
library that is not ours."""
import base64
import hmac
import json
import socket
import time

import pytest

from harness import outside
from harness.outgoing import Outgoing, Receiver, certificates, ok, tls

SECRET, OLDER = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps({"type": "ticket.created", "timestamp": "2026-11-22T05:43:00Z", "data": {"title": "空调故障 🛠", "id": 1024}},
                  ensure_ascii=False)


@pytest.fixture(scope="module")
def out():
    with Outgoing(allow="127.0.0.1,::1") as running:
        yield running


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    return certificates(tmp_path_factory.mktemp("outgoing"))


def test_a_post_arrives_as_it_was_given_and_its_connection_is_kept(out):
    with Receiver() as receiver:
        for number in range(3):
            answer = out.post(f"{receiver.url}/hook?n={number}", BODY, lines=["Content-Type: application/json", "X-Empty:"])
            assert (answer["outcome"], answer["status"], answer["response"], answer["reason"]) == ("delivered", 200, "ok", "")
        assert receiver.connections == 1
        request = receiver.requests[2]
        assert request["head"] == "POST /hook?n=2 HTTP/1.1" and request["body"] == BODY.encode()
        assert set(request["headers"]) == {"host", "user-agent", "accept", "content-type", "content-length", "x-empty"}
        assert request["headers"]["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("status, outcome, wait, given", [
    ("204 No Content", "delivered", -1, {}),
    ("429 Too Many Requests", "later", 7000, {"Retry_After": "7"}),
    ("503 Service Unavailable", "later", -1, {}),
    ("500 Oops", "later", -1, {"Retry_After": "whenever"}),
    ("404 Not Found", "refused", -1, {}),
    ("410 Gone", "refused", -1, {}),
    ("302 Found", "refused", -1, {"Location": "/elsewhere"}),
    ("307 Temporary Redirect", "refused", -1, {"Location": "/elsewhere"}),
])
def test_a_status_is_an_outcome(out, status, outcome, wait, given):
    with Receiver(lambda connection, request: ok(b"", status, **given)) as receiver:
        answer = out.post(receiver.url)
        assert (answer["outcome"], answer["status"], answer["retry_after_ms"]) == (outcome, int(status[:3]), wait)
        assert len(receiver.requests) == 1 and not answer["doubtful"]
        assert outcome == "delivered" or status[:3] in answer["reason"]


def endless_body(connection, request):
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"4000\r\n" + b"x" * 0x4000 + b"\r\n"


def slow_body(connection, request):
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nthe beginning"
    time.sleep(30)


def endless_head(connection, request):
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-More: " + b"x" * 8000 + b"\r\n"


def test_a_response_without_end_is_cut_and_costs_no_memory(out):
    def memory():
        with open(f"/proc/{out.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * 4096
    with Receiver(endless_body) as receiver:
        out.post(receiver.url)
        before = memory()
        for _ in range(20):
            answer = out.post(receiver.url)
            assert answer["outcome"] == "delivered" and answer["cut"] and answer["response_bytes"] == 64 * 1024
        assert memory() - before < 16 << 20
        assert out.post(receiver.url, max_response=10)["response_bytes"] == 10


def test_a_slow_response_is_waited_for_no_longer_than_its_time(out):
    with Receiver(slow_body) as receiver:
        answer = out.post(receiver.url, timeout_ms=3000)
        assert (answer["outcome"], answer["cut"], answer["response"]) == ("delivered", True, "the beginning")


def test_a_head_without_end_is_no_answer(out):
    with Receiver(endless_head) as receiver:
        answer = out.post(receiver.url)
        assert answer["outcome"] == "later" and answer["doubtful"] and "65536" in answer["reason"]


def test_who_never_answers_leaves_doubt_and_is_later(out):
    def silence(connection, request):
        time.sleep(30)
        return b""
    with Receiver(silence) as receiver:
        answer = out.post(receiver.url, timeout_ms=3000)
        assert (answer["outcome"], answer["status"], answer["doubtful"]) == ("later", 0, True)
        assert "3000 ms" in answer["reason"]


def test_who_hangs_up_is_not_asked_twice_without_our_knowing(out):
    """libcurl would send it again by itself when a kept connection dies under it."""
    def once(connection, request):
        if request["head"].startswith("POST /first"):
            return ok()
        connection.close()
        raise OSError
    with Receiver(once) as receiver:
        assert out.post(f"{receiver.url}/first")["outcome"] == "delivered"
        answer = out.post(f"{receiver.url}/second")
        assert (answer["outcome"], answer["doubtful"]) == ("later", True)
        assert [r["head"].split()[1] for r in receiver.requests] == ["/first", "/second"]


def test_nobody_there_is_later_and_no_doubt(out):
    with socket.socket() as nobody:  # has a port, and does not listen
        nobody.bind(("127.0.0.1", 0))
        answer = out.post(f"http://127.0.0.1:{nobody.getsockname()[1]}/")
    assert (answer["outcome"], answer["doubtful"]) == ("later", False)


@pytest.mark.parametrize("url, why", [
    ("http://10.0.0.1/", "private"), ("http://[::ffff:10.0.0.1]/", "private"), ("http://user:pw@127.0.0.1/", "password"),
    ("ftp://127.0.0.1/", "http and https"), ("http://[fe80::1%25lo]/", "zone"), ("http://169.254.169.254/", "link-local"),
])
def test_urls_that_may_not_be_used_are_refused_when_they_are_saved_and_when_they_are_posted_to(out, url, why):
    assert why in (checked := out.ask("check", url=url))["reason"] and not checked["good"]
    assert out.post(url)["error"] == "EINVAL"


def test_a_name_that_turns_private_after_the_check_is_not_connected_to(out):
    with Receiver(host="127.0.0.2") as receiver:
        url = f"http://turning.test:{receiver.port}/"
        assert out.ask("check", url=url)["good"]
        out.ask("resolve", name="turning.test", addresses=["127.0.0.2"])
        answer = out.post(url)
        assert answer["outcome"] == "refused" and "this machine" in answer["reason"]
        assert receiver.connections == 0


def test_a_name_with_two_faces_is_looked_at_each_time_it_is_connected_to():
    with Receiver(lambda c, r: ok(Connection="close")) as good, Receiver(host="127.0.0.2", port=good.port) as bad:
        for _ in range(2):  # each with names of its own: libcurl remembers them for a minute
            with Outgoing(allow="127.0.0.1") as out:
                out.ask("resolve", name="two.test", addresses=["127.0.0.1", "127.0.0.2"])
                out.ask("resolve", name="three.test", addresses=["127.0.0.2", "127.0.0.1"])
                assert out.post(f"http://two.test:{good.port}/")["outcome"] == "delivered"
                assert out.post(f"http://three.test:{good.port}/")["outcome"] == "refused"
        assert bad.connections == 0 and good.connections == 2


def test_the_environments_proxy_is_not_asked(monkeypatch):
    with Receiver() as proxy, Receiver() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with Outgoing(allow="127.0.0.1") as out:
            assert out.post(receiver.url)["outcome"] == "delivered"
        assert proxy.connections == 0


def test_certificates_are_checked_against_the_name_in_the_url(pem):
    with Receiver(context=tls(pem)) as receiver:
        with Outgoing(allow="127.0.0.1", ca_file=str(pem / "ca.pem")) as out:
            out.ask("resolve", name="hook.test", addresses=["127.0.0.1"])
            out.ask("resolve", name="other.test", addresses=["127.0.0.1"])
            assert out.post(f"https://hook.test:{receiver.port}/")["outcome"] == "delivered"
            answer = out.post(f"https://other.test:{receiver.port}/")
            assert (answer["outcome"], answer["doubtful"]) == ("later", False) and "certificate" in answer["reason"]
        with Outgoing(allow="127.0.0.1") as stranger:  # knows the system's authorities only
            stranger.ask("resolve", name="hook.test", addresses=["127.0.0.1"])
            assert stranger.post(f"https://hook.test:{receiver.port}/")["outcome"] == "later"
        assert len(receiver.requests) == 1


def test_limits_are_told_at_once_and_a_cancelled_request_makes_room():
    def silence(connection, request):
        time.sleep(60)
        return b""
    with Receiver(silence) as slow, Receiver() as fast:
        with Outgoing(allow="127.0.0.1", max_per_destination=2, max_running=3, max_bytes=1000) as out:
            held = [out.begin("post", url=slow.url, body="x") for _ in range(2)]
            slow.wait(2)
            assert out.post(slow.url)["error"] == "EBUSY"
            assert out.post(fast.url, "x" * 999)["error"] == "ENOBUFS"
            assert out.post(fast.url, "x" * 998)["outcome"] == "delivered"
            third = out.begin("post", url=f"http://127.0.0.1:{slow.port}", body="")
            assert out.result(third)["error"] == "EBUSY"  # the same destination, written otherwise
            out.ask("resolve", name="slow.test", addresses=["127.0.0.1"])
            out.begin("post", url=f"http://slow.test:{slow.port}", body="x")
            slow.wait(3)
            assert out.post(fast.url)["error"] == "ENOBUFS"
            assert out.ask("cancel", id=held[0])["cancelled"] and out.ask("running")["running"] == 2
            assert out.post(fast.url)["outcome"] == "delivered"
            out.ask("free")  # two still run: no callback comes for them
            assert held[1] not in out.answers


def test_a_resolver_that_hangs_delays_nobody():
    """libcurl's own way is to wait for it, the whole loop with it."""
    with Receiver() as receiver, Outgoing(allow="127.0.0.1") as out:
        out.ask("resolve", name="hangs.test", addresses=["127.0.0.1"], ms=60000)
        assert out.post(receiver.url)["outcome"] == "delivered"
        began = time.monotonic()
        hanging = [out.begin("post", url=f"http://hangs.test:{receiver.port}/", body="", connect_ms=300) for _ in range(3)]
        hanging.append(out.begin("post", url=f"http://hangs.test:{receiver.port}/", body="", connect_ms=55000))
        assert out.ask("cancel", id=hanging.pop())["cancelled"]
        assert out.post(receiver.url)["outcome"] == "delivered"
        for request in hanging:
            answer = out.result(request)
            assert (answer["outcome"], answer["doubtful"]) == ("later", False)
        assert time.monotonic() - began < 30 and out.lag() < 20000 and len(receiver.requests) == 2


def test_nothing_is_sent_once_the_callers_lease_is_over(out):
    with Receiver() as receiver:
        assert out.post(receiver.url, lease_ms=30000)["outcome"] == "delivered"
        answer = out.post(receiver.url, lease_ms=-1)
        assert (answer["outcome"], answer["doubtful"]) == ("later", False) and "its time was over" in answer["reason"]
        assert len(receiver.requests) == 1


def test_a_receivers_library_accepts_what_we_sign_with_either_of_two_live_secrets(out):
    """`standardwebhooks`; svix's library is the same code under another name."""
    now = int(time.time() * 1000)
    with Receiver() as receiver:
        for current, previous in ((SECRET, None), (SECRET, OLDER)):
            lines = out.ask("sign", manner=0, current=current, previous=previous, id="msg_0001", now_ms=now, body=BODY)["lines"]
            assert out.post(receiver.url, BODY, lines=lines)["outcome"] == "delivered"
        given = [{"headers": r["headers"], "body": r["body"].decode()} for r in receiver.requests]
    program = """
import json, sys
from standardwebhooks import Webhook, WebhookVerificationError
secrets, requests = json.loads(sys.argv[1])
for secret in secrets:
    for request in requests:
        for body in (request["body"], request["body"] + " "):
            try:
                Webhook(secret).verify(body, request["headers"])
                print("accepted")
            except WebhookVerificationError:
                print("refused")
"""
    said = outside.ask(outside.python(), "-c", program, json.dumps([[SECRET, OLDER], given]))
    assert said.split() == ["accepted", "refused", "accepted", "refused", "refused", "refused", "accepted", "refused"]


def test_receivers_written_for_zendesk_and_pagerduty_accept_what_we_sign(out):
    """As the two makers' pages have their receivers check it."""
    secret, older = "zendesk-and-pagerduty-secret", "the-secret-before-that-one"
    with Receiver() as receiver:
        for manner in (1, 2):
            lines = out.ask("sign", manner=manner, current=secret, previous=older, id="d-1", now_ms=1627207200999, body=BODY)["lines"]
            assert out.post(receiver.url, BODY, lines=lines)["outcome"] == "delivered"
        zendesk, pagerduty = receiver.requests
    when = zendesk["headers"]["x-zendesk-webhook-signature-timestamp"]
    signed = hmac.new(secret.encode(), when.encode() + zendesk["body"], "sha256").digest()
    assert base64.b64decode(zendesk["headers"]["x-zendesk-webhook-signature"]) == signed
    offered = pagerduty["headers"]["x-pagerduty-signature"].split(",")
    assert offered == ["v1=" + hmac.new(key.encode(), pagerduty["body"], "sha256").hexdigest() for key in (secret, older)]
