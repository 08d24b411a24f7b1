"""libcommon/store's edits against a real PostgreSQL: what people do to tickets, whoever else is writing."""
import concurrent.futures
import itertools
import json
import uuid

import pytest

from harness.store import Driver, ticket

AGENT, REQUESTER, SYSTEM = 2, 4, 8


@pytest.fixture
def pg(server):
    server.empty()
    return server


@pytest.fixture
def router(pg):
    driver = Driver(pg.url("docket_router"))
    yield driver
    driver.close()


@pytest.fixture
def desk(pg):
    driver = Driver(pg.url("docket_desk"))
    yield driver
    driver.close()


def edit(id, version, tenant=1, cause=None, **more):
    return {"tenant": tenant, "id": id, "version": version, "cause": cause or uuid.uuid4().hex, **more}


def row_of(pg, id):
    return pg.sql("SELECT to_jsonb(t) FROM ticket.tickets t WHERE id = %s", id)[0][0]


def ledger(pg, id):
    return [row[0] for row in pg.sql("SELECT to_jsonb(l) FROM ticket.ledger l WHERE ticket_id = %s ORDER BY seq", id)]


def outbox(pg):
    return [(topic, bytes(key).decode()) for topic, key in pg.sql("SELECT topic, key FROM ticket.outbox ORDER BY outbox_id")]


def held(router, **more):
    """A ticket that agent 7 has, at version 2."""
    asked = ticket(assignee=7, **more)
    router.new(asked)
    return asked["id"]


def test_an_edit_sets_what_it_names_and_leaves_the_rest(pg, router, desk):
    id = held(router, tags=["旧"], custom_fields='{"a": 1}', priority="low")
    before = row_of(pg, id)
    [told] = desk.edit(edit(id, 2, set={
        "status": "in_progress", "priority": "urgent", "kind": "售后", "category": "物流", "subject": "新题 '\"\\",
        "tags": ["急件", 'a,"b\\'], "custom_fields": '{"b": [1, {"c": null}]}', "external_id": "X-1", "requester_id": 10 ** 12 + 7,
        "form_id": 1044, "followup_of": 77, "satisfaction": "offered", "collaborator_ids": [10 ** 12 + 9, 10 ** 12 + 8],
        "follower_ids": [8, 9], "problem_id": 78}))
    assert told["fate"] == "done" and told["place"]["version"] == 3 and told["place"]["status"] == "in_progress"
    after = row_of(pg, id)
    changed = {k: after[k] for k in after if after[k] != before[k]}
    assert changed.pop("updated_at") and changed == {
        "version": 3, "status": "in_progress", "priority": "urgent", "kind": "售后", "category": "物流", "subject": "新题 '\"\\",
        "tags": ["急件", 'a,"b\\'], "custom_fields": {"b": [1, {"c": None}]}, "external_id": "X-1", "requester_id": 10 ** 12 + 7,
        "form_id": 1044, "followup_of": 77, "satisfaction": "offered", "collaborator_ids": [10 ** 12 + 9, 10 ** 12 + 8],
        "follower_ids": [8, 9], "problem_id": 78}
    last = ledger(pg, id)[-1]
    assert (last["seq"], last["kind"], last["actor"]) == (3, "ticket_updated", "agent:7")
    assert last["payload"]["set"] == {k: v for k, v in changed.items() if k != "version"}
    assert told["row"]["event_bytes"] > 0

    [told] = desk.edit(edit(id, 3, set={"form_id": 0, "followup_of": 0, "tags": [], "custom_fields": "", "follower_ids": [], "problem_id": 0}))
    after = row_of(pg, id)
    assert (after["form_id"], after["followup_of"], after["tags"], after["custom_fields"]) == (None, None, [], {})
    assert after["problem_id"] is None
    assert (after["follower_ids"], after["collaborator_ids"]) == ([], [10 ** 12 + 9, 10 ** 12 + 8])
    assert after["subject"] == "新题 '\"\\" and after["assignee_id"] == 7


def test_a_comment_stands_in_the_ledger_and_changes_nothing_else(pg, router, desk):
    id = held(router)
    before = row_of(pg, id)
    [told] = desk.edit(edit(id, 2, comment={"public": 1, "author_id": 7, "body": "您好，\n\"已补发\"", "mentions": "[1012]",
                                            "attachments": '[{"id":5,"name":"a.png"}]', "personal": '[{"field":"x"}]'}))
    assert told["fate"] == "done"
    assert {k for k, v in row_of(pg, id).items() if v != before[k]} == {"version", "updated_at"}
    assert ledger(pg, id)[-1]["payload"] == {"set": {}, "reason": {}, "comment": {
        "public": True, "author_id": 7, "body": "您好，\n\"已补发\"", "html": False, "channel": "api", "mentions": [1012],
        "attachments": [{"id": 5, "name": "a.png"}], "personal": [{"field": "x"}]}}
    assert outbox(pg) == [("docket.events", str(id))]  # nobody's load changed


