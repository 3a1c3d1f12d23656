"""A stand-in for a GLPI 11 that keeps one ticket and answers its high-level API as its documents and source say."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.kit.http_server import Answer, Call

BOT, ANA, WANG = 5, 7, 9
SECRET = "glpi-webhook-secret-0123456789"
CLIENT = {"client_id": "client", "client_secret": "client-secret", "username": "answerby", "password": "pass-word"}
NUMBER = 4711
CATEGORIES = {"complaint": 31, "consultation": 32}
GROUPS = {"vip": 21, "general": 22}
USERS = {"answerby": BOT, "ana": ANA, "wang": WANG}
LISTS = {
    "Dropdowns/ITILCategory": [{"id": n, "name": name, "completename": name} for name, n in CATEGORIES.items()],
    "Administration/Group": [{"id": n, "name": name, "completename": name} for name, n in GROUPS.items()],
    "Administration/User": [{"id": n, "username": name} for name, n in USERS.items()],
}
STATUSES = {1: "Neu", 2: "In Bearbeitung", 3: "Geplant", 4: "Wartend", 5: "Gelöst", 6: "Geschlossen"}
"""The names are in the language of the user."""


class Glpi:
    """A ticket, and what GLPI refuses. `writes` are those of our account, `hooks` all webhooks."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
        self.followups: list[dict[str, Any]] = []
        self.writes: list[tuple[str, str, dict[str, Any]]] = []
        self.hooks: list[tuple[dict[str, str], bytes]] = []
        self.team: list[tuple[str, str, int]] = [("requester", "User", WANG)]
        self.tokens: set[str] = set()
        self.refuses: set[str] = set()
        """Fields that a rule of GLPI refuses, with a 500."""
        self.drops: set[str] = set()
        """Fields that GLPI drops without a word, for want of a right."""
        self.ticket: dict[str, Any] = {
            "id": NUMBER,
            "name": "电池起火",
            "content": "<p>充电时冒烟</p>",
            "status": 1,
            "urgency": 3,
            "impact": 3,
            "priority": 3,
            "category": None,
            "request_type": {"id": 2, "name": "E-Mail"},
            "user_recipient": {"id": WANG, "name": "wang"},
            "date_creation": self.time,
            "date_mod": self.time,
            "begin_waiting_date": None,
            "waiting_duration": 0,
            "date_solve": None,
            "date_close": None,
            "external_id": None,
        }
        self.post("new", self.shown(), WANG)

    @property
    def time(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S+00:00")

    def notes(self) -> list[str]:
        return [one["content"] for one in self.followups if one["is_private"]]

    def assigned(self) -> list[tuple[str, int]]:
        return [(kind, number) for role, kind, number in self.team if role == "assigned"]

    def shown(self) -> dict[str, Any]:
        """As the API shows it: its status by name, its team by addresses."""
        status, category = self.ticket["status"], self.ticket["category"]
        members = [
            {
                "role": role,
                "name": f"{kind} {n}",
                "display_name": f"{kind} {n}",
                "href": f"/front/{kind.lower()}.form.php?id={n}",
            }
            for role, kind, n in self.team
        ]
        return {
            **self.ticket,
            "status": {"id": status, "name": STATUSES[status]},
            "category": category and {"id": category, "name": "?"},
            "team": members,
        }

    def handle(self, call: Call) -> Answer:
        url = urlsplit(call.path)
        if url.path == "/api.php/token":
            return self.grant(parse_qs(call.body.decode()))
        if call.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Answer(401, content={"status": "ERROR_UNAUTHENTICATED", "title": "You are not authenticated"})
        if call.method == "GET" and "content-type" in call.headers:
            return Answer(400, content={"status": "ERROR_INVALID_PARAMETER", "title": "Invalid JSON body"})
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        place = url.path.removeprefix("/api.php/v2.2/")
        if call.method == "GET" and place in LISTS:
            start, limit = int(query["start"]), int(query["limit"])
            return Answer(content=LISTS[place][start : start + limit])
        match call.method, place.split("/"):
            case "GET", ["Administration", "User", "Me"]:
                return Answer(content={"id": BOT, "username": "answerby"})
            case "GET", ["Assistance", "Ticket"]:
                assert query["sort"] == "date_mod:desc"
                return Answer(content=[self.shown()] if query["start"] == "0" else [])
            case "GET", ["Assistance", "Ticket", "4711"]:
                return Answer(content=self.shown())
            case "GET", ["Assistance", "Ticket", "4711", "Timeline", "Followup"]:
                return Answer(content=[{"type": "Followup", "item": one} for one in self.followups])
            case _, ["Assistance", "Ticket", "4711", *rest]:
                answer = self.write(call.method, "/".join(rest), call.json, BOT)
                if answer.status < 300:
                    self.writes.append((call.method, "/".join(rest), call.json))
                return answer
        return Answer(404, content={"status": "ERROR_ITEM_NOT_FOUND", "title": "Not found", "detail": None})

    def grant(self, form: dict[str, list[str]]) -> Answer:
        """A token for the right client and user. This grant has no refresh token."""
        given = {name: values[0] for name, values in form.items()}
        if given != {"grant_type": "password", "scope": "api user", **CLIENT}:
            return Answer(401, content={"error": "invalid_client"})
        self.tokens.add(f"token-{len(self.tokens)}")
        return Answer(content={"access_token": f"token-{len(self.tokens) - 1}", "expires_in": 3600})

    def write(self, method: str, what: str, wanted: dict[str, Any], user: int) -> Answer:
        if method == "PATCH" and not what:
            return self.update(wanted, user)
        if what == "TeamMember":
            return self.member(method, wanted)
        if (method, what) == ("POST", "Timeline/Followup"):
            number = self.say(wanted["content"], user, private=wanted["is_private"])
            return Answer(
                201, content={"id": number, "href": f"/Assistance/Ticket/{NUMBER}/Timeline/Followup/{number}"}
            )
        return Answer(404, content={"status": "ERROR_ITEM_NOT_FOUND", "title": "Not found"})

    def member(self, method: str, wanted: dict[str, Any]) -> Answer:
        member = (wanted["role"], wanted["type"], wanted["id"])
        if wanted["type"] in self.refuses or (method == "DELETE") != (member in self.team):
            return Answer(400, content={"status": "ERROR_INVALID_PARAMETER", "title": "One or more are invalid"})
        if method == "POST":
            self.team.append(member)
            return Answer(201)
        self.team.remove(member)
        return Answer(200)

    def update(self, wanted: dict[str, Any], user: int) -> Answer:
        if self.refuses & wanted.keys():
            message = {"priority": "error", "message": "Mandatory fields are not filled"}
            return Answer(500, content={"status": "ERROR", "title": "Failed", "additional_messages": [message]})
        self.now += timedelta(minutes=1)
        for name, value in wanted.items():
            if name not in self.drops and not (name == "status" and isinstance(value, dict)):  # read-only in there
                self.ticket[name] = value["id"] if isinstance(value, dict) else value
        if "status" in wanted and "status" not in self.drops:
            self.stamp(self.ticket["status"])
        self.ticket["date_mod"] = self.time
        self.post("update", self.shown(), user)
        return Answer(content=self.shown())

    def stamp(self, status: int) -> None:
        begun = self.ticket["begin_waiting_date"]
        if status == 4 and not begun:
            self.ticket["begin_waiting_date"] = self.time
        if status != 4 and begun:
            waited = self.now - datetime.fromisoformat(begun)
            self.ticket |= {"begin_waiting_date": None, "waiting_duration": int(waited.total_seconds())}
        self.ticket["date_solve"] = self.time if status == 5 else self.ticket["date_solve"] if status == 6 else None
        self.ticket["date_close"] = self.time if status == 6 else None

    def say(self, text: str, user: int, *, private: bool = False) -> int:
        self.now += timedelta(minutes=1)
        number = 88 + len(self.followups)
        said = {"id": number, "itemtype": "Ticket", "items_id": NUMBER, "content": text, "is_private": private}
        said |= {"user": {"id": user, "name": "?"}, "user_editor": None, "date_creation": self.time}
        self.followups.append(said)
        self.ticket["date_mod"] = self.time
        self.post("new", said, user)
        return number

    def post(self, event: str, item: dict[str, Any], user: int) -> None:
        """A webhook, signed with the time at which it was queued."""
        told = item if "items_id" in item else {**item, "user_editor": {"id": user, "name": "?"}}
        body = json.dumps({"event": event, "item": told}, ensure_ascii=False).encode()
        self.hooks.append((signed(body), body))


def signed(body: bytes) -> dict[str, str]:
    stamp = "1767574800"
    signature = hmac.new(SECRET.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
    return {"X-GLPI-signature": signature, "X-GLPI-timestamp": stamp}
