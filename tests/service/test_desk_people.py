"""Users, groups, memberships and organizations as clients of Zendesk know them; personal data masked, and shown only behind a row
in the record; and one of 售后 sees 售后 only."""
import itertools
import json
import urllib.parse

import pytest

from harness.desk import Desk
from harness.stack import until, within

DOCUMENTS = """
kinds: [咨询, 售后]
groups: [{name: 售后, title: 售后服务组}, {name: 物流}, {name: 技术}]
agents:
  - {name: lin, title: 林小婉, groups: [售后, 物流], capacity: 5, duty: off}
  - {name: wu, title: 吴建国, groups: [物流], capacity: 5, duty: off}
rules:
  - {name: 售后, when: {all: [{text: {contains: [退款]}}]}, set: {group: 售后, kind: 售后, category: 退款}}
  - {name: 技术, when: {all: [{text: {contains: [接口]}}]}, set: {group: 技术, kind: 咨询, category: 技术}}
  - {name: 其余, set: {group: 物流, kind: 咨询, category: 其他}}
roles:
  - {name: 售后专员, based_on: agent, reach: {groups: [售后], kinds: [售后]}}
"""
counter = itertools.count(1)


def email():
    return f"person{next(counter)}@customer.example"


@pytest.fixture(scope="module")
def tenant(stack):
    return stack.tenant(DOCUMENTS)


@pytest.fixture(scope="module")
def desk(stack, tenant):
    return Desk(stack, tenant)


@pytest.fixture(scope="module")
def other(stack):
    return Desk(stack, stack.tenant(DOCUMENTS))


@pytest.fixture(scope="module")
def agents(desk):
    return {user["alias"]: user["id"] for user in desk.get("/users.json?role=agent").json["users"] if user["alias"]}


def token(desk, number, *words):
    return desk.stack.docket("token", "create", "--tenant", desk.tenant.name, "--user", number, *words).stdout.strip()


def make(desk, **user):
    answer = desk.post("/users.json", {"user": user})
    assert answer.status == 201, answer.body
    return answer.json["user"]


# -- one space of people --------------------------------------------------------------------------------------------------


def test_agents_of_the_documents_are_users_with_their_groups(desk, agents):
    assert set(agents) == {"lin", "wu"}
    lin = desk.get(f"/users/{agents['lin']}.json").json["user"]
    assert lin["name"] == "林小婉" and lin["role"] == "agent" and lin["active"]
    groups = desk.get(f"/users/{agents['lin']}/groups.json").json["groups"]
    assert sorted(group["name"] for group in groups) == sorted(["售后服务组", "物流"])
    assert lin["default_group_id"] in {group["id"] for group in groups}


def test_whoever_asked_for_something_is_a_user_with_masked_data(desk, tenant):
    who = email()
    ticket = tenant.create(requester={"name": "张小明", "email": who, "phone": "13812345678"})
    requester = tenant.stored(ticket)["requester_id"]
    user = desk.get(f"/users/{requester}.json").json["user"]
    assert user["role"] == "end-user" and user["name"] == "张**"
    assert user["email"].startswith("p***@") and user["phone"] == "138****5678"
    assert who not in json.dumps(user)
    for query in (f"query=email:{who}", f"query={who}", f"query={who.upper()}"):
        assert [found["id"] for found in desk.get(f"/users/search.json?{query}").json["users"]] == [requester]


def test_a_page_of_users_goes_on_where_the_one_before_ended(desk):
    for _ in range(5):
        make(desk, email=email(), name="某人")
    every = desk.get("/users.json?per_page=100").json["users"]
    ids = [user["id"] for user in every]
    assert ids == sorted(set(ids)) and len(ids) >= 7
    walked, page = [], desk.get("/users.json?page[size]=2")
    while True:
        assert page.status == 200, page.body
        walked += [user["id"] for user in page.json["users"]]
        if not page.json["links"]["next"]:
            break
        page = desk.get(page.json["links"]["next"])
    assert walked == ids
    assert [u["id"] for u in desk.get("/users.json?sort=-id&page[size]=3").json["users"]] == ids[::-1][:3]
    second = desk.get("/users.json?per_page=2&page=2").json
    assert [user["id"] for user in second["users"]] == ids[2:4] and second["previous_page"]
    assert {user["role"] for user in desk.get("/users.json?role=end-user").json["users"]} == {"end-user"}
    assert "end-user" not in {user["role"] for user in desk.get("/users.json?role=agent").json["users"]}


