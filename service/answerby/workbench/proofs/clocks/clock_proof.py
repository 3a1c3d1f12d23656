"""The proofs about one clock, as questions on the moments of requests.

A clock starts at a moment of its `start` with a target, and lives on at each later moment that keeps its target (and a
standing start) and neither stops, resets nor cancels it. Time makes it late when a timer finds it running. So nobody
hears of a clock that no timer can find running.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from answerby.domain.clock_definition import AfterCompletion, ClockDefinition, Trigger, events_of
from answerby.domain.condition import ALWAYS, All, Condition
from answerby.domain.event import EventType
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs.clocks.moments import (
    COMPLETED,
    ENDS,
    NOT_ANSWERED_BY_MACHINE,
    TIMER,
    Moments,
    any_of,
    has_status,
    moment_of,
)

_AFTER_COMPLETION = frozenset({EventType.FEEDBACK_GIVEN.value, EventType.CONFIRMED.value, EventType.RATED.value})


class ClockMistake(NamedTuple):
    """A mistake of a clock. `message` goes on after the name of the clock."""

    code: Code
    message: str
    hint: str


@dataclass(frozen=True)
class ClockProof:
    """The proofs about one clock. `target` is the condition under which it gets a target."""

    clock: ClockDefinition
    target: Condition
    moments: Moments

    def mistakes(self) -> Iterator[ClockMistake]:
        """The mistakes found. Raises OverBudget and TooManyBoxes."""
        never = self._never_starts() or self._never_late()
        if never is not None:
            ladder = f", so its ladder {self.clock.ladder} is never climbed" if self.clock.ladder else ""
            yield never._replace(message=never.message + ladder)
            return
        if (unmet := self._never_met()) is not None:
            yield unmet
        yield from self._pauses()
        yield from self._silent_triggers()

    # ---- the moments of the clock

    @cached_property
    def _start(self) -> Condition:
        return any_of(self.clock.start) if self.clock.start else ALWAYS

    @cached_property
    def _stop(self) -> Condition:
        return All((any_of(self.clock.stop), NOT_ANSWERED_BY_MACHINE))

    @property
    def is_standing(self) -> bool:
        """Whether all starts are standing conditions. Such a clock ends by itself when none holds any more."""
        return bool(self.clock.start) and all(isinstance(o, Trigger) and o.standing for o in self.clock.start)

    @property
    def _over(self) -> list[Condition]:
        """The moments at which the request is over, and the clock with it."""
        ends_with_completion = not self.clock.start and self.clock.after_completion is AfterCompletion.CANCEL
        return [ENDS, COMPLETED] if ends_with_completion else [ENDS]

    @property
    def _kept(self) -> list[Condition]:
        """What each later moment must meet for the clock to live on."""
        return [self.target, self._start] if self.is_standing else [self.target]

    @property
    def _ended(self) -> list[Condition]:
        """What ends a clock that runs, beside the end of the request."""
        return [self._stop, any_of(self.clock.cancel)]

    def _starts(self, *must: Condition, never: tuple[Condition, ...] = ()) -> bool:
        """Whether the clock can start at a moment of `must` and none of `never`."""
        # A clock without `start` that is met at once does not run.
        at_once = [] if self.clock.start else [self._stop]
        return self.moments.some(self._start, self.target, *must, never=(*self._over, *at_once, *never))

    def _lives(self, *must: Condition, never: tuple[Condition, ...] = ()) -> bool:
        """Whether the clock can live on at a later moment of `must` and none of `never`."""
        return self.moments.some(*self._kept, *must, never=(*self._over, *self._ended, *never))

    # ---- whether it runs

    def _never_starts(self) -> ClockMistake | None:
        moments, code = self.moments, Code.CLOCK_NEVER_RUNS
        if not moments.some(self._start):
            return ClockMistake(
                code,
                "never runs: no request meets the conditions of its `start`",
                "let the conditions under `when` agree",
            )
        if not moments.some(self._start, never=self._over):
            message = "never runs: it starts when the request ends, which cancels every clock"
            return ClockMistake(code, message, "start it at an earlier event")
        if not moments.some(self._start, self.target, never=self._over):
            message = "never runs: each rule that gives it a target excludes its `start`"
            return ClockMistake(code, message, "give a target to the requests that start the clock")
        if not self._starts():
            return ClockMistake(code, "never runs: its `stop` holds whenever it starts", "stop it at a later event")
        return None

    def _never_late(self) -> ClockMistake | None:
        """Why no timer can find the clock running; None where one can."""
        code = Code.CLOCK_NEVER_RUNS
        if not self.moments.some(*self._kept, TIMER, never=self._over):
            message = "never runs on: its target or its `start` holds at one event only, and the next event cancels it"
            return ClockMistake(code, message, "let it depend on facts of the request instead of the event")
        if not self._lives(TIMER, never=(any_of(self.clock.reset),)):
            message = "never runs on: its `stop`, `reset` or `cancel` holds at every event after its start"
            return ClockMistake(code, message, "stop, reset or cancel it by an event, or by another condition")
        statuses = self._paused_by_status
        if not (self._starts(never=statuses) or self._lives(never=statuses)):
            message = "never runs: it is paused in every status in which it could run"
            return ClockMistake(code, message, "leave out of `pause_while` when work goes on")
        if not self._found_running():
            message = "never runs: its `pause` holds whenever it runs"
            return ClockMistake(code, message, "pause it by a condition that its `start` leaves open")
        return None

    @property
    def _paused_by_status(self) -> tuple[Condition, ...]:
        return (has_status(*self.clock.pause_while),) if self.clock.pause_while else ()

    def _found_running(self) -> bool:
        """Whether a timer can find the clock neither paused by its status nor by `pause`."""
        pause, resume = any_of(self.clock.pause), any_of(self.clock.resume)
        statuses = self._paused_by_status
        if self._lives(TIMER, resume, never=statuses):
            return True
        if not self._lives(TIMER, never=(*statuses, pause)):
            return False
        if not self.clock.resume:
            return True
        # A pause holds until `resume`: the clock must start without one, or be resumed.
        return self._starts(never=(pause,)) or self._starts(resume) or self._lives(resume)

    # ---- whether it is met

    def _never_met(self) -> ClockMistake | None:
        clock = self.clock
        if clock.cancel or clock.reset or self.is_standing:
            return None
        hint = "add `stop: [request.replied]` or another event"
        if not clock.stop:
            return ClockMistake(Code.CLOCK_NEVER_MET, "is never met: no event stops it", hint)
        if not self.moments.some(self._stop):
            message = "is never met: no event meets the conditions of its `stop`"
            return ClockMistake(Code.CLOCK_NEVER_MET, message, "let the event and the conditions under `when` agree")
        types = {kind for occasion in clock.stop for kind in events_of(occasion) or ("",)}
        if not clock.start and clock.after_completion is AfterCompletion.CANCEL and types <= _AFTER_COMPLETION:
            message = "is never met: what stops it follows the completion, which cancels it"
            hint = "write `after_completion: continue`, or start it with `start: [request.completed]`"
            return ClockMistake(Code.CLOCK_NEVER_MET, message, hint)
        return None

    # ---- its pauses and triggers

    def _pauses(self) -> Iterator[ClockMistake]:
        for occasion in self.clock.pause:
            moment = moment_of(occasion)
            if self._starts(moment) or self._lives(moment):
                continue
            if self.is_standing and self.moments.some(moment):
                message = "is never paused by `pause`: its `start` excludes that condition"
                hint = "a clock whose start is a condition ends when the condition does; start it by an event instead"
            else:
                message = "is never paused by one of its `pause`: it does not run when that comes"
                hint = "let the event and the conditions under `when` agree"
            yield ClockMistake(Code.PAUSE_NEVER_HOLDS, message, hint)
        pause, resume = any_of(self.clock.pause), any_of(self.clock.resume)
        paused = self.clock.resume and (self._starts(pause) or self._lives(pause))
        if paused and not (self._starts(resume) or self._lives(resume)):
            message = "is paused for ever: its `resume` never comes while it runs"
            yield ClockMistake(Code.NEVER_RESUMES, message, "let the event and the conditions under `when` agree")

    def _silent_triggers(self) -> Iterator[ClockMistake]:
        """Single occasions that never come, beside others that do."""
        for key in ("start", "stop", "resume", "cancel", "reset"):
            for occasion in getattr(self.clock, key):
                always = NOT_ANSWERED_BY_MACHINE if key == "stop" else ALWAYS
                alone = key == "stop" and not self.moments.some(self._stop)
                if not alone and not self.moments.some(moment_of(occasion), always):
                    message = f"has a `{key}` that never comes: its event, actor and conditions exclude each other"
                    hint = "let the event and the conditions under `when` agree"
                    yield ClockMistake(Code.TRIGGER_NEVER_FIRES, message, hint)
