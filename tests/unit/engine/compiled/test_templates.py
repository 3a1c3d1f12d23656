"""What a template may name is what a decision really fills in, for each use of templates."""

from zoneinfo import ZoneInfo

import pytest

from answerby.domain.effect import EffectKind
from answerby.domain.message_words import span_words
from answerby.engine.compiled.templates import compile_template, render
from answerby.rules.sections.messages.placeholders import EVERYWHERE, NAMES_BY_USE, TemplateUse
from tests.kit.plays import Play
from tests.kit.rulebooks import OFFICE, compiled, variant

NAMES = {use: sorted(EVERYWHERE | NAMES_BY_USE[use] | {"priority", "tags"}) for use in TemplateUse}
CLOCKS = OFFICE["clocks.yaml"].replace("{id: first_response,", "{id: first_response, label: {en: First answer},")


def template(use, *more):
    return " ".join(f"{name}={{{name}}}" for name in (*NAMES[use], *more))


@pytest.fixture
def story():
    templates = f"""
templates:
  alarm: {{en: "{template(TemplateUse.RULE)}"}}
  warn: {{en: "{template(TemplateUse.STEP, "clock.en")}"}}
  breach: {{en: "{template(TemplateUse.STEP, "clock.en")}"}}
  report: {{en: "{template(TemplateUse.TASK)}"}}
"""
    return Play(compiled(variant(OFFICE, templates=templates, clocks=CLOCKS)))


def left(effect):
    """The placeholders that nothing filled in."""
    return [word for word in str(effect.payload["text.en"]).split("=") if word.startswith("{")]


def test_every_name_is_filled_in_where_it_is_promised(story):
    received = story.happens("received", "2026-03-02 10:00", text__body="起火", channel="web")
    fired = story.fires("first_response/1/0/0", "2026-03-02 10:08")
    blocked = story.happens("blocked", "2026-03-02 10:09")

    notice = next(e for e in received.effects if e.kind is EffectKind.NOTIFY)
    step = next(e for e in fired.effects if e.kind is EffectKind.NOTIFY)
    task = next(e for e in blocked.effects if e.kind is EffectKind.CREATE_TASK)
    for effect in (notice, step, task):
        # The number is allocated by the commit and filled in on delivery.
        assert [word.split()[0] for word in left(effect)] == ["{number}"], effect.payload["text.en"]
    assert "clock.en=First answer" in step.payload["text.en"]


def test_doubled_braces_are_braces():
    template = compile_template({"en": "{{a}} {a} {b2.c} {x}"})
    assert render(template, {"a": "1", "b2.c": ["2", "3"]}) == {"text.en": "{a} 1 2, 3 {x}"}


SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
DUE = "2026-09-16T06:55:30+00:00"


@pytest.mark.parametrize(
    ("text", "zh", "en", "sv"),
    [
        ("{due}", "2026年9月16日 14:55", "16 Sep 2026, 14:55", "2026-09-16 14:55"),
        ("{due|date}", "2026年9月16日", "16 Sep 2026", "2026-09-16"),
        ("{due|time}", "14:55", "14:55", "14:55"),
        ("{due|iso}", "2026-09-16T14:55:30+08:00", "2026-09-16T14:55:30+08:00", "2026-09-16T14:55:30+08:00"),
        ("{late_by}", "8100", "8100", "8100"),
        ("{late_by|words}", "2 小时 15 分钟", "2 h 15 min", "2 h 15 min"),
        ("{delay_seconds|words}", "45 秒", "45 s", "45 s"),
        ("{visit}", "2026年9月16日 14:55", "16 Sep 2026, 14:55", "2026-09-16 14:55"),
        ("{due.other}", DUE, DUE, DUE),
    ],
)
def test_times_in_words_of_the_language(text, zh, en, sv):
    template = compile_template(dict.fromkeys(("zh", "en", "sv"), text), frozenset({"visit"}))
    values = {"due": DUE, "visit": DUE, "due.other": DUE, "late_by": 8100, "delay_seconds": 45}
    assert render(template, values, SHANGHAI) == {"text.zh": zh, "text.en": en, "text.sv": sv}


def test_local_time_is_that_of_the_day_over_a_clock_change():
    # Berlin changes to winter time on 25 October 2026.
    template = compile_template({"en": "{due}"})
    assert render(template, {"due": "2026-10-24T12:00:00+00:00"}, BERLIN) == {"text.en": "24 Oct 2026, 14:00"}
    assert render(template, {"due": "2026-10-25T12:00:00+00:00"}, BERLIN) == {"text.en": "25 Oct 2026, 13:00"}


def test_what_is_no_time_is_shown_as_it_is():
    template = compile_template({"en": "{due} {fired}"})
    assert render(template, {"due": "-", "fired": ""}, BERLIN) == {"text.en": "- {fired}"}


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (-5, "0 s"), (90_061, "25 h 1 min")]
)
def test_spans_in_words(seconds, words):
    assert span_words(seconds, "en") == words


CLOCKS_OF_THREE_ZONES = """
clocks:
  - {id: first_response, because: x, calendar: office, stop: [request.replied], task: by}
  - {id: boston, because: x, calendar: boston, stop: [request.replied], task: by}
  - {id: wall, because: x, stop: [request.replied], task: by}
"""


def test_times_are_local_to_the_calendar_of_each_clock():
    files = variant(
        OFFICE,
        templates='templates: {by: {en: "{clock} by {due}"}, alarm: {en: a}, warn: {en: w}, breach: {en: b}, report: {en: r}}',
        clocks=CLOCKS_OF_THREE_ZONES,
        boston='calendar: {id: boston, timezone: America/New_York, weekly: {daily: ["00:00-24:00"]}}',
        sla="stage: sla\nrules: [{id: all, because: x, then: {sla.first_response: 1h, sla.boston: 1h, sla.wall: 1h}}]",
    )
    decision = Play(compiled(files)).happens("received", "2026-03-02 10:00")
    told = {e.payload["text.en"]: e.payload["due"] for e in decision.effects if e.kind is EffectKind.CREATE_TASK}
    assert told == {
        "boston by 1 Mar 2026, 22:00": "2026-03-01T22:00:00-05:00",
        "first_response by 2 Mar 2026, 11:00": "2026-03-02T11:00:00+08:00",
        "wall by 2 Mar 2026, 11:00": "2026-03-02T11:00:00+08:00",
    }
    (update,) = [e for e in decision.effects if e.kind is EffectKind.UPDATE_REQUEST]
    assert update.payload["due.boston"] == "2026-03-01T22:00:00-05:00"
