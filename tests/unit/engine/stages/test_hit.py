"""Hit policies: figures decided by hand from the policies' definitions."""

from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from answerby.domain.condition import ALWAYS
from answerby.domain.ladder import Notification
from answerby.engine.stages.hit import fill, in_force, resolve
from answerby.rules.model.rulebook import Block, HitPolicy, Rule, Stage
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary

VOCABULARY = Vocabulary(
    MappingProxyType(
        {
            "priority": Field("priority", FieldType.ENUM, values=("P2", "P1", "P0"), derived_by=("priority",)),
            "colour": Field("colour", FieldType.STRING, derived_by=("priority",)),
            "tags": Field("tags", FieldType.SET, derived_by=("priority",)),
        }
    )
)


def rule(name, then, *, rank=100, block="b", row=0, **dates):
    return Rule(name, "priority", block, ALWAYS, then, "why", "f.yaml", 1, (100, rank, name, row), **dates)


def stage(hit, *blocks):
    return Stage("priority", hit, tuple(Block(rules[0].block, "priority", policy, rules) for policy, rules in blocks))


def ids(rules):
    return [r.id for r in rules]


def test_first_takes_the_lowest_rank_then_the_lowest_id():
    rules = (rule("b", {"colour": "blue"}), rule("a", {"colour": "red"}), rule("z", {"colour": "green"}, rank=1))
    result = resolve(stage(HitPolicy.FIRST, (HitPolicy.COLLECT, rules)), VOCABULARY, rules, [])
    assert result.outputs == {"colour": "green"}
    assert ids(result.won) == ["z"]
    assert sorted(ids(result.lost)) == ["a", "b"]


def test_first_decides_each_output_by_itself():
    rules = (rule("a", {"colour": "red"}, rank=1), rule("b", {"colour": "blue", "priority": "P1"}, rank=2))
    result = resolve(stage(HitPolicy.FIRST, (HitPolicy.COLLECT, rules)), VOCABULARY, rules, [])
    assert result.outputs == {"colour": "red", "priority": "P1"}
    assert ids(result.won) == ["a", "b"]


def test_most_severe_beats_rank_and_ties_go_to_rank():
    rules = (
        rule("low", {"priority": "P2"}, rank=1),
        rule("x", {"priority": "P0"}, rank=9),
        rule("w", {"priority": "P0"}),
    )
    result = resolve(stage(HitPolicy.MOST_SEVERE, (HitPolicy.COLLECT, rules)), VOCABULARY, rules, [])
    assert result.outputs == {"priority": "P0"}
    assert ids(result.won) == ["x"]


def test_unique_makes_two_matches_a_conflict_and_names_the_output():
    rules = (rule("a", {"priority": "P1"}), rule("b", {"priority": "P1"}))
    result = resolve(stage(HitPolicy.UNIQUE, (HitPolicy.COLLECT, rules)), VOCABULARY, rules, [])
    assert result.conflicts == {"priority"}
    assert result.outputs == {}
    assert ids(result.lost) == ["a", "b"]


def test_unique_within_a_table_is_a_conflict_whatever_the_stage_does():
    rules = (rule("t#1", {"priority": "P1"}, row=1), rule("t#2", {"priority": "P2"}, row=2))
    result = resolve(stage(HitPolicy.MOST_SEVERE, (HitPolicy.UNIQUE, rules)), VOCABULARY, rules, [])
    assert result.conflicts == {"priority"}


def test_collect_unites_sets_and_takes_the_first_single_value():
    rules = (
        rule("a", {"tags": ["x", "y"], "colour": "red"}, rank=2),
        rule("b", {"tags": ["y", "z"], "colour": "blue"}, rank=1),
    )
    result = resolve(stage(HitPolicy.COLLECT, (HitPolicy.COLLECT, rules)), VOCABULARY, rules, [])
    assert result.outputs == {"tags": ["x", "y", "z"], "colour": "blue"}
    assert ids(result.won) == ["b", "a"]