def test_a_user_is_made_changed_found_and_deleted(desk):
    who = email()
    made = make(desk, name="李四", email=who, external_id="crm-7", tags=["vip"], notes="常客", phone="13900001111")
    assert made["role"] == "end-user" and made["external_id"] == "crm-7" and made["tags"] == ["vip"] and made["name"] == "李*"
    path = f"/users/{made['id']}.json"
    again = desk.post("/users.json", {"user": {"name": "x", "email": who}})
    assert again.status == 422 and again.json["details"]["email"][0]["error"] == "DuplicateValue"
    changed = desk.put(path, {"user": {"notes": "", "tags": [], "name": "王五六", "phone": "13700002222"}})
    assert changed.status == 200, changed.body
    user = changed.json["user"]
    assert user["notes"] == "" and user["tags"] == [] and user["name"] == "王**" and user["phone"] == "137****2222"
    assert user["email"] == made["email"] and user["external_id"] == "crm-7"
    assert desk.get("/users/search.json?external_id=crm-7").json["users"][0]["id"] == made["id"]
    assert [u["id"] for u in desk.get("/users/show_many.json?external_ids=crm-7,x").json["users"]] == [made["id"]]
    assert desk.delete(path).status == 200
    gone = desk.get(path).json["user"]
    assert not gone["active"] and gone["name"] == "" and gone["email"] is None and gone["external_id"] is None
    assert desk.stack.sql("SELECT personal FROM ticket.requesters WHERE id = %s", made["id"]) == [([],)]


def test_create_or_update_is_the_same_person_by_address(desk):
    who = email()
    first = desk.post("/users/create_or_update.json", {"user": {"name": "甲", "email": who}})
    second = desk.post("/users/create_or_update.json", {"user": {"name": "乙丙", "email": who.upper(), "notes": "n"}})
    assert (first.status, second.status) == (201, 200), (first.body, second.body)
    assert first.json["user"]["id"] == second.json["user"]["id"]
    assert second.json["user"]["name"] == "乙*" and second.json["user"]["notes"] == "n"


def test_staff_are_made_with_a_role_and_sign_in_with_the_password_they_are_given(desk, agents):
    who = email()
    lead = make(desk, name="主管", email=who, role="lead")
    assert lead["role"] == "agent" and lead["docket_role"] == "lead" and lead["email"] != who
    assert desk.post(f"/users/{lead['id']}/password", {"password": "a long enough one"}).status == 204
    answer = desk.post("/sessions", {"session": {"email": who, "password": "a long enough one", "tenant": desk.tenant.name}},
                       token="")
    assert answer.status == 201, answer.body
    wu = make(desk, email=email(), agent="wu")
    assert wu["id"] == agents["wu"] and wu["name"] == "吴建国"
    assert desk.delete(f"/users/{wu['id']}").status == 422  # the documents have her
    me = desk.get("/users/me.json", token=token(desk, lead["id"])).json["user"]
    assert me["email"] == who and "duty.others" in me["rights"] and "users.manage" not in me["rights"]


@pytest.mark.parametrize("user, field", [
    ({"name": "x"}, "email"), ({"email": "no address"}, "email"), ({"email": 7}, "email"), ({"role": "king", "email": "a@b.cn"}, "role"),
    ({"email": "a@b.cn", "tags": "x"}, "tags"), ({"email": "a@b.cn", "organization_id": 99}, "organization_id"),
    ({"email": "a@b.cn", "custom_role_id": 1}, "custom_role_id"), ({"email": "a@b.cn", "agent": "nobody"}, "agent"),
    ({"role": "agent", "email": "a@b.cn"}, "name"), ({"email": "a@b.cn", "name": "x" * 300}, "name"),
    ({"email": "a@b.cn", "suspended": "yes"}, "suspended")])
def test_what_is_wrong_with_a_user_is_named(desk, user, field):
    answer = desk.post("/users.json", {"user": user})
    assert answer.status == 422 and field in answer.json["details"], answer.body


