"""The example of a lost target, played: its clocks run, and the raise cancels the clock that the finding names."""

from answerby.domain.clock import ClockPhase
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs.witnessed_findings import prove
from tests.kit.plays import Play
from tests.kit.sections import BASE, compiled

CLOCK = {"because": "case", "calendar": "always"}
SAFE = {"sla": {"hit": "collect", "on_error": {"sla.fix": "1h"}}}
SECTIONS = {
    "rulebook": BASE["rulebook"] | {"stages": BASE["rulebook"]["stages"] | SAFE},
    "clocks": [
        CLOCK | {"id": "reply", "ladder": "up", "stop": ["request.replied"]},
        CLOCK | {"id": "fix", "ladder": "tell", "stop": ["request.completed"]},
    ],
    "ladders": [
        {"id": "up", "because": "case", "steps": [{"at": "0m", "raise_priority": True}]},
        {"id": "tell", "because": "case", "steps": [{"at": "0m", "notify": {"role": "clerk", "template": "late"}}]},
    ],
}


def sla(requesters: list[str]) -> dict[str, object]:
    """Requests of these have a reply due in 1 h; an owner's request is to be fixed in 8 h, at P2 alone."""
    rules = [
        {"id": "reply", "because": "case", "when": {"requester": requesters}, "then": {"sla.reply": "1h"}},
        {"id": "fix", "because": "case", "when": {"priority": "P2", "requester": "owner"}, "then": {"sla.fix": "8h"}},
    ]
    return {"stage": "sla", "hit": "collect", "rules": rules}


def test_the_example_loses_the_clock_by_the_raise() -> None:
    book = compiled(SECTIONS, sla(["owner", "nobody"]))
    (found,) = prove(book).of(Code.RAISE_LOSES_TARGET)
    assert found.outputs == ("sla.fix",)
    assert found.witness is not None
    play = Play(book)
    given = {name: value for name, value in found.witness.values.items() if name != "priority"}
    assert given["requester"] == "owner"
    play.happens("received", "2026-03-02 09:00", **given)
    play.waits("2026-03-02 09:59")
    assert {name: clock.phase for name, clock in play.request.clocks.items()} == {
        "reply": ClockPhase.RUNNING,
        "fix": ClockPhase.RUNNING,
    }
    play.waits("2026-03-02 10:01")
    assert play.request.derived["priority"] == "P1"
    assert play.clock("fix").phase is ClockPhase.CANCELLED


def test_a_ladder_of_a_clock_that_never_runs_there_takes_nothing_away() -> None:
    book = compiled(SECTIONS, sla(["nobody"]))
    assert prove(book).of(Code.RAISE_LOSES_TARGET) == ()
    play = Play(book)
    play.happens("received", "2026-03-02 09:00", requester="owner")
    play.waits("2026-03-02 16:59")
    assert {name: clock.phase for name, clock in play.request.clocks.items()} == {"fix": ClockPhase.RUNNING}
