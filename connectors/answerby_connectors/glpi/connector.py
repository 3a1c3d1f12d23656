"""The glpi connector: what is GLPI's own. The kit does the rest. Facts: GLPI's OpenAPI and its source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx2
from pydantic import Field as Setting

from answerby.domain.event import ActorRole, Event, EventType
from answerby_connectors.kit.base import Outcome, OutcomeKind
from answerby_connectors.kit.hook_body import member_of, object_in
from answerby_connectors.kit.hooked import Arrival
from answerby_connectors.kit.http.answer import Answer
from answerby_connectors.kit.http.auth import Auth
from answerby_connectors.kit.http.password_grant import PasswordGrant
from answerby_connectors.kit.http.rest import path
from answerby_connectors.kit.notes.marker import announces, follows
from answerby_connectors.kit.notes.markup import HTML
from answerby_connectors.kit.notes.plain import plain_of
from answerby_connectors.kit.polled import Listed, PolledDesk, PolledSettings, oldest_first
from answerby_connectors.kit.signed_hooks import SignedHooks, SignedSettings
from answerby_connectors.kit.signing.signature_schemes import SignatureSettings
from answerby_connectors.kit.ticket import NOTE, Call, Change, Field, Ticket

API = "api.php/v2.2"
PAGE = 50
LEVELS = {"Very low": 1, "Low": 2, "Medium": 3, "High": 4, "Very high": 5, "Major": 6}
STATUSES = {"New": 1, "Assigned": 2, "Planned": 3, "Pending": 4, "Solved": 5, "Closed": 6}
WORK = {1, 2, 3}  # the statuses of a ticket that nobody waits for
STAMPS = {"Pending": "begin_waiting_date", "Solved": "date_solve", "Closed": "date_close"}  # since when it has a status
TEAM = {"group": "Group", "technician": "User"}
ASKER = ("requester", "User")
LISTS = {"category": "Dropdowns/ITILCategory", "group": "Administration/Group", "technician": "Administration/User"}
NAMES = ("username", "completename", "name")
MEMBER = re.compile(r"/(user|group)\.form\.php\?id=(\d+)$")  # the address of a member of the team


class GlpiSettings(PolledSettings, SignedSettings):
    client: str = Setting(min_length=1)
    client_secret: str = Setting(min_length=1, repr=False)
    user: str = Setting(min_length=1)
    password: str = Setting(min_length=1, repr=False)


class GlpiConnector(SignedHooks[GlpiSettings], PolledDesk[GlpiSettings]):
    """Writes decisions to tickets, takes webhooks, and polls followups."""

    platform = "glpi"
    settings_type = GlpiSettings
    description = "Priority, category, group, technician, status, a private followup; events by webhooks and polling."
    cannot = (
        "Due times cannot be set: GLPI computes them from its own service levels.",
        "Fields have no history in the API: a value that a person sets is not known as set by hand.",
        "Work after a wait is told by webhook alone. A ticket that is opened again brings no event of that.",
        "Tasks, solutions and documents of a ticket are not read, and merged or deleted tickets bring no event.",
    )
    fields = (
        Field("priority", "priority", chosen=True),
        Field("category", "category", chosen=True, loose=True),
        Field("department", "group", chosen=True, loose=True),
        *(Field("", name, chosen=True) for name in ("urgency", "impact", "status")),
        Field("", "technician", chosen=True, loose=True),
    )
    values: ClassVar = {"priority": {"P0": "Very high", "P1": "High", "P2": "Medium"}}
    values_back: ClassVar = {"priority": {"Major": "P0", "Low": "P2", "Very low": "P2"}}
    statuses: ClassVar = {
        "Pending": EventType.ON_HOLD,
        "Solved": EventType.COMPLETED,
        "Closed": EventType.CLOSED,
    }
    status_field = "status"
    markup = HTML
    reference = re.compile(r"[0-9]{1,18}")
    signature = SignatureSettings(scheme="glpi")

    def auth(self, http: httpx2.AsyncClient) -> Auth:
        own, place = self.settings, f"{self.settings.url.rstrip('/')}/api.php/token"
        return PasswordGrant(
            http, place, own.client, own.client_secret, "api user", user=own.user, password=own.password
        )

    async def whoami(self) -> str:
        return str((await self.rest.read("ask for the account", "GET", f"{API}/Administration/User/Me")).json["id"])

    def judge(self, answer: Answer) -> Outcome | None:
        """GLPI answers 500 when its own rules refuse a change. A failure of the server tells no messages."""
        body = answer.peek if answer.status == httpx2.codes.INTERNAL_SERVER_ERROR else None
        refused = isinstance(body, dict) and body.get("additional_messages")
        return Outcome(OutcomeKind.FAILED, "HTTP 500: a rule of GLPI refuses it") if refused else None

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:  # noqa: ARG002
        if field not in LISTS:
            return STATUSES if field == "status" else LEVELS
        found: list[Any] = []
        while True:
            params = {"start": len(found), "limit": PAGE}
            page = (await self.rest.read(f"list {field}", "GET", f"{API}/{LISTS[field]}", params=params)).json
            found += page
            if len(page) < PAGE:
                return {next(filter(None, map(one.get, NAMES))): one["id"] for one in found}

    async def read(self, reference: str) -> Ticket:
        place = path(f"{API}/Assistance/Ticket/{{}}", reference)
        theirs = (await self.rest.read("read ticket", "GET", place)).json
        told = (await self.rest.read("read followups", "GET", f"{place}/Timeline/Followup")).json
        said = sorted((one.get("item", one) for one in told), key=lambda one: int(one["id"]))
        team = [(one, MEMBER.search(one.get("href") or "")) for one in theirs["team"]]
        members = [(one["role"], found[1].title(), int(found[2]), one) for one, found in team if found]
        askers = [(n, one.get("display_name")) for role, kind, n, one in members if (role, kind) == ASKER]
        recipient = theirs.get("user_recipient") or {}  # nobody, for a ticket by mail of a person without account
        number, name = askers[0] if askers else (recipient.get("id") or "", recipient.get("name"))
        assigned = {f: [n for role, kind, n, _ in members if (role, kind) == ("assigned", TEAM[f])] for f in TEAM}
        facts = {"subject": theirs["name"], "body": plain_of(theirs["content"] or ""), "customer": str(number)}
        facts |= {"channel": (theirs.get("request_type") or {}).get("name"), "name": name}
        return Ticket(
            reference=str(theirs["id"]),
            created=at(theirs["date_creation"]),
            updated=at(theirs["date_mod"]),
            author=str(number),
            values={
                **theirs,
                **{name: (theirs.get(name) or {}).get("id") for name in ("category", "status")},
                **{field: found[0] if len(found) == 1 else found for field, found in assigned.items()},
            },
            notes=[one["content"] or "" for one in said if one["is_private"]],
            messages=[one["content"] or "" for one in said if not one["is_private"]],
            facts=self.named(facts),
            changes=[*map(followup, said), *self.stamps(theirs, said)],
            raw={"theirs": theirs, "assigned": assigned},
        )

    def stamps(self, theirs: dict[str, Any], said: Sequence[dict[str, Any]]) -> list[Change]:
        """The statuses of which GLPI keeps the time."""
        found: list[Change] = []
        for status, name in STAMPS.items():
            if theirs.get(name):
                time = at(theirs[name])
                near = [
                    one["content"] or ""
                    for one in said
                    if one["is_private"] and follows(at(one["date_creation"]), time)
                ]
                who = self.account if announces(near, {"status": STATUSES[status]}) else ""
                number = f"{name}/{theirs['id']}/{theirs[name]}"
                found.append(Change(id=number, time=time, author=who, actor=ActorRole.SYSTEM, status=("", status)))
        return found

    async def changed(self, since: datetime, skip: int) -> tuple[Sequence[Listed], bool]:
        async def ask(page: int) -> list[Listed]:
            params: dict[str, str | int] = {"sort": "date_mod:desc", "start": page * PAGE, "limit": PAGE}
            listed = (await self.rest.read("poll", "GET", f"{API}/Assistance/Ticket", params=params)).json
            return [Listed(str(one["id"]), at(one["date_mod"])) for one in listed]

        return await oldest_first(ask, since, skip)

    def arrivals(self, body: bytes) -> list[Arrival]:
        told = object_in(body)
        item, event = member_of(told, "item", dict), member_of(told, "event", str)
        number, user = str(member_of(told, "item.id", int)), str((item.get("user_editor") or {}).get("id") or "")
        if "items_id" in item:  # a followup, or a solution, which is not found among the followups
            author = str((item.get("user") or {}).get("id") or "")
            reference, note = str(member_of(told, "item.items_id", int)), number if item.get("is_private") else ""
            said = {"followup": number}
            made = [Arrival(reference=reference, id=f"followup/{number}", author=author, said=said, note=note)]
            return made if event == "new" and item.get("itemtype") == "Ticket" else []
        if event == "new":
            return [Arrival(reference=number, id=f"ticket/{number}", new=True, author=user)]
        status, time = str(member_of(told, "item.status.id", int)), str(member_of(told, "item.date_mod", str))
        said = {"status": status, "time": time, "user": user}
        return [Arrival(reference=number, id=f"status/{number}/{time}", said=said)]

    def find(self, said: Mapping[str, str], event: Event, ticket: Ticket) -> Change | None:
        if "followup" in said:
            return ticket.change(f"followup/{said['followup']}")
        status = next((name for name, number in STATUSES.items() if str(number) == said["status"]), "")
        if status in STAMPS:
            return next((one for one in ticket.changes if one.status and one.status[1] == status), None)
        if said["user"] == self.account or not ticket.raw["theirs"].get("waiting_duration"):
            return None
        return Change(id=event.id, time=at(said["time"]), actor=ActorRole.SYSTEM, status=("Pending", status))

    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> list[Call]:
        place = path(f"{API}/Assistance/Ticket/{{}}", ticket.reference)
        fields: dict[str, object] = {n: v for n, v in changes.items() if n not in (NOTE, *TEAM)}
        made = []
        if fields:
            nested = {n: {"id": v} if n == "category" else v for n, v in fields.items()}
            made.append(Call("update", "PATCH", place, nested, tuple(fields), read_back=True))
        for field, kind in TEAM.items():
            if field in changes:
                others = [n for n in ticket.raw["assigned"][field] if n != changes[field]]
                steps = [("POST", changes[field])] if changes[field] not in ticket.raw["assigned"][field] else []
                for method, n in [*steps, *(("DELETE", n) for n in others)]:
                    member = {"type": kind, "id": n, "role": "assigned"}
                    made.append(Call(f"set {field}", method, f"{place}/TeamMember", member, (field,)))
        if NOTE in changes:
            note = {"content": changes[NOTE], "is_private": True}
            made.append(Call("add followup", "POST", f"{place}/Timeline/Followup", note, (NOTE,)))
        return made

    def note_id(self, answer: Answer) -> str:
        return str(answer.json["id"])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def followup(theirs: dict[str, Any]) -> Change:
    who = str((theirs.get("user") or {}).get("id") or "")
    return Change(
        id=f"followup/{theirs['id']}",
        time=at(theirs["date_creation"]),
        author=who,
        actor=None if who else ActorRole.CUSTOMER,  # a mail of a person without account
        text=plain_of(theirs["content"] or ""),
        private=theirs["is_private"],
    )
