#!/usr/bin/env python3
"""Makes the sample export beside it: make.py, always the same bytes of data.

A court's case management in one DynamoDB table: cases with their docket entries and messages under the case's key, users with
the cases they follow, sections of the court. All persons are invented. Some items are odd on purpose, as real tables have them:
an attribute of another type, a timestamp in another format, a note with U+0000, a docket entry that contradicts its key.
"""
import base64
import gzip
import hashlib
import json
import pathlib
import random
import uuid
from datetime import datetime, timedelta, timezone

HERE = pathlib.Path(__file__).resolve().parent
EXPORT_ID = "01735693200000-5c2e71aa"
EXPORT_TIME = "2025-01-01T01:00:00.000Z"
TABLE_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/court"
FILES = 4
CASES, DOCKET_ENTRIES, MESSAGES, USERS, FOLLOWED = 100, 1150, 420, 60, 250

FIRST_NAMES = "Ada Bruno Chidi Dara Elif Femi Greta Hugo Ines Jomo Kaia Lino Mira Nils Oona Paz Quirin Rosa Samir Tove".split()
LAST_NAMES = "Abara Birk Castel Dunmore Eklund Ferro Gable Holt Iwu Jarvi Kestrel Lund Marsh Novak Okoro Pell Rask Sorel Tamm Voss".split()
CITIES = ["Boise, Idaho", "Fargo, North Dakota", "Mobile, Alabama", "Reno, Nevada", "Tulsa, Oklahoma"]
CASE_TYPES = ["Deficiency", "Innocent Spouse", "Lien/Levy", "Whistleblower"]
DOCUMENTS = {"P": "Petition", "A": "Answer", "M": "Motion for Continuance", "O": "Order", "NOTC": "Notice of Trial", "RPT": "Status Report"}
SUBJECTS = ["Please review", "Signature needed", "Question about service", "Hearing date", "Sealed exhibit"]
NOTES = ["Please look at the last entry before Friday.", "Served on all parties; nothing else to do.", "The exhibit is missing its first page.",
         "Can this be set for the spring session?", "Thank you — done."]
SECTIONS = [("court", None), ("docket", "court"), ("petitions", "court"), ("chambers", "court"), ("docket-intake", "docket"),
            ("docket-service", "docket"), ("petitions-review", "petitions"), ("petitions-scan", "petitions"), ("chambers-north", "chambers"),
            ("chambers-south", "chambers"), ("docket-service-mail", "docket-service"), ("chambers-north-clerks", "chambers-north")]

rng = random.Random(20250101)


# --- DynamoDB JSON ---


class Numbers(frozenset):
    """A number set; a plain set is a string set."""


def value(of):
    if of is None:
        return {"NULL": True}
    if isinstance(of, bool):
        return {"BOOL": of}
    if isinstance(of, (int, float)):
        return {"N": str(of)}
    if isinstance(of, Numbers):
        return {"NS": [str(number) for number in sorted(of)]}
    if isinstance(of, set):
        return {"SS": sorted(of)}
    if isinstance(of, list):
        return {"L": [value(element) for element in of]}
    if isinstance(of, dict):
        return {"M": {name: value(entry) for name, entry in of.items()}}
    return {"S": of}


def line(item):
    return json.dumps({"Item": {name: value(of) for name, of in item.items()}}, ensure_ascii=False, separators=(",", ":"))


# --- the court ---


def new_id():
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def instant(start_year=2021, years=4):
    at = datetime(start_year, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=rng.randrange(years * 365 * 86400 * 1000))
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def name():
    return f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"


def sections():
    for section_id, parent in SECTIONS:
        section = {"pk": f"section|{section_id}", "sk": f"section|{section_id}", "entityName": "Section", "sectionId": section_id,
                   "name": section_id.replace("-", " ").title()}
        if parent:
            section["parentSectionId"] = parent
        yield section


