"""Records of the life of connectors: what the platform answered, what the operator said, and each end of an attempt."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from answerby.domain.effect import EffectKind
from answerby.store.records import Lease


class Answer(StrEnum):
    """What an attempt tells of the platform as a whole."""

    NONE = "none"
    """Nothing, such as when the worker was stopped."""
    GOOD = "good"
    """It answered, perhaps with a refusal of the effect."""
    BAD = "bad"
    """It gave no answer, or is unable to work."""
    WAIT = "wait"
    """It asked for a wait, which all workers keep."""
    HELD = "held"
    """It refuses the whole connector."""


class RestPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How long a platform is left alone. Times are seconds."""

    threshold: int = 4
    """Bad answers in a row after which it rests."""
    first: float = 1.0
    """The first rest. Each next rest in a row is twice as long."""
    most: float = 4.0
    """The longest rest. After each rest one attempt goes, so this is how late the end of an outage is seen."""
    full: int = 64
    """Attempts at a time after which a platform that had asked for a wait counts as one that never did."""
    probe: float = 300.0
    """Interval of single attempts while the platform refuses the connector."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt told of its platform. `mark` stands for the settings that the attempt used."""

    answer: Answer = Answer.NONE
    wait: float = 0.0
    """The wait that the platform asked for, in seconds."""
    mark: str = ""
    rests: RestPolicy = RestPolicy()


class Became(StrEnum):
    """What became of a connector by the end of an attempt."""

    LOST = "lost"
    """Nothing: another worker has the lease, and the store is unchanged."""
    SAME = "same"
    HELD = "held"
    RESTS = "rests"
    BACK = "back"
    """The platform answers again."""


class Standing(StrEnum):
    """Whether entries of a connector may be leased now."""

    READY = "ready"
    PAUSED = "paused"
    HELD = "held"
    RESTING = "resting"


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a worker that wants to deliver. `wait`: nothing before, such as until the end of a rest."""

    standing: Standing
    leases: list[Lease]
    wait: timedelta = timedelta()


class PauseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The pause of a connector by an operator."""

    by: str
    reason: str
    since: datetime


class ConnectorLife(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a connector that all workers share."""

    pause: PauseRecord | None = None
    hold: str = ""
    """Why the platform refuses the connector; empty while it does not."""
    hold_since: datetime | None = None
    hold_mark: str = ""
    """The mark of the settings that the platform refused."""
    poll_hold: str = ""
    """Why the platform refuses the polls; empty while it does not. It may take deliveries meanwhile."""
    poll_hold_since: datetime | None = None
    poll_hold_mark: str = ""
    rests_until: datetime | None = None
    failures: int = 0
    """Bad answers in a row."""
    away: bool = False
    """The platform gave bad answers in a row, and no good one since."""
    last_good: datetime | None = None
    last_problem: str = ""
    """The last bad answer; empty after a good one."""


class DeliveryRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The end of one attempt at an effect of a request."""

    connector: str
    effect_id: str
    kind: EffectKind
    key: str
    sequence: int
    """The number of the decision."""
    outcome: str
    """done, failed, retry, unknown, held, dead or lost."""
    detail: str = ""
    refused: tuple[str, ...] = ()
    """What the platform refused of an effect that was carried out otherwise."""


class DeliveryLine(msgspec.Struct, frozen=True, kw_only=True):
    """The same end, `count` times in a row."""

    record: DeliveryRecord
    first: datetime
    last: datetime
    count: int
