"""What waits in notify.deliveries is sent, in order, to whom it is for, and recorded; webhooks and mails to servers that are not ours."""
import json
import subprocess

import pytest

from harness import outside
from harness.notifier import NotifierDesk, black_hole, documents
from harness.outgoing import Receiver, ok
from harness.stack import until


@pytest.fixture(scope="module")
def hook():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def desk(hook):
    with NotifierDesk() as running:
        running.start()
        yield running


def bodies(receiver, tenant):
    """What came for this tenant, in order: its id is in every webhook-id."""
    return [(r["headers"]["webhook-id"], json.loads(r["body"])) for r in list(receiver.requests)
            if r["headers"].get("webhook-id", "").startswith(f"d_{tenant.number}_")]


@pytest.fixture
def tenant(desk, hook):
    return desk.tenant(documents(("erp", "webhook", hook.url + "/hooks")))


def test_an_event_goes_to_a_program_as_it_is_and_is_recorded(tenant, hook):
    delivery, = tenant.tell("system:erp", "webhook", hook.url, "给erp")
    row = tenant.ended(delivery)
    assert (row["state"], row["status"], row["attempts"], row["doubts"], row["lease_by"]) == ("delivered", 200, 1, 0, None)
    (key, body), = bodies(hook, tenant)
    assert key == f"d_{tenant.number}_{delivery}"
    assert body["type"] == "ticket.created" and body["data"]["ticket"]["subject"] == "杯子碎了"
    assert body["timestamp"].startswith("2026-") and body["data"]["ticket"]["status"] == "in_progress"


def test_five_hundred_go_once_each(tenant, hook):
    ids = tenant.tell("system:erp", "webhook", hook.url, "给erp", count=500, ticket=1000)
    assert tenant.settled() == {"delivered": 500}
    assert sorted(key for key, _ in bodies(hook, tenant)) == sorted(f"d_{tenant.number}_{i}" for i in ids)
    assert tenant.doubts() == 0


def test_what_is_due_is_found_by_its_index_whatever_postgresql_believes(desk, tenant, hook):
    """Counted while nothing waited, as a table mostly is: it takes what comes next for a row or two. A plan that joins what is due with
    all that waits reads a few million rows here."""
    waiting, read = 3000, "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'deliveries_order'"
    desk.sql("ALTER TABLE notify.deliveries SET (autovacuum_enabled = false)")
    tenant.ended(*tenant.tell("system:erp", "webhook", hook.url, "给erp"))
    desk.sql("ANALYZE notify.deliveries")
    before = desk.sql(read)[0][0]
    tenant.tell("system:erp", "webhook", hook.url, "给erp", count=waiting, ticket=1000)
    assert tenant.settled(300) == {"delivered": waiting + 1}
    tenant.ended(*tenant.tell("system:erp", "webhook", hook.url, "给erp"))  # its transactions tell what the sessions have read
    looks = desk.running[0].metric("docket_notifier_looks_total")
    until(lambda: desk.running[0].metric("docket_notifier_looks_total") > looks + 10, 60, "what was read to be told")
    assert desk.sql(read)[0][0] - before < waiting * 100
    desk.sql("ALTER TABLE notify.deliveries RESET (autovacuum_enabled)")


