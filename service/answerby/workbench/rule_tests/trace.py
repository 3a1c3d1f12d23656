"""What a case made use of: rules, ladder steps, clocks. The raw material of coverage."""

from __future__ import annotations

from dataclasses import dataclass, field

from answerby.domain.clock import ClockPhase, Timer
from answerby.domain.decision import Decision, ScoreOutcome
from answerby.domain.request import RequestState
from answerby.workbench.rule_tests.scene import matched_ids


@dataclass(slots=True)
class Trace:
    """Sets of ids; those of several cases are united by `add`."""

    matched: set[str] = field(default_factory=set)
    """Rules and rows that matched, whether or not they decided."""
    won: set[str] = field(default_factory=set)
    """Those that decided something, and scores that came about."""
    steps: set[tuple[str, int]] = field(default_factory=set)
    """Ladder steps that fired, by ladder and number from 0."""
    clocks: dict[str, set[str]] = field(default_factory=dict)
    """What became of clocks: `started`, `paused`, `met`, `breached`."""

    def decides(self, decision: Decision) -> None:
        for stage in decision.explanation:
            self.won.update(reference.id for reference in stage.won)
            self.matched.update(matched_ids(stage))
            self.won.update(score.id for score in stage.scores if score.outcome is ScoreOutcome.SCORED)
        for clock in decision.clocks:
            seen = self.clocks.setdefault(clock.name, {"started"})
            if clock.breached:
                seen.add("breached")
            elif clock.phase is ClockPhase.STOPPED:
                seen.add("met")
            if clock.phase is ClockPhase.PAUSED:
                seen.add("paused")

    def fires(self, state: RequestState, timer: Timer) -> None:
        """Called for a timer that is not yet stale: its clock runs in the timer's cycle."""
        clock = state.clocks.get(timer.clock)
        if clock is not None and clock.phase is ClockPhase.RUNNING and clock.cycle == timer.cycle:
            self.steps.add((clock.ladder, timer.step))

    def add(self, other: Trace) -> None:
        self.matched |= other.matched
        self.won |= other.won
        self.steps |= other.steps
        for name, seen in other.clocks.items():
            self.clocks.setdefault(name, set()).update(seen)
