"""The redmine connector: what is Redmine's own. The kit does the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import httpx2
from pydantic import Field as Setting

from answerby.domain.event import EventType
from answerby_connectors.kit.forms import as_date
from answerby_connectors.kit.http.auth import Auth, header_key
from answerby_connectors.kit.http.rest import path
from answerby_connectors.kit.notes.markup import COMMONMARK, TEXTILE, Markup
from answerby_connectors.kit.polled import Listed, PolledDesk, PolledSettings
from answerby_connectors.kit.ticket import NOTE, Call, Change, Field, Ticket

PAGE = 25
LISTS = {
    "priority_id": ("enumerations/issue_priorities.json", "issue_priorities"),
    "status_id": ("issue_statuses.json", "issue_statuses"),
    "category_id": ("projects/{}.json", "issue_categories"),
    "assigned_to_id": ("projects/{}/memberships.json", "memberships"),
}
"""Field -> where Redmine lists its choices, and the name of the list."""
CUSTOM = "cf_"
"""A custom field is `cf_` and its number."""


class RedmineSettings(PolledSettings):
    key: str = Setting(min_length=1, repr=False)
    projects: tuple[str, ...] = ()
    markup: Literal["commonmark", "textile"] = "commonmark"


class RedmineConnector(PolledDesk[RedmineSettings]):
    """Writes decisions to issues, and polls their history."""

    platform = "redmine"
    settings_type = RedmineSettings
    description = "Priority, category, assignee, due date, custom fields and a private note; events by polling."
    cannot = (
        "A due date has no time of day.",
        "A field that role or workflow do not permit is dropped without a reason.",
        "A deleted issue brings no event.",
    )
    fields = (
        Field("priority", "priority_id", chosen=True),
        Field("category", "category_id", chosen=True, loose=True),
        Field("department", "assigned_to_id", chosen=True, loose=True),
        Field("", "status_id", chosen=True),
        Field("due.resolution", "due_date", form=as_date),
    )
    values: ClassVar = {"priority": {"P0": "Urgent", "P1": "High", "P2": "Normal"}}
    values_back: ClassVar = {"priority": {"Immediate": "P0", "Low": "P2"}}
    statuses: ClassVar = {
        "In Progress": EventType.ACCEPTED,
        "Feedback": EventType.ON_HOLD,
        "Resolved": EventType.COMPLETED,
        "Closed": EventType.CLOSED,
        "Rejected": EventType.CLOSED,
    }
    status_field = "status_id"
    complaints = "errors"
    reference = re.compile(r"[0-9]{1,12}")
    note_limit = 40_000
    notes_may_be_public = True

    def auth(self, http: httpx2.AsyncClient) -> Auth:  # noqa: ARG002
        return header_key("x-redmine-api-key", self.settings.key)

    async def whoami(self) -> str:
        return str((await self.rest.read("ask for the account", "GET", "users/current.json")).json["user"]["id"])

    @property
    def markup(self) -> Markup:
        return TEXTILE if self.settings.markup == "textile" else COMMONMARK

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:
        place, name = LISTS[field]
        if field == "category_id":  # to list them by themselves takes the right to manage them
            answer = await self.rest.read("list categories", "GET", path(place, scope), params={"include": name})
            return {one["name"]: one["id"] for one in answer.json["project"][name]}
        found = await self.rest.read_all(f"list {name}", path(place, scope), name)
        # A membership is of a user or of a group. Both can have issues.
        return {one["name"]: one["id"] for one in (one.get("user") or one.get("group") or one for one in found)}

    def scope(self, field: str, ticket: Ticket) -> str:
        return str(ticket.raw["project"]["id"]) if "{}" in LISTS[field][0] else ""

    def check_scopes(self, field: str) -> Sequence[str]:
        return self.settings.projects if "{}" in LISTS[field][0] else ("",)

    async def read(self, reference: str) -> Ticket:
        params = {"include": "journals"}
        return self.ticket(
            (await self.rest.read("read issue", "GET", place_of(reference), params=params)).json["issue"]
        )

    def ticket(self, issue: dict[str, Any]) -> Ticket:
        author, journals = issue["author"], issue.get("journals", [])
        chosen = {field: issue.get(field.removesuffix("_id")) for field in LISTS}
        first = {name: issue.get(name) for name in ("subject", "description")}
        for journal in reversed(journals):
            first |= {one["name"]: one.get("old_value") for one in journal["details"] if one["name"] in first}
        facts = {"subject": first["subject"], "body": first["description"], "name": author["name"]}
        return Ticket(
            reference=str(issue["id"]),
            created=datetime.fromisoformat(issue["created_on"]),
            updated=datetime.fromisoformat(issue["updated_on"]),
            author=str(author["id"]),
            values={name: one["id"] for name, one in chosen.items() if one}
            | {"due_date": issue.get("due_date")}
            | {f"{CUSTOM}{one['id']}": one.get("value") for one in issue.get("custom_fields", [])},
            notes=[one["notes"] for one in journals if one.get("notes") and one.get("private_notes")],
            messages=[one["notes"] for one in journals if one.get("notes") and not one.get("private_notes")],
            facts=self.named({**facts, "customer": str(author["id"])}),
            changes=[self.change(one) for one in journals if one.get("notes") or fields_of(one)],
            raw=issue,
        )

    def change(self, journal: dict[str, Any]) -> Change:
        values = fields_of(journal)
        status = values.pop("status_id", None)
        new = {name: one.get("new_value") for name, one in values.items()}
        return Change(
            id=f"journal/{journal['id']}",
            time=datetime.fromisoformat(journal["created_on"]),
            author=str(journal["user"]["id"]),
            text=journal.get("notes") or "",
            private=bool(journal.get("private_notes")),
            status=status and (str(status["old_value"]), str(status["new_value"])),
            values=new,
            facts=self.named({"subject": new.get("subject"), "body": new.get("description")}),
        )

    async def changed(self, since: datetime, skip: int) -> tuple[Sequence[Listed], bool]:
        params: dict[str, str | int] = {
            "updated_on": f">={since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "sort": "updated_on,id",
            "status_id": "*",
            "limit": PAGE,
            "offset": skip,
        }
        if self.settings.projects:
            params["project_id"] = "|".join(self.settings.projects)
        body = (await self.rest.read("list changed issues", "GET", "issues.json", params=params)).json
        found = [Listed(str(one["id"]), datetime.fromisoformat(one["updated_on"])) for one in body["issues"]]
        return found, skip + len(found) < body["total_count"]

    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> list[Call]:
        custom = {name: value for name, value in changes.items() if name.startswith(CUSTOM)}
        issue: dict[str, object] = {name: changes[name] for name in changes.keys() - custom.keys() - {NOTE}}
        if custom:
            issue["custom_fields"] = [{"id": int(n.removeprefix(CUSTOM)), "value": v} for n, v in custom.items()]
        if NOTE in changes:
            issue |= {"notes": changes[NOTE], "private_notes": True}
        place = place_of(ticket.reference)
        return [Call("update issue", "PUT", place, {"issue": issue}, tuple(changes), read_back=True)]


def place_of(reference: str) -> str:
    return path("issues/{}.json", reference)


def fields_of(journal: dict[str, Any]) -> dict[str, Any]:
    """The changed fields of an entry of the history. Attachments, relations and subtasks are left out."""
    prefixes = {"attr": "", "cf": CUSTOM}
    details = [one for one in journal["details"] if one["property"] in prefixes]
    return {f"{prefixes[one['property']]}{one['name']}": one for one in details}