@pytest.mark.parametrize("text", ["'; DROP TABLE access.users; --", "\\", "%", "x' OR '1'='1", "\u202e反", "😀" * 20])
def test_every_text_is_a_text(desk, text):
    made = make(desk, name=text, email=email(), external_id=f"{text}{next(counter)}", role="agent", notes=text, tags=[text])
    assert made["name"] == text and made["notes"] == text and made["tags"] == [text]
    found = desk.get(f"/users/search.json?query={urllib.parse.quote(text)}")
    assert found.status == 200, found.body


def test_who_may_not_manage_users_makes_customers_and_nobody_else(desk, agents):
    lin = token(desk, agents["lin"])
    made = desk.post("/users.json", {"user": {"name": "客户", "email": email()}}, token=lin)
    assert made.status == 201, made.body
    assert desk.post("/users.json", {"user": {"name": "x", "email": email(), "role": "agent"}}, token=lin).status == 403
    assert desk.put(f"/users/{made.json['user']['id']}", {"user": {"notes": "n"}}, token=lin).status == 200
    assert desk.put(f"/users/{made.json['user']['id']}", {"user": {"suspended": True}}, token=lin).status == 403
    assert desk.put(f"/users/{agents['wu']}", {"user": {"name": "x"}}, token=lin).status == 403
    assert desk.put(f"/users/{agents['lin']}", {"user": {"role": "admin"}}, token=lin).status == 403
    assert desk.delete(f"/users/{made.json['user']['id']}", token=lin).status == 403
    assert desk.post("/users.json", {"user": {"email": email()}}, role="auditor").status == 403


def test_nobody_rises_above_himself(desk):
    """Whoever manages users as somebody's own role gives nothing that he does not have."""
    number = make(desk, name="经理", email=email(), role="manager")["id"]
    manager = token(desk, number)
    admin = make(desk, name="管理员", email=email(), role="admin")["id"]
    for path, body in ((f"/users/{number}", {"user": {"role": "admin"}}), (f"/users/{admin}", {"user": {"suspended": True}})):
        assert desk.put(path, body, token=manager).status == 403
    assert desk.put(f"/users/{admin}", {"user": {"role": "end-user"}}).status == 422


def test_a_suspended_user_may_do_nothing_within_five_seconds(desk):
    number = make(desk, name="甲乙", email=email(), role="manager")["id"]
    shown = token(desk, number)
    assert desk.get("/users/me.json", token=shown).status == 200
    assert desk.put(f"/users/{number}", {"user": {"suspended": True}}).json["user"]["suspended"]
    within(lambda: desk.get("/users.json", token=shown).status == 401, 5, "the token to be refused")


# -- many at once ----------------------------------------------------------------------------------------------------------


def create_many(desk, users, **how):
    answer = desk.post("/users/create_many.json", {"users": users}, **how)
    assert answer.status == 200, answer.body
    path = f"/job_statuses/{answer.json['job_status']['id']}.json"
    return desk.until(path, lambda a: a.json["job_status"]["status"] == "completed", **how).json["job_status"]


def test_many_users_are_made_by_one_request_each_with_an_answer_of_her_own(desk, tenant):
    organization = desk.post("/organizations.json", {"organization": {"name": f"org {next(counter)}"}}).json["organization"]["id"]
    addresses = [email() for _ in range(3)]
    status = create_many(desk, [
        {"name": "周一一", "email": addresses[0], "organization_id": organization, "external_id": "many-1"},
        {"name": "没有地址"}, {"name": "周二二", "email": addresses[0]},
        {"name": "林主管", "email": addresses[1], "role": "lead"}, {"email": addresses[2], "phone": "13812345678", "tags": "x"}])
    assert status["job_type"] == "create_many" and (status["total"], status["progress"]) == (5, 5)
    results = status["results"]
    assert [r["success"] for r in results] == [True, False, False, True, False] and [r["index"] for r in results] == [0, 1, 2, 3, 4]
    assert [(r["action"], r.get("status")) for r in results if r["success"]] == [("create", "Created")] * 2
    assert results[1]["error"] == "RecordInvalid" and "须有邮箱或电话" in results[1]["details"]
    assert "email: " in results[2]["details"] and "tags: " in results[4]["details"]
    first, lead = (desk.get(f"/users/{results[n]['id']}").json["user"] for n in (0, 3))
    assert first["organization_id"] == organization and first["external_id"] == "many-1" and addresses[0] not in json.dumps(first)
    assert lead["docket_role"] == "lead" and lead["name"] == "林主管"
    stored = desk.stack.sql("SELECT encode(work, 'escape') FROM desk.jobs WHERE tenant_id = %s", tenant.number)
    assert stored and all("customer.example" not in work for work, in stored)
    log = desk.get("/audit_logs?filter[action]=user_created").json["audit_logs"]
    assert {entry["detail"]["item"] for entry in log if entry["detail"].get("job") == status["id"]} == {0, 2, 3}


