"""Real requests for regions of facts. What is made here is only tried: what counts is how both rulebooks decide it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from msgspec.structs import replace

from service.domain.decision import Decision
from service.domain.errors import AnswerbyError
from service.domain.event import ActorRole, Event, EventType, Value
from service.domain.request import RequestState, RequestStatus
from service.engine.compiled import CompiledRulebook
from service.engine.counterfactual.goals import Goal, parse_goal
from service.engine.counterfactual.search import finish, why_not
from service.engine.counterfactual.situation import Situation
from service.engine.decide import Context
from service.engine.diff.model import Witness
from service.engine.lifecycle import OVERRIDE_PREFIX
from service.rules.analysis.facts import Facts
from service.rules.analysis.space import OTHER_MEMBER
from service.rules.folding import fold
from service.rules.vocabulary import Field

MOMENT = datetime(2026, 3, 4, 2, tzinfo=UTC)
"""A Wednesday morning in China: when witnesses happen where their time does not matter."""
HOURS = 24 * 21
"""How far from it a moment inside or outside a calendar is looked for."""
NEUTRAL = "-"
"""A text that says nothing."""
SEARCH_CHANGES, SEARCH_BUDGET = 4, 40


class Maker:
    """Makes requests that both rulebooks of a comparison can decide."""

    def __init__(self, compiled: Sequence[CompiledRulebook]) -> None:
        self._compiled = compiled
        self._fields: dict[str, Field] = {
            name: field for book in compiled for name, field in book.rulebook.vocabulary.fields.items()
        }

    def make(self, facts: Facts) -> Iterator[Witness]:
        """Requests that may have these facts, as they could come in."""
        plain = self._given(facts)
        if plain is None:
            return
        derived = {name: value for name, value in facts.values.items() if self._is_derived(name)}
        members = {name: truths for name, truths in facts.holds.items() if self._is_derived(name)}
        if not derived and not members:
            yield plain
            return
        yield from self._led_there(plain, derived, members, facts.fields)
        # What is derived may need other given facts than those chosen from the region; whoever asks tries it anyway.
        yield from self._led_there(plain, derived, members, ())
        yield plain

    def make_by_hand(self, facts: Facts) -> Iterator[Witness]:
        """A request with these facts, the derived ones set by hand."""
        plain = self._given(facts)
        if plain is not None:
            derived = {name: value for name, value in facts.values.items() if self._is_derived(name)}
            members = {name: truths for name, truths in facts.holds.items() if self._is_derived(name)}
            if derived or members:
                yield self._by_hand(plain, derived, members)

    def _is_derived(self, name: str) -> bool:
        return name in self._fields and bool(self._fields[name].derived_by)

    # ---- given facts

    def _given(self, facts: Facts) -> Witness | None:
        event = Event(source="witness", id="w", type=EventType.RECEIVED, time=MOMENT, request_id="witness")
        data: dict[str, Value] = {}
        windows: dict[str, int] = {}
        course: dict[str, Value] = {}
        for name, value in facts.values.items():
            field = self._fields.get(name)
            if name.startswith("request."):
                course[name] = value
            elif name.startswith("event."):
                event = _happening(event, name, value)
            elif field is not None and field.window is not None:
                windows[name] = value if isinstance(value, int) else 0
                data[field.window.by] = "someone"
            elif field is not None and not field.derived_by and value is not None and not field.parts:
                data[name] = value
        if not (self._texts(facts, data) and self._sets(facts, data)):
            return None
        moved = self._moments(event, data, facts)
        if moved is None:
            return None
        event = replace(moved, data=data)
        state = _before(event, course) if course else None
        if state is not None and event.type == EventType.RECEIVED:
            event = replace(event, type=EventType.UPDATED)
        return Witness(event, state, windows)

    def _texts(self, facts: Facts, data: dict[str, Value]) -> bool:
        """Puts the texts together; False when no text can be as the facts say."""
        names = {*facts.mentions, *(n for n in facts.values if self._fields.get(n) and self._fields[n].parts)}
        for name in sorted(names | set(facts.matches)):
            field = self._fields[name]
            if name in facts.values and facts.values[name] is None:
                continue
            start = str(facts.values.get(name) or "")
            wanted = facts.mentions.get(name, {})
            text = self._text(start, wanted)
            if text is None:
                return False
            if text or name in facts.values:
                told = text or NEUTRAL
                data[field.parts[0] if field.parts else name] = told
        return True

    def _text(self, start: str, wanted: Mapping[str, bool]) -> str | None:
        parts = [start] if start else []
        avoid = {name for name, truth in wanted.items() if not truth}
        for name in sorted(name for name, truth in wanted.items() if truth):
            if self._mentioned(" ".join(parts), name):
                continue
            term = self._term(name, avoid)
            if term is None:
                return None
            parts.append(term)
        text = " | ".join(parts)
        fits = all(self._mentioned(text, name) is truth for name, truth in wanted.items())
        return text if fits else None

    def _term(self, name: str, avoid: set[str]) -> str | None:
        """A term of the lexicon that mentions none of those to avoid, and few others."""
        best: tuple[int, int, str] | None = None
        for book in self._compiled:
            lexicon = book.rulebook.lexicons.get(name)
            for term in lexicon.terms if lexicon is not None else ():
                found = {x for other in self._compiled for x in other.plan.lexicons.mentioned(fold(term))}
                if name in found and not found & avoid:
                    rank = (len(found), len(term), term)
                    best = rank if best is None else min(best, rank)
        return best[2] if best is not None else None

    def _mentioned(self, text: str, name: str) -> bool:
        """In every rulebook that has the lexicon."""
        asked = [book for book in self._compiled if name in book.rulebook.lexicons]
        return bool(asked) and all(name in book.plan.lexicons.mentioned(fold(text)) for book in asked)

    def _sets(self, facts: Facts, data: dict[str, Value]) -> bool:
        for name, truths in facts.holds.items():
            if not self._is_derived(name):
                data[name] = sorted("another" if key == OTHER_MEMBER else key for key, held in truths.items() if held)
        return True

    def _moments(self, event: Event, data: dict[str, Value], facts: Facts) -> Event | None:
        """Moves instants so that they lie inside and outside calendars as the facts say."""
        for name, wanted in facts.inside.items():
            start = event.time
            if name != "event.time" and isinstance(data.get(name), str):
                start = datetime.fromisoformat(str(data[name]))
            found = next((m for m in _around(start) if self._lies(m, wanted)), None)
            if found is None:
                return None
            if name == "event.time":
                event = replace(event, time=found)
            else:
                data[name] = found.isoformat()
        return event

    def _lies(self, moment: datetime, wanted: Mapping[str, bool]) -> bool:
        try:
            return all(
                book.rulebook.calendars[key].is_working(moment) is truth
                for book in self._compiled
                for key, truth in wanted.items()
                if key in book.rulebook.calendars
            )
        except AnswerbyError:
            return False

    # ---- derived facts

    def _led_there(
        self,
        plain: Witness,
        derived: Mapping[str, Value],
        members: Mapping[str, Mapping[str, bool]],
        keep: Iterable[str],
    ) -> Iterator[Witness]:
        """Given facts from which the rules of the old rulebook derive what is wanted."""
        compiled = self._compiled[0]
        names = compiled.rulebook.vocabulary.fields
        kept = {name for name in keep if name in names}
        # What must not be comes first: each step keeps what the ones before it have reached.
        texts = [f"{name}!={key}" for name, truths in members.items() for key, held in truths.items() if not held]
        texts += [f"{name}={_written(value)}" for name, value in derived.items()]
        texts += [f"{name}={key}" for name, truths in members.items() for key, held in truths.items() if held]
        witness = plain
        reached: list[Goal] = []
        for text in texts:
            try:
                goal = parse_goal(compiled.rulebook, text)
                moment, context = witness.event.time, Context(witness.windows)
                situation = Situation(compiled, witness.state, witness.event, context, moment)
            except AnswerbyError:
                return
            reached.append(goal)
            both = dataclasses.replace(goal, met=partial(_all_met, tuple(reached)))
            answer = finish(
                why_not(situation, both, kept, most_changes=SEARCH_CHANGES, budget=SEARCH_BUDGET, sweep=False)
            )
            if answer.found is not None:
                state, event, context = situation.changed(answer.found.changes)
                witness = Witness(event, state, context.windows)
            elif not answer.already:
                return
        yield witness

    def _by_hand(
        self, plain: Witness, derived: Mapping[str, Value], members: Mapping[str, Mapping[str, bool]]
    ) -> Witness:
        """The same with the derived facts set by hand."""
        values = {OVERRIDE_PREFIX + name: value for name, value in derived.items() if value is not None}
        held: dict[str, Value] = {
            OVERRIDE_PREFIX + name: sorted(key for key, truth in truths.items() if truth and key != OTHER_MEMBER)
            for name, truths in members.items()
        }
        data = {**plain.event.data, **values, **{name: value for name, value in held.items() if value}}
        return Witness(replace(plain.event, data=data), plain.state, plain.windows)


def _all_met(goals: tuple[Goal, ...], decision: Decision) -> bool:
    return all(goal.met(decision) for goal in goals)


def _happening(event: Event, name: str, value: Value) -> Event:
    match name:
        case "event.type" if value is not None:
            return replace(event, type=str(value))
        case "event.actor":
            return replace(event, actor=ActorRole(str(value)))
        case "event.time":
            return replace(event, time=datetime.fromisoformat(str(value)))
    return event


def _before(event: Event, course: Mapping[str, Value]) -> RequestState:
    """A request whose course has been so."""
    created = course.get("request.created")
    acknowledged = course.get("request.acknowledged") is True
    return RequestState(
        tenant=event.tenant,
        request_id=event.request_id,
        source=event.source,
        status=RequestStatus(str(course.get("request.status") or RequestStatus.OPEN.value)),
        created=datetime.fromisoformat(created) if isinstance(created, str) else event.time - timedelta(hours=1),
        last_event=event.time - timedelta(hours=1),
        reopen_count=_count(course.get("request.reopen_count")),
        decisions=_count(course.get("request.events")),
        version=_count(course.get("request.events")),
        acknowledged=event.time if acknowledged else None,
    )


def _count(value: Value) -> int:
    return value if isinstance(value, int) else 0


def _around(start: datetime) -> Iterator[datetime]:
    yield start
    for hours in range(1, HOURS):
        yield start + timedelta(hours=hours)
        yield start - timedelta(hours=hours)


def _written(value: Value) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
