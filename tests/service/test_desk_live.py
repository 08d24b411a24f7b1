"""GET /api/v2/live: everybody hears at once what she may see, nothing else, and misses nothing by being away for a moment."""
import socket
import time
import urllib.parse

import pytest

from harness.live import Listener
from harness.shop import Shop
from harness.stack import request, until


@pytest.fixture(scope="module")
def shop(stack):
    return Shop(stack)


@pytest.fixture(scope="module")
def admin(shop):
    return shop.desk.token()


def metric(shop, name):
    port = dict(line.split() for line in (shop.stack.home / "ports").read_text().splitlines())["desk-1-ops"]
    page = request("GET", f"http://127.0.0.1:{port}/metrics").body.decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(name))


def listening(shop, token, **how):
    """A stream that hears: its first event has come."""
    heard = Listener(shop.desk, token, **how)
    assert heard.answer.status == 200, (heard.answer.status, heard.answer.read())
    heard.until(lambda e: e.name in ("ready", "reset"), what="the stream to begin")
    return heard


def told(heard, ticket):
    """The rows of its ledger that were told, in order; one whose event is published twice is told twice."""
    return list(dict.fromkeys(event.data["seq"] for event in heard.tickets(ticket)))


def moments(heard):
    return {(event.name, event.data.get("at")) for event in list(heard.events)}


def test_a_change_is_heard_with_what_changed_and_the_ticket_as_it_is(shop, admin):
    ticket = shop.ticket()
    with listening(shop, admin) as heard:
        assert heard.answer.getheader("Content-Type").startswith("text/event-stream")
        assert heard.answer.getheader("Cache-Control") == "no-store" and heard.events[0].data == {"resumed": False}
        after = shop.done(ticket, by="lin", priority="urgent", comment={"body": "看一下 13800138000", "public": False})
        event = heard.ticket(ticket, type="ticket_updated")
        assert event.data["seq"] == after["version"] and set(event.data["changed"]) == {"priority"}
        assert event.data["comment"] == {"id": ticket * 8192 + after["version"], "public": False, "author_id": shop.ids["lin"]}
        assert event.data["actor"] == f"agent:{shop.ids['lin']}"
        assert event.data["ticket"]["priority"] == "urgent" and event.data["ticket"]["version"] == after["version"]
        assert event.data["ticket"]["status"] == "open" and event.data["ticket"]["docket_status"] == "assigned"
        assert "看一下" not in str(heard.events), "texts are read from the ticket"
        new = shop.ticket()
        assert heard.ticket(new, type="ticket_created").data["ticket"]["requester_id"]
        heard.ticket(new, type="ticket_assigned")


def test_everybody_hears_what_her_lists_show_and_no_more(shop, admin):
    """zhou is in both groups, wu in the other one only, a second tenant hears nothing at all."""
    elsewhere = Shop(shop.stack)
    with listening(shop, shop.user("zhou")) as zhou, listening(shop, shop.user("wu")) as wu, \
            listening(elsewhere, elsewhere.desk.token()) as strangers:
        ticket = shop.ticket()
        zhou.ticket(ticket, type="ticket_created")
        shop.done(ticket, group_id=shop.ids["物流"], handover_note="请物流跟进")
        moved = zhou.ticket(ticket, type="ticket_updated")
        assert "group_id" in moved.data["changed"]
        wu.ticket(ticket, type="ticket_updated")
        shop.done(ticket, group_id=shop.ids["售后"], handover_note="回到售后")
        gone = wu.until(lambda e: e.name == "gone", what="the ticket to leave her reach")
        assert gone.data["ticket_id"] == ticket and set(gone.data) == {"ticket_id", "at"}
        before = moments(wu)
        shop.done(ticket, tags=["x"])
        zhou.until(lambda e: e.name == "ticket" and e.data.get("changed") == ["tags"], what="the tags")
        other = elsewhere.ticket()
        strangers.ticket(other)
        assert moments(wu) == before
        assert {event.data["ticket_id"] for event in strangers.tickets()} == {other}
        assert not [event for event in zhou.tickets() if event.data["ticket_id"] == other]


def test_a_deleted_ticket_is_gone(shop, admin):
    ticket = shop.ticket()
    with listening(shop, admin) as heard:
        assert shop.ask("DELETE", f"/tickets/{ticket}").status == 204
        assert heard.until(lambda e: e.name == "gone").data["ticket_id"] == ticket


