"""A stand-in for a Zendesk that keeps one ticket and its audits, and answers its API as its documents say."""

from __future__ import annotations

import base64
import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.kit.http_server import Answer, Call

BOT, ANA, WANG = 9_000_000_000_001, 9_000_000_000_002, 9_000_000_000_003
EMAIL, TOKEN = "bot@example.com", "zendesk-token"
CREDENTIALS = "Basic " + base64.b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode()
TICKET = 4711
GROUPS = {"vip": 21, "general": 22}
AGENTS = {"ana@example.com": ANA}
ADMINS = {"bot@example.com": BOT}
CHOICES = {
    "priority": {"low", "normal", "high", "urgent"},
    "status": {"new", "open", "pending", "hold", "solved"},
    "type": {"problem", "incident", "question", "task"},
    "group_id": set(GROUPS.values()),
    "assignee_id": {ANA, BOT},
}
PAGE = 100
"""The most members of a page."""


class Zendesk:
    """A ticket with its audits, and what Zendesk refuses. `puts` are the updates of our account."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
        self.audits: list[dict[str, Any]] = []
        self.puts: list[dict[str, Any]] = []
        self.refused: set[str] = set()
        """Fields that are refused with 422, as by a rule of the account."""
        self.ticket: dict[str, Any] = {
            "id": TICKET,
            "requester_id": WANG,
            "subject": "电池起火",
            "description": "充电时冒烟",
            "via": {"channel": "email"},
            "type": None,
            "priority": "normal",
            "status": "new",
            "custom_status_id": 1,
            "group_id": None,
            "assignee_id": None,
            "due_at": None,
            "tags": ["battery"],
            "custom_fields": [{"id": 360001, "value": None}],
            "created_at": self.time,
        }
        begun = [{"type": "Create", "field_name": name, "value": self.ticket[name]} for name in ("subject", "priority")]
        self.audit(WANG, [self.comment(WANG, "充电时冒烟", public=True), *begun])

    @property
    def time(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def notes(self) -> list[str]:
        """The internal notes, as their HTML."""
        events = [one for audit in self.audits for one in audit["events"]]
        return [one["html_body"] for one in events if one["type"] == "Comment" and not one["public"]]

    def handle(self, call: Call) -> Answer:
        if call.headers.get("authorization") != CREDENTIALS:
            return Answer(401, content={"error": "Couldn't authenticate you"})
        url = urlsplit(call.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        match call.method, url.path.strip("/").split("/")[2:]:
            case "GET", ["users", "me"]:
                return Answer(content={"user": {"id": BOT, "role": "agent"}})
            case "GET", ["users"]:
                found = {"agent": AGENTS, "admin": ADMINS}[query["role"]]
                return paged("users", [{"id": number, "email": email} for email, number in found.items()], query)
            case "GET", ["groups", "assignable"]:
                many = [{"id": 1000 + n, "name": f"group {n}"} for n in range(120)]
                return paged("groups", [*many, *({"id": n, "name": name} for name, n in GROUPS.items())], query)
            case "GET", ["incremental", "tickets", "cursor"]:
                return self.export(query)
            case "GET", ["tickets", "4711"]:
                users = [{"id": WANG, "name": "王芳", "email": "wang@example.com"}, {"id": BOT, "name": "Answer By"}]
                return Answer(content={"ticket": self.ticket, "users": users})
            case "GET", ["tickets", "4711", "audits"]:
                return paged("audits", self.audits, query)
            case "PUT", ["tickets", "4711"]:
                answer = self.update(call.json["ticket"], BOT)
                if answer.status == 200:
                    self.puts.append(call.json["ticket"])
                return answer
        return Answer(404, content={"error": "RecordNotFound", "description": "Not found"})

    def export(self, query: dict[str, str]) -> Answer:
        """The ticket, if it changed since `start_time`; its last change counts as older than a minute."""
        at = int(datetime.fromisoformat(self.ticket["updated_at"]).timestamp())
        due = int(query["start_time"]) <= at and "cursor" not in query
        shown = [{**self.ticket, "generated_timestamp": at}] if due else []
        return Answer(content={"tickets": shown, "after_cursor": "MTU3", "end_of_stream": True})

    def update(self, wanted: dict[str, Any], user: int) -> Answer:
        """As an agent does it in the browser, or our account by the API: all of it, or nothing."""
        fields = {name: value for name, value in wanted.items() if name not in ("safe_update", "updated_stamp")}
        if wanted.get("safe_update") and wanted["updated_stamp"] != self.ticket["updated_at"]:
            return Answer(409, content={"error": "UpdateConflict"})
        if wrong := self.errors(fields):
            details = {name: [{"description": f"{name}: is invalid", "error": "InvalidValue"}] for name in wrong}
            return Answer(422, content={"error": "RecordInvalid", "details": details})
        comment = fields.pop("comment", None)
        custom = {str(one["id"]): one["value"] for one in fields.pop("custom_fields", [])}
        events = [one for name, value in fields.items() for one in self.set(self.ticket, name, value, name)]
        for one in self.ticket["custom_fields"]:
            if str(one["id"]) in custom:
                events += self.set(one, "value", custom[str(one["id"])], str(one["id"]))
        if any(one["field_name"] == "status" for one in events):
            events += self.set(self.ticket, "custom_status_id", self.ticket["custom_status_id"] + 1, "custom_status_id")
        if comment:
            text = html.unescape(re.sub(r"<br>\n?", "\n", comment["html_body"]))
            events.append(self.comment(user, text, public=comment["public"], markup=comment["html_body"]))
        if events:
            self.audit(user, events)
        return Answer(content={"ticket": self.ticket, "audit": self.audits[-1]})

    def errors(self, fields: dict[str, Any]) -> list[str]:
        """The fields that Zendesk refuses. A closed ticket takes nothing."""
        if self.ticket["status"] == "closed":
            return ["status"]
        wrong = [name for name, allowed in CHOICES.items() if name in fields and fields[name] not in allowed]
        if fields.get("due_at") and fields.get("type", self.ticket["type"]) != "task":
            wrong.append("due_at")
        return [*wrong, *(self.refused & fields.keys())]

    def set(self, holder: dict[str, Any], key: str, value: Any, name: str) -> list[dict[str, Any]]:
        before, holder[key] = holder[key], value
        change = {"type": "Change", "field_name": name, "value": value, "previous_value": before}
        return [change] if before != value else []

    def comment(self, user: int, text: str, *, public: bool, markup: str = "") -> dict[str, Any]:
        said = {"body": text, "html_body": markup or html.escape(text), "public": public}
        return {"type": "Comment", "author_id": user, **said}

    def audit(self, user: int, events: list[dict[str, Any]]) -> None:
        self.now += timedelta(minutes=1)
        self.ticket["updated_at"] = self.time
        number = 2_127_301_143 + len(self.audits)
        entry = {"id": number, "ticket_id": TICKET, "created_at": self.time, "author_id": user}
        self.audits.append({**entry, "via": {"channel": "web"}, "events": events})


def paged(key: str, members: list[dict[str, Any]], query: dict[str, str]) -> Answer:
    """One page of a list, by cursor."""
    at, size = int(query.get("page[after]", 0)), min(int(query["page[size]"]), PAGE)
    meta = {"has_more": at + size < len(members), "after_cursor": str(at + size)}
    return Answer(content={key: members[at : at + size], "meta": meta})