def users():
    for number in range(USERS):
        user_id, full_name = new_id(), name()
        role = rng.choice(["docketclerk", "petitionsclerk", "judge", "privatePractitioner", "petitioner"])
        user = {"pk": f"user|{user_id}", "sk": f"user|{user_id}", "entityName": "User", "userId": user_id, "name": full_name, "role": role,
                "email": f"{full_name.split()[1].lower()}.{number}@example.org"}
        if role in ("docketclerk", "petitionsclerk", "judge"):
            user["sectionId"] = rng.choice(SECTIONS)[0]
            user["permissions"] = set(rng.sample(["CASE_EDIT", "DOCKET_EDIT", "MESSAGES", "SEAL", "SERVE"], rng.randint(1, 4)))
        if role == "privatePractitioner":
            user["barNumber"] = f"{rng.choice('ABC')}{rng.randint(1000, 9999)}"
            user["admissionsYear"] = rng.randint(1985, 2020)
        if role == "petitioner":
            user["contact"] = {"address1": f"{rng.randint(1, 900)} Elm Street", "city": rng.choice(CITIES), "postalCode": f"{rng.randint(0, 99999):05d}",
                               "phone": None if number % 3 else "+1 555 0100"}
        yield user


def cases():
    for number in range(CASES):
        docket_number = f"{101 + number}-{21 + number // 30}"
        case = {"pk": f"case|{docket_number}", "sk": f"case|{docket_number}", "entityName": "Case", "docketNumber": docket_number,
                "caption": f"{name()}, Petitioner", "caseType": rng.choice(CASE_TYPES), "status": rng.choice(["New", "General Docket", "Submitted", "Closed"]),
                "receivedAt": instant(), "preferredTrialCity": rng.choice(CITIES), "isSealed": rng.random() < 0.05,
                "taxYears": Numbers(rng.sample(range(2010, 2021), rng.randint(1, 3))), "amountDisputed": rng.randint(10000, 9999999) / 100,
                "petitioners": [{"name": name(), "isPrimary": index == 0} for index in range(rng.randint(1, 2))],
                "statistics": {"entries": rng.randint(1, 40), "pages": rng.randint(1, 900)}}
        if number % 20 in (3, 4, 5):
            case["leadDocketNumber"] = f"{101 + number - number % 20}-{21 + (number - number % 20) // 30}"
        yield case


def docket_entries(all_cases, all_users):
    numbers = {}
    for number in range(DOCKET_ENTRIES):
        case, entry_id = rng.choice(all_cases), new_id()
        docket_number, event_code = case["docketNumber"], rng.choice(list(DOCUMENTS))
        numbers[docket_number] = numbers.get(docket_number, 0) + 1
        entry = {"pk": case["pk"], "sk": f"docket-entry|{entry_id}", "entityName": "DocketEntry", "docketEntryId": entry_id,
                 "docketNumber": docket_number, "index": numbers[docket_number], "eventCode": event_code, "documentTitle": DOCUMENTS[event_code],
                 "filedAt": instant(), "filedByUserId": rng.choice(all_users)["userId"], "isDraft": rng.random() < 0.1, "pages": rng.randint(1, 60),
                 "servedParties": rng.sample(["petitioner", "respondent", "intervenor"], rng.randint(0, 3))}
        if number == 500:
            entry["pages"] = "twelve"
        if number == 700:
            entry["filedAt"] = "03/07/2024"
        if number == 900:
            entry["docketNumber"] += "S"
        yield entry


def message(case, sender, recipient, parent):
    message_id = new_id()
    item = {"pk": case["pk"], "sk": f"message|{message_id}", "entityName": "Message", "messageId": message_id, "docketNumber": case["docketNumber"],
            "fromUserId": sender["userId"], "toUserId": recipient["userId"], "subject": rng.choice(SUBJECTS), "message": rng.choice(NOTES),
            "createdAt": instant(), "isRead": rng.random() < 0.7}
    if parent:
        item.update(parentMessageId=parent["messageId"], gsi1pk=f"message|{parent['messageId']}", subject=parent["subject"])
    if rng.random() < 0.3:
        item["attachments"] = [{"documentId": new_id(), "title": rng.choice(list(DOCUMENTS.values()))}]
    return item


