"""Every endpoint of the desk with every role, without credentials, with ones that are over, and from another tenant.

The routes come from the desk itself (docket-desk --routes), so a new one is walked without being named here; what a role may is
written down by hand below, right by right."""
import itertools
import json
import re
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.desk import Desk
from harness.stack import BUILD, until

DOCUMENTS = """
settings: {default_group: 售后}
kinds: [咨询, 售后]
groups: [{name: 售后}, {name: 物流}]
agents:
  - {name: lin, groups: [售后], capacity: 5, duty: off}
  - {name: zhao, groups: [售后], capacity: 5, duty: off}
  - {name: qian, groups: [售后], capacity: 5, duty: off}
rules:
  - {name: 物流, when: {all: [{text: {contains: [包裹]}}]}, set: {group: 物流, kind: 咨询}}
  - {name: 问, when: {all: [{text: {contains: [请问]}}]}, set: {group: 售后, kind: 咨询}}
  - {name: 其余, set: {group: 售后, kind: 售后}}
roles:
  - {name: 售后专员, based_on: agent, reach: {groups: [售后], kinds: [售后]}}
"""
STAFF = {"agent", "lead", "manager", "administrator", "auditor", "售后专员"}
WORKING = STAFF - {"auditor"}  # she reads everything and changes nothing
EVERYBODY = STAFF | {"customer"}
MAY = {  # by right, who has it
    "-": EVERYBODY,
    "tickets.read": EVERYBODY,
    "tickets.create": WORKING | {"customer"},
    "tickets.reply": WORKING | {"customer"},
    "tickets.note": WORKING,
    "notes.read": STAFF,
    "tickets.edit": WORKING,
    "tickets.claim": WORKING,
    "tickets.transfer": WORKING,
    "tickets.solve": WORKING | {"customer"},
    "tickets.merge": WORKING,
    "tickets.delete": {"manager", "administrator"},
    "tickets.export": {"manager", "administrator", "auditor"},
    "personal.show": WORKING,
    "ledger.read": STAFF,
    "audit.read": {"manager", "administrator", "auditor"},
    "users.read": STAFF,
    "users.manage": {"administrator"},
    "tokens.manage": {"administrator"},
    "duty.own": WORKING,
    "duty.others": {"lead", "manager", "administrator"},
    "config.read": STAFF,
    "config.manage": {"administrator"},
    "reports.read": {"lead", "manager", "administrator", "auditor"},
}
# What handlers ask beyond their route's right: who is refused with 403 although she has that.
BEYOND = {
    "GET /api/v2/users/{id}/sessions": EVERYBODY - MAY["users.manage"],
    "DELETE /api/v2/users/{id}/sessions": EVERYBODY - MAY["users.manage"],
    "GET /api/v2/users/{id}/personal": EVERYBODY - MAY["users.manage"],  # of colleagues; of customers see below
    "POST /api/v2/uploads": {"auditor"},
}
NOBODY_HAS = 900_000_000_000


def routes():
    said = subprocess.run([BUILD / "bin/docket-desk", "--routes"], capture_output=True, text=True, check=True, timeout=20).stdout
    for line in said.splitlines():
        method, path, right, _, *flags = line.split()
        yield pytest.param(method, path, right, set(flags), id=f"{method} {path.removeprefix('/api/v2')}")


ROUTES = list(routes())


def is_ticket(path):
    return path.startswith(("/api/v2/tickets/{id}", "/api/v2/requests/{id}"))


