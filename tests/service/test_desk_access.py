"""Who may sign in at the desk and what she may there: credentials that are wrong, over or another tenant's; sessions; tokens and
their scopes; and that nobody's failures lock out somebody else."""
import base64
import itertools
import json
import statistics
import threading
import time
import urllib.error
import urllib.request

import pytest

from harness.desk import Desk
from harness.stack import request, until, within

DOCUMENTS = """
kinds: [咨询, 售后]
groups: [{name: 售后}, {name: 物流}]
agents:
  - {name: lin, title: 林小婉, groups: [售后], capacity: 5, duty: off}
  - {name: wu, title: 吴建国, groups: [物流], capacity: 5, duty: off}
rules:
  - {name: 物流, when: {all: [{text: {contains: [包裹]}}]}, set: {group: 物流}}
  - {name: 其余, set: {group: 售后}}
roles:
  - {name: 售后专员, based_on: agent, reach: {groups: [own, 物流], kinds: [售后]}}
"""
PASSWORD = "correct horse battery"
networks = (f"10.{n // 250}.{n % 250}.7" for n in itertools.count(1))


@pytest.fixture(scope="module")
def tenant(stack):
    return stack.tenant(DOCUMENTS)


@pytest.fixture(scope="module")
def other(stack):
    return stack.tenant(DOCUMENTS)


@pytest.fixture(scope="module")
def desk(stack, tenant):
    return Desk(stack, tenant)


counter = itertools.count(1)


def make(desk, role="administrator", *words, password=PASSWORD, tenant=None):
    """A user with a fresh address: that address and the number."""
    email = f"user{next(counter)}@example.com"
    tenant = tenant or desk.tenant
    said = desk.stack.docket("user", "create", "--tenant", tenant.name, "--email", email, "--role", role, "--json", *words,
                             stdin=password + "\n").stdout
    number = int(said.split('"user_id":')[1].split(",")[0])
    return email, number


