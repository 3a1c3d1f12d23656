"""The store tests run on the shipped Valkey, and on redis-server too where the machine has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from answerby.domain.clock import Timer
from answerby.domain.decision import Decision
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.store.embedded import EmbeddedValkey
from answerby.store.records import Commit, OutboxEntry

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test here that touches a store."""
    if "binary" in metafunc.fixturenames:
        metafunc.parametrize("binary", ["valkey", "redis"], indirect=True, scope="session")


@pytest.fixture
def own_server(data_folder: Path, binary: Path | None) -> Iterator[EmbeddedValkey]:
    """A server that the test may kill."""
    running = EmbeddedValkey(data_folder, binary=binary)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def raw(redis_url: str) -> Iterator[Redis]:
    """The store's server, spoken to without the store."""
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def own_raw(own_server: EmbeddedValkey) -> Iterator[Redis]:
    """The same for `own_server`."""
    with Redis.from_url(own_server.url) as client:
        yield client


@pytest.fixture
def make_commit() -> Callable[..., Commit]:
    """Builds the commit of one event of tenant acme at version `expected`."""

    def build(
        request_id: str = "R-1",
        event_id: str = "e1",
        expected: int = 0,
        prefix: str = "202310-CSR",
        arm: list[Timer] | None = None,
        cancel: list[str] | None = None,
        created: datetime = T0,
        tenant: str = "acme",
        state: dict | None = None,
        **commit,
    ) -> Commit:
        event = Event(
            tenant=tenant,
            source="crm",
            id=event_id,
            type="request.received",
            time=created,
            request_id=request_id,
            data={"text.body": "插座起火 🔥"},
        )
        after = {"derived": {"category": "complaint", "priority": "P0"}, **(state or {})}
        decision = Decision(
            tenant=tenant,
            request_id=request_id,
            event_source="crm",
            event_id=event_id,
            event_type=event.type,
            event_time=created,
            decided=created,
            sequence=expected + 1,
            revision="r1",
            number_prefix=prefix if expected == 0 else "",
            facts={"priority": "P0"},
            arm=arm or [],
            cancel=cancel or [],
            state=RequestState(
                tenant=tenant,
                request_id=request_id,
                source="crm",
                version=expected + 1,
                created=created,
                last_event=created,
                given=dict(event.data),
                decisions=expected + 1,
                **after,
            ),
        )
        return Commit(
            tenant=tenant,
            event=event,
            payload_hash=f"hash-{event_id}",
            decision=decision,
            expected_version=expected,
            **commit,
        )

    return build


@pytest.fixture
def make_entry() -> Callable[..., OutboxEntry]:
    """Builds an outbox entry of tenant acme for the connector crm-out."""

    def build(effect_id: str, request_id: str = "R-1", supersedes: str = "", connector: str = "crm-out") -> OutboxEntry:
        return OutboxEntry(
            effect_id=effect_id,
            tenant="acme",
            request_id=request_id,
            connector=connector,
            effect=Effect(kind=EffectKind.UPDATE_REQUEST, key="update", supersedes=supersedes, payload={"note": "急"}),
            decision_sequence=1,
            created=T0,
            source="crm",
        )

    return build