class Company:
    """A tenant with somebody of each role, three tickets, and an id of everything that has one."""

    def __init__(self, stack):
        self.stack, self.tenant, self.other = stack, stack.tenant(DOCUMENTS), stack.tenant(DOCUMENTS)
        self.desk, self.other_desk = Desk(stack, self.tenant), Desk(stack, self.other)
        customer = {"name": "李小满", "email": "li.xiaoman@example.com"}
        self.mine = self.tenant.create(subject="退款", comment={"body": "退款五天没到"}, requester=customer)
        self.logistics = self.tenant.create(subject="快递", comment={"body": "包裹没更新"}, requester={"email": "b@example.com"})
        self.question = self.tenant.create(subject="发票", comment={"body": "请问发票"}, requester={"email": "c@example.com"})
        self.tickets = [self.mine, self.logistics, self.question]
        for ticket in self.tickets:
            self.tenant.stored(ticket)
        self.users = {role: self.user(role, email, *words) for role, email, words in [
            ("customer", customer["email"], []), ("agent", "lin@example.com", ["--agent", "lin"]),
            ("lead", "zhao@example.com", ["--agent", "zhao"]), ("售后专员", "qian@example.com", ["--agent", "qian"]),
            ("manager", "m@example.com", []), ("administrator", "a@example.com", []), ("auditor", "r@example.com", [])]}
        self.bystander = self.user("manager", "bystander@example.com")
        self.tokens = {role: self.token(user) for role, user in self.users.items()}
        self.over = self.token(self.users["administrator"])
        stack.sql("UPDATE access.tokens SET expires_at = now() - interval '1 second' WHERE tenant_id = %s AND hint = %s",
                  self.tenant.number, self.over[:8], admin=True)
        until(lambda: self.desk.get("/tickets", token=self.over).status == 401, 10, "the token to be over")

    def user(self, role, email, *words):
        said = self.stack.docket("user", "create", "--tenant", self.tenant.name, "--email", email, "--role", role, "--json", *words,
                                 stdin="correct horse battery\n").stdout
        return json.loads(said)["user_id"]

    def token(self, user):
        answer = self.desk.post("/api_tokens", {"api_token": {"user_id": user}})
        assert answer.status == 201, answer.body
        return answer.json["api_token"]["full_token"]

    def real(self, path):
        """The path with ids that are there."""
        if not hasattr(self, "ids"):
            self.ids = self.find_ids()
        family = path.removeprefix("/api/v2/").split("/")[0]
        return self.fill(path, *self.ids[family])

    def unknown(self, path):
        family = path.removeprefix("/api/v2/").split("/")[0]
        name = str(uuid.UUID(int=7)) if family == "job_statuses" else "nobody-has-this"
        return self.fill(path, NOBODY_HAS, name)

    @staticmethod
    def fill(path, number, name="nobody-has-this"):
        return re.sub(r"\{name\}", str(name), re.sub(r"\{id\}", str(number), path)).removeprefix("/api/v2")

    def find_ids(self):
        desk, administrator = self.desk, self.tokens["administrator"]

        def first(path, member):
            answer = desk.get(path, token=administrator)
            return answer.json[member][0]["id"] if answer.status == 200 and answer.json[member] else NOBODY_HAS

        upload = desk.ask("POST", "/uploads?filename=a.txt", b"text\n", token=administrator, headers={"Content-Type": "text/plain"})
        job = desk.put(f"/tickets/update_many?ids={NOBODY_HAS}", {"ticket": {"tags": ["x"]}}, token=administrator)
        organization = desk.post("/organizations", {"organization": {"name": "示例企业"}}, token=administrator)
        group = first("/groups", "groups")
        attached = upload.json["upload"]["attachment"]["id"] if upload.status == 201 else NOBODY_HAS
        return {
            "tickets": (self.mine,), "requests": (self.mine,), "users": (self.bystander,), "groups": (group,),
            "group_memberships": (first("/group_memberships", "group_memberships"),), "memberships": (group,),
            "organizations": (organization.json["organization"]["id"] if organization.status == 201 else NOBODY_HAS,),
            "organization_memberships": (self.bystander,), "views": (3,), "attachments": (attached, "a.txt"), "api_tokens": (first("/api_tokens", "api_tokens"),),
            "uploads": (NOBODY_HAS, upload.json["upload"]["token"] if upload.status == 201 else "none"),
            "job_statuses": (NOBODY_HAS, job.json["job_status"]["id"] if job.status == 200 else uuid.uuid4()),
            "sessions": (1,), "presence": (self.users["agent"],), "agents": (self.users["agent"],),
            "ticket_fields": (first("/ticket_fields", "ticket_fields"),), "ticket_forms": (first("/ticket_forms", "ticket_forms"),),
            "custom_roles": (first("/custom_roles", "custom_roles"),), "links": (NOBODY_HAS, "nobodys"),
        }

    def ask(self, method, path, token, body=True):
        send = {} if method in ("POST", "PUT", "PATCH") and body else None
        return self.desk.ask(method, path, send, token=token)


