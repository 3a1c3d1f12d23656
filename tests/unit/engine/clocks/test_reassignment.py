"""A ladder that reassigns: the request is with somebody else from then on, until a person says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from answerby.domain.event import ActorRole
from tests.kit.plays import Play
from tests.kit.sections import compiled, targets

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STEP = {"at": "0m", "reassign": {"department": "lab"}, "notify": {"role": "chief", "template": "late"}}


def late_desk() -> Play:
    """Due at 14:00; at that time the lab takes over."""
    sections = {
        "clocks": [{"id": "ttr", "because": "x", "kind": "resolution", "ladder": "l"}],
        "ladders": [{"id": "l", "because": "x", "steps": [STEP]}],
    }
    desk = Play(compiled(sections, targets(({}, {"ttr": "2h"}))))
    assert desk.see("received", NOON, ActorRole.CUSTOMER).facts["department"] == "desk"
    return desk


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def test_the_step_gives_the_request_away_and_says_so_in_the_same_decision() -> None:
    desk = late_desk()
    desk.waits(at(2))
    decision = desk.decisions[-1]
    assert decision.facts["department"] == "lab"
    routing = next(stage for stage in decision.explanation if stage.stage == "routing")
    assert routing.outputs["department"] == "lab"
    updates = [effect for effect in decision.effects if effect.kind.value == "update_request"]
    assert [effect.payload["department"] for effect in updates] == ["lab"]
    assert [effect.payload["department"] for effect in decision.effects if effect.kind.value == "notify"] == ["lab"]


def test_it_stays_so_whatever_routing_says_later() -> None:
    desk = late_desk()
    desk.waits(at(2))
    assert desk.see("updated", at(3)).facts["department"] == "lab"


def test_a_person_wins() -> None:
    desk = late_desk()
    desk.waits(at(2))
    assert desk.see("updated", at(3), facts={"override.department": "desk"}).facts["department"] == "desk"


def test_before_the_step_routing_decides() -> None:
    desk = late_desk()
    assert desk.see("updated", at(1)).facts["department"] == "desk"
