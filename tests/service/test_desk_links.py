"""Links out of messages: a GET shows and never acts, a POST acts as the person whom the signed token names; and what was sent
about a ticket, as the desk shows it."""
import base64
import hashlib
import re
import urllib.parse

import pytest

from harness import links
from harness.shop import Shop
from harness.stack import request

ABOUT = "mail:收到工单"


@pytest.fixture(scope="module")
def shop(stack):
    return Shop(stack)


class Link:
    def __init__(self, shop, purpose, ticket, person, about=None, **how):
        ring = shop.stack.environment["DOCKET_KEYRING"]
        self.token = links.token(ring, purpose, shop.tenant.number, ticket, person, **how)
        self.url = f"{shop.desk.url}/api/v2/links/{self.token}" + (f"?about={urllib.parse.quote(about)}" if about else "")

    def get(self, **headers):
        return request("GET", self.url, headers=headers)

    def post(self, form="", **headers):
        return request("POST", self.url, form.encode(), {"Content-Type": "application/x-www-form-urlencoded", **headers})


def page(answer, status=200):
    assert answer.status == status, (answer.status, answer.body.decode())
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    style = re.search(r"<style>(.*)</style>", answer.body.decode(), re.S)[1]
    assert f"style-src 'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy and "script" not in policy and "frame-ancestors 'none'" in policy
    text = answer.body.decode()
    assert "<script" not in text and "http" not in text
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return text


def acknowledgements(shop, ticket):
    return [row for row in shop.tenant.ledger(ticket) if row["payload"].get("reason", {}).get("why") == "acknowledged"]


def test_a_get_shows_what_the_post_does_and_does_nothing(shop):
    ticket = shop.ticket()
    link = Link(shop, links.ACKNOWLEDGE, ticket, shop.ids["lin"])
    before = shop.row(ticket)
    for _ in range(3):
        text = page(link.get())
        assert f"#{ticket}" in text and '<form method="post">' in text and "确认" in text and "Acknowledge" in text
    assert request("HEAD", link.url).status == 200
    assert shop.row(ticket) == before
    text = page(link.post("action=acknowledge"))
    assert "已确认" in text and "<form" not in text
    done, = acknowledgements(shop, ticket)
    assert done["actor"] == f"agent:{shop.ids['lin']}" and done["payload"]["reason"] == {"why": "acknowledged", "by": "link"}
    assert "无需再做什么" in page(link.post())
    assert len(acknowledgements(shop, ticket)) == 1


def test_a_token_in_capitals_is_the_same_one(shop):
    ticket = shop.ticket()
    link = Link(shop, links.ACKNOWLEDGE, ticket, shop.ids["lin"])
    link.url = link.url.replace(link.token, link.token.upper())
    page(link.post())
    assert len(acknowledgements(shop, ticket)) == 1


