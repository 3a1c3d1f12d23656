"""Routing of the effects of a decision to connectors, at the commit of the decision."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from answerby.domain.decision import Decision
from answerby.domain.effect import EffectKind
from answerby.domain.event import is_within
from answerby.store.records import OutboxEntry

ANY_SOURCE = "*"
NO_RANKS: Mapping[str, int] = {}


class Route(Protocol):
    """Part of the configuration of a connector that routing uses."""

    @property
    def name(self) -> str: ...
    @property
    def tenant(self) -> str:
        """The one tenant whose effects the connector may see. No effect goes to a route without a tenant."""
        ...

    @property
    def sources(self) -> Sequence[str]:
        """Paths that event sources lie within; `*` means all."""
        ...

    @property
    def account(self) -> str:
        """Id of the account that the connector writes with, as events name it; empty when not configured."""
        ...

    @property
    def effects(self) -> Sequence[EffectKind]:
        """Kinds of effects that the connector takes beside update_request."""
        ...

    @property
    def queues(self) -> bool:
        """Whether the connector takes effects at all. One that is off takes none."""
        ...


def route_effects(
    decision: Decision, connectors: Iterable[Route], ranks: Mapping[str, int] = NO_RANKS
) -> list[OutboxEntry]:
    """One entry for each effect and connector: the update first, then the others in the order of the effects.

    An effect only ever goes to a connector of its own tenant. An update goes back to the source of the request. Other
    effects go to every connector that lists their kind. A connector that also names sources takes only the effects of
    requests from these sources. `ranks`: of the priorities, 0 for the most severe, which goes out first.
    """
    source = decision.state.source if decision.state is not None else decision.event_source
    routes, rank = list(connectors), _rank(decision, ranks)
    # The effects of a request go out one after another, and the ticket should not wait for its notices.
    effects = sorted(decision.effects, key=lambda effect: effect.kind is not EffectKind.UPDATE_REQUEST)
    return [
        OutboxEntry(
            rank=rank,
            effect_id=effect_id(decision, effect.key, route.name),
            tenant=decision.tenant,
            request_id=decision.request_id,
            connector=route.name,
            effect=effect,
            decision_sequence=decision.sequence,
            created=decision.decided,
            source=source,
            number=decision.number,
        )
        for effect in effects
        for route in routes
        if route.queues and route.tenant == decision.tenant and takes(route, effect.kind, source)
    ]


def _rank(decision: Decision, ranks: Mapping[str, int]) -> int | None:
    priority = decision.facts.get("priority")
    return ranks.get(priority) if isinstance(priority, str) else None


def takes(route: Route, kind: EffectKind, source: str) -> bool:
    """Whether the connector takes effects of this kind for requests from this source."""
    if kind is EffectKind.UPDATE_REQUEST:
        return comes_from(source, route.sources)
    return kind in route.effects and (not route.sources or comes_from(source, route.sources))


def comes_from(source: str, paths: Sequence[str]) -> bool:
    return any(path == ANY_SOURCE or is_within(source, path) for path in paths)


def effect_id(decision: Decision, key: str, connector: str) -> str:
    """32 hexadecimal digits, the same for every repeat of the decision. Platforms recognise an effect by this id."""
    parts = (decision.tenant, decision.request_id, str(decision.sequence), key, connector)
    # Lengths keep parts apart: ("a", "bc") and ("ab", "c") are different effects.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
