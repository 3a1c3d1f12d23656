"""The contract of connectors: the manifest, the outcome of a delivery, the two protocols, and their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict, ValidationError

from answerby.domain.effect import Effect, EffectKind
from answerby.domain.errors import AnswerbyError
from answerby.domain.event import Event
from answerby_connectors.kit.secret_places import with_secrets


class Guarantee(StrEnum):
    """The number of times that an effect may appear at the platform when answers are lost and workers die."""

    EXACTLY_ONCE = "exactly_once"
    """The platform knows our effect id, or the connector reads before another write."""
    AT_LEAST_ONCE = "at_least_once"
    """The receiver has to drop repeats, by the effect id."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The properties and promises of a connector. `inbound` connectors also turn webhooks into events."""

    name: str
    effects: frozenset[EffectKind]
    guarantee: Guarantee
    inbound: bool
    description: str
    cannot: tuple[str, ...] = ()
    """What the platform cannot do, a sentence each."""


class OutcomeKind(StrEnum):
    DONE = "done"
    FAILED = "failed"
    """The effect was definitely not carried out, and another attempt would not help."""
    RETRY = "retry"
    """The effect was definitely not carried out, or only in part. Another attempt may help."""
    UNKNOWN = "unknown"
    """The effect may have been carried out. The next attempt reads before writing."""
    HELD = "held"
    """The platform refuses the whole connector, such as its token (401, 403) or its address (410). Nothing was written.

    The effect waits, and so do all others of the connector, until an operator lets it go on.
    """


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt. `retry_after` is the wait that the platform asked for, in seconds.

    `detail` is for operators. `detail` names statuses and ids, never a person or a person's text.
    """

    kind: OutcomeKind
    detail: str = ""
    retry_after: float | None = None
    settle: float = 0.0
    """The least wait before another attempt at this effect alone, in seconds: the write may still be under way.

    With an unknown outcome it also says that the platform answered what was read before the write.
    """
    refused: tuple[str, ...] = ()
    """What the platform refused of an effect that was carried out otherwise, such as `due: 422 not on the screen`."""


DONE = Outcome(OutcomeKind.DONE)
LEASE_OVER = Outcome(OutcomeKind.RETRY, "the lease ran out before the write")
"""The outcome of an attempt that wrote nothing, or only a part, because another worker may deliver the effect now."""


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt at one effect. `attempt` counts from 1. `source` is the origin of the request, when known."""

    effect_id: str
    tenant: str
    request_id: str
    number: str = ""
    source: str = ""
    sequence: int = 0
    """The number of the decision among those of its request. A newer decision has a higher one."""
    effect: Effect
    attempt: int = 1
    previous_unknown: bool = False
    """An earlier attempt may have carried out the effect. The connector must look before writing."""
    created: datetime | None = None
    leased: Callable[[], bool] = field(default=_always, compare=False)
    """Whether no other worker may deliver the effect. A process that was frozen may have lost that right meanwhile.

    The connector asks right before each write, from any thread, and answers LEASE_OVER when the right is gone.
    """


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


class PlatformRefuses(PlatformUnavailable):
    """The platform refuses the whole connector, such as its token (401, 403) or its address (410).

    Polls stop until an operator lets the connector go on, or its settings change. One in a while shows whether the
    platform has thought better of it.
    """

    reason = "PLATFORM_REFUSES"


class Connector(Protocol):
    """A receiver of effects."""

    @property
    def manifest(self) -> Manifest: ...

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Carries out the effect. A foreseen failure is an outcome, not an exception."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class InboundConnector(Connector, Protocol):
    """A connector that also brings events, in two steps.

    `receive` is quick and makes no call, so that a webhook is answered at once. Platforms often send a webhook while a
    person waits, and some platforms cannot answer our question before our answer. `complete` follows later, before the
    decision on the event.
    """

    def receive(self, headers: Mapping[str, str], body: bytes) -> list[Event]:
        """The events of one webhook. The list is empty for the echo of our own write.

        Raises InvalidSignature before anything is parsed, and InvalidInput when the body has another form than the
        platform's.
        """
        ...

    async def complete(self, event: Event) -> Event | None:
        """The event with the data that the webhook lacks, or None for the echo of our own write.

        Raises PlatformUnavailable when the platform cannot answer now. The event must then be kept and tried again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a poll. `cursor` is where the next page begins, in words of the connector alone.

    `more`: the next page is there already. Without, the connector is asked again after its interval.
    """

    events: tuple[Event, ...]
    cursor: str
    more: bool = False
    problems: tuple[str, ...] = ()
    """What of the page could not be read, for operators, with ids of tickets. It comes again with its next change."""


@runtime_checkable
class PollingConnector(Connector, Protocol):
    """A connector that asks its platform for changes.

    One worker at a time asks. The server stores the events of a page before it stores the cursor. After a crash a page
    comes again, so an event has the same id and content in every page, and in a webhook of the same change.
    """

    @property
    def poll_seconds(self) -> float:
        """Interval between the end of what there is and the next question, in seconds."""
        ...

    async def poll(self, cursor: str, since: datetime) -> Page:
        """The changes after the cursor; with an empty cursor, those from `since` on.

        Raises PlatformUnavailable when the platform cannot answer now. The cursor then stays.
        """
        ...


@runtime_checkable
class AccountHolder(Protocol):
    """A connector that knows which account it writes with."""

    @property
    def account(self) -> str:
        """Id of the account, as `actor_id` of its events names it. Empty while the platform has not told it.

        Values that this account set are our own writes. The server takes none of them as set by hand.
        """
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check, for an operator. It names projects, fields and ids, never a secret or a person's text."""

    text: str
    good: bool = True
    """False: something to mend, such as a mapping that leads nowhere."""


@runtime_checkable
class CheckableConnector(Protocol):
    """A connector that can be asked whether its platform will take what it is set to send."""

    async def check(self) -> list[Finding]:
        """Logs in and reads only: who we are, the projects, fields, priorities and groups, each mapping.

        A foreseen failure, such as a refused token, is a finding. Raises PlatformUnavailable when nobody answers.
        """
        ...


class Settings(BaseModel):
    """The typed settings of a connector. An unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SettingsT = TypeVar("SettingsT", bound=Settings)


def parse_settings(model: type[SettingsT], name: str, values: Mapping[str, object]) -> SettingsT:
    """Typed settings of the connector `name`. Raises InvalidSettings. The message names every wrong key.

    The value of a text may be elsewhere: `token_file` names a file that holds it, `token_env` a variable.
    """
    try:
        whole = with_secrets(values, frozenset(model.model_fields))
    except ValueError as error:
        raise InvalidSettings(f"the settings of connector {name!r} are not valid:\n  {error}") from error
    try:
        return model.model_validate(whole)
    except ValidationError as error:
        lines = [f"the settings of connector {name!r} are not valid:"]
        for item in error.errors(include_url=False, include_input=False):
            key = ".".join(str(part) for part in item["loc"])
            message = "unknown key" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
            lines.append(f"  {key}: {message}" if key else f"  {message}")
        raise InvalidSettings("\n".join(lines)) from error
