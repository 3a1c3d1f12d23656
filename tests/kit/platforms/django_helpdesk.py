"""A stand-in for a django-helpdesk that keeps tickets with their follow-ups and answers its API as release 2.6.1 does."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from answerby_connectors.kit.signing.signatures import PATH_SECRET
from tests.kit.http_server import Answer, Call

BOT, ANA = 5, 7
TOKEN, SECRET = "bot-token", "hook secret"
QUEUES = {"general": 1, "vip": 2}
CATEGORIES = {"complaint", "consultation"}
STATUSES = {1: "Open", 2: "Reopened", 3: "Resolved", 4: "Closed", 5: "Duplicate"}
ALLOWED = {
    "priority": range(1, 6),
    "status": STATUSES,
    "queue": QUEUES.values(),
    "assigned_to": {BOT, ANA},
    "custom_category": CATEGORIES,
}
NUMBER = 4711
LINK = re.compile(r"(?:[^&]|\b|^)#(\d+)\b")


class DjangoHelpdesk:
    """Tickets. A PATCH sends no webhook and leaves no follow-up."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
        self.tickets: dict[int, dict[str, Any]] = {}
        self.hooks: list[tuple[dict[str, str], bytes]] = []
        self.writes: list[dict[str, Any]] = []
        self.account = BOT
        """The account of the token."""

    def new(self, comment: str = "充电时冒烟", **fields: Any) -> int:
        number = NUMBER + len(self.tickets)
        self.tickets[number] = {
            "id": number,
            "queue": 1,
            "title": "电池起火",
            "description": comment,
            "resolution": None,
            "submitter_email": "Wang@Example.com",
            "assigned_to": None,
            "status": 1,
            "on_hold": False,
            "priority": 3,
            "due_date": None,
            "merged_to": None,
            "followup_set": [],
            "custom_category": "",
            **fields,
        }
        self.follow_up(number, None, comment, public=True, title="Ticket Opened Via Web")
        self.send(number)
        return number

    @property
    def time(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def tick(self, seconds: float = 60) -> None:
        self.now += timedelta(seconds=seconds)

    def notes(self, number: int = NUMBER) -> list[str]:
        return [one["comment"] for one in self.tickets[number]["followup_set"] if not one["public"]]

    @property
    def followups(self) -> list[dict[str, Any]]:
        """All of them, the first one first."""
        return sorted((one for t in self.tickets.values() for one in t["followup_set"]), key=lambda one: one["date"])

    def handle(self, call: Call) -> Answer:
        if call.headers.get("authorization") != f"Token {TOKEN}":
            return Answer(401, {"WWW-Authenticate": "Token"}, {"detail": "Invalid token."})
        url = urlsplit(call.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        match call.method, url.path.removeprefix("/api/").split("/"):
            case "GET", ["followups", ""]:
                return self.page(int(query.get("page", 1)), int(query.get("page_size", 25)))
            case "POST", ["followups", ""]:
                return self.post(call.json)
            case method, ["tickets", name, ""] if name.isdigit() and int(name) in self.tickets:
                return (
                    self.patch(int(name), call.json) if method == "PATCH" else Answer(content=self.tickets[int(name)])
                )
        return Answer(404, content={"detail": "No Ticket matches the given query."})

    def page(self, page: int, size: int) -> Answer:
        every, start = self.followups, size * (page - 1)
        if page > 1 and start >= len(every):
            return Answer(404, content={"detail": "Invalid page."})
        more = start + size < len(every)
        following = f"http://desk.example/api/followups/?page={page + 1}&page_size={size}" if more else None
        found = every[start : start + size]
        return Answer(content={"count": len(every), "next": following, "previous": None, "results": found})

    def patch(self, number: int, fields: dict[str, Any]) -> Answer:
        """All or nothing. Fields that are not there are ignored without a word."""
        self.writes.append(fields)
        ticket = self.tickets[number]
        known = {name: value for name, value in fields.items() if name in ticket}
        wrong = {n: [f'"{v}" is not a valid choice.'] for n, v in known.items() if str(v) not in allowed(n, v)}
        if wrong:
            return Answer(400, content=wrong)
        if due := known.get("due_date"):
            known["due_date"] = datetime.fromisoformat(due).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ticket |= {name: int(value) if name in ("priority", "status") else value for name, value in known.items()}
        return Answer(content=ticket)

    def post(self, told: dict[str, Any]) -> Answer:
        self.writes.append(told)
        if told["ticket"] not in self.tickets:
            return Answer(400, content={"ticket": [f'Invalid pk "{told["ticket"]}" - object does not exist.']})
        comment = told["comment"]
        if "\x00" in comment:
            return Answer(400, content={"comment": ["Null characters are not allowed."]})
        if any(part in comment for part in ("{{", "{%", "{#", "%}", "X-HELPDESK-COMMENT")):
            return Answer(500)  # at best rendered, at worst a template of Django that cannot be read
        self.tickets[told["ticket"]]["title"] = told.get("title") or self.tickets[told["ticket"]]["title"]
        self.follow_up(told["ticket"], self.account, comment, public=told.get("public", False), title=told.get("title"))
        for linked in {int(number) for number in LINK.findall(comment)} & self.tickets.keys() - {told["ticket"]}:
            self.follow_up(linked, self.account, "", title=f"Referenced in ticket #{told['ticket']}")
        one = self.tickets[told["ticket"]]["followup_set"][-1]
        self.send(told["ticket"], one["id"])
        return Answer(201, content=one)

    def say(
        self,
        number: int,
        user: int | None,
        comment: str = "",
        *,
        public: bool = False,
        status: int | None = None,
        title: str | None = None,
        mail: str | None = None,
    ) -> int:
        """What a person writes in the browser or by e-mail. Returns the id of the follow-up."""
        self.follow_up(number, user, comment, public=public, status=status, title=title)
        one = self.tickets[number]["followup_set"][-1]
        one["message_id"] = mail
        self.send(number, one["id"])
        return int(one["id"])

    def follow_up(
        self,
        number: int,
        user: int | None,
        comment: str,
        *,
        public: bool = False,
        status: int | None = None,
        title: str | None = None,
    ) -> None:
        self.tick()
        ticket = self.tickets[number]
        if status is not None:
            ticket["status"] = status
        ticket["followup_set"].append(
            {
                "id": 900 + len(self.followups),
                "ticket": number,
                "user": user,
                "title": title or ticket["title"],
                "comment": comment,
                "public": public,
                "new_status": status,
                "date": self.time,
                "message_id": None,
            }
        )

    def send(self, number: int, followup: int | None = None) -> None:
        ticket = self.tickets[number]
        slug = next(name for name, queue in QUEUES.items() if queue == ticket["queue"])
        body = {"ticket": ticket, "queue_slug": slug} | ({"followup_id": followup} if followup else {})
        self.hooks.append(({PATH_SECRET: SECRET}, json.dumps(body).encode()))


def allowed(name: str, value: Any) -> set[str]:
    return {str(one) for one in ALLOWED.get(name, [value])}
