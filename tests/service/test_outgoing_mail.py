"""Mails of libcommon/outgoing to aiosmtpd, and to mail servers that refuse, hang, lie and hang up."""
import time

import pytest
from aiosmtpd.smtp import AuthResult

from harness.outgoing import MailServer, Outgoing, Script, certificates, tls

MESSAGE = ("From: Docket <docket@example.com>\r\nTo: li.wei@example.com\r\nSubject: =?UTF-8?B?5bel5Y2V?=\r\n\r\n"
           ".a line that begins with a dot\r\n..\r\n.\r\nthe end\r\n")
GREETING = [(b"", b"220 mail.test ESMTP\r\n"), (b"EHLO", b""), (b"\r\n", b"250-mail.test\r\n250 8BITMIME\r\n")]
TAKES = GREETING + [(b"MAIL FROM", b"250 ok\r\n"), (b"RCPT TO", b"250 ok\r\n"), (b"DATA\r\n", b"354 go on\r\n")]


@pytest.fixture(scope="module")
def out():
    with Outgoing(allow="127.0.0.1", helo="docket.example.com") as running:
        yield running


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    return certificates(tmp_path_factory.mktemp("outgoing"))


def mail(out, server, **more):
    return out.mail(**{"host": "127.0.0.1", "port": server.port, "tls": "none", "from": "docket@example.com",
                       "to": "li.wei@example.com", "message": MESSAGE, **more})


def test_a_mail_arrives_byte_for_byte_and_its_connection_is_kept(out):
    with MailServer() as server:
        for sender in ("docket@example.com", ""):
            answer = mail(out, server, **{"from": sender})
            assert (answer["outcome"], answer["status"], answer["reason"]) == ("delivered", 250, "")
        assert server.connections == 1 and len(server.mails) == 2
        got = server.mails[1]
        assert got["content"] == MESSAGE.encode() and got["to"] == ["li.wei@example.com"] and got["from"] in ("", "<>")
        assert server.mails[0]["from"] == "docket@example.com" and got["helo"] == "docket.example.com"


def test_a_mail_of_ten_megabytes_arrives_while_the_loop_goes_on(out):
    message = MESSAGE + ("." + "x" * 996 + "\r\n") * 10500
    with MailServer(data_size_limit=0) as server:
        assert mail(out, server, message=message)["outcome"] == "delivered"
        assert server.mails[0]["content"] == message.encode()


async def greylist(smtp, session, envelope, address, options):
    return "451 4.7.1 greylisted, come again"


async def unknown(smtp, session, envelope, address, options):
    return "550 5.1.1 <li.wei@example.com>: nobody of that name"


async def full(smtp, session, envelope):
    return "452 4.3.1 no room"


async def spam(smtp, session, envelope):
    return "554 5.7.1 this looks like spam"


@pytest.mark.parametrize("hooks, outcome, status, words", [
    ({"handle_RCPT": greylist}, "later", 451, "greylisted"),
    ({"handle_RCPT": unknown}, "refused", 550, "nobody of that name"),
    ({"handle_DATA": full}, "later", 452, "no room"),
    ({"handle_DATA": spam}, "refused", 554, "looks like spam"),
])
def test_what_the_server_answers_is_an_outcome(out, hooks, outcome, status, words):
    with MailServer(hooks=hooks) as server:
        answer = mail(out, server)
        assert (answer["outcome"], answer["status"], answer["doubtful"]) == (outcome, status, False)
        assert words in answer["reason"]


class Login:
    def __init__(self):
        self.seen = []

    def __call__(self, server, session, envelope, mechanism, data):
        self.seen.append((data.login, data.password))
        return AuthResult(success=data.password == "right 密码".encode(), auth_data=data.login)


@pytest.mark.parametrize("kind", ["starttls", "implicit"])
def test_tls_and_a_login(pem, kind):
    context, login = tls(pem), Login()
    options = {"implicit": context} if kind == "implicit" else {"tls_context": context, "require_starttls": True}
    with MailServer(authenticator=login, auth_required=kind == "starttls", auth_require_tls=kind == "starttls", **options) as server:
        with Outgoing(allow="127.0.0.1", ca_file=str(pem / "ca.pem")) as out:
            for name in ("localhost", "other.test"):
                out.ask("resolve", name=name, addresses=["127.0.0.1"])
            given = {"host": "localhost", "tls": kind, "user": "docket", "password": "right 密码"}
            assert mail(out, server, **given)["outcome"] == "delivered"
            assert server.mails[0]["tls"]
            assert mail(out, server, **{**given, "password": "wrong"}, connect_ms=1500)["outcome"] == "later"  # not over the kept one
            answer = mail(out, server, **{**given, "host": "other.test"})
            assert answer["outcome"] == "later" and "certificate" in answer["reason"] and not answer["doubtful"]
            assert len(server.mails) == 1 and {login for login, _ in login.seen} == {b"docket"}
        with Outgoing(allow="127.0.0.1") as stranger:
            stranger.ask("resolve", name="localhost", addresses=["127.0.0.1"])
            assert mail(stranger, server, **given)["outcome"] == "later"
        assert len(server.mails) == 1


