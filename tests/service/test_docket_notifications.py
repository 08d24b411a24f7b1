"""`docket notify list|show|retry|drop|destinations|pause|resume`: what the operator sees of what people are told, and what she may do
about it; `docket notify secret`: what outside systems know us by, kept sealed."""
import json
import os
import pty
import subprocess

import pytest

from harness.postgres import BUILD

DOCUMENTS = """
groups: [{name: 售后}]
agents: [{name: lin, title: 林小婉, groups: [售后]}]
systems:
  - {name: 客服群, by: dingtalk}
  - {name: 主管群, by: wecom}
  - {name: erp, by: webhook, address: "https://erp.example/hooks"}
  - {name: 数仓, by: kafka, address: shop.tickets}
"""
ROBOT = "https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef"
ACCOUNT = {"gateway": "aliyun", "key_id": "LTAI0123456789abcdef", "key_secret": "key-secret-0001", "sign_name": "某某商城"}


@pytest.fixture(scope="module")
def docket(server, tmp_path_factory):
    """Runs `docket notify ...`; its rows when it was asked for JSON."""
    ring = tmp_path_factory.mktemp("ring") / "keyring"
    environment = {**os.environ, "DOCKET_POSTGRES": server.url("docket_operator"), "DOCKET_POSTGRES_ADMIN": server.url("docket_migrator"),
                   "DOCKET_KEYRING": str(ring), "NO_COLOR": "1", "TZ": "UTC", "USER": "wang", "LC_ALL": "C.UTF-8"}

    def run(*words, given=None, code=0, first=("notify",)):
        done = subprocess.run([BUILD / "bin/docket", *first, *map(str, words)], env=environment, input=given, text=True,
                              capture_output=True, timeout=120)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        if "--json" in words:
            return [json.loads(line) for line in done.stdout.splitlines()]
        return done
    run.environment = environment
    run("init", first=("keys",))
    for name in ("shop", "other"):
        run("create", name, first=("tenant",))
    run("--tenant", "shop", "-", given=DOCUMENTS, first=("apply",))
    return run


@pytest.fixture
def rows(server, docket):
    """Inserts deliveries as the notifier would; gives their numbers."""
    server.sql("TRUNCATE notify.deliveries, notify.destinations")
    number = server.sql("SELECT tenant_id FROM docket.tenants WHERE name = 'shop'")[0][0]
    count = iter(range(1, 1000))

    def insert(tenant=number, **columns):
        over = columns.get("state", "waiting") != "waiting"
        row = {"tenant_id": tenant, "cause": f"1024.{next(count)}", "notification": "收到工单", "recipient": "requester:7", "way": "mail",
               "ticket_id": 1024, "seq": 1, "revision": 3, "urgent": False, "destination": "mail", "said": '{"ticket":{"id":1024}}',
               **columns}
        names = ", ".join(row)
        places = ", ".join(["%s"] * len(row))
        return server.sql(f"INSERT INTO notify.deliveries ({names}, due, expires, ended_at) VALUES ({places}, now() + interval '1 hour',"
                          f" now() + interval '2 hours', {'now()' if over else 'NULL'}) RETURNING delivery_id", *row.values())[0][0]
    insert.tenant = number
    return insert


def stored(server, number):
    return server.sql("SELECT to_jsonb(d) FROM notify.deliveries d WHERE delivery_id = %s", number)[0][0]


def numbers(listed):
    return [row["delivery"] for row in listed]


# ---- looking ------------------------------------------------------------------------------------------------------------------------

def test_the_newest_come_first_and_filters_narrow_them(server, docket, rows):
    agent = server.sql("SELECT id FROM config.names WHERE kind = 'agent' AND name = 'lin'")[0][0]
    first = rows(state="delivered", status=250)
    second = rows(recipient=f"agent:{agent}", ticket_id=1025, state="refused", reason="554 no such user")
    third = rows(recipient="system:客服群", way="dingtalk", destination="robot:客服群", ticket_id=None)
    other = server.sql("SELECT tenant_id FROM docket.tenants WHERE name = 'other'")[0][0]
    fourth = rows(tenant=other)
    assert numbers(docket("list", "--json")) == [fourth, third, second, first]
    assert numbers(docket("list", "--json", "--tenant", "shop")) == [third, second, first]
    assert numbers(docket("list", "--json", "--tenant", "shop", "--state", "refused")) == [second]
    assert numbers(docket("list", "--json", "--destination", "robot:客服群")) == [third]
    assert numbers(docket("list", "--json", "--ticket", "1025")) == [second]
    assert numbers(docket("list", "--json", "--tenant", "shop", "--person", "lin")) == [second]
    assert numbers(docket("list", "--json", "--tenant", "shop", "--person", "客服群")) == [third]
    assert numbers(docket("list", "--json", "--person", "requester:7")) == [fourth, first]
    limited = docket("list", "--limit", "2", "--tenant", "shop")
    assert "there are more than 2" in limited.stderr and len(limited.stdout.splitlines()) == 3
    text = docket("list", "--tenant", "shop").stdout
    assert "\033" not in text and "lin" in text and "554 no such user" in text
    assert docket("list", "--ticket", "9").stdout == "没有这样的通知 there is no such delivery\n"