def test_signatures_of_both_live_secrets_satisfy_the_standards_own_libraries(desk, tenant, hook):
    """`standardwebhooks` and `svix` of PyPI, which are not ours, with the old secret and with the new one."""
    secrets = {"current": "whsec_" + "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "previous": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    set_secret(desk, tenant, "erp", secrets)
    def signed_by_both():
        delivery, = tenant.tell("system:erp", "webhook", hook.url, "给erp")
        assert tenant.ended(delivery)["state"] == "delivered"
        one = next(r for r in hook.requests if r["headers"].get("webhook-id") == f"d_{tenant.number}_{delivery}")
        return one if one["headers"].get("webhook-signature", "").count("v1,") == 2 else None
    came = until(signed_by_both, 30, "both secrets to be in force", every=0.5)
    for secret in secrets.values():
        outside.ask(outside.python(), "-c", VERIFY, json.dumps({"secret": secret, "headers": came["headers"], "body": came["body"].decode()}))


VERIFY = """
import json, sys
import standardwebhooks, svix.webhooks
given = json.loads(sys.argv[1])
for library in (standardwebhooks, svix.webhooks):
    judge = library.Webhook(given["secret"])
    judge.verify(given["body"], given["headers"])
    try:
        judge.verify(given["body"] + " ", given["headers"])
    except library.WebhookVerificationError:
        continue
    raise AssertionError(f"{library} takes whatever comes")
"""


def set_secret(desk, tenant, system, secrets):
    """As an operator does it: the old one first, then the new one beside it."""
    for word in (secrets["previous"], secrets["current"]):
        desk.docket("notify", "secret", "set", "--tenant", tenant.name, system, stdin=word + "\n")


def test_messages_of_one_ticket_come_in_order_however_often_the_first_one_fails(desk):
    failures = []

    def answer(connection, request):
        body = json.loads(request["body"])
        if body["data"]["ticket"]["id"] == 1 and len(failures) < 3:
            failures.append(1)
            return ok(status="503 Busy")
        return ok()
    with Receiver(answer) as receiver:
        tenant = desk.tenant(documents(("erp", "webhook", receiver.url)))
        ids = []
        for step in range(6):
            for ticket in (1, 2, 3):
                ids += tenant.tell("system:erp", "webhook", receiver.url, "给erp", ticket=ticket, seq=step + 1)
        assert tenant.settled() == {"delivered": 18}
        first = {}
        for key, body in bodies(receiver, tenant):
            first.setdefault(body["data"]["ticket"]["id"], []).append(int(key.rsplit("_", 1)[1]))
        for ticket, came in first.items():
            once = list(dict.fromkeys(came))
            assert once == sorted(once) and len(once) == 6, (ticket, came)
        assert tenant.row(ids[0])["attempts"] == 4


def test_what_waits_for_its_hours_holds_up_nothing_that_may_go_now(tenant, hook):
    morning, = tenant.tell("system:erp", "webhook", hook.url, "给erp", ticket=5, seq=1, due="8 hours")
    urgent, = tenant.tell("system:erp", "webhook", hook.url, "给erp", ticket=5, seq=2, urgent=True)
    assert tenant.ended(urgent)["state"] == "delivered"
    assert tenant.row(morning)["attempts"] == 0


def test_a_redirect_is_not_followed_and_a_refusal_is_final(desk):
    def answer(connection, request):
        wanted = json.loads(request["body"])["data"]["ticket"]["id"]
        return ok(status={1: "302 Found", 2: "404 Not Found", 3: "400 Bad"}[wanted], Location="http://127.0.0.1:1/")
    with Receiver(answer) as receiver:
        tenant = desk.tenant(documents(("erp", "webhook", receiver.url)))
        ids = tenant.tell("system:erp", "webhook", receiver.url, "给erp", ticket=1, count=3)
        assert tenant.settled() == {"refused": 3}
        rows = [tenant.row(i) for i in ids]
        assert [(r["status"], r["attempts"]) for r in rows] == [(302, 1), (404, 1), (400, 1)]
        assert "redirects are not followed" in rows[0]["reason"]


def test_retry_after_is_kept(desk):
    came = []

    def answer(connection, request):
        came.append(until.__globals__["time"].monotonic())
        return ok(status="429 Slow", Retry_After="2") if len(came) == 1 else ok()
    with Receiver(answer) as receiver:
        tenant = desk.tenant(documents(("erp", "webhook", receiver.url)))
        tenant.tell("system:erp", "webhook", receiver.url, "给erp")
        assert tenant.settled() == {"delivered": 1}
        assert came[1] - came[0] >= 1.9


def test_a_private_address_is_refused_unless_it_is_allowed(desk):
    with Receiver() as receiver, NotifierAlone(desk, ALLOW_NETWORKS="10.9.0.0/16") as alone:
        tenant = alone.tenant(documents(("erp", "webhook", receiver.url)))
        delivery, = tenant.tell("system:erp", "webhook", receiver.url, "给erp")
        row = tenant.ended(delivery)
        assert row["state"] == "refused" and "may not be reached" in row["reason"] and receiver.requests == []


class NotifierAlone:
    """The same schema with a notifier of other settings and no other."""

    def __init__(self, desk, **settings):
        self.desk, self.settings = desk, settings

    def __enter__(self):
        before, self.desk.running[:] = list(self.desk.running), []
        for process in before:
            process.stop()
        self.process = self.desk.start("notifier-2", **self.settings)
        self.desk.process = self.process
        return self.desk

    def __exit__(self, *_):
        before, self.desk.running[:] = list(self.desk.running), []
        self.desk.start()
        for process in [self.process, *before]:
            process.stop()


def test_a_system_that_is_gone_is_paused_at_once_and_its_managers_hear_of_it_once(desk):
    with Receiver(lambda c, r: ok(status="410 Gone")) as receiver, mail_server() as mail:
        with NotifierAlone(desk, MAIL_FROM="support@desk.test", MAIL_TLS="none", MAIL_URL=f"smtp://127.0.0.1:{mail.port}") as alone:
            tenant = alone.tenant(documents(("erp", "webhook", receiver.url)))
            tenant.user("boss@shop.test", role="manager")
            tenant.user("agent@shop.test", role="agent")
            first, = tenant.tell("system:erp", "webhook", receiver.url, "给erp")
            assert tenant.ended(first)["state"] == "refused"
            until(lambda: mail.mails, 30, "the manager's mail")
            tenant.tell("system:erp", "webhook", receiver.url, "给erp", ticket=100, count=20)
            until(lambda: alone.sql("SELECT paused_at IS NOT NULL AND told_at IS NOT NULL FROM notify.destinations WHERE tenant_id = %s"
                                    " AND destination = %s", tenant.number, receiver.url) == [(True,)], 30, "the pause")
            assert len(receiver.requests) < 22
            text = decoded(mail.mails[0])
            assert receiver.url in text["body"] and mail.mails[0]["to"] == ["boss@shop.test"] and len(mail.mails) == 1
            # Somebody mends it: what waited is tried again, and refused by the other side alone.
            alone.sql("UPDATE notify.destinations SET paused_at = NULL, failures = 0, open_until = NULL WHERE destination = %s", receiver.url)
            receiver.answer = lambda c, r: ok()
            until(lambda: "waiting" not in tenant.counts(), 60, "the rest to go")
            assert tenant.counts()["delivered"] >= 1


def test_days_of_failure_pause_a_system_and_leave_the_rest_waiting(desk):
    with Receiver(lambda c, r: ok(status="500 Broken")) as receiver:
        with NotifierAlone(desk, PAUSE_AFTER="2s", LEAVE_ALONE="100ms", RETRY_MOST="300ms") as alone:
            tenant = alone.tenant(documents(("erp", "webhook", receiver.url)))
            tenant.tell("system:erp", "webhook", receiver.url, "给erp", count=10)
            until(lambda: alone.sql("SELECT 1 FROM notify.destinations WHERE tenant_id = %s AND paused_at IS NOT NULL AND paused_why <> ''",
                                    tenant.number), 60, "the pause")
            assert tenant.counts() == {"waiting": 10}
            assert alone.sql("SELECT sum(doubts)::integer FROM notify.deliveries WHERE tenant_id = %s", tenant.number) == [(0,)]


def test_what_nobody_could_deliver_in_time_is_given_up_with_the_last_reason(desk):
    with Receiver(lambda c, r: ok(status="500 Broken")) as receiver:
        tenant = desk.tenant(documents(("erp", "webhook", receiver.url)))
        delivery, = tenant.tell("system:erp", "webhook", receiver.url, "给erp", expires="1500 milliseconds")
        row = tenant.ended(delivery)
        assert row["state"] == "dropped" and row["attempts"] >= 2 and "given up" in row["reason"] and row["status"] == 500


# -- mail ----------------------------------------------------------------------------------------------------------------


def mail_server(**more):
    from harness.outgoing import MailServer
    return MailServer(**more)


def decoded(mail):
    import email
    from email import policy
    message = email.message_from_bytes(mail["content"], policy=policy.default)
    return {"headers": dict(message.items()), "body": message.get_body(("plain",)).get_content(),
            "html": message.get_body(("html",)).get_content(), "message": message}


@pytest.fixture(scope="module")
def post(desk):
    """A notifier with a mail server."""
    with mail_server() as mail, NotifierAlone(desk, MAIL_FROM="support@desk.test", MAIL_TLS="none",
                                              MAIL_URL=f"smtp://127.0.0.1:{mail.port}") as alone:
        alone.mail = mail
        yield alone


def test_a_person_is_written_to_in_the_words_of_the_documents(post):
    tenant = post.tenant(documents())
    lin = tenant.user("lin@shop.test", name="林小婉")
    first, = tenant.tell(lin, "mail", "mail", seq=1)
    assert tenant.ended(first)["state"] == "delivered", tenant.row(first)
    second, = tenant.tell(lin, "mail", "mail", seq=2)
    assert tenant.ended(second)["status"] == 250
    one, two = [decoded(m) for m in post.mail.mails if m["to"] == ["lin@shop.test"]]
    assert one["headers"]["Subject"] == "[#7] 杯子碎了" and one["headers"]["Auto-Submitted"] == "auto-generated"
    assert "林小婉，您好：杯子碎了，处理中，2026-11-22 08:00" in one["body"] and "https://desk.test/tickets/7" in one["body"]
    assert "杯子碎了" in one["html"] and "示例商城" in one["headers"]["From"] and "lin@shop.test" in one["headers"]["To"]
    assert one["headers"]["Message-ID"].startswith(f"<d_{tenant.number}_{first}.") and one["headers"]["Message-ID"] != two["headers"]["Message-ID"]
    # Both hang on the ticket's own thread.
    assert one["headers"]["References"] == two["headers"]["References"] == one["headers"]["In-Reply-To"]
    assert one["headers"]["Reply-To"].split("<")[-1].startswith("support+") and one["headers"]["Reply-To"].rstrip(">").endswith("@desk.test")
    assert one["headers"]["List-Unsubscribe"].startswith("<https://desk.test/api/v2/links/")
    assert one["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_digest_is_one_mail_with_every_ticket_and_every_row_says_delivered(post):
    tenant = post.tenant(documents())
    lin = tenant.user("digest@shop.test")
    tenant.tell(lin, "mail", "mail", "汇总", ticket=40, count=30, fold="w1")
    assert tenant.settled() == {"delivered": 30}
    mails = [decoded(m) for m in post.mail.mails if m["to"] == ["digest@shop.test"]]
    assert len(mails) == 1 and [f"#{t} 杯子碎了" in mails[0]["body"] for t in range(40, 70)] == [True] * 30


def test_nobody_is_mailed_who_was_suspended_or_whose_address_is_none(post):
    tenant = post.tenant(documents())
    gone = tenant.user("gone@shop.test")
    post.docket("user", "suspend", "gone@shop.test", "--tenant", tenant.name)
    delivery, = tenant.tell(gone, "mail", "mail")
    nobody, = tenant.tell("requester:4711", "mail", "mail")
    assert [tenant.ended(d)["state"] for d in (delivery, nobody)] == ["refused", "refused"]
    assert "no address" in tenant.row(delivery)["reason"]


def test_greylisting_is_patience_and_a_refused_recipient_is_final(desk):
    tries = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        tries.append(address)
        if address == "nobody@shop.test":
            return "550 5.1.1 no such user nobody@shop.test"
        if tries.count(address) < 3:
            return "451 4.7.1 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 ok"
    # bound to the handler's instance by the server as an attribute: its first argument is not given
    async def rcpt(server, session, envelope, address, options):
        return await handle_RCPT(None, server, session, envelope, address, options)
    with mail_server(hooks={"handle_RCPT": rcpt}) as mail:
        with NotifierAlone(desk, MAIL_FROM="support@desk.test", MAIL_TLS="none", MAIL_URL=f"smtp://127.0.0.1:{mail.port}") as alone:
            tenant = alone.tenant(documents())
            patient, = tenant.tell(tenant.user("patient@shop.test"), "mail", "mail")
            nobody, = tenant.tell(tenant.user("nobody@shop.test"), "mail", "mail")
            row = tenant.ended(patient)
            assert (row["state"], row["attempts"], row["doubts"]) == ("delivered", 3, 0)
            row = tenant.ended(nobody)
            assert (row["state"], row["status"], row["attempts"]) == ("refused", 550, 1)
            assert "nobody@" not in row["reason"]  # what the server says may hold addresses


def test_a_server_that_hangs_up_in_the_middle_of_data_is_tried_again(desk):
    drops = []

    async def handle_DATA(server, session, envelope):
        drops.append(envelope.rcpt_tos)
        if len(drops) <= 2:
            server.transport.abort()
            return "451 never said"
        mails.append(envelope.original_content)
        return "250 taken"
    mails = []
    with mail_server(hooks={"handle_DATA": handle_DATA}) as mail:
        with NotifierAlone(desk, MAIL_FROM="support@desk.test", MAIL_TLS="none", MAIL_URL=f"smtp://127.0.0.1:{mail.port}") as alone:
            tenant = alone.tenant(documents())
            delivery, = tenant.tell(tenant.user("lin@shop.test"), "mail", "mail")
            row = tenant.ended(delivery)
            # The message had been sent whole: it may have been taken, which is counted.
            assert (row["state"], row["attempts"], row["doubts"]) == ("delivered", 3, 2)
            assert len(mails) == 1


def test_mail_goes_by_tls_to_a_server_whose_certificate_is_its_own_and_to_no_other(desk, tmp_path):
    from harness.outgoing import certificates, tls
    folder = certificates(tmp_path)
    with mail_server(tls_context=tls(folder), require_starttls=True) as mail:
        common = {"MAIL_FROM": "support@desk.test", "CA_FILE": folder / "ca.pem"}
        with NotifierAlone(desk, MAIL_URL=f"smtp://localhost:{mail.port}", **common) as alone:
            tenant = alone.tenant(documents())
            lin = tenant.user("lin@shop.test")
            delivery, = tenant.tell(lin, "mail", "mail")
            assert tenant.ended(delivery)["state"] == "delivered" and mail.mails[0]["tls"]
        with NotifierAlone(desk, MAIL_URL=f"smtp://127.0.0.1:{mail.port}", **common):
            delivery, = tenant.tell(lin, "mail", "mail", expires="2 seconds")
            row = tenant.ended(delivery)
            assert row["state"] == "dropped" and len(mail.mails) == 1


# -- patience ------------------------------------------------------------------------------------------------------------


def test_destinations_that_hang_delay_nobody_else(desk):
    holes = [black_hole() for _ in range(30)]
    with Receiver() as fast:
        systems = [("fast", "webhook", fast.url)] + [(f"s{i}", "webhook", url) for i, (_, url) in enumerate(holes)]
        tenant = desk.tenant(documents(*systems))
        for i, (_, url) in enumerate(holes):
            tenant.tell(f"system:s{i}", "webhook", url, f"给s{i}", ticket=1000 * i, count=40)
        for n in range(20):
            delivery, = tenant.tell("system:fast", "webhook", fast.url, "给fast", ticket=n)
            row = tenant.ended(delivery, seconds=10)
            assert row["state"] == "delivered"
        assert len(fast.requests) == 20
        # Bounded in here, however much waits out there.
        held = desk.running[-1].metric("docket_notifier_held")
        assert held <= 4 * 30 + 64, held
    for listener, _ in holes:
        listener.close()
    desk.sql("UPDATE notify.deliveries SET state = 'dropped', ended_at = now(), lease_no = lease_no + 1 WHERE state = 'waiting'")
