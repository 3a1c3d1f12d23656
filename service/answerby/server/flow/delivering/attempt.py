"""One attempt at one effect: the connector writes while the lease is renewed, for a limited time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from answerby.domain.effect import Effect
from answerby.domain.errors import StoreUnavailable
from answerby.server.base.elapsed import elapsed
from answerby.server.base.services import Services
from answerby.server.flow.delivering.delivery_options import DeliveryOptions
from answerby.server.flow.delivering.tenure import Tenure
from answerby.store.records import Lease
from answerby_connectors.kit.base import LEASE_OVER, Connector, Delivery, Outcome, OutcomeKind

NUMBER = "{number}"
"""Placeholder in texts for the request number, which only the commit of the decision sets."""


class Attempt:
    """The attempt at the effect of a lease."""

    def __init__(
        self, services: Services, connector: Connector, lease: Lease, tenure: Tenure, options: DeliveryOptions
    ) -> None:
        self._store = services.store
        self._logger = services.logger
        self._connector = connector
        self._lease = lease
        self._tenure = tenure
        self._options = options

    async def outcome(self) -> Outcome | None:
        """The outcome, with renewals of the lease; None for a lease that was lost meanwhile."""
        work = asyncio.create_task(self._write())
        deadline = time.monotonic() + self._options.attempt
        renewal = self._options.lease.total_seconds() / 3
        try:
            while True:
                remaining = deadline - time.monotonic()
                await asyncio.wait({work}, timeout=max(0.0, min(renewal, remaining)))
                if work.done():
                    return self._result(work)
                if remaining <= renewal:
                    return Outcome(OutcomeKind.UNKNOWN, f"no outcome within {self._options.attempt:g} s")
                if not await self._renew():
                    return None
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work}, timeout=5.0)

    async def _write(self) -> Outcome:
        """Asks for the lease again after a freeze, right before the connector writes."""
        if not self._tenure.is_fresh() and not await self._renew():
            return LEASE_OVER
        if not self._tenure.holds():
            return LEASE_OVER
        return await self._connector.deliver(delivery_of(self._lease, self._tenure.holds))

    def _result(self, work: asyncio.Task[Outcome]) -> Outcome:
        error = work.exception()
        if error is None:
            return work.result()
        if not isinstance(error, Exception):
            raise error
        # A fault of the server or the connector must not stop the other deliveries, and the log must show the fault.
        self._logger.error("connector failed", **where(self._lease), exc_info=error)
        return Outcome(OutcomeKind.UNKNOWN, type(error).__name__)

    async def _renew(self) -> bool:
        """Renews the lease. Without an answer of the store the lease holds as long as it surely did before."""
        asked = elapsed()
        try:
            held = await self._store.outbox.renew(self._lease, self._options.lease)
        except StoreUnavailable as error:
            self._logger.warning("lease not renewed", **where(self._lease), reason=error.reason)
            return self._tenure.holds()
        if held:
            self._tenure.renewed(asked)
        return held


def where(lease: Lease) -> dict[str, str]:
    """The fields of the log that name an effect."""
    entry = lease.entry
    return {
        "connector": entry.connector,
        "tenant": entry.tenant,
        "request_id": entry.request_id,
        "effect_id": entry.effect_id,
    }


def delivery_of(lease: Lease, leased: Callable[[], bool]) -> Delivery:
    """`leased`: whether no other worker may deliver the effect now."""
    entry = lease.entry
    return Delivery(
        effect_id=entry.effect_id,
        tenant=entry.tenant,
        request_id=entry.request_id,
        number=entry.number,
        source=entry.source,
        sequence=entry.decision_sequence,
        effect=with_number(entry.effect, entry.number),
        attempt=entry.attempts + 1,
        previous_unknown=lease.previous_unknown,
        created=entry.created,
        leased=leased,
    )


def with_number(effect: Effect, number: str) -> Effect:
    """The effect with the request number in its texts."""
    texts = {name: value for name, value in effect.payload.items() if isinstance(value, str) and NUMBER in value}
    if not number or not texts:
        return effect
    replacements = {name: value.replace(NUMBER, number) for name, value in texts.items()}
    return msgspec.structs.replace(effect, payload={**effect.payload, **replacements})
