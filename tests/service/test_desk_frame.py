"""The desk's frame: what is refused before any handler sees it, pages and their cursors, and the headers of every answer."""
import base64
import re

import pytest

from harness.desk import Desk
from harness.stack import request, until

TICKETS = 7
LIMITS = ("x-rate-limit", "x-rate-limit-remaining", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


@pytest.fixture(scope="module")
def tenant(stack):
    tenant = stack.tenant()
    tenant.tickets = [tenant.create(subject=f"s{n}", external_id="one of two" if n < 2 else f"e{n}") for n in range(TICKETS)]
    for ticket in tenant.tickets:
        tenant.stored(ticket)
    return tenant


@pytest.fixture(scope="module")
def desk(stack, tenant):
    return Desk(stack, tenant)


def header(answer, name):
    return {key.lower(): value for key, value in answer.headers.items()}.get(name.lower())


# -- who asks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credentials", [
    "", "Bearer", "Bearer ", "Bearer nobody's", "Basic", "Basic !!!", "Digest x",
    "Basic " + base64.b64encode(b"a@b.cn/token:wrong").decode(),
    "Basic " + base64.b64encode(b"a@b.cn:password").decode(),
])
def test_wrong_credentials_are_401_in_the_words_that_clients_know(desk, credentials):
    answer = desk.get("/tickets.json", token="", headers={"Authorization": credentials} if credentials else {})
    assert answer.status == 401
    assert answer.json["error"] == "Couldn't authenticate you"
    assert header(answer, "WWW-Authenticate")


def test_a_token_is_good_as_bearer_and_as_the_password_of_email_slash_token(desk):
    basic = base64.b64encode(f"somebody@example.com/token:{desk.token()}".encode()).decode()
    assert desk.get("/tickets.json").status == 200
    assert desk.get("/tickets.json", token="", headers={"Authorization": f"Basic {basic}"}).status == 200


def test_a_source_that_may_create_tickets_may_not_read_them(desk, tenant):
    assert desk.get("/tickets.json", token=tenant.token).status in (401, 403)


# -- paths and methods ------------------------------------------------------------------------------------------------


def test_every_path_works_with_and_without_json(desk, tenant):
    ticket = tenant.tickets[0]
    assert desk.get(f"/tickets/{ticket}").json["ticket"] == desk.get(f"/tickets/{ticket}.json").json["ticket"]
    assert desk.get("/tickets").json["tickets"] == desk.get("/tickets.json").json["tickets"]


@pytest.mark.parametrize("path", ["/nothing", "/tickets/7/nothing", "/tickets//7", "/", "/tickets/", "/../secrets",
                                  "/tickets.xml", "/tickets/%00"])
def test_an_unknown_path_is_404(desk, path):
    answer = desk.get(path)
    assert answer.status == 404
    assert answer.json["error"] in ("InvalidEndpoint", "RecordNotFound")


def test_a_method_that_a_path_does_not_take_is_405_and_says_which_it_takes(desk, tenant):
    answer = desk.ask("PATCH", "/tickets/show_many.json")
    assert answer.status == 405
    assert "GET" in header(answer, "Allow").split(", ")


@pytest.mark.parametrize("number", ["0", "-1", "007", "1.5", "abc", "9007199254740992", "99999999999999999999", "1e3", "%31%32x"])
def test_what_is_no_id_is_not_found(desk, number):
    answer = desk.get(f"/tickets/{number}.json")
    assert (answer.status, answer.body) == (404, b'{"error":"RecordNotFound","description":"Not found"}')


def test_head_is_get_without_its_body(desk, tenant):
    path = f"/tickets/{tenant.tickets[0]}.json"
    head, get = desk.ask("HEAD", path), desk.get(path)
    assert (head.status, head.body) == (200, b"")
    assert header(head, "Content-Length") == str(len(get.body))
    assert header(head, "ETag") == header(get, "ETag")


# -- headers of every answer ------------------------------------------------------------------------------------------


def test_answers_carry_the_limit_in_both_spellings_and_never_retry_after(desk, tenant):
    for path in (f"/tickets/{tenant.tickets[0]}", "/tickets", "/tickets/9999999999"):
        answer = desk.get(path)
        assert all(header(answer, name).isdigit() for name in LIMITS), answer.headers
        assert int(header(answer, "ratelimit-reset")) >= 1
        assert header(answer, "Retry-After") is None


def test_the_request_id_of_the_client_comes_back_or_else_one_of_ours(desk, tenant):
    path = f"/tickets/{tenant.tickets[0]}"
    assert header(desk.get(path, headers={"X-Request-Id": "mine-1"}), "x-request-id") == "mine-1"
    ours = header(desk.get(path), "x-request-id")
    assert re.fullmatch("[0-9a-f]{32}", ours) and ours != header(desk.get(path), "x-request-id")
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert header(desk.get(path, headers={"traceparent": parent}), "x-request-id") == parent.split("-")[1]


