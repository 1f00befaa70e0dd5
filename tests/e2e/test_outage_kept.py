"""What a gateway keeps so that it can begin without PostgreSQL: before it acknowledges a change, whole, and for itself."""
from harness import unittest
from outage import OutageCase
from wire import Endpoint, Signer


class Kept(OutageCase):
    def test_what_cannot_be_kept_is_not_acknowledged(self):
        self.reads_moved()
        process = self.alone_and_known()
        blocked = self.journal / "gateway.catalog.new"
        blocked.mkdir()
        self.assertIn("not all gateways work under version", self.landfall("cutover", "reads", "--percent", "50", status=4))
        self.put(3, self.alone, label={"S": "all the same"})
        blocked.rmdir()
        self.landfall("cutover", "reads", "--percent", "60")
        self.assertIn("without which no change of it can be acknowledged", self.end(process))
        kept = self.journal / "gateway.catalog"
        self.assertFalse(kept.exists())
        process = self.alone_and_known()
        self.kill(process)
        self.door.shut()
        good = kept.read_bytes()
        self.assertEqual(kept.stat().st_mode & 0o077, 0)
        for bad in (good[:-1], good[:100], b"", good[:-1] + bytes([good[-1] ^ 1]), good.replace(b"kept 1 ", b"kept 2 ")):
            kept.write_bytes(bad)
            process, said = self.begin_in_vain()
            self.assertRegex(said, "having nothing to begin with: .*gateway.catalog (is damaged|was not kept with the journal)")
            self.kill(process)
        kept.write_bytes(good)
        (self.journal / "gateway.journal").rename(self.journal / "another")
        process, said = self.begin_in_vain()
        self.assertIn("was not kept with the journal that is there", said)
        self.kill(process)
        (self.journal / "another").rename(self.journal / "gateway.journal")
        self.serve_alone()

    def test_access_keys(self):
        def ask(key, secret):
            endpoint = Endpoint(self.alone_url, Signer(key, secret))
            self.addCleanup(endpoint.close)
            return endpoint.call("GetItem", {"TableName": "things", "Key": {"pk": {"S": "thing|3"}, "sk": {"S": "thing|3"}}, "ConsistentRead": True})

        self.follow_and_serve()
        key_file = self.folder / "landfall.key"
        made = self.landfall_json("access-key", "create", "--key-file", key_file)
        key, secret = made["access_key_id"], made["secret_access_key"]
        authority = {"LANDFALL_AUTH": "sigv4", "LANDFALL_KEY_FILE": str(key_file)}
        self.environment.update(authority)
        process = self.serve_alone()
        self.assertEqual(ask(key, secret).status, 200)
        self.door.shut()
        self.kill(process)
        process = self.serve_alone()
        self.assertEqual(ask(key, secret).status, 200)
        self.assertEqual(ask(key, secret[:-1] + "?").status, 400)
        self.assertNotIn(secret.encode(), (self.journal / "gateway.keys").read_bytes())
        self.kill(process)
        (self.journal / "gateway.keys").unlink()
        process, said = self.begin_in_vain()
        self.assertIn("access keys are not to be had without it", said)


if __name__ == "__main__":
    unittest.main()