def test_the_table_is_aligned_for_wide_characters(docket, rows):
    rows(notification="收到工单")
    rows(notification="ok")
    lines = docket("list", "--tenant", "shop").stdout.splitlines()

    def column_of(line, text):
        before = line[:line.index(text)]
        return sum(2 if ord(c) >= 0x2e80 else 1 for c in before)
    assert column_of(lines[0], "目的地 where") == column_of(lines[1], "mail") == column_of(lines[2], "mail")


def test_only_a_terminal_gets_colours(docket, rows):
    rows(state="refused", reason="no")
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in docket.environment.items() if key != "NO_COLOR"}
    done = subprocess.Popen([BUILD / "bin/docket", "notify", "list"], env=environment, stdout=theirs)
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(ours)
    assert done.wait(60) == 0 and b"\033[31m" in text and b"\033[0m" in text


def test_one_is_shown_whole_and_paused_or_doubtful_ones_say_so(server, docket, rows):
    number = rows(way="dingtalk", destination="robot:客服群", recipient="system:客服群", attempts=3, doubts=1,
                  reason="DingTalk answered 310000: its safety check failed\033[31m")
    server.sql("INSERT INTO notify.destinations (tenant_id, destination, paused_at, paused_why) VALUES (%s, 'robot:客服群', now(), 'why')",
               rows.tenant)
    text = docket("show", number).stdout
    for part in ("暂停 paused", "1024.1", "310000", '{"ticket": {"id": 1024}}', "of which nobody knows"):
        assert part in text, text
    assert "\033" not in text
    [row] = docket("show", number, "--json")
    assert row["said"] == {"ticket": {"id": 1024}} and row["paused"] and row["doubts"] == 1 and row["cause"] == "1024.1"
    assert "there is no delivery" in docket("show", number + 1000, code=1).stderr
    [place] = [row for row in docket("destinations", "--json", "--tenant", "shop") if row["destination"] == "robot:客服群"]
    assert place["waiting"] == 1 and place["paused_why"] == "why"


# ---- retry and drop -----------------------------------------------------------------------------------------------------------------

def test_what_was_refused_is_tried_again_now_and_for_a_day(server, docket, rows):
    number = rows(state="refused", attempts=5, reason="554")
    assert docket("retry", number, "--json") == [{"delivery": number, "done": True}]
    row = stored(server, number)
    assert row["state"] == "waiting" and row["ended_at"] is None and row["attempts"] == 0 and row["lease_no"] == 1
    assert server.sql("SELECT due <= now() AND expires > now() + interval '23 hours' FROM notify.deliveries WHERE delivery_id = %s",
                      number) == [(True,)]


def test_what_was_delivered_is_not_sent_twice(server, docket, rows):
    number = rows(state="delivered", status=250)
    before = stored(server, number)
    done = docket("retry", number, code=1)
    assert "delivered, and is not sent twice" in done.stderr
    assert "was delivered" in docket("drop", number, "--why", "x", code=1).stderr
    assert stored(server, number) == before


def test_an_sms_that_may_have_been_sent_is_repeated_only_by_who_says_so(server, docket, rows):
    number = rows(state="refused", way="sms", destination="sms:aliyun", doubts=1)
    assert "may have been sent" in docket("retry", number, code=1).stderr
    assert stored(server, number)["state"] == "refused"
    docket("retry", number, "--despite-doubt")
    assert stored(server, number)["state"] == "waiting"