def test_where_there_is_no_tls_nothing_is_said(out):
    with MailServer() as server:
        answer = mail(out, server, tls="starttls")
        assert (answer["outcome"], answer["doubtful"]) == ("later", False)
        assert server.mails == []


@pytest.mark.parametrize("script, doubtful, words", [
    (TAKES + [(b"a line that", None)], False, "ended the connection"),  # in the middle of DATA; see the long message below
    (TAKES + [(b"\r\n.\r\n", None)], True, "ended the connection"),
    (TAKES + [(b"\r\n.\r\n", b"421 going down\r\n")], False, "421 going down"),
    (TAKES[:-1] + [(b"DATA\r\n", b"250 what?\r\n")], False, "refused to take"),
    (TAKES[:-2] + [(b"RCPT TO", b"hello\r\n")], False, "does not speak SMTP"),
    (TAKES[:-2] + [(b"RCPT TO", b"250 ok\r\n250 and ok\r\n")], False, "out of turn"),
    (TAKES[:-2] + [(b"RCPT TO", b"250-more\r\n" * 3000)], False, "has no end"),
    (TAKES[:-2] + [(b"RCPT TO", b"250 " + b"x" * 3000)], False, "has no end"),
    ([(b"", b"554 no service\r\n")], False, ""),
    ([(b"", b"SSH-2.0-OpenSSH_9.2\r\n"), (b"never", b"")], False, ""),
    ([(b"", b"220 mail.test ESMTP\r\n"), (b"EHLO", None)], False, ""),
])
def test_a_server_that_breaks_off_is_later_and_doubt_is_said(out, script, doubtful, words):
    with Script(*script) as server:
        long = MESSAGE + ("x" * 996 + "\r\n") * 9000 if script[-1] == (b"a line that", None) else MESSAGE
        answer = mail(out, server, message=long, connect_ms=700 if b"SSH" in script[0][1] else 20000)
        assert (answer["outcome"], answer["doubtful"]) == ("later", doubtful), answer
        assert words in answer["reason"]


HANGING = [[(b"", b"")], TAKES[:-2] + [(b"RCPT TO", b"")], TAKES + [(b"\r\n.\r\n", b"")]]


@pytest.mark.parametrize("script", HANGING)
def test_a_server_that_hangs_holds_up_nobody_else(out, script):
    """Above all after the last dot, where libcurl itself would stop the loop."""
    with Script(*script, (b"never", b"")) as hangs, MailServer() as server:
        held = out.begin("mail", host="127.0.0.1", port=hangs.port, tls="none", to="a@example.com", message=MESSAGE, **{"from": ""})
        hangs.wait(len(script))
        for _ in range(3):
            assert mail(out, server)["outcome"] == "delivered"
        assert held not in out.answers and out.ask("cancel", id=held)["cancelled"]


@pytest.mark.parametrize("script, timeout, doubtful", zip(HANGING, (300, 300, 3000), (False, False, True)))
def test_a_server_that_hangs_is_left_when_its_time_is_over(out, script, timeout, doubtful):
    with Script(*script, (b"never", b"")) as hangs:
        answer = mail(out, hangs, timeout_ms=timeout)
        assert (answer["outcome"], answer["doubtful"]) == ("later", doubtful) and " ms" in answer["reason"]


def test_a_kept_connection_that_died_is_replaced_unseen(out):
    once = TAKES + [(b"\r\n.\r\n", b"250 taken\r\n"), (b"MAIL FROM", None)]
    with Script(*once) as server:
        for number in (1, 2, 3):
            answer = mail(out, server)
            assert answer["outcome"] == "delivered"
        assert server.connections == 3


