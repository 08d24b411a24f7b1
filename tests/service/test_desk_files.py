"""Uploads and attachments: what lies is refused and named, what is large is refused before it is read, names are labels,
and a file is seen by whoever may see the comment that it hangs on, and by nobody else."""
import http.client
import json
import socket
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.desk import Desk
from harness.stack import until

MIB = 1 << 20
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde" + b"\0" * 64
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"
PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
PROGRAM = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0\xb8" + b"\0" * 200

DOCUMENTS = """
groups:
  - {name: g1}
agents:
  - {name: a.one, groups: [g1], capacity: 5, duty: off}
"""


@pytest.fixture(scope="module")
def tenant(stack):
    return stack.tenant(DOCUMENTS)


@pytest.fixture(scope="module")
def desk(stack, tenant):
    return Desk(stack, tenant)


def upload(desk, name, body, type="application/octet-stream", token=None, **how):
    query = {"filename": name, **({"token": token} if token else {})}
    return desk.ask("POST", "/uploads.json?" + urllib.parse.urlencode(query), body, headers={"Content-Type": type}, **how)


def taken(desk, *args, **how):
    answer = upload(desk, *args, **how)
    assert answer.status == 201, (answer.status, answer.body)
    return answer.json["upload"]


def attach(desk, tenant, public, *tokens, ticket=None):
    ticket = ticket or tenant.create()
    tenant.stored(ticket)
    answer = desk.put(f"/tickets/{ticket}.json", {"ticket": {"comment": {
        "body": "see the file", "public": public, "uploads": list(tokens)}}})
    assert answer.status == 200, (answer.status, answer.body)
    return ticket


def header(answer, name):
    return {key.lower(): value for key, value in answer.headers.items()}.get(name.lower())


def content(desk, attachment, **how):
    path = "/attachments/" + urllib.parse.urlsplit(attachment["content_url"]).path.split("/attachments/")[1]
    return desk.get(path, **how)


# -- what it is -------------------------------------------------------------------------------------------------------------


def test_an_upload_is_answered_as_zendesk_does(desk, stack, tenant):
    answer = upload(desk, "退款截图.png", PNG, "image/png")
    assert answer.status == 201
    shown = answer.json["upload"]
    attachment = shown["attachment"]
    assert attachment["file_name"] == "退款截图.png" and attachment["content_type"] == "image/png"
    assert attachment["size"] == len(PNG) and shown["attachments"] == [attachment]
    assert shown["expires_at"].endswith("Z")
    assert len(shown["token"]) >= 32
    stored = stack.sql("SELECT encode(token_hash, 'escape'), name FROM desk.files WHERE tenant_id = %s AND file_id = %s",
                       tenant.number, attachment["id"])
    assert shown["token"] not in stored[0][0]


@pytest.mark.parametrize("name, type, body, names", [
    ("a.png", "image/png", PAGE, "text/html"),
    ("a.png", "", PDF, "application/pdf"),
    ("a.pdf", "application/pdf", PNG, "image/png"),
    ("picture", "image/png", PAGE, "text/html"),
    ("a.png", "image/gif", PNG, "image/png"),
    ("a.txt", "text/plain", PNG, "image/png"),
    ("a.png", "image/png", PROGRAM, "portable-executable"),
    ("a.exe", "", PROGRAM, "portable-executable"),
    ("invoice\u202egpj.exe", "image/jpeg", PNG, "image/png"),
    ("a.exe\uff0e\u200b ", "", b"hello", "text/plain"),
    ("run.sh", "text/plain", b"#!/bin/sh\nrm -rf /\n", "text/x-shellscript"),
    ("a.png", "image/png", b"", "空"),
])
def test_what_lies_about_itself_is_422_and_told_what_it_is(desk, name, type, body, names):
    answer = upload(desk, name, body, type)
    assert answer.status == 422, (answer.status, answer.body)
    assert answer.json["error"] == "RecordInvalid"
    assert names in json.dumps(answer.json["details"], ensure_ascii=False)


