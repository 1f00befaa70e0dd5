"""A row goes, while gateways write both sides, that others refer to by a foreign key that is enforced: DynamoDB knows none, so its item is gone, and the row follows."""
from dynamodb import Client, read_url
from dynamodb_proxy import Proxy
from harness import unittest
from test_follow_tables import KEY_OF_GONE, TableCase, node

REFUSED = "SELECT count(*) FROM landfall.dirty_key WHERE refused IS NOT NULL"
MARKS = "SELECT count(*) FROM landfall.dirty_key"
PARENTS = 60  # more than the repairer takes at once
LEFT = ("INSERT INTO landfall.dirty_key (table_name, h, sk, key, token, owner, is_left) SELECT 'things', substr(sha256('node|alone'), 1, 16), 'node|alone', "
        "'{\"pk\":{\"S\":\"node|alone\"},\"sk\":{\"S\":\"node|alone\"}}', nextval('landfall.mark_token'), id, true FROM landfall.gateway")


class WithoutItems(Proxy):
    """Of which no item is to be had."""

    def answer_itself(self, target, request):
        return (400, {"__type": "com.amazonaws.dynamodb.v20120810#AccessDeniedException", "message": "not now"}) if target.endswith(".GetItem") else None


class ReferrersMoving(TableCase):
    def setUp(self):
        super().setUp()
        self.put_node("alone")
        for number in range(PARENTS):
            self.put_node(f"p{number}")
        for number in range(PARENTS):
            self.put_node(f"c{number}", f"p{number}")
        self.begin_to_follow()
        self.proxy = Proxy(self.dynamodb.url)
        self.addCleanup(self.proxy.stop)
        gateway = self.run_beside("serve", "--map", "landfall.yaml", "--upstream", "--endpoint", self.proxy.url, "--jobs", "1", "--listen", "127.0.0.1:0")
        self.gateway = Client(read_url(gateway))
        self.addCleanup(self.gateway.close)
        self.landfall("backfill", "dynamodb://things")
        self.wait_for(lambda: self.sql("SELECT readable_at IS NOT NULL FROM landfall.phase") == "t")
        self.landfall("verify", "dynamodb://things", "--settle", "1")
        self.landfall("cutover", "reads", "--percent", "100")

    def run_beside(self, *arguments):
        process = self.start(*arguments)
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        return process

    def begin_to_follow(self):
        self.follower = self.run_beside("follow", "dynamodb://things")
        self.wait_for_worker()

    def delete_parents(self, count):
        for number in range(count):
            item = node(f"p{number}")
            self.gateway("DeleteItem", TableName="things", Key={"pk": item["pk"], "sk": item["sk"]})

    def kept(self):
        return self.sql("SELECT count(*) FROM landfall.item WHERE reason = 'the row of things_node that it refers to is gone'")

    def test_the_follower_lets_it_go_and_the_writes_move(self):
        self.delete_parents(3)
        self.wait_for(lambda: self.sql(MARKS) == "0")
        self.assertEqual(self.sql(KEY_OF_GONE), "\n".join(f"c{number}|the row of things_node that it refers to is gone" for number in range(3)))
        self.assert_same()
        self.landfall("verify", "dynamodb://things", "--settle", "1")
        self.landfall("cutover", "writes")
        self.assertEqual(self.sql("SELECT phase FROM landfall.phase"), "postgres")

    def test_without_a_follower_the_cutover_says_what_waits_and_other_keys_are_repaired(self):
        self.follower.terminate()
        self.follower.wait(60)
        self.delete_parents(PARENTS)
        self.wait_for(lambda: self.sql(REFUSED) == str(PARENTS))
        refused = self.landfall("cutover", "writes", status=4)
        self.assertRegex(refused, rf'rows that others refer to: {PARENTS} keys, such as {{"pk":{{"S":"node\|p\d+"}},.*`landfall follow` brings')
        self.assertIn("The item's row cannot be deleted, other rows refer to it", refused)
        self.assertNotIn("keys of unknown outcome", refused)
        self.sql(LEFT)
        self.wait_for(lambda: self.sql(MARKS) == str(PARENTS))
        self.begin_to_follow()
        self.wait_for(lambda: self.sql(MARKS) == "0")
        self.assertEqual(self.kept(), str(PARENTS))
        self.assert_same()

    def test_a_refused_row_that_is_written_again_is_the_gateways(self):
        self.follower.terminate()
        self.follower.wait(60)
        self.delete_parents(1)
        self.wait_for(lambda: self.sql(REFUSED) == "1")
        self.gateway("PutItem", TableName="things", Item=node("p0", note={"S": "again"}))
        self.wait_for(lambda: self.sql(MARKS) == "0")
        self.begin_to_follow()
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.spool") == "0")
        self.assertEqual(self.kept(), "0")
        self.assert_same()

    def test_a_repair_that_is_given_up_leaves_the_key_marked(self):
        """DynamoDB cannot be asked when the follower has taken the mark over."""
        self.follower.terminate()
        self.follower.wait(60)
        self.delete_parents(1)
        self.wait_for(lambda: self.sql(REFUSED) == "1")
        token = "SELECT token FROM landfall.dirty_key"
        before = self.sql(token)
        failing = WithoutItems(self.dynamodb.url)
        self.addCleanup(failing.stop)
        environment, self.environment = self.environment, {**self.environment, "AWS_ENDPOINT_URL_DYNAMODB": failing.url}
        self.run_beside("follow", "dynamodb://things")
        self.environment = environment
        self.wait_for(lambda: self.sql(token) != before)
        self.wait_for(lambda: self.sql(REFUSED) == "1")


if __name__ == "__main__":
    unittest.main()