@pytest.fixture(scope="module")
def company(stack):
    return Company(stack)


def refused(route, role, right, flags):
    """Is 403 the answer, whatever the request is about?"""
    return ((role == "customer" and "customer" not in flags) or role not in MAY[right]
            or role in BEYOND.get(route, set()))


@pytest.mark.parametrize("method, path, right, flags", ROUTES)
def test_each_route_answers_each_role_by_its_right(company, method, path, right, flags):
    """Reading asks for what is there, changing for what is not: so nothing is changed, and whoever may gets another answer than 403."""
    at = company.real(path) if method == "GET" and "{" in path else company.unknown(path)
    for role, token in company.tokens.items():
        answer = company.ask(method, at, token)
        about = f"{role}: {method} {at} gave {answer.status} {answer.body[:300]!r}"
        if "open" in flags:
            assert answer.status < 500, about
        elif refused(f"{method} {path}", role, right, flags):
            assert answer.status == 403, about
            assert answer.json["error"]["message"], about
        else:
            assert answer.status not in (401, 403) and answer.status < 500, about


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_a_customers_personal_data_is_shown_to_whom_it_concerns(company, role):
    answer = company.desk.get(f"/users/{company.users['customer']}/personal", token=company.tokens[role])
    assert answer.status == (200 if role in MAY["personal.show"] else 403), answer.body


@pytest.mark.parametrize("method, path, right, flags", ROUTES)
def test_without_credentials_nothing_is_answered_but_who_are_you(company, method, path, right, flags):
    if "open" in flags:
        return
    at = company.unknown(path)
    for token in ("", company.over, "dkt_nobody"):
        answer = company.ask(method, at, token)
        assert answer.status == 401 and answer.json == {"error": "Couldn't authenticate you"}, (token, answer.status, answer.body)


# Good enough for whatever a path wants to be told.
ANYTHING = {"ticket": {"priority": "low"}, "tags": ["x"], "satisfaction_rating": {"score": "good"}, "group": "物流", "note": "请接手",
            "request": {"comment": {"body": "x"}}, "user": {"name": "x"}, "organization": {"name": "x"}, "password": "correct horse"}


def both(company, method, path, flags, real, unknown):
    """What another tenant's administrator is answered about the one and the other."""
    send = ANYTHING if "json" in flags else None
    return [(answer.status, answer.body) for answer in (company.other_desk.ask(method, at, send) for at in (real, unknown))]


@pytest.mark.parametrize("method, path, right, flags", [r for r in ROUTES if "{" in r.values[1] and not is_ticket(r.values[1])])
def test_another_tenants_id_is_byte_for_byte_an_unknown_one(company, method, path, right, flags):
    if "/views/" in path:  # the built-in ones have the same numbers everywhere
        return
    theirs, nobodys = both(company, method, path, flags, company.real(path), company.unknown(path))
    assert theirs == nobodys


def test_another_tenants_ticket_is_byte_for_byte_one_that_nobody_has(company):
    """Ids this young are waited for, whosever they are: all paths at once, against the next id that nobody was given."""
    about = [r.values for r in ROUTES if is_ticket(r.values[1])]
    unknown = company.mine + 40_000

    def ask(route):
        method, path, _, flags = route
        real, never = (path.removeprefix("/api/v2").replace("{id}", str(ticket)) for ticket in (company.mine, unknown))
        return both(company, method, path, flags, real, never)

    with ThreadPoolExecutor(8) as pool:
        for route, (theirs, nobodys) in zip(about, pool.map(ask, about)):
            assert theirs == nobodys, route
            assert theirs[0] in (404, 503), (route, theirs)
    assert company.tenant.row(company.mine)["status"] not in ("deleted", "solved")


# -- one ticket, reached or not -------------------------------------------------------------------------------------------

REACH = {  # refund in 售后 of kind 售后; parcel in 物流; question in 售后 of kind 咨询
    "customer": (True, False, False), "agent": (True, False, True), "lead": (True, False, True), "售后专员": (True, False, False),
    "manager": (True, True, True), "administrator": (True, True, True), "auditor": (True, True, True)}


