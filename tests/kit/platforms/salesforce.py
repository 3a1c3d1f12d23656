"""A stand-in for a Salesforce org that keeps one case and answers the REST API as its documents say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.kit.http_server import Answer, Call

CLIENT, SECRET = "consumer-key", "consumer-secret"
CASE, BOT, ANA, WANG = "500Ws00000ABCDEIA4", "005Ws000000BOTAIA4", "005Ws000000ANAAIA4", "003Ws000000WNGAIA4"
VIP = "00GWs000000VIPAIA4"
QUEUES = {"vip": VIP}
USERS = {"ana@example.com": ANA}
PICKLISTS = {
    "Priority": ("High", "Medium", "Low"),
    "Type": ("complaint", "consultation"),
    "Status": ("New", "Working", "On Hold", "Closed"),
}
TRACKED = {"Priority", "Type", "Status", "OwnerId"}
DATA = "/services/data/v65.0/"
ROWS = 2_000
"""The most rows of an answer to a query."""
QUERY = re.compile(
    r"SELECT (?P<fields>.+) FROM (?P<table>\w+) WHERE (?P<where>.+?)( ORDER BY .+ LIMIT (?P<limit>\d+))?"
)


class Salesforce:
    """A case, its history, comments and e-mails. `writes` are those of our account. Tokens are t1, t2 and so on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
        self.tokens = 0
        self.ended = False
        """Whether the session of the latest token has ended."""
        self.writes: list[dict[str, Any]] = []
        self.cursors: list[list[dict[str, Any]]] = []
        """The rows of each query."""
        self.refused: set[str] = set()
        """Fields that a rule of the org refuses."""
        self.tables: dict[str, list[dict[str, Any]]] = {"CaseHistory": [], "CaseComment": [], "EmailMessage": []}
        self.case: dict[str, Any] = {
            "Id": CASE,
            "Subject": "电池起火",
            "Description": "充电时冒烟",
            "Origin": "Email",
            "ContactId": WANG,
            "SuppliedName": "王芳",
            "SuppliedEmail": "wang@example.com",
            "Priority": "Low",
            "Type": None,
            "Status": "New",
            "OwnerId": ANA,
            "Answer_Due__c": None,
            "MasterRecordId": None,
            "IsDeleted": False,
            **dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), self.time),
        }

    @property
    def time(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def notes(self) -> list[str]:
        return [one["CommentBody"] for one in self.tables["CaseComment"] if not one["IsPublished"]]

    def handle(self, call: Call) -> Answer:
        if call.path == "/services/oauth2/token":
            return self.token(call)
        if call.headers.get("authorization") != f"Bearer t{self.tokens}" or self.ended:
            return refusal(401, "INVALID_SESSION_ID")
        place = call.path.removeprefix(DATA).partition("?")[0]
        match call.method, place.split("/"):
            case "POST", ["composite"]:
                return Answer(content={"compositeResponse": [self.part(one) for one in call.json["compositeRequest"]]})
            case "GET", ["queryAll", at]:
                return self.rows(at)
            case "GET", ["sobjects", "Case", "describe"]:
                return Answer(content={"fields": [picklist(name) for name in (*PICKLISTS, "Answer_Due__c")]})
            case "PATCH", ["sobjects", "Case", number] if number == CASE:
                assert call.headers["sforce-auto-assign"] == "FALSE", "the assignment rules would give it away"
                since = parsedate_to_datetime(call.headers["if-unmodified-since"])
                if datetime.fromisoformat(self.case["LastModifiedDate"]) > since:
                    return refusal(412, "PRECONDITION_FAILED")
                self.writes.append(call.json)
                return self.update(call.json, BOT)
            case "POST", ["sobjects", "CaseComment"]:
                return self.add_comment(call.json)
        return refusal(404, "NOT_FOUND")

    def token(self, call: Call) -> Answer:
        form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        if form != {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}:
            return Answer(400, content={"error": "invalid_client", "error_description": "invalid client credentials"})
        self.tokens, self.ended = self.tokens + 1, False
        here = f"http://{call.headers['host']}"
        told = {"access_token": f"t{self.tokens}", "id": f"{here}/id/00DWs00000ORGAIA4/{BOT}", "instance_url": here}
        return Answer(content={**told, "token_type": "Bearer"})

    def part(self, one: dict[str, Any]) -> dict[str, Any]:
        """One query of a composite call. At most five of the calls may be queries."""
        url = urlsplit(one["url"])
        assert url.path == f"{DATA}queryAll"
        answer = self.query(unquote(url.query.removeprefix("q=")))
        return {"referenceId": one["referenceId"], "httpStatusCode": answer.status, "body": answer.content}

    def query(self, text: str) -> Answer:
        asked = QUERY.fullmatch(text)
        assert asked, text
        table, where = asked["table"], asked["where"]
        tables = {
            **self.tables,
            "Case": [self.case],
            "QueueSobject": [{"QueueId": number, "Queue": {"Name": name}} for name, number in QUEUES.items()],
            "User": [{"Id": number, "Username": name} for name, number in USERS.items()],
        }
        found = tables[table]
        names = [name.partition(".")[0] for name in asked["fields"].split(", ")]
        if found and (unknown := [name for name in names if name not in found[0]]):
            return refusal(400, "INVALID_FIELD", unknown)
        if number := re.search(r"(?:Id|CaseId|ParentId) = '(\w+)'", where):
            found = found if number[1] == CASE else []
        if late := re.search(r"SystemModstamp >= (\S+)", where):
            at = datetime.fromisoformat(late[1])
            found = [one for one in found if datetime.fromisoformat(one["SystemModstamp"]) >= at]
        if table == "CaseComment" and "IsDeleted = false" in where:
            found = [one for one in found if not one["IsDeleted"]]
        found = found[: int(asked["limit"] or len(found))]
        self.cursors.append([{name: one[name] for name in names} for one in found])
        return self.rows(f"{len(self.cursors) - 1}-0")

    def rows(self, at: str) -> Answer:
        """A page of the rows of a query."""
        number, start = map(int, at.split("-"))
        rows, end = self.cursors[number], start + ROWS
        more = {"nextRecordsUrl": f"{DATA}queryAll/{number}-{end}"} if end < len(rows) else {}
        return Answer(content={"done": not more, "records": rows[start:end], **more})

    def update(self, fields: dict[str, Any], user: str) -> Answer:
        """All or nothing."""
        allowed = {**PICKLISTS, "OwnerId": {*QUEUES.values(), *USERS.values()}}
        for name, value in fields.items():
            if name not in self.case:
                return refusal(400, "INVALID_FIELD", [name])
            if name in self.refused:
                return refusal(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", [name])
            if name in allowed and value not in allowed[name]:
                return refusal(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", [name])
        self.now += timedelta(minutes=1)
        for name, value in fields.items():
            if name in TRACKED and self.case[name] != value:
                told = {"Field": name, "OldValue": self.case[name], "NewValue": value}
                for row in owner_rows(told) if name == "OwnerId" else [told]:
                    self.add("CaseHistory", user, **row)
            self.case[name] = value
        self.case["LastModifiedDate"] = self.case["SystemModstamp"] = self.time
        return Answer(204)

    def add_comment(self, asked: dict[str, Any]) -> Answer:
        if len(asked["CommentBody"].encode()) > 4_000:
            return refusal(400, "STRING_TOO_LONG", ["CommentBody"])
        self.writes.append(asked)
        assert asked["ParentId"] == CASE
        made = self.say(asked["CommentBody"], BOT, published=asked["IsPublished"])
        return Answer(201, content={"id": made["Id"], "success": True, "errors": []})

    def say(self, text: str, user: str, *, published: bool, kind: str = "Standard") -> dict[str, Any]:
        """A comment. It does not change its case."""
        self.now += timedelta(minutes=1)
        told = {"CommentBody": text, "IsPublished": published, "ParentId": CASE, "CreatedBy": {"UserType": kind}}
        return self.add("CaseComment", user, **told)

    def mail(self, text: str, *, incoming: bool) -> None:
        self.now += timedelta(minutes=1)
        told = {"TextBody": text, "Incoming": incoming, "MessageDate": self.time, "ParentId": CASE}
        self.add("EmailMessage", ANA, **told)

    def add(self, table: str, user: str, **fields: Any) -> dict[str, Any]:
        number = f"a{sum(map(len, self.tables.values())):017}"
        made = {"Id": number, "CreatedById": user, "CreatedBy": {"UserType": "Standard"}, "CreatedDate": self.time}
        self.tables[table].append({**made, "SystemModstamp": self.time, "IsDeleted": False, **fields})
        return self.tables[table][-1]


def owner_rows(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The history tells another owner by names, and by ids."""
    names = {number: name for name, number in (*QUEUES.items(), *USERS.items())}
    named = {"OldValue": names[told["OldValue"]], "NewValue": names[told["NewValue"]]}
    return [{**told, "Field": "Owner", **named}, {**told, "Field": "Owner"}]


def picklist(name: str) -> dict[str, Any]:
    values = [{"value": value, "label": value, "active": True} for value in PICKLISTS.get(name, ())]
    return {"name": name, "picklistValues": [*values, {"value": "Old", "label": "Old", "active": False}]}


def refusal(status: int, code: str, fields: list[str] | None = None) -> Answer:
    return Answer(status, content=[{"message": "x", "errorCode": code, **({"fields": fields} if fields else {})}])
