"""Counts over a window: what came before a request, and sets that several stages add to."""

import pytest

from tests.kit.plays import Play
from tests.kit.rulebooks import OFFICE, compiled, variant

KIND = "  kind: {type: enum, values: [mild, harsh], derived_by: classification}\n"
VOCABULARY = OFFICE["vocabulary.yaml"].replace("count: complaint,", "count: harsh, of: kind,") + KIND
CLASSIFICATION = (
    OFFICE["classification.yaml"]
    + "  - {id: harsh, because: x, when: {text: {mentions: danger}}, then: {kind: harsh}}\n"
)


@pytest.fixture
def tell():
    def story(**texts):
        return Play(compiled(variant(OFFICE, **texts)))

    return story


def before(count):
    return {"customer.complaints_24h": count}


def test_what_comes_later_makes_no_request_a_repetition(tell):
    story = tell()
    first = story.happens("received", "2026-03-02 10:00", text__body="complaint", customer__id="c", counts=before(0))
    later = story.happens("customer_replied", "2026-03-02 15:00", text__body="and?", counts=before(5))

    assert (first.facts["priority"], later.facts["priority"]) == ("P2", "P2")
    assert later.state.counts == before(0)


def test_a_repetition_stays_one_when_the_window_has_passed(tell):
    story = tell()
    third = story.happens("received", "2026-03-02 10:00", text__body="complaint", customer__id="c", counts=before(2))
    later = story.happens("customer_replied", "2026-03-04 10:00", text__body="and?", counts={})

    assert (third.facts["priority"], later.facts["priority"]) == ("P1", "P1")


def test_it_is_counted_once_it_is_known_who_asks(tell):
    story = tell()
    story.happens("received", "2026-03-02 10:00", text__body="complaint")
    known = story.happens("updated", "2026-03-02 10:05", customer__id="c", counts=before(2))
    other = story.happens("updated", "2026-03-02 10:06", customer__id="d", counts=before(0))

    assert (known.facts["priority"], other.facts["priority"]) == ("P1", "P2")


def test_a_window_counts_what_it_names(tell):
    harsh = tell(vocabulary=VOCABULARY, classification=CLASSIFICATION)
    mild = tell(vocabulary=VOCABULARY, classification=CLASSIFICATION)
    rule = OFFICE["priority.yaml"]
    assert "customer.complaints_24h: {at_least: 3}" in rule

    counted = harsh.happens("received", "2026-03-02 10:00", text__body="起火", customer__id="c", counts=before(2))
    not_one = mild.happens("received", "2026-03-02 10:00", text__body="complaint", customer__id="c", counts=before(2))

    assert "third-complaint" in [r.id for stage in counted.explanation for r in (*stage.won, *stage.lost)]
    assert not_one.facts["priority"] == "P2"


def test_a_later_stage_adds_to_a_set_and_takes_nothing_out(tell):
    vocabulary = OFFICE["vocabulary.yaml"].replace(
        "tags: {type: set, derived_by: classification}", "tags: {type: set, derived_by: [classification, routing]}"
    )
    routing = "stage: routing\nrules:\n  - {id: tag, because: x, then: {tags: routed, department: lab}}\n"
    story = tell(vocabulary=vocabulary, routing=routing)

    decision = story.happens("received", "2026-03-02 10:00", text__body="起火")
    again = story.happens("updated", "2026-03-02 10:01", text__body="hello")

    assert decision.facts["tags"] == ["routed", "safety"]
    assert {e.role for e in decision.effects if e.kind == "notify"} == {"guard"}, "the alarm of the safety tag is sent"
    assert again.facts["tags"] == ["routed"]
