"""A stand-in for a Zammad that keeps one ticket, its articles and its history, and answers its API as documented."""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.kit.http_server import Answer, Call

SYSTEM, BOT, ANA, WANG = 1, 5, 7, 9
TOKEN, SECRET = "zammad-token", "zammad-signature-token"
TICKET = 4711
NAMES = {
    "priority": {"1 low": 1, "2 normal": 2, "3 high": 3},
    "state": {"new": 1, "open": 2, "pending reminder": 3, "closed": 4, "merged": 5},
    "group": {"Users": 1, "vip": 2, "general": 3},
    "owner": {"-": SYSTEM, "bot@example.com": BOT, "ana@example.com": ANA},
}
FULL_NAMES = {"-": "-", "bot@example.com": "Answer By", "ana@example.com": "Ana Lee"}
USERS = {
    SYSTEM: {"id": SYSTEM, "login": "-", "firstname": "-", "lastname": "", "email": ""},
    BOT: {"id": BOT, "login": "bot@example.com", "firstname": "Answer", "lastname": "By", "email": "bot@example.com"},
    ANA: {"id": ANA, "login": "ana@example.com", "firstname": "Ana", "lastname": "Lee", "email": "ana@example.com"},
    WANG: {"id": WANG, "login": "wang", "firstname": "芳", "lastname": "王", "email": "wang@example.com"},
}
ATTRIBUTES = ("category", "due_at", "role")
"""The attributes that an administrator added. Zammad drops any other without a word."""