def test_what_has_not_changed_is_304(desk, tenant):
    path = f"/tickets/{tenant.tickets[0]}"
    tag = header(desk.get(path), "ETag")
    for sent in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = desk.get(path, headers={"If-None-Match": sent})
        assert (answer.status, answer.body, header(answer, "ETag")) == (304, b"", tag)
    assert desk.get(path, headers={"If-None-Match": '"other"'}).status == 200


def test_a_token_that_asks_too_often_is_told_when_to_come_back(stack, tenant):
    stack.command("up", "--desk", 2)
    stack.stop("desk-2")
    stack.start("desk-2", DOCKET_REQUESTS_PER_MINUTE="3")
    try:
        port = dict(line.split() for line in (stack.home / "ports").read_text().splitlines())["desk-2"]
        busy, other = (Desk(stack, tenant, url=f"http://127.0.0.1:{port}") for _ in range(2))
        answers = until(lambda: (lambda seen: seen[-1].status == 429 and seen)([busy.get("/tickets") for _ in range(4)]), 70)
        refused = answers[-1]
        assert 1 <= int(header(refused, "Retry-After")) <= 60
        assert header(refused, "x-rate-limit") == "3" and header(refused, "x-rate-limit-remaining") == "0"
        assert other.get("/tickets").status == 200, "another token has its own share"
    finally:
        stack.command("up", "--desk", 1)


# -- other tenants ----------------------------------------------------------------------------------------------------


def test_another_tenants_ticket_is_byte_for_byte_an_unknown_one(stack, desk, tenant):
    other = Desk(stack, stack.tenant())
    theirs = other.get(f"/tickets/{tenant.tickets[0]}")
    unknown = other.get(f"/tickets/{tenant.tickets[0] + 90000}")
    assert theirs.status == unknown.status == 404
    assert theirs.body == unknown.body
    assert theirs.headers.keys() == unknown.headers.keys()
    assert other.get(f"/tickets/show_many?ids={tenant.tickets[0]}").json["tickets"] == []
    assert other.get("/tickets").json["tickets"] == []


# -- pages ------------------------------------------------------------------------------------------------------------


def ids(answer):
    assert answer.status == 200, answer.body
    return [ticket["id"] for ticket in answer.json["tickets"]]


@pytest.fixture(scope="module")
def listed(desk, tenant):
    """Lists are a projection: here it is once it has caught up."""
    until(lambda: len(ids(desk.get("/tickets"))) == TICKETS, what="the list to hold every ticket")


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize("brackets", ["page[size]={}", "page%5Bsize%5D={}", "page%5bsize%5d={}"])
def test_cursor_pages_hold_every_ticket_once_and_end_with_null(desk, tenant, brackets):
    seen, answer = [], desk.get("/tickets.json?" + brackets.format(3))
    while True:
        seen += ids(answer)
        more, links = answer.json["meta"]["has_more"], answer.json["links"]
        assert bool(links["next"]) == more, "node follows links.next and looks at nothing else"
        if not more:
            break
        assert links["next"].startswith(desk.url + "/api/v2/tickets.json?")
        answer = desk.get(links["next"])
    assert seen == sorted(tenant.tickets)


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize("sort", ["id", "-id", "created_at", "-created_at", "updated_at", "-updated_at"])
def test_pages_go_back_the_way_they_came(desk, tenant, sort):
    first = desk.get(f"/tickets?page[size]=3&sort={sort}")
    second = desk.get(first.json["links"]["next"])
    back = desk.get(second.json["links"]["prev"])
    assert ids(back) == ids(first)
    assert not set(ids(first)) & set(ids(second))
    assert first.json["links"]["prev"] is None
    again = desk.get(back.json["links"]["next"])
    assert ids(again) == ids(second)


@pytest.mark.usefixtures("listed")
def test_offset_pages_hold_every_ticket_once_and_end_with_null(desk, tenant):
    seen, answer = [], desk.get("/tickets.json?per_page=3")
    assert answer.json["previous_page"] is None and "meta" not in answer.json
    while True:
        seen += ids(answer)
        if not answer.json["next_page"]:
            break
        answer = desk.get(answer.json["next_page"])
    assert seen == sorted(tenant.tickets)
    assert ids(desk.get(answer.json["previous_page"])) == sorted(tenant.tickets)[3:6]
    assert answer.json["count"] == TICKETS


@pytest.mark.usefixtures("listed")
def test_filters_stay_in_the_links(desk, tenant):
    answer = desk.get("/tickets?page[size]=1", external_id="one of two")
    assert ids(answer) == tenant.tickets[:1]
    assert ids(desk.get(answer.json["links"]["next"])) == tenant.tickets[1:2]


