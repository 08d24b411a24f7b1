"""Messages that we build, read by the standard library: what goes in comes out, and nothing else does."""
import base64
import email
import email.header
import email.policy
import email.utils
import json
import os
import random
import subprocess
from datetime import datetime, timezone
from pathlib import Path

BUILD = Path(os.environ.get("DOCKET_BUILD", Path(__file__).resolve().parents[2] / ".build/asan"))
KNOWN = {"date", "from", "reply-to", "to", "cc", "subject", "message-id", "in-reply-to", "references", "auto-submitted",
         "x-auto-response-suppress", "x-docket-loop", "list-id", "list-unsubscribe", "list-unsubscribe-post",
         "content-language", "mime-version", "content-type", "content-transfer-encoding"}


def built(messages):
    run = subprocess.run([BUILD / "tests/mail_driver"], input="".join(json.dumps(m) + "\n" for m in messages),
                         capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    answers = [line.split(" ") for line in run.stdout.splitlines()]
    assert len(answers) == len(messages)
    return [(outcome, base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) for outcome, text in answers]


def message(**changes):
    return {"from": [{"name": "示例商城客服", "address": "support@desk.example"}],
            "to": [{"name": "张三", "address": "zhang.san@example.com"}], "subject": "[#1024] 我们已收到",
            "text": "您好：\n已收到。\n", "at_ms": 1763800000000, "message_id": "wo-1024.7.5f3a@desk.example"} | changes


def read(raw):
    """As a strict reader does; its complaints are failures, and so is a line that SMTP does not carry."""
    lines = raw.split(b"\r\n")
    assert lines[-1] == b"" and not any(b"\r" in line or b"\n" in line for line in lines)
    assert max(map(len, lines)) <= 998
    assert all(byte < 128 for byte in raw)
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert {name.lower() for name in parsed.keys()} <= KNOWN
    assert len(parsed.keys()) == len({name.lower() for name in parsed.keys()})
    for part in parsed.walk():
        assert not part.defects, part.defects
        for name, value in part.items():
            assert not value.defects, (name, value, value.defects)
    return parsed


def name_of(raw, header):
    """By the older reader: the newer one of Python 3.11 leaves a blank between two encoded words of a name (bpo-35547)."""
    name, _ = email.utils.parseaddr(email.message_from_bytes(raw)[header])
    return str(email.header.make_header(email.header.decode_header(name)))


def body(parsed, kind):
    part = parsed.get_body((kind,))
    return part and part.get_content().replace("\r\n", "\n")


def same_text(read_back, given):
    given = given.replace("\r\n", "\n")
    assert read_back.rstrip("\n") == given.rstrip("\n")
    assert len(read_back) - len(given) in (0, 1)  # the line break before a boundary or the end


def test_what_goes_in_is_read_back():
    given = message(html="<p>您好：</p>", reply_to=[{"address": "support+1024.a1b2@desk.example"}],
                    cc=[{"name": 'Li "Al" O\\\'Neil, Esq.', "address": "li@bücher.example"}],
                    in_reply_to="x.2@example.com", references=["x.1@example.com", "x.2@example.com"], origin=1,
                    loop="desk.example", list_id="tickets.desk.example", unsubscribe_url="https://desk.example/u/7?a=b",
                    unsubscribe_mail="leave@desk.example", language="zh")
    (outcome, raw), = built([given])
    assert outcome == "built"
    m = read(raw)
    assert m["from"].addresses[0].display_name == "示例商城客服"
    assert m["to"].addresses[0].addr_spec == "zhang.san@example.com"
    assert m["cc"].addresses[0].display_name == 'Li "Al" O\\\'Neil, Esq.'
    assert m["cc"].addresses[0].addr_spec == "li@xn--bcher-kva.example"
    assert m["reply-to"].addresses[0].addr_spec == "support+1024.a1b2@desk.example"
    assert m["subject"] == given["subject"]
    assert m["date"].datetime == datetime.fromtimestamp(1763800000, timezone.utc)
    assert m["message-id"] == "<wo-1024.7.5f3a@desk.example>" and m["in-reply-to"] == "<x.2@example.com>"
    assert m["references"].split() == ["<x.1@example.com>", "<x.2@example.com>"]
    assert m["auto-submitted"] == "auto-generated" and m["x-docket-loop"] == "desk.example"
    assert m["list-id"] == "<tickets.desk.example>" and m["content-language"] == "zh"
    assert m["list-unsubscribe"].split() == ["<https://desk.example/u/7?a=b>,", "<mailto:leave@desk.example>"]
    assert m["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert m.get_content_type() == "multipart/alternative"
    assert [p.get_content_type() for p in m.iter_parts()] == ["text/plain", "text/html"]
    same_text(body(m, "plain"), given["text"])
    same_text(body(m, "html"), given["html"])


def test_whatever_people_write_is_read_back_as_they_wrote_it():
    """Every length and every kind of character at every place of a line or an encoded word."""
    chance = random.Random(20261122)
    pieces = ["a", "b c", "=", "=?", "?=", "=?utf-8?Q?a=0D=0ABcc:_x?=", "=?UTF-8?B?5byg?=", "  ", ".", "\t", "From ", "字", "杯子",
              "é", "😀", "\"", "\\", "<", ">", ",", ";", ":", "@", "(", ")", "[#1]", "--=_docket_part", "--", "x" * 40]
    lines = pieces + ["\n", "\n\n", "\n.\n", "\r\n", " \n", "\t\n", "\nFrom x\n", "\n--=_docket_part--\n", "y" * 1200, "字" * 400]
    given = []
    for number in range(150):
        words = "".join(p for p in chance.choices(pieces, k=chance.randrange(1, 30)) if p != "\t")[:300]
        given.append(message(subject=words, to=[{"name": words[:90], "address": f"a{number}@example.com"}],
                             text="".join(chance.choices(lines, k=chance.randrange(0, 40))),
                             html="".join(chance.choices(lines, k=chance.randrange(0, 40)))))
    for wanted, (outcome, raw) in zip(given, built(given)):
        assert outcome == "built", wanted
        m = read(raw)
        assert (m["subject"] or "") == wanted["subject"]
        assert name_of(raw, "to") == wanted["to"][0]["name"]
        assert m["to"].addresses[0].addr_spec == wanted["to"][0]["address"]
        same_text(body(m, "plain"), wanted["text"])
        if wanted["html"]:
            same_text(body(m, "html"), wanted["html"])


def test_a_header_that_holds_another_is_refused():
    evil = ["a\r\nBcc: x@y.example", "a\nBcc: x@y.example", "a\r\n\r\n<html>", "a\rb", "a\u0085b", "a\u2028b", "a\x00b"[:1] + "\x0b"]
    cases = []
    for words in evil:
        cases += [message(subject=words), message(**{"from": [{"name": words, "address": "a@b.example"}]}),
                  message(to=[{"name": "x", "address": "a@b.example" + words}]), message(message_id=words), message(in_reply_to=words),
                  message(references=[words]), message(loop=words), message(list_id=words), message(language=words),
                  message(unsubscribe_url="https://x.example/" + words), message(unsubscribe_mail=words)]
    for case, (outcome, raw) in zip(cases, built(cases)):
        assert outcome in ("bad_header", "bad_address") and raw == b"", case