def test_nobody_makes_by_a_batch_whom_he_may_not_make_alone(desk, agents):
    lin = token(desk, agents["lin"])
    status = create_many(desk, [{"email": email()}, {"email": email(), "role": "admin"}, {"email": email(), "suspended": True}], token=lin)
    assert [r["success"] for r in status["results"]] == [True, False, False]
    assert status["results"][1]["error"] == "Forbidden"
    for body in ({}, {"users": []}, {"users": {}}, {"users": ["x"]}, {"users": [{}] * 101}):
        assert desk.post("/users/create_many", body).status == 400, body


def test_users_that_a_dead_desk_had_made_are_not_made_twice(desk, tenant):
    status = create_many(desk, [{"name": "甲", "email": email()}, {"name": "乙主管", "role": "lead"}, {"name": "丙"}])
    people = desk.stack.sql("SELECT count(*) FROM access.users WHERE tenant_id = %s", tenant.number)
    # As if a desk had died between making the second one and saying so.
    desk.stack.sql("UPDATE desk.jobs SET done = 1, results = jsonb_build_array(results -> 0), ended_at = NULL, status = 'working',"
                   " lease_by = 'desk-9', lease_until = now() - interval '1 second' WHERE tenant_id = %s AND job_id = %s",
                   tenant.number, status["id"], admin=True)
    again = desk.until(f"/job_statuses/{status['id']}", lambda a: a.json["job_status"]["status"] == "completed").json["job_status"]
    assert again["results"] == status["results"]
    assert desk.stack.sql("SELECT count(*) FROM access.users WHERE tenant_id = %s", tenant.number) == people


def test_me_is_the_one_who_asks_and_nobody_is_anonymous(desk, agents):
    assert desk.get("/users/me.json", token=token(desk, agents["lin"])).json["user"]["id"] == agents["lin"]
    nobody = desk.get("/users/me.json", token="").json["user"]
    assert nobody["name"] == "Anonymous user" and nobody["id"] is None
    program = desk.get("/users/me.json").json["user"]
    assert program["role"] == "admin"


def test_another_tenants_people_do_not_exist(desk, other, agents):
    unknown = other.get("/users/1.json")
    assert unknown.status == 404
    mine = make(desk, email=email(), external_id="only mine")["id"]
    for path in (f"/users/{mine}.json", f"/users/{agents['lin']}.json", f"/users/{mine}/personal.json",
                 f"/groups/{desk.get('/groups.json').json['groups'][0]['id']}.json"):
        answer = other.get(path)
        assert (answer.status, answer.body) == (404, unknown.body), path
    assert other.put(f"/users/{mine}", {"user": {"name": "x"}}).body == unknown.body
    assert other.delete(f"/users/{mine}").body == unknown.body
    assert other.get(f"/users/show_many.json?ids={mine},{agents['lin']}").json["users"] == []
    assert other.get("/users/search.json?external_id=only%20mine").json["users"] == []


# -- groups ----------------------------------------------------------------------------------------------------------------


def test_groups_and_memberships_are_the_documents(desk, agents):
    groups = desk.get("/groups.json").json
    assert groups["count"] == 3 and [g["name"] for g in groups["groups"]] == ["售后服务组", "物流", "技术"]
    assert desk.get("/groups/assignable.json").json["count"] == 3
    first = groups["groups"][0]
    assert desk.get(f"/groups/{first['id']}.json").json["group"] == first
    members = desk.get("/group_memberships.json").json["group_memberships"]
    assert len(members) == 3
    assert {m["group_id"] for m in members if m["user_id"] == agents["lin"]} == {g["id"] for g in groups["groups"][:2]}
    assert desk.get(f"/group_memberships/{members[0]['id']}.json").json["group_membership"] == members[0]
    assert desk.get(f"/users/{agents['wu']}/group_memberships.json").json["count"] == 1
    assert desk.get(f"/groups/{first['id']}/memberships.json").json["count"] == 1
    assert desk.get(f"/group_memberships.json?user_id={agents['wu']}").json["count"] == 1
    page = desk.get("/group_memberships.json?page[size]=2").json
    assert page["meta"]["has_more"] and page["group_memberships"] == members[:2]
    assert desk.get(page["links"]["next"]).json["group_memberships"] == members[2:]
    assert desk.get("/groups/1.json").status == 404