@pytest.mark.parametrize("given, words", [
    ({"to": "li.wei@example.com\r\nRCPT TO:<x@example.com>"}, "recipient"), ({"to": "li wei@example.com"}, "recipient"),
    ({"to": "nobody"}, "recipient"), ({"to": ""}, "recipient"), ({"to": "a@b@c"}, "recipient"), ({"to": "<a@b.c>"}, "recipient"),
    ({"from": "a@b.c> SIZE=1"}, "sender"), ({"message": "Subject: a\n\nbare\n"}, "CR LF"), ({"message": "no end"}, "CR LF"),
    ({"message": "a\r\n.\n\r\n"}, "CR LF"), ({"message": "x" * 999 + "\r\n"}, "998"), ({"host": "127.0.0.1:25"}, "name"),
    ({"host": "10.0.0.1"}, "private"), ({"host": "a/b"}, "name or an address"), ({"user": "docket", "password": "x"}, "without TLS"),
])
def test_what_cannot_be_a_mail_is_refused_at_once(out, given, words):
    with MailServer() as server:
        answer = mail(out, server, **given)
        assert answer.get("error") == "EINVAL" and words in answer["reason"], answer
        assert server.connections == 0


def test_addresses_beyond_ascii_need_a_server_that_knows_them(out):
    with MailServer(enable_SMTPUTF8=True) as server:
        assert mail(out, server, to="李伟@例子.测试")["outcome"] == "delivered"
        assert server.mails[0]["to"] == ["李伟@例子.测试"] and "SMTPUTF8" in server.mails[0]["mail_options"]
    with MailServer() as server:
        answer = mail(out, server, to="李伟@例子.测试")
        assert answer["outcome"] == "refused" and "SMTPUTF8" in answer["reason"]
        assert mail(out, server)["outcome"] == "delivered"


def test_a_name_of_a_private_address_is_not_connected_to(out):
    with MailServer(host="127.0.0.2") as server:
        out.ask("resolve", name="relay.test", addresses=["127.0.0.2"])
        answer = mail(out, server, host="relay.test")
        assert answer["outcome"] == "refused" and "this machine" in answer["reason"] and server.connections == 0


def test_nothing_is_sent_once_the_callers_lease_is_over(out):
    over = time.monotonic() + 3.5

    def when_it_is_over():
        time.sleep(max(0, over + 0.1 - time.monotonic()))
        yield b"250 ok\r\n"
    with Script(*GREETING, (b"MAIL FROM", b"250 ok\r\n"), (b"RCPT TO", when_it_is_over()), (b"never", b"")) as server:
        answer = mail(out, server, lease_ms=3000)
        assert answer["outcome"] == "later" and "its time was over" in answer["reason"] and not answer["doubtful"]
        assert server.heard[-1] == b"RCPT TO"
    with MailServer() as server:
        assert "its time was over" in mail(out, server, lease_ms=-1)["reason"] and server.mails == []


PIPELINING = [(b"", b"220 mail.test ESMTP\r\n"), (b"EHLO", b"250-mail.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n"), (b"MAIL FROM", b""),
              (b"RCPT TO", b"")]


def test_a_server_that_pipelines_hears_everything_but_the_message_at_once(out):
    """It answers nothing before DATA has come too."""
    answers = (b"DATA\r\n", b"250 ok\r\n250 ok\r\n354 go on\r\n")
    with Script(*PIPELINING, answers, (b"\r\n.\r\n", b"250 taken\r\n")) as server:
        assert mail(out, server)["outcome"] == "delivered"
    with Script(*PIPELINING, (b"DATA\r\n", b"250 ok\r\n550 nobody\r\n354 go on\r\n"), (b"never", b"")) as server:
        answer = mail(out, server)
        assert answer["outcome"] == "refused" and "refused the recipient: 550" in answer["reason"] and not answer["doubtful"]
    over = time.monotonic() + 3

    def when_it_is_over():
        time.sleep(max(0, over + 0.1 - time.monotonic()))
        yield answers[1]
    with Script(*PIPELINING, (b"DATA\r\n", when_it_is_over()), (b"never", b"")) as server:
        answer = mail(out, server, lease_ms=3000)
        assert answer["outcome"] == "later" and "its time was over" in answer["reason"] and not answer["doubtful"]


def test_cancelled_mails_are_never_heard_of_again():
    with Script(*TAKES, (b"\r\n.\r\n", b"")) as hangs, MailServer() as server:
        with Outgoing(allow="127.0.0.1") as out:
            held = [out.begin("mail", host="127.0.0.1", port=hangs.port, tls="none", to="a@b.c", message=MESSAGE, **{"from": ""})
                    for _ in range(2)]
            assert mail(out, server)["outcome"] == "delivered"
            assert out.ask("cancel", id=held[0])["cancelled"] and out.ask("running")["running"] == 1
            out.ask("free")
            assert not set(held) & set(out.answers)
