"""A turn: what one event made of a request, before its effects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from service.domain.decision import Flag
from service.domain.event import Event
from service.domain.request import RequestState
from service.engine.compiled import CompiledRulebook
from service.engine.draft import Context, Draft
from service.engine.ladder_steps import Firing
from service.engine.timekeeping import TimerPlan


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
