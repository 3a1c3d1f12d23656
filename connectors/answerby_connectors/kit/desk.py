"""The base of connectors to ticket platforms: reads, compares, writes, and says how it ended."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from typing import cast

from answerby.domain.effect import EffectKind
from answerby.domain.event import Value
from answerby_connectors.kit.base import Delivery, Finding, Guarantee, Manifest, Outcome, OutcomeKind, parse_settings
from answerby_connectors.kit.checks import check
from answerby_connectors.kit.echo import Expected
from answerby_connectors.kit.http.answer import CallFailed, Gone
from answerby_connectors.kit.http.rest import Rest
from answerby_connectors.kit.http.transport import make_client
from answerby_connectors.kit.mapping import Mapper
from answerby_connectors.kit.notes.marker import marked
from answerby_connectors.kit.notes.note import write_note
from answerby_connectors.kit.platform import Platform, S, understood
from answerby_connectors.kit.remembered import Remembered
from answerby_connectors.kit.settling import Settling
from answerby_connectors.kit.ticket import NOTE, Call, Plan, Ticket
from answerby_connectors.kit.writing import Writing

MERGES = 5
"""The limit of merges that are followed from ticket to ticket."""
DENIED = 3
"""The number of tickets in a row that the platform forbids before the connector is held."""
NO_TICKET = "no such ticket"
PUBLIC = "the note is public; give our account the right to write internal notes, and delete the note"
DOUBLED = "note: it is there twice, as the platform carried out an earlier attempt late; raise `settle`"


class Desk(Platform[S]):
    """A connector that writes decisions to tickets."""

    def __init__(self, name: str, settings: Mapping[str, object]) -> None:
        self.settings: S = cast("S", parse_settings(self.settings_type, name, settings))
        self.source = self.settings.source or f"{self.platform}/{name}"
        self.manifest = Manifest(
            name=name,
            effects=frozenset(EffectKind),
            guarantee=Guarantee.EXACTLY_ONCE,
            inbound=self.inbound,
            description=self.description,
            cannot=self.cannot,
        )
        http = make_client(
            self.settings.timeout,
            allow_private=self.settings.allow_private,
            authorities=self.settings.authorities,
        )
        self.rest = Rest(http, self.settings.url, self.auth(http), self.judge)
        self.expected = Expected()
        self.mapper = Mapper(self.fields, self.settings.fields, self.tables())
        self._choices: Remembered[Mapping[str, object]] = Remembered()
        self._settling = Settling(self.settings.settling)
        self._account = ""
        self._private = not self.notes_may_be_public
        """Whether the notes of our account are known to be internal."""
        self._denied: set[str] = set()
        """Tickets that the platform forbids, since the last success."""

    async def plan(self, payload: Mapping[str, Value], ticket: Ticket) -> Plan:
        """What a decision wants to change, by the fields of the settings."""
        return await self.mapper.plan(payload, ticket, self.choices_for)

    @property
    def account(self) -> str:
        """Id of our account; empty before the first call."""
        return self._account

    async def identify(self) -> str:
        """The id of our account. Raises CallFailed; a refusal here is one of the whole connector."""
        if not self._account:
            self._account = await self._ask_account()
        return self._account

    async def fetch(self, reference: str) -> Ticket:
        """The ticket as it is now. Raises CallFailed, Gone."""
        if not self.reference.fullmatch(reference) or reference in (".", ".."):
            raise Gone("read ticket", Outcome(OutcomeKind.FAILED, "this is no reference of a ticket"))
        with understood("read ticket"):
            return await self.read(reference)

    async def choices_for(self, field: str, ticket: Ticket) -> Mapping[str, object]:
        """Name -> id of what the field of this ticket may take. Raises CallFailed."""
        return await self.choices_of(field, self.scope(field, ticket))

    async def choices_of(self, field: str, scope: str = "") -> Mapping[str, object]:
        """Name -> id of what the field may take; asked for once in some minutes. Raises CallFailed."""

        async def ask() -> Mapping[str, object]:
            with understood(f"list {field}"):
                return await self.choices(field, scope)

        return await self._choices.get((field, scope), ask)

    async def status_name(self, status: str) -> str:
        """The name of a status that a history tells by its id. Raises CallFailed."""
        if not self.status_field:
            return status
        names = await self.choices_of(self.status_field)
        return next((name for name, number in names.items() if str(number) == status), status)

    def label(self, field: str) -> str:
        return self.mapper.label(field)

    async def check(self) -> list[Finding]:
        """Who we are there, and which mapping leads nowhere. Raises PlatformUnavailable."""
        return await check(self)

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Reads, compares and writes."""
        await self._settling.before(delivery)
        try:
            outcome = await self._attempt(delivery)
        except CallFailed as error:
            outcome = await self._failure(delivery, error)
        else:
            self._denied.clear()
        return self._settling.after(delivery, outcome)

    async def send(self, ticket: Ticket, call: Call, changes: Mapping[str, object]) -> None:
        """One call that writes. Its echoes are known from now on. Raises CallFailed."""
        with contextlib.ExitStack() as stack:
            for name in call.carries:
                value = "" if name == NOTE else str(changes[name])
                stack.enter_context(self.expected.write(ticket.reference, name, value))
            answer = await self.rest.write(call.what, call.method, call.path, call.json, call.headers)
        if NOTE in call.carries:
            with understood(call.what, OutcomeKind.UNKNOWN):
                number = self.note_id(answer)
            if number:
                self.expected.settle(ticket.reference, NOTE, number)

    async def close(self) -> None:
        await self.rest.close()

    async def _attempt(self, delivery: Delivery) -> Outcome:
        await self.identify()
        ticket = await self._surviving(delivery.request_id)
        payload, kind = delivery.effect.payload, delivery.effect.kind
        plan = await self.plan(payload, ticket) if kind is EffectKind.UPDATE_REQUEST else Plan()
        noted = self._noted(ticket, delivery) > 0

        def render(remarks: Sequence[str]) -> object:
            flags, markup = self.settings.note_flags, self.markup
            return write_note(delivery, plan.announced, remarks, flags=flags, markup=markup, limit=self.note_limit)

        outcome = await Writing(self, ticket, plan, render, delivery.leased).run(noted=noted)
        if outcome.kind is OutcomeKind.DONE and not noted and (delivery.previous_unknown or not self._private):
            return await self._look_again(delivery, ticket, outcome)
        return outcome

    def _noted(self, ticket: Ticket, delivery: Delivery) -> int:
        """The number of notes of this effect. A public one counts as well, so that it is not written again."""
        return marked((*ticket.notes, *(ticket.messages if self.notes_may_be_public else ())), delivery.effect_id)

    async def _surviving(self, reference: str) -> Ticket:
        """The ticket, or the one that it was merged into."""
        ticket = await self.fetch(reference)
        for _ in range(MERGES):
            if not ticket.merged_into:
                return ticket
            ticket = await self.fetch(ticket.merged_into)
        raise Gone("read ticket", Outcome(OutcomeKind.FAILED, f"merged more than {MERGES} times"))

    async def _look_again(self, delivery: Delivery, ticket: Ticket, outcome: Outcome) -> Outcome:
        """After a write: no doubled note of an earlier attempt and no note in public stays unnoticed."""
        after = await self.fetch(ticket.reference)
        if not self._private and marked(after.messages, delivery.effect_id):
            return Outcome(OutcomeKind.HELD, PUBLIC, refused=outcome.refused)
        self._private = True
        if self._noted(after, delivery) < 2:
            return outcome
        return dataclasses.replace(outcome, refused=(*outcome.refused, DOUBLED))

    async def _failure(self, delivery: Delivery, error: CallFailed) -> Outcome:
        outcome = error.outcome
        if isinstance(error, Gone) and outcome.kind is OutcomeKind.FAILED:
            return Outcome(OutcomeKind.FAILED, NO_TICKET, refused=outcome.refused)
        if outcome.kind is not OutcomeKind.FAILED or error.answer is None or not self.forbids(error.answer):
            return outcome
        try:
            await self._ask_account()
        except CallFailed as refusal:
            return refusal.outcome
        if len(self._denied) < DENIED:
            self._denied.add(delivery.request_id)
        if len(self._denied) < DENIED:
            return outcome
        remedy = f"forbidden for {DENIED} tickets in a row; give the account the right to read and write them"
        return Outcome(OutcomeKind.HELD, f"{outcome.detail}; {remedy}")

    async def _ask_account(self) -> str:
        try:
            with understood("ask for the account"):
                return await self.whoami()
        except CallFailed as error:
            if error.outcome.kind is OutcomeKind.FAILED:
                remedy = f"{error.outcome.detail}; correct the URL, or the rights of the account"
                error.outcome = Outcome(OutcomeKind.HELD, remedy)
            raise
