"""What differs between two rulebooks: found exactly when deciding every request of a small domain finds it."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import pytest
from hypothesis import given, note

from answerby.engine.case import Context
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.model.rulebook import Block, HitPolicy, Rule, Stage
from answerby.workbench.diff.compare import compare
from answerby.workbench.diff.model import FLAGS, Effect, Kind
from answerby.workbench.diff.report import report_text
from answerby.workbench.diff.rule_pairs import BLOCK_PARTS, MODELLED, NO_CONTENT
from tests.kit.examples import chances, examples
from tests.kit.rulebooks import OFFICE, rulebook_of, variant
from tests.unit.engine.generated_rulebooks import KINDS, Generator, event_of, every_request


def load(**texts):
    return rulebook_of(variant(OFFICE, **texts))


@pytest.fixture
def differ():
    """Compares the small rules with the same where pieces of text in files are replaced by others."""

    def run(**replaced):
        texts = {}
        for name, (before, after) in replaced.items():
            assert before in OFFICE[f"{name}.yaml"]
            texts[name] = OFFICE[f"{name}.yaml"].replace(before, after)
        return compare(load(), load(**texts))

    def between(old, new):
        return compare(load(**old), load(**new))

    run.between = between
    return run


def the_change(comparison):
    (change,) = comparison.changes
    return change


def test_the_same_rules_do_not_differ(differ):
    comparison = differ()
    assert comparison.empty
    assert not comparison.changed_meaning
    assert comparison.attempts == 0


def test_words_are_words(differ):
    comparison = differ(
        priority=("VIPs first", "VIPs come first"), templates=("safety {priority}", "danger {priority}")
    )
    assert {(c.section, c.effect) for c in comparison.changes} == {("rule", Effect.WORDS), ("template", Effect.WORDS)}
    assert not comparison.changed_meaning
    assert not comparison.empty


def test_a_line_more_is_no_change(differ):
    assert differ(priority=("stage: priority\n", "# a remark\nstage: priority\n")).empty


def test_a_moved_limit_is_shown_between_the_two(differ):
    comparison = differ(priority=("at_least: 100", "at_least: 50"))
    change = the_change(comparison)
    assert (change.id, change.effect) == ("many-devices", Effect.SHOWN)
    assert [(a.name, a.old, a.new) for a in change.aspects] == [
        ("condition", "devices at least 100", "devices at least 50")
    ]
    difference = next(d for d in comparison.differences if d.output == "priority" and d.old.value == "P2")
    assert 50 <= difference.witness.event.data["devices"] < 100
    assert difference.new.value == "P0"
    assert [rule.id for rule in difference.new.decided_by] == ["many-devices"]
    assert "devices: 50 to 99" in difference.region
    assert comparison.open == ()


def test_a_rule_of_a_later_stage_is_reached_through_earlier_ones(differ):
    comparison = differ(routing=("department: lab", "department: desk"))
    (difference,) = comparison.differences
    assert "override.tags" not in difference.witness.event.data
    assert difference.new.facts["tags"] == ["safety"]
    assert (difference.old.value, difference.new.value) == ("lab", "desk")


def test_a_rule_that_says_what_another_says_is_proved_idle(differ):
    more = "  - {id: wide, because: also, when: {devices: {at_least: 500}}, then: {priority: P0}}\n"
    comparison = differ(priority=("rules:\n", f"rules:\n{more}"))
    change = the_change(comparison)
    assert (change.kind, change.id, change.effect) == (Kind.ADDED, "wide", Effect.NONE)
    assert not comparison.differences
    assert not comparison.changed_meaning


def test_a_rule_split_in_two_means_the_same(differ):
    one = "when: {devices: {at_least: 100}}, then: {priority: P0}}"
    two = "when: {devices: {between: [100, 200]}}, then: {priority: P0}}\n  - {id: most-devices, because: wide, when: {devices: {more_than: 200}}, then: {priority: P0}}"
    comparison = differ(priority=(one, two))
    assert {c.effect for c in comparison.changes} == {Effect.NONE}
    assert comparison.open == ()


def test_a_target_and_a_notification(differ):
    comparison = differ(sla=("within: 15m", "within: 20m"), escalation=("[guard]", "[guard, chief]"))
    value_text = {(d.stage, d.output, str(d.old.value), str(d.new.value)) for d in comparison.differences}
    assert ("sla", "sla.first_response", "15m always", "20m always") in value_text
    assert ("escalation", "notify", "['guard']", "['chief', 'guard']") in value_text


def test_another_template_is_another_message(differ):
    comparison = differ(escalation=("template: alarm", "template: warn"))
    assert the_change(comparison).effect is Effect.SHOWN
    assert [d.output for d in comparison.differences] == ["notify"]


def two_notices(first, second):
    """A notice from one device on and another from five on, of the same template to the same role."""
    rule = "  - {{id: n{0}, because: x, rank: {1}, when: {{devices: {{at_least: {2}}}}}, then: {{notify: {{role: guard, template: alarm{3}}}}}}}\n"
    rules = [rule.format(name, rank, least, grade) for name, (rank, least, grade) in enumerate([first, second], 1)]
    return {"escalation": f"stage: escalation\nrules:\n{''.join(rules)}"}


def test_the_order_of_two_notices_of_one_template_means_nothing(differ):
    urgent, plain = (1, 1, ", urgent: true"), (2, 5, "")
    comparison = differ.between(two_notices(urgent, plain), two_notices((3, 1, ", urgent: true"), plain))
    assert not comparison.changed_meaning
    assert comparison.open == ()


def test_a_notice_that_is_no_longer_urgent_is_shown_wherever_it_is_not(differ):
    comparison = differ.between(two_notices((1, 1, ", urgent: true"), (2, 5, "")), two_notices((1, 1, ""), (2, 5, "")))
    regions = [line for difference in comparison.differences for line in difference.region]
    assert any("5 to 99" in line for line in regions), regions
    assert comparison.open == ()


def test_a_default_and_a_policy(differ):
    comparison = differ(rulebook=("default: {priority: P2}", "default: {priority: P1}"))
    assert the_change(comparison).section == "stage"
    assert the_change(comparison).effect is Effect.SHOWN
    assert {(d.old.value, d.new.value) for d in comparison.differences} == {("P2", "P1")}


def test_another_safe_side_is_shown_by_a_refused_fact(differ):
    comparison = differ(rulebook=("on_error: {priority: P0}", "on_error: {priority: P1}"))
    assert the_change(comparison).effect is Effect.SHOWN
    (difference,) = comparison.differences
    assert (difference.stage, difference.old.value, difference.new.value) == ("priority", "P0", "P1")
    assert difference.cause == "the safe side of stage priority"
    assert comparison.open == ()


def test_another_safe_side_is_not_mistaken_for_another_default(differ):
    settings = (
        "default: {priority: P2}, on_error: {priority: P0}",
        "default: {priority: P1}, on_error: {priority: P1}",
    )
    comparison = differ(rulebook=settings)
    by_cause = {d.cause: (d.old.value, d.new.value) for d in comparison.differences}
    assert by_cause == {"": ("P2", "P1"), "the safe side of stage priority": ("P0", "P1")}


def test_a_safe_side_that_no_refused_fact_leads_to_is_not_proved_idle(differ):
    comparison = differ(rulebook=("  sla: {hit: first}", "  sla: {hit: first, on_error: {sla.blocked: 1h}}"))
    assert the_change(comparison).effect in {Effect.OPEN, Effect.SHOWN}
    assert comparison.open or comparison.differences


def test_a_rule_put_into_shadow_no_longer_decides(differ):
    comparison = differ(priority=("id: vip-p1,", "id: vip-p1, mode: shadow,"))
    assert [a.name for a in the_change(comparison).aspects] == ["mode"]
    (difference,) = comparison.differences
    assert (difference.old.value, difference.new.value) == ("P1", "P2")


def test_dates_of_a_rule(differ):
    comparison = differ(priority=("id: vip-p1,", "id: vip-p1, until: 2026-07-01,"))
    (difference,) = comparison.differences
    assert difference.witness.event.time.isoformat() >= "2026-06-30T16:00:00"
    # Until the end of that day in Shanghai, where the rulebook stands.
    assert [(a.name, a.old, a.new) for a in the_change(comparison).aspects] == [
        ("until", "none", "2026-07-02 00:00 +0800")
    ]


def test_terms_of_a_lexicon(differ):
    comparison = differ(lexicons=("[起火, caught fire]", "[起火, 冒烟]"))
    change = the_change(comparison)
    assert [(a.name, a.old, a.new) for a in change.aspects] == [("terms", "caught fire", "冒烟")]
    shown = {(str(*d.witness.event.data.values()), d.old.value, d.new.value) for d in comparison.differences}
    assert shown == {("caught fire", "complaint", "unclassified"), ("冒烟", "unclassified", "complaint")}
    assert {d.cause for d in comparison.differences} == {"lexicon danger"}
    assert [reason.partition(":")[0] for reason in comparison.open] == ["lexicon danger"]


def test_a_lexicon_that_nothing_asks_for_is_proved_idle(differ):
    more = "  asking: {terms: [请问, how do i]}\n"
    comparison = differ(lexicons=(more, f"{more}  idle: {{terms: [weather]}}\n"))
    assert [(c.id, c.effect) for c in comparison.changes] == [("idle", Effect.NONE)]
    assert comparison.open == ()


def test_a_term_with_other_facts_is_not_proved_absent(differ):
    also = (
        "when: {text: {mentions: danger}}, then: {category",
        "when: {text: {mentions: danger}, devices: {at_least: 2}}, then: {category",
    )
    files = {"classification": OFFICE["classification.yaml"].replace(*also)}
    words = {"lexicons": OFFICE["lexicons.yaml"].replace("caught fire", "caught fire, smoke")}
    comparison = differ.between(files, files | words)
    assert the_change(comparison).effect is Effect.OPEN
    assert comparison.open
    assert "  not proved: lexicon danger: " in report_text(comparison)


def test_days_of_a_calendar(differ):
    comparison = differ(calendar=("years: [2026]", 'years: [2026], holidays: {"2026-05-01": Labour Day}'))
    change = the_change(comparison)
    assert change.effect is Effect.MEANING
    assert [(a.name, a.old, a.new) for a in change.aspects] == [("2026-05-01", "09:00-18:00", "closed")]
    assert comparison.changed_meaning


def test_hours_of_a_weekday_a_clock_and_a_ladder(differ):
    comparison = differ(
        calendar=("mon-fri", "mon-thu"),
        ladders=("every: 10m", "every: 20m"),
        clocks=("pause_while: [on_hold]", "pause_while: [blocked]"),
    )
    found = {(c.section, a.name): (a.old, a.new) for c in comparison.changes for a in c.aspects}
    assert found["calendar", "Friday"] == ("09:00-18:00", "closed")
    assert found["clock", "pause_while"] == ("[on_hold]", "[blocked]")
    assert ("ladder", "step 2") in found


def test_a_ladder_that_only_moved_in_its_file_is_no_change(differ):
    comparison = differ(ladders=("ladders:\n", "# moved\nladders:\n"))
    assert comparison.empty
    assert not comparison.open


def test_a_step_says_what_it_does_and_not_its_line(differ):
    comparison = differ(ladders=("every: 10m", "every: 20m"))
    assert not any("line" in aspect.old + aspect.new for aspect in the_change(comparison).aspects)


def test_a_field_that_is_defined_otherwise(differ):
    comparison = differ(
        vocabulary=("values: [standard, vip], default: standard", "values: [standard, vip], default: vip")
    )
    difference = comparison.differences[0]
    assert (difference.cause, difference.old.value, difference.new.value) == ("field customer.tier", "P2", "P1")
    assert any("field customer.tier: it is defined otherwise" in reason for reason in comparison.open)


def test_a_field_that_nothing_asks_for_is_known_from_now_on(differ):
    comparison = differ(vocabulary=("fields:\n", "fields:\n  colour: {type: enum, values: [red, blue]}\n"))
    change = the_change(comparison)
    assert (change.section, change.kind, change.effect) == ("field", Kind.ADDED, Effect.SHOWN)
    difference = comparison.differences[0]
    assert (difference.output, difference.witness.event.data) == (FLAGS, {"colour": "red"})
    assert difference.old.value == ["UNKNOWN_FIELD: colour is not in the vocabulary and was ignored"]
    assert difference.new.value == []
    assert comparison.open == ()


def test_a_new_field_shows_by_its_flag_whatever_else_differs(differ):
    comparison = differ(
        vocabulary=("fields:\n", "fields:\n  colour: {type: integer}\n"),
        rulebook=("default: {priority: P2}", "default: {priority: P1}"),
    )
    assert {(d.output, d.cause) for d in comparison.differences} == {(FLAGS, "field colour"), ("priority", "")}


def test_the_order_of_values_is_not_proved_to_mean_nothing(differ):
    comparison = differ(vocabulary=("values: [P2, P1, P0]", "values: [P0, P1, P2]"))
    change = next(c for c in comparison.changes if c.section == "field")
    assert change.effect is Effect.OPEN
    assert any(reason.startswith("field priority:") for reason in comparison.open)


@pytest.mark.parametrize(
    ("section", "file", "before", "after"),
    [
        ("calendar", "calendar", "mon-fri", "mon-thu"),
        ("calendar", "calendar", "years: [2026]", "years: [2026], annual_holidays: {05-01: Labour Day}"),
        ("clock", "clocks", "pause_while: [on_hold]", "pause_while: [blocked]"),
        ("ladder", "ladders", "every: 10m", "every: 20m"),
        ("settings", "rulebook", "default_code: DSK", "default_code: LAB"),
    ],
)
def test_a_section_that_no_proof_looks_at_is_named(differ, section, file, before, after):
    comparison = differ(**{file: (before, after)})
    assert the_change(comparison).effect is Effect.MEANING
    assert [reason.partition(" ")[0] for reason in comparison.open] == [section]
    assert f"  not proved: {section} " in report_text(comparison)


UNIQUE_TABLE = """
stage: priority
table:
  id: ages
  because: so
  inputs: [devices]
  output: priority
  hit: unique
  rows:
    - [{less_than: 18}, P2]