def test_a_table_offers_its_first_row_and_the_stage_chooses_among_blocks():
    rows = (rule("t#1", {"priority": "P1"}, block="t", row=1), rule("t#2", {"priority": "P0"}, block="t", row=2))
    safety = (rule("safety", {"priority": "P0"}, block="s", rank=500),)
    chosen = stage(HitPolicy.MOST_SEVERE, (HitPolicy.FIRST, rows), (HitPolicy.COLLECT, safety))
    result = resolve(chosen, VOCABULARY, [*rows, *safety], [])
    assert ids(result.won) == ["safety"]
    assert resolve(chosen, VOCABULARY, list(rows), []).outputs == {"priority": "P1"}


def test_notifications_of_several_rules_are_united_once_each():
    duty, head = Notification(("duty",), "t"), Notification(("head",), "t")
    rules = (rule("a", {"notify": (duty,)}), rule("b", {"notify": (duty, head)}))
    result = resolve(stage(HitPolicy.FIRST, (HitPolicy.COLLECT, rules)), VOCABULARY, rules, [])
    assert result.outputs["notify"] == (duty, head)


@pytest.mark.parametrize(
    ("failed", "doubtful"),
    [
        (rule("f", {"priority": "P0"}), {"priority"}),
        (rule("f", {"priority": "P2"}), set()),
        (rule("a0", {"priority": "P1"}, rank=1), set()),
        (rule("f", {"colour": "red"}), {"colour"}),
    ],
)
def test_a_rule_that_failed_casts_doubt_only_on_what_it_could_have_won(failed, doubtful):
    winner = rule("b", {"priority": "P1"})
    chosen = stage(HitPolicy.MOST_SEVERE, (HitPolicy.COLLECT, (winner, failed)))
    assert resolve(chosen, VOCABULARY, [winner], [failed]).doubtful == doubtful


def test_a_failed_rule_that_would_say_the_same_casts_no_doubt_unless_the_two_exclude_each_other():
    winner, failed = rule("b", {"colour": "red"}), rule("a", {"colour": "red"}, rank=1)
    for hit in (HitPolicy.FIRST, HitPolicy.COLLECT, HitPolicy.MOST_SEVERE):
        chosen = stage(hit, (HitPolicy.COLLECT, (winner, failed)))
        assert resolve(chosen, VOCABULARY, [winner], [failed]).doubtful == set()
    exclusive = stage(HitPolicy.UNIQUE, (HitPolicy.COLLECT, (winner, failed)))
    assert resolve(exclusive, VOCABULARY, [winner], [failed]).doubtful == {"colour"}


def test_a_failed_row_after_the_winning_row_of_a_first_table_changes_nothing():
    first, second = rule("t#1", {"colour": "red"}, row=1), rule("t#2", {"colour": "blue"}, row=2)
    chosen = stage(HitPolicy.COLLECT, (HitPolicy.FIRST, (first, second)))
    assert resolve(chosen, VOCABULARY, [first], [second]).doubtful == set()
    assert resolve(chosen, VOCABULARY, [second], [first]).doubtful == {"colour"}


def test_a_failed_row_before_the_winning_row_puts_all_that_row_says_in_doubt():
    """Had the first matched, the second would not have counted at all."""
    first = rule("t#1", {"priority": "P1"}, row=1)
    second = rule("t#2", {"priority": "P1", "colour": "blue", "tags": ["x"]}, row=2)
    chosen = stage(HitPolicy.COLLECT, (HitPolicy.FIRST, (first, second)))
    assert resolve(chosen, VOCABULARY, [second], [first]).doubtful == {"colour", "tags"}


def test_a_failed_row_of_a_unique_table_puts_the_row_that_matched_in_doubt():
    one, other = rule("t#1", {"priority": "P1"}, row=1), rule("t#2", {"colour": "blue"}, row=2)
    chosen = stage(HitPolicy.COLLECT, (HitPolicy.UNIQUE, (one, other)))
    assert resolve(chosen, VOCABULARY, [other], [one]).doubtful == {"priority", "colour"}


def test_the_safe_side_replaces_what_is_in_doubt_and_defaults_fill_the_rest():
    outputs = {"priority": "P2"}
    fill(outputs, {"colour": "grey", "priority": "P2"}, {"priority": "P0"}, {"priority"})
    assert outputs == {"priority": "P0", "colour": "grey"}


def test_dates_are_half_open():
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    dated = rule("d", {}, enabled_from=start, until=end)
    assert [in_force(dated, t) for t in (start, end)] == [True, False]
