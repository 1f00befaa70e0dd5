"""Consumers of a table's stream that read through a gateway while writes move to PostgreSQL and back, under an application that works."""
import threading
import time

from dynamodb import Client, Refused
from harness import unittest
from live import PHASE, MovingCase, item_of, key_of

WRITERS, COUNTERS = 3, 2
SINGLE = 1000  # numbers from there on are written once


class RepeatingClient(Client):
    """What fails inside is asked again, as SDKs do."""

    def __call__(self, operation, **body):
        for _ in range(5):
            try:
                return super().__call__(operation, **body)
            except Refused as refused:
                if refused.type != "InternalServerError":
                    raise
            time.sleep(0.5)
        return super().__call__(operation, **body)


class Consumer:
    """Shards from their oldest record, a parent to its end before its children; the records of each key as they came."""

    def __init__(self, url, arn):
        self.client, self.arn = RepeatingClient(url), arn
        self.iterators, self.ended, self.numbers, self.images, self.errors = {}, set(), set(), {}, []
        self.stops = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def shards(self):
        start = {}
        while True:
            page = self.client("DescribeStream", StreamArn=self.arn, **start)["StreamDescription"]
            yield from page["Shards"]
            if "LastEvaluatedShardId" not in page:
                return
            start = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}

    def discover(self):
        shards = {shard["ShardId"]: shard.get("ParentShardId") for shard in self.shards()}
        for shard, parent in shards.items():
            if shard not in self.ended and shard not in self.iterators and (parent not in shards or parent in self.ended):
                answer = self.client("GetShardIterator", StreamArn=self.arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
                self.iterators[shard] = answer["ShardIterator"]

    def take(self, shard, record):
        key, number = record["dynamodb"]["Keys"]["pk"]["S"], record["dynamodb"]["SequenceNumber"]
        if (shard, number) in self.numbers:
            raise AssertionError(f"{number} of {shard} came twice")
        self.numbers.add((shard, number))
        self.images.setdefault(key, []).append(record["dynamodb"].get("NewImage"))

    def read(self, shard):
        answer = self.client("GetRecords", ShardIterator=self.iterators.pop(shard))
        for record in answer["Records"]:
            self.take(shard, record)
        if "NextShardIterator" in answer:
            self.iterators[shard] = answer["NextShardIterator"]
        else:
            self.ended.add(shard)

    def run(self):
        try:
            while not self.stops.wait(0.05):
                self.discover()
                for shard in list(self.iterators):
                    self.read(shard)
        except Exception as error:  # noqa: BLE001: told in stop
            self.errors.append(error)

    def end(self):
        self.stops.set()
        self.thread.join()
        self.client.close()

    def stop(self):
        self.end()
        if self.errors:
            raise self.errors[0]

    def wait(self, condition):
        def is_over():
            if self.errors:
                raise self.errors[0]
            return condition()
        MovingCase.wait_for(is_over)

    def counts(self, number):
        """Of a thing that is there, image by image."""
        return [int(image["count"]["N"]) for image in self.images.get(f"thing|{number}", [])]


class Application:
    """Threads that each count up things of their own, and put others once; what was acknowledged, by the authority it was sent under."""

    def __init__(self, url):
        self.url, self.authority, self.errors = url, "dynamodb", []
        self.counted = {writer * COUNTERS + i: [] for writer in range(WRITERS) for i in range(COUNTERS)}
        self.single = set()
        self.stops = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(writer,)) for writer in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def step(self, client, writer, count):
        for number in range(writer * COUNTERS, (writer + 1) * COUNTERS):
            before = self.authority
            client("PutItem", TableName="things", Item=item_of(number, count={"N": str(count)}))
            self.counted[number].append((count, before if before == self.authority else "either"))
        single = SINGLE + count * WRITERS + writer
        client("PutItem", TableName="things", Item=item_of(single))
        self.single.add(single)

    def run(self, writer):
        client, count = RepeatingClient(self.url), 100
        try:
            while not self.stops.wait(0.01):
                self.step(client, writer, count)
                count += 1
        except Exception as error:  # noqa: BLE001: told in stop
            self.errors.append(error)
        finally:
            client.close()

    def work(self, steps=20):
        """Until each thread has done so much more."""
        wanted = len(self.single) + steps * WRITERS
        deadline = time.monotonic() + 60
        while len(self.single) < wanted and not self.errors and time.monotonic() < deadline:
            time.sleep(0.02)

    def stop(self):
        self.stops.set()
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]


