"""A stand-in for a HubSpot account that keeps one ticket and answers the CRM API as its documents say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.kit.http_server import Answer, Call

TOKEN, SECRET, HOOK = "pat-eu1-token", "hubspot client secret", "https://answerby.example.com/hook/desk"
APP, PORTAL, ANA, WANG, TICKET = 1_160_452, 33, 7, "501", "4711"
OWNERS = {"ana@example.com": "901", "bot@example.com": "902"}
STAGES = {
    "0": ("Support", {"1": "New", "2": "Waiting on contact", "3": "Waiting on us", "4": "Closed"}),
    "77": ("vip", {"771": "New", "772": "Closed"}),
}
OPTIONS = {
    "hs_ticket_priority": ("LOW", "MEDIUM", "HIGH", "URGENT"),
    "hs_ticket_category": ("PRODUCT_ISSUE", "complaint", "consultation"),
}
TEXTS = ("subject", "content", "answer_due", "role")
SOURCE = {"INTEGRATION": {"sourceType": "INTEGRATION", "sourceId": str(APP)}}
PAGE = 100
"""The most members of a page, and the most ids of a batch."""


class HubSpot:
    """A ticket with the history of its properties, its notes and its e-mails. `writes` are those of our app."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
        self.created = self.time
        self.updated = self.time
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.objects: dict[str, list[dict[str, Any]]] = {"notes": [], "emails": []}
        self.writes: list[dict[str, Any]] = []
        self.hooks: list[dict[str, Any]] = []
        """What webhooks tell of each change, in its order."""
        made = {"subject": "电池起火", "content": "充电时冒烟", "hs_ticket_priority": "LOW"}
        self.set({**made, "hs_pipeline": "0", "hs_pipeline_stage": "1"}, {"sourceType": "EMAIL"})
        self.hooks = [self.told("creation", {"sourceType": "EMAIL"})]

    @property
    def time(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.000Z")

    @property
    def properties(self) -> dict[str, str]:
        return {name: entries[0]["value"] for name, entries in self.history.items()}

    def notes(self) -> list[str]:
        return [one["properties"]["hs_note_body"] for one in self.objects["notes"]]

    def handle(self, call: Call) -> Answer:
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            return refusal(401, "INVALID_AUTHENTICATION")
        url = urlsplit(call.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        match call.method, url.path.strip("/").split("/")[1:]:
            case "POST", ["v2", "private-apps", "get", "access-token-info"]:
                return Answer(content={"userId": 2, "hubId": PORTAL, "appId": APP, "scopes": ["tickets"]})
            case "GET", ["v3", "owners"]:
                found = [{"id": str(number), "email": f"{number}@example.com"} for number in range(120)]
                return paged([*found, *({"id": one, "email": email} for email, one in OWNERS.items())], query)
            case "GET", ["v3", "pipelines", "tickets"]:
                return Answer(content={"results": [pipeline(number) for number in STAGES]})
            case "GET", ["v3", "properties", "tickets", name] if name in OPTIONS:
                return Answer(content={"options": [{"label": one.title(), "value": one} for one in OPTIONS[name]]})
            case "GET", ["v4", "objects", "tickets", _, "associations", kind]:
                return paged([{"toObjectId": int(one["id"])} for one in self.objects[kind]], query)
            case "POST", ["v3", "objects", "tickets", "search"]:
                return self.search(call.json)
            case "POST", ["v3", "objects", kind, "batch", "read"] if kind in self.objects:
                return self.batch(kind, call.json)
            case "POST", ["v3", "objects", "notes"]:
                return self.add_note(call.json)
            case "GET", ["v3", "objects", "tickets", "4711"]:
                return Answer(content=self.shown(query))
            case "PATCH", ["v3", "objects", "tickets", "4711"]:
                self.writes.append(call.json["properties"])
                return self.update(call.json["properties"])
        return refusal(404, "OBJECT_NOT_FOUND")

    def shown(self, query: dict[str, str]) -> dict[str, Any]:
        asked, history = query["properties"].split(","), query["propertiesWithHistory"].split(",")
        of = {kind: [{"id": one["id"], "type": "x"} for one in many] for kind, many in self.objects.items()}
        lists = {kind: {"results": 2 * ids[:PAGE]} for kind, ids in of.items() if ids}
        for kind in [kind for kind, ids in of.items() if len(ids) > PAGE]:
            lists[kind]["paging"] = {"next": {"after": str(PAGE)}}
        return {
            "id": TICKET,
            "properties": {**dict.fromkeys(asked), **self.properties, "source_type": "EMAIL"},
            "propertiesWithHistory": {name: self.history[name] for name in history if name in self.history},
            "associations": {"contacts": {"results": [{"id": WANG, "type": "x"}]}, **lists},
            "createdAt": self.created,
            "updatedAt": self.updated,
            "archived": False,
        }

    def search(self, asked: dict[str, Any]) -> Answer:
        (group,) = asked["filterGroups"]
        (first,) = group["filters"]
        assert (first["propertyName"], first["operator"]) == ("hs_lastmodifieddate", "GTE")
        assert asked["sorts"] == ["hs_lastmodifieddate"]
        late = datetime.fromisoformat(self.updated).timestamp() * 1000 >= int(first["value"])
        found = [{"id": TICKET, "properties": {}, "updatedAt": self.updated}] if late and asked["after"] == "0" else []
        return Answer(content={"total": len(found), "results": found})

    def batch(self, kind: str, asked: dict[str, Any]) -> Answer:
        """207 with what is there, when something is not there any more."""
        ids = [one["id"] for one in asked["inputs"]]
        if len(ids) > PAGE:
            return refusal(400, "VALIDATION_ERROR")
        found = [one for one in self.objects[kind] if one["id"] in ids and not one["archived"]]
        shown = [
            {**one, "properties": {name: one["properties"].get(name) for name in asked["properties"]}} for one in found
        ]
        body: dict[str, Any] = {"status": "COMPLETE", "results": shown}
        if len(found) == len(ids):
            return Answer(content=body)
        return Answer(207, content={**body, "numErrors": 1, "errors": [{"category": "OBJECT_NOT_FOUND"}]})

    def update(self, fields: dict[str, Any], source: dict[str, Any] = SOURCE["INTEGRATION"]) -> Answer:
        """All or nothing. A stage is one of the pipeline that the ticket is then in."""
        stages = STAGES.get(fields.get("hs_pipeline", self.properties["hs_pipeline"]), ("", {}))[1]
        allowed = {**OPTIONS, "hs_pipeline": STAGES, "hs_pipeline_stage": stages, "hubspot_owner_id": OWNERS.values()}
        after = {**self.properties, **fields}
        for name, value in fields.items():
            if name not in allowed and name not in TEXTS:
                return refusal(400, "VALIDATION_ERROR", {name: "PROPERTY_DOESNT_EXIST"})
            if not isinstance(value, str):
                return refusal(400, "VALIDATION_ERROR")
            if name in allowed and value not in allowed[name]:
                return refusal(400, "VALIDATION_ERROR", {name: "INVALID_OPTION"})
        if after["hs_pipeline_stage"] not in stages:
            return refusal(400, "VALIDATION_ERROR", {"hs_pipeline_stage": "INVALID_PIPELINE_STAGE"})
        self.set(fields, source)
        return Answer(content={"id": TICKET, "properties": self.properties, "updatedAt": self.updated})

    def by_ana(self, **fields: str) -> None:
        """A person changes properties in the browser."""
        answer = self.update(fields, {"sourceType": "CRM_UI", "sourceId": f"userId:{ANA}", "updatedByUserId": ANA})
        assert answer.status == 200, answer

    def set(self, fields: dict[str, str], source: dict[str, Any]) -> None:
        if self.history:
            self.now += timedelta(minutes=1)
        self.updated = self.time
        for name, value in fields.items():
            if self.properties.get(name) != value:
                self.history.setdefault(name, []).insert(0, {"value": value, "timestamp": self.time, **source})
                self.hooks.append(self.told("propertyChange", source, propertyName=name, propertyValue=value))

    def told(self, kind: str, source: dict[str, Any], **more: str) -> dict[str, Any]:
        return {
            "eventId": 1000 + len(self.hooks),
            "subscriptionId": 25,
            "portalId": PORTAL,
            "appId": APP,
            "occurredAt": int(self.now.timestamp() * 1000),
            "attemptNumber": 0,
            "objectId": int(TICKET),
            "subscriptionType": f"ticket.{kind}",
            "changeSource": source["sourceType"],
            "sourceId": source.get("sourceId", ""),
            **more,
        }

    def add_note(self, asked: dict[str, Any]) -> Answer:
        assert asked["properties"]["hs_timestamp"], "required"
        assert asked["associations"][0]["types"] == [
            {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 228}
        ]
        self.writes.append(asked["properties"])
        made = self.add("notes", asked["properties"], hs_object_source="INTEGRATION", hs_object_source_id=str(APP))
        return Answer(201, content=made)

    def add(self, kind: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
        self.now += timedelta(minutes=1)
        self.updated = self.time
        number = str(9000 + sum(map(len, self.objects.values())))
        told = {"hs_timestamp": self.time, **properties, **more}
        self.objects[kind].append({"id": number, "properties": told, "createdAt": self.time, "archived": False})
        return self.objects[kind][-1]

    def mail(self, text: str, direction: str) -> None:
        user = None if direction == "INCOMING_EMAIL" else ANA
        told = {"hs_email_text": text, "hs_email_direction": direction, "hs_created_by_user_id": user}
        self.add("emails", told, hs_object_source="CRM_UI")


def pipeline(number: str) -> dict[str, Any]:
    label, stages = STAGES[number]
    told = [{"id": one, "label": name, "displayOrder": at} for at, (one, name) in enumerate(stages.items())]
    return {"id": number, "label": label, "displayOrder": 0, "stages": told[::-1]}


def paged(members: list[dict[str, Any]], query: dict[str, str]) -> Answer:
    at, size = int(query.get("after", 0)), min(int(query["limit"]), PAGE)
    more = {"paging": {"next": {"after": str(at + size)}}} if at + size < len(members) else {}
    return Answer(content={"results": members[at : at + size], **more})


def refusal(status: int, category: str, wrong: dict[str, str] | None = None) -> Answer:
    errors = [{"message": "x", "code": why, "context": {"propertyName": [n]}} for n, why in (wrong or {}).items()]
    return Answer(status, content={"status": "error", "message": "x", "category": category, "errors": errors})


def signed(told: list[dict[str, Any]], at: float | None = None) -> tuple[dict[str, str], bytes]:
    """A webhook of these changes, sent now unless `at` says otherwise (Unix time)."""
    body, stamp = json.dumps(told).encode(), str(int((at or time.time()) * 1000))
    digest = hmac.new(SECRET.encode(), f"POST{HOOK}".encode() + body + stamp.encode(), hashlib.sha256).digest()
    headers = {"X-HubSpot-Signature-v3": base64.b64encode(digest).decode(), "X-HubSpot-Request-Timestamp": stamp}
    return headers, body