def test_a_customer_hears_the_public_side_of_his_own(shop, admin):
    email = "live@customers.example"
    mine, others = shop.ticket(requester={"email": email}), shop.ticket()
    token = shop.user("live-customer", role="customer", email=email)
    with listening(shop, token) as heard, listening(shop, admin) as staff:
        shop.done(others, comment={"body": "不是他的"})
        shop.done(mine, by="lin", comment={"body": "内部", "public": False})
        shop.done(mine, by="lin", tags=["internal"])
        after = shop.done(mine, by="lin", comment={"body": "您好，正在处理"})
        staff.until(lambda e: e.name == "ticket" and e.data.get("seq") == after["version"], what="the last change")
        event = heard.ticket(mine, type="request_updated")
        assert event.data["comment"] == {"id": mine * 8192 + after["version"], "public": True}
        assert set(event.data) == {"type", "ticket_id", "at", "comment", "request"}
        assert event.data["request"]["status"] == "open" and set(event.data["request"]) == {"id", "status", "updated_at"}
        assert {event.data["at"] for event in heard.tickets()} == {event.data["at"]}, heard.events
        shop.done(mine, by="lin", status="pending")
        heard.until(lambda e: e.name == "ticket" and e.data["request"]["status"] == "pending", what="the state")


def test_who_comes_back_hears_what_she_missed_and_nothing_twice(shop, admin):
    ticket = shop.ticket()
    with listening(shop, admin) as heard:
        first = shop.done(ticket, tags=["1"])["version"]
        position = heard.ticket(ticket, seq=first).id
    missed = [shop.done(ticket, tags=[str(n)])["version"] for n in range(2, 6)]
    with listening(shop, admin, last=position) as heard:
        assert heard.events[0].data == {"resumed": True} and heard.named("reset") == []
        heard.ticket(ticket, seq=missed[-1])
        now = shop.done(ticket, tags=["now"])["version"]
        last = heard.ticket(ticket, seq=now)
        assert told(heard, ticket) == [*missed, now]
    with listening(shop, admin, last=last.id) as heard:
        again = shop.done(ticket, tags=["again"])["version"]
        heard.ticket(ticket, seq=again)
        assert told(heard, ticket)[-1] == again and not set(missed) <= set(told(heard, ticket))


@pytest.mark.parametrize("last", ["01", "nonsense", "0181", "01" + "00" * 300, "01" + "ff" * 9])
def test_who_comes_with_what_is_no_position_begins_anew(shop, admin, last):
    """01 is the position of the very beginning: the topic is longer than any desk remembers, or else all of it is told."""
    with listening(shop, admin, last=last) as heard:
        if last == "01":
            heard.until(lambda e: e.name in ("reset", "ticket"), what="a word about it")
        else:
            assert heard.until(lambda e: e.name == "reset").data["reason"] in ("unknown_position", "too_old")
        ticket = shop.ticket()
        heard.ticket(ticket)


def test_a_token_that_is_taken_back_ends_its_stream_within_five_seconds(shop, admin):
    made = shop.desk.post("/api_tokens", {"api_token": {"user_id": shop.ids["lin"]}}).json["api_token"]
    with listening(shop, made["full_token"]) as heard:
        assert shop.desk.delete(f"/api_tokens/{made['id']}").status == 204
        since = time.monotonic()
        end = heard.until(lambda e: e.name == "end", what="the end")
        assert end.data == {"reason": "signed_out"}
        assert time.monotonic() - since < 5 + 15, "5 s, and what a busy machine adds"
        until(lambda: heard.over, 20, "the connection to be closed")
        ticket = shop.ticket()
        assert heard.tickets(ticket) == []


