"""Transactions that are repeated with their ClientRequestToken while writes move: whoever did them, they are done once."""
import subprocess

from dynamodb import Refused
from harness import unittest
from live import PHASE, MovingCase, item_of, key_of

LONG_MARKS = "SELECT count(*) FROM landfall.dirty_key WHERE is_left AND settled_at > clock_timestamp() + interval '9 minutes'"
TOO_OLD = "UPDATE landfall.request_token SET answered_at = answered_at - interval '10 minutes 1 second'"


class Tokens(MovingCase):
    def add(self, token, amount=1, number=1, **request):
        return self.gateway("TransactWriteItems", ClientRequestToken=token, **request, TransactItems=[
            {"Update": {"TableName": "things", "Key": key_of(number), "UpdateExpression": "ADD #c :n", "ExpressionAttributeNames": {"#c": "count"},
                        "ExpressionAttributeValues": {":n": {"N": str(amount)}}}},
            {"Put": {"TableName": "things", "Item": item_of(number + 100, label={"S": token})}}])

    def state(self, token, amount=1, number=1):
        """As a transaction of PartiQL."""
        return self.gateway("ExecuteTransaction", ClientRequestToken=token, TransactStatements=[
            {"Statement": f"UPDATE things SET \"count\" = \"count\" + {amount} WHERE pk = 'thing|{number}' AND sk = 'thing|{number}'"}])

    def count(self, client=None, number=1):
        return int((client or self.gateway)("GetItem", TableName="things", Key=key_of(number), ConsistentRead=True)["Item"]["count"]["N"])

    def assert_mismatch(self, ask, token):
        with self.assertRaises(Refused) as refused:
            ask(token, amount=5)
        self.assertEqual(refused.exception.type, "IdempotentParameterMismatchException")

    def assert_done(self, tokens, count):
        """All were, and none is again."""
        for ask, token in tokens:
            ask(token)
            self.assert_mismatch(ask, token)
        self.assertEqual(self.count(), count)

    def test_they_are_done_once_across_cutover_and_rollback(self):
        self.reads_moved()
        tokens = [(self.add, "by dynamodb"), (self.state, "a statement by dynamodb")]
        began = self.count()
        for ask, token in tokens:
            ask(token)
        self.assert_done(tokens, began + 2)
        self.landfall("cutover", "writes", "things")
        self.assert_done(tokens, began + 2)
        later = [(self.add, "by postgres"), (self.state, "a statement by postgres")]
        for ask, token in later:
            ask(token)
        self.assert_done(tokens + later, began + 4)
        self.landfall("rollback", "writes", "things")
        self.assertEqual(self.sql(PHASE), "dual write")
        self.assert_done(tokens + later, began + 4)
        units = self.add("by postgres", ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
        self.assertEqual([(part["TableName"], part["CapacityUnits"]) for part in units], [("things", 4)])
        self.add("of the second time")
        self.landfall("rollback", "reads")
        self.assert_done(tokens + later, began + 5)
        self.assertEqual(self.count(self.client), began + 5)

    def test_a_token_is_good_for_ten_minutes(self):
        self.reads_moved()
        began = self.count()
        self.add("a token")
        self.landfall("cutover", "writes", "things")
        self.sql(TOO_OLD)
        self.add("a token", amount=2)
        self.assertEqual(self.count(), began + 3)
        self.landfall("rollback", "writes", "things")
        self.assert_mismatch(self.add, "a token")
        self.sql(TOO_OLD)
        self.add("another", amount=3)
        self.assertEqual(self.count(), began + 6)

    def test_marks_stay_while_a_token_is_not_known(self):
        """The transaction was answered, so a cutover may not come before its token is over."""
        self.reads_moved()
        holder = self.psql(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdin.write("BEGIN; INSERT INTO landfall.request_token VALUES ('held', ''); SELECT 1;\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline(), "1\n")
        began = self.count()
        self.add("held")
        self.assertEqual(self.sql(LONG_MARKS), "2")
        holder.communicate("ROLLBACK;\n", timeout=60)
        self.assertIn("longer than writes are held back", self.landfall("cutover", "writes", "--fence", "1", "--force", status=4))
        self.add("held")
        self.assertEqual(self.count(), began + 1)

    def test_an_unknown_outcome_holds_the_cutover(self):
        self.reads_moved()
        began = self.count()
        self.proxy.shares = [("cut", 1)]
        with self.assertRaises(Refused):
            self.add("cut off")
        self.proxy.shares = []
        self.add("cut off")
        self.assertEqual(self.count(), began + 1)
        self.assertEqual(self.sql(LONG_MARKS), "2")
        self.assertIn("longer than writes are held back", self.landfall("cutover", "writes", "--fence", "1", "--force", status=4))


if __name__ == "__main__":
    unittest.main()
