"""Values set by hand are typed like any fact, never quoted, never ignored without a word."""

from datetime import UTC, datetime

import pytest

from answerby.domain.event import Event
from answerby.engine.case import Context
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.loader import load_rulebook
from tests.kit.places import RULES

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def compiled():
    return compile_rulebook(load_rulebook(RULES).rulebook, "reference")


def decided(compiled, **data):
    data = {name.replace("__", "."): value for name, value in data.items()}
    event = Event(source="s", id="1", type="request.received", time=NOW, request_id="R", data=data)
    return decide(compiled, None, event, Context(), NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("role", 5),
        ("role", ["a", "b"]),
        ("missing_count", "many"),
        ("complete", "x"),
        ("role", "x" * 2000),
    ],
)
def test_a_value_of_another_type_is_refused(compiled, name, value):
    plain = decided(compiled)
    decision = decided(compiled, **{f"override__{name}": value})
    assert decision.facts.get(name) == plain.facts.get(name)
    assert [flag.code for flag in decision.flags].count("OVERRIDE_REFUSED") == 1


def test_a_set_is_set_by_a_list_and_stays_a_list(compiled):
    assert decided(compiled, override__tags=["safety"]).facts["tags"] == ["safety"]
    assert decided(compiled, override__tags="safety").facts["tags"] == ["safety"]


def test_the_refused_value_is_not_quoted(compiled):
    decision = decided(compiled, override__priority="Zhang Wei 13800138000" + "x" * 200_000)
    (flag,) = [flag for flag in decision.flags if flag.code == "OVERRIDE_REFUSED"]
    assert len(flag.message) < 200
    assert "Zhang" not in flag.message


def test_a_typo_is_told_with_the_name_that_is_meant(compiled):
    flags = {flag.message for flag in decided(compiled, override__priorty="P0", due__first_respons="x").flags}
    assert "override.priorty: rules derive no such field (did you mean priority?)" in flags
    assert "due.first_respons: there is no such clock (did you mean first_response?)" in flags


def test_an_override_of_nothing_is_flagged(compiled):
    assert any("override.nonsense" in flag.message for flag in decided(compiled, override__nonsense="x").flags)
    assert any("override.channel" in flag.message for flag in decided(compiled, override__channel="web").flags)
