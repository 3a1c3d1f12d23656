"""The changes of a decision to a ticket: only differences are written, in an order that doubles nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from answerby.domain.effect import EffectKind
from answerby.domain.event import Value
from answerby_connectors.escalated.client import CallFailed, EscalatedClient
from answerby_connectors.escalated.echo import Expected
from answerby_connectors.escalated.model import Ticket
from answerby_connectors.escalated.note import find_marker, write_note
from answerby_connectors.escalated.settings import EscalatedSettings
from answerby_connectors.kit.base import DONE, LEASE_OVER, Delivery, Outcome, OutcomeKind

OWN_TAG = "answerby:"
TAGGED = ("category", "priority", "department")
"""Fields that become a tag `answerby:<field>=<value>` where such a tag exists."""


@dataclass(slots=True)
class Plan:
    """The values to write. None: the present value stays. The note announces `values`."""

    note: str | None = None
    priority: str | None = None
    department: int | None = None
    macro: int | None = None
    tags: list[int] | None = None
    values: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


class Writer:
    """Changes one ticket to match an effect."""

    def __init__(self, settings: EscalatedSettings, client: EscalatedClient, expected: Expected) -> None:
        self._settings = settings
        self._client = client
        self._expected = expected

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Reads, compares and writes. Any write may be the last before a crash.

        The next attempt continues from there.
        """
        try:
            await self._client.identify()
            ticket = await self._client.ticket(delivery.request_id)
            if ticket is None:
                return Outcome(OutcomeKind.FAILED, "no such ticket")
            plan = await self._plan(delivery, ticket)
            return await self._apply(plan, ticket, delivery.leased)
        except CallFailed as error:
            return error.outcome

    async def _plan(self, delivery: Delivery, ticket: Ticket) -> Plan:
        plan = Plan()
        if delivery.effect.kind is EffectKind.UPDATE_REQUEST:
            payload = delivery.effect.payload
            self._plan_priority(plan, payload, ticket)
            await self._plan_department(plan, payload, ticket)
            await self._plan_tags(plan, payload, ticket)
        if not has_note(ticket, delivery.effect_id):
            plan.note = write_note(delivery, plan.values, plan.remarks, flags=self._settings.note_flags)
        return plan

    def _plan_priority(self, plan: Plan, payload: Mapping[str, Value], ticket: Ticket) -> None:
        ours = payload.get("priority")
        if not ours:
            return
        theirs = self._settings.priorities.get(str(ours))
        if theirs is None:
            plan.remarks.append(f"priority {ours} has no counterpart here; name one in the connector's priorities")
            return
        plan.values["priority"] = theirs
        if not self._settings.same_priority(str(ours), ticket.priority):
            plan.priority = theirs

    async def _plan_department(self, plan: Plan, payload: Mapping[str, Value], ticket: Ticket) -> None:
        ours = payload.get("department")
        if not ours:
            return
        name = self._settings.departments.get(str(ours), str(ours))
        if ticket.department is not None and ticket.department.name == name:
            return
        department = (await self._client.departments.get()).get(name)
        if department is None:
            plan.remarks.append(f"there is no department {name}")
            return
        macro = (await self._client.macros.get()).get(department)
        if macro is None:
            plan.remarks.append(f"move the ticket to department {name}: no macro does only that")
            return
        plan.department, plan.macro = department, macro
        plan.values["department"] = str(department)

    async def _plan_tags(self, plan: Plan, payload: Mapping[str, Value], ticket: Ticket) -> None:
        """Plans the tags of the ticket. Our own tags follow the decision. Tags from rules are added.

        Other tags stay.
        """
        given = payload.get("tags")
        wanted = set(given if isinstance(given, list) else [])
        wanted |= {f"{OWN_TAG}{name}={payload[name]}" for name in TAGGED if payload.get(name)}
        known = await self._client.tags.get()
        present = {tag.name: tag.id for tag in ticket.tags}
        kept = {name: number for name, number in present.items() if not name.startswith(OWN_TAG)}
        after = kept | {name: known[name] for name in wanted if name in known}
        if set(after.values()) != set(present.values()):
            plan.tags = sorted(after.values())

    async def _apply(self, plan: Plan, ticket: Ticket, leased: Callable[[], bool]) -> Outcome:
        """Writes the plan, the note first. The note announces the later values, so that any worker knows them as ours.

        A definite refusal of one part does not stop the others.
        """
        reference, problems = ticket.reference, []
        for step in (self._write_note, self._write_priority, self._write_department, self._write_tags):
            if not leased():
                return LEASE_OVER
            try:
                await step(plan, reference)
            except CallFailed as error:
                if error.outcome.kind is not OutcomeKind.FAILED:
                    raise
                problems.append(error.message)
        return Outcome(OutcomeKind.FAILED, "; ".join(problems)) if problems else DONE

    async def _write_note(self, plan: Plan, reference: str) -> None:
        if plan.note is not None:
            with self._expected.write(reference, "note"):
                number = await self._client.add_note(reference, plan.note)
            self._expected.settle(reference, "note", number)

    async def _write_priority(self, plan: Plan, reference: str) -> None:
        if plan.priority is not None:
            with self._expected.write(reference, "priority", plan.priority):
                await self._client.set_priority(reference, plan.priority)

    async def _write_department(self, plan: Plan, reference: str) -> None:
        if plan.macro is None:
            return
        with self._expected.write(reference, "department", str(plan.department)):
            await self._client.apply_macro(reference, plan.macro)
        after = await self._client.ticket(reference)
        if after is None or after.department is None or after.department.id != plan.department:
            raise CallFailed("apply macro", Outcome(OutcomeKind.FAILED, "the department is still another one"))

    async def _write_tags(self, plan: Plan, reference: str) -> None:
        if plan.tags is not None:
            await self._client.set_tags(reference, plan.tags)


def has_note(ticket: Ticket, effect_id: str) -> bool:
    """Whether any attempt has written the note of this effect."""
    markers = (find_marker(note.body) for note in ticket.notes)
    return any(marker is not None and marker.effect_id == effect_id for marker in markers)
