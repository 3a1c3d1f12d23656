"""The backtest of groups of requests: the work of one process, and the merged result of all."""

# Stays interpreted: it runs once per backtest or group, not once per decision.
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.workbench.backtest.compare import Kind, compare
from answerby.workbench.backtest.examples import Candidate, weight_of
from answerby.workbench.backtest.fields import Point, compared_fields
from answerby.workbench.backtest.paired_replay import PairedReplay, comparable
from answerby.workbench.backtest.recorded_request import RecordedRequest
from answerby.workbench.backtest.request_run import RequestRun, recorded_run
from answerby.workbench.backtest.single_replay import TIMER_LIMIT, SingleReplay
from answerby.workbench.backtest.tally import NEW, OLD, Counting, Tally

Runs = Mapping[str, RequestRun]
Players = Callable[[Sequence[RecordedRequest], datetime | None], tuple[Runs, Runs]]
"""Replays a group up to a horizon under the new and the old rules."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of replay and comparison. `horizon` None: timers fire until none is left."""

    horizon: datetime | None
    point: Point = Point.LAST
    examples: int = 3
    """The number of examples of each kind."""
    timer_limit: int = TIMER_LIMIT
    show_text: bool = False


class Backtest:
    """New rules against old ones. `old` None: against the recorded decisions, as far as there are any."""

    def __init__(self, new: CompiledRulebook, old: CompiledRulebook | None, settings: Settings) -> None:
        self._old = old
        self._settings = settings
        self._play = players(new, old, settings)
        self._fields = compared_fields(new.rulebook, old.rulebook if old is not None else None)
        self._texts = {"vocabulary": new.rulebook.vocabulary} if settings.show_text else {}

    def run(self, groups: Iterable[Sequence[RecordedRequest]]) -> Tally:
        """Requests of different groups do not affect each other."""
        tally = Tally.empty(self._settings.examples)
        counting = Counting(tally, self._fields, self._settings.point)
        candidates: dict[Kind, list[Candidate]] = {}
        for group in groups:
            after, before = self._play(group, self._settings.horizon)
            for request in group:
                if not request.compared:
                    tally.counts["lead",] += 1
                    continue
                old = before[request.request_id] if self._old is not None else self._recorded(request)
                self._count(request, old, after[request.request_id], counting, candidates)
        counting.close()
        tally.counts["requests",] = counting.requests
        tally.examples.add(candidates, self._texts)
        return tally

    def _recorded(self, request: RecordedRequest) -> RequestRun | None:
        """The recorded run of the request. None if nothing was recorded."""
        if request.decisions:
            return recorded_run(request.decisions, self._settings.horizon)
        return RequestRun(request.known_facts) if request.known_facts else None

    def _count(
        self,
        request: RecordedRequest,
        old: RequestRun | None,
        new: RequestRun,
        counting: Counting,
        candidates: dict[Kind, list[Candidate]],
    ) -> None:
        counting.requests += 1
        if old is not None and new.unchanged_from is old and old.decided:
            counting.comparable(old, new)
            return
        counting.side(NEW, new)
        if old is None:
            return
        counting.side(OLD, old)
        difference = compare(self._fields, self._settings.point, old, new)
        counting.both(old, new, difference)
        kind = difference.kind
        if kind is None:
            return
        group = candidates.setdefault(kind, [])
        group.append(Candidate(weight_of(request.request_id, difference), request, difference, old, new))
        if len(group) >= 8 * max(1, self._settings.examples):
            group.sort(key=lambda candidate: candidate.weight)
            del group[self._settings.examples :]


def players(new: CompiledRulebook, old: CompiledRulebook | None, settings: Settings) -> Players:
    """Without old rules there are no runs under them."""
    limit = settings.timer_limit
    if old is not None and comparable(new, old):
        return PairedReplay(new, old, limit).run
    after, before = SingleReplay(new, limit), SingleReplay(old, limit) if old is not None else None

    def play(group: Sequence[RecordedRequest], horizon: datetime | None) -> tuple[Runs, Runs]:
        return after.run(group, horizon), before.run(group, horizon) if before is not None else {}

    return play