def test_whoever_gains_or_loses_room_is_named_to_the_router(pg, router, desk):
    id = held(router)
    for asked, expected in [
            (dict(set={"status": "pending"}), ["1:7"]),
            (dict(set={"status": "in_progress"}), ["1:7"]),
            (dict(set={"assignee_id": 8, "status": "assigned"}, note="交接"), ["1:7", "1:8"]),
            (dict(set={"status": "new", "assignee_id": 0, "group_id": 1002}, note="给二线"), ["1:8", f"1:t{id}"]),
            (dict(set={"priority": "urgent"}), [f"1:t{id}"]),
            (dict(set={"subject": "x"}), []),
            (dict(set={"status": "on_hold", "assignee_id": 9}), [f"1:t{id}"]),
            (dict(set={"status": "solved"}), []),
            (dict(set={"status": "assigned"}, actor_kind=REQUESTER), ["1:9"]),
            (dict(set={"status": "solved"}), ["1:9"]),
            (dict(set={"status": "new", "assignee_id": 0}, actor_kind=REQUESTER), [f"1:t{id}"]),
            (dict(set={"status": "in_progress", "assignee_id": 7}), ["1:7"]),
            (dict(set={"status": "deleted"}), ["1:7"])]:
        pg.sql("DELETE FROM ticket.outbox")
        [told] = desk.edit(edit(id, row_of(pg, id)["version"], **asked))
        assert told["fate"] == "done", asked
        assert outbox(pg) == [("docket.events", str(id))] + [("docket.signals", key) for key in expected], asked
        assert [(o[1], o[2]) for o in told["outbox"]] == outbox(pg)
        assert [o[0] for o in told["outbox"]] == [r[0] for r in pg.sql("SELECT outbox_id FROM ticket.outbox ORDER BY 1")]


def test_what_the_table_of_transitions_forbids_is_not_written(pg, router, desk):
    id = held(router)
    new = ticket()
    router.new(new)
    for asked in [edit(id, 2, set={"status": "closed"}),
                  edit(id, 2, set={"status": "on_hold"}, actor_kind=REQUESTER),
                  edit(id, 2, set={"status": "deleted"}, actor_kind=REQUESTER),
                  edit(id, 2, set={"assignee_id": 0}),                       # assigned to nobody
                  edit(id, 2, set={"assignee_id": 8}),                       # handed on without a word
                  edit(id, 2, set={"group_id": 1002}),
                  edit(id, 2, set={"requester_id": 0}),
                  edit(id, 2, comment={"body": "x" * (64 * 1024 + 1)}),
                  edit(new["id"], 2, set={"assignee_id": 7}),                # `new` waits for somebody
                  edit(new["id"], 2, set={"status": "assigned"})]:
        [told] = desk.edit(asked)
        assert told["fate"] == "illegal" and told["row"] is None and told["outbox"] == [], asked
    assert desk.edit(edit(id, 2, set={"assignee_id": 8, "status": "assigned"}, comment={"body": "请接手"}))[0]["fate"] == "done"
    assert desk.edit(edit(999_999, 1, set={"subject": "x"}))[0]["fate"] == "no_ticket"
    assert desk.edit(edit(id, 3, tenant=2, set={"subject": "x"}))[0]["fate"] == "no_ticket"
    assert len(ledger(pg, id)) == 3 and len(ledger(pg, new["id"])) == 2


def test_a_ticket_that_has_moved_on_is_shown_and_left_alone(pg, router, desk):
    id = held(router)
    desk.edit(edit(id, 2, set={"status": "in_progress"}))
    [told] = desk.edit(edit(id, 2, set={"status": "solved"}))
    assert told["fate"] == "overtaken" and told["place"]["version"] == 3 and told["place"]["status"] == "in_progress"
    assert row_of(pg, id)["status"] == "in_progress"


def test_the_same_cause_again_finds_its_own_footprints(pg, router, desk):
    id = held(router)
    asked = edit(id, 2, set={"status": "solved"}, comment={"body": "好了", "public": 1})
    [first] = desk.edit(asked)
    pg.sql("DELETE FROM ticket.outbox")
    [again] = desk.edit(asked)
    assert again["fate"] == "replayed" and again["row"]["seq"] == 3 and again["at_ms"] == first["at_ms"]
    assert again["row"]["event_bytes"] == first["row"]["event_bytes"] and again["place"]["version"] == 3
    assert len(ledger(pg, id)) == 3 and outbox(pg) == []
    [other] = desk.edit({**asked, "step": 1, "version": 3, "set": {"subject": "x"}})
    assert other["fate"] == "done"  # another step of the same cause


def test_the_eight_thousandth_version_is_the_last_one_for_people(pg, router, desk):
    id = held(router)
    pg.sql("UPDATE ticket.tickets SET version = 7999 WHERE id = %s", id)
    assert desk.edit(edit(id, 7999, comment={"body": "x"}))[0]["fate"] == "done"
    assert desk.edit(edit(id, 8000, comment={"body": "x"}))[0]["fate"] == "worn_out"
    assert desk.edit(edit(id, 8000, set={"status": "solved"}, actor_kind=REQUESTER))[0]["fate"] == "worn_out"
    pg.sql("UPDATE ticket.tickets SET status = 'solved' WHERE id = %s", id)
    assert desk.edit(edit(id, 8000, set={"status": "closed"}, actor_kind=SYSTEM))[0]["fate"] == "done"


