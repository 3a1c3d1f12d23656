"""Our values and theirs: which field shows what, by which name, and the plan of a decision."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from answerby.domain.event import Value
from answerby_connectors.kit.base import OutcomeKind
from answerby_connectors.kit.forms import as_text
from answerby_connectors.kit.http.answer import CallFailed
from answerby_connectors.kit.ticket import Field, Plan, Ticket, same

Choices = Callable[[str, Ticket], Awaitable[Mapping[str, object]]]
"""Field and ticket -> name -> id."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Names on both sides: of the connector, and of the settings, which win."""

    there: Mapping[str, Mapping[str, str]]
    """Our field -> our value -> their name."""
    back: Mapping[str, Mapping[str, str]]
    """Our field -> their name -> our value, for names that `there` does not lead to."""
    own_back: Mapping[str, Mapping[str, str]]
    """The same, for any name."""


class Mapper:
    """The fields of a platform under the settings of one connector."""

    def __init__(self, fields: Sequence[Field], own_fields: Mapping[str, str], tables: Tables) -> None:
        kinds = {field.theirs: field for field in fields}
        named = {field.ours: field.theirs for field in fields if field.ours} | dict(own_fields)
        self.fields = tuple(
            dataclasses.replace(kinds.get(theirs, Field(ours, theirs, form=as_text)), ours=ours)
            for ours, theirs in named.items()
            if theirs
        )
        self._by_ours = {field.ours: field for field in self.fields}
        self.written = frozenset(field.theirs for field in self.fields)
        """The fields of theirs that decisions set."""
        self._labels = {field.theirs: field.ours for field in self.fields}
        self._tables = tables

    def label(self, field: str) -> str:
        """The field in our words."""
        return self._labels.get(field, field)

    def table(self, ours: str) -> Mapping[str, str]:
        """Our values of a field and their names for them, as far as a table lists them."""
        return self._tables.there.get(ours, {})

    def their_name(self, ours: str, value: Value) -> str | None:
        """Their name for our value. None without a counterpart. A field without a table has the same names."""
        table = self._tables.there.get(ours)
        return table.get(str(value), self._same_name(ours, str(value))) if table else str(value)

    def our_value(self, ours: str, name: str) -> str | None:
        """Our value for their name. None without a counterpart."""
        table = self._tables.there.get(ours, {})
        there = {theirs: mine for mine, theirs in reversed([*table.items()])}
        back = {**self._tables.back.get(ours, {}), **there, **self._tables.own_back.get(ours, {})}
        return back.get(name, self._same_name(ours, name) if table else name)

    def _same_name(self, ours: str, name: str) -> str | None:
        field = self._by_ours.get(ours)
        return name if field is not None and field.loose else None

    async def plan(self, payload: Mapping[str, Value], ticket: Ticket, choices: Choices) -> Plan:
        """The differences between a decision and the ticket. Raises CallFailed."""
        plan = Plan()
        for field in self.fields:
            value = payload.get(field.ours)
            if value not in (None, "", []):
                await self._plan_field(plan, field, value, ticket, choices)
        return plan

    async def our_present(self, field: Field, value: object, ticket: Ticket, choices: Choices) -> str | None:
        """Our value for the field's value. None without a counterpart. Raises CallFailed."""
        if value in (None, ""):
            return None
        if not field.chosen:
            return self.our_value(field.ours, str(value))
        names = await choices(field.theirs, ticket)
        found = next((name for name, number in names.items() if str(number) == str(value)), None)
        return None if found is None else self.our_value(field.ours, found)

    async def _plan_field(self, plan: Plan, field: Field, value: Value, ticket: Ticket, choices: Choices) -> None:
        try:
            wanted = await self._wanted(plan, field, value, ticket, choices)
            if wanted is None:
                return
            present = ticket.values.get(field.theirs)
            plan.announced[field.theirs] = str(wanted)
            means_the_same = field.ours in self._tables.there and (
                await self.our_present(field, present, ticket, choices) == str(value)
            )
        except CallFailed as error:
            if error.outcome.kind is not OutcomeKind.FAILED:
                raise
            plan.remarks.append(f"{field.ours} was not set: {error.outcome.detail}")
            return
        if not means_the_same and not same(present, wanted):
            plan.changes[field.theirs] = wanted

    async def _wanted(self, plan: Plan, field: Field, value: Value, ticket: Ticket, choices: Choices) -> object | None:
        """The value that the field takes. None, with a remark, without a counterpart."""
        if field.ours not in self._tables.there and not field.chosen:
            return field.form(value)
        name = self.their_name(field.ours, value)
        if name is None:
            remedy = f"name one in the connector's values.{field.ours}"
            plan.remarks.append(f"{field.ours} {value} has no counterpart here; {remedy}")
            return None
        if not field.chosen:
            return name
        number = (await choices(field.theirs, ticket)).get(name)
        if number is None:
            plan.remarks.append(f"there is no {field.ours} {name}")
        return number
