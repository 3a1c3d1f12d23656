"""Reminders put together ask for an acknowledgement if one of them does, and one acknowledgement answers them all."""

import pytest

from answerby.domain.timer_event import timer_event
from answerby.engine.clocks.missed_reminders import CATCH_UP_LIMIT
from tests.kit.plays import Play, at
from tests.kit.sections import compiled, targets

ASKS = {"role": "clerk", "template": "late", "until_acknowledged": True}
TELLS = {"role": "clerk", "template": "still"}
TEMPLATES = {"late": {"en": "{number} {clock} late"}, "still": {"en": "{number} still open"}}
CLOCK = {"because": "case", "calendar": "always", "stop": ["request.completed"]}


def reminded(play: Play) -> list[tuple[object, object, bool]]:
    """Template, whether it asks for an acknowledgement, and whether it is urgent, of each notice."""
    return [(effect.payload["template"], effect.payload["acknowledge"], effect.urgent) for _, effect in play.notices()]


@pytest.mark.parametrize(("first", "second"), [(ASKS, TELLS), (TELLS, ASKS), (TELLS, TELLS)])
def test_a_digest_of_quiet_hours(first: dict[str, object], second: dict[str, object]) -> None:
    # Due on Monday at 19:30 and at 21:30; the office opens on Tuesday at 9. The first repeats after 14 h, at 09:30.
    ladder = {
        "id": "steps",
        "because": "case",
        "quiet_hours": {"calendar": "office", "then": "digest"},
        "steps": [
            {"at": "0m", "notify": first, "repeat": {"every": "14h", "at_most": 2}},
            {"at": "+2h", "notify": second},
        ],
    }
    office = {"timezone": "Asia/Shanghai", "weekly": {"mon-fri": ["09:00-18:00"]}}
    sections = {
        "clocks": [CLOCK | {"id": "fix", "ladder": "steps"}],
        "ladders": [ladder],
        "calendars": {"office": office},
        "templates": TEMPLATES,
    }
    play = Play(compiled(sections, targets(({}, {"fix": "2h"}))))
    play.happens("received", "2026-03-02 17:30")
    play.waits("2026-03-03 09:01")
    asks = ASKS in (first, second)
    assert reminded(play) == [(second["template"], asks, False)]
    assert play.notices()[0][1].payload["digest"] == [first["template"], second["template"]]
    play.happens("acknowledged", "2026-03-03 09:10", actor="agent")
    assert all(play.request.timers[name].answered for name in ("fix/1/0/0", "fix/1/1/0"))
    play.waits(None)
    assert len(reminded(play)) == 1


@pytest.mark.parametrize(("first", "second"), [(ASKS, TELLS), (TELLS, ASKS), (TELLS, TELLS)])
def test_a_notice_after_an_outage(first: dict[str, object], second: dict[str, object]) -> None:
    ladders = [
        {"id": "one", "because": "case", "steps": [{"at": "0m", "notify": first}]},
        {"id": "two", "because": "case", "steps": [{"at": "0m", "notify": second}]},
    ]
    clocks = [CLOCK | {"id": "answer", "ladder": "one"}, CLOCK | {"id": "fix", "ladder": "two"}]
    sections = {"clocks": clocks, "ladders": ladders, "templates": TEMPLATES}
    play = Play(compiled(sections, targets(({}, {"answer": "1h", "fix": "2h"}))))
    play.happens("received", "2026-03-02 09:00")
    # The server was away until 15:00.
    for name in ("answer/1/0/0", "fix/1/0/0"):
        event = timer_event(play.request.tenant, play.request_id, play.request.timers[name], 3600)
        event.data[CATCH_UP_LIMIT] = 1
        play.take(event, at("2026-03-02 15:00"))
    play.waits("2026-03-02 15:00")
    assert reminded(play) == [(second["template"], ASKS in (first, second), False)]
    play.happens("acknowledged", "2026-03-02 15:10", actor="agent")
    assert all(play.request.timers[name].answered for name in ("answer/1/0/0", "fix/1/0/0"))


def test_missed_repeats_are_skipped_and_those_to_come_go_on_until_acknowledged() -> None:
    steps = [{"at": "0m", "notify": ASKS, "repeat": {"every": "30m", "at_most": 5}}, {"at": "+1h", "notify": TELLS}]
    ladder = {"id": "steps", "because": "case", "steps": steps}
    clocks = [CLOCK | {"id": "fix", "ladder": "steps"}]
    play = Play(compiled({"clocks": clocks, "ladders": [ladder], "templates": TEMPLATES}, targets(({}, {"fix": "2h"}))))
    play.happens("received", "2026-03-02 09:00")
    # Due at 11:00, with repeats from 11:30 on. The server was away until 15:10.
    for name in ("fix/1/0/0", "fix/1/1/0"):
        event = timer_event(play.request.tenant, play.request_id, play.request.timers[name], 3600)
        event.data[CATCH_UP_LIMIT] = 1
        play.take(event, at("2026-03-02 15:10"))
    play.waits("2026-03-02 15:59")
    told = [(moment, effect.payload["template"], effect.payload.get("held_back")) for moment, effect in play.notices()]
    assert told == [(at("2026-03-02 15:10"), "still", 2), (at("2026-03-02 15:30"), "late", None)]
    play.happens("acknowledged", "2026-03-02 15:59", actor="agent")
    play.waits(None)
    assert len(play.notices()) == 2
