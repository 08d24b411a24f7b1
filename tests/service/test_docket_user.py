"""docket user: who may sign in at the desk, made and changed by the operator."""
import itertools
import json

import pytest

from harness.desk import Desk

DOCUMENTS = """
groups: [{name: 售后}]
agents:
  - {name: lin, title: 林小婉, groups: [售后]}
  - {name: wu, title: 吴建国, groups: [售后]}
roles: [{name: 质检, based_on: auditor}]
"""
PASSWORD = "long enough for anybody"
counter = itertools.count(1)


@pytest.fixture(scope="module")
def tenant(stack):
    return stack.tenant(DOCUMENTS)


@pytest.fixture(scope="module")
def user(stack, tenant):
    def run(verb, *words, password=PASSWORD, ok=True):
        done = stack.docket("user", verb, *words, "--tenant", tenant.name, stdin=f"{password}\n", check=ok)
        return done if not ok else [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return run


@pytest.fixture(scope="module")
def desk(stack, tenant):
    return Desk(stack, tenant)


def email():
    return f"operator-made-{next(counter)}@example.com"


def sign_in(desk, who, password=PASSWORD):
    return desk.post("/sessions", {"session": {"email": who, "password": password, "tenant": desk.tenant.name}}, token="").status


def test_a_user_is_made_once_and_listed_without_her_address(stack, tenant, user):
    who = email()
    [made] = user("create", "--email", who, "--role", "质检", "--name", "质检一", "--json")
    assert made["role"] == "质检"
    again = user("create", "--email", who.upper(), "--role", "agent", ok=False)
    assert again.returncode == 1 and "already" in again.stderr
    [same] = user("create", "--email", who, "--role", "agent", "--if-missing", "--json")
    assert same["user_id"] == made["user_id"] and same["did"] == "exists"
    rows = user("list", "--json")
    assert [row for row in rows if row["user_id"] == made["user_id"]][0]["name"] == "质检一"
    assert who not in json.dumps(rows)
    stored = stack.sql("SELECT to_jsonb(u)::text FROM access.users u WHERE user_id = %s", made["user_id"], admin=True)[0][0]
    assert who not in stored and PASSWORD not in stored and "$argon2id$" in stored


def test_every_agent_of_the_documents_at_once(desk, user):
    made = user("create", "--agents", f"{next(counter)}.example", "--json")
    assert {row["did"] for row in made} == {"created"} and len(made) == 2
    again = user("create", "--agents", "another.example", "--if-missing", "--json")
    assert {row["did"] for row in again} == {"exists"}
    assert sign_in(desk, f"lin@{next(counter) - 1}.example") == 201


def test_password_role_and_suspension_are_changed_by_address_number_or_agents_name(desk, user):
    who = email()
    [made] = user("create", "--email", who, "--role", "agent", "--json")
    user("password", who, "--json", password="another long one")
    assert (sign_in(desk, who), sign_in(desk, who, "another long one")) == (401, 201)
    assert user("role", made["user_id"], "lead", "--json")[0]["role"] == "lead"
    user("suspend", made["user_id"])
    assert sign_in(desk, who, "another long one") == 401
    user("suspend", who, "--lift")
    assert sign_in(desk, who, "another long one") == 201
    user("role", "lin", "lead")


@pytest.mark.parametrize("words, code, said", [
    (["create", "--email", "no address", "--role", "agent"], 2, "no e-mail address"),
    (["create", "--email", "a@b.cn", "--role", "agnet"], 1, "did you mean `agent`?"),
    (["create", "--email", "a@b.cn", "--agent", "lim"], 1, "did you mean `lin`?"),
    (["create", "--role", "agent"], 2, "--email"), (["create", "--email", "a@b.cn"], 2, "--role"),
    (["password", "nobody@b.cn"], 1, "no user"), (["suspend", "1"], 1, "no user"), (["role", "lin", "king"], 1, "no role"),
    (["become"], 2, "docket user --help")])
def test_what_cannot_be_is_said(user, words, code, said):
    done = user(*words, ok=False)
    assert done.returncode == code and said in done.stderr, done.stderr


def test_a_short_password_is_refused_and_not_repeated(user):
    done = user("create", "--email", email(), "--role", "agent", password="short", ok=False)
    assert done.returncode == 2 and "10" in done.stderr and "short" not in done.stderr