def test_the_people_of_a_group_are_its_agents_page_by_page(desk, other, agents):
    by_name = {group["docket_name"]: group["id"] for group in desk.get("/groups.json").json["groups"]}
    both = sorted(agents.values())
    people = desk.get(f"/groups/{by_name['物流']}/users.json").json["users"]
    assert [user["id"] for user in people] == both and {user["name"] for user in people} == {"林小婉", "吴建国"}
    assert [user["id"] for user in desk.get(f"/groups/{by_name['售后']}/users").json["users"]] == [agents["lin"]]
    assert desk.get(f"/groups/{by_name['技术']}/users").json["users"] == []
    page = desk.get(f"/groups/{by_name['物流']}/users?page[size]=1").json
    assert [user["id"] for user in page["users"]] == both[:1] and page["meta"]["has_more"]
    last = desk.get(page["links"]["next"]).json
    assert [user["id"] for user in last["users"]] == both[1:] and last["links"]["next"] is None
    assert [user["id"] for user in desk.get(last["links"]["prev"]).json["users"]] == both[:1]
    assert [user["id"] for user in desk.get(f"/groups/{by_name['物流']}/users?sort=-id").json["users"]] == both[::-1]
    unknown = desk.get("/groups/1/users.json")
    assert unknown.status == 404 and other.get(f"/groups/{by_name['物流']}/users.json").body == unknown.body


# -- organizations ---------------------------------------------------------------------------------------------------------


def test_an_organization_is_made_changed_found_and_deleted(desk):
    made = desk.post("/organizations.json", {"organization": {"name": "海蓝商贸", "domain_names": ["hailan.example"],
                                                               "external_id": "o-1", "tags": ["vip"]}})
    assert made.status == 201, made.body
    organization = made.json["organization"]
    path = f"/organizations/{organization['id']}.json"
    assert desk.get(path).json["organization"] == organization
    twice = desk.post("/organizations.json", {"organization": {"name": "海蓝商贸"}})
    assert twice.status == 422 and "name" in twice.json["details"]
    assert desk.put(path, {"organization": {"notes": "大客户"}}).json["organization"]["notes"] == "大客户"
    assert desk.put(path, {"organization": {"name": ""}}).status == 422
    found = desk.get(f"/organizations/autocomplete.json?name={urllib.parse.quote('海')}").json["organizations"]
    assert [o["id"] for o in found] == [organization["id"]]
    assert desk.get("/organizations/search.json?external_id=o-1").json["organizations"][0]["id"] == organization["id"]
    assert desk.get(f"/organizations/show_many.json?ids={organization['id']}").json["count"] == 1
    same = desk.post("/organizations/create_or_update.json", {"organization": {"name": "海蓝商贸", "details": "d"}})
    assert same.json["organization"]["id"] == organization["id"] and same.json["organization"]["notes"] == "大客户"

    by_domain = make(desk, email=f"x{next(counter)}@HaiLan.example")
    assert by_domain["organization_id"] == organization["id"]
    by_hand = make(desk, email=email(), organization_id=organization["id"])
    assert [u["id"] for u in desk.get(f"/organizations/{organization['id']}/users.json").json["users"]] == sorted(
        [by_domain["id"], by_hand["id"]])
    assert desk.delete(path).status == 204
    assert desk.get(path).status == 404
    assert desk.get(f"/users/{by_hand['id']}").json["user"]["organization_id"] is None


