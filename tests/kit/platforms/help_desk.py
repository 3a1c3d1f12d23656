"""A stand-in for an escalated help desk that keeps one ticket and answers its API."""

from __future__ import annotations

from typing import Any

from tests.kit.http_server import Answer, Call

BOT, AGENT, CUSTOMER = (
    {"id": 1, "name": "", "email": "bot@desk.test"},
    {"id": 7, "name": "Ana", "email": "ana@desk.test"},
    {"id": 9, "name": "王芳", "email": "Wang@Example.com"},
)


class HelpDesk:
    """What escalated keeps of one ticket, as its API shows and changes it. Time stands still but for what counts."""

    def __init__(self) -> None:
        self.ticket: dict[str, Any] = {
            "id": 1,
            "reference": "ESC-A1B2C3",
            "subject": "电池起火",
            "description": "充电时冒烟",
            "status": "open",
            "priority": "medium",
            "channel": "email",
            "requester": {"name": CUSTOMER["name"], "email": CUSTOMER["email"]},
            "department": None,
            "tags": [],
            "replies": [],
            "activities": [],
            "created_at": "2026-01-05T01:00:00+00:00",
            "updated_at": "2026-01-05T01:00:00+00:00",
        }
        self.departments = {"general": 1, "vip": 2}
        self.tags = {"answerby:category=complaint": 11, "answerby:category=consultation": 12, "safety": 13, "mine": 14}
        self.macros: list[dict[str, Any]] = [
            {"id": 5, "name": "close", "actions": [{"type": "status", "value": "closed"}]},
            {"id": 6, "name": "to vip", "actions": [{"type": "department", "value": "2"}]},
        ]
        self.macro_works = True
        self.writes: list[str] = []

    def handle(self, call: Call) -> Answer:
        if call.headers.get("authorization") != "Bearer secret-token":
            return Answer(401, content={"message": "Invalid token."})
        path = call.path.removeprefix("/api/").strip("/")
        match path.split("/"):
            case ["auth", "validate"]:
                return Answer(content={"user": BOT, "abilities": ["*"]})
            case ["departments"]:
                return Answer(content={"data": named(self.departments)})
            case ["tags"]:
                return Answer(content={"data": named(self.tags)})
            case ["macros"]:
                return Answer(content={"data": self.macros})
            case ["tickets", reference, *rest] if reference == self.ticket["reference"]:
                return self.write(rest[0], call.json) if rest else Answer(content={"data": self.ticket})
        return Answer(404, content={"message": "Ticket not found."})

    def write(self, action: str, content: dict[str, Any]) -> Answer:
        self.writes.append(action)
        match action:
            case "reply":
                number = self.say(content["body"], BOT, internal=content["is_internal_note"])
                return Answer(201, content={"data": {"id": number}, "message": "Note added."})
            case "priority":
                if content["priority"] not in ("low", "medium", "high", "urgent", "critical"):
                    return Answer(422, content={"message": "Validation failed."})
                self.ticket["priority"] = content["priority"]
            case "tags":
                self.ticket["tags"] = [tag for tag in named(self.tags) if tag["id"] in content["tag_ids"]]
            case "macro" if self.macro_works:
                macro = next(macro for macro in self.macros if macro["id"] == content["macro_id"])
                number = int(macro["actions"][0]["value"])
                self.ticket["department"] = next(d for d in named(self.departments) if d["id"] == number)
        return Answer(content={"message": "ok"})

    def say(self, body: str, author: dict[str, Any] | None, *, internal: bool) -> int:
        number = len(self.ticket["replies"]) + 1
        self.ticket["replies"].append(
            {
                "id": number,
                "body": body,
                "is_internal_note": internal,
                "author": author,
                "created_at": f"2026-01-05T01:{number:02}:00+00:00",
            }
        )
        return number

    def log(self, kind: str, properties: dict[str, Any], causer: dict[str, Any] | None) -> int:
        """An entry in the history, the latest first."""
        number = len(self.ticket["activities"]) + 100
        entry = {"id": number, "type": kind, "properties": properties, "causer": causer}
        self.ticket["activities"].insert(0, {**entry, "created_at": f"2026-01-05T02:{number - 100:02}:00+00:00"})
        return number

    @property
    def notes(self) -> list[str]:
        return [reply["body"] for reply in self.ticket["replies"] if reply["is_internal_note"]]

    @property
    def tag_names(self) -> set[str]:
        return {tag["name"] for tag in self.ticket["tags"]}


def named(items: dict[str, int]) -> list[dict[str, Any]]:
    return [{"id": number, "name": name, "color": "#000000"} for name, number in items.items()]
