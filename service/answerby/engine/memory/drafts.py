"""Drafts of requests remembered: a timer that changes no fact need not run the rules again.

For callers that decide one request many times in a row, such as a backtest. The decisions are the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter

from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.memory.looks import Looks
from answerby.engine.stages.stage_results import Begun, Draft
from answerby.sla.ladders import StepTimers

Key = tuple[object, ...]
HEEDED = 5
"""The last parts of a key: what has become of the request, which the first stages seldom heed."""

OVERLOOKED = frozenset(
    {
        *("tenant", "request_id", "source", "version", "number", "last_event", "decisions", "counts"),
        *("status", "reopen_count", "acknowledged", "acknowledged_by"),
        "derived",
        *("clocks", "timers", "ladders", "alerts", "merged", "absorbed"),
        *("priority_floor", "reassigned"),
    }
)
"""What of a request no stage looks at, or by the key's other parts only. A field that is not named here counts."""
_looked_at = attrgetter(*(name for name in RequestState.__struct_fields__ if name not in OVERLOOKED))


class DraftMemory:
    """The latest draft and timers of each request under one rulebook. Grows with requests."""

    def __init__(self, *rulebooks: CompiledRulebook) -> None:
        """For decisions under the first. Under all of them a draft that is known here is the one that was before."""
        self._looks = Looks(*map(any, zip(*(c.looks for c in rulebooks), strict=True)))
        self._first_heed = any(compiled.first_heed for compiled in rulebooks)
        self._settled = rulebooks[0].settles_at_once
        self._drafts: dict[str, tuple[Key, Draft]] = {}
        self._steps: dict[str, StepTimers] = {}
        self._reminded: dict[str, tuple[RequestState, Draft]] = {}
        self.hit = False
        """Whether the latest draft asked for was known."""

    def forget(self) -> None:
        """No request was decided yet."""
        self._drafts.clear()
        self._steps.clear()
        self._reminded.clear()
        self.hit = False

    def key(self, request: RequestState, event: Event, counts: Mapping[str, int]) -> Key:
        """All that the stages of a decision look at. Keep it in step with `run_stages`."""
        looks = self._looks
        status = request.status if looks.status else None
        reopens = request.reopen_count if looks.reopens else None
        acknowledged = request.acknowledged is not None if looks.acknowledged else None
        return (
            request.derived,
            *_looked_at(request),
            counts,
            event.time if looks.time else None,
            event.type if looks.type else None,
            event.actor if looks.actor else None,
            request.decisions if looks.events else None,
            (status, reopens, acknowledged) if self._first_heed else None,
            request.priority_floor,
            request.reassigned,
            status,
            reopens,
            acknowledged,
        )

    def find(self, request_id: str, key: Key) -> Draft | None:
        known = self._drafts.get(request_id)
        self.hit = known is not None and known[0] == key
        return known[1] if known is not None and self.hit else None

    def begun(self, request_id: str, key: Key) -> Begun | None:
        """The latest draft as far as it is the same for this key."""
        known = self._drafts.get(request_id)
        return known[1].begun if known is not None and known[0][:-HEEDED] == key[:-HEEDED] else None

    def known(self, state: RequestState, event: Event) -> Draft | None:
        """The draft for an event that changes no fact of the request, where it is known."""
        return self.find(state.request_id, self.key(state, event, state.counts))

    def remind(self, after: RequestState, draft: Draft) -> None:
        """A reminder has left the request so, with this draft."""
        # Of rules that look at the moment or at how many decisions came before, the next timer asks anew.
        if not (self._looks.time or self._looks.events):
            self._reminded[after.request_id] = after, draft

    def reminded_of(self, state: RequestState) -> Draft | None:
        """The draft of any timer of the request, if a reminder has left it so."""
        latest = self._reminded.get(state.request_id)
        return latest[1] if latest is not None and latest[0] is state else None

    def steps(self, request_id: str) -> StepTimers:
        """What was planned for the request's clocks."""
        return self._steps.setdefault(request_id, {})

    def latest(self, request_id: str) -> Draft | None:
        known = self._drafts.get(request_id)
        return known[1] if known is not None else None

    def keep(self, request_id: str, key: Key, draft: Draft) -> None:
        record = draft.record
        if self._settled and not (record.failures or record.errors):
            # Asked again with what it has come to, it comes to the same.
            key = (draft.derived, *key[1:])
        self._drafts[request_id] = key, draft
