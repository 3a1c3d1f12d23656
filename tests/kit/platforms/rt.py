"""A stand-in for a Request Tracker 5: tickets, transactions and attachments, as REST 2 of version 5.0.3 shows them."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from tests.kit.http_server import Answer, Call

TOKEN = "1-14-0123456789abcdef"
BOT, ANA, WANG, SYSTEM = "answerby", "ana", "wang@example.com", "RT_System"
USERS = {SYSTEM: "1", "Nobody": "6", BOT: "43", ANA: "45", WANG: "47"}
MAY_OWN = {"Nobody", BOT, ANA}
QUEUES = {"General": "1", "vip": "3", 'it\'s "new"': "4"}
STATUSES = {"new", "open", "stalled", "resolved", "rejected"}
CUSTOM = {"2": ("Category", {"complaint", "consultation"}), "3": ("ExternalRef", None)}
"""Number -> name, and the values that it takes."""
COLUMNS = {"Priority", "Subject", "Due", "Queue", "Owner", "Status"}
SQL_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
UNSET = "1970-01-01 00:00:00"
HIDDEN = {"EmailRecord", "CommentEmailRecord"}
"""Transactions that our account may not see."""
SEARCH = re.compile(r"LastUpdated >= '(?P<since>[^']+)' AND \((?P<queues>.+)\)")
NAMED = re.compile(r'Queue = ("(?:[^"\\]|\\.)*")')
TEXTS = [{"field": "ContentType", "operator": "STARTSWITH", "value": "text/"}]


class Rt:
    """The RT of one account, which has the rights that the page names."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
        self.zone = "UTC"
        """The time zone of our user, in which searches read times."""
        self.denied: set[str] = set()
        """Fields that our account may not change: the answer is still 200."""
        self.etag_ending = ""
        """What a proxy that compresses adds to ETags of answers."""
        self.counts = False
        """Whether our account sees everything, so that lists tell their length."""
        self.tickets: dict[int, dict[str, Any]] = {}
        self.transactions: list[dict[str, Any]] = []
        self.attachments: list[dict[str, Any]] = []
        self.writes: list[dict[str, Any]] = []

    def tick(self, seconds: int = 60) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def time(self) -> str:
        return self.now.strftime("%Y-%m-%d %H:%M:%S")

    def new(self, subject: str = "电池起火", requestor: str = WANG, **fields: Any) -> int:
        self.tick()
        number = len(self.tickets) + 4711
        self.tickets[number] = {
            "Subject": subject,
            "Priority": "0",
            "Queue": "1",
            "Owner": "Nobody",
            "Status": "new",
            "Due": UNSET,
            "Created": self.time,
            "LastUpdated": self.time,
            "Creator": requestor or ANA,
            "Requestor": [requestor] if requestor else [],
            "merged": 0,
            "custom": {name: [] for name in CUSTOM},
            **fields,
        }
        self.record(number, requestor or ANA, "Create", texts={"text/plain": "充电时冒烟"})
        self.record(number, SYSTEM, "EmailRecord", texts={"text/plain": "an automatic answer"})
        return number

    def notes(self, number: int = 4711) -> list[str]:
        found = {one["id"] for one in self.transactions if one["ticket"] == number and one["Type"] == "Comment"}
        return [one["Content"] for one in self.attachments if one["transaction"] in found]

    def record(self, number: int, user: str, kind: str, *, texts: dict[str, str] | None = None, **change: str) -> None:
        """One transaction. An attachment with a file name has the name behind its type: `text/plain;log.txt`."""
        one = {"ticket": number, "id": str(len(self.transactions) + 901), "Type": kind, "Creator": user}
        blank = {"Field": "", "OldValue": "", "NewValue": ""}
        self.transactions.append({**blank, **one, **change, "Created": self.time})
        for content_type, text in (texts or {}).items():
            kind_of, _, file_name = content_type.partition(";")
            body = {"id": str(len(self.attachments) + 601), "transaction": one["id"]}
            self.attachments.append({**body, "ContentType": kind_of, "Content": text, "Filename": file_name})
        self.tickets[number]["LastUpdated"] = self.time

    def etag(self, number: int, ending: str = "") -> str:
        """The last transaction, also one that our account does not see."""
        return f'"{max(int(one["id"]) for one in self.transactions if self.home(one["ticket"]) == number)}{ending}"'

    def home(self, number: int) -> int:
        return self.tickets[number]["merged"] or number

    def say(
        self, number: int, user: str, text: str, kind: str = "Correspond", content_type: str = "text/plain"
    ) -> None:
        """Correspondence of persons opens a new ticket, and mail goes out."""
        self.tick()
        self.record(number, user, kind, texts={content_type: text})
        if kind == "Correspond" and self.tickets[number]["Status"] == "new":
            self.set(number, SYSTEM, "Status", "open")
        self.record(number, SYSTEM, "CommentEmailRecord" if kind == "Comment" else "EmailRecord")

    def merge(self, number: int, into: int) -> None:
        self.tick()
        self.tickets[number]["merged"] = into
        self.record(number, ANA, "AddLink", Field="MergedInto", NewValue=f"fsck.com-rt://example/ticket/{into}")
        self.tickets[into]["LastUpdated"] = self.time

    def update(self, number: int, fields: dict[str, Any], user: str = ANA) -> list[str]:
        """A sentence for each field, whether it was changed or not; none for unknown names and present values."""
        self.tick()
        plain = {name: value for name, value in fields.items() if name in COLUMNS}
        done = [self.set(number, user, name, str(value)) for name, value in plain.items()]
        done += [self.set_custom(number, user, *item) for item in fields.get("CustomFields", {}).items()]
        return [sentence for sentence in done if sentence]

    def set(self, number: int, user: str, name: str, value: str) -> str:
        ticket = self.tickets[number]
        before = ticket[name]
        if user == BOT and name in self.denied:
            return f"Ticket {number}: Permission Denied"
        if name == "Priority" and not value.isdigit():
            value = "0"
        if name == "Queue" and value not in QUEUES.values():
            return f"Ticket {number}: Queue {value} does not exist"
        if name == "Owner" and value not in MAY_OWN:
            return f"Ticket {number}: That user may not own tickets in that queue"
        if name == "Status" and value not in STATUSES:
            return f"Ticket {number}: Status '{value}' isn't a valid status for this ticket."
        if value == before:
            return ""
        ticket[name] = value
        before, value = (USERS[before], USERS[value]) if name == "Owner" else (before, value)
        self.record(number, user, "Status" if name == "Status" else "Set", Field=name, OldValue=before, NewValue=value)
        if name == "Owner":
            self.record(number, user, "SetWatcher", Field=name, OldValue=before, NewValue=value)
        return f"Ticket {number}: {name} changed"

    def set_custom(self, number: int, user: str, field: str, value: str) -> str:
        by_name = {name: one for one, (name, _) in CUSTOM.items()}
        field = by_name.get(field, field)
        if field not in CUSTOM:
            return ""
        allowed = CUSTOM[field][1]
        if allowed is not None and value not in allowed:
            return "Invalid value for custom field"
        before = self.tickets[number]["custom"][field]
        if before == [value]:
            return ""
        self.tickets[number]["custom"][field] = [value]
        old = before[0] if before else ""
        self.record(number, user, "CustomField", Field=field, OldValue=old, NewValue=value)
        return f"{CUSTOM[field][0]} {value} added"

    # What a call gets.

    def handle(self, call: Call) -> Answer:
        if call.headers.get("authorization") != f"token {TOKEN}":
            return Answer(401, content={"message": "Unauthorized"})
        url = urlsplit(call.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        match [unquote(part) for part in url.path.strip("/").split("/")]:
            case ["REST", "2.0", "user", name]:
                return self.user(name)
            case ["REST", "2.0", "queues", "all"]:
                return self.page([{"id": number, "Name": name} for name, number in QUEUES.items()], query, whole=True)
            case ["REST", "2.0", "tickets"]:
                return self.search(query)
            case ["REST", "2.0", "ticket", name, *rest] if name.isdigit() and int(name) in self.tickets:
                return self.ticket(call, self.home(int(name)), rest, query)
        return Answer(404, content={"message": "Not Found"})

    def user(self, name: str) -> Answer:
        """All of our own user, and little of any other."""
        found = next((user for user, number in USERS.items() if name in (user, number)), "")
        if not found:
            return Answer(404, content={"message": "Not Found"})
        whole = {"Timezone": self.zone, "id": int(USERS[BOT])} if found == BOT else {}
        return Answer(content={"Name": found, "Privileged": 1, **{name: one for name, one in whole.items() if one}})

    def search(self, query: dict[str, str]) -> Answer:
        asked = SEARCH.fullmatch(query["query"])
        if asked is None or not SQL_TIME.fullmatch(asked["since"]):
            return Answer(400, content={"message": "the query is none that this stand-in knows"})
        local = datetime.fromisoformat(asked["since"]).replace(tzinfo=ZoneInfo(self.zone or "America/New_York"))
        since = local.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        queues = {QUEUES.get(json.loads(name)) for name in NAMED.findall(asked["queues"])} or set(QUEUES.values())
        found = [
            {"id": str(number), "LastUpdated": w3c(one["LastUpdated"])}
            for number, one in self.tickets.items()
            if one["LastUpdated"] >= since and one["Queue"] in queues and not one["merged"]
        ]
        if query["orderby"] == "LastUpdated":
            found.sort(key=lambda one: one["LastUpdated"])
        return self.page(found, query, whole=True)

    def ticket(self, call: Call, number: int, rest: list[str], query: dict[str, str]) -> Answer:
        whole = [one for one in self.transactions if self.home(one["ticket"]) == number]
        visible = [one for one in whole if self.counts or one["Type"] not in HIDDEN]
        expected = call.headers.get("if-match")
        match call.method, rest:
            case "GET", []:
                return Answer(200, {"ETag": self.etag(number, self.etag_ending)}, self.shown(number))
            case "GET", ["history"]:
                return self.page([self.told(one) if one in visible else {} for one in whole], query)
            case "GET", ["attachments"] if json.loads(query["query"]) == TEXTS:
                seen = {one["id"] for one in visible}
                bodies = [one for one in self.attachments if one["ContentType"].startswith("text/")]
                return self.page([one for one in bodies if one["transaction"] in seen], query)
            case "PUT", []:
                if expected not in (None, self.etag(number)):
                    return Answer(412, content={"message": "Precondition Failed"})
                self.writes.append(call.json)
                return Answer(content=self.update(number, call.json, BOT))
            case "POST", ["comment"]:
                if expected is not None:  # a message has no version, so none is ever the expected
                    return Answer(412, content={"message": "Precondition Failed"})
                if not call.json.get("ContentType"):
                    return Answer(400, content={"message": "ContentType is a required field for application/json"})
                self.writes.append(call.json)
                self.say(number, BOT, call.json["Content"], "Comment", call.json["ContentType"])
                return Answer(201, content=["Comments added"])
        return Answer(404, content={"message": "Not Found"})

    def page(self, every: list[dict[str, Any]], query: dict[str, str], *, whole: bool = False) -> Answer:
        """What is hidden is empty here. It takes its place in a page, and nobody is told."""
        size, page = min(int(query.get("per_page", 20)), 100), int(query.get("page", 1))
        items = [one for one in every[size * (page - 1) : size * page] if one]
        total = len(every) if whole or self.counts else None
        pages = None if total is None else math.ceil(total / size) or 0.0
        body = {"count": len(items), "page": page, "per_page": size, "total": total, "pages": pages, "items": items}
        return Answer(content=body)

    def shown(self, number: int) -> dict[str, Any]:
        one = self.tickets[number]
        custom = [
            {"type": "customfield", "id": field, "name": CUSTOM[field][0], "values": values}
            for field, values in one["custom"].items()
        ]
        times = {name: w3c(one[name]) for name in ("Created", "LastUpdated", "Due")}
        people = {name: person(one[name]) for name in ("Creator", "Owner")}
        plain = {name: one[name] for name in ("Subject", "Priority", "Status")}
        queue = {"type": "queue", "id": one["Queue"]}
        requestors = [person(name) for name in one["Requestor"]]
        return {
            **plain,
            **times,
            **people,
            "id": number,
            "Queue": queue,
            "Requestor": requestors,
            "CustomFields": custom,
        }

    def told(self, one: dict[str, Any]) -> dict[str, Any]:
        own = [body["id"] for body in self.attachments if body["transaction"] == one["id"]]
        base = "http://rt.example.com/REST/2.0"
        links = [{"ref": "self", "id": int(one["id"]), "_url": f"{base}/transaction/{one['id']}"}]
        links += [{"ref": "attachment", "_url": f"{base}/attachment/{number}"} for number in own]
        shown = {name: one[name] for name in ("id", "Type", "Field", "OldValue", "NewValue")}
        who = {"Creator": person(one["Creator"]), "Created": w3c(one["Created"]), "ObjectId": str(one["ticket"])}
        return {**shown, **who, "_hyperlinks": links}


def person(name: str) -> dict[str, str]:
    return {"type": "user", "id": name}


def w3c(time: str) -> str:
    """A stored time as RT shows it. What is stored in another form is shown as not set."""
    return (time if SQL_TIME.fullmatch(time) else UNSET).replace(" ", "T") + "Z"