def test_links_that_are_over_altered_or_of_somebody_else_do_nothing_and_say_why(shop):
    ticket, lin = shop.ticket(), shop.ids["lin"]
    over = Link(shop, links.ACKNOWLEDGE, ticket, lin, seconds=-120)
    assert "已过期" in page(over.get(), 410) and "已过期" in page(over.post(), 410)
    good = Link(shop, links.ACKNOWLEDGE, ticket, lin)
    for i in [0, 3, 10, len(good.token) // 2, len(good.token) - 1]:
        for other in "a7":
            altered = good.token[:i] + other + good.token[i + 1:]
            if altered != good.token:
                answer = request("POST", good.url.replace(good.token, altered), b"")
                assert answer.status in (404, 410), (i, altered)
                page(answer, answer.status)
    for token in ["x", "a" * 500, good.token + "a", good.token[:-1], "%E9%80%80", "%22%3E%3Cscript%3E", links.token(
            shop.stack.environment["DOCKET_KEYRING"], links.ACKNOWLEDGE, shop.tenant.number, ticket, lin, key_id=2)]:
        answer = request("GET", good.url.replace(good.token, token))
        page(answer, 404)
    for reply in [links.token(shop.stack.environment["DOCKET_KEYRING"], 1, shop.tenant.number, ticket, lin)]:
        page(request("POST", good.url.replace(good.token, reply), b""), 404)
    page(Link(shop, links.ACKNOWLEDGE, ticket, 0).get(), 404)
    page(Link(shop, links.ACKNOWLEDGE, 0, lin).get(), 404)
    assert acknowledgements(shop, ticket) == []


def test_whoever_may_no_more_may_no_more_by_a_link(shop):
    """Reach, suspension, another tenant's ticket, a closed one: as if she had signed in."""
    ticket = shop.ticket()
    page(Link(shop, links.ACKNOWLEDGE, ticket, shop.ids["wu"]).post(), 403)  # of the other group
    page(Link(shop, links.ACKNOWLEDGE, ticket, 10 ** 14).post(), 403)
    elsewhere = Shop(shop.stack)
    page(Link(shop, links.ACKNOWLEDGE, elsewhere.ticket(), shop.ids["lin"]).post(), 403)
    shop.user("boss", role="manager")
    boss = Link(shop, links.ACKNOWLEDGE, ticket, shop.ids["boss"])
    assert shop.desk.put(f"/users/{shop.ids['boss']}", {"user": {"suspended": True}}).status == 200
    assert "已停用" in page(boss.post(), 403)
    assert acknowledgements(shop, ticket) == []
    assert shop.desk.put(f"/users/{shop.ids['boss']}", {"user": {"suspended": False}}).status == 200
    page(boss.post())
    assert acknowledgements(shop, ticket)[0]["actor"] == f"user:{shop.ids['boss']}"
    closed = shop.ticket()
    shop.done(closed, status="solved", custom_fields=[{"id": shop.field("渠道来源"), "value": "x"}])
    shop.done(closed, status="closed")
    page(Link(shop, links.ACKNOWLEDGE, closed, shop.ids["lin"]).post(), 422)


def test_what_a_browser_sends_along_makes_no_difference(shop):
    ticket = shop.ticket()
    link = Link(shop, links.ACKNOWLEDGE, ticket, shop.ids["lin"])
    page(link.post(Authorization=f"Bearer {shop.user('zhou')}"))
    assert acknowledgements(shop, ticket)[0]["actor"] == f"agent:{shop.ids['lin']}"
    page(link.get(Cookie="docket_session=nobodys"))


def off(shop, person):
    return {(r, w, n) for r, w, n in shop.stack.sql("SELECT recipient, way, notification FROM notify.unsubscribed WHERE tenant_id = %s"
                                                    " AND recipient LIKE %s", shop.tenant.number, f"%:{person}")}


def test_unsubscribing_takes_one_click_and_can_be_taken_back(shop):
    ticket = shop.ticket(requester={"email": "unsubscribe@example.com"})
    person = shop.desk.ticket(ticket)["requester_id"]
    link = Link(shop, links.UNSUBSCRIBE, ticket, person, ABOUT)
    assert "收到工单" in page(link.get()) and off(shop, person) == set()
    text = page(link.post("List-Unsubscribe=One-Click"))
    assert "已退订" in text and 'value="on"' in text
    assert off(shop, person) == {(f"requester:{person}", "mail", "收到工单")}
    page(link.post("List-Unsubscribe=One-Click"))
    assert "已退订" in page(link.get())
    everything = Link(shop, links.UNSUBSCRIBE, 0, person)
    page(everything.post())
    assert off(shop, person) == {(f"requester:{person}", "mail", "收到工单"), (f"requester:{person}", "mail", "")}
    assert "已恢复" in page(link.post("action=on"))
    page(everything.post("action=on"))
    assert off(shop, person) == set()


def test_staff_unsubscribe_by_whichever_name_they_are_written_to(shop):
    zhou = shop.ids["zhou"]
    link = Link(shop, links.UNSUBSCRIBE, shop.ticket(), zhou, ABOUT)
    page(link.post())
    assert off(shop, zhou) == {(f"agent:{zhou}", "mail", "收到工单"), (f"user:{zhou}", "mail", "收到工单")}
    page(link.post("action=on"))
    assert off(shop, zhou) == set()


def test_what_is_written_on_the_page_is_escaped(shop):
    link = Link(shop, links.UNSUBSCRIBE, 0, shop.ids["zhou"], 'mail:<img src=x onerror="a">&\'')
    text = page(link.get())
    assert "<img" not in text and "&lt;img src=x onerror=&quot;a&quot;&gt;&amp;&#39;" in text
    for about in ["pigeon:x", "x" * 500, "kafka:x"]:
        page(Link(shop, links.UNSUBSCRIBE, 0, shop.ids["zhou"], about).get(), 404)


def test_what_was_sent_about_a_ticket_is_shown_masked(shop):
    ticket = shop.ticket(requester={"email": "sent@example.com", "phone": "13800138000"})
    requester = shop.desk.ticket(ticket)["requester_id"]
    assert shop.desk.get(f"/tickets/{ticket}/notifications").json == {"notifications": []} or shop.stack.sql(
        "SELECT count(*) FROM notify.deliveries WHERE tenant_id = %s AND ticket_id = %s", shop.tenant.number, ticket)[0][0]
    shop.stack.sql("DELETE FROM notify.deliveries WHERE tenant_id = %s AND ticket_id = %s", shop.tenant.number, ticket, admin=True)
    for number, (recipient, way, state, status, reason) in enumerate([
            (f"requester:{requester}", "mail", "delivered", 250, None), (f"requester:{requester}", "sms", "refused", 400, "余额不足"),
            (f"agent:{shop.ids['lin']}", "mail", "delivered", 250, None), ("system:erp", "webhook", "dropped", None, "too old")]):
        shop.stack.sql("INSERT INTO notify.deliveries (tenant_id, cause, notification, recipient, way, ticket_id, seq, revision, urgent,"
                       " destination, said, state, due, expires, status, reason, ended_at) VALUES (%s, %s, '收到工单', %s, %s, %s, 1, 1,"
                       " false, 'x', '{}', %s, now(), now(), %s, %s, now())", shop.tenant.number, f"{ticket}.{number}", recipient, way,
                       ticket, state, status, reason, admin=True)
    answer = shop.desk.get(f"/tickets/{ticket}/notifications", token=shop.user("lin"))
    assert answer.status == 200, answer.body
    mail, sms, agent, system = answer.json["notifications"]
    assert (mail["user_id"], mail["way"], mail["state"], mail["status"]) == (requester, "mail", "delivered", 250)
    assert mail["address"] and "sent@example.com" not in answer.body.decode() and "13800138000" not in answer.body.decode()
    assert sms["reason"] == "余额不足" and sms["state"] == "refused" and sms["address"]
    assert (agent["user_id"], system["user_id"], system["recipient"]) == (shop.ids["lin"], None, "system:erp")
    assert system["ended_at"] and system["status"] is None and system["notification"] == "收到工单"
    assert shop.desk.get(f"/tickets/{ticket}/notifications", token=shop.user("wu")).status == 404
    customer = shop.user("sent", role="customer", email="sent@example.com")
    assert shop.desk.get(f"/tickets/{ticket}/notifications", token=customer).status == 403
    assert shop.desk.get("/tickets/999999999999/notifications").status == 404
