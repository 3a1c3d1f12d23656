"""One event to decide with all inputs of the decision, and the decision under changed facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from answerby.domain.decision import Decision
from answerby.domain.event import Event, Value
from answerby.domain.request import RequestState
from answerby.engine.case import Case, Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.engine.facts.record import Record
from answerby.engine.history import merging
from answerby.engine.history.transition import inputs_of
from answerby.engine.memory.steps import RememberingSteps
from answerby.engine.stages.pipeline import run_stages
from answerby.rules.model.vocabulary import ANY_REQUEST
from answerby.workbench.counterfactual.changes import ChangeKind, ChangeSet
from answerby.workbench.counterfactual.texts import with_term, without


@dataclass(slots=True)
class Situation:
    """The arguments of `decide()`. Changes apply to the facts as the rules saw them."""

    compiled: CompiledRulebook
    state: RequestState | None
    event: Event
    context: Context
    now: datetime
    base: Decision = field(init=False)
    """The decision without changes."""
    record: Record = field(init=False)
    given: dict[str, Value] = field(init=False)
    """The given facts, with those of the event merged in."""
    evaluations: int = field(init=False, default=0)
    _steps: RememberingSteps = field(init=False)
    _known: dict[ChangeSet, Decision] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._steps = RememberingSteps(self.compiled)
        self.given = merging.apply_event(self.compiled.rulebook, self.state, self.event, self._moment).request.given
        self.base = self.decide(())
        self.record = self.look(())

    def decide(self, changes: ChangeSet) -> Decision:
        """The decision with these changes."""
        known = self._known.get(changes)
        if known is None:
            known = self._known[changes] = self._decide(changes)
        return known

    def changed(self, changes: ChangeSet) -> tuple[RequestState | None, Event, Context]:
        """The arguments of `decide()` with these changes."""
        return self._changed(changes, self.decide(changes))

    def look(self, changes: ChangeSet) -> Record:
        """The facts of the decision with these changes. They guide the search. Only `decide` proves a result."""
        state, event, context = self.changed(changes)
        inputs = inputs_of(Case(self.compiled, state, event, context, self._moment))
        return run_stages(self._steps, self.compiled, inputs.request, inputs.event, inputs.counts).record

    def _decide(self, changes: ChangeSet) -> Decision:
        """The counts with these changes. They include the request itself if the changes make it count."""
        assumed = self.base if changes else None
        for _ in range(2):
            self.evaluations += 1
            state, event, context = self._changed(changes, assumed)
            found = decide(self.compiled, state, event, context, self.now, self._steps)
            if not any(self._counts(name, found) != self._counts(name, assumed) for name in self._counted_in(changes)):
                break
            assumed = found
        return found

    def _changed(self, changes: ChangeSet, assumed: Decision | None) -> tuple[RequestState | None, Event, Context]:
        windows: dict[str, int] = {}
        for name in self._counted_in(changes):
            wanted = next(c.to for c in changes if c.field == name)
            assert isinstance(wanted, int)
            windows[name] = max(0, wanted - self._counts(name, assumed))
        given = self._given(changes)
        data = {name: value for name, value in self.event.data.items() if name not in given}
        context = Context({**self.context.windows, **windows})
        state = self.state
        if state is None:
            return None, replace(self.event, data={**data, **given}), context
        earlier = {name: value for name, value in state.given.items() if name not in given}
        earlier |= {name: value for name, value in given.items() if value is not None}
        state = replace(state, given=earlier, counts={**state.counts, **windows})
        return state, replace(self.event, data=data), context

    def _counted_in(self, changes: ChangeSet) -> list[str]:
        names = dict(self.compiled.windows)
        return [change.field for change in changes if change.field in names]

    def _counts(self, name: str, decision: Decision | None) -> int:
        """1 if the window counts the request itself, else 0."""
        window = dict(self.compiled.windows)[name]
        counted_value = decision.facts.get(window.of) if decision is not None else None
        return int(window.count in (ANY_REQUEST, counted_value))

    def _given(self, changes: ChangeSet) -> dict[str, Value]:
        """The changed given facts. None stands for one that becomes missing."""
        found: dict[str, Value] = {}
        windows = dict(self.compiled.windows)
        for change in changes:
            match change.kind:
                case ChangeKind.SET | ChangeKind.GIVE if change.field not in windows:
                    found[change.field] = change.value
                case ChangeKind.CLEAR:
                    found[change.field] = None
                case _:
                    pass
        for change in changes:
            if change.kind is ChangeKind.UNMENTION:
                self._unmention(change.field, change.lexicon, found)
        for change in changes:
            if change.kind is ChangeKind.MENTION:
                self._mention(change.field, change.example, found)
        return found

    def _mention(self, name: str, term: str, found: dict[str, Value]) -> None:
        named_parts = [part for part in self._sources(name) if _text(found.get(part, self.given.get(part)))]
        part = named_parts[-1] if named_parts else self._sources(name)[0]
        found[part] = with_term(_text(found.get(part, self.given.get(part))), term)

    def _unmention(self, name: str, lexicon: str, found: dict[str, Value]) -> None:
        for part in self._sources(name):
            text = _text(found.get(part, self.given.get(part)))
            if text:
                # A term may span two parts, so the whole text can mention it although no part does.
                found[part] = without(self.compiled.plan.lexicons, text, [lexicon]) or None

    def _sources(self, name: str) -> tuple[str, ...]:
        """The given texts that make up a text: its parts, unless the text itself was given."""
        parts = self.compiled.rulebook.vocabulary[name].parts
        if not parts or (_text(self.given.get(name)) and not any(_text(self.given.get(part)) for part in parts)):
            return (name,)
        return parts

    @property
    def _moment(self) -> datetime:
        return self.event.time if self.event.historical else self.now


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""
