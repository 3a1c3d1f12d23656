"""Our values and theirs: which field shows what, by which name, and the plan of a decision."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence

from answerby.domain.event import Value
from answerby_connectors.kit.answer import CallFailed
from answerby_connectors.kit.base import OutcomeKind
from answerby_connectors.kit.forms import as_text
from answerby_connectors.kit.ticket import Field, Plan, Ticket, same

Choices = Callable[[str, Ticket], Awaitable[Mapping[str, object]]]
"""Field and ticket -> name -> id."""


class Mapper:
    """The fields of a platform under the settings of one connector."""

    def __init__(
        self,
        fields: Sequence[Field],
        values: Mapping[str, Mapping[str, str]],
        values_back: Mapping[str, Mapping[str, str]],
        own_fields: Mapping[str, str],
        own_values: Mapping[str, Mapping[str, str]],
    ) -> None:
        kinds = {field.theirs: field for field in fields}
        named = {field.ours: field.theirs for field in fields if field.ours} | dict(own_fields)
        self.fields = tuple(
            dataclasses.replace(kinds.get(theirs, Field(ours, theirs, form=as_text)), ours=ours)
            for ours, theirs in named.items()
            if theirs
        )
        self._ours = {field.theirs: field.ours for field in self.fields}
        self._values = {**values, **own_values}
        self._back = values_back

    def label(self, field: str) -> str:
        """The field in our words."""
        return self._ours.get(field, field)

    def their_name(self, ours: str, value: Value) -> str | None:
        """Their name for our value. None without a counterpart. A field without a table has the same names."""
        table = self._values.get(ours)
        return table.get(str(value)) if table else str(value)

    def our_value(self, ours: str, name: str) -> str | None:
        """Our value for their name. None without a counterpart."""
        table = self._values.get(ours)
        if not table:
            return name
        found = next((mine for mine, theirs in table.items() if theirs == name), None)
        return self._back.get(ours, {}).get(name) if found is None else found

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
            means_the_same = field.ours in self._values and (
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
        if field.ours not in self._values and not field.chosen:
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
