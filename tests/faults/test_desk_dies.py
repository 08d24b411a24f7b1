"""A desk that dies or freezes between two stores loses nothing and doubles nothing: its gatherer, through its driver, at each of
its crash points, and PostgreSQL killed under it."""
import http.client
import signal
import urllib.error

import psycopg2
import pytest

from harness.changes import Changes, edit
from harness.desk import Desk
from harness.shop import Shop
from harness.stack import until

SHOP = """
settings: {default_group: 售后}
groups: [{name: 售后, title: 售后组}]
agents: [{name: an, title: 安, groups: [售后], capacity: 1, duty: on}]
"""
POINTS = ["after-commit", "after-outbox-publish", "after-outbox-delete"]


@pytest.fixture(scope="module")
def shop(stack):
    tenant = stack.tenant(SHOP)
    until(lambda: stack.redis().get(f"d:{{{tenant.number}}}:epoch"), what="Redis to know the tenant")
    return tenant


def next_held(shop):
    """The ticket that an has now, and one that waits for her."""
    waiting = shop.create()
    held = until(lambda: [r[0] for r in shop.stack.sql(
        "SELECT id FROM ticket.tickets WHERE tenant_id = %s AND status = 'assigned'", shop.number)], what="a ticket to be assigned")[0]
    if held == waiting:
        return next_held(shop)
    until(lambda: (shop.row(waiting) or {}).get("version"), what="the other one to wait")
    return held


@pytest.mark.parametrize("how", ["die", "freeze"])
@pytest.mark.parametrize("point", POINTS)
def test_a_desk_that_stops_between_two_stores(shop, point, how):
    held = next_held(shop)
    asked = edit(held, shop.row(held)["version"], tenant=shop.number, set={"status": "solved"}, comment={"public": 1, "body": "好了"})
    shop.stack.all_published()  # or it would stop over what somebody else has left
    victim = Changes(shop.stack, crash=f"{point}:{how}")
    victim.send("ask", edits=[asked])
    if point != "after-commit":  # its client has been answered by then
        assert victim.read()["answers"][0]["edit"]["fate"] == "done"
        victim.send("idle")
    if how == "die":
        assert victim.process.wait(120) == -signal.SIGKILL
    else:
        until(lambda: open(f"/proc/{victim.process.pid}/stat").read().rsplit(")", 1)[1].split()[0] == "T", what="it to freeze")
    # whoever asked asks again, at another desk: one row
    other = Changes(shop.stack)
    [again] = other.ask(asked)
    assert again["fate"] == "replayed"
    until(lambda: shop.stack.sql("SELECT count(*) FROM ticket.outbox") == [(0,)], what="an empty outbox")
    if how == "freeze":
        victim.process.send_signal(signal.SIGCONT)
        if point == "after-commit":
            assert victim.read()["answers"][0]["edit"]["fate"] == "done"
        assert victim.idle() if point == "after-commit" else victim.read()["idle"]
        victim.close()
    other.close()
    assert [r["payload"]["set"] for r in shop.ledger(held)].count({"status": "solved"}) == 1
    until(lambda: shop.stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s AND status = 'assigned'", shop.number) == [(1,)],
          what="the freed room to be taken")
    shop.stack.verify()


def test_postgresql_killed_under_it(shop):
    """Whatever was answered is there; whatever was not is asked again and done once."""
    driver, ids = Changes(shop.stack), [shop.create() for _ in range(20)]
    for id in ids:
        shop.stored(id)
    asked = [edit(id, shop.row(id)["version"], tenant=shop.number, comment={"body": f"第{i}句", "public": 1}) for i, id in enumerate(ids)]
    driver.send("ask", edits=asked)
    shop.stack.kill("postgres")
    until(lambda: shop.stack.state("postgres") in (None, "Z"), what="PostgreSQL to be gone")
    shop.stack.start("postgres")
    answers = driver.read()["answers"]
    rest = [a for a, answer in zip(asked, answers) if answer["outcome"] != "stored"]

    def ask_the_rest():
        rest[:] = [a for a, answer in zip(rest, driver.answers(*rest)) if answer["outcome"] != "stored"] if rest else []
        return not rest
    until(ask_the_rest, 40, "PostgreSQL to be back")
    for i, id in enumerate(ids):
        said = [r for r in shop.ledger(id) if r["payload"].get("comment", {}).get("body") == f"第{i}句"]
        assert len(said) == 1
    assert driver.idle()
    driver.close()
    shop.stack.verify()


def test_with_redis_away_room_that_was_freed_meanwhile_is_taken_afterwards(shop):
    held = next_held(shop)
    shop.stack.kill("redis")
    driver = Changes(shop.stack)
    [told] = driver.ask(edit(held, shop.row(held)["version"], tenant=shop.number, set={"status": "solved"}))
    assert told["fate"] == "done" and driver.idle()
    driver.close()
    shop.stack.start("redis")
    until(lambda: shop.stack.sql("SELECT count(*) FROM ticket.tickets WHERE tenant_id = %s AND status = 'assigned' AND id <> %s",
                                 shop.number, held) == [(1,)], 40, "the freed room to be taken")
    shop.stack.verify()


# -- over HTTP ---------------------------------------------------------------------------------------------------------

