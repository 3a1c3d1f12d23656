"""The connectors of a worker. One that cannot be built is disabled alone, and says why; everything else serves.

A connector is built again when a file that its settings name has changed, so that a secret is rotated without a
restart, and a connector that lacked the file begins to work.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import orjson

from answerby.domain.errors import AnswerbyError
from answerby.server.base.config import ConnectorConfig, Enabled
from answerby.server.base.loops import repeat
from answerby.server.base.services import Services
from answerby.server.flow.delivering.budget import CallBudget
from answerby.server.flow.delivering.delivery_options import DeliveryOptions
from answerby.server.flow.delivering.tenant_connector import TenantConnector
from answerby.store.connector_life import RestPolicy
from answerby_connectors.kit.base import Connector
from answerby_connectors.kit.secret_places import secret_files

LOOK_SECONDS = 1.0
"""Interval of looks at the files that settings name."""
RETIRED_SECONDS = 180.0
"""How long a replaced connector stays open for the deliveries that began with it."""
Build = Callable[[str, str, Mapping[str, object]], Connector]
_Stamp = tuple[int, int, int] | None


class Member:
    """A connector of the configuration: built, or not and then `problem` says why."""

    def __init__(self, entry: ConnectorConfig) -> None:
        self.entry = entry
        self.connector: Connector | None = None
        self.problem = ""
        self.budget = CallBudget()
        """The waits of the platform, which outlast a rebuilt connector."""
        self.mark = ""
        """Stands for the settings with the contents of their files: another mark, another token perhaps."""
        self.stamps: dict[Path, _Stamp] = {}

    @property
    def is_off(self) -> bool:
        return self.entry.enabled is Enabled.OFF


class Roster(Mapping[str, TenantConnector]):
    """The connectors by name, as far as they could be built. Callers ask each time, since a connector may change."""

    def __init__(self, services: Services, entries: Sequence[ConnectorConfig], build: Build) -> None:
        self._services = services
        self._logger = services.logger
        self._build = build
        self._retired: list[tuple[float, Connector]] = []
        self.members = {entry.name: Member(entry) for entry in entries}
        for member in self.members.values():
            if member.is_off:
                self._logger.warning("connector off", connector=member.entry.name, warning=loss_of(member.entry))
            else:
                self._make(member)

    def __getitem__(self, name: str) -> TenantConnector:
        member = self.members[name]
        if member.connector is None:
            raise KeyError(name)
        probe = timedelta(seconds=member.entry.delivery.held_probe_seconds)
        return TenantConnector(member.entry.tenant, member.connector, member.budget, member.mark, probe)

    def __iter__(self) -> Iterator[str]:
        return (name for name, member in self.members.items() if member.connector is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def waits(self, name: str) -> bool:
        """Whether the connector is configured and cannot work now. What it is needed for has to wait."""
        member = self.members.get(name)
        return member is not None and member.connector is None and not member.is_off

    def options(self) -> dict[str, DeliveryOptions]:
        """The limits of each connector that delivers. One that is paused does not."""
        return {
            name: options_of(member.entry)
            for name, member in self.members.items()
            if member.entry.enabled is Enabled.ON
        }

    async def run(self, stopping: asyncio.Event) -> None:
        """Builds connectors again whose files have changed, until `stopping` is set."""
        await repeat("connector settings", self._look, stopping, self._services)

    async def close(self) -> None:
        """Closes every connector."""
        built = [member.connector for member in self.members.values() if member.connector is not None]
        for connector in (*built, *(old for _, old in self._retired)):
            await connector.close()

    async def _look(self) -> float:
        for member in self.members.values():
            if not member.is_off and member.stamps != _stamps(member.entry):
                self._make(member)
        due = [connector for until, connector in self._retired if until <= time.monotonic()]
        self._retired = [(until, connector) for until, connector in self._retired if until > time.monotonic()]
        for connector in due:
            await connector.close()
        return LOOK_SECONDS

    def _make(self, member: Member) -> None:
        """Builds the connector of a member. Without success the one before it goes on, if there was one."""
        entry = member.entry
        again = bool(member.stamps)
        member.stamps = _stamps(entry)
        if entry.problem:
            member.problem = problem_of(entry.name, entry.problem)
            self._logger.error("connector disabled", connector=entry.name, tenant=entry.tenant, reason=member.problem)
            return
        try:
            connector = self._build(entry.name, entry.type, entry.settings)
        except AnswerbyError as error:
            member.problem = problem_of(entry.name, error.message)
            self._logger.error("connector disabled", connector=entry.name, tenant=entry.tenant, reason=member.problem)  # noqa: TRY400 - no bug
            return
        except Exception as error:
            # Foreign code may fail in any way, and must not stop the other connectors.
            member.problem = problem_of(entry.name, f"it failed while it was built ({type(error).__name__})")
            self._logger.exception("connector disabled", connector=entry.name, tenant=entry.tenant, exc_info=error)
            return
        if member.connector is not None:
            self._retired.append((time.monotonic() + RETIRED_SECONDS, member.connector))
        if again:
            self._logger.info("connector built again", connector=entry.name, tenant=entry.tenant)
        member.connector, member.problem = connector, ""
        member.mark = _mark(entry)


def options_of(entry: ConnectorConfig) -> DeliveryOptions:
    """The limits of the deliveries of a connector, by its configuration."""
    given = entry.delivery
    return DeliveryOptions(
        concurrency=given.concurrency,
        rate=min(filter(None, (given.per_second, given.per_minute / 60)), default=0.0),
        rests=RestPolicy(probe=given.held_probe_seconds),
        lease=timedelta(seconds=given.lease_seconds),
        attempt=given.attempt_seconds,
        max_attempts=given.attempts,
        give_up_after=timedelta(seconds=given.longest_age_seconds),
    )


def problem_of(name: str, message: str) -> str:
    """Why a connector cannot be built, with its name."""
    return message if repr(name) in message else f"connector {name!r}: {message}"


def loss_of(entry: ConnectorConfig) -> str:
    """What is lost while a connector is off."""
    kinds = [*(["update_request"] if entry.sources else []), *entry.effects]
    sources = f" for requests from {', '.join(entry.sources)}" if entry.sources else ""
    return (
        f"effects are neither delivered nor queued while it is off ({', '.join(kinds) or 'it takes none'}{sources}); "
        "what waited before stays; to queue effects, set enabled to paused"
    )


def _stamps(entry: ConnectorConfig) -> dict[Path, _Stamp]:
    """What shows a change of the files: None for one that cannot be looked at."""
    return {path: _stamp(path) for path in secret_files(entry.settings)}


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _mark(entry: ConnectorConfig) -> str:
    """Eight digits, too few to find out a secret by them."""
    digest = hashlib.sha256(orjson.dumps(entry.settings, option=orjson.OPT_SORT_KEYS, default=str))
    for path in secret_files(entry.settings):
        with contextlib.suppress(OSError):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
