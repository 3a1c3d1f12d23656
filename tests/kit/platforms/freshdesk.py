"""A stand-in for a Freshdesk that keeps one ticket after another and answers its API as its documents say."""

from __future__ import annotations

import base64
import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.kit.http_server import Answer, Call

BOT, ANA, WANG = 5, 7, 9
KEY = "bot-key"
GROUPS = {"vip": 21, "general": 22}
TYPES = {"complaint", "consultation"}
ALLOWED = {"priority": {1, 2, 3, 4}, "status": {2, 3, 4, 5}, "type": TYPES, "group_id": {*GROUPS.values()}}
NUMBER = 4711


class Freshdesk:
    """Tickets and their conversations."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
        self.tickets: dict[int, dict[str, Any]] = {}
        self.conversations: dict[int, list[dict[str, Any]]] = {}
        self.writes: list[dict[str, Any]] = []

    def new(self, **fields: Any) -> int:
        number = NUMBER + len(self.tickets)
        self.tick()
        stats = {"status_updated_at": self.time, "reopened_at": None}
        self.tickets[number] = {
            "id": number,
            "subject": "电池起火",
            "description_text": "充电时冒烟",
            "requester_id": WANG,
            "priority": 1,
            "status": 2,
            "type": None,
            "group_id": None,
            "responder_id": None,
            "due_by": "2098-01-01T00:00:00Z",
            "fr_due_by": "2026-01-05T03:00:00Z",
            "tags": ["vip-customer"],
            "custom_fields": {"cf_category": None},
            "created_at": self.time,
            "updated_at": self.time,
            "stats": stats,
            **fields,
        }
        self.conversations[number] = []
        return number

    @property
    def time(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def tick(self, seconds: int = 60) -> None:
        self.now += timedelta(seconds=seconds)

    def notes(self, number: int = NUMBER) -> list[str]:
        return [one["body"] for one in self.conversations[number] if one["private"]]

    def handle(self, call: Call) -> Answer:
        """A 404 has no body. Our account is the agent whose key the call has."""
        if call.headers.get("authorization") != "Basic " + base64.b64encode(f"{KEY}:X".encode()).decode():
            return Answer(401, content={"code": "invalid_credentials", "message": "You have to be logged in."})
        url = urlsplit(call.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        match call.method, url.path.strip("/").split("/"):
            case "GET", ["agents", "me"]:
                return Answer(content=agent(BOT, "Answer By"))
            case "GET", ["agents"]:
                return paged([agent(number, f"agent {number}") for number in range(100, 220)], query)
            case "GET", ["groups"]:
                return paged([{"id": number, "name": name} for name, number in GROUPS.items()], query)
            case "GET", ["tickets"]:
                return paged(self.find(query), query)
            case method, ["tickets", name, *rest] if name.isdigit() and int(name) in self.tickets:
                return self.ticket(method, int(name), rest, query, call)
        return Answer(404)

    def ticket(self, method: str, number: int, rest: list[str], query: dict[str, str], call: Call) -> Answer:
        match method, rest:
            case "GET", []:
                left = set() if query.get("include") == "stats" else {"stats"}
                return Answer(content={name: one for name, one in self.tickets[number].items() if name not in left})
            case "GET", ["conversations"]:
                return paged(self.conversations[number], query)
            case "PUT", []:
                self.writes.append(call.json)
                return self.update(number, call.json)
            case "POST", ["notes"]:
                self.writes.append(call.json)
                return Answer(201, content=self.say(number, BOT, call.json["body"], private=call.json["private"]))
        return Answer(404)

    def find(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """A list shows no statistics. The newest ticket comes first unless the query says otherwise."""
        assert (query["order_by"], query["order_type"]) == ("updated_at", "asc")
        found = [one for one in self.tickets.values() if one["updated_at"] >= query["updated_since"]]
        found.sort(key=lambda one: (one["updated_at"], one["id"]))
        return [{name: value for name, value in one.items() if name != "stats"} for one in found]

    def update(self, number: int, fields: dict[str, Any]) -> Answer:
        """All or nothing. Tags are replaced as a whole. Nothing tells who did it."""
        if wrong := [name for name, allowed in ALLOWED.items() if fields.get(name, min(allowed)) not in allowed]:
            return refusal(wrong)
        if wrong := wrong_due(fields.get("due_by"), fields.get("fr_due_by")):
            return refusal(wrong)
        one = self.tickets[number]
        self.tick()
        custom = {**one["custom_fields"], **fields.get("custom_fields", {})}
        if custom.keys() != one["custom_fields"].keys():
            return refusal([f"custom_fields.{name}" for name in custom.keys() - one["custom_fields"].keys()])
        if (status := fields.get("status", one["status"])) != one["status"]:
            one["stats"]["status_updated_at"] = self.time
            if one["status"] in (4, 5) and status == 2:
                one["stats"]["reopened_at"] = self.time
        one |= {**fields, "custom_fields": custom, "updated_at": self.time}
        return Answer(content=one)

    def say(
        self, number: int, user: int, body: str, *, private: bool = False, incoming: bool = False
    ) -> dict[str, Any]:
        """`body_text` is the body without markup."""
        self.tick()
        one = {
            "id": 900 + sum(map(len, self.conversations.values())),
            "user_id": user,
            "body": body,
            "body_text": html.unescape(re.sub(r"<[^>]*>", "", body)),
            "private": private,
            "incoming": incoming,
            "created_at": self.time,
        }
        self.conversations[number].append(one)
        self.tickets[number]["updated_at"] = self.time
        return one


def agent(number: int, name: str) -> dict[str, Any]:
    return {"id": number, "contact": {"name": name}}


def paged(every: list[dict[str, Any]], query: dict[str, str]) -> Answer:
    size, page = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
    return Answer(content=every[size * (page - 1) : size * page])


def wrong_due(due: str | None, first: str | None) -> list[str]:
    """Both or none, in the future, and the first answer not after the end."""
    if due is None and first is None:
        return []
    if due is None or first is None:
        return ["due_by" if due is None else "fr_due_by"]
    now = datetime.now(UTC).isoformat()
    over = [name for name, at in (("due_by", due), ("fr_due_by", first)) if at <= now]
    return over or (["fr_due_by"] if first > due else [])


def refusal(fields: list[str]) -> Answer:
    errors = [{"field": name, "message": "It should be another one", "code": "invalid_value"} for name in fields]
    return Answer(400, content={"description": "Validation failed", "errors": errors})
