"""The zendesk connector: what is Zendesk's own. The kit does the rest. Facts: developer.zendesk.com, Ticketing API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx2
from pydantic import Field as Setting

from answerby.domain.event import ActorRole, EventType
from answerby_connectors.kit.forms import as_tag, as_utc
from answerby_connectors.kit.http.auth import Auth, basic, bearer
from answerby_connectors.kit.http.rest import path
from answerby_connectors.kit.notes.markup import HTML
from answerby_connectors.kit.polled import Listed, PolledDesk, PolledSettings
from answerby_connectors.kit.ticket import NOTE, Call, Change, Field, NoteOrder, Ticket

PAGE = 50  # tickets of one question; each takes two calls, and the smallest plan allows 200 calls in a minute
TIME = "generated_timestamp"  # the order of the export; it may be later than the time of the update
CUSTOM = "cf_"  # and its number: a custom field
TAG = "tag"  # the one tag that begins with the prefix of the settings, without that prefix
FOLLOWS = frozenset({"type", "custom_status_id"})  # what is set along with a due date or a status


class ZendeskSettings(PolledSettings):
    token: str = Setting(min_length=1, repr=False)
    email: str = ""
    tag_prefix: str = Setting("category_", min_length=1)


class ZendeskConnector(PolledDesk[ZendeskSettings]):
    """Writes decisions to tickets, and polls their audits."""

    platform = "zendesk"
    settings_type = ZendeskSettings
    description = "Priority, category, group, assignee, due time, custom fields, an internal note; events by polling."
    cannot = (
        "A due time makes the ticket a task, as only tasks have one.",
        "Changes are seen a minute late, as the export withholds the last minute.",
        "A closed ticket takes no decision, and a deleted or merged one brings no event that says so.",
    )
    fields = (
        Field("priority", "priority"),
        Field("category", TAG, form=as_tag),
        Field("department", "group_id", chosen=True, loose=True),
        Field("", "assignee_id", chosen=True, loose=True),
        Field("due.resolution", "due_at", form=as_utc),
    )
    values: ClassVar = {"priority": {"P0": "urgent", "P1": "high", "P2": "normal"}}
    values_back: ClassVar = {"priority": {"low": "P2"}}
    statuses: ClassVar = {
        "open": EventType.ACCEPTED,
        "pending": EventType.ON_HOLD,
        "hold": EventType.ON_HOLD,
        "solved": EventType.COMPLETED,
        "closed": EventType.CLOSED,
    }
    status_field = "status"
    note_order = NoteOrder.ALONG
    note_limit = 40_000
    markup = HTML
    reference = re.compile(r"[0-9]{1,18}")

    def auth(self, http: httpx2.AsyncClient) -> Auth:  # noqa: ARG002
        own = self.settings
        return basic(f"{own.email}/token", own.token) if own.email else bearer(own.token)

    async def whoami(self) -> str:
        # Without credentials Zendesk answers 200 for a user without an id.
        return str(int((await self.rest.read("ask for the account", "GET", "api/v2/users/me")).json["user"]["id"]))

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:  # noqa: ARG002
        if field == self.status_field:
            return {status: status for status in ("new", *self.statuses)}
        if field == "group_id":
            return {one["name"]: one["id"] for one in await self.all("api/v2/groups/assignable", "groups")}
        return {
            u["email"]: u["id"] for r in ("agent", "admin") for u in await self.all("api/v2/users", "users", role=r)
        }

    async def all(self, place: str, key: str, **params: str) -> list[Any]:
        query: dict[str, str | int] = {"page[size]": 100, **params}
        return await self.rest.read_cursor(f"list {key}", place, key, following, **query)

    async def read(self, reference: str) -> Ticket:
        place = path("api/v2/tickets/{}", reference)
        body = (await self.rest.read("read ticket", "GET", place, params={"include": "users"})).json
        audits = sorted(await self.all(f"{place}/audits", "audits"), key=lambda one: int(one["id"]))
        ticket, (first, *later) = body["ticket"], audits
        requester: dict[str, Any] = next((u for u in body["users"] if u["id"] == ticket["requester_id"]), {})
        comments = [one for audit in audits for one in audit["events"] if one["type"] == "Comment"]
        facts = {one["field_name"]: one["value"] for one in first["events"] if one["type"] == "Create"}
        facts |= {"body": ticket["description"], "channel": ticket["via"]["channel"]}
        facts |= {"customer": str(ticket["requester_id"]), **{name: requester.get(name) for name in ("name", "email")}}
        return Ticket(
            reference=str(ticket["id"]),
            created=datetime.fromisoformat(ticket["created_at"]),
            updated=datetime.fromisoformat(ticket["updated_at"]),
            author=str(ticket["requester_id"]),
            values={name: ticket.get(name) for name in ("priority", "status", "group_id", "assignee_id", "due_at")}
            | {TAG: self.tag(ticket["tags"])}
            | {f"{CUSTOM}{one['id']}": one["value"] for one in ticket["custom_fields"]},
            notes=[one["body"] for one in comments if not one["public"]],
            messages=[one["body"] for one in comments if one["public"]],
            facts=self.named(facts),
            changes=[one for one in map(self.change, later) if one.text or one.status or one.values],
            raw=ticket,
        )

    def tag(self, tags: Sequence[str]) -> str:
        return next(
            (t.removeprefix(self.settings.tag_prefix) for t in tags if t.startswith(self.settings.tag_prefix)), ""
        )

    def change(self, audit: dict[str, Any]) -> Change:
        said = next((one for one in audit["events"] if one["type"] == "Comment"), None)
        changed = {one["field_name"]: one for one in audit["events"] if one["type"] == "Change"}
        status = changed.pop("status", None)
        changed = {name: one for name, one in changed.items() if (one.get("via") or {}).get("channel") != "rule"}
        tags, kept = changed.pop("tags", None), changed.keys() - (FOLLOWS - self.mapper.written) - {"tags"}
        values = {f"{CUSTOM}{name}" if name.isdigit() else name: changed[name]["value"] for name in kept}
        if tags and self.tag(tags["value"] or ()) != self.tag(tags["previous_value"] or ()):
            values[TAG] = self.tag(tags["value"] or ())
        return Change(
            id=f"audit/{audit['id']}",
            time=datetime.fromisoformat(audit["created_at"]),
            author=str(audit["author_id"]),
            actor=ActorRole.SYSTEM if audit["author_id"] == -1 else None,  # what an automation did
            text=said["body"] if said else "",
            private=bool(said and not said["public"]),
            status=status and (str(status["previous_value"]), str(status["value"])),
            values=values,
        )

    async def changed(self, since: datetime, skip: int) -> tuple[Sequence[Listed], bool]:
        params: dict[str, str | int] = {"start_time": int(since.timestamp()), "per_page": PAGE}
        seen: list[Listed] = []
        while True:
            body = (await self.rest.read("poll", "GET", "api/v2/incremental/tickets/cursor", params=params)).json
            seen += [Listed(str(t["id"]), datetime.fromtimestamp(t[TIME], UTC)) for t in body["tickets"]]
            if body["end_of_stream"] or len(seen) > skip:
                return seen[skip:], not body["end_of_stream"]
            params["cursor"] = body["after_cursor"]

    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> list[Call]:
        fields: dict[str, object] = {"type": "task"} if "due_at" in changes else {}
        fields |= {n: v for n, v in changes.items() if n not in (NOTE, TAG) and not n.startswith(CUSTOM)}
        if TAG in changes:  # an update replaces all tags, so none of them may have changed since they were read
            prefix = self.settings.tag_prefix
            fields["tags"] = [*(t for t in ticket.raw["tags"] if not t.startswith(prefix)), f"{prefix}{changes[TAG]}"]
            fields |= {"safe_update": True, "updated_stamp": ticket.raw["updated_at"]}
        if custom := [{"id": int(n[len(CUSTOM) :]), "value": v} for n, v in changes.items() if n.startswith(CUSTOM)]:
            fields["custom_fields"] = custom
        if NOTE in changes:
            fields["comment"] = {"html_body": changes[NOTE], "public": False}
        return [Call("update", "PUT", path("api/v2/tickets/{}", ticket.reference), {"ticket": fields}, tuple(changes))]


def following(page: dict[str, Any]) -> dict[str, str | int] | None:
    """The way to the next page of a list."""
    return {"page[after]": page["meta"]["after_cursor"]} if page["meta"]["has_more"] else None