@pytest.mark.parametrize("query", [
    "page[size]=0", "page[size]=101", "page[size]=x", "page[size]=", "page[size]=-1", "page[size]=99999999999999999999",
    "page=0", "page=x", "page=101", "page=2147483647&per_page=100", "per_page=0", "per_page=-3", "per_page=1%20OR%201",
    "sort=colour", "sort=id;drop", "sort_by=subject%27--", "sort_by=id&sort_order=sideways",
    "page[size]=5&page[after]=x", "page[size]=5&page[after]=%00", "page[size]=5&page[before]=" + "A" * 44,
    "page[size]=5&page[after]=" + "_" * 43 + "%27", "%zz=1", "a=%e4%b8", "page[size]=3&x=%",
])
def test_a_query_that_is_none_is_400_and_says_why(desk, query):
    answer = desk.get("/tickets?" + query)
    assert answer.status == 400, answer.body
    assert "error" in answer.json and answer.json["error"]["message"] or answer.json["reason"], "ours, or the server's own"


@pytest.mark.usefixtures("listed")
def test_a_cursor_that_was_altered_or_is_of_another_query_is_400(stack, desk, tenant):
    cursor = desk.get("/tickets?page[size]=2").json["meta"]["after_cursor"]
    good = f"/tickets?page[size]=2&page[after]={cursor}"
    assert desk.get(good).status == 200
    assert desk.get(good + "&include=users").status == 200, "what chooses no rows may change"
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for at in (1, 9, len(raw) - 1):
        raw[at] ^= 1
        forged = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        raw[at] ^= 1
        assert desk.get(f"/tickets?page[size]=2&page[after]={forged}").status == 400
    for other in (good + "&sort=-id", good + "&sort=updated_at", good + "&external_id=e3",
                  good + "&page[before]=" + cursor):
        assert desk.get(other).status == 400, other
    assert Desk(stack, stack.tenant()).get(good).status == 400, "of another tenant"


# -- several by id ----------------------------------------------------------------------------------------------------


def test_show_many_gives_each_once_in_the_order_asked(desk, tenant):
    wanted = [tenant.tickets[3], tenant.tickets[1], tenant.tickets[3], 9999999999]
    answer = desk.get("/tickets/show_many.json", ids=",".join(map(str, wanted)))
    assert ids(answer) == [tenant.tickets[3], tenant.tickets[1]]
    assert (answer.json["count"], answer.json["next_page"]) == (2, None)


@pytest.mark.parametrize("query", ["", "ids=", "ids=1,,2", "ids=1,x", "ids=0", "ids=-4", "ids=1;2",
                                   "ids=" + ",".join(str(n) for n in range(1, 102)), "ids=1%00", "ids=1,2%20or%201"])
def test_show_many_of_what_are_no_ids_is_400(desk, query):
    assert desk.get("/tickets/show_many?" + query).status == 400


# -- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_, body, status", [
    ("application/json", b"", 400), ("application/json", b"{", 400), ("application/json", b"[]", 400),
    ("application/json", b'{"ticket":{},"ticket":{}}', 400), ("application/json", b'{"ticket":"\xff"}', 400),
    ("application/json", b"{}" * 2, 400), ("application/json", b'{"a":' * 40 + b"1" + b"}" * 40, 400),
    ("application/json", b"null", 400), ("application/json", b'{"ticket":{"subject":"\\u0000"}}', 400),
    ("text/plain", b'{"ticket":{}}', 415), ("application/x-www-form-urlencoded", b"ticket=1", 415),
    ("", b'{"ticket":{}}', 415),
])
def test_a_body_that_is_no_json_object_is_refused(desk, tenant, type_, body, status):
    answer = desk.put(f"/tickets/{tenant.tickets[0]}.json", body, headers={"Content-Type": type_})
    if answer.status == 405:
        pytest.skip("no route takes a body yet")
    assert answer.status == status, answer.body


def test_urls_in_answers_go_where_the_client_came_from(desk, tenant):
    path = f"/tickets/{tenant.tickets[0]}.json"
    assert desk.get(path).json["ticket"]["url"] == f"{desk.url}/api/v2{path}"
    proxied = desk.get(path, headers={"X-Forwarded-Host": "help.example.cn", "X-Forwarded-Proto": "https"})
    assert proxied.json["ticket"]["url"] == f"https://help.example.cn/api/v2{path}"
    forged = desk.get(path, headers={"X-Forwarded-Host": 'evil"><script>'})
    assert forged.json["ticket"]["url"] == f"{desk.url}/api/v2{path}"


def test_metrics_count_requests_by_family(stack, desk, tenant):
    port = dict(line.split() for line in (stack.home / "ports").read_text().splitlines())["desk-1-ops"]

    def count():
        page = request("GET", f"http://127.0.0.1:{port}/metrics").body.decode()
        return float(re.search(r'docket_desk_requests_total\{family="tickets",status="2xx"\} (\S+)', page)[1])

    before = count()
    desk.ticket(tenant.tickets[0])
    assert count() >= before + 1