class Browser:
    """Cookies and the CSRF token of one client."""

    def __init__(self, desk, tenant=None, network=None):
        self.desk, self.tenant = desk, tenant or desk.tenant
        self.cookies, self.csrf, self.network = {}, None, network or next(networks)

    def ask(self, method, path, body=None, csrf=True, **headers):
        head = {"X-Forwarded-For": self.network, "X-Docket-Tenant": self.tenant.name, **headers}
        if self.cookies:
            head["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if csrf and self.csrf:
            head["X-CSRF-Token"] = self.csrf
        answer = request(method, self.desk.url + "/api/v2" + path, body, head)
        return answer

    def sign_in(self, email, password=PASSWORD):
        head = {"X-Forwarded-For": self.network, "X-Docket-Tenant": self.tenant.name, "Content-Type": "application/json"}
        if "docket_device" in self.cookies:
            head["Cookie"] = f"docket_device={self.cookies['docket_device']}"
        ask = urllib.request.Request(self.desk.url + "/api/v2/sessions", method="POST", headers=head,
                                     data=json.dumps({"session": {"email": email, "password": password}}).encode())
        try:
            with urllib.request.urlopen(ask, timeout=10) as reply:
                body = json.loads(reply.read())
                for line in reply.headers.get_all("Set-Cookie"):
                    name, _, rest = line.partition("=")
                    self.cookies[name] = rest.split(";")[0]
                    assert "HttpOnly" in line and "SameSite=Lax" in line
                self.csrf = body["session"]["csrf_token"]
                return reply.status
        except urllib.error.HTTPError as reply:
            self.last = reply
            return reply.code


def basic(user, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


# -- signing in ---------------------------------------------------------------------------------------------------------


def test_a_session_is_who_signed_in_until_it_is_ended(desk):
    email, number = make(desk)
    browser = Browser(desk)
    assert browser.sign_in(email) == 201
    me = browser.ask("GET", "/sessions/me").json["session"]
    assert me["user_id"] == number and me["csrf_token"] == browser.csrf
    assert browser.ask("GET", "/tickets.json").status == 200
    assert browser.ask("DELETE", "/sessions/me").status == 204
    until(lambda: browser.ask("GET", "/tickets.json").status == 401, 5, "the session to be over")
    rows = desk.stack.sql("SELECT action FROM access.audit WHERE tenant_id = %s AND actor = %s ORDER BY audit_id",
                          desk.tenant.number, f"user:{number}")
    assert [action for (action,) in rows] == ["sign_in", "sign_out"]


def test_what_changes_something_needs_the_csrf_token_and_reading_does_not(desk):
    email, number = make(desk)
    browser = Browser(desk)
    browser.sign_in(email)
    body = {"api_token": {"description": "x"}}
    assert browser.ask("POST", "/api_tokens", body, csrf=False).status == 403
    assert browser.ask("POST", "/api_tokens", body, csrf=False, **{"X-CSRF-Token": "A" * 43}).status == 403
    assert browser.ask("DELETE", "/sessions/me", csrf=False).status == 403
    stranger = Browser(desk)
    stranger.sign_in(make(desk)[0])
    assert browser.ask("POST", "/api_tokens", body, csrf=False, **{"X-CSRF-Token": stranger.csrf}).status == 403
    assert browser.ask("GET", "/api_tokens", csrf=False).json["count"] == 0
    assert browser.ask("POST", "/api_tokens", body).status == 201


def test_wrong_ones_are_401_with_the_same_answer_whatever_is_wrong(desk, other):
    email, _ = make(desk)
    suspended, number = make(desk)
    desk.stack.docket("user", "suspend", number, "--tenant", desk.tenant.name)
    without, _ = make(desk, "agent", "--no-password")
    foreign, _ = make(desk, tenant=other)
    bodies = set()
    for who, password, tenant in ((email, "wrong password", desk.tenant), (suspended, PASSWORD, desk.tenant),
                                  (without, "", desk.tenant), (without, PASSWORD, desk.tenant), (foreign, PASSWORD, desk.tenant),
                                  (email, PASSWORD, other), ("nobody@example.com", PASSWORD, desk.tenant),
                                  ("no address", PASSWORD, desk.tenant), ("' OR 1=1 --", PASSWORD, desk.tenant)):
        browser = Browser(desk, tenant)
        assert browser.sign_in(who, password) == 401, (who, password)
        bodies.add(browser.last.read())
    assert len(bodies) == 1
    assert Browser(desk).sign_in(email) == 201


def test_a_tenant_that_is_none_answers_like_a_wrong_password(desk):
    email, _ = make(desk)
    answer = request("POST", desk.url + "/api/v2/sessions", {"session": {"email": email, "password": PASSWORD, "tenant": "no-such"}})
    assert answer.status == 401


@pytest.mark.parametrize("body", [{}, {"session": {"email": "a@b.cn"}}, {"session": {"email": 1, "password": "x"}},
                                  {"session": {"email": "a@b.cn", "password": None}}, {"session": []}])
def test_half_a_sign_in_is_400(desk, body):
    assert request("POST", desk.url + "/api/v2/sessions", body).status == 400


def test_email_and_password_are_good_with_every_request_and_several_at_once(desk):
    email, _ = make(desk)
    head = {"X-Docket-Tenant": desk.tenant.name, "X-Forwarded-For": next(networks)}
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(
        desk.get("/tickets.json", token="", headers={**head, **basic(email, PASSWORD)}).status)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 12
    assert desk.get("/tickets.json", token="", headers={**head, **basic(email, PASSWORD + "x")}).status == 401


def test_the_time_does_not_tell_who_exists(desk):
    email, _ = make(desk)
    known, unknown = [], []
    for turn in range(5):
        for times, who in ((known, email), (unknown, f"nobody{turn}@example.com")):
            browser = Browser(desk)
            began = time.monotonic()
            assert browser.sign_in(who, "a wrong password") == 401
            times.append(time.monotonic() - began)
    known, unknown = statistics.median(known), statistics.median(unknown)
    assert known > 0.02  # argon2id was done
    assert 0.6 < known / unknown < 1.7, (known, unknown)


# -- locked out -----------------------------------------------------------------------------------------------------------


def fail(browser, email, times):
    return [browser.sign_in(email, f"guess {n} of many") for n in range(times)]


def test_who_fails_again_and_again_waits_and_is_told_how_long(desk):
    email, _ = make(desk)
    attacker = Browser(desk)
    assert fail(attacker, email, 5) == [401] * 5
    assert attacker.sign_in(email) == 429  # even the right one
    assert 1 <= int(attacker.last.headers["Retry-After"]) <= 30
    nobody = Browser(desk)
    assert fail(nobody, "nobody-there@example.com", 6) == [401] * 5 + [429]


def test_failures_elsewhere_lock_nobody_out(desk):
    email, _ = make(desk)
    for _ in range(2):
        assert fail(Browser(desk), email, 6)[-1] == 429
    assert Browser(desk).sign_in(email) == 201


def test_the_owners_device_is_not_locked_out_by_failures_in_her_own_network(desk):
    email, _ = make(desk)
    owner = Browser(desk)
    assert owner.sign_in(email) == 201
    neighbour = Browser(desk, network=owner.network)
    assert fail(neighbour, email, 6)[-1] == 429
    assert owner.sign_in(email) == 201
    forged = Browser(desk, network=owner.network)
    forged.cookies["docket_device"] = owner.cookies["docket_device"][:-1] + "0"
    if forged.cookies["docket_device"] == owner.cookies["docket_device"]:
        forged.cookies["docket_device"] = owner.cookies["docket_device"][:-1] + "1"
    assert forged.sign_in(email) == 429
    thief, _ = make(desk)  # her device is hers: for another account it is no device at all
    mine = Browser(desk, network=owner.network)
    mine.cookies["docket_device"] = owner.cookies["docket_device"]
    assert fail(mine, thief, 6)[-1] == 429


def test_many_at_once_are_not_looked_at_more_often_than_one_after_the_other(desk):
    email, _ = make(desk)
    network, answers = next(networks), []
    threads = [threading.Thread(target=lambda: answers.append(Browser(desk, network=network).sign_in(email, "not the password")))
               for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(401) <= 5 and set(answers) <= {401, 429}


def test_a_success_clears_the_count(desk):
    email, _ = make(desk)
    browser = Browser(desk)
    for _ in range(2):
        assert fail(browser, email, 3) == [401] * 3
        browser.cookies.clear()
        assert browser.sign_in(email) == 201
        browser.cookies.clear()


# -- what ends a session or a token ---------------------------------------------------------------------------------------


def test_a_suspended_ones_session_and_token_die_within_five_seconds(desk):
    email, number = make(desk)
    browser = Browser(desk)
    browser.sign_in(email)
    token = browser.ask("POST", "/api_tokens", {"api_token": {}}).json["api_token"]["full_token"]
    assert desk.get("/tickets.json", token=token).status == 200
    desk.stack.docket("user", "suspend", number, "--tenant", desk.tenant.name)
    within(lambda: desk.get("/tickets.json", token=token).status == 401, 5, "the token to be refused")
    within(lambda: browser.ask("GET", "/tickets.json").status == 401, 5, "the session to be refused")
    desk.stack.docket("user", "suspend", number, "--tenant", desk.tenant.name, "--lift")
    until(lambda: desk.get("/tickets.json", token=token).status == 200, 6, "the token to be good again")


def test_a_new_password_ends_other_sessions_and_not_the_one_that_set_it(desk):
    email, number = make(desk)
    here, there = Browser(desk), Browser(desk)
    here.sign_in(email)
    there.sign_in(email)
    new = "an even better one"
    refused = here.ask("PUT", f"/users/{number}/password", {"previous_password": "not it at all", "password": new})
    assert refused.status == 422 and "previous_password" in refused.json["details"]
    short = here.ask("PUT", f"/users/{number}/password", {"previous_password": PASSWORD, "password": "short"})
    assert short.status == 422 and "password" in short.json["details"]
    assert here.ask("PUT", f"/users/{number}/password", {"previous_password": PASSWORD, "password": new}).status == 204
    until(lambda: there.ask("GET", "/tickets.json").status == 401, 5, "the other session to be over")
    until(lambda: here.ask("GET", "/sessions/me").status == 200, 5, "our own session")
    assert Browser(desk).sign_in(email) == 401
    assert Browser(desk).sign_in(email, new) == 201


def test_nobody_changes_the_password_of_somebody_else_without_the_right(desk):
    email, number = make(desk, "manager")
    boss, boss_number = make(desk)
    browser = Browser(desk)
    browser.sign_in(email)
    assert browser.ask("PUT", f"/users/{boss_number}/password", {"previous_password": PASSWORD, "password": "x" * 12}).status == 404
    assert browser.ask("POST", f"/users/{boss_number}/password", {"password": "x" * 12}).status == 403
    assert desk.post(f"/users/{number}/password", {"password": "x" * 12}).status == 204
    assert Browser(desk).sign_in(email, "x" * 12) == 201


# -- tokens ---------------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_listed_by_its_hint_and_revoked(desk):
    email, number = make(desk)
    browser = Browser(desk)
    browser.sign_in(email)
    made = browser.ask("POST", "/api_tokens", {"api_token": {"description": "报表", "scopes": ["read"], "expires_in_days": 30}})
    assert made.status == 201, made.body
    token = made.json["api_token"]
    assert desk.get("/tickets.json", token=token["full_token"]).status == 200
    assert desk.get("/tickets.json", token="", headers=basic(email + "/token", token["full_token"])).status == 200
    listed = browser.ask("GET", "/api_tokens")
    assert token["full_token"].encode() not in listed.body
    [shown] = listed.json["api_tokens"]
    assert shown["token"] == token["full_token"][:8] and shown["description"] == "报表" and shown["scopes"] == ["read"]
    assert browser.ask("DELETE", f"/api_tokens/{token['id']}").status == 204
    until(lambda: desk.get("/tickets.json", token=token["full_token"]).status == 401, 5, "the token to be refused")
    assert browser.ask("DELETE", f"/api_tokens/{token['id']}").status == 404


def test_an_expired_token_is_refused(desk):
    email, number = make(desk)
    token = desk.stack.docket("token", "create", "--tenant", desk.tenant.name, "--user", number).stdout.strip()
    assert desk.get("/tickets.json", token=token).status == 200
    desk.stack.sql("UPDATE access.tokens SET expires_at = now() - interval '1 s' WHERE tenant_id = %s AND principal = %s",
                   desk.tenant.number, f"user:{number}", admin=True)
    until(lambda: desk.get("/tickets.json", token=token).status == 401, 5, "the token to be refused")


def test_scopes_cut_what_the_role_may(desk):
    _, number = make(desk, "manager")

    def token(scopes):
        return desk.stack.docket("token", "create", "--tenant", desk.tenant.name, "--user", number, "--scopes", scopes).stdout.strip()

    reader, notes = token("read"), token("tickets:create")
    assert desk.get("/audit_logs", token=reader).status == 200
    assert desk.get("/tickets.json", token=notes).status == 403
    assert desk.post(f"/users/{number}/password", {"password": "x" * 12}, token=token("write")).status == 403  # no manager may
    # a narrow token makes no wide one
    assert desk.post("/api_tokens", {"api_token": {"scopes": ["write"]}}, token=reader).status == 403
    assert desk.post("/api_tokens", {"api_token": {"scopes": ["tickets.read"]}}, token=reader).status == 201
    wrong = desk.post("/api_tokens", {"api_token": {"scopes": ["everything"]}}, token=reader)
    assert wrong.status == 422 and "scopes" in wrong.json["details"]


def test_a_sessions_secret_is_no_token_and_a_token_is_no_session(desk):
    email, _ = make(desk)
    browser = Browser(desk)
    browser.sign_in(email)
    assert desk.get("/tickets.json", token=browser.cookies["docket_session"]).status == 401
    answer = request("GET", desk.url + "/api/v2/tickets.json", headers={"Cookie": f"docket_session={desk.token()}"})
    assert answer.status == 401


def test_another_tenants_tokens_and_sessions_open_nothing_here(desk, other, tenant):
    theirs = Desk(desk.stack, other)
    ticket = tenant.create(subject="ours")
    tenant.stored(ticket)
    unknown = theirs.get("/tickets/1.json")
    assert theirs.get(f"/tickets/{ticket}.json").body == unknown.body and unknown.status == 404
    email, number = make(desk)
    browser = Browser(desk)
    browser.sign_in(email)
    session = browser.ask("GET", "/sessions/me").json["session"]["id"]
    made = browser.ask("POST", "/api_tokens", {"api_token": {}}).json["api_token"]["id"]
    for method, path, body in (("DELETE", f"/sessions/{session}", None), ("DELETE", f"/api_tokens/{made}", None),
                               ("GET", f"/api_tokens/{made}", None),
                               ("POST", f"/users/{number}/password", {"password": "x" * 12})):
        answer = theirs.ask(method, path, body)
        assert answer.status == 404 and answer.body == unknown.body, (method, path, answer.status, answer.body)
    assert browser.ask("GET", "/sessions/me").status == 200


# -- the record -----------------------------------------------------------------------------------------------------------


def test_the_record_of_access_is_for_those_who_may_read_it(desk, other):
    email, number = make(desk)
    Browser(desk).sign_in(email)
    Browser(desk).sign_in(email, "not the password")
    logs = desk.get(f"/audit_logs?filter[source_id]={number}", role="auditor").json["audit_logs"]
    assert [log["action"] for log in logs] == ["sign_in_failed", "sign_in", "user_created"]
    assert email not in str(logs)
    assert logs[1]["actor_id"] == number and logs[1]["ip_address"].endswith(".0/24")
    page = desk.get("/audit_logs?page[size]=2", role="auditor").json
    assert len(page["audit_logs"]) == 2 and page["meta"]["has_more"]
    following = desk.get(page["links"]["next"], role="auditor").json
    assert following["audit_logs"][0]["id"] < page["audit_logs"][1]["id"]
    assert desk.get("/audit_logs", role="agent").status == 403
    assert Desk(desk.stack, other).get(f"/audit_logs?filter[source_id]={number}").json["audit_logs"] == []


def test_nobody_may_change_the_record(stack):
    assert stack.sql("SELECT rolname FROM pg_roles WHERE rolname ~ '^docket_' AND rolname <> 'docket_migrator'"
                     " AND has_table_privilege(oid, 'access.audit', 'UPDATE, DELETE, TRUNCATE')") == []


def test_what_has_passed_its_age_is_swept(desk):
    email, number = make(desk)
    Browser(desk).sign_in(email)
    fail(Browser(desk), email, 1)
    desk.stack.sql("UPDATE access.sessions SET idle_until = now() - interval '2 days' WHERE tenant_id = %s AND user_id = %s",
                   desk.tenant.number, number, admin=True)
    desk.stack.sql("UPDATE access.sign_in_failures SET last_at = now() - interval '2 days'", admin=True)
    desk.stack.sql("UPDATE access.audit SET at = now() - interval '2 years' WHERE tenant_id = %s AND actor = 'nobody'",
                   desk.tenant.number, admin=True)
    assert desk.stack.sql("SELECT access.sweep(100000)", admin=True)[0][0] >= 3
    assert desk.stack.sql("SELECT count(*) FROM access.sessions WHERE tenant_id = %s AND user_id = %s", desk.tenant.number,
                          number) == [(0,)]
    assert desk.stack.sql("SELECT count(*) FROM access.sign_in_failures") == [(0,)]
