"""Requests from given facts: an event, the state before it, and counts over windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from answerby.domain.errors import AnswerbyError
from answerby.domain.event import ActorRole, Event, EventType, Value
from answerby.domain.request import RequestState, RequestStatus
from answerby.engine.case import Context
from answerby.engine.clocks.ladder_steps import REASSIGNABLE
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.stages.ladder_values import PRIORITY
from answerby.rules.model.vocabulary import ANY_REQUEST, FieldType
from answerby.workbench.proofs.space.dimensions import OTHER_MEMBER
from answerby.workbench.proofs.space.facts import Facts
from answerby.workbench.proofs.witnesses.text_writer import TextWriter

MOMENT = datetime(2026, 3, 4, 2, tzinfo=UTC)
"""The time of a witness where time does not matter: a Wednesday morning in China."""
FAR_AWAY = datetime(2999, 3, 5, 4, tzinfo=UTC)
"""An instant in a year that no calendar knows."""
SEARCH = timedelta(days=21)
"""How far around a moment another one inside or outside a calendar is looked for."""
WRONG: Mapping[FieldType, Value] = {FieldType.TEXT: 7, FieldType.STRING: 7, FieldType.ENUM: True, FieldType.SET: 7}
"""Values that fields refuse, by type. All other types refuse a word."""
BEFORE = frozenset({"request.status", "request.reopen_count", "request.acknowledged", "request.events"})


@dataclass(frozen=True, slots=True)
class CandidateRequest:
    """A request that may have the facts. Only its decision tells."""

    event: Event
    state: RequestState | None = None
    windows: Mapping[str, int] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        return Context(self.windows)


class Impossible(Exception):
    """No request could be made with these facts. The message says why."""


class RequestBuilder:
    """Builds requests for one rulebook."""

    def __init__(self, compiled: CompiledRulebook) -> None:
        self._compiled = compiled
        self._fields = compiled.rulebook.vocabulary.fields
        self._writer = TextWriter(compiled.plan.lexicons, compiled.rulebook.lexicons.values())

    def build(self, facts: Facts, by_ladder: Mapping[str, str] | None = None) -> CandidateRequest:
        """A request with the given facts. Derived facts are ignored. Raises Impossible.

        `by_ladder` are a priority, a department or a role that steps of ladders gave it before the event.
        """
        data: dict[str, Value] = {}
        windows: dict[str, int] = {}
        for name, value in facts.values.items():
            known = self._fields.get(name)
            if known is None or known.derived_by or known.name.startswith(("event.", "request.")):
                continue
            if known.window is not None:
                windows[name] = max(0, (value if isinstance(value, int) else 0) - (known.window.count == ANY_REQUEST))
            elif value is not None and known.type is not FieldType.TEXT:
                data[name] = value
        self._write_texts(facts, data)
        for name, truths in facts.holds.items():
            if not self._fields[name].derived_by:
                members = ["another" if key == OTHER_MEMBER else key for key, holds in truths.items() if holds]
                data[name] = sorted(members)
        self._move_instants(facts, data)
        for name in facts.wrong:
            if not name.startswith(("event.", "request.")):
                parts = [part for part in self._fields[name].parts if part not in facts.fields - facts.wrong]
                for part in parts or [name]:
                    data[part] = WRONG.get(self._fields[part].type, "?")
        return self._candidate(facts, data, windows, by_ladder or {})

    def _write_texts(self, facts: Facts, data: dict[str, Value]) -> None:
        named = {*facts.values, *facts.mentions, *facts.matches}
        texts = [n for n in sorted(named) if n in self._fields and self._fields[n].type is FieldType.TEXT]
        # Whole texts come last: only then it is known which of their parts are free.
        for name in sorted(texts, key=lambda n: bool(self._fields[n].parts)):
            if facts.values.get(name, "") is None:
                continue
            truths = facts.mentions.get(name, {})
            start = str(facts.values.get(name, ""))
            mentions = [key for key, holds in truths.items() if holds]
            if not mentions and not start and not any(facts.matches.get(name, {}).values()):
                continue
            barred = [key for key, holds in truths.items() if not holds]
            # The cell "other text" stands for any text, so the mentions alone are enough.
            text = self._writer.write(mentions, barred, "" if mentions and len(start) <= 1 else start)
            if text is None:
                raise Impossible(f"no text mentions {', '.join(sorted(mentions))} alone")
            data[self._place(name, facts)] = text
        for name in texts:
            if facts.values.get(name, "") is None:
                data.pop(name, None)

    def _place(self, name: str, facts: Facts) -> str:
        """The field to write the text into: for a text made of parts, a part that no fact names."""
        parts = self._fields[name].parts
        return next((part for part in reversed(parts[:2]) if part not in facts.fields), "") or next(
            (part for part in parts if part not in facts.fields), name
        )

    def _move_instants(self, facts: Facts, data: dict[str, Value]) -> None:
        for name in facts.inside:
            if not name.startswith(("event.", "request.")):
                data[name] = self._moment(facts, name).isoformat()

    def _moment(self, facts: Facts, name: str) -> datetime:
        """An instant near its value, inside and outside the calendars as the facts ask. Raises Impossible."""
        value = facts.values.get(name)
        start = datetime.fromisoformat(value) if isinstance(value, str) else MOMENT
        if name in facts.wrong:
            start = FAR_AWAY
        truths = facts.inside.get(name, {})
        if not truths:
            return start
        hours = int(SEARCH / timedelta(hours=1))
        for distance in range(hours):
            for moment in (start + timedelta(hours=distance), start - timedelta(hours=distance)):
                if self._lies(moment, truths):
                    return moment
        raise Impossible(f"no moment near {start} lies in and outside the calendars as asked")

    def _lies(self, moment: datetime, truths: Mapping[str, bool]) -> bool:
        calendars = self._compiled.rulebook.calendars
        try:
            return all(calendars[key].is_working(moment) is truth for key, truth in truths.items())
        except AnswerbyError:
            return False

    def _candidate(
        self, facts: Facts, data: dict[str, Value], windows: dict[str, int], by_ladder: Mapping[str, str]
    ) -> CandidateRequest:
        values = facts.values
        time = self._moment(facts, "event.time")
        named = "request.created" in facts.fields
        created = self._moment(facts, "request.created") if named else time
        if named and "event.time" not in facts.fields:
            time = created
        earlier = BEFORE.intersection(values) or (named and created != time) or by_ladder
        state = _before(values, created if named else time - timedelta(hours=1), by_ladder) if earlier else None
        kind = values.get("event.type")
        event = Event(
            source="witness",
            id="w",
            type=str(kind) if kind is not None else EventType.UPDATED if state is not None else EventType.RECEIVED,
            time=time,
            request_id="witness",
            actor=ActorRole(str(values.get("event.actor") or ActorRole.CUSTOMER.value)),
            data=data,
        )
        return CandidateRequest(event, state, windows)


def _before(values: Mapping[str, Value], created: datetime, by_ladder: Mapping[str, str]) -> RequestState:
    """The state of a request with these facts before the event."""
    acknowledged = values.get("request.acknowledged") is True
    return RequestState(
        tenant="default",
        request_id="witness",
        source="witness",
        status=RequestStatus(str(values.get("request.status") or RequestStatus.OPEN.value)),
        created=created,
        last_event=created,
        reopen_count=_count(values.get("request.reopen_count")),
        decisions=_count(values.get("request.events")),
        version=_count(values.get("request.events")),
        acknowledged=created if acknowledged else None,
        priority_floor=by_ladder.get(PRIORITY, ""),
        reassigned={name: by_ladder[name] for name in REASSIGNABLE if name in by_ladder},
    )


def _count(value: Value) -> int:
    return value if isinstance(value, int) else 0