def test_what_is_on_its_way_just_now_is_left_alone(server, docket, rows):
    number = rows(lease_by="n1", lease_no=1)
    server.sql("UPDATE notify.deliveries SET lease_until = now() + interval '1 minute' WHERE delivery_id = %s", number)
    assert "on its way" in docket("drop", number, "--why", "x", code=1).stderr
    assert "on its way" in docket("retry", number, code=1).stderr
    server.sql("UPDATE notify.deliveries SET lease_until = now() - interval '1 second' WHERE delivery_id = %s", number)
    docket("drop", number, "--why", "客户撤回", "--by", "吴建国")
    row = stored(server, number)
    # whoever held the lease cannot write its result any more, and what it did is a doubt
    assert (row["state"], row["reason"], row["lease_no"], row["doubts"]) == ("dropped", "dropped by 吴建国: 客户撤回", 2, 1)


def test_a_drop_says_who_and_why_and_needs_a_reason(server, docket, rows):
    number = rows()
    assert "--why" in docket("drop", number, code=2).stderr
    docket("drop", number, "--why", "重复")
    assert stored(server, number)["reason"] == "dropped by wang: 重复"
    assert "dropped before" in docket("drop", number, "--why", "重复", code=1).stderr


def test_many_are_chosen_by_what_they_have_in_common(server, docket, rows):
    here = [rows(destination="https://erp.example:443", way="webhook", state=state) for state in ("waiting", "refused", "delivered")]
    there = rows()
    assert {row["delivery"]: row["done"] for row in docket("retry", "--tenant", "shop", "--destination", "https://erp.example:443", "--json")} == {
        here[0]: True, here[1]: True}
    docket("drop", "--tenant", "shop", "--destination", "https://erp.example:443", "--why", "erp is gone")
    assert [stored(server, number)["state"] for number in here] == ["dropped", "dropped", "delivered"]
    assert stored(server, there)["state"] == "waiting"
    for words in (["retry"], ["retry", "--destination", "mail"], ["drop", "--tenant", "shop", "--why", "x"], ["retry", "x"],
                  ["list", "--state", "lost"], ["retry", "--tenant", "shop", "--state", "failed"], ["show"], ["become"]):
        assert docket(*words, code=2).stderr
    docket("retry", "--tenant", "shop", "--ticket", "77", code=1)
    assert "no such delivery" in docket("retry", there, there + 1000, code=1).stderr


def test_a_destination_is_paused_and_goes_on(server, docket, rows):
    number = rows(destination="robot:客服群", attempts=2)
    docket("pause", "robot:客服群", "--tenant", "shop", "--why", "群在迁移")
    assert server.sql("SELECT paused_why, told_at IS NOT NULL FROM notify.destinations") == [("paused by wang: 群在迁移", True)]
    assert docket("list", "--json")[0]["paused"]
    docket("resume", "robot:客服群", "--tenant", "shop")
    assert server.sql("SELECT paused_at, open_until, failures FROM notify.destinations") == [(None, None, 0)]
    assert server.sql("SELECT due <= now() FROM notify.deliveries WHERE delivery_id = %s", number) == [(True,)]
    assert "did you mean `robot:客服群`" in docket("resume", "robot:客服裙", "--tenant", "shop", code=1).stderr


def test_the_operators_reading_role_changes_nothing(server, docket, rows):
    number = rows(state="refused")
    assert "may not do that" in docket("retry", number, "--postgres", server.url("docket_operator"), code=2).stderr
    assert stored(server, number)["state"] == "refused"


# ---- secrets ------------------------------------------------------------------------------------------------------------------------

@pytest.fixture
def secret(server, docket):
    server.sql("DELETE FROM notify.secrets")

    def run(*words, **more):
        return docket("secret", words[0], *words[1:], "--tenant", "shop", **more)
    return run


def version(server):
    return server.sql("SELECT version FROM notify.secrets_version")[0][0]


def test_a_secret_is_kept_sealed_and_never_shown_again(server, docket, secret):
    before = version(server)
    done = secret("set", "客服群", given=ROBOT + "\n")
    assert "0123456789ab" not in done.stdout + done.stderr and "oapi.dingtalk.com …cdef" in done.stderr
    assert version(server) > before
    secret("set", "客服群", "--kind", "sign", given="SECtestsecret0001\n")
    secret("set", "sms", given=json.dumps(ACCOUNT))
    listed = secret("list", "--json")
    assert {(row["system"], row["kind"], row["hint"], row["created_by"]) for row in listed} == {
        ("客服群", "address", "oapi.dingtalk.com …cdef", "wang"), ("客服群", "sign", "…0001", "wang"),
        ("sms", "sms", "aliyun 某某商城 …cdef", "wang")}
    kept = server.sql("SELECT encode(sealed, 'escape') || hint FROM notify.secrets")
    for piece in ("access_token", "SECtest", "key-secret"):
        assert not any(piece in row[0] for row in kept)
    text = secret("list")
    assert "客服群" in text.stdout and "缺 `erp`" in text.stderr and "缺 `主管群`" in text.stderr