def test_a_name_is_a_label_and_never_a_path(desk):
    for name, label in (("../../../etc/passwd", "passwd"), ("C:\\temp\\a.png", "a.png"), ("..", "file"),
                        ("x\r\nSet-Cookie: a=b.png", "xSet-Cookie_ a=b.png"), ("\u202ea\u200b.png", "a.png"),
                        ("'; DROP TABLE desk.files; --.png", "'; DROP TABLE desk.files; --.png")):
        body = PNG if label.endswith(".png") else b"root"
        assert taken(desk, name, body)["attachment"]["file_name"] == label
    assert upload(desk, "", PNG).status == 400
    assert desk.ask("POST", "/uploads.json", PNG, headers={"Content-Type": "image/png"}).status == 400


def test_an_upload_may_hold_several_files_but_only_its_own(desk):
    first = taken(desk, "1.png", PNG)
    second = taken(desk, "2.pdf", PDF, token=first["token"])
    assert second["token"] == first["token"]
    assert [a["file_name"] for a in second["attachments"]] == ["1.png", "2.pdf"]
    assert second["attachment"]["file_name"] == "2.pdf"
    assert upload(desk, "3.png", PNG, token="A" * 32).status == 422
    assert upload(desk, "3.png", PNG, token="' OR 1=1 --").status == 400


def test_an_upload_can_be_taken_back_once(desk):
    shown = taken(desk, "1.png", PNG)
    assert desk.delete(f"/uploads/{shown['token']}.json").status == 204
    assert desk.delete(f"/uploads/{shown['token']}.json").status == 404
    assert desk.delete("/uploads/nonsense").status == 404


def test_roles_that_only_read_upload_nothing(desk):
    assert upload(desk, "a.png", PNG, role="auditor").status == 403


# -- how large --------------------------------------------------------------------------------------------------------------


def test_a_large_file_comes_back_byte_for_byte_and_in_parts(desk, tenant):
    body = PNG + bytes(i * 7 % 251 for i in range(1000)) * 6000  # 6 MB: several transactions
    shown = taken(desk, "large.png", body, "image/png", timeout=60)
    attach(desk, tenant, True, shown["token"])
    whole = content(desk, shown["attachment"], timeout=60)
    assert whole.status == 200 and whole.body == body
    part = content(desk, shown["attachment"], headers={"Range": "bytes=262000-600000"}, timeout=60)
    assert part.status == 206 and part.body == body[262000:600001]
    assert header(part, "Content-Range") == f"bytes 262000-600000/{len(body)}"
    assert content(desk, shown["attachment"], headers={"Range": "bytes=-5"}).body == body[-5:]
    assert content(desk, shown["attachment"], headers={"Range": f"bytes={len(body)}-"}).status == 416
    assert content(desk, shown["attachment"], headers={"If-None-Match": header(whole, "ETag")}).status == 304


