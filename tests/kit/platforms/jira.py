"""A stand-in for a Jira site that keeps one issue, its comments and its history, and answers its API as documented."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from tests.kit.http_server import Answer, Call
from tests.kit.platforms.jira_documents import document, text_of, well_formed

EMAIL, TOKEN, SECRET = "bot@example.com", "jira-token", "jira-webhook-secret"
BASIC = "Basic " + base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
ISSUE, KEY = "10004", "CSR-7"
ZONE = "Europe/Berlin"
HERE = timezone(timedelta(hours=1))


def person(number: str, name: str, kind: str, email: str = "") -> dict[str, Any]:
    told = {"accountId": number, "displayName": name, "accountType": kind, "timeZone": ZONE}
    return told | ({"emailAddress": email} if email else {})


BOT = person("712020:bot", "answerby", "app")
ANA = person("712020:ana", "Ana Lee", "atlassian", "ana@example.com")
WANG = person("qm:wang", "王芳", "customer", "wang@example.com")
AUTOMATION = person("557058:auto", "Automation for Jira", "app")
ROLE, DUE, GROUP, STORY, ASKED, POINTS = (f"customfield_{number}" for number in range(10050, 10056))
CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes:"
FIELDS: list[dict[str, Any]] = [
    {"id": "summary", "name": "Summary", "schema": {"type": "string", "system": "summary"}},
    {"id": "status", "name": "Status", "schema": {"type": "status", "system": "status"}},
    {"id": "priority", "name": "Priority", "schema": {"type": "priority", "system": "priority"}},
    {"id": "components", "name": "Components", "schema": {"type": "array", "items": "component"}},
    {"id": "assignee", "name": "Assignee", "schema": {"type": "user", "system": "assignee"}},
    {"id": "duedate", "name": "Due date", "schema": {"type": "date", "system": "duedate"}},
    {"id": ROLE, "name": "Role", "schema": {"type": "option", "custom": f"{CUSTOM}select"}},
    {"id": DUE, "name": "Answer due", "schema": {"type": "datetime", "custom": f"{CUSTOM}datetime"}},
    {"id": GROUP, "name": "Support group", "schema": {"type": "group", "custom": f"{CUSTOM}grouppicker"}},
    {"id": STORY, "name": "Story", "schema": {"type": "string", "custom": f"{CUSTOM}textarea"}},
    {"id": ASKED, "name": "Request Type", "schema": {"type": "sd-customerrequesttype"}},
    {"id": POINTS, "name": "Points", "schema": {"type": "number", "custom": f"{CUSTOM}float"}},
    {"id": "customfield_10090", "name": "Twice", "schema": {"type": "string"}},
    {"id": "customfield_10091", "name": "Twice", "schema": {"type": "string"}},
    {"id": "issuekey", "name": "Key"},
]
PRIORITIES = {"1": "Highest", "2": "High", "3": "Medium", "4": "Low"}
COMPONENTS = {"100": "complaint", "101": "consultation"}
TYPES = {"31": "Report a fault", "32": "Ask"}
OPTIONS = {"10001": "quality", "10002": "sales"}
GROUPS = ("vip", "general")
STATUSES = ("Open", "In Progress", "Waiting for customer", "Resolved", "Closed")


class Jira:
    """An issue, and what Jira refuses. `edits` are what our account set, `hooks` the webhooks of all."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 2, 0, tzinfo=HERE)
        self.comments: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.edits: list[dict[str, Any]] = []
        self.hooks: list[tuple[dict[str, str], bytes]] = []
        self.kind = "service_desk"
        self.stuck = False
        """Whether no transition is there."""
        self.fields: dict[str, Any] = {
            "summary": "电池起火",
            "description": document("充电时冒烟"),
            "reporter": WANG,
            "status": "Open",
            "priority": "3",
            "components": [],
            "assignee": None,
            "duedate": None,
            **dict.fromkeys((ROLE, DUE, GROUP, STORY, ASKED, POINTS)),
        }
        self.created = self.time
        self.post("jira:issue_created", WANG, issue_event_type_name="issue_created")

    @property
    def time(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.000%z")

    def notes(self) -> list[str]:
        return [text_of(one["body"]) for one in self.comments if not one["jsdPublic"]]

    def handle(self, call: Call) -> Answer:
        if call.headers.get("authorization") != BASIC:
            return Answer(401, content={"errorMessages": ["Client must be authenticated"], "errors": {}})
        url = urlsplit(call.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        match call.method, url.path.strip("/").split("/")[3:]:
            case "GET", ["myself"]:
                return Answer(content=BOT)
            case "GET", ["field"]:
                return Answer(content=FIELDS)
            case "GET", ["priority", "search"]:
                return paged("values", named(PRIORITIES), query)
            case "GET", ["project", "CSR", "components"]:
                return Answer(content=named(COMPONENTS))
            case "GET", ["user", "assignable", "search"] if query["project"] == "CSR":
                return Answer(content=[BOT, ANA])
            case "GET", ["CSR", "requesttype"]:
                size = len(TYPES)
                return Answer(
                    content={"start": 0, "size": size, "limit": 50, "isLastPage": True, "values": named(TYPES)}
                )
            case "POST", ["search", "jql"]:
                return self.search(call.json)
            case method, ["issue", number, *rest] if number == ISSUE:
                return self.issue(method, rest, query, call)
        return Answer(404, content={"errorMessages": ["Issue does not exist or you do not have permission to see it."]})

    def issue(self, method: str, rest: list[str], query: dict[str, str], call: Call) -> Answer:
        match method, rest:
            case "GET", []:
                return Answer(content={"id": ISSUE, "key": KEY, "fields": self.shown(query["fields"].split(","))})
            case "PUT", []:
                return self.edit(call.json["fields"], BOT)
            case "GET", ["comment"]:
                return paged("comments", self.comments, query)
            case "POST", ["comment"]:
                internal = call.json.get("properties") == [{"key": "sd.public.comment", "value": {"internal": True}}]
                return self.say(call.json["body"], BOT, public=not internal)
            case "GET", ["changelog"]:
                return paged("values", self.history, query)
            case "GET", ["transitions"]:
                return Answer(content={"transitions": [] if self.stuck else self.transitions()})
            case "POST", ["transitions"]:
                wanted = [one for one in self.transitions() if one["id"] == call.json["transition"]["id"]]
                if not wanted or self.stuck:
                    return Answer(400, content={"errorMessages": ["It seems that you have tried to perform..."]})
                return self.move(wanted[0]["to"]["name"], BOT)
        return Answer(405)

    def transitions(self) -> list[dict[str, Any]]:
        return [
            {"id": str(10 * at), "name": f"To {status}", "to": {"id": str(at), "name": status}}
            for at, status in enumerate(STATUSES, 1)
            if status != self.fields["status"]
        ]

    def search(self, asked: dict[str, Any]) -> Answer:
        """By the minute, in the time zone of the account."""
        jql = r'project in \("CSR"\) AND updated >= "(.*)" ORDER BY updated ASC, key ASC'
        since = re.fullmatch(jql, asked["jql"])
        assert since is not None
        at = datetime.strptime(since[1], "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(ZONE))
        issue = {"id": ISSUE, "key": KEY, "fields": self.shown(asked["fields"])}
        return Answer(content={"issues": [issue] if at <= self.now else [], "isLast": True})

    def shown(self, names: list[str]) -> dict[str, Any]:
        fields = self.fields
        forms: dict[str, Any] = {
            "created": self.created,
            "updated": self.time,
            "project": {"id": "10000", "key": "CSR", "projectTypeKey": self.kind},
            "status": {"id": str(STATUSES.index(fields["status"]) + 1), "name": fields["status"]},
            "priority": {"id": fields["priority"], "name": PRIORITIES[fields["priority"]]},
            "components": [{"id": one, "name": COMPONENTS[one]} for one in fields["components"]],
            ROLE: fields[ROLE] and {"id": option(fields[ROLE]), "value": fields[ROLE]},
            GROUP: fields[GROUP] and {"name": fields[GROUP], "groupId": "7b1"},
            ASKED: fields[ASKED] and {"requestType": {"id": fields[ASKED], "name": TYPES[fields[ASKED]]}},
        }
        return {name: forms.get(name, fields.get(name)) for name in names}

    def edit(self, wanted: dict[str, Any], user: dict[str, Any]) -> Answer:
        """All of it, or nothing."""
        errors = {name: "cannot be set" for name, value in wanted.items() if not takes(name, value)}
        if errors:
            return Answer(400, content={"errorMessages": [], "errors": errors})
        if user is BOT:
            self.edits.append(wanted)
        items = []
        for name, value in wanted.items():
            before, after = self.fields[name], inner(value)
            if before != after:
                self.fields[name] = after
                items.append(item(name, before, after))
        return self.log(user, items)

    def move(self, status: str, user: dict[str, Any], *items: dict[str, Any]) -> Answer:
        before, self.fields["status"] = self.fields["status"], status
        told = {"field": "status", "fieldId": "status", "from": "1", "fromString": before, "toString": status}
        if user is BOT:
            self.edits.append({"status": status})
        return self.log(user, [*items, {**told, "to": str(STATUSES.index(status) + 1)}])

    def log(self, user: dict[str, Any], items: list[dict[str, Any]]) -> Answer:
        if items:
            self.now += timedelta(minutes=1)
            entry = {"id": str(10124 + len(self.history)), "items": items}
            self.history.append({**entry, "author": user, "created": self.time})
            self.post("jira:issue_updated", user, changelog=entry)
        return Answer(204)

    def say(self, body: Any, user: dict[str, Any], *, public: bool) -> Answer:
        if not isinstance(body, dict) or not well_formed(body):
            return Answer(400, content={"errorMessages": [], "errors": {"comment": "Comment body is not valid!"}})
        self.now += timedelta(minutes=1)
        made = {"id": str(10080 + len(self.comments)), "author": user, "body": body, "created": self.time}
        made |= {"self": f"https://example.atlassian.net/rest/api/2/issue/{ISSUE}/comment/{made['id']}"}
        self.comments.append({**made, "updated": self.time, "jsdPublic": public or self.kind != "service_desk"})
        self.post("comment_created", user, comment={**self.comments[-1], "body": text_of(body)})
        return Answer(201, content=self.comments[-1])

    def post(self, event: str, user: dict[str, Any], **more: Any) -> None:
        """A webhook, signed. Its issue has the form of the second version of the API. That of a comment has none."""
        told: dict[str, Any] = {"timestamp": int(self.now.timestamp() * 1000), "webhookEvent": event, **more}
        if event != "comment_created":
            project = {"key": "CSR", "projectTypeKey": self.kind}
            told |= {"user": user, "issue": {"id": ISSUE, "key": KEY, "fields": {"project": project}}}
        body = json.dumps(told, ensure_ascii=False).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        self.hooks.append(({"X-Hub-Signature": f"sha256={signature}"}, body))


def named(names: dict[str, str]) -> list[dict[str, Any]]:
    return [{"id": number, "name": name} for number, name in names.items()]


def paged(key: str, items: list[Any], query: dict[str, str]) -> Answer:
    """At most two of them, although a hundred were asked for: Jira may give fewer than asked."""
    start = int(query.get("startAt", "0"))
    return Answer(content={"startAt": start, "maxResults": 2, "total": len(items), key: items[start : start + 2]})


def option(value: str) -> str:
    return next(number for number, name in OPTIONS.items() if name == value)


def takes(name: str, value: Any) -> bool:
    """Whether the field takes this."""
    match name:
        case "priority":
            return set(value) == {"id"} and value["id"] in PRIORITIES
        case "components":
            return all(set(one) == {"id"} and one["id"] in COMPONENTS for one in value)
        case "assignee":
            return value in ({"accountId": BOT["accountId"]}, {"accountId": ANA["accountId"]})
        case "duedate":
            return re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None
        case _ if name == ROLE:
            return set(value) == {"value"} and value["value"] in OPTIONS.values()
        case _ if name == DUE:
            return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}", value) is not None
        case _ if name == GROUP:
            return set(value) == {"name"} and value["name"] in GROUPS
        case _ if name == STORY:
            return isinstance(value, dict) and well_formed(value)
        case _ if name == ASKED:
            return value in TYPES
        case _ if name == POINTS:
            return isinstance(value, float)
    return False


def inner(value: Any) -> Any:
    """The value as the stand-in keeps it."""
    if isinstance(value, list):
        return [inner(one) for one in value]
    if isinstance(value, dict) and value.get("type") != "doc":
        return value if "accountId" in value else next(iter(value.values()))
    return value


def item(name: str, before: Any, after: Any) -> dict[str, Any]:
    """An entry of the history: ids of some, texts for people of the others."""
    told = {"field": name, "fieldId": name, "from": None, "fromString": "", "to": None, "toString": str(after or "")}
    match name:
        case "priority":
            return {**told, "from": before, "to": after, "toString": PRIORITIES[after]}
        case "components":
            return {**told, "field": "Component", "to": after[0], "toString": COMPONENTS[after[0]]}
        case "assignee":
            return {**told, "to": after["accountId"], "toString": "Ana Lee"}
        case "duedate":
            return {**told, "to": after, "toString": f"{after} 00:00:00.0"}
        case _ if name == DUE:
            return {**told, "to": after, "toString": "07/Jan/26 6:00 PM"}
        case _ if name == ROLE:
            return {**told, "to": option(after)}
        case _ if name == STORY:
            return {**told, "toString": text_of(after)}
    return told
