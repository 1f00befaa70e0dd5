#!/usr/bin/env python3
"""Makes a big export of one table: cases, docket entries and messages of about 900 bytes, in gzip files of DynamoDB JSON.

make_items.py ITEMS DIR [FILES]: the same arguments make the same files."""
import gzip
import json
import os
import random
import sys
import uuid

WORDS = ("petition answer order motion notice hearing trial brief exhibit witness decision stipulation party counsel judge clerk docket "
         "calendar session courtroom transcript record filing service deadline extension continuance settlement judgment appeal").split()
TABLE = {"Table": {"TableName": "court", "AttributeDefinitions": [{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk", "gsi1pk")],
                   "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                   "GlobalSecondaryIndexes": [{"IndexName": "gsi1", "KeySchema": [{"AttributeName": "gsi1pk", "KeyType": "HASH"}],
                                               "Projection": {"ProjectionType": "ALL"}}]}}


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.text = " ".join(self.random.choices(WORDS, k=20000))

    def words(self, length):
        start = self.random.randrange(len(self.text) - length)
        return self.text[start:start + length]

    def identifier(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def instant(self):
        r = self.random
        return f"20{r.randrange(15, 26)}-{r.randrange(1, 13):02}-{r.randrange(1, 29):02}T{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}.{r.randrange(1000):03}Z"

    def case(self, docket):
        return {"pk": {"S": f"case|{docket}"}, "sk": {"S": f"case|{docket}"}, "entityName": {"S": "Case"}, "docketNumber": {"S": docket},
                "caption": {"S": self.words(60)}, "status": {"S": self.random.choice(["New", "Open", "Closed"])}, "createdAt": {"S": self.instant()},
                "judges": {"SS": sorted(self.random.sample(["Ada", "Ben", "Cyn", "Dov", "Eve"], 2))}, "fee": {"N": str(self.random.randrange(100000) / 100)}}

    def entry(self, docket, index):
        identifier = self.identifier()
        return {"pk": {"S": f"case|{docket}"}, "sk": {"S": f"docket-entry|{identifier}"}, "entityName": {"S": "DocketEntry"}, "docketNumber": {"S": docket},
                "docketEntryId": {"S": identifier}, "index": {"N": str(index)}, "documentTitle": {"S": self.words(80)}, "filedBy": {"S": self.words(24)},
                "isDraft": {"BOOL": self.random.random() < 0.1}, "receivedAt": {"S": self.instant()}, "createdAt": {"S": self.instant()}, "pages": {"N": str(self.random.randrange(1, 300))},
                "comment": {"S": self.words(180)}}

    def message(self, docket):
        identifier = self.identifier()
        return {"pk": {"S": f"case|{docket}"}, "sk": {"S": f"message|{identifier}"}, "gsi1pk": {"S": f"message|{identifier}"}, "entityName": {"S": "Message"},
                "docketNumber": {"S": docket}, "messageId": {"S": identifier}, "subject": {"S": self.words(50)}, "message": {"S": self.words(260)},
                "from": {"S": self.words(16)}, "fromSection": {"S": self.random.choice(["docket", "petitions", "chambers"])}, "to": {"S": self.words(16)},
                "isRead": {"BOOL": self.random.random() < 0.7}, "createdAt": {"S": self.instant()}, "attachments": {"L": [{"M": {"documentId": {"S": self.identifier()}}}]}}

    def items(self, count, first):
        made = 0
        while made < count:
            docket = f"{100 + first + made}-{self.random.randrange(10, 26)}"
            group = [self.case(docket)] + [self.entry(docket, i) for i in range(1, 8)] + [self.message(docket) for _ in range(12)]
            yield from group[:count - made]
            made += len(group)


def main():
    count, folder, files = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 8
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "table.json"), "w", encoding="utf-8") as file:
        json.dump(TABLE, file, indent=1)
    for number in range(files):
        share = count // files + (number < count % files)
        with gzip.open(os.path.join(folder, f"items-{number:03}.json.gz"), "wt", compresslevel=1, encoding="utf-8") as file:
            for item in Maker(number).items(share, number * 10_000_000):
                file.write(json.dumps({"Item": item}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
