"""The rules, ladder steps and clocks that a case used. Coverage is computed from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from answerby.domain.clock import ClockPhase, Timer, definition_id
from answerby.domain.decision import Decision, ScoreOutcome
from answerby.domain.request import RequestState
from answerby.workbench.rule_tests.snapshot import matched_ids


@dataclass(slots=True)
class Trace:
    """Sets of ids. `add` unites the traces of several cases."""

    matched: set[str] = field(default_factory=set)
    """Rules and rows that matched, whether or not they won."""
    won: set[str] = field(default_factory=set)
    """Rules and rows that won, and scores that were computed."""
    steps: set[tuple[str, int]] = field(default_factory=set)
    """Ladder steps that fired, by ladder and number from 0."""
    clocks: dict[str, set[str]] = field(default_factory=dict)
    """The states that each clock reached, by its definition: `started`, `paused`, `met`, `breached`."""

    def add_decision(self, decision: Decision) -> None:
        for stage in decision.explanation:
            self.won.update(reference.id for reference in stage.won)
            self.matched.update(matched_ids(stage))
            self.won.update(score.id for score in stage.scores if score.outcome is ScoreOutcome.SCORED)
        for clock in decision.clocks:
            states = self.clocks.setdefault(definition_id(clock.name), {"started"})
            if clock.breached:
                states.add("breached")
            elif clock.phase is ClockPhase.STOPPED:
                states.add("met")
            if clock.phase is ClockPhase.PAUSED:
                states.add("paused")

    def add_timer(self, state: RequestState, timer: Timer) -> None:
        """Adds the ladder step of a timer about to fire, unless the timer is stale.

        A timer is stale when its clock does not run, or runs in another cycle.
        """
        clock = state.clocks.get(timer.clock)
        if clock is not None and clock.phase is ClockPhase.RUNNING and clock.cycle == timer.cycle:
            self.steps.add((clock.ladder, timer.step))

    def add(self, other: Trace) -> None:
        self.matched |= other.matched
        self.won |= other.won
        self.steps |= other.steps
        for name, states in other.clocks.items():
            self.clocks.setdefault(name, set()).update(states)
