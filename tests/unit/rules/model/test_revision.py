"""The revision changes with whatever a decision can show, and with nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.rules.loader import load_texts
from answerby.rules.text.rule_folder import RuleText
from tests.kit.examples import examples


def revision(result) -> str:
    assert result.rulebook is not None, [str(d) for d in result.diagnostics]
    return result.rulebook.revision


def place(result, rule: str) -> tuple[str, int]:
    found = [(r.file, r.line) for stage in result.rulebook.stages for r in stage.rules if r.id == rule]
    (only,) = found
    return only


def test_its_form(load):
    assert re.fullmatch(r"r-[0-9a-f]{16}", revision(load()))


def texts_of(files):
    return [RuleText(path, text, "") for path, text in files.items()]


@examples(100)
@given(data=st.data())
def test_the_order_of_files_does_not_matter(base, data):
    texts = texts_of(base)

    result, expected = load_texts(data.draw(st.permutations(texts))), load_texts(texts)

    assert revision(result) == revision(expected)
    assert result.rulebook == expected.rulebook


@examples(50)
@given(data=st.data())
def test_the_order_of_files_does_not_change_the_diagnostics(base, data):
    broken = {**base, "a.yaml": base["classification.yaml"], "b.yaml": base["words.yaml"], "c.yaml": base["times.yaml"]}
    texts = texts_of(broken)

    found = load_texts(data.draw(st.permutations(texts))).diagnostics

    assert found == load_texts(texts).diagnostics
    assert found


def test_comments_format_and_the_order_of_keys_do_not_matter(load, base):
    reformatted = {
        "classification.yaml": """\
owner: customer-service   # who answers for it
stage: classification
rules:
  - then:
      tags:
        - "safety"
      category: 'complaint'
    when: {"text": {mentions: [safety]}}
    because: "产品安全问题一律按投诉处理"
    id: safety-complaint

# Nothing below.
""",
        "words.yaml": "# Words.\n\n"
        + base["words.yaml"].replace("[起火, caught fire]", "\n  - Caught   FIRE\n  - 起火"),
    }

    assert place(load(reformatted), "safety-complaint") == place(load(), "safety-complaint")
    assert revision(load(reformatted)) == revision(load())


def test_where_anything_but_a_rule_stands_does_not_matter(load, base):
    vocabulary = base["vocabulary.yaml"].splitlines(keepends=True)
    lexicons, templates = base["words.yaml"].split("templates:")
    moved = {
        "vocabulary.yaml": None,
        "words.yaml": None,
        "fields/one.yaml": "".join(vocabulary[:5]),
        "fields/two.yaml": "fields:\n" + "".join(vocabulary[5:]),
        "a.yaml": lexicons,
        "b.yml": f"templates:{templates}",
    }

    assert revision(load(moved)) == revision(load())


def test_renaming_a_file_of_rules_changes_it(load, base):
    renamed = load({"classification.yaml": None, "zz.yaml": base["classification.yaml"]})

    assert place(renamed, "safety-complaint") == ("zz.yaml", place(load(), "safety-complaint")[1])
    assert revision(renamed) != revision(load())


@pytest.mark.parametrize(
    ("file", "rule"), [("classification.yaml", "safety-complaint"), ("priority.yaml", "priority-matrix#1")]
)
def test_moving_a_rule_by_a_line_changes_it(load, base, file, rule):
    moved = load({file: "# A comment above.\n" + base[file]})

    assert place(moved, rule) == (file, place(load(), rule)[1] + 1)
    assert revision(moved) != revision(load())


def test_splitting_a_file_of_rules_changes_it(load):
    def rules(*names: str) -> str:
        return "stage: classification\nrules:\n" + "".join(
            f"- {{id: {name}, because: x, when: {{urgency: urgent}}, then: {{category: inquiry}}}}\n" for name in names
        )

    together = load({"ab.yaml": rules("a", "b")})
    apart = load({"x.yaml": rules("b"), "y.yaml": rules("a")})

    assert revision(together) != revision(apart)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("classification.yaml", "complaint,", "inquiry,"),
        ("classification.yaml", "产品安全问题", "安全问题"),
        ("classification.yaml", "owner: customer-service", "owner: quality"),
        ("classification.yaml", "rules:", "rank: 1\nrules:"),
        ("classification.yaml", "rules:", "hit: first\nrules:"),
        ("classification.yaml", "    when:", "    until: 2027-01-01\n    when:"),
        ("priority.yaml", "[any, urgent, P1]", "[any, urgent, P0]"),
        (
            "priority.yaml",
            "- [vip, urgent, P0]\n    - [any, urgent, P1]",
            "- [any, urgent, P1]\n    - [vip, urgent, P0]",
        ),
        ("vocabulary.yaml", "default: standard", "default: silver"),
        ("vocabulary.yaml", "电话", "来电"),
        ("vocabulary.yaml", "type: text, personal: true", "type: text"),
        ("vocabulary.yaml", "type: text, personal: true", "type: text, personal: true, always: true"),
        ("vocabulary.yaml", "type: decimal", "type: decimal, min: 0"),
        ("vocabulary.yaml", "type: decimal", "type: decimal, max: 0.5"),
        ("rulebook.yaml", "{priority: P2}", "{priority: P1}"),
        ("rulebook.yaml", "CSR}", "CS}"),
        ("sla.yaml", "24h", "23h"),
        ("times.yaml", '"2026-01-04"', '"2026-01-10"'),
        ("times.yaml", "stop: [request.replied]", "stop: [request.completed]"),
        ("times.yaml", "75%", "80%"),
        ("words.yaml", "爆炸", "爆燃"),
        ("words.yaml", "nearly late", "late"),
        ("rulebook.yaml", "Duty manager", "Manager on duty"),
        ("priority.yaml", "decide together", "decide"),
        ("times.yaml", "Promised.", "Agreed."),
        ("times.yaml", "id: first_response,", "id: first_response, label: {en: First response},"),
        ("times.yaml", "template: warn}}\n      - {at: 0m", "template: warn, urgent: true}}\n      - {at: 0m"),
    ],
)
def test_a_change_of_meaning_changes_it(load, base, file, old, new):
    assert old in base[file]

    assert revision(load({file: base[file].replace(old, new, 1)})) != revision(load())