def messages(all_cases, all_users):
    by_case = {}
    for number in range(MESSAGES):
        case = rng.choice(all_cases)
        earlier = by_case.setdefault(case["docketNumber"], [])
        parent = rng.choice(earlier) if earlier and rng.random() < 0.75 else None
        item = message(case, rng.choice(all_users), rng.choice(all_users), parent)
        if number == 200:
            item["message"] = "Pasted from the scanner:\u0000page 2 is unreadable."
        earlier.append(item)
        yield item


def followed_cases(all_cases, all_users):
    pairs = [(user, case) for user in all_users for case in all_cases]
    for user, case in rng.sample(pairs, FOLLOWED):
        yield {"pk": user["pk"], "sk": case["pk"], "entityName": "UserCase", "userId": user["userId"], "docketNumber": case["docketNumber"],
               "followsSince": instant()}


def items():
    all_users, all_cases = list(users()), list(cases())
    yield from sections()
    yield from all_users
    yield from all_cases
    yield from docket_entries(all_cases, all_users)
    yield from messages(all_cases, all_users)
    yield from followed_cases(all_cases, all_users)


# --- the export ---


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def write(folder, file_name, data):
    (folder / file_name).write_bytes(data)
    if file_name.startswith("manifest"):
        (folder / file_name.replace(".json", ".md5")).write_text(md5(data))


def write_data(folder, lines):
    """A data file; returns its line of manifest-files.json."""
    file_name = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz234567", k=26)) + ".json.gz"
    data = gzip.compress("".join(text + "\n" for text in lines).encode(), 9, mtime=0)
    write(folder / "data", file_name, data)
    return json.dumps({"itemCount": len(lines), "md5Checksum": md5(data), "etag": f"{hashlib.md5(data).hexdigest()}-1",
                       "dataFileS3Key": f"AWSDynamoDB/{EXPORT_ID}/data/{file_name}"}, separators=(",", ":"))


def by_partition(all_items):
    """Items of one partition key lie in one file, as in DynamoDB's exports."""
    files = [[] for _ in range(FILES)]
    for item in all_items:
        files[hashlib.md5(item["pk"].encode()).digest()[0] % FILES].append(line(item))
    for lines in files:
        rng.shuffle(lines)
    return files


def key_element(attribute, kind):
    return {"AttributeName": attribute, "KeyType": kind}


def describe_table(count):
    index = {"IndexName": "gsi1", "KeySchema": [key_element("gsi1pk", "HASH"), key_element("sk", "RANGE")], "Projection": {"ProjectionType": "ALL"}}
    return {"Table": {"TableName": "court", "TableArn": TABLE_ARN, "TableStatus": "ACTIVE", "ItemCount": count,
                      "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
                      "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": "S"} for attribute in ("pk", "sk", "gsi1pk")],
                      "KeySchema": [key_element("pk", "HASH"), key_element("sk", "RANGE")], "GlobalSecondaryIndexes": [index]}}


def main():
    folder = HERE / "AWSDynamoDB" / EXPORT_ID
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for old in (folder / "data").iterdir():
        old.unlink()
    files = by_partition(items())
    count = sum(map(len, files))
    write(folder, "_started", b"")
    write(folder, "manifest-files.json", "".join(write_data(folder, lines) + "\n" for lines in files).encode())
    summary = {"version": "2020-06-30", "exportArn": f"{TABLE_ARN}/export/{EXPORT_ID}", "startTime": EXPORT_TIME, "endTime": "2025-01-01T01:05:12.000Z",
               "tableArn": TABLE_ARN, "tableId": "00000000-0000-4000-8000-000000000000", "exportTime": EXPORT_TIME, "s3Bucket": "example-bucket",
               "s3Prefix": None, "s3SseAlgorithm": "AES256", "s3SseKmsKeyId": None, "manifestFilesS3Key": f"AWSDynamoDB/{EXPORT_ID}/manifest-files.json",
               "billedSizeBytes": 0, "itemCount": count, "outputFormat": "DYNAMODB_JSON"}
    write(folder, "manifest-summary.json", json.dumps(summary, separators=(",", ":")).encode())
    (HERE / "table.json").write_text(json.dumps(describe_table(count), indent=1) + "\n")
    print(f"{count} items")


if __name__ == "__main__":
    main()
