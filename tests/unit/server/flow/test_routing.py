"""Which connectors an effect goes to, and under which id."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec
import pytest

from answerby.domain.decision import Decision
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.request import RequestState
from answerby.server.base.config import ConnectorConfig
from answerby.server.flow.routing import route_effects

T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
UPDATE = Effect(kind=EffectKind.UPDATE_REQUEST, key="update", supersedes="update")
NOTIFY = Effect(kind=EffectKind.NOTIFY, key="notify/safety/duty-manager", role="duty-manager")


def decision(source: str = "escalated/desk", sequence: int = 3, **fields) -> Decision:
    state = RequestState(tenant="acme", request_id="R-1", source=source, created=T0, last_event=T0)
    values = {
        "tenant": "acme",
        "request_id": "R-1",
        "event_source": "answerby/timers",
        "event_id": "e1",
        "event_type": "timer.due",
        "event_time": T0,
        "decided": T0,
        "sequence": sequence,
        "revision": "r1",
        "number": "202601-CSR-001",
        "effects": [UPDATE, NOTIFY],
        "state": state,
    }
    return Decision(**{**values, **fields})


def connector(name: str, sources=(), effects=()) -> ConnectorConfig:
    return ConnectorConfig(name=name, type="file", sources=sources, effects=effects)


def routed(made: Decision, *connectors: ConnectorConfig) -> list[tuple[str, str]]:
    return [(entry.effect.kind.value, entry.connector) for entry in route_effects(made, connectors)]


def test_the_update_goes_out_before_the_notices():
    made = decision(effects=[NOTIFY, UPDATE, msgspec.structs.replace(NOTIFY, key="notify/other")])
    entries = route_effects(made, [connector("a", ("*",), (EffectKind.NOTIFY,))])
    assert [entry.effect.key for entry in entries] == ["update", "notify/safety/duty-manager", "notify/other"]


@pytest.mark.parametrize(
    ("sources", "taken"),
    [(("escalated/",), True), (("escalated/desk",), True), (("*",), True), (("crm", "esc"), True), (("crm",), False)],
)
def test_an_update_goes_back_to_where_the_request_came_from(sources, taken):
    """Also when a timer was the event: the request's source counts."""
    assert (("update_request", "a") in routed(decision(), connector("a", sources))) is taken


def test_an_update_goes_nowhere_without_sources():
    assert routed(decision(), connector("a", effects=(EffectKind.UPDATE_REQUEST, EffectKind.NOTIFY))) == [
        ("notify", "a")
    ]


def test_other_effects_go_to_all_that_list_their_kind():
    connectors = [
        connector("pager", effects=(EffectKind.NOTIFY,)),
        connector("tasks", effects=(EffectKind.CREATE_TASK,)),
        connector("desk", ("escalated",), (EffectKind.NOTIFY,)),
        connector("crm", ("crm",), (EffectKind.NOTIFY,)),
    ]
    assert routed(decision(), *connectors) == [("update_request", "desk"), ("notify", "pager"), ("notify", "desk")]


def test_an_entry_holds_what_the_delivery_needs():
    (entry,) = route_effects(decision(effects=[UPDATE]), [connector("desk", ("*",))])
    assert (entry.tenant, entry.request_id, entry.source) == ("acme", "R-1", "escalated/desk")
    assert (entry.effect, entry.decision_sequence, entry.created) == (UPDATE, 3, T0)


def test_the_effect_id_is_stable_and_unambiguous():
    """Written down here: a changed id would make effects that are on their way come twice."""
    (entry,) = route_effects(decision(effects=[UPDATE]), [connector("desk", ("*",))])
    assert entry.effect_id == hashlib.sha256(b"4:acme3:R-11:36:update4:desk").hexdigest()[:32]


def test_effect_ids_differ_by_every_part():
    base = decision()
    variants = [
        base,
        msgspec.structs.replace(base, tenant="acm"),
        msgspec.structs.replace(base, request_id="R-13"),
        msgspec.structs.replace(base, sequence=4),
    ]
    ids = [
        entry.effect_id
        for made in variants
        for entry in route_effects(made, [connector("a", ("*",), (EffectKind.NOTIFY,)), connector("b", ("*",))])
    ]
    assert len(ids) == len(set(ids)) == 12


def test_without_effects_there_is_nothing():
    assert route_effects(decision(effects=[]), [connector("a", ("*",))]) == []