class Zammad:
    """A ticket, and what Zammad refuses. `puts` are the updates of our account, `hooks` the webhooks of all."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
        self.articles: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.puts: list[dict[str, Any]] = []
        self.hooks: list[tuple[dict[str, str], bytes]] = []
        self.ticket: dict[str, Any] = {
            "id": TICKET,
            "number": "14711",
            "title": "电池起火",
            "customer_id": WANG,
            "priority": "2 normal",
            "state": "new",
            "group": "Users",
            "owner": "-",
            "pending_time": None,
            **dict.fromkeys(ATTRIBUTES),
            "created_at": self.time,
            "updated_at": self.time,
        }
        self.log("created", WANG)
        self.say({"body": "充电时<b>冒烟</b>", "content_type": "text/html", "type": "email"}, WANG)
        self.post(self.articles[0], WANG)

    @property
    def time(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.250Z")

    def notes(self) -> list[str]:
        return [one["body"] for one in self.articles if one["internal"]]

    def handle(self, call: Call) -> Answer:
        if call.headers.get("authorization") != f"Token token={TOKEN}":
            return Answer(401, content={"error": "Invalid token!"})
        url = urlsplit(call.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        match call.method, url.path.strip("/").split("/")[2:]:
            case "GET", ["users", "me"]:
                return Answer(content=USERS[BOT])
            case "GET", ["ticket_priorities"]:
                return Answer(content=listed("priority"))
            case "GET", ["ticket_states"]:
                return Answer(content=listed("state"))
            case "GET", ["tickets", "search"]:
                return self.search(query)
            case "GET", ["tickets", "4711"]:
                return Answer(content=self.expanded() if query.get("expand") == "true" else self.plain())
            case "GET", ["ticket_articles", "by_ticket", "4711"]:
                return Answer(content=self.articles)
            case "GET", ["ticket_history", "4711"]:
                users = {str(number): user for number, user in USERS.items()}
                return Answer(content={"history": self.history, "assets": {"User": users}})
            case "PUT", ["tickets", "4711"]:
                answer = self.update(call.json, BOT)
                if answer.status == 200:
                    self.puts.append(call.json)
                return answer
        return Answer(404, content={"error": f"Couldn't find Ticket with 'id'={url.path}"})

    def search(self, query: dict[str, str]) -> Answer:
        """By the search index, in the order of changes."""
        since = re.fullmatch(r"updated_at:\[(\S+) TO \*\]", query["query"])
        assert since is not None
        assert (query["sort_by"], query["order_by"], query["expand"]) == ("updated_at", "asc", "true")
        due = datetime.fromisoformat(since[1]) <= self.now and query["page"] == "1"
        return Answer(content=[self.expanded()] if due else [])

    def plain(self) -> dict[str, Any]:
        """The ticket with ids in place of names."""
        others = {name: value for name, value in self.ticket.items() if name not in NAMES}
        return others | {f"{name}_id": ids[self.ticket[name]] for name, ids in NAMES.items()}

    def expanded(self) -> dict[str, Any]:
        return {**self.plain(), **self.ticket}

    def update(self, wanted: dict[str, Any], user: int) -> Answer:
        """As an agent does it in the browser, or our account by the API: all of it, or nothing."""
        for name, names in NAMES.items():
            if name in wanted and wanted[name] not in names:
                return Answer(422, content={"error": f"No lookup value found for '{name}': {json.dumps(wanted[name])}"})
        said = wanted.get("article")
        if said is not None and not said.get("body"):
            return Answer(422, content={"error": 'Need at least article: { body: "some text" }'})
        self.now += timedelta(minutes=1)
        for name in (*NAMES, "pending_time", *ATTRIBUTES):
            if name in wanted and wanted[name] != self.ticket[name]:
                was, self.ticket[name] = self.ticket[name], wanted[name]
                shown = [FULL_NAMES.get(one, one) if name == "owner" else one for one in (was, wanted[name])]
                self.log("updated", user, name, *(str(one or "") for one in shown))
        self.ticket["updated_at"] = self.time
        if said:
            self.now += timedelta(seconds=1)  # the article makes the ticket younger than its change
            self.say(said, user)
        self.post(self.articles[-1] if said else None, user)
        return Answer(content=self.plain())

    def merge(self, target: int, user: int) -> None:
        self.update({"state": "merged"}, user)
        self.log("merged_into", user)
        self.history[-1] |= {"id_to": target, "id_from": TICKET}

    def say(self, said: dict[str, Any], user: int) -> None:
        kind = said.get("content_type", "text/plain")
        self.articles.append(
            {
                "id": 104 + len(self.articles),
                "ticket_id": TICKET,
                "type": said.get("type", "note"),
                "sender": said.get("sender", "Customer" if user == WANG else "Agent"),
                "internal": said.get("internal", False),
                "content_type": kind,
                "body": said["body"],
                "created_by_id": user,
                "created_at": self.time,
                "attachments": [],
            }
        )
        self.ticket["updated_at"] = self.time

    def log(self, kind: str, user: int, name: str = "", before: str = "", after: str = "") -> None:
        entry: dict[str, Any] = {"id": 1000 + len(self.history), "o_id": TICKET, "type": kind, "object": "Ticket"}
        entry |= {"created_by_id": user, "created_at": self.time}
        if name:
            entry |= {"attribute": name, "value_from": before, "value_to": after}
        self.history.append(entry)

    def post(self, article: dict[str, Any] | None, user: int) -> None:
        """The webhook of a trigger, signed."""
        ids = [one["id"] for one in self.articles]
        ticket = {**self.plain(), "state": {"id": 1, "name": self.ticket["state"]}, "updated_by_id": user}
        body = json.dumps({"ticket": {**ticket, "article_ids": ids}, "article": article}, ensure_ascii=False).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
        self.hooks.append(({"X-Hub-Signature": f"sha1={signature}", "X-Zammad-Trigger": "answerby"}, body))


def listed(name: str) -> list[dict[str, Any]]:
    return [{"id": number, "name": each, "active": True} for each, number in NAMES[name].items()]


def html_of(text: str) -> dict[str, Any]:
    """A public article of an agent, as the browser sends it."""
    return {"body": f"<div>{html.escape(text)}</div>", "content_type": "text/html", "type": "email"}
