#!/usr/bin/env python3
"""TransactWriteItems and TransactGetItems by many clients of two gateways on one database: nothing is lost, nothing is seen half done."""
import concurrent.futures
import contextlib
import random
import subprocess
import threading
import time
import unittest

from dynamodb import Client, Refused, key, number, read_url
from harness import DatabaseCase, SECONDS_MAX

CLIENTS = 16
ACCOUNTS = [f"account {i}" for i in range(10)]
BALANCE = 1000
SEED = random.randrange(1 << 32)


def put(table, name, condition=None, **attributes):
    return {"Put": {"TableName": table, "Item": {**key(name), **attributes}, **({"ConditionExpression": condition} if condition else {})}}


def check(table, name, condition):
    return {"ConditionCheck": {"TableName": table, "Key": key(name), "ConditionExpression": condition}}


def add(table, name, amount, condition=None):
    return {"Update": {"TableName": table, "Key": key(name), "UpdateExpression": "ADD amount :more", **({"ConditionExpression": condition} if condition else {}),
                       "ExpressionAttributeValues": {":more": number(amount), **({":least": number(-amount)} if condition else {})}}}


class Transactions(DatabaseCase):
    def setUp(self):
        super().setUp()
        self.urls = [self.start_gateway() for _ in range(2)]
        self.client = self.connect(0)
        for name in ("accounts", "transfers"):
            self.client.create_table(name)

    def start_gateway(self):
        process = self.start("serve", "--postgres", "", "--listen", "127.0.0.1:0", "--jobs", 2)
        self.addCleanup(self.stop_gateway, process)
        return read_url(process)

    def stop_gateway(self, process):
        process.terminate()
        process.communicate(timeout=60)

    def connect(self, number_of_client):
        client = Client(self.urls[number_of_client % len(self.urls)])
        self.addCleanup(client.close)
        return client

    def at_once(self, count, run):
        """run(client, number) by so many clients that begin together; their results."""
        barrier = threading.Barrier(count)

        def begin(i):
            with contextlib.closing(self.connect(i)) as client:
                barrier.wait()
                return run(client, i)

        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(begin, range(count)))

    def write(self, client, *actions, **options):
        """None, or what the transaction was refused with."""
        try:
            client("TransactWriteItems", TransactItems=list(actions), **options)
            return None
        except Refused as refused:
            return refused

    def insist(self, ask, *arguments, **options):
        """Its answer; once more while others hold its items, which it waits for in vain for five seconds each time."""
        while True:
            began = time.monotonic()
            refused = ask(*arguments, **options)
            if not refused or (refused.type != "TransactionConflictException" and "TransactionConflict" not in refused.reasons):
                return refused
            self.assertGreater(time.monotonic() - began, 4)

    def amount(self, name, table="accounts"):
        item = self.client("GetItem", TableName=table, Key=key(name), ConsistentRead=True).get("Item")
        return int(item["amount"]["N"]) if item else None

    def count(self, table):
        return self.client("Scan", TableName=table, Select="COUNT")["Count"]

    def test_money_is_neither_made_nor_lost(self):
        self.move_money({account: "accounts" for account in ACCOUNTS})

    def test_nor_between_tables(self):
        self.client.create_table("vault")
        self.move_money({account: ("accounts", "vault")[i % 2] for i, account in enumerate(ACCOUNTS)})

    def move_money(self, table_of):
        for account, table in table_of.items():
            self.client("PutItem", TableName=table, Item={**key(account), "amount": number(BALANCE)})
        gets = [{"Get": {"TableName": table, "Key": key(account)}} for account, table in table_of.items()]
        stopped = threading.Event()
        done = []

        def transfer(client, i):
            chance = random.Random(SEED + i)
            for k in range(40):
                source, target = chance.sample(ACCOUNTS, 2)
                amount = chance.randint(1, 400)
                refused = self.insist(self.write, client, add(table_of[source], source, -amount, "amount >= :least"), add(table_of[target], target, amount),
                                      put("transfers", f"{i}-{k}", "attribute_not_exists(id)", amount=number(amount)))
                if refused:
                    self.assertEqual(refused.reasons, ["ConditionalCheckFailed", "None", "None"], refused)
                else:
                    done.append((i, k))

        def watch(client, _):
            looks = 0
            while not stopped.is_set():
                answers = client("TransactGetItems", TransactItems=gets)["Responses"]
                self.assertEqual(sum(int(answer["Item"]["amount"]["N"]) for answer in answers), BALANCE * len(ACCOUNTS), f"seed {SEED}")
                looks += 1
            return looks

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            watchers = pool.submit(self.at_once, 4, watch)
            try:
                self.at_once(CLIENTS, transfer)
            finally:
                stopped.set()
            self.assertTrue(all(watchers.result()))
        amounts = [self.amount(account, table) for account, table in table_of.items()]
        self.assertEqual(sum(amounts), BALANCE * len(ACCOUNTS), f"seed {SEED}")
        self.assertGreaterEqual(min(amounts), 0, f"seed {SEED}")
        self.assertEqual(self.count("transfers"), len(done))
        self.assertGreater(len(done), CLIENTS)

    def test_one_of_those_who_create_wins(self):
        for k in range(25):
            def create(client, i):
                if i % 4 == 3:
                    return self.insist(self.put_alone, client, f"new {k}", i)
                return self.insist(self.write, client, put("accounts", f"new {k}", "attribute_not_exists(id)", amount=number(i)), put("transfers", f"{k}-{i}"))

            answers = self.at_once(CLIENTS, create)
            winners = [i for i, refused in enumerate(answers) if refused is None]
            self.assertEqual(len(winners), 1, [str(answer) for answer in answers])
            self.assertEqual(self.amount(f"new {k}"), winners[0])
            for refused in filter(None, answers):
                self.assertTrue(refused.type == "ConditionalCheckFailedException" or refused.reasons == ["ConditionalCheckFailed", "None"], refused)

    def put_alone(self, client, name, amount):
        try:
            client("PutItem", TableName="accounts", Item={**key(name), "amount": number(amount)}, ConditionExpression="attribute_not_exists(id)")
            return None
        except Refused as refused:
            return refused

    def test_absence_that_was_checked_stays(self):
        """Each of two writes its item only while the other's is not there."""
        for k in range(40):
            names = [f"{k} left", f"{k} right"]

            def write(client, i):
                mine, other = names[i % 2], names[1 - i % 2]
                return self.insist(self.write, client, check("accounts", other, "attribute_not_exists(id)"), put("accounts", mine, amount=number(i)))

            self.at_once(4, write)
            self.assertEqual(sum(self.amount(name) is not None for name in names), 1)

    def test_what_was_checked_stays_until_the_end(self):
        """Who takes the last one and who counts on it cannot both have their way."""
        for k in range(40):
            self.client("PutItem", TableName="accounts", Item={**key("last"), "amount": number(1)})

            def write(client, i):
                if i == 0:
                    return self.insist(self.write, client, check("accounts", "last", "attribute_exists(amount)"), put("transfers", f"order {k}"))
                return self.insist(self.write, client, {"Delete": {"TableName": "accounts", "Key": key("last"), "ConditionExpression": "attribute_exists(id)"}},
                                   check("transfers", f"order {k}", "attribute_not_exists(id)"))

            answers = self.at_once(2, write)
            self.assertEqual(sum(answer is None for answer in answers), 1, [str(answer) for answer in answers])

    def test_a_token_takes_effect_once(self):
        actions = [add("accounts", "counter", 1), put("transfers", "by token", text={"S": "x"})]
        answers = self.at_once(CLIENTS, lambda client, i: self.insist(self.write, client, *actions, ClientRequestToken="a token"))
        self.assertEqual({refused.type for refused in answers if refused} - {"TransactionInProgressException"}, set())
        self.assertEqual(self.amount("counter"), 1)
        turned = {"Put": dict(reversed(list(actions[1]["Put"].items())), Item=dict(reversed(list(actions[1]["Put"]["Item"].items()))))}
        self.assertIsNone(self.write(self.client, actions[0], turned, ClientRequestToken="a token", ReturnConsumedCapacity="TOTAL"))
        self.assertEqual(self.amount("counter"), 1)
        refused = self.write(self.client, add("accounts", "counter", 2), ClientRequestToken="a token")
        self.assertEqual(refused.type, "IdempotentParameterMismatchException")
        self.sql("UPDATE landfall.request_token SET answered_at = now() - interval '10 minutes 1 second'")
        self.assertIsNone(self.write(self.client, *actions, ClientRequestToken="a token"))
        self.assertEqual(self.amount("counter"), 2)

    def test_a_cancelled_transaction_leaves_its_token_unused(self):
        refused = self.write(self.client, check("accounts", "counter", "attribute_exists(id)"), ClientRequestToken="a\0token")
        self.assertEqual(refused.reasons, ["ConditionalCheckFailed"])
        self.assertIsNone(self.write(self.client, add("accounts", "counter", 1), ClientRequestToken="a\0token"))

    def test_who_waits_too_long_hears_of_a_conflict(self):
        self.client("PutItem", TableName="accounts", Item={**key("held"), "amount": number(1)})
        table = self.sql("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'dynamodb' AND tablename LIKE 'accounts%'")
        holder = self.psql(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdin.write(f"BEGIN; SELECT count(*) FROM (SELECT FROM {table} FOR UPDATE) AS held;\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline(), "1\n")
        refused = self.write(self.client, add("accounts", "held", 1), put("accounts", "free"))
        self.assertEqual((refused.type, refused.reasons), ("TransactionCanceledException", ["TransactionConflict"] * 2))
        self.assertEqual(refused.answer["CancellationReasons"][0]["Message"], "Transaction is ongoing for the item")
        holder.communicate("ROLLBACK;\n", timeout=60)
        self.assertIsNone(self.write(self.client, add("accounts", "held", 1), put("accounts", "free")))

    def test_a_hundred_actions_and_one_more(self):
        actions = [put("accounts", f"many {i}", amount=number(i)) for i in range(101)]
        self.assertEqual(self.write(self.client, *actions).type, "ValidationException")
        self.assertIsNone(self.write(self.client, *actions[:100]))
        refused = self.write(self.client, *(put("accounts", f"many {i}", "attribute_not_exists(id)") for i in range(100)))
        self.assertEqual(refused.reasons, ["ConditionalCheckFailed"] * 100)
        self.assertTrue(refused.message.endswith(f"[{', '.join(refused.reasons)}]"), refused.message)
        gets = [{"Get": {"TableName": "accounts", "Key": key(f"many {i}")}} for i in range(100)]
        answers = self.client("TransactGetItems", TransactItems=gets)["Responses"]
        self.assertEqual([answer["Item"]["amount"]["N"] for answer in answers], [str(i) for i in range(100)])

    # A COMMIT whose answer is lost.

    def test_a_commit_that_took_effect_unheard_is_a_success(self):
        """The commit waits for a standby that does not exist; then its session is ended. It has taken effect."""
        self.addCleanup(self.set_standbys, "")
        self.set_standbys("nobody")
        self.wait_until_commits_wait()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            answer = pool.submit(self.write, self.client, add("accounts", "unheard", 1))
            self.end_waiting("query = 'COMMIT' AND wait_event = 'SyncRep'")
            self.set_standbys("")
            self.assertIsNone(answer.result(60))
        self.assertEqual(self.amount("unheard"), 1)

    def set_standbys(self, names):
        self.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        self.sql("SELECT pg_reload_conf()")

    def wait_until_commits_wait(self):
        """The server takes note a while after it was told. Gateways commit all the while."""
        deadline = time.monotonic() + SECONDS_MAX
        while self.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == "0":
            self.assertLess(time.monotonic(), deadline)

    def end_waiting(self, condition):
        deadline = time.monotonic() + 60
        while self.sql(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {condition}") == "0":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_a_commit_that_failed_unheard_is_no_success(self):
        table = self.sql("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'dynamodb' AND tablename LIKE 'accounts%'")
        self.sql(f"""CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
                     CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.die()""")
        self.assertEqual(self.write(self.client, add("accounts", "failed", 1)).type, "InternalServerError")
        self.sql(f"DROP TRIGGER dies ON {table}")
        self.assertIsNone(self.amount("failed"))
        self.assertIsNone(self.write(self.client, add("accounts", "failed", 1)))
        self.assertEqual(self.amount("failed"), 1)


if __name__ == "__main__":
    unittest.main()
