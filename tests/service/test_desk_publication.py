"""What people change is published at once: within 100 ms of the commit, as a distribution; nothing waits for a sweep."""
import statistics
import time

from confluent_kafka import Consumer, TopicPartition

from harness.shop import Shop

ROUND, ROUNDS = 40, 8


def follow(stack):
    """A reader at the present end of docket.events."""
    reader = Consumer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "group.id": "test-publication", "enable.auto.commit": False})
    partitions = [TopicPartition("docket.events", n) for n in reader.list_topics("docket.events").topics["docket.events"].partitions]
    for partition in partitions:
        partition.offset = reader.get_watermark_offsets(partition, timeout=10)[1]
    reader.assign(partitions)
    return reader


def delays(stack, shop, reader, ticket):
    """Of ROUND changes, one after the other: ms from the ledger row to the event, which is there once for each."""
    before = shop.row(ticket)["version"]
    for i in range(ROUND):
        shop.done(ticket, comment={"body": f"第{i}句", "public": False})
    committed = {row["seq"]: row["at"] for row in shop.tenant.ledger(ticket)}
    milliseconds = dict(stack.sql("SELECT seq, (extract(epoch FROM at) * 1000)::bigint FROM ticket.ledger WHERE tenant_id = %s AND"
                                  " ticket_id = %s AND seq > %s", shop.tenant.number, ticket, before))
    assert len(milliseconds) == ROUND and max(committed) == before + ROUND
    published, end = [], time.monotonic() + 60
    while len(published) < ROUND and time.monotonic() < end:
        message = reader.poll(1)
        if message and not message.error() and message.key() == str(ticket).encode() and b"ticket_updated" in dict(message.headers())["ce_type"]:
            published.append(message.timestamp()[1])
    assert len(published) == ROUND, "each change is published"
    return [at - committed_at for at, committed_at in zip(sorted(published), sorted(milliseconds.values()))]


def test_a_change_is_published_within_100_ms_of_its_commit(stack):
    shop = Shop(stack)
    ticket, reader = shop.ticket(), follow(stack)
    medians = []
    try:
        while len(medians) < ROUNDS and (not medians or min(medians) >= 100):  # another round when others had the machine
            found = delays(stack, shop, reader, ticket)
            medians.append(statistics.median(found))
            assert sorted(found)[ROUND // 4] < 2000, "a sweep would have found them"
    finally:
        reader.close()
    assert min(medians) < 100, medians
