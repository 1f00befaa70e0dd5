"""What `inspect` finds by itself in the table of ElectroDB's example application: four services, fifteen entities, one table."""
import json
import lzma
import unittest

import yaml

from harness import ROOT, Case

CHAIN = json.loads(lzma.open(ROOT / "tests" / "data" / "electrodb-chain" / "chain.json.xz").read())

# As their models define them: identifiers, or all attributes of the key where no one of them identifies.
PRIMARY_KEYS = {
    "Author": ["author_last_name", "author_first_name", "birthday"],
    "Book": ["book_id"],
    "Employee": ["employee"],
    "Genre": ["isbn", "genre", "subgenre"],
    "Issue": ["repo_owner", "repo_name", "issue_number"],
    "IssueComment": ["comment_id"],
    "Lock": ["target_id"],
    "Member": ["member_id"],
    "Office": ["office_name"],
    "PullRequest": ["repo_owner", "repo_name", "pull_request_number"],
    "PullRequestComment": ["comment_id"],
    "Repository": ["repo_owner", "repo_name"],
    "Subscription": ["repo_owner", "repo_name", "username", "ticket_type", "ticket_number"],
    "Task": ["task_name"],
    "User": ["username"],
}
REPOSITORY = ("repoOwner", "repoName")
# Child, its attributes, parent, the parent's attributes.
REFERENCES = [
    ("book", ("memberId",), "member", ("memberId",)),
    ("employee", ("manager",), "employee", ("employee",)),
    ("genre", ("bookId",), "book", ("bookId",)),
    ("issue", REPOSITORY, "Repository", REPOSITORY),
    ("pull-request", REPOSITORY, "Repository", REPOSITORY),
    ("subscription", REPOSITORY, "Repository", REPOSITORY),
    ("task", ("employee",), "employee", ("employee",)),
]


def values_of(item, attributes):
    return tuple(item[name]["S"] for name in attributes if name in item)


def without_orphans(items):
    """The chain's items are a part of the application's: those whose parents are in it too."""
    count = None
    while count != len(items):
        count = len(items)
        for child, attributes, parent, key in REFERENCES:
            parents = {values_of(item, key) for item in items if item["__edb_e__"]["S"] == parent}
            items = [item for item in items if item["__edb_e__"]["S"] != child or not values_of(item, attributes) or values_of(item, attributes) in parents]
    return items


def column(attribute):
    return "".join("_" + c.lower() if c.isupper() else c for c in attribute)


class ElectroDbTest(Case):
    def draft(self, items):
        self.write("items.jsonl", "\n".join(json.dumps({"Item": item}) for item in items))
        self.landfall("inspect", "items.jsonl", "--key", "pk:S,sk:S", "--table", "electro")
        return yaml.safe_load((self.folder / "landfall.yaml").read_text())["tables"]["electro"]["entities"]

    def test_entities_and_their_keys(self):
        self.assertEqual({name: entity["primary_key"] for name, entity in self.draft(CHAIN["final"]).items()}, PRIMARY_KEYS)

    def test_references(self):
        found = {(entity["table"], tuple(key["columns"]), key["references"].split("(")[0])
                 for entity in self.draft(without_orphans(CHAIN["final"])).values() for key in entity.get("foreign_keys", [])}
        wanted = {(child.replace("-", "_"), tuple(map(column, attributes)), parent.lower().replace("-", "_")) for child, attributes, parent, _ in REFERENCES}
        self.assertEqual(wanted - found, set())

    def test_references_that_the_data_contradict_are_doubted(self):
        self.draft(CHAIN["final"])
        self.assertNotIn("references: member", (self.folder / "landfall.yaml").read_text())

    def test_keys_are_rebuilt_from_columns(self):
        for name, entity in self.draft(CHAIN["final"]).items():
            for attribute, template in entity["key"].items():
                self.assertTrue(template.startswith("$"), f"{name}: {attribute} is {template}")


if __name__ == "__main__":
    unittest.main()