def test_a_batch_goes_through_as_far_as_it_may(pg, router, desk):
    made = [held(router) for _ in range(64)]
    asked = [edit(id, 3 if i % 4 == 0 else 2, set={"status": "closed" if i % 4 == 1 else "solved"}) for i, id in enumerate(made)]
    told = desk.edit(*asked)
    assert [t["fate"] for t in told] == ["overtaken", "illegal", "done", "done"] * 16
    numbers = [o[0] for t in told for o in t["outbox"]]
    assert len(numbers) == 64 and sorted(numbers) == [r[0] for r in pg.sql("SELECT outbox_id FROM ticket.outbox ORDER BY 1")]
    keys = {n: bytes(k).decode() for n, k in pg.sql("SELECT outbox_id, key FROM ticket.outbox")}
    assert all(keys[o[0]] == o[2] for t in told for o in t["outbox"])


@pytest.mark.parametrize("others", ["desk", "router"])
def test_two_writers_on_one_ticket_lose_no_change(pg, router, desk, others):
    """Whoever is overtaken decides again from what is there now; in the end every tag of both is there."""
    id = held(router)
    second = Driver(pg.url("docket_desk")) if others == "desk" else None

    def by_desk(driver, name, rounds=25):
        tries = 0
        for i in range(rounds):
            asked = edit(id, 0, set={"tags": []})
            while True:
                tries += 1
                row = row_of(pg, id)
                asked.update(version=row["version"], set={"tags": row["tags"] + [f"{name}{i}"]})
                [told] = driver.edit(asked)
                if told["fate"] != "overtaken":
                    assert told["fate"] == "done"
                    break
        return tries

    def by_router(rounds=25):
        for i in range(rounds):
            [told] = router.change({"tenant": 1, "id": id, "cause": uuid.uuid4().hex, "kind": "ticket_released", "status": "new",
                                    "group": 1001})
            assert told["fate"] == "done"
            [told] = router.change({"tenant": 1, "id": id, "cause": uuid.uuid4().hex, "kind": "ticket_assigned", "step": 1,
                                    "status": "assigned", "group": 1001, "assignee": 7})
            assert told["fate"] == "done"

    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = [pool.submit(by_desk, desk, "a"), pool.submit(by_desk, second, "b") if second else pool.submit(by_router)]
        results = [job.result() for job in jobs]
    if second:
        second.close()
        assert sum(results) >= 50
    row = row_of(pg, id)
    assert sorted(row["tags"]) == sorted(f"{n}{i}" for n in ("ab" if second else "a") for i in range(25))
    assert [l["seq"] for l in ledger(pg, id)] == list(range(1, row["version"] + 1))
    assert row["version"] == 2 + (50 if second else 75)


def test_an_edit_through_an_alias_changes_the_ticket_behind_it(pg, router, desk):
    first, second = ticket(key="k:1", assignee=7), ticket(key="k:1", assignee=7)
    router.new(first)
    assert router.new(second)[0]["fate"] == "aliased"
    version = row_of(pg, first["id"])["version"]
    [told] = desk.edit(edit(second["id"], version, set={"subject": "x"}))
    assert told["fate"] == "done" and told["place"]["id"] == first["id"] and row_of(pg, first["id"])["subject"] == "x"


def test_what_postgresql_cannot_hold_is_refused_and_writes_nothing(pg, router, desk):
    ids = [held(router) for _ in range(3)]
    asked = [edit(id, 2, set={"custom_fields": '{"a": 1e999999}' if i == 1 else '{"a": 1}'}) for i, id in enumerate(ids)]
    desk.edit(*asked, outcome="refused")
    assert [row_of(pg, id)["version"] for id in ids] == [2, 2, 2] and outbox(pg) == []
    assert [t["fate"] for t in desk.edit(asked[0], asked[2])] == ["done", "done"]


def test_the_ledger_alone_tells_the_row(pg, router, desk):
    """Merging the `set`s gives what the projection says (the same that `docket verify` proves)."""
    id = held(router)
    desk.edit(edit(id, 2, set={"status": "pending", "tags": ["a"]}, comment={"body": "?", "public": 1}))
    desk.edit(edit(id, 3, set={"status": "in_progress", "satisfaction": "good"}, actor_kind=REQUESTER, actor="requester:12"))
    desk.edit(edit(id, 4, set={"group_id": 1002, "assignee_id": 0, "status": "new"}, note="二线"))
    merged = dict(itertools.chain.from_iterable(l["payload"]["set"].items() for l in ledger(pg, id)))
    row = row_of(pg, id)
    assert {k: row[k] for k in merged if k != "created_at"} == {k: v for k, v in merged.items() if k != "created_at"}
    assert json.dumps(merged["tags"]) == '["a"]'
