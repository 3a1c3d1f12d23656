"""A stand-in for a Chatwoot that keeps one conversation and answers its API as its documents and source say."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.kit.http_server import Answer, Call

BOT, ANA, WANG = 5, 7, 9
TOKEN, SECRET = "chatwoot-token", "chatwoot-webhook-secret"
NUMBER, ACCOUNT = 4711, 3
TEAMS = {"vip": 21, "general": 22}
AGENTS = {"ana@example.com": ANA, "bot@example.com": BOT}
PRIORITIES = ("urgent", "high", "medium", "low", "none")
STATUSES = ("open", "resolved", "pending", "snoozed")
INCOMING, OUTGOING, ACTIVITY, TEMPLATE = range(4)
KINDS = ("incoming", "outgoing", "activity", "template")
PAGE, LISTED = 100, 25
"""The most messages of an answer, and the most conversations."""


class Chatwoot:
    """A conversation, and what Chatwoot refuses. `posts` are the writes of our account, `hooks` all webhooks."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
        self.messages: list[dict[str, Any]] = []
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.hooks: list[tuple[dict[str, str], bytes]] = []
        self.forbidden = False
        """Whether our account has no right to any conversation."""
        self.priority: str | None = None
        self.status = "open"
        self.labels = ["battery"]
        self.attributes: dict[str, Any] = {"order": "A-1"}
        self.team: int | None = None
        self.assignee: int | None = None
        self.created = self.seconds
        self.say("充电时冒烟", {"id": WANG, "name": "王芳", "type": "contact"}, INCOMING)

    @property
    def seconds(self) -> int:
        return int(self.now.timestamp())

    def notes(self) -> list[str]:
        return [one["content"] for one in self.messages if one["private"]]

    def conversation(self) -> dict[str, Any]:
        teams = {number: name for name, number in TEAMS.items()}
        assignee = {"id": self.assignee, "type": "user"} if self.assignee else None
        return {
            "id": NUMBER,
            "meta": {
                "sender": {"id": WANG, "name": "王芳", "email": "wang@example.com", "type": "contact"},
                "channel": "Channel::Email",
                "assignee": assignee,
                "team": {"id": self.team, "name": teams[self.team]} if self.team else None,
            },
            "additional_attributes": {"mail_subject": "电池起火"},
            "priority": self.priority,
            "status": self.status,
            "labels": self.labels,
            "custom_attributes": self.attributes,
            "messages": self.messages[-1:],
            "created_at": self.created,
            "last_activity_at": self.seconds,
        }

    def handle(self, call: Call) -> Answer:
        if call.headers.get("api_access_token") != TOKEN:
            return Answer(401, content={"error": "Invalid Access Token"})
        url = urlsplit(call.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if url.path == "/api/v1/profile":
            return Answer(content={"id": BOT, "email": "bot@example.com"})
        root, _, rest = url.path.partition(f"/api/v1/accounts/{ACCOUNT}/")
        if root:
            return Answer(404, content={"error": "Resource could not be found"})
        match call.method, rest.split("/"):
            case "GET", ["teams"]:
                return Answer(content=[{"id": number, "name": name} for name, number in TEAMS.items()])
            case "GET", ["agents"]:
                return Answer(content=[{"id": number, "email": email} for email, number in AGENTS.items()])
            case "GET", ["conversations"]:
                return self.list(query)
            case _, ["conversations", _, *_] if self.forbidden:
                return Answer(401, content={"error": "You are not authorized to do this action"})
            case "GET", ["conversations", "4711"]:
                return Answer(content=self.conversation())
            case "GET", ["conversations", "4711", "messages"]:
                return Answer(content={"payload": self.after(int(query.get("after", 0)))})
            case "POST", ["conversations", "4711", action]:
                answer = self.write(action, call.json)
                if answer.status == 200:
                    self.posts.append((action, call.json))
                return answer
        return Answer(404, content={"error": "Resource could not be found"})

    def list(self, query: dict[str, str]) -> Answer:
        """The latest first. Without `status=all` only the open ones."""
        shown = query.get("status", "open") in ("all", self.status) and query["page"] == "1"
        return Answer(content={"data": {"meta": {}, "payload": [self.conversation()] if shown else []}})

    def after(self, number: int) -> list[dict[str, Any]]:
        """The messages after one, the oldest first; without one, the last twenty."""
        return [one for one in self.messages if one["id"] > number][:PAGE]

    def write(self, action: str, wanted: dict[str, Any]) -> Answer:
        match action:
            case "toggle_priority":
                if wanted["priority"] not in PRIORITIES:
                    return refused("priority")
                self.priority = wanted["priority"]
                return Answer(content=None)
            case "toggle_status":
                if wanted["status"] not in STATUSES:
                    return refused("status")
                self.turn(wanted["status"])
            case "assignments":
                if "assignee_id" in wanted:
                    self.assignee = wanted["assignee_id"]
                else:
                    self.team = wanted["team_id"]
            case "labels":
                self.labels = list(wanted["labels"])
                return Answer(content={"payload": self.labels})
            case "custom_attributes":
                self.attributes = dict(wanted["custom_attributes"])
            case "messages":
                if not wanted.get("content"):
                    return refused("content")
                sender = {"id": BOT, "name": "answerby", "type": "user"}
                return Answer(content=self.say(wanted["content"], sender, OUTGOING, private=wanted["private"]))
            case _:
                return Answer(404, content={"error": "Resource could not be found"})
        return Answer(content={})

    def turn(self, status: str) -> None:
        """Another status. Chatwoot writes a sentence of it into the conversation, in the language of the account."""
        before, self.status = self.status, status
        if before == status:
            return
        self.now += timedelta(minutes=1)
        change = {"status": {"previous_value": before, "current_value": status}}
        self.post("conversation_status_changed", {**self.conversation(), "changed_attributes": [change]})
        self.say(f"Conversation is {status}", None, ACTIVITY)

    def say(
        self, text: str, sender: dict[str, Any] | None, kind: int = OUTGOING, *, private: bool = False
    ) -> dict[str, Any]:
        self.now += timedelta(minutes=1)
        said = {"id": 90_000 + len(self.messages), "content": text, "message_type": kind, "private": private}
        said |= {"created_at": self.seconds, "sender": sender, "conversation_id": NUMBER}
        self.messages.append(said)
        if kind != ACTIVITY:
            told = {"message_type": KINDS[kind], "created_at": self.now.isoformat()}
            self.post("message_created", {**said, **told, "conversation": self.conversation()})
        return said

    def agent_says(self, text: str, *, private: bool = False) -> None:
        self.say(text, {"id": ANA, "name": "Ana", "type": "user"}, private=private)

    def customer_says(self, text: str) -> None:
        self.say(text, {"id": WANG, "name": "王芳", "type": "contact"}, INCOMING)

    def post(self, event: str, content: dict[str, Any]) -> None:
        """A webhook, signed as of now."""
        stamp = {"updated_at": self.now.timestamp() + 0.123}
        body = json.dumps({**content, **stamp, "event": event}, ensure_ascii=False).encode()
        self.hooks.append((signed(body), body))


def signed(body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Chatwoot-Timestamp": stamp, "X-Chatwoot-Signature": f"sha256={signature}"}


def refused(name: str) -> Answer:
    return Answer(422, content={"message": f"{name} is not included in the list", "attributes": [name]})