MORE    - [{at_least: 18}, P1]
"""


def test_a_row_written_twice_is_a_conflict_though_the_safe_side_says_the_same(differ):
    settings = {"rulebook": OFFICE["rulebook.yaml"].replace("on_error: {priority: P0}", "on_error: {priority: P2}")}
    once = settings | {"priority": UNIQUE_TABLE.replace("MORE", "")}
    twice = settings | {"priority": UNIQUE_TABLE.replace("MORE", "    - [{less_than: 18}, P2]\n")}
    comparison = differ.between(once, twice)
    (difference,) = comparison.differences
    assert (difference.old.value, difference.new.value) == ("P2", "P2")
    assert (difference.old.conflict, difference.new.conflict) == (False, True)
    assert difference.witness.event.data["devices"] < 18
    assert "priority: P2 -> P2 with flag RULE_CONFLICT (priority)" in report_text(comparison)


def test_a_value_that_only_a_person_sets_counts_too(differ):
    rule = "  - {id: by-hand, because: rare, when: {category: unclassified, tags: {has: safety}}, then: {department: lab, role: clerk}}\n"
    comparison = differ(routing=("rules:\n", f"rules:\n{rule}"))
    (difference,) = comparison.differences
    assert {"override.category", "override.tags"} & set(difference.witness.event.data)


def test_every_attribute_of_a_rule_is_compared_or_known_to_mean_nothing():
    known = MODELLED | NO_CONTENT | BLOCK_PARTS
    assert {field.name for kind in (Rule, Block) for field in fields(kind)} <= known


def test_another_range_is_shown_at_its_bounds(differ):
    comparison = differ(vocabulary=("devices: {type: integer}", "devices: {type: integer, max: 150}"))
    assert the_change(comparison).effect is Effect.SHOWN
    assert {d.witness.event.data["devices"] for d in comparison.differences} == {151.0}


def test_a_lexicon_that_is_an_exception_to_another(differ):
    spared = "danger: {terms: [起火, caught fire], except: [calm]}\n  calm: {terms: [PHRASES]}"
    base = OFFICE["lexicons.yaml"].replace("danger: {terms: [起火, caught fire]}", spared)
    before = {"lexicons": base.replace("PHRASES", "没有起火")}
    comparison = differ.between(before, {"lexicons": base.replace("PHRASES", "没有起火, 防起火")})
    (difference,) = comparison.differences
    assert difference.cause == "lexicon calm"
    assert list(difference.witness.event.data.values()) == ["防起火"]
    assert (difference.output, difference.stage) == ("category", "classification")


def test_rows_are_told_by_what_they_say():
    table = """
