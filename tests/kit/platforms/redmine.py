"""A stand-in for a Redmine that keeps issues and answers its API as its documents say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.kit.http_server import Answer, Call

BOT, ANA, WANG = {"id": 5, "name": "Answer By"}, {"id": 7, "name": "Ana"}, {"id": 9, "name": "王芳"}
KEY = "bot-key"
STATUSES = {"New": 1, "In Progress": 2, "Resolved": 3, "Feedback": 4, "Closed": 5}
CLOSED = {5}
PRIORITIES = {"Low": 1, "Normal": 2, "High": 3, "Urgent": 4, "Immediate": 5}
CATEGORIES = {"complaint": 1, "consultation": 2}
GROUPS = {"vip": 21, "general": 22}
LISTS = {"priority": PRIORITIES, "status": STATUSES, "category": CATEGORIES, "assigned_to": GROUPS}
TEXTS = {"subject", "description", "due_date", "start_date"}


class Redmine:
    """Issues, their history, and what the role of our account may do."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
        self.issues: dict[int, dict[str, Any]] = {}
        self.dropped: set[str] = set()
        """Fields that the workflow does not permit: ignored without a word, with 204."""
        self.may_hide_notes = True
        """The right to set notes as private. Without, `private_notes` is ignored and the note is public."""
        self.puts: list[dict[str, Any]] = []
        self.at = 0

    def new(self, subject: str = "电池起火", author: dict[str, Any] = WANG, **fields: Any) -> int:
        number = len(self.issues) + 4711
        self.tick()
        self.issues[number] = {
            "id": number,
            "project": {"id": 1, "name": "Support"},
            "tracker": {"id": 3, "name": "Support"},
            "status": {"id": 1, "name": "New"},
            "priority": {"id": 2, "name": "Normal"},
            "author": author,
            "subject": subject,
            "description": "充电时冒烟",
            "start_date": "2026-01-05",
            "due_date": None,
            "custom_fields": [{"id": 12, "name": "Category", "value": ""}],
            "created_on": self.time,
            "updated_on": self.time,
            "journals": [],
            **fields,
        }
        return number

    @property
    def time(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def tick(self, seconds: int = 60) -> None:
        self.now += timedelta(seconds=seconds)

    def notes(self, number: int) -> list[str]:
        return [one["notes"] for one in self.issues[number]["journals"] if one["notes"]]

    def handle(self, call: Call) -> Answer:
        if call.headers.get("x-redmine-api-key") != KEY:
            return Answer(401, {"WWW-Authenticate": 'Basic realm="Redmine API"'})
        url = urlsplit(call.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        match [unquote(part) for part in url.path.strip("/").split("/")]:
            case ["users", "current.json"]:
                return Answer(content={"user": {**BOT, "login": "answerby", "api_key": KEY}})
            case ["enumerations", "issue_priorities.json"]:
                return Answer(content={"issue_priorities": listed(PRIORITIES)})
            case ["issue_statuses.json"]:
                return Answer(content={"issue_statuses": listed(STATUSES)})
            case ["projects", "1", "issue_categories.json"]:
                return Answer(403)  # takes the right to manage them, which our account does not have
            case ["projects", "1.json"] if query.get("include") == "issue_categories":
                return Answer(content={"project": {"id": 1, "name": "Support", "issue_categories": listed(CATEGORIES)}})
            case ["projects", "1", "memberships.json"]:
                return Answer(content=self.memberships(int(query["offset"]), int(query["limit"])))
            case ["issues.json"]:
                return Answer(content=self.find(query))
            case ["issues", name] if (number := number_of(name)) in self.issues:
                if call.method == "PUT":
                    return self.update(number, call.json["issue"], BOT)
                return Answer(content={"issue": self.issues[number]})
        return Answer(404)

    def memberships(self, offset: int, limit: int) -> dict[str, Any]:
        users = [{"id": 100 + n, "user": {"id": 1000 + n, "name": f"user {n}"}, "roles": []} for n in range(120)]
        groups = [{"id": n, "group": {"id": n, "name": name}, "roles": []} for name, n in GROUPS.items()]
        every = users + groups
        found = every[offset : offset + min(limit, 100)]
        return {"memberships": found, "total_count": len(every), "offset": offset, "limit": limit}

    def find(self, query: dict[str, str]) -> dict[str, Any]:
        """Without `status_id=*` only open issues are found."""
        issues = [dict(one) for one in self.issues.values()]
        if query.get("status_id", "o") == "o":
            issues = [one for one in issues if one["status"]["id"] not in CLOSED]
        if "updated_on" in query:
            since = query["updated_on"].removeprefix(">=")
            issues = [one for one in issues if one["updated_on"] >= since]
        issues.sort(key=lambda one: (one["updated_on"], one["id"]))
        offset, limit = int(query.get("offset", 0)), min(int(query.get("limit", 25)), 100)
        found = issues[offset : offset + limit]
        for one in found:
            del one["journals"]  # only a single issue has them
        return {"issues": found, "total_count": len(issues), "offset": offset, "limit": limit}

    def update(self, number: int, wanted: dict[str, Any], user: dict[str, Any]) -> Answer:
        """As a person in the browser does it, or our account by the API."""
        issue = self.issues[number]
        fields = {name: value for name, value in wanted.items() if user is not BOT or name not in self.dropped}
        if errors := self.errors(issue, fields):
            return Answer(422, content={"errors": errors})
        self.tick()
        details = [one for name, value in fields.items() for one in self.set(issue, name, value)]
        notes, private = fields.get("notes", ""), bool(fields.get("private_notes"))
        private = private and (user is not BOT or self.may_hide_notes)
        if details and private:  # a private note and the changes made with it are entries of their own
            self.journal(issue, user, "", private=False, details=details)
            details = []
        if details or notes:
            self.journal(issue, user, notes, private=private, details=details)
            issue["updated_on"] = self.time
        if user is BOT:
            self.puts.append(wanted)
        return Answer(204)

    def errors(self, issue: dict[str, Any], fields: dict[str, Any]) -> list[str]:
        found = []
        for name, values in LISTS.items():
            if (number := fields.get(f"{name}_id")) is not None and number not in values.values():
                found.append(f"{name.replace('_', ' ').capitalize()} is invalid")
        if (due := fields.get("due_date")) and due < issue["start_date"]:
            found.append("Due date must be greater than start date")
        return found

    def set(self, issue: dict[str, Any], name: str, value: Any) -> list[dict[str, Any]]:
        """The entry of the history, if the value is another one. Unknown names are ignored."""
        if name == "custom_fields":
            known = {one["id"]: one for one in issue["custom_fields"]}
            return [
                self.change("cf", str(one["id"]), known[one["id"]], "value", one["value"])
                for one in value
                if one["id"] in known and known[one["id"]]["value"] != one["value"]
            ]
        short = name.removesuffix("_id")
        if short in LISTS and (issue.get(short) or {}).get("id") != value:
            names = {number: text for text, number in LISTS[short].items()}
            before = (issue.get(short) or {}).get("id")
            issue[short] = {"id": value, "name": names[value]}
            return [{"property": "attr", "name": name, "old_value": before and str(before), "new_value": str(value)}]
        if name in TEXTS and issue[name] != value:
            return [self.change("attr", name, issue, name, value)]
        return []

    def change(self, kind: str, name: str, holder: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
        detail = {"property": kind, "name": name, "old_value": holder[key], "new_value": value}
        holder[key] = value
        return detail

    def journal(
        self, issue: dict[str, Any], user: dict[str, Any], notes: str, *, private: bool, details: list[dict[str, Any]]
    ) -> None:
        self.at += 1
        issue["journals"].append(
            {
                "id": 900 + self.at,
                "user": user,
                "notes": notes,
                "created_on": self.time,
                "private_notes": private,
                "details": details,
            }
        )


def listed(names: dict[str, int]) -> list[dict[str, Any]]:
    return [{"id": number, "name": name} for name, number in names.items()]


def number_of(name: str) -> int:
    text = name.removesuffix(".json")
    return int(text) if text.isdigit() else 0
