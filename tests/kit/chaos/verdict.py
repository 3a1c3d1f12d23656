"""The checker: what was acknowledged against what the store has and what was delivered, by ids of its own making."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import resources_pb2 as resources
from tests.kit.chaos.traffic import Ledger
from tests.kit.clients import insist
from tests.kit.patience import eventually

TENANT = "default"
CONNECTOR = "file"
REPLACED = "update_request"
"""The kind of effects that a newer effect of the request may replace before they are delivered."""
AT_ONCE = 8
"""Reads under way."""


class Verdict(NamedTuple):
    """What went wrong, each by name. All are empty when every promise was kept."""

    acknowledged: int
    effects: int
    lost: list[str]
    """Acknowledged events without the decision that was told."""
    decided_twice: list[str]
    """Events with two decisions."""
    doubled: list[str]
    """Effects that were delivered twice."""
    ghosts: list[str]
    """Delivered effects of decisions that do not exist."""
    numbers_twice: list[str]
    """Numbers of two requests, and requests with two numbers."""

    @property
    def broken(self) -> dict[str, list[str]]:
        """Promises that were not kept, with up to five instances of each."""
        return {name: value[:5] for name, value in self._asdict().items() if isinstance(value, list) and value}

    def __str__(self) -> str:
        counts = {name: len(value) if isinstance(value, list) else value for name, value in self._asdict().items()}
        return " ".join(f"{name}={count}" for name, count in counts.items())


async def judge(stub: Any, ledger: Ledger, delivered: Path) -> Verdict:
    """Waits until every effect is delivered, then compares."""
    decisions = await decisions_of(stub, ledger.by_request)
    wanted = {
        effect_id(decision, effect.key)
        for decision in decisions
        for effect in decision.effects
        if effect.kind != REPLACED
    }
    await eventually(lambda: wanted <= set(effect_ids(delivered)), "every effect is delivered")
    lines = effect_ids(delivered)
    # Timers decide on while we look, so what is not known yet is looked up once more.
    unknown = lines.keys() - effects_of(decisions)
    ghosts = unknown - effects_of(await decisions_of(stub, ledger.by_request)) if unknown else set()
    told = {(d.request_id, d.sequence): d for d in decisions}
    return Verdict(
        acknowledged=len(ledger.acknowledged),
        effects=len(lines),
        lost=[
            entry.event_id
            for entry in ledger.acknowledged
            if (found := told.get((entry.request_id, entry.sequence))) is None
            or (found.event_id, found.number) != (entry.event_id, entry.number)
        ],
        decided_twice=twice((d.request_id, d.event_source, d.event_id) for d in decisions),
        doubled=[name for name, times in lines.items() if times > 1],
        ghosts=sorted(ghosts),
        numbers_twice=ambiguous(ledger),
    )


async def decisions_of(stub: Any, request_ids: Iterable[str]) -> list[resources.Decision]:
    """Every decision of the requests, oldest first. Reads are sent again while the service is away."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def read(request_id: str) -> list[resources.Decision]:
        async with limit:
            reply = await insist(stub.GetRequest, pb.GetRequestRequest(request_id=request_id, decision_limit=200))
        found = list(reversed(reply.decisions))
        assert [d.sequence for d in found] == list(range(1, len(found) + 1)), f"{request_id} has gaps"
        return found

    return [decision for found in await asyncio.gather(*map(read, request_ids)) for decision in found]


def effects_of(decisions: Iterable[resources.Decision]) -> set[str]:
    return {effect_id(decision, effect.key) for decision in decisions for effect in decision.effects}


def effect_id(decision: resources.Decision, key: str) -> str:
    """As documented for connectors: the hash of tenant, request, sequence, key and connector, each with its length."""
    parts = (TENANT, decision.request_id, str(decision.sequence), key, CONNECTOR)
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()[:32]


def effect_ids(delivered: Path) -> Counter[str]:
    """How often each effect is in the file. A line without its end is not delivered."""
    if not delivered.exists():
        return Counter()
    lines = delivered.read_bytes().splitlines(keepends=True)
    return Counter(json.loads(line)["effect_id"] for line in lines if line.endswith(b"\n"))


def ambiguous(ledger: Ledger) -> list[str]:
    owners, numbers = defaultdict(set), defaultdict(set)
    for entry in ledger.acknowledged:
        owners[entry.number].add(entry.request_id)
        numbers[entry.request_id].add(entry.number)
    return [name for names in (owners, numbers) for name, others in names.items() if len(others) > 1]


def twice(names: Iterable[tuple[str, ...]]) -> list[str]:
    return ["/".join(name) for name, times in Counter(names).items() if times > 1]
