"""The jira connector: what is Jira's own. The kit does the rest. Facts: developer.atlassian.com, Jira Cloud REST v3."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

import httpx2
from pydantic import Field as Setting

from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.domain.event import Event, EventType, Value
from answerby_connectors.jira.told import OF_COMMENT, STATUS, arrival, comment, minute, who
from answerby_connectors.jira.values import FORMS, REQUEST_TYPE, logged, sent, shown
from answerby_connectors.kit.base import Outcome, OutcomeKind
from answerby_connectors.kit.forms import as_date, as_text
from answerby_connectors.kit.hook_body import member_of, object_in
from answerby_connectors.kit.hooked import Arrival
from answerby_connectors.kit.http.answer import Answer, CallFailed, Gone
from answerby_connectors.kit.http.auth import Auth, basic, bearer
from answerby_connectors.kit.http.rest import path
from answerby_connectors.kit.http.waits import wait_of
from answerby_connectors.kit.mapping import Mapper
from answerby_connectors.kit.notes.adf import adf_text
from answerby_connectors.kit.notes.markup import ADF
from answerby_connectors.kit.polled import Listed, PolledDesk, PolledSettings
from answerby_connectors.kit.signed_hooks import SignedHooks, SignedSettings
from answerby_connectors.kit.signing.signature_schemes import SignatureSettings
from answerby_connectors.kit.ticket import NOTE, Call, Change, Field, Plan, Ticket

PAGE = 50
PRIORITY, COMPONENTS, ASSIGNEE = "priority", "components", "assignee"
BASIC = ("summary", "description", "created", "updated", "reporter", STATUS, "project")
TEXTS = {"summary": "subject", "description": "body"}
INTERNAL = [{"key": "sd.public.comment", "value": {"internal": True}}]
REFUSED = "HTTP 400: Jira takes no such value, or the field is not on the edit screen"


class JiraSettings(PolledSettings, SignedSettings):
    email: str = ""
    token: str = Setting(min_length=1, repr=False)
    projects: tuple[Annotated[str, Setting(pattern=r"^[A-Z][A-Z0-9_]*$")], ...] = Setting(min_length=1)


class JiraConnector(SignedHooks[JiraSettings], PolledDesk[JiraSettings]):
    """Writes decisions to issues, takes webhooks, and polls comments and histories."""

    platform = "jira"
    settings_type = JiraSettings
    description = "Priority, component, assignee, status, custom fields, an internal comment; webhooks and polling."
    cannot = (
        "A due date has no time: a due time goes to a custom field that an administrator adds.",
        "An issue has no assigned group: it goes to a custom field.",
        "The times of Jira's own SLA cannot be set.",
        "Two-level select fields cannot be set.",
        "A comment outside of service projects is seen by all who see the issue.",
        "A deleted issue brings no event.",
    )
    fields = (
        Field("priority", PRIORITY, chosen=True),
        Field("category", COMPONENTS, chosen=True, loose=True),
        Field("due.resolution", "duedate", form=as_date),
        Field("", ASSIGNEE, chosen=True, loose=True),
        Field("", STATUS),
    )
    values: ClassVar = {"priority": {"P0": "Highest", "P1": "High", "P2": "Medium"}}
    values_back: ClassVar = {"priority": {"Low": "P2", "Lowest": "P2"}}
    statuses: ClassVar = {
        "Waiting for support": EventType.ACCEPTED,
        "In Progress": EventType.ACCEPTED,
        "Escalated": EventType.ACCEPTED,
        "Waiting for customer": EventType.ON_HOLD,
        "Pending": EventType.ON_HOLD,
        "Resolved": EventType.COMPLETED,
        "Done": EventType.COMPLETED,
        "Closed": EventType.CLOSED,
        "Canceled": EventType.CLOSED,
    }
    status_field = STATUS
    note_limit = 30_000  # a comment takes 32,767 characters
    notes_may_be_public = True
    markup = ADF
    reference = re.compile(r"[0-9]{1,18}")
    signature = SignatureSettings(scheme="jira")

    def __init__(self, name: str, settings: Mapping[str, object]) -> None:
        super().__init__(name, settings)
        self._schemas: dict[str, dict[str, Any]] = {}
        """The type of each field, by its id."""
        self._zone = ZoneInfo("UTC")

    def auth(self, http: httpx2.AsyncClient) -> Auth:  # noqa: ARG002
        own = self.settings
        return basic(own.email, own.token) if own.email else bearer(own.token)

    async def whoami(self) -> str:
        """The account. The names of fields and the time zone of questions come along: both are as it sees them."""
        me = (await self.rest.read("ask for the account", "GET", "rest/api/3/myself")).json
        found = (await self.rest.read("list fields", "GET", "rest/api/3/field")).json
        self._zone, self._schemas = ZoneInfo(me["timeZone"]), {one["id"]: one.get("schema") or {} for one in found}
        names = Counter(one["name"] for one in found)
        ids = {one["name"]: one["id"] for one in found if names[one["name"]] == 1}
        wanted = {
            ours: theirs if theirs in self._schemas else ids.get(theirs, theirs)
            for ours, theirs in self.settings.fields.items()
        }
        known = {field.theirs for field in self.fields}
        more = [self.field(name) for name in sorted({*wanted.values()} - known) if name]
        self.mapper = Mapper((*self.fields, *more), wanted, self.tables())
        return str(me["accountId"])

    def field(self, theirs: str) -> Field:
        """The form of a field that the settings name. One that is not there has no choices, which says so."""
        kind = self._schemas.get(theirs, {}).get("type")
        if theirs not in self._schemas or kind == REQUEST_TYPE:
            return Field("", theirs, chosen=True, loose=True)
        return Field("", theirs, form=FORMS.get(str(kind), as_text))

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:
        if field == PRIORITY:
            found = await self.all("list priorities", "rest/api/3/priority/search", "values")
        elif field == COMPONENTS:
            found = (
                await self.rest.read("list components", "GET", path("rest/api/3/project/{}/components", scope))
            ).json
        elif field == ASSIGNEE:
            asked: dict[str, str | int] = {"project": scope, "maxResults": 1000}
            found = (await self.rest.read("list people", "GET", "rest/api/3/user/assignable/search", params=asked)).json
            names = Counter(one["displayName"] for one in found)
            people = {one["emailAddress"]: one["accountId"] for one in found if one.get("emailAddress")}
            people |= {one["displayName"]: one["accountId"] for one in found if names[one["displayName"]] == 1}
            return people | {one["accountId"]: one["accountId"] for one in found}
        elif self._schemas.get(field, {}).get("type") == REQUEST_TYPE:
            place = path("rest/servicedeskapi/servicedesk/{}/requesttype", scope)
            found = await self.rest.read_cursor("list request types", place, "values", after_types)
        else:
            told = f"Jira has no one field {field}; name it by its id, such as customfield_10050"
            raise CallFailed("look for the field", Outcome(OutcomeKind.FAILED, told))
        return {one["name"]: one["id"] for one in found}

    def scope(self, field: str, ticket: Ticket) -> str:
        return "" if field == PRIORITY or field not in self._schemas else str(ticket.raw["project"])

    def check_scopes(self, field: str) -> Sequence[str]:
        return ("",) if field == PRIORITY or field not in self._schemas else self.settings.projects

    async def status_name(self, status: str) -> str:
        return status  # histories tell names

    async def all(self, what: str, place: str, key: str) -> list[Any]:
        def following(page: dict[str, Any]) -> dict[str, str | int] | None:
            end = page["startAt"] + len(page[key])
            return {"startAt": end} if page[key] and end < page["total"] else None

        return await self.rest.read_cursor(what, place, key, following, maxResults=100)

    async def read(self, reference: str) -> Ticket:
        place = path("rest/api/3/issue/{}", reference)
        wanted = ",".join(sorted({*BASIC, *(self.mapper.written & self._schemas.keys())}))
        try:
            theirs = (await self.rest.read("read issue", "GET", place, params={"fields": wanted})).json
        except Gone:
            await self.whoami()  # Jira may say the same to an account that it no longer takes
            raise
        fields = theirs["fields"]
        reporter: dict[str, Any] = fields.get("reporter") or {}
        comments = await self.all("read comments", f"{place}/comment", "comments")
        history = await self.all("read history", f"{place}/changelog", "values")
        values = {name: shown(fields.get(name)) for name in wanted.split(",")} | {STATUS: fields[STATUS]["name"]}
        facts = {"key": theirs["key"], "subject": fields["summary"], "body": adf_text(fields.get("description"))}
        facts |= {"customer": reporter.get("accountId"), "name": reporter.get("displayName")}
        facts |= {"email": reporter.get("emailAddress")}
        said = [comment(one) for one in comments]
        public = fields["project"].get("projectTypeKey") == "service_desk"
        return Ticket(
            reference=str(theirs["id"]),
            created=datetime.fromisoformat(fields["created"]),
            updated=datetime.fromisoformat(fields["updated"]),
            author=reporter.get("accountId", ""),
            values=values,
            notes=[one.text for one in said if one.private or not public],
            messages=[one.text for one in said if public and not one.private],
            facts=self.named(facts),
            changes=[*said, *(change for entry in history for change in self.changes(entry, values))],
            raw={"project": fields["project"]["key"], "transitions": await self.transitions(place)},
        )

    async def transitions(self, place: str) -> dict[str, str]:
        """Status -> the transition that leads there now."""
        if STATUS not in self.mapper.written:
            return {}
        found = (await self.rest.read("list transitions", "GET", f"{place}/transitions")).json["transitions"]
        return {one["to"]["name"]: one["id"] for one in reversed(found)}

    def changes(self, entry: dict[str, Any], present: Mapping[str, object]) -> Iterator[Change]:
        """One entry of the history, with the status apart."""
        author, number = entry.get("author") or {}, f"changelog/{entry['id']}"
        made: dict[str, Any] = {"time": datetime.fromisoformat(entry["created"]), **who(author)}
        items = {str(one.get("fieldId")): one for one in entry["items"]}
        followed = items.keys() & self.mapper.written - {STATUS}
        values = {name: logged(self._schemas.get(name, {}), items[name], present.get(name)) for name in followed}
        facts = self.named({TEXTS[name]: items[name].get("toString") for name in items.keys() & TEXTS.keys()})
        if values or facts:
            yield Change(id=number, values=values, facts=facts, type=EventType.UPDATED, **made)
        if STATUS in items:
            status = (items[STATUS]["fromString"], items[STATUS]["toString"])
            yield Change(id=f"{number}/status", status=status, **made)

    async def changed(self, since: datetime, skip: int) -> tuple[Sequence[Listed], bool]:
        projects = ", ".join(f'"{key}"' for key in self.settings.projects)
        jql = f'project in ({projects}) AND updated >= "{minute(since, self._zone)}" ORDER BY updated ASC, key ASC'
        asked = {"jql": jql, "fields": ["updated"], "maxResults": PAGE}
        seen: list[Listed] = []
        while True:
            body = (await self.rest.read("poll", "POST", "rest/api/3/search/jql", json=asked)).json
            found = [Listed(str(i["id"]), datetime.fromisoformat(i["fields"]["updated"])) for i in body["issues"]]
            seen += [one for one in found if one.updated >= since]
            more = not body.get("isLast", True) and "nextPageToken" in body
            if not more or len(seen) > skip:
                return seen[skip:], more
            asked["nextPageToken"] = body["nextPageToken"]

    async def plan(self, payload: Mapping[str, Value], ticket: Ticket) -> Plan:
        """A status can only be set where a transition leads to it."""
        plan = await super().plan(payload, ticket)
        wanted = plan.changes.get(STATUS)
        if wanted is not None and wanted not in ticket.raw["transitions"]:
            del plan.changes[STATUS], plan.announced[STATUS]
            plan.remarks.append(f"{self.label(STATUS)} was not set: no transition leads to {wanted} from here")
        return plan

    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> list[Call]:
        place = path("rest/api/3/issue/{}", ticket.reference)
        names = tuple(name for name in changes if name not in (NOTE, STATUS))
        fields = {name: sent(self._schemas.get(name, {}), changes[name]) for name in names}
        calls = [Call("update issue", "PUT", place, {"fields": fields}, names)] if names else []
        if STATUS in changes:
            moved = {"transition": {"id": ticket.raw["transitions"][changes[STATUS]]}}
            calls.append(Call("move issue", "POST", f"{place}/transitions", moved, (STATUS,)))
        if NOTE in changes:
            said = {"body": changes[NOTE], "properties": INTERNAL}
            calls.append(Call("add comment", "POST", f"{place}/comment", said, (NOTE,)))
        return calls

    def note_id(self, answer: Answer) -> str:
        return str(answer.json["id"])

    def judge(self, answer: Answer) -> Outcome | None:
        """Too many writes to one issue are no reason to wait with others."""
        if answer.status == 429 and answer.headers.get("ratelimit-reason") == "jira-per-issue-on-write":
            wait = wait_of(answer.headers) or 0.0
            return Outcome(OutcomeKind.RETRY, "HTTP 429: too many writes to this issue", settle=wait)
        return None

    def blame(self, answer: Answer | None, carried: Sequence[str]) -> Mapping[str, str]:
        body = answer.peek if answer is not None and answer.status == 400 else None
        told = body.get("errors") if isinstance(body, dict) else None
        return {name: REFUSED for name in carried if isinstance(told, dict) and name in told}

    def arrivals(self, body: bytes) -> list[Arrival]:
        told = object_in(body)
        fields = (told.get("issue") or {}).get("fields") or {}
        if (fields.get("project") or {}).get("key", self.settings.projects[0]) not in self.settings.projects:
            return []
        match told.get("webhookEvent"):
            case "jira:issue_created":
                number = str(member_of(told, "issue.id", str))
                author = who(told.get("user") or {})["author"]
                return [Arrival(reference=number, id=f"ticket/{number}", new=True, author=author)]
            case "jira:issue_updated" if told.get("changelog"):
                number = str(member_of(told, "issue.id", str))
                entry = {**member_of(told, "changelog", dict), "author": told.get("user")}
                entry["created"] = datetime.fromtimestamp(member_of(told, "timestamp", int) / 1000, UTC).isoformat()
                return [arrival(number, change) for change in self.changes(entry, {})]
            case "comment_created":
                named = OF_COMMENT.search(str(member_of(told, "comment.self", str)))
                if named is None:
                    raise InvalidInput([FieldViolation("comment.self", "names no issue")])
                said = comment(member_of(told, "comment", dict))
                return [arrival(named[1], said)]
        return []

    def find(self, said: Mapping[str, str], event: Event, ticket: Ticket) -> Change | None:  # noqa: ARG002
        return ticket.change(said["id"])


def after_types(page: dict[str, Any]) -> dict[str, str | int] | None:
    return None if page["isLastPage"] else {"start": page["start"] + page["size"]}
