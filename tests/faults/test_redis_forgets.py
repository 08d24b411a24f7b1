"""Redis may vanish: flushed, restarted empty, restarted with an old file; nobody is over capacity, nothing is lost."""
import shutil

from harness.stack import until
from harness.storm import Storm


def warm(stack, shop):
    memory = stack.redis()
    return memory.get(f"d:{{{shop.number}}}:epoch") == memory.info("server")["run_id"]


def test_flushed_in_the_middle_of_a_surge(stack, shop):
    storm = Storm(stack, shop, rate=200, seconds=8)
    until(lambda: storm.accepted_so_far() > 400, 30, "the surge to begin")
    stack.redis().flushall()
    storm.prove()
    assert warm(stack, shop)


def test_restarted_with_an_old_file_it_is_cold_and_rebuilt(stack, shop):
    storm = Storm(stack, shop, rate=150, seconds=4)
    storm.prove()
    memory = stack.redis()
    memory.save()
    old = stack.home / "old.rdb"
    directory = memory.config_get("dir")["dir"]
    name = memory.config_get("dbfilename")["dbfilename"]
    shutil.copy(f"{directory}/{name}", old)
    later = Storm(stack, shop, rate=150, seconds=4, seed=2)
    later.prove()
    stack.kill("redis")
    shutil.copy(old, f"{directory}/{name}")
    stack.start("redis")
    until(lambda: warm(stack, shop), 30, "the rebuild")
    stack.verify("--accepted", later.accepted, wait=40)


def test_while_it_is_away_tickets_are_stored_and_afterwards_assigned(stack, shop):
    stack.kill("redis")
    tickets = [shop.create(subject=f"包裹 {i}", comment={"body": "丢了"}) for i in range(20)]
    for ticket in tickets:
        assert shop.stored(ticket, 20)["status"] == "new"
    stack.start("redis")
    until(lambda: all(shop.row(t)["status"] == "assigned" for t in tickets), 30, "the assignment after the rebuild")
    stack.verify()