def test_a_desk_that_has_just_started_goes_on_where_another_stopped(stack, shop, admin):
    """It reads again what was lately; it says when it stops; it sends signs of life; its places are counted."""
    ticket = shop.ticket()
    with listening(shop, admin) as heard:
        position = heard.ticket(ticket, seq=shop.done(ticket, tags=["1"])["version"]).id
    missed = [shop.done(ticket, tags=[str(n)])["version"] for n in range(2, 5)]
    stack.command("up", "--desk", 2)
    try:
        stack.stop("desk-2")
        stack.start("desk-2", DOCKET_LIVE_STREAMS="2", DOCKET_LIVE_HEARTBEAT="500ms")
        port = dict(line.split() for line in (stack.home / "ports").read_text().splitlines())["desk-2"]
        second = f"http://127.0.0.1:{port}"
        with listening(shop, admin, last=position, url=second) as heard, listening(shop, shop.user("lin"), url=second) as other:
            assert heard.events[0].data == {"resumed": True}
            missed.append(shop.done(ticket, tags=["now"])["version"])
            heard.ticket(ticket, seq=missed[-1], seconds=60)
            assert told(heard, ticket) == missed and heard.named("reset") == []
            until(lambda: heard.beats >= 2 and other.beats >= 2, 30, "signs of life")
            full = Listener(shop.desk, shop.user("zhou"), url=second).answer
            assert full.status == 503 and int(full.getheader("Retry-After")) >= 1
            stack.stop("desk-2")
            for stream in (heard, other):
                assert stream.until(lambda e: e.name == "end").data == {"reason": "stopping"}
                until(lambda: stream.over, 20, "the stream to be closed")
            position = heard.last
    finally:
        stack.command("up", "--desk", 1)
    later = shop.done(ticket, tags=["later"])["version"]
    with listening(shop, admin, last=position) as heard:
        heard.ticket(ticket, seq=later)
        assert told(heard, ticket)[-1] == later and not set(missed[:-1]) <= set(told(heard, ticket))


def test_the_front_hands_it_on_at_once(stack, shop, admin):
    front = stack.environment["DOCKET_URL"]
    assert front != shop.desk.url
    ticket = shop.ticket()
    with listening(shop, admin, url=front) as heard:
        after = shop.done(ticket, tags=["front"])
        heard.ticket(ticket, seq=after["version"], seconds=60)


def test_who_asks_wrongly_is_told_so(shop, admin):
    assert shop.desk.get("/live").status == 406
    assert Listener(shop.desk, "nobody").answer.status == 401
    assert Listener(shop.desk, admin, **{"X-On-Behalf-Of": "lin@example.com"}).answer.status in (401, 403)
    assert shop.desk.post("/live", {}).status == 405
    head = shop.desk.ask("HEAD", "/live", headers={"Accept": "text/event-stream"})
    assert head.status == 200 and head.body == b""


def test_streams_of_one_token_are_bounded(shop):
    token = shop.desk.post("/api_tokens", {"api_token": {"user_id": shop.ids["wu"]}}).json["api_token"]["full_token"]
    streams = []
    try:
        for _ in range(20):
            streams.append(listening(shop, token))
        answer = Listener(shop.desk, token).answer
        assert answer.status == 503 and 1 <= int(answer.getheader("Retry-After")) <= 60
        streams.pop().close()

        def again():
            heard = Listener(shop.desk, token)
            streams.append(heard)
            return heard.answer.status == 200
        until(again, 60, "the place of the one that left")
    finally:
        for heard in streams:
            heard.close()


def test_a_client_that_takes_nothing_is_cut_and_disturbs_nobody(shop, admin):
    """More is told than the socket and the desk hold for one who does not read."""
    tickets = [shop.ticket() for _ in range(4)]
    address = urllib.parse.urlsplit(shop.desk.url)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect((address.hostname, address.port))
    slow.sendall(f"GET /api/v2/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: text/event-stream\r\nAuthorization: Bearer {admin}\r\n\r\n".encode())
    with slow, listening(shop, admin) as quick:
        until(lambda: slow.recv(4096, socket.MSG_PEEK).startswith(b"HTTP/1.1 200"), 20, "the stream to begin")
        cut = metric(shop, "docket_desk_live_too_slow_total")
        rounds, ids = 0, ",".join(map(str, tickets))

        def cut_at_last():
            nonlocal rounds
            rounds += 1
            for n in range(10):
                answer = shop.ask("PUT", f"/tickets/update_many.json?ids={ids}", {"ticket": {"tags": [f"{rounds}.{n}", "x" * 200]}})
                assert answer.status in (200, 429), answer.body
            return metric(shop, "docket_desk_live_too_slow_total") > cut
        until(cut_at_last, 180, "the slow one to be cut", every=0.5)
        last = shop.done(tickets[0], tags=["last"])
        quick.ticket(tickets[0], seq=last["version"], seconds=60)
        # what she finds when she reads at last: all that fitted, and why it is over
        slow.settimeout(60)
        got = b""
        while piece := slow.recv(65536):
            got += piece
        assert b'event: end\ndata: {"reason":"too_slow"}' in got[-600:], got[-800:]