def test_a_person_belongs_to_one_organization_and_the_membership_has_her_number(desk, other, agents):
    first, second = (desk.post("/organizations.json", {"organization": {"name": f"org {next(counter)}"}}).json["organization"]["id"]
                     for _ in range(2))
    people = [make(desk, email=email(), organization_id=first)["id"] for _ in range(3)]
    make(desk, email=email())
    of_first = desk.get(f"/organizations/{first}/organization_memberships.json").json["organization_memberships"]
    assert [(m["id"], m["user_id"], m["organization_id"], m["default"]) for m in of_first] == [(p, p, first, True) for p in people]
    shown = desk.get(f"/organization_memberships/{people[0]}.json").json["organization_membership"]
    assert shown == of_first[0]
    assert desk.get(f"/users/{people[1]}/organization_memberships").json["organization_memberships"] == of_first[1:2]
    assert desk.get(f"/organization_memberships?organization_id={first}&user_id={people[2]}").json["organization_memberships"] == of_first[2:]
    page = desk.get(f"/organization_memberships.json?organization_id={first}&page[size]=2").json
    assert page["organization_memberships"] == of_first[:2] and page["meta"]["has_more"]
    assert desk.get(page["links"]["next"]).json["organization_memberships"] == of_first[2:]

    another = desk.post("/organization_memberships.json", {"organization_membership": {"user_id": people[0], "organization_id": second}})
    assert another.status == 422 and "organization_id of the user" in another.body.decode()
    assert desk.get(f"/users/{people[0]}").json["user"]["organization_id"] == first
    assert desk.delete(f"/organization_memberships/{people[0]}").status == 405
    assert desk.put(f"/users/{people[0]}.json", {"user": {"organization_id": second}}).status == 200
    assert desk.get(f"/organization_memberships/{people[0]}").json["organization_membership"]["organization_id"] == second
    assert desk.put(f"/users/{people[0]}.json", {"user": {"organization_id": None}}).status == 200
    unknown = desk.get(f"/organization_memberships/{people[0]}")
    assert unknown.status == 404 and other.get(f"/organization_memberships/{people[1]}").body == unknown.body
    assert other.get(f"/organization_memberships?user_id={people[1]}").json["organization_memberships"] == []
    assert desk.get("/organization_memberships?user_id=0").status == 400


def test_a_ticket_belongs_to_the_organization_of_its_requester(desk, tenant):
    organization = desk.post("/organizations.json", {"organization": {"name": f"org {next(counter)}"}}).json["organization"]
    ticket = tenant.create(subject="退款", comment={"body": "请退款"}, requester={"email": email()})
    requester = tenant.stored(ticket)["requester_id"]
    assert desk.get(f"/tickets/{ticket}.json").json["ticket"]["organization_id"] is None
    assert desk.put(f"/users/{requester}.json", {"user": {"organization_id": organization["id"]}}).status == 200
    seen = desk.get(f"/tickets/{ticket}.json?include=organizations").json
    assert seen["ticket"]["organization_id"] == organization["id"]
    assert [o["id"] for o in seen["organizations"]] == [organization["id"]]


def test_organizations_of_another_tenant_do_not_exist_and_agents_do_not_make_them(desk, other, agents):
    made = desk.post("/organizations.json", {"organization": {"name": f"org {next(counter)}"}}).json["organization"]
    unknown = other.get("/organizations/1.json").body
    path = f"/organizations/{made['id']}.json"
    for method, body in (("GET", None), ("PUT", {"organization": {"name": "x"}}), ("DELETE", None)):
        answer = other.ask(method, path, body)
        assert (answer.status, answer.body) == (404, unknown), method
    lin = token(desk, agents["lin"])
    assert desk.post("/organizations.json", {"organization": {"name": "x"}}, token=lin).status == 403
    assert desk.get(path, token=lin).status == 200


# -- personal data ---------------------------------------------------------------------------------------------------------


def shown(desk, target):
    return desk.stack.sql("SELECT actor FROM access.audit WHERE tenant_id = %s AND action = 'personal_shown' AND target = %s"
                          " ORDER BY audit_id", desk.tenant.number, target)