stage: priority
table:
  id: matrix
  because: so
  inputs: [customer.tier, channel]
  output: priority
  rows:
    - [vip, web, P1]
{more}    - [any, phone, P1]
"""
    old = load(priority=table.format(more=""))
    new = load(priority=table.format(more="    - [vip, phone, P0]\n"))
    comparison = compare(old, new)
    change = the_change(comparison)
    assert (change.kind, change.id, change.new_place) == (Kind.ADDED, "matrix#2", "priority.yaml:10")
    (difference,) = comparison.differences
    assert difference.witness.event.data == {"channel": "phone", "customer.tier": "vip"}


def test_the_same_question_has_the_same_answer(differ):
    first, second = (differ(priority=("at_least: 100", "at_least: 50")) for _ in range(2))
    assert first == second


def mutated(rulebook, generator):
    """The rulebook with one or two things otherwise."""
    chance = generator.random
    stages = []
    for stage in rulebook.stages:
        (block,) = stage.blocks
        rules = list(block.rules)
        kind = chance.choice(("drop", "condition", "output", "rank", "add", "hit", "nothing", "duplicate"))
        hit, stage_hit = block.hit, stage.hit
        at = chance.randrange(len(rules))
        if kind == "drop":
            rules.pop(at)
        elif kind == "condition":
            rules[at] = replace(rules[at], when=generator.condition(stage.name == "priority"))
        elif kind == "output":
            rules[at] = replace(rules[at], then=generator.rule(stage.name, 0, rules[at].when).then)
        elif kind == "rank":
            old = rules[at].order
            rules[at] = replace(rules[at], order=(old[0], 3 - old[1], old[2], old[3]))
        elif kind == "add":
            rules.append(generator.rule(stage.name, 9, generator.condition(stage.name == "priority")))
        elif kind == "duplicate":
            copy = rules[at]
            rules.append(replace(copy, id=f"{copy.id}-b", order=(*copy.order[:2], f"{copy.order[2]}-b", 0)))
        elif kind == "hit":
            hit = chance.choice((HitPolicy.FIRST, HitPolicy.COLLECT, HitPolicy.MOST_SEVERE))
            stage_hit = chance.choice((HitPolicy.FIRST, HitPolicy.COLLECT, HitPolicy.MOST_SEVERE))
        stages.append(
            Stage(stage.name, stage_hit, (Block(block.id, stage.name, hit, tuple(rules)),), default=stage.default)
        )
    return replace(rulebook, stages=tuple(stages), revision="changed")


def every_request_by_hand():
    """The same with derived facts set by hand."""
    for facts, kind, tags in itertools.product(every_request(), (None, *KINDS), (None, ["hot"])):
        by_hand = {"override.kind": kind, "override.tags": tags}
        yield facts | {name: value for name, value in by_hand.items() if value is not None}


def outputs(compiled, facts):
    event = event_of(facts)
    return [stage.outputs for stage in decide(compiled, None, event, Context(), event.time).explanation]


@examples(50)
@given(chance=chances)
def test_a_difference_is_found_exactly_when_there_is_one(chance):
    generator = Generator(chance)
    old = generator.rulebook()
    new = mutated(old, generator)
    note(f"old: {old.stages}\nnew: {new.stages}")
    before, after = compile_rulebook(old, "reference"), compile_rulebook(new, "reference")
    differing = [facts for facts in every_request() if outputs(before, facts) != outputs(after, facts)]
    comparison = compare(old, new)
    natural = [d for d in comparison.differences if not any(n.startswith("override.") for n in d.witness.event.data)]
    assert bool(natural) == bool(differing), comparison.open
    if not differing:
        differing = [f for f in every_request_by_hand() if outputs(before, f) != outputs(after, f)]
        assert bool(comparison.differences) <= bool(differing)
    for difference in comparison.differences:
        witness = difference.witness
        sides = [
            decide(c, witness.state, witness.event, Context(witness.windows), witness.event.time)
            for c in (before, after)
        ]
        one, two = (
            {s.stage: s.outputs for s in output_result.explanation}[difference.stage] for output_result in sides
        )
        assert (one.get(difference.output), two.get(difference.output)) == (difference.old.value, difference.new.value)
        assert one.get(difference.output) != two.get(difference.output)
    if not differing and not comparison.open:
        assert not comparison.changed_meaning