def test_a_desk_that_has_just_started_does_not_know_yet_who_somebody_is_and_does_not_deny_it(stack):
    """What an agent may is in the documents; until they are read the answer is 503, not 401."""
    stack.up("--desk", 1)
    shop = Shop(stack)
    lin = shop.user("lin")
    assert shop.desk.get("/users/me.json", token=lin).status == 200
    stack.stop("desk-1")
    reader = psycopg2.connect(stack.environment["DOCKET_POSTGRES_ADMIN"])
    seen = []

    def asked(n):
        """It has answered so often."""
        try:
            seen.append(shop.desk.get("/users/me.json", token=lin, again=False).status)
        except (urllib.error.URLError, ConnectionError):
            pass
        return len(seen) >= n
    try:
        with reader.cursor() as cursor:
            cursor.execute("LOCK TABLE config.documents IN ACCESS EXCLUSIVE MODE")
            starting = stack.start_without_waiting("desk-1")
            until(lambda: asked(20), 60, "the desk to answer")
            assert set(seen) == {503}
        reader.rollback()
        starting.wait(120)
        until(lambda: asked(21) and seen[-1] == 200, 60, "the desk to know")
    finally:
        reader.close()
    assert set(seen) == {503, 200}


@pytest.mark.parametrize("point", POINTS)
def test_a_client_whose_desk_dies_asks_again_and_there_is_one_change(stack, point):
    """Asked again at the same version it is told that the ticket has moved on, and finds its own words in it."""
    stack.up("--desk", 1)
    shop = stack.tenant(SHOP)
    desk, ticket = Desk(stack, shop), shop.create()
    desk.until(f"/tickets/{ticket}", lambda a: a.status == 200 and a.json["ticket"]["assignee_id"], 40)
    asked = {"ticket": {"version": shop.row(ticket)["version"], "status": "pending", "comment": {"body": "请稍等"}}}
    stack.all_published()  # what the documents told would be swept by the desk that starts, which would die of it before it is asked
    stack.stop("desk-1")
    stack.start("desk-1", DOCKET_CRASH=f"{point}:die")
    try:
        answered = desk.put(f"/tickets/{ticket}", asked, timeout=60).status  # 503 only while nothing is done yet: asked again
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError):
        answered = None
    assert answered is None if point == "after-commit" else answered in (None, 200)
    until(lambda: stack.state("desk-1") in (None, "Z"), 40, "the desk to die")
    stack.start("desk-1")
    assert desk.put(f"/tickets/{ticket}", asked, timeout=60).status == 409
    shown = desk.ticket(ticket)
    assert (shown["status"], shown["version"]) == ("pending", asked["ticket"]["version"] + 1)
    said = [comment["body"] for comment in desk.get(f"/tickets/{ticket}/comments").json["comments"]]
    assert said.count("请稍等") == 1
    until(lambda: stack.sql("SELECT count(*) FROM ticket.outbox") == [(0,)], 40, "what it left to be swept")
    stack.verify()


def test_a_job_whose_desk_is_killed_is_ended_by_another_and_nothing_is_done_twice(stack):
    stack.up("--desk", 2)
    shop = stack.tenant(SHOP)
    desk = Desk(stack, shop)
    tickets = [shop.create(subject=f"s{n}", comment={"body": "b"}) for n in range(80)]
    for ticket in tickets:
        shop.stored(ticket)
    ids, killed = ",".join(map(str, tickets)), None
    for words in ("一", "二", "三", "四", "五"):  # a quick one may be done before it can be killed
        name = desk.put(f"/tickets/update_many?ids={ids}", {"ticket": {"comment": {"body": words, "public": False}}}).json["job_status"]["id"]

        def taken():
            return stack.sql("SELECT lease_by, done FROM desk.jobs WHERE tenant_id = %s AND job_id = %s AND done > 2", shop.number, name)
        (killed, done), = until(taken, 60, "some of the job to be done", every=0.005)
        stack.signal(killed)
        until(lambda: stack.state(killed) in (None, "Z"), 20, "the desk to be gone")
        if stack.sql("SELECT ended_at IS NULL FROM desk.jobs WHERE tenant_id = %s AND job_id = %s", shop.number, name) == [(True,)]:
            break
        stack.start(killed)
    other = Desk(stack, shop, url=stack.gate_of("desk-2" if killed == "desk-1" else "desk-1"))
    other.tokens = desk.tokens  # a job is shown to whoever asked for it
    # as if its half a minute were over
    stack.sql("UPDATE desk.jobs SET lease_until = now() WHERE tenant_id = %s AND job_id = %s", shop.number, name, admin=True)
    ended = other.until(f"/job_statuses/{name}", lambda a: a.status == 200 and a.json["job_status"]["status"] == "completed", 90).json["job_status"]
    assert [(r["id"], r["success"]) for r in ended["results"]] == [(ticket, True) for ticket in tickets]
    said = stack.sql("SELECT ticket_id, count(*) FROM ticket.ledger WHERE tenant_id = %s AND payload -> 'comment' ->> 'body' = %s"
                     " GROUP BY 1 ORDER BY 1", shop.number, words)
    assert said == [(ticket, 1) for ticket in sorted(tickets)]
    stack.start(killed)
    stack.verify()