def test_personal_data_is_shown_to_those_it_concerns_and_leaves_a_row(desk, tenant, agents):
    who = email()
    ticket = tenant.create(subject="退款", comment={"body": "请退款，打 13812345678"},
                           requester={"name": "张小明", "email": who, "phone": "13900007777"})
    row = tenant.stored(ticket)
    requester = row["requester_id"]
    lin, wu = (token(desk, agents[name]) for name in ("lin", "wu"))
    answer = desk.get(f"/tickets/{ticket}/personal.json", token=lin)
    assert answer.status == 200, answer.body
    personal = answer.json["personal"]
    assert {f["field"]: f["value"] for f in personal["requester"]} == {"name": "张小明", "email": who, "phone": "13900007777"}
    assert any("13812345678" in f["value"] for f in personal["fields"])
    assert shown(desk, f"ticket:{ticket}") == [(f"user:{agents['lin']}",)]
    until(lambda: desk.get(f"/users/{requester}/personal.json", token=lin).status == 200, 20, "the projection to follow")
    fields = desk.get(f"/users/{requester}/personal.json", token=lin).json["personal"]["fields"]
    assert {f["field"]: f["value"] for f in fields}["email"] == who
    before = len(shown(desk, f"user:{requester}"))
    # of a group that she is not in: as if there were no such ticket, and nobody shown
    unknown = desk.get("/tickets/1/personal.json", token=wu)
    assert desk.get(f"/tickets/{ticket}/personal.json", token=wu).body == unknown.body and unknown.status == 404
    assert desk.get(f"/users/{requester}/personal.json", token=wu).status == 404
    assert desk.get(f"/tickets/{ticket}/personal.json", role="auditor").status == 403
    assert len(shown(desk, f"user:{requester}")) == before and len(shown(desk, f"ticket:{ticket}")) == 1


def test_of_colleagues_only_those_who_manage_them_see_the_address(desk, agents):
    who = email()
    number = make(desk, name="同事", email=who, role="lead")["id"]
    assert desk.get(f"/users/{number}/personal.json").json["personal"]["fields"] == [{"field": "email", "value": who}]
    assert desk.get(f"/users/{number}/personal.json", token=token(desk, agents["lin"])).status == 403
    assert desk.get(f"/users/{number}/personal.json", token=token(desk, number)).status == 200


# -- an own role -----------------------------------------------------------------------------------------------------------


def test_one_of_aftersales_sees_aftersales_only(desk, tenant):
    mine = tenant.create(subject="退款一", requester={"email": email()})
    theirs = tenant.create(subject="接口坏了", requester={"email": email()})
    rows = {ticket: tenant.stored(ticket) for ticket in (mine, theirs)}
    who = make(desk, name="专员", email=email(), role="售后专员")
    assert who["docket_role"] == "售后专员" and who["role"] == "agent" and who["custom_role_id"]
    narrow = token(desk, who["id"])
    until(lambda: mine in [t["id"] for t in desk.get("/tickets.json?per_page=100", token=narrow).json["tickets"]], 20, "the list")
    assert desk.get(f"/tickets/{mine}.json", token=narrow).status == 200
    assert desk.get(f"/tickets/{theirs}.json", token=narrow).body == desk.get("/tickets/1.json", token=narrow).body
    listed = desk.get("/tickets.json?per_page=100&include=users,groups", token=narrow).json
    ids = [ticket["id"] for ticket in listed["tickets"]]
    assert mine in ids and theirs not in ids
    assert {group["name"] for group in listed["groups"]} == {"售后服务组"}
    people = {user["id"] for user in listed["users"]}
    assert rows[mine]["requester_id"] in people and rows[theirs]["requester_id"] not in people
    many = desk.get(f"/tickets/show_many.json?ids={mine},{theirs}&include=users", token=narrow).json
    assert [ticket["id"] for ticket in many["tickets"]] == [mine]
    assert rows[theirs]["requester_id"] not in {user["id"] for user in many["users"]}
    until(lambda: desk.get("/tickets/count.json", token=narrow).json["count"]["value"] == len(ids), 20, "the count to follow")
    assert desk.get("/tickets/count.json").json["count"]["value"] > len(ids)
    assert desk.get("/incremental/tickets/cursor.json?start_time=0", token=narrow).status == 403
    roles = desk.get("/custom_roles.json", token=narrow).json["custom_roles"]
    assert roles[0]["docket_name"] == "售后专员" and who["custom_role_id"] == roles[0]["id"]


def test_a_customer_sees_himself_and_no_other_user(desk):
    who = make(desk, name="顾客", email=email())
    stranger = make(desk, name="别人", email=email())
    customer = token(desk, who["id"])
    assert desk.get("/users/me.json", token=customer).json["user"]["id"] == who["id"]
    assert desk.get(f"/users/{who['id']}.json", token=customer).status == 200
    unknown = desk.get("/users/1.json", token=customer)
    assert desk.get(f"/users/{stranger['id']}.json", token=customer).body == unknown.body and unknown.status == 404
    for path in ("/users.json", "/groups.json", "/organizations.json", "/audit_logs", f"/users/{who['id']}/personal.json"):
        assert desk.get(path, token=customer).status == 403, path
