"""What stands in a topic, read by a client of the tests' own."""
from confluent_kafka import Consumer, TopicPartition


def records(stack, topic):
    """Every record that the topic holds now."""
    consumer = Consumer({"bootstrap.servers": stack.environment["DOCKET_KAFKA"], "group.id": "harness",
                         "enable.auto.commit": False, "enable.partition.eof": False})
    try:
        found, left = [], {}
        for number in consumer.list_topics(topic, 10).topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
            if high > low:
                left[number] = high
        consumer.assign([TopicPartition(topic, number, 0) for number in left])
        while left:
            message = consumer.poll(10)
            assert message is not None and not message.error(), message and message.error()
            found.append(message)
            if message.offset() + 1 >= left.get(message.partition(), 0):
                left.pop(message.partition(), None)
        return found
    finally:
        consumer.close()
