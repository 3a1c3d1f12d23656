"""`answerby check` and webhook mappings: every mistake with its line and its remedy, in English and in Chinese."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from answerby.cli.check.check_target import find_target
from answerby.cli.check.rules_check import run_check
from answerby.rules.loader import load_rulebook
from tests.kit.rulebooks import OFFICE, REPAIRS, variant, write

GOOD = """
webhook:
  source: crm/acme
  events:
    - type: request.received
      request: "{ticket.id}"
      facts: {text.body: "{ticket.description}"}
"""
TODAY = date(2026, 11, 30)


def findings(folder: Path, mapping: str, name: str = "mappings/acme.yaml") -> list[str]:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(mapping, "utf-8")
    result = run_check(find_target(folder), TODAY, proofs=False)
    return [str(found) for found in result.findings if found.file == name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "rules", OFFICE)


def test_a_mapping_without_a_mistake_is_no_rule_and_no_part_of_the_revision(folder):
    before = load_rulebook(folder).rulebook.revision
    assert findings(folder, GOOD) == []
    assert findings(folder, GOOD, "billing/mappings/acme.yml") == []
    assert load_rulebook(folder).rulebook.revision == before


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("type: request", "typ: request", "5:7 mapping-shape an event has no key 'typ' (did you mean type?)"),
        ('"{ticket.id}"', "{ticket.id}", '6:16 mapping-shape this is read as a mapping (put it in quotes: "{ticket.id}")'),
        ("{ticket.id}", "{ticket..id}", "6:16 mapping-shape 'ticket..id' is no path"),
        ("{ticket.id}", "{ticket.id", "6:16 mapping-shape a brace has no other"),
        ("request.received", "Received", "5:13 mapping-shape 'Received' is not possible here (write lower-case words"),
        ("text.body:", "text.bdy:", "7:15 mapping-unknown-fact the vocabulary has no field text.bdy (did you mean text.body?)"),
        ("text.body:", "正文:", "7:15 mapping-unknown-fact the vocabulary has no field 正文"),
        ("text.body:", "a b:", "7:15 mapping-shape 'a b' is no name of a fact"),
        ("  source: crm/acme\n", "", "4:7 mapping-shape the event has no source (add `source: crm/acme`"),
        ("  source: crm/acme\n", "  source: crm/acme\n  zone: Berlin\n", "4:9 mapping-shape there is no time zone 'Berlin'"),
        ("facts: {", "time: {path: t, format: DD/MM}\n      facts: {", "7:31 mapping-shape 'DD/MM' is no form of a time"),
        ("facts: {", "actor: [x]\n      facts: {", "7:14 mapping-shape "),
        ("facts: {", "actor: client\n      facts: {", "7:14 mapping-shape 'client' is not possible here (write customer, agent or system)"),
        ("facts: {", "when: {status: {a: b}}\n      facts: {", "7:22 mapping-shape a condition is a value or a list of values"),
        ("facts: {", "facts: {text.body: x, ", "7:29 mapping-shape text.body is written twice"),
        ("  events:", "  events: x\n  event:", "4:11 mapping-shape events must be a list"),
        ("webhook:", "webhook: [", "mapping-shape no valid YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_a_remedy(folder, old, new, expected):
    assert old in GOOD
    found = findings(folder, GOOD.replace(old, new, 1))
    assert any(expected in line for line in found), found


def test_names_of_a_chinese_vocabulary_are_known(tmp_path):
    fields = REPAIRS["vocabulary.yaml"] + "  客户.等级: {type: string}\n"
    folder = write(tmp_path / "rules", variant(REPAIRS, vocabulary=fields))
    mapping = GOOD.replace('text.body: "{ticket.description}"', '客户.等级: "{工单.客户等级}", override.priority: high')
    assert findings(folder, mapping) == []
    (found,) = findings(folder, mapping.replace("客户.等级:", "客户.级别:"))
    assert "mapping-unknown-fact the vocabulary has no field 客户.级别" in found


def test_mappings_of_other_kinds_are_left_alone(folder):
    assert findings(folder, "mapping: helpdesk\nsource: x\n") == []
