"""What a connector is: the manifest, the outcome of a delivery, the two protocols, and their errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict, ValidationError

from answerby.domain.effect import Effect, EffectKind
from answerby.domain.errors import AnswerbyError
from answerby.domain.event import Event


class Guarantee(StrEnum):
    """How often an effect may be seen at the platform when answers get lost and workers die."""

    EXACTLY_ONCE = "exactly_once"
    """The platform knows our effect id, or we read before we write again."""
    AT_LEAST_ONCE = "at_least_once"
    """The receiver has to drop what it has seen, by the effect id."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a connector is and promises. `inbound` connectors also turn webhooks into events."""

    name: str
    effects: frozenset[EffectKind]
    guarantee: Guarantee
    inbound: bool
    description: str


class OutcomeKind(StrEnum):
    DONE = "done"
    FAILED = "failed"
    """Definitely not done, and trying again would not help."""
    RETRY = "retry"
    """Definitely not done, or not all of it; trying again may help."""
    UNKNOWN = "unknown"
    """It may have been done: the next attempt reads before it writes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended. `retry_after` is what the platform asked for, in seconds.

    `detail` is for operators: it names statuses and ids, never a person or a text of theirs.
    """

    kind: OutcomeKind
    detail: str = ""
    retry_after: float | None = None


DONE = Outcome(OutcomeKind.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt at one effect. `attempt` counts from 1; `source` is where the request came from, when known."""

    effect_id: str
    tenant: str
    request_id: str
    number: str = ""
    source: str = ""
    effect: Effect
    attempt: int = 1
    previous_unknown: bool = False
    """An earlier attempt may have done it: look before writing."""
    created: datetime | None = None


class InvalidSignature(AnswerbyError):
    """The webhook's signature is missing or wrong; check that both sides have the same secret."""

    reason = "INVALID_SIGNATURE"


class InvalidSettings(AnswerbyError):
    """The connector's settings are not valid."""

    reason = "INVALID_SETTINGS"


class PlatformUnavailable(AnswerbyError):
    """The platform did not give what was asked; try again after `retry_after` seconds."""

    reason = "PLATFORM_UNAVAILABLE"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Connector(Protocol):
    """Something that effects are delivered to."""

    @property
    def manifest(self) -> Manifest: ...

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Does the effect. Raises nothing that it foresees: a failure is an outcome."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class InboundConnector(Connector, Protocol):
    """A connector that also brings events, in two steps.

    `receive` is quick and asks nobody, so that a webhook is answered at once: platforms often send it while a person
    waits, and some could not answer a question of ours before we have answered theirs. `complete` comes later, before
    the event is decided.
    """

    def receive(self, headers: Mapping[str, str], body: bytes) -> list[Event]:
        """The events of one webhook; none when it is our own write coming back.

        Raises InvalidSignature before anything is parsed, InvalidInput when the body is not what the platform sends.
        """
        ...

    async def complete(self, event: Event) -> Event | None:
        """The event with what the webhook left out, or None when it turns out to be our own write.

        Raises PlatformUnavailable when the platform cannot be asked now; the event must then be kept and tried again.
        """
        ...


class Settings(BaseModel):
    """The typed settings of a connector; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SettingsT = TypeVar("SettingsT", bound=Settings)


def parse_settings(model: type[SettingsT], name: str, values: Mapping[str, object]) -> SettingsT:
    """Typed settings of the connector `name`. Raises InvalidSettings that names every wrong key."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        lines = [f"the settings of connector {name!r} are not valid:"]
        for item in error.errors(include_url=False, include_input=False):
            key = ".".join(str(part) for part in item["loc"])
            message = "unknown key" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
            lines.append(f"  {key}: {message}" if key else f"  {message}")
        raise InvalidSettings("\n".join(lines)) from error