def raw(desk, head):
    """Sends a head and no body; the status that comes back."""
    host, port = urllib.parse.urlsplit(desk.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall((head + f"Authorization: Bearer {desk.token()}\r\n\r\n").encode())
        reply = http.client.HTTPResponse(connection)
        reply.begin()
        return reply.status


def test_100_mb_are_refused_before_they_are_sent(desk):
    head = "POST {} HTTP/1.1\r\nHost: d\r\nContent-Type: application/octet-stream\r\nContent-Length: 100000000\r\n"
    assert raw(desk, head.format("/api/v2/uploads.json?filename=a.bin")) == 413
    assert raw(desk, head.format("/api/v2/tickets/7.json").replace("POST", "PUT").replace("100000000", "3000000")) == 413


def test_more_than_somebody_may_leave_lying_about_is_429(desk, stack, tenant):
    stack.sql("UPDATE desk.files SET size = 300000000 WHERE tenant_id = %s AND file_id = %s", tenant.number,
              taken(desk, "a.png", PNG)["attachment"]["id"], admin=True)
    try:
        answer = upload(desk, "b.png", PNG)
        assert answer.status == 429 and int(header(answer, "Retry-After")) >= 1
    finally:
        stack.sql("DELETE FROM desk.files WHERE tenant_id = %s AND ticket_id IS NULL", tenant.number, admin=True)


# -- who sees it ------------------------------------------------------------------------------------------------------------


def test_what_is_sent_back_runs_nowhere(desk, tenant):
    shown = taken(desk, "页面 \"x\".html", PAGE, "text/html")
    attach(desk, tenant, True, shown["token"])
    answer = content(desk, shown["attachment"])
    assert answer.status == 200 and answer.body == PAGE
    assert header(answer, "Content-Type") == "application/octet-stream"
    assert header(answer, "X-Content-Type-Options") == "nosniff"
    assert "sandbox" in header(answer, "Content-Security-Policy")
    disposition = header(answer, "Content-Disposition")
    assert disposition.startswith("attachment; filename=\"") and "filename*=UTF-8''%E9%A1%B5%E9%9D%A2%20_x_.html" in disposition


def test_a_file_is_bound_once(desk, tenant, stack):
    shown = taken(desk, "a.png", PNG)
    ticket = attach(desk, tenant, True, shown["token"])
    other = tenant.create()
    tenant.stored(other)
    again = desk.put(f"/tickets/{other}.json", {"ticket": {"comment": {"body": "b", "uploads": [shown["token"]]}}})
    assert again.status == 422 and "uploads" in again.json["details"]
    row = stack.sql("SELECT ticket_id, bound_seq FROM desk.files WHERE tenant_id = %s AND file_id = %s", tenant.number,
                    shown["attachment"]["id"])
    assert row == [(ticket, tenant.row(ticket)["version"])]
    assert desk.delete(f"/uploads/{shown['token']}").status == 404  # no longer an upload
    comment = tenant.ledger(ticket)[-1]["payload"]["comment"]
    assert [a["id"] for a in comment["attachments"]] == [shown["attachment"]["id"]]


@pytest.fixture(scope="module")
def customer(stack, tenant):
    """One who writes by e-mail and may sign in: her number and a token of hers."""
    address = f"kunde@{tenant.name}.example"
    stack.docket("user", "create", "--tenant", tenant.name, "--email", address, "--role", "customer", "--no-password")
    number = stack.sql("SELECT user_id FROM access.users WHERE tenant_id = %s AND role = 'customer'", tenant.number)[0][0]
    token = stack.docket("token", "create", "--tenant", tenant.name, "--user", number).stdout.split()[-1]
    return {"number": number, "token": token, "requester": {"name": "Kunde", "email": address}}


def test_of_two_who_attach_one_file_at_once_one_gets_it(desk, tenant, stack):
    tickets = [tenant.create() for _ in range(2)]
    for ticket in tickets:
        tenant.stored(ticket)
    for n in range(8):
        shown = taken(desk, f"{n}.png", PNG)
        with ThreadPoolExecutor(2) as both:
            answers = list(both.map(lambda ticket: desk.put(f"/tickets/{ticket}.json", {"ticket": {"comment": {
                "body": "b", "uploads": [shown["token"]]}}}), tickets))
        assert sorted(answer.status == 200 for answer in answers) == [False, True], [a.body for a in answers]
        assert {answer.status for answer in answers} <= {200, 409, 422}
        named = stack.sql("SELECT ticket_id FROM ticket.ledger WHERE tenant_id = %s AND ticket_id = ANY (%s) AND"
                          " payload->'comment'->'attachments' @> %s::jsonb", tenant.number, tickets,
                          json.dumps([{"id": shown["attachment"]["id"]}]))
        bound = stack.sql("SELECT ticket_id FROM desk.files WHERE tenant_id = %s AND file_id = %s", tenant.number,
                          shown["attachment"]["id"])
        assert named == bound and len(bound) == 1


def test_an_internal_file_is_hidden_from_the_customer(desk, tenant, customer):
    public, internal = taken(desk, "public.png", PNG), taken(desk, "internal.png", PNG)
    ticket = tenant.create(requester=customer["requester"])
    assert tenant.stored(ticket)["requester_id"] == customer["number"]
    attach(desk, tenant, True, public["token"], ticket=ticket)
    attach(desk, tenant, False, internal["token"], ticket=ticket)
    someone_elses = taken(desk, "other.png", PNG)
    attach(desk, tenant, True, someone_elses["token"])
    hers = {"token": customer["token"]}
    unknown = desk.get("/attachments/999999999.json", **hers)
    assert unknown.status == 404
    for shown, seen in ((public, True), (internal, False), (someone_elses, False)):
        described = desk.get(f"/attachments/{shown['attachment']['id']}.json", **hers)
        bytes_ = content(desk, shown["attachment"], **hers)
        if seen:
            assert described.status == 200 and bytes_.body == PNG
        else:
            assert (described.status, described.body) == (404, unknown.body)
            assert (bytes_.status, bytes_.body) == (404, unknown.body)
        assert desk.get(f"/attachments/{shown['attachment']['id']}").status == 200  # the administrator sees all of it
        assert content(desk, shown["attachment"], role="auditor").status == 200


def test_what_is_not_attached_yet_is_its_uploaders_alone(desk, customer):
    answer = desk.ask("POST", "/uploads.json?filename=a.png", PNG, headers={"Content-Type": "image/png"}, token=customer["token"])
    assert answer.status == 201
    number = answer.json["upload"]["attachment"]["id"]
    assert desk.get(f"/attachments/{number}", token=customer["token"]).status == 200
    assert desk.get(f"/attachments/{number}").status == 404
    assert desk.delete(f"/uploads/{answer.json['upload']['token']}").status == 404
    assert desk.delete(f"/uploads/{answer.json['upload']['token']}", token=customer["token"]).status == 204


def test_another_tenant_finds_neither_token_nor_file(desk, tenant, stack):
    other_tenant = stack.tenant(DOCUMENTS)
    other = Desk(stack, other_tenant)
    shown = taken(desk, "a.png", PNG)
    ticket = other_tenant.create()
    other_tenant.stored(ticket)
    answer = other.put(f"/tickets/{ticket}.json", {"ticket": {"comment": {"body": "b", "uploads": [shown["token"]]}}})
    assert answer.status == 422
    assert upload(other, "b.png", PNG, token=shown["token"]).status == 422
    assert other.delete(f"/uploads/{shown['token']}").status == 404
    attach(desk, tenant, True, shown["token"])
    unknown = other.get("/attachments/999999999")
    found = other.get(f"/attachments/{shown['attachment']['id']}")
    assert (found.status, found.body) == (unknown.status, unknown.body) == (404, unknown.body)
    assert content(other, shown["attachment"]).status == 404


def test_what_nobody_attaches_goes_after_an_hour(desk, tenant, stack):
    old, young = taken(desk, "old.png", PNG)["attachment"]["id"], taken(desk, "young.png", PNG)["attachment"]["id"]
    stack.sql("UPDATE desk.files SET created_at = created_at - interval '61 minutes' WHERE tenant_id = %s AND file_id = %s",
              tenant.number, old, admin=True)
    stack.sql("SELECT desk.sweep_files(1000)", admin=True)
    left = {row[0] for row in stack.sql("SELECT file_id FROM desk.files WHERE tenant_id = %s", tenant.number)}
    assert old not in left and young in left
    assert stack.sql("SELECT count(*) FROM desk.file_chunks WHERE tenant_id = %s AND file_id = %s", tenant.number, old,
                     admin=True) == [(0,)]
