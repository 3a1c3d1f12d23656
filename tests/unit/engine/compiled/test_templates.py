"""What a template may name is what a decision really fills in, for each use of templates."""

import pytest

from answerby.domain.effect import EffectKind
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
