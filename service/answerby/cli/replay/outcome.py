"""A decision in the form of replay, made here or on a server."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from answerby.domain.clock import ClockPhase
from answerby.domain.decision import Decision
from answerby.domain.event import Value

if TYPE_CHECKING:
    from answerby.api.v1 import resources_pb2 as pb


class Clock(NamedTuple):
    """One clock. `breached`: it was met late, or its due time had passed at the time of the event."""

    name: str
    phase: str
    started: datetime
    due: datetime | None
    stopped: datetime | None
    breached: bool


class Outcome(NamedTuple):
    """One decision. `stages` holds each stage's outcome, `rules` its winners. A brief reply has neither."""

    sequence: int
    status: str
    facts: dict[str, Value]
    clocks: list[Clock]
    flags: list[tuple[str, str]]
    stages: dict[str, str]
    rules: dict[str, list[str]]
    revision: str
    duplicate: bool = False


class Refused(NamedTuple):
    """An undecided event, and the reason."""

    reason: str


def from_decision(decision: Decision) -> Outcome:
    return Outcome(
        sequence=decision.sequence,
        status=decision.status.value,
        facts=decision.facts,
        clocks=[
            Clock(c.name, c.phase.value, c.started, c.due, c.stopped, breached(c.phase, c.breached, c.due, decision))
            for c in decision.clocks
        ],
        flags=[(flag.code, flag.message) for flag in decision.flags],
        stages={stage.stage: stage.outcome.value for stage in decision.explanation},
        rules={stage.stage: [rule.id for rule in stage.won] for stage in decision.explanation if stage.won},
        revision=decision.revision,
    )


def breached(phase: ClockPhase, settled: bool, due: datetime | None, decision: Decision) -> bool:
    if phase == ClockPhase.RUNNING:
        return due is not None and due < decision.event_time
    return settled


def from_message(message: pb.Decision, *, duplicate: bool) -> Outcome:
    from answerby.server.rpc.values import instant_of, values_from  # noqa: PLC0415  # not needed to decide here

    event_time = instant_of(message.event_time)
    return Outcome(
        sequence=message.sequence,
        status=message.status,
        facts=values_from(message.facts),
        clocks=[clock_from(clock, event_time) for clock in message.clocks],
        flags=[(flag.code, flag.message) for flag in message.flags],
        stages={stage.stage: outcome_name(stage.outcome) for stage in message.explanation},
        rules={stage.stage: [rule.id for rule in stage.won] for stage in message.explanation if stage.won},
        revision=message.revision,
        duplicate=duplicate,
    )


def clock_from(message: pb.Clock, event_time: datetime | None) -> Clock:
    from answerby.api.v1 import resources_pb2 as pb  # noqa: PLC0415
    from answerby.server.rpc.values import instant_of  # noqa: PLC0415

    started = instant_of(message.start_time)
    assert started is not None
    due = instant_of(message.due_time) if message.HasField("due_time") else None
    running = message.phase == pb.CLOCK_PHASE_RUNNING
    late = due is not None and event_time is not None and due < event_time
    return Clock(
        name=message.name,
        phase=pb.ClockPhase.Name(message.phase).removeprefix("CLOCK_PHASE_").lower(),
        started=started,
        due=due,
        stopped=instant_of(message.stop_time) if message.HasField("stop_time") else None,
        # The server's flag on a running clock is as of now. A replay needs it as of the event.
        breached=late if running else message.breached,
    )


def outcome_name(value: pb.StageOutcome.ValueType) -> str:
    from answerby.api.v1 import resources_pb2 as pb  # noqa: PLC0415

    return pb.StageOutcome.Name(value).removeprefix("STAGE_OUTCOME_").lower()