class Consumers(MovingCase):
    def stream(self, client=None):
        table = (client or self.gateway)("DescribeTable", TableName="things")["Table"]
        return table.get("LatestStreamArn"), table.get("LatestStreamLabel"), table.get("StreamSpecification")

    def listed(self):
        return [stream["StreamArn"] for stream in self.gateway("ListStreams", TableName="things")["Streams"]]

    def consume(self, arn):
        consumer = Consumer(self.url, arn)
        self.addCleanup(consumer.end)
        return consumer

    def move(self, application, *command, authority):
        application.work()
        application.authority = "moving"
        self.landfall(*command, "things")
        application.authority = authority
        application.work()

    def wait_for_last(self, consumer, application):
        def has_all():
            return (all(consumer.counts(number)[-1:] == [counted[-1][0]] for number, counted in application.counted.items())
                    and all(f"thing|{number}" in consumer.images for number in application.single))
        consumer.wait(has_all)

    def assert_consumed(self, consumer, application):
        for number in application.single:
            self.assertEqual(consumer.images[f"thing|{number}"], [item_of(number)])
        for number, counted in application.counted.items():
            got = [count for count in consumer.counts(number) if count >= 100]
            self.assertEqual(got, sorted(set(got)))
            self.assertEqual({count for count, authority in counted if authority == "dynamodb"} - set(got), set())

    def test_a_consumer_goes_on_across_cutover_and_rollback(self):
        self.reads_moved()
        theirs = self.stream(self.client)
        consumer, application = self.consume(theirs[0]), Application(self.url)
        try:
            self.move(application, "cutover", "writes", authority="postgres")
            self.assertEqual(self.stream(), theirs)
            self.assertEqual(self.listed(), [theirs[0]])
            self.sql("UPDATE things.thing SET label = 'by SQL' WHERE thing_id = '20'")
            consumer.wait(lambda: consumer.images.get("thing|20", [{}])[-1].get("label") == {"S": "by SQL"})
            self.move(application, "rollback", "writes", authority="dynamodb")
        finally:
            application.stop()
        self.assertEqual(self.sql(PHASE), "dual write")
        self.wait_for_last(consumer, application)
        consumer.stop()
        self.assert_consumed(consumer, application)

    def test_the_tables_own_stream_takes_over(self):
        """Every change is in it, from when it is switched on; the other one stays readable by its ARN."""
        self.writes_moved()
        theirs = self.stream(self.client)
        self.gateway("UpdateTable", TableName="things", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
        ours = self.stream()
        self.assertNotEqual(ours[1], theirs[1])
        self.assertEqual(ours[2], {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
        self.assertEqual(self.listed(), [ours[0]])
        old, new = self.consume(theirs[0]), self.consume(ours[0])
        for count in range(100, 120):
            self.put(1, self.gateway, count={"N": str(count)})
        old.wait(lambda: old.counts(1)[-1:] == [119])
        new.wait(lambda: new.counts(1)[-1:] == [119])
        self.assertEqual(new.counts(1), list(range(100, 120)))
        self.landfall("rollback", "writes", "things")
        self.assertEqual(self.stream(), theirs)
        self.put(1, self.gateway, count={"N": "120"})
        old.wait(lambda: old.counts(1)[-1:] == [120])
        new.wait(lambda: new.counts(1)[-1:] == [120])
        old.stop()
        new.stop()
        self.assertEqual(new.counts(1), list(range(100, 121)))

    def test_without_one_of_its_own_a_stream_ends_with_the_table(self):
        self.writes_moved()
        theirs = self.stream(self.client)
        self.put(1, self.gateway, count={"N": "100"})
        self.wait_for_reverse_sync()
        self.landfall("decommission", "-o", "archive")
        self.assertEqual(self.stream(), (None, None, None))
        self.assertEqual(self.listed(), [])
        consumer = self.consume(theirs[0])
        consumer.wait(lambda: consumer.counts(1)[-1:] == [100])
        consumer.stop()


if __name__ == "__main__":
    unittest.main()
