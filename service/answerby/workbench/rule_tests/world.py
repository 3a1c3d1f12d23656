"""The requests of one case under a virtual clock, decided by decide() as the server would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from answerby.domain.clock import Timer
from answerby.domain.decision import Decision
from answerby.domain.effect import Effect
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.clocks.virtual_clock import TIMER_LIMIT, next_timer, timer_event
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.engine.history.refold import refold_wanted
from answerby.engine.schedules.decide_schedule import Firing, decide_schedule
from answerby.engine.schedules.summary import Summary
from answerby.engine.stages.stage_results import Context
from answerby.rules.model.vocabulary import ANY_REQUEST, Window
from answerby.workbench.rule_tests.agenda import Agenda, Item
from answerby.workbench.rule_tests.cases import Happening
from answerby.workbench.rule_tests.scene import Scene
from answerby.workbench.rule_tests.trace import Trace

SOURCE, TENANT = "rule-test", "default"


class TooManyTimers(Exception):
    """More timers fired in one case than any ladder has reason to arm."""


@dataclass(slots=True)
class Story:
    """One request: its latest decision and the effects since its latest event."""

    decision: Decision
    event: Event
    effects: list[Effect] = field(default_factory=list)

    @property
    def state(self) -> RequestState:
        assert self.decision.state is not None
        return self.decision.state


class World:
    """All requests of a case. `windows` are counts of requests outside it, `schedules` those that come in it."""

    def __init__(
        self, compiled: CompiledRulebook, windows: Mapping[str, int], schedules: Iterable[str], start: datetime
    ) -> None:
        self._compiled = compiled
        self._windows = windows
        self._agenda = Agenda(compiled.rulebook, schedules, start)
        self._stories: dict[str, Story] = {}
        self._histories: dict[str, list[Event]] = {}
        self._events = 0
        self._fired = 0
        self._now: datetime | None = None
        self.trace = Trace()

    def happens(self, happening: Happening, at: datetime) -> None:
        """Lets time pass until `at` and the event happen. Raises TooManyTimers."""
        self.run_until(at)
        self._events += 1
        event = Event(
            source=SOURCE,
            id=f"e{self._events}",
            type=happening.type,
            time=at,
            request_id=happening.request,
            actor=happening.actor,
            data=dict(happening.facts),
        )
        waiting = [event]
        while waiting:
            event = waiting.pop(0)
            waiting += self._take(event, at).follow_ups

    def run_until(self, moment: datetime) -> None:
        """Fires every timer and schedule that is due by then, each at its own time, also those that firing arms."""
        while True:
            found, item = self._next_timer(moment), self._agenda.next(moment)
            if found is None and item is None:
                return
            self._fired += 1
            if self._fired > TIMER_LIMIT:
                raise TooManyTimers
            if found is not None and (item is None or found[1].due <= item.occurrence.time):
                story, timer = found
                self.trace.fires(story.state, timer)
                self._fire(story.state, timer)
            elif item is not None:
                self._come(item)

    def _come(self, item: Item) -> None:
        """A schedule comes. What it tells of many requests counts among the effects of each of the case."""
        self._agenda.done(item)
        moment = item.occurrence.time
        summary = Summary(self._compiled, item.schedule, item.occurrence, moment)
        for name in sorted(self._stories):
            summary.add(self._stories[name].state)
        firing = Firing(TENANT, item.schedule, item.occurrence, (), item.number)
        decision = decide_schedule(self._compiled, firing, summary, moment)
        for story in self._stories.values():
            story.effects += decision.effects
        for event in decision.follow_ups:
            self._take(event, moment)

    def _fire(self, state: RequestState, timer: Timer) -> None:
        """A timer armed for a moment that has passed fires at once, late, as it does on the server."""
        now = max(timer.due, self._now or timer.due)
        event = timer_event(state, timer)
        late = int((now - timer.due).total_seconds())
        self._take(replace(event, data={**event.data, "timer.late_by": late}) if late else event, now)

    def scene(self, request: str) -> Scene:
        """What is known of a request now."""
        scenes = {
            name: Scene(self._compiled, story.decision, story.event, story.effects)
            for name, story in self._stories.items()
        }
        for scene in scenes.values():
            scene.others = scenes
        return scenes[request]

    def _take(self, event: Event, now: datetime) -> Decision:
        story = self._stories.get(event.request_id)
        state = story.state if story is not None else None
        self._now = now
        context = Context(self._counts(state, event))
        history = self._histories.setdefault(event.request_id, [])
        if refold_wanted(state, event):
            context = context._replace(history=list(history))
        decision = decide(self._compiled, state, event, context, now)
        history.append(event)
        self.trace.decides(decision)
        if event.source == SOURCE or story is None:
            self._stories[event.request_id] = Story(decision, event, list(decision.effects))
        else:
            story.decision = decision
            story.effects += decision.effects
        return decision

    def _next_timer(self, moment: datetime) -> tuple[Story, Timer] | None:
        first: tuple[Story, Timer] | None = None
        for name in sorted(self._stories):
            story = self._stories[name]
            timer = next_timer(story.state, moment)
            if timer is not None and (first is None or timer.due < first[1].due):
                first = (story, timer)
        return first

    def _counts(self, state: RequestState | None, event: Event) -> dict[str, int]:
        """What the store would count: other requests of the case in the window, and those that the case states."""
        counts = dict(self._windows)
        if len(self._stories) > (event.request_id in self._stories):
            for name, window in self._compiled.windows:
                counts[name] = counts.get(name, 0) + self._count(window, state, event)
        return counts

    def _count(self, window: Window, state: RequestState | None, event: Event) -> int:
        given = state.given if state is not None else {}
        identity = event.data.get(window.by) or given.get(window.by)
        if not identity:
            return 0
        others = (story.state for name, story in self._stories.items() if name != event.request_id)
        return sum(
            other.given.get(window.by) == identity
            and event.time - window.within <= other.created <= event.time
            and window.count in (ANY_REQUEST, other.derived.get(window.of))
            for other in others
        )
