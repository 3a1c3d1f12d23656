"""A turn: what one event made of a request, before its effects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from answerby.domain.decision import Flag
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.clocks.ladder_steps import Firing
from answerby.engine.clocks.timers import TimerPlan
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.stages.stage_results import Context, Draft


class Turn(NamedTuple):
    """What one event made of a request, before its effects."""

    after: RequestState
    draft: Draft
    firing: Firing | None
    timers: TimerPlan
    flags: list[Flag]
    clock_flags: list[Flag]
    follow_ups: list[Event]


Take = Callable[[CompiledRulebook, RequestState | None, Event, Context, datetime], Turn]
