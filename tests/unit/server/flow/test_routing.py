"""Which connectors an effect goes to, and under which id."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.decision import Decision
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.request import RequestState
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary
from answerby.server.base.config import Config, ConnectorConfig
from answerby.server.flow.routing import route_effects
from answerby.server.live.pointer import ranks_of

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


def connector(name: str, sources=(), effects=(), tenant="acme") -> ConnectorConfig:
    return ConnectorConfig(name=name, type="file", sources=sources, effects=effects, tenant=tenant)


def routed(made: Decision, *connectors: ConnectorConfig) -> list[tuple[str, str]]:
    return [(entry.effect.kind.value, entry.connector) for entry in route_effects(made, connectors)]


def test_the_update_goes_out_before_the_notices():
    made = decision(effects=[NOTIFY, UPDATE, msgspec.structs.replace(NOTIFY, key="notify/other")])
    entries = route_effects(made, [connector("a", ("*",), (EffectKind.NOTIFY,))])
    assert [entry.effect.key for entry in entries] == ["update", "notify/safety/duty-manager", "notify/other"]


@pytest.mark.parametrize(
    ("sources", "taken"),
    [
        (("escalated/",), True),
        (("escalated",), True),
        (("escalated/desk",), True),
        (("escalated/desk/",), True),
        (("*",), True),
        (("crm", "escalated"), True),
        (("crm",), False),
        (("esc",), False),
        (("escalated/des",), False),
        (("escalated/desk/mail",), False),
    ],
)
def test_an_update_goes_back_to_where_the_request_came_from(sources, taken):
    """Also when a timer was the event: the request's source counts."""
    assert (("update_request", "a") in routed(decision(), connector("a", sources))) is taken


def test_a_source_is_matched_by_whole_segments():
    taken = [
        source
        for source in ("crm/desk", "crm/desk/x", "crm/desk/x/y", "crm/desk2", "crm/desk2/x", "crm", "xcrm/desk")
        if routed(decision(source), connector("a", ("crm/desk",)))
    ]
    assert taken == ["crm/desk", "crm/desk/x", "crm/desk/x/y"]


SEGMENTS = st.lists(st.sampled_from(["crm", "crm2", "desk", "desk2", "d"]), min_size=1, max_size=3)
TENANTS = st.sampled_from(["acme", "acme2", "globex", "ac"])
CONNECTORS = st.lists(
    st.builds(
        lambda tenant, sources, effects: (tenant, tuple("/".join(parts) for parts in sources), tuple(effects)),
        TENANTS,
        st.lists(SEGMENTS, max_size=2),
        st.sets(st.sampled_from([EffectKind.NOTIFY, EffectKind.CREATE_TASK])),
    ),
    max_size=6,
)


@given(TENANTS, SEGMENTS, CONNECTORS)
def test_an_effect_reaches_the_connectors_of_its_tenant_and_sources_alone(tenant, source, wanted):
    """Against a count by hand: segments as lists, tenants as equal texts."""
    connectors = [connector(str(i), *parts, tenant=owner) for i, (owner, *parts) in enumerate(wanted)]
    expected = {
        (kind, str(i))
        for i, (owner, sources, effects) in enumerate(wanted)
        for kind in (EffectKind.UPDATE_REQUEST, EffectKind.NOTIFY)
        if owner == tenant
        and (kind in effects or kind is EffectKind.UPDATE_REQUEST)
        and (
            any(source[: path.count("/") + 1] == path.split("/") for path in sources)
            or (not sources and kind is not EffectKind.UPDATE_REQUEST)
        )
    }
    made = decision("/".join(source), tenant=tenant, effects=[UPDATE, NOTIFY])
    assert {(kind, name) for kind, name in routed(made, *connectors)} == expected


def test_a_connector_without_a_tenant_gets_the_default_tenant_and_no_other():
    made = {"name": "desk", "type": "file", "sources": ["*"]}
    config = Config.model_validate({"server": {"default_tenant": "acme"}, "connectors": [made]})
    assert [route.tenant for route in config.routes] == ["acme"]
    assert routed(decision(effects=[UPDATE]), *config.routes) == [("update_request", "desk")]
    assert routed(decision(effects=[UPDATE], tenant="default"), *config.routes) == []


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
        for entry in route_effects(
            made,
            [
                connector("a", ("*",), (EffectKind.NOTIFY,), made.tenant),
                connector("b", ("*",), tenant=made.tenant),
            ],
        )
    ]
    assert len(ids) == len(set(ids)) == 12


def test_without_effects_there_is_nothing():
    assert route_effects(decision(effects=[]), [connector("a", ("*",))]) == []


def test_an_entry_has_the_rank_of_the_priority_at_the_decision():
    """Values are from least to most severe, so that of `top` is 0. Nine ranks are told apart."""
    values = ("p9", "p8", "p7", "p6", "p5", "p4", "p3", "p2", "p1", "top")
    priority = Field(name="priority", type=FieldType.ENUM, values=values)
    ranks = ranks_of(Vocabulary({"priority": priority}))
    routes = [connector("a", ("*",))]

    def rank(value: str | None) -> int | None:
        facts = {} if value is None else {"priority": value}
        (entry,) = route_effects(decision(effects=[UPDATE], facts=facts), routes, ranks)
        return entry.rank

    assert [rank(value) for value in ("top", "p1", "p8", "p9", "other", None)] == [0, 1, 8, 8, None, None]
    assert ranks_of(Vocabulary({})) == {}


def test_a_connector_that_is_off_gets_nothing_and_a_paused_one_does():
    off, paused = (
        ConnectorConfig(name=word, type="file", sources=("*",), tenant="acme", enabled=word)
        for word in ("off", "paused")
    )
    assert routed(decision(effects=[UPDATE]), off, paused) == [("update_request", "paused")]
