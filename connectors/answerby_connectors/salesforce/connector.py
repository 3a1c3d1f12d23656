"""The salesforce connector: what is Salesforce's own. The kit does the rest. Facts: developer.salesforce.com."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any, ClassVar
from urllib.parse import quote

import httpx2
from pydantic import Field as Setting

from answerby.domain.event import ActorRole, EventType
from answerby_connectors.kit.base import Outcome, OutcomeKind
from answerby_connectors.kit.forms import as_utc, in_utc
from answerby_connectors.kit.history import utc
from answerby_connectors.kit.http.answer import Answer, CallFailed, Gone
from answerby_connectors.kit.http.auth import Auth, ClientCredentials
from answerby_connectors.kit.notes.markup import PLAIN_BYTES
from answerby_connectors.kit.polled import Listed, PolledDesk, PolledSettings
from answerby_connectors.kit.ticket import NOTE, Call, Change, Field, Ticket

PAGE = 25
OWNER, STATUS, PICKLISTS = "OwnerId", "Status", "picklists"
FACTS = {"subject": "Subject", "body": "Description", "customer": "ContactId", "name": "SuppliedName"}
FACTS |= {"email": "SuppliedEmail"}
TIMES = ("CreatedDate", "LastModifiedDate", "SystemModstamp")
MADE = "Id, CreatedDate, CreatedById, CreatedBy.UserType"
LIMIT_WAIT = 900.0  # seconds; the budget is that of the last 24 hours, and no answer tells when calls are back
AGAIN = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "UNKNOWN_EXCEPTION"})
LATER = "REQUEST_LIMIT_EXCEEDED"
HALTED = "PROCESSING_HALTED"  # refused for another call's sake
OWNERS = re.compile(r"00[5G]\w{12,15}")
ROLES = {"Standard": None, "AutomatedProcess": ActorRole.SYSTEM}  # all other types of users are customers'


class SalesforceSettings(PolledSettings):
    client_id: str = Setting(min_length=1)
    client_secret: str = Setting(min_length=1, repr=False)
    version: str = Setting("v65.0", pattern=r"^v[0-9]{2,3}\.0$")
    emails: bool = True


class OwnHeaders(ClientCredentials):
    """Without its header, an update lets the assignment rules give the case to another owner."""

    async def headers(self) -> Mapping[str, str]:
        return {**await super().headers(), "sforce-auto-assign": "FALSE", "sforce-call-options": "client=answerby"}


class SalesforceConnector(PolledDesk[SalesforceSettings]):
    """Writes decisions to cases, and polls their history, comments and e-mails."""

    platform = "salesforce"
    settings_type = SalesforceSettings
    description = "Priority, type, owner (queue or person), status, fields, an unpublished comment; events by polling."
    cannot = (
        "A case has no due time of its own: it goes to a custom field of the type date and time.",
        "Only fields with history tracking tell that a person set them.",
        "What a flow sets counts as set by the person whose action started it.",
        "A deleted case brings no event. Posts of the feed are not read.",
        "A comment takes 4,000 bytes: a longer note is cut.",
    )
    fields = (
        Field("priority", "Priority", chosen=True),
        Field("category", "Type", chosen=True, loose=True),
        Field("department", OWNER, chosen=True, loose=True),
        Field("", STATUS, chosen=True, loose=True),
    )
    values: ClassVar = {"priority": {"P0": "High", "P1": "Medium", "P2": "Low"}}
    statuses: ClassVar = {
        "Working": EventType.ACCEPTED,
        "On Hold": EventType.ON_HOLD,
        "Closed": EventType.CLOSED,
    }
    status_field = STATUS
    note_limit = 3_200  # bytes, without the mark
    markup = PLAIN_BYTES
    reference = re.compile(r"500[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?")

    def auth(self, http: httpx2.AsyncClient) -> Auth:
        own, place = self.settings, f"{self.settings.url.rstrip('/')}/services/oauth2/token"
        self._oauth = OwnHeaders(http, place, own.client_id, own.client_secret)
        self._data = f"services/data/{own.version}"
        return self._oauth

    async def whoami(self) -> str:
        """The token comes with our user and the address of the org. The token goes to no other address."""
        await self._oauth.headers()
        told = self._oauth.told
        if (there := told.instance_url.rstrip("/")) != self.settings.url.rstrip("/"):
            wrong = Outcome(OutcomeKind.HELD, f"the org is at {there}; set url to that")
            raise CallFailed("ask for the account", wrong)
        return told.id.rpartition("/")[2]

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:  # noqa: ARG002
        """Queues by name and persons by user name, or the active values of a picklist."""
        if field == OWNER:
            queues = "SELECT QueueId, Queue.Name FROM QueueSobject WHERE SobjectType = 'Case'"
            users = "SELECT Id, Username FROM User WHERE IsActive = true AND UserType = 'Standard'"
            found = await self.query("list owners", q=queues, u=users)
            return {u["Username"]: u["Id"] for u in found["u"]} | {q["Queue"]["Name"]: q["QueueId"] for q in found["q"]}
        if field == PICKLISTS:
            told = (await self.rest.read("describe the case", "GET", f"{self._data}/sobjects/Case/describe")).json
            return {one["name"]: one["picklistValues"] for one in told["fields"]}
        listed: Any = (await self.choices_of(PICKLISTS))[field]
        return {one["value"]: one["value"] for one in listed if one["active"]}

    async def query(self, what: str, **queries: str) -> dict[str, list[Any]]:
        """All rows of each query, in one call as long as each has at most 2,000. Deleted ones are among them."""
        asked = [
            {"method": "GET", "referenceId": name, "url": f"/{self._data}/queryAll?q={quote(text, safe='')}"}
            for name, text in queries.items()
        ]
        body = {"allOrNone": False, "compositeRequest": asked}
        answers = (await self.rest.read(what, "POST", f"{self._data}/composite", json=body)).json["compositeResponse"]
        found: dict[str, list[Any]] = {}
        for one in answers:
            page = one["body"]
            rows = found[one["referenceId"]] = [*page["records"]]
            while not page["done"]:
                page = (await self.rest.read(what, "GET", page["nextRecordsUrl"].lstrip("/"))).json
                rows += page["records"]
        return found

    async def read(self, reference: str) -> Ticket:
        names = ", ".join(sorted({"Id", "Origin", *FACTS.values(), *TIMES, STATUS, *self.mapper.written}))
        of, rows = f"WHERE ParentId = '{reference}' AND IsDeleted = false", f"SELECT {MADE},"
        queries = {  # the reference has letters and digits alone
            "case": f"SELECT {names}, MasterRecordId, IsDeleted FROM Case WHERE Id = '{reference}'",  # noqa: S608
            "history": f"{rows} Field, OldValue, NewValue FROM CaseHistory WHERE CaseId = '{reference}'",
            "comments": f"{rows} CommentBody, IsPublished FROM CaseComment {of}",
        }
        if self.settings.emails:
            queries["emails"] = f"{rows} TextBody, Incoming, MessageDate FROM EmailMessage {of}"
        found = await self.query("read case", **queries)
        theirs = next(iter(found["case"]), None)
        if theirs is None or (theirs["IsDeleted"] and not theirs["MasterRecordId"]):
            raise Gone("read case", Outcome(OutcomeKind.FAILED, "there is no such case"))
        return self.ticket(theirs, found)

    def ticket(self, theirs: dict[str, Any], found: Mapping[str, Sequence[dict[str, Any]]]) -> Ticket:
        customer, created = theirs["ContactId"] or "", instant(theirs["CreatedDate"])
        said = [comment(one) for one in found["comments"]] + [mail(one, customer) for one in found.get("emails", ())]
        told = [change for one in found["history"] if (change := self.change(one)) is not None]
        facts = {name: theirs[field] for name, field in FACTS.items()}
        return Ticket(
            reference=theirs["Id"],
            created=created,
            updated=instant(theirs["SystemModstamp"]),
            author=customer,
            values=theirs,
            notes=[one["CommentBody"] or "" for one in found["comments"] if not one["IsPublished"]],
            messages=[one["CommentBody"] or "" for one in found["comments"] if one["IsPublished"]],
            facts=self.named({**facts, "channel": (theirs["Origin"] or "").lower()}),
            changes=[one for one in (*said, *told) if one.time > created],  # what created it is no change
            merged_into=theirs["MasterRecordId"] or "",
            raw=theirs,
        )

    def change(self, row: dict[str, Any]) -> Change | None:
        """A row of the history. Another owner has two rows: one with names, and one with ids, which counts."""
        field, now = OWNER if row["Field"] == "Owner" else row["Field"], str(row["NewValue"] or "")
        if field not in {*self.mapper.written, STATUS} or (field == OWNER and not OWNERS.fullmatch(now)):
            return None
        status = (str(row["OldValue"] or ""), now) if field == STATUS else None
        return made(row, f"history/{row['Id']}", status=status, values={} if status else {field: now})

    async def changed(self, since: datetime, skip: int) -> tuple[Sequence[Listed], bool]:
        """A comment or an e-mail need not change its case, so all three are asked."""
        tables = {"Case": "Id", "CaseComment": "ParentId", "EmailMessage": "ParentId"}
        if not self.settings.emails:
            del tables["EmailMessage"]
        end = skip + PAGE
        late = f"AND SystemModstamp >= {as_utc(since.isoformat())} ORDER BY SystemModstamp, Id LIMIT {end}"
        found = {t: f"SELECT {n}, SystemModstamp FROM {t} WHERE {n} != null {late}" for t, n in tables.items()}  # noqa: S608
        rows = await self.query("list changed cases", **found)
        listed = [Listed(one[tables[t]], instant(one["SystemModstamp"])) for t, many in rows.items() for one in many]
        listed.sort(key=lambda one: one.updated)
        latest = {one.reference: one for one in listed[skip:end]}
        return [*latest.values()], len(listed) > end or any(len(many) == end for many in rows.values())

    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> list[Call]:
        fields = {name: in_utc(value) for name, value in changes.items() if name != NOTE}
        place, unchanged = f"{self._data}/sobjects", utc(instant(ticket.raw["LastModifiedDate"]))
        calls: list[Call] = []
        if fields:
            only = {"if-unmodified-since": format_datetime(unchanged, usegmt=True)}
            update = f"{place}/Case/{ticket.reference}"
            calls.append(Call("update case", "PATCH", update, fields, tuple(fields), headers=only))
        if NOTE in changes:
            note = {"ParentId": ticket.reference, "CommentBody": changes[NOTE], "IsPublished": False}
            calls.append(Call("add comment", "POST", f"{place}/CaseComment", note, (NOTE,)))
        return calls

    def judge(self, answer: Answer) -> Outcome | None:
        """Errors are a list. A composite call that failed in part is 200. A locked row is 400, and a limit 403."""
        wrong = errors(answer)
        codes = {str(one.get("errorCode")) for one in wrong} - ({HALTED} if len(wrong) > 1 else set())
        if not codes:
            return None
        said = f"HTTP {answer.status}: {', '.join(sorted(codes))}"
        if LATER in codes:
            return Outcome(OutcomeKind.RETRY, said, LIMIT_WAIT)
        if codes & AGAIN and answer.status < 500:
            return Outcome(OutcomeKind.RETRY, said)
        return Outcome(OutcomeKind.FAILED, said) if answer.status in (200, 400, 403) else None

    def blame(self, answer: Answer | None, carried: Sequence[str]) -> Mapping[str, str]:
        told = {name: one for one in (errors(answer) if answer else ()) for name in one.get("fields", ())}
        return {name: f"HTTP 400: {told[name].get('errorCode')}" for name in carried if name in told}


def errors(answer: Answer) -> list[dict[str, Any]]:
    """What Salesforce lists as wrong, also inside of a composite answer."""
    body = answer.peek
    parts = body.get("compositeResponse", ()) if isinstance(body, dict) else ()
    failed = [one["body"] for one in parts if one["httpStatusCode"] >= 400]
    listed = body if isinstance(body, list) and answer.status >= 400 else [one for many in failed for one in many]
    return [one for one in listed if isinstance(one, dict)]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def made(row: dict[str, Any], number: str, **more: Any) -> Change:
    """A change by the user who made the row."""
    actor = ROLES.get((row["CreatedBy"] or {}).get("UserType", "Standard"), ActorRole.CUSTOMER)
    told = {"time": instant(row["CreatedDate"]), "author": row["CreatedById"], "actor": actor, **more}
    return Change(id=number, **told)


def comment(row: dict[str, Any]) -> Change:
    return made(row, f"comment/{row['Id']}", text=row["CommentBody"] or "", private=not row["IsPublished"])


def mail(row: dict[str, Any], customer: str) -> Change:
    more: dict[str, Any] = {"text": row["TextBody"] or "", "time": instant(row["MessageDate"] or row["CreatedDate"])}
    if row["Incoming"]:
        more |= {"author": customer, "actor": ActorRole.CUSTOMER, "type": EventType.CUSTOMER_REPLIED}
    return made(row, f"email/{row['Id']}", **{"type": EventType.REPLIED, **more})