def test_a_webhooks_secret_before_stays_good_until_the_next_one(server, docket, secret):
    [made] = secret("set", "erp", "--new", "--json")
    assert made["secret"].startswith("whsec_") and not made["previous_is_good"]
    again = secret("set", "erp", "--new")
    assert again.stdout.startswith("whsec_") and again.stdout.count("\n") == 1 and "still good" in again.stderr
    assert [row["previous"] for row in secret("list", "--json")] == [False, True]
    secret("set", "erp", "--new")
    assert server.sql("SELECT count(*) FROM notify.secrets") == [(2,)]
    assert secret("remove", "erp", "--previous", "--json") == [{"removed": 1}]
    secret("set", "erp", "--new", "--at-once")
    assert server.sql("SELECT count(*), min(manner) FROM notify.secrets") == [(1, "standard")]
    secret("set", "erp", "--manner", "zendesk", given="sixteen-bytes-or-more")  # signed otherwise: the one before is of no use
    assert server.sql("SELECT count(*), min(manner) FROM notify.secrets") == [(1, "zendesk")]
    assert secret("remove", "erp", "--json") == [{"removed": 1}]
    assert "no such secret" in secret("remove", "erp", code=1).stderr


@pytest.mark.parametrize("words, given, code, said", [
    (["set", "客服裙"], ROBOT, 1, "did you mean `客服群`?"), (["set", "客服群"], "", 2, "standard input"),
    (["set", "客服群"], "http://oapi.dingtalk.com/robot/send?access_token=topsecret", 2, "https://"),
    (["set", "主管群"], ROBOT, 2, "qyapi.weixin.qq.com"), (["set", "主管群", "--kind", "sign"], "x", 2, "no kind `sign`"),
    (["set", "数仓"], "x", 2, "needs no secret"), (["set", "erp"], "topsecret", 2, ""),
    (["set", "erp", "--manner", "github"], "x", 2, "standard, zendesk or pagerduty"), (["set", "客服群", "--new"], "x", 2, "for webhooks"),
    (["set", "sms"], '{"gateway":"aliyun","key_secret":"topsecret"}', 2, "`key_id` is missing"),
    (["set", "客服群", "--kind", "sign"], "topsecret", 2, "begin with SEC"), (["set"], "", 2, "list, set SYSTEM or remove SYSTEM"),
    (["set", "客服群"], "x" * 5000, 2, "longer than 4 KiB")])
def test_what_is_no_secret_is_refused_and_not_repeated(server, secret, words, given, code, said):
    done = secret(*words, given=given, code=code)
    assert said in done.stderr and "topsecret" not in done.stderr, done.stderr
    assert server.sql("SELECT count(*) FROM notify.secrets") == [(0,)]


def test_a_terminal_does_not_show_what_is_typed(docket, server, secret):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(BUILD / "bin/docket", ["docket", "notify", "secret", "set", "客服群", "--tenant", "shop"], docket.environment)
    text = b""
    while b"): " not in text:
        text += os.read(terminal, 4096)
    os.write(terminal, ROBOT.encode() + b"\n")
    try:
        while part := os.read(terminal, 4096):
            text += part
    except OSError:
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, text
    assert b"access_token" not in text
    assert server.sql("SELECT hint FROM notify.secrets") == [("oapi.dingtalk.com …cdef",)]


def test_neither_the_operator_nor_the_notifier_reads_more_than_it_needs(server, secret):
    secret("set", "客服群", given=ROBOT)
    with pytest.raises(Exception, match="permission denied"):
        server.sql("SELECT sealed FROM notify.secrets", role="docket_operator")
    with pytest.raises(Exception, match="permission denied"):
        server.sql("SELECT sealed FROM notify.secrets", role="docket_notifier")
    assert len(server.sql("SELECT * FROM notify.load_secrets(0, '', '', 0::smallint, 10)", role="docket_notifier")) == 1