@pytest.mark.parametrize("role", sorted(STAFF))
def test_a_ticket_not_reached_is_not_there_on_any_path(company, role):
    token = company.tokens[role]
    gone = company.ask("GET", f"/tickets/{NOBODY_HAS}", token)
    for ticket, reached in zip(company.tickets, REACH[role]):
        for method, path, right, flags in (r.values for r in ROUTES):
            if not path.startswith("/api/v2/tickets/{id}") or (method != "GET" and reached) or role not in MAY[right]:
                continue
            at = path.removeprefix("/api/v2").replace("{id}", str(ticket))
            answer = company.desk.ask(method, at, ANYTHING if "json" in flags else None, token=token)
            if reached:
                assert answer.status == 200, (ticket, path, answer.status, answer.body)
            else:
                assert (answer.status, answer.body) == (gone.status, gone.body), (ticket, path)


ACTIONS = {
    "reply": ("PUT", "", {"ticket": {"comment": {"body": "抱歉久等", "public": True}}}, "tickets.reply"),
    "note": ("PUT", "", {"ticket": {"comment": {"body": "已核实", "public": False}}}, "tickets.note"),
    "edit": ("PUT", "", {"ticket": {"subject": "改由"}}, "tickets.edit"),
    "tag": ("PUT", "/tags", {"tags": ["由"]}, "tickets.edit"),
    "acknowledge": ("POST", "/acknowledge", None, "tickets.edit"),
}


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("role", sorted(STAFF))
def test_a_ticket_that_is_reached_takes_what_the_role_may(company, role, name):
    method, behind, body, right = ACTIONS[name]
    body = json.loads(json.dumps(body).replace(json.dumps("由")[1:-1], json.dumps(role)[1:-1]))  # each something of her own
    for ticket, reached in zip(company.tickets, REACH[role]):
        answer = company.desk.ask(method, f"/tickets/{ticket}{behind}", body, token=company.tokens[role])
        expected = 404 if not reached else 200 if role in MAY[right] else 403
        assert answer.status == expected, (ticket, answer.status, answer.body)


LISTS = ["/tickets", "/tickets?page[size]=2", "/tickets/show_many?ids={all}", "/views/3/tickets", "/views/3/tickets?page[size]=1",
         "/incremental/tickets/cursor.json?start_time=1", "/users/{requester}/tickets/requested"]
LISTS = [path for path in LISTS
         if re.sub(r"views/3|\{requester\}", lambda m: m[0].replace("3", "{id}").replace("{requester}", "{id}"), path).split("?")[0]
         .removesuffix(".json") in {r.values[1].removeprefix("/api/v2") for r in ROUTES}]


@pytest.mark.parametrize("role", sorted(EVERYBODY))
@pytest.mark.parametrize("path", LISTS)
def test_lists_hold_what_is_reached_and_nothing_else(company, role, path):
    stack, number = company.stack, company.tenant.number
    if "incremental" in path:  # which leaves out the last minute
        stack.sql("UPDATE desk.ticket_index SET generated_at = now() - interval '1 hour' WHERE tenant_id = %s", number, admin=True)
    at = path.replace("{all}", ",".join(map(str, company.tickets))).replace("{requester}", str(company.users["customer"]))
    seen, answer = [], company.desk.get(at, token=company.tokens[role])
    if answer.status == 403:
        assert role not in MAY["tickets.export"] or role == "customer", answer.body
        assert "incremental" in path or role == "customer", (at, answer.body)
        return
    for _ in itertools.count():
        assert answer.status == 200, (at, answer.status, answer.body)
        page = answer.json
        seen += [ticket["id"] for ticket in page["tickets"]]
        following = page.get("links", {}).get("next") or page.get("next_page")
        if not following:
            break
        answer = company.desk.get(following, token=company.tokens[role])
    there = [ticket for ticket, reached in zip(company.tickets, REACH[role])
             if reached and ("requested" not in path or ticket == company.mine)]
    assert sorted(seen) == sorted(there)


@pytest.mark.parametrize("role", sorted(STAFF))
def test_counts_are_of_what_is_reached(company, role):
    def counted():
        answer = company.desk.get("/views/3/count", token=company.tokens[role])
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json["view_count"]["value"] == sum(REACH[role])
    until(counted, 10, f"{sum(REACH[role])} tickets to be counted")
