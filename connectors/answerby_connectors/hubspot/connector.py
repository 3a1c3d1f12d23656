"""The hubspot connector: what is HubSpot's own. The kit does the rest. Facts: developers.hubspot.com, API reference."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx2
from pydantic import Field as Setting

from answerby.domain.event import ActorRole, Event, EventType, Value
from answerby_connectors.kit.base import Outcome, OutcomeKind
from answerby_connectors.kit.forms import as_utc, in_utc
from answerby_connectors.kit.hooked import Arrival
from answerby_connectors.kit.http.answer import Answer
from answerby_connectors.kit.http.auth import Auth, bearer
from answerby_connectors.kit.http.rest import path
from answerby_connectors.kit.notes.markup import HTML
from answerby_connectors.kit.polled import Listed, PolledDesk, PolledSettings
from answerby_connectors.kit.signed_hooks import SignedHooks, SignedSettings, objects_in
from answerby_connectors.kit.signing.signature_schemes import SignatureSettings
from answerby_connectors.kit.ticket import NOTE, Call, Change, Field, Plan, Ticket

PAGE, BATCH = 20, 100
PIPELINE, STAGE, OWNER, CHANGED = "hs_pipeline", "hs_pipeline_stage", "hubspot_owner_id", "hs_lastmodifieddate"
PIPELINES = "pipelines"  # among the choices: the id of each pipeline, and the pipeline
TEXTS = {"subject": "subject", "content": "body"}
MADE = ("hs_object_source", "hs_object_source_id", "hs_created_by_user_id")
EMAIL, DIRECTION, BODY, AT = "emails", "hs_email_direction", "hs_note_body", "hs_timestamp"
PARTS = {EMAIL: (AT, DIRECTION, "hs_email_text", *MADE), "notes": (BODY, *MADE)}
AUTOMATIC = frozenset({"AUTOMATION_PLATFORM", "WORKFLOWS", "CALCULATED"})
TICKETS = frozenset({"ticket", "0-5"})  # the type of an object in a webhook: by its name, or by its number
NOTE_TO_TICKET = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 228}
DAY_LIMIT_WAIT = 3600.0  # seconds; a day's budget is back at midnight of the account, which no answer tells


class HubSpotSettings(PolledSettings, SignedSettings):
    url: str = "https://api.hubapi.com"
    token: str = Setting(min_length=1, repr=False)
    webhook_url: str = ""


class HubSpotConnector(SignedHooks[HubSpotSettings], PolledDesk[HubSpotSettings]):
    """Writes decisions to tickets, takes webhooks, and polls properties, e-mails and notes."""

    platform = "hubspot"
    settings_type = HubSpotSettings
    description = "Priority, category, owner, pipeline and stage, properties, a note; events by webhooks and polling."
    cannot = (
        "A ticket has no due time and no group: they go to properties, or a pipeline, that the settings name.",
        "E-mails and notes bring no webhook: they are seen by polling. Chats and calls are not read.",
        "A merged or deleted ticket brings no event of that.",
    )
    fields = (
        Field("priority", "hs_ticket_priority", chosen=True),
        Field("category", "hs_ticket_category", chosen=True, loose=True),
        *(Field("", name, chosen=True, loose=True) for name in (OWNER, PIPELINE, STAGE)),
    )
    values: ClassVar = {"priority": {"P0": "URGENT", "P1": "HIGH", "P2": "MEDIUM"}}
    values_back: ClassVar = {"priority": {"LOW": "P2"}}
    statuses: ClassVar = {
        "Waiting on contact": EventType.ON_HOLD,
        "Waiting on us": EventType.ACCEPTED,
        "Closed": EventType.CLOSED,
    }
    status_field = STAGE
    note_limit = 60_000
    markup = HTML
    reference = re.compile(r"[0-9]{1,20}")

    def __init__(self, name: str, settings: Mapping[str, object]) -> None:
        super().__init__(name, settings)
        self._first: dict[str, str] = {}
        """The first stage of each pipeline that a ticket was to move to."""

    def auth(self, http: httpx2.AsyncClient) -> Auth:  # noqa: ARG002
        return bearer(self.settings.token)

    async def whoami(self) -> str:
        place, token = "oauth/v2/private-apps/get/access-token-info", {"tokenKey": self.settings.token}
        return f"app:{(await self.rest.read('ask for the account', 'POST', place, json=token)).json['appId']}"

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:
        if field == PIPELINES:
            return {one["id"]: one for one in await self.all("list pipelines", "crm/v3/pipelines/tickets")}
        if field == OWNER:  # a queue has a name alone
            owners = await self.all("list owners", "crm/v3/owners", limit=BATCH)
            return {one.get("email") or one["firstName"]: one["id"] for one in owners}
        if field in (PIPELINE, STAGE):
            pipelines: Mapping[str, Any] = await self.choices_of(PIPELINES)
            found = [one for one in pipelines.values() if field == PIPELINE or scope in ("", one["id"])]
            return {one["label"]: one["id"] for p in found for one in ([p] if field == PIPELINE else p["stages"])}
        told = (await self.rest.read(f"read {field}", "GET", path("crm/v3/properties/tickets/{}", field))).json
        return {one["value"]: one["value"] for one in told["options"]}

    def scope(self, field: str, ticket: Ticket) -> str:
        return str(ticket.values.get(PIPELINE) or "") if field == STAGE else ""

    async def status_name(self, status: str) -> str:
        pipelines: Mapping[str, Any] = await self.choices_of(PIPELINES)  # several may have a stage of one name
        return next((one["label"] for p in pipelines.values() for one in p["stages"] if one["id"] == status), status)

    async def all(self, what: str, place: str, **params: str | int) -> list[Any]:
        return await self.rest.read_cursor(what, place, "results", following, **params)

    @property
    def followed(self) -> list[str]:
        """The properties whose changes count."""
        return sorted({*self.mapper.written, STAGE, *TEXTS})

    async def read(self, reference: str) -> Ticket:
        place, followed = path("crm/v3/objects/tickets/{}", reference), ",".join(self.followed)
        asked = {"properties": f"{followed},{PIPELINE},source_type", "propertiesWithHistory": followed}
        asked["associations"] = ",".join(("contacts", *PARTS))
        theirs = (await self.rest.read("read ticket", "GET", place, params=asked)).json
        if theirs["id"] != reference:  # the ticket that it was merged into
            at = datetime.fromisoformat(theirs["createdAt"])
            return Ticket(reference=reference, created=at, updated=at, merged_into=theirs["id"])
        return self.ticket(theirs, {kind: await self.linked(theirs, kind) for kind in PARTS})

    async def linked(self, theirs: dict[str, Any], kind: str) -> list[Any]:
        """The e-mails or the notes of a ticket."""
        ids = associated(theirs, kind)
        if theirs.get("associations", {}).get(kind, {}).get("paging"):
            place = path("crm/v4/objects/tickets/{}/associations/{}", theirs["id"], kind)
            ids = [str(one["toObjectId"]) for one in await self.all(f"list {kind}", place, limit=500)]
        found: list[Any] = []
        for at in range(0, len(ids), BATCH):
            asked = {"inputs": [{"id": one} for one in ids[at : at + BATCH]], "properties": PARTS[kind]}
            asked |= {"propertiesWithHistory": []}
            place = f"crm/v3/objects/{kind}/batch/read"
            found += (await self.rest.read(f"read {kind}", "POST", place, json=asked)).json["results"]
        return found

    def ticket(self, theirs: dict[str, Any], linked: Mapping[str, Sequence[dict[str, Any]]]) -> Ticket:
        created, history = instant(theirs["createdAt"]), theirs.get("propertiesWithHistory", {})
        contact = next(iter(associated(theirs, "contacts")), "")
        texts = {said: history[name][-1]["value"] for name, said in TEXTS.items() if history.get(name)}
        facts = {**texts, "channel": (theirs["properties"].get("source_type") or "").lower(), "customer": contact}
        said = [engaged(one, f"contact:{contact}") for kind in PARTS for one in linked[kind]]
        changes = [change for name in history for change in self.changes(theirs["id"], name, history[name])]
        return Ticket(
            reference=theirs["id"],
            created=created,
            updated=instant(theirs["updatedAt"]),
            author=f"contact:{contact}" if contact else "",
            values=theirs["properties"],
            notes=[one["properties"][BODY] or "" for one in linked["notes"]],
            facts=self.named(facts),
            changes=[one for one in (*said, *changes) if one.time > created],  # what created it is no change
        )

    def changes(self, ticket: str, name: str, entries: Sequence[dict[str, Any]]) -> Iterator[Change]:
        """The changes of one property. Its history begins with the latest."""
        before = ""
        for one in reversed(entries):
            (author, actor), now = (
                who(one.get("sourceType"), one.get("sourceId"), one.get("updatedByUserId")),
                one["value"],
            )
            yield Change(
                id=f"{ticket}/{name}/{one['timestamp']}",
                time=instant(one["timestamp"]),
                author=author,
                actor=actor,
                status=(before, now) if name == STAGE else None,
                values={} if name in (STAGE, *TEXTS) else {name: now},
                facts=self.named({TEXTS[name]: now}) if name in TEXTS else {},
                type="" if name == STAGE else EventType.UPDATED,
            )
            before = now

    async def changed(self, since: datetime, skip: int) -> tuple[Sequence[Listed], bool]:
        late = {"propertyName": CHANGED, "operator": "GTE", "value": str(int(since.timestamp() * 1000))}
        asked = {"filterGroups": [{"filters": [late]}], "sorts": [CHANGED], "properties": [CHANGED]}
        asked |= {"limit": PAGE, "after": str(skip)}
        body = (await self.rest.read("poll", "POST", "crm/v3/objects/tickets/search", json=asked)).json
        return [Listed(one["id"], instant(one["updatedAt"])) for one in body["results"]], bool(body.get("paging"))

    async def plan(self, payload: Mapping[str, Value], ticket: Ticket) -> Plan:
        """A stage belongs to its pipeline: a ticket that moves to another one begins there at the first stage."""
        plan = await super().plan(payload, ticket)
        if PIPELINE in plan.changes:
            moved: Any = (await self.choices_of(PIPELINES))[str(plan.changes[PIPELINE])]
            self._first[moved["id"]] = min(moved["stages"], key=lambda one: int(one["displayOrder"]))["id"]
            plan.announced[STAGE] = self._first[moved["id"]]
            plan.changes.pop(STAGE, None)
        return plan

    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> list[Call]:
        names = tuple(name for name in changes if name != NOTE)
        fields = {name: sent(changes[name]) for name in names}
        if PIPELINE in fields:
            fields[STAGE] = self._first[fields[PIPELINE]]
        place = path("crm/v3/objects/tickets/{}", ticket.reference)
        calls = [Call("update ticket", "PATCH", place, {"properties": fields}, names)] if names else []
        if NOTE in changes:
            said = {AT: as_utc(datetime.now(UTC).isoformat()), BODY: changes[NOTE]}
            note = {"properties": said, "associations": [{"to": {"id": ticket.reference}, "types": [NOTE_TO_TICKET]}]}
            calls.append(Call("add note", "POST", "crm/v3/objects/notes", note, (NOTE,)))
        return calls

    def judge(self, answer: Answer) -> Outcome | None:
        """A batch may fail in part with 207, and a member that is deleted is no failure. The limit of a day is long."""
        told: Any = answer.peek if answer.status in (207, 429) else None
        if answer.status == 207 and {one["category"] for one in told.get("errors", ())} - {"OBJECT_NOT_FOUND"}:
            return Outcome(OutcomeKind.RETRY, "HTTP 207: a part of the batch failed")
        if answer.status == 429 and isinstance(told, dict) and told.get("policyName") == "DAILY":
            return Outcome(OutcomeKind.RETRY, "HTTP 429: the limit of the day", DAY_LIMIT_WAIT)
        return None

    def blame(self, answer: Answer | None, carried: Sequence[str]) -> Mapping[str, str]:
        body = answer.peek if answer is not None and answer.status == 400 else None
        told: dict[str, str] = {}
        for one in body.get("errors", ()) if isinstance(body, dict) else ():
            told |= dict.fromkeys(one.get("context", {}).get("propertyName", ()), f"HTTP 400: {one.get('code')}")
        return {name: told[name] for name in carried if name in told}

    @property
    def secrets(self) -> Sequence[str]:
        return self.settings.webhook_secrets if self.settings.webhook_url else ()

    @property
    def signature(self) -> SignatureSettings:
        content = f"POST{self.settings.webhook_url}{{body}}{{header:X-HubSpot-Request-Timestamp}}"
        return SignatureSettings(scheme="hubspot", content=content)

    def arrivals(self, body: bytes) -> list[Arrival]:
        """Up to a hundred changes. What tells nothing of a followed property of a ticket is left out."""
        told = [one for one in map(arrival, objects_in(body)) if one is not None]
        return [one for one in told if one.new or one.said["name"] in self.followed]

    def find(self, said: Mapping[str, str], event: Event, ticket: Ticket) -> Change | None:  # noqa: ARG002
        at = datetime.fromtimestamp(int(said["at"]) / 1000, UTC)
        found = [one for one in ticket.changes if one.id.startswith(f"{ticket.reference}/{said['name']}/")]
        return min(found, key=lambda one: abs(one.time - at), default=None)


def arrival(one: dict[str, Any]) -> Arrival | None:
    """What one member of a webhook tells of a ticket. None: nothing."""
    of, _, kind = str(one.get("subscriptionType")).partition(".")
    if kind not in ("creation", "propertyChange") or not TICKETS & {of, one.get("objectTypeId")}:
        return None
    name = str(one.get("propertyName", ""))
    return Arrival(
        reference=str(one["objectId"]),
        id=f"webhook/{one['eventId']}/{one['subscriptionId']}",
        new=kind == "creation",
        author=who(one.get("changeSource"), one.get("sourceId"), None)[0],
        said={"name": name, "at": str(one["occurredAt"])},
        values={name: str(one.get("propertyValue", ""))} if name else {},
    )


def following(page: dict[str, Any]) -> dict[str, str | int] | None:
    return {"after": page["paging"]["next"]["after"]} if page.get("paging", {}).get("next") else None


def associated(theirs: dict[str, Any], kind: str) -> list[str]:
    """The ids, without repeats: one object may have several associations."""
    return [*dict.fromkeys(one["id"] for one in theirs.get("associations", {}).get(kind, {}).get("results", ()))]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def sent(value: object) -> str:
    """HubSpot takes text alone."""
    return str(in_utc(value))


def who(source: object, number: object, user: object) -> tuple[str, ActorRole | None]:
    """Who made a change: an app, a person, or HubSpot itself."""
    if source in ("INTEGRATION", "API"):
        return f"app:{number}", ActorRole.SYSTEM
    user = user or str(number).removeprefix("userId:") if str(number).startswith("userId:") else user
    return (f"user:{user}", None) if user and source not in AUTOMATIC else ("", ActorRole.SYSTEM)


def engaged(one: dict[str, Any], customer: str) -> Change:
    """A note, or an e-mail."""
    told = one["properties"]
    author, actor = who(*(told.get(name) for name in MADE))
    if DIRECTION not in told:
        made, text = instant(one["createdAt"]), told[BODY] or ""
        return Change(id=f"note/{one['id']}", time=made, author=author, actor=actor, text=text, private=True)
    came = told[DIRECTION] == "INCOMING_EMAIL"
    return Change(
        id=f"email/{one['id']}",
        time=instant(told[AT]),
        author=customer if came else author,
        actor=ActorRole.CUSTOMER if came else actor,
        text=told["hs_email_text"] or "",
        type=EventType.CUSTOMER_REPLIED if came else EventType.REPLIED,
    )
