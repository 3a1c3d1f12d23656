"""Rule templates: the rules that come of them are those that one would have written out."""

from __future__ import annotations

import pytest

from answerby.rules.model.rulebook import Rule

TEMPLATES = """\
rule_templates:
  - id: respond-in
    because: "{tier} customers were promised {within}."
    parameters:
      tier: {type: text, values: [silver, gold, vip]}
      within: duration
      least: {type: integer, default: 3}
      clock: {type: text, default: first_response}
      channels: {type: list, default: [web, phone]}
      extra: {type: condition, default: {is: present}}
    rules:
      - id: "respond-{tier}"
        rank: "{least}"
        when:
          customer.tier: "{tier}"
          customer.complaints_24h: {at_least: "{least}"}
          channel: "{channels}"
          customer.id: "{extra}"
        then: {"sla.{clock}": "{within}"}
      - id: "slow-{tier}"
        because: The rest, not {{filled}} in.
        when: {not: {customer.tier: {tier}}, channel: ["{channels}", other]}
        then: {"sla.{clock}": 24h}
"""
WRITTEN_OUT = """\
stage: sla
owner: quality
rules:
  - id: respond-vip
    because: vip customers were promised 15m.
    rank: 5
    when: {customer.tier: vip, customer.complaints_24h: {at_least: 5}, channel: phone, customer.id: {is: present}}
    then: {sla.first_response: 15m}
  - id: slow-vip
    because: The rest, not {filled} in.
    when: {not: {customer.tier: vip}, channel: [phone, other]}
    then: {sla.first_response: 24h}
  - id: respond-gold
    because: gold customers were promised 2bd.
    rank: 3
    when:
      customer.tier: gold
      customer.complaints_24h: {at_least: 3}
      channel: [web, phone]
      customer.id: {starts_with: [A, B]}
    then: {sla.first_response: 2bd}
  - id: slow-gold
    because: The rest, not {filled} in.
    when: {not: {customer.tier: gold}, channel: [web, phone, other]}
    then: {sla.first_response: 24h}
"""
USES = """\
stage: sla
owner: quality
rules:
  - use: respond-in
    with: {tier: vip, within: 15m, least: 5, channels: phone}
  - use: respond-in
    with: {tier: gold}
    for_each:
      - {within: 2bd, extra: {starts_with: [A, B]}}
"""


def rules(result) -> dict[str, Rule]:
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    return {r.id: r for stage in result.rulebook.stages for r in stage.rules if r.stage == "sla"}


def meaning(rule: Rule) -> tuple:
    return (rule.when, dict(rule.then), rule.because, rule.order, rule.owner, rule.mode)


def test_a_template_gives_the_rules_that_one_would_have_written(load):
    written = rules(load({"sla.yaml": WRITTEN_OUT}))
    used = rules(load({"sla.yaml": USES, "templates.yaml": TEMPLATES}))

    assert {name: meaning(rule) for name, rule in used.items()} == {n: meaning(r) for n, r in written.items()}


def test_rules_are_where_the_template_is_used(load):
    used = rules(load({"sla.yaml": USES, "templates.yaml": TEMPLATES}))

    places = {name: (rule.file, rule.line) for name, rule in used.items()}
    assert places == {
        "respond-vip": ("sla.yaml", 4),
        "slow-vip": ("sla.yaml", 4),
        "respond-gold": ("sla.yaml", 9),
        "slow-gold": ("sla.yaml", 9),
    }


def test_a_mistake_names_the_use_and_the_line_of_the_template(load):
    result = load(
        {"sla.yaml": USES.replace("{starts_with: [A, B]}", "{mentions: safety}"), "templates.yaml": TEMPLATES}
    )

    (diagnostic,) = (d for d in result.diagnostics if d.severity == "error")
    assert (diagnostic.file, diagnostic.line, diagnostic.column) == ("sla.yaml", 9, 30)
    assert diagnostic.code == "wrong-operator"
    assert diagnostic.message.endswith("[rule template, templates.yaml:18:24]")


def test_moving_a_template_changes_no_decision_and_so_no_revision(load):
    before = load({"sla.yaml": USES, "templates.yaml": TEMPLATES}).rulebook
    after = load({"sla.yaml": USES, "templates.yaml": None, "z.yaml": "# Moved.\n" + TEMPLATES}).rulebook
    changed = load({"sla.yaml": USES, "templates.yaml": TEMPLATES.replace(": 24h", ": 23h")}).rulebook

    assert before.revision == after.revision
    assert before.revision != changed.revision


def test_templates_use_templates(load):
    outer = """\
rule_templates:
  - id: both
    parameters: {tiers: list, within: duration}
    rules:
      - use: respond-in
        with: {within: "{within}", tier: silver, channels: "{tiers}"}
"""
    sla = "stage: sla\nrules:\n  - use: both\n    with: {tiers: [web], within: 1h}\n"

    used = rules(load({"sla.yaml": sla, "templates.yaml": TEMPLATES, "outer.yaml": outer}))

    assert used.keys() == {"respond-silver", "slow-silver"}
    assert used["respond-silver"].because == "silver customers were promised 1h."
    assert (used["respond-silver"].file, used["respond-silver"].line) == ("sla.yaml", 3)


def test_a_mistake_in_a_nested_use_names_every_place(load):
    outer = (
        "rule_templates:\n  - id: both\n    rules:\n      - use: respond-in\n        with: {within: 1h, tier: iron}\n"
    )

    result = load({"sla.yaml": "stage: sla\nrules: [{use: both}]\n", "templates.yaml": TEMPLATES, "outer.yaml": outer})

    (diagnostic,) = (d for d in result.diagnostics if d.severity == "error")
    assert str(diagnostic).startswith("sla.yaml:2:9 wrong-parameter tier must be one of silver, gold, vip")
    assert "templates.yaml:5:7" in diagnostic.message
    assert "outer.yaml:5:34" in diagnostic.message


def test_ids_that_are_the_same_once_filled_in(load):
    sla = USES.replace("{tier: gold}", "{tier: vip}")

    result = load({"sla.yaml": sla, "templates.yaml": TEMPLATES})

    found = [str(d) for d in result.diagnostics if d.severity == "error"]
    assert [text.split(" ")[1] for text in found] == ["duplicate-id", "duplicate-id"]
    assert "the rule respond-vip is already in sla.yaml:4 [rule template, templates.yaml:12:13]" in found[0]


def test_patterns_keep_their_braces(load):
    templates = """\
rule_templates:
  - id: coded
    because: x
    parameters: {letter: text}
    rules:
      - {id: "code-{letter}", when: {customer.id: {matches: "^{letter}[0-9]{4}x{2,3}\\\\p{{Han}}$"}}, then: {sla.first_response: 1h}}
"""
    sla = "stage: sla\nrules: [{use: coded, with: {letter: K}}]\n"

    (rule,) = rules(load({"sla.yaml": sla, "templates.yaml": templates})).values()

    assert rule.when.operands == ("^K[0-9]{4}x{2,3}\\p{Han}$",)


def test_a_few_lines_do_not_become_a_mountain(load):
    """Four levels of templates, each of which uses the next a hundred times: a hundred million rules."""
    sets = ", ".join(f'{{p: "{{p}}-{n}"}}' for n in range(100))
    levels = "".join(
        f"  - {{id: t{n}, because: x, parameters: {{p: text}}, rules: [{{use: t{n + 1}, for_each: [{sets}]}}]}}\n"
        for n in range(3)
    )
    last = '  - {id: t3, because: x, parameters: {p: text}, rules: [{id: "{p}", then: {sla.first_response: 1h}}]}\n'
    uses = f"stage: sla\nrules: [{{use: t0, for_each: [{sets.replace('{p}', 'p')}]}}]\n"

    result = load({"sla.yaml": uses, "templates.yaml": f"rule_templates:\n{levels}{last}"})

    assert [d.code for d in result.diagnostics if d.severity == "error"] == ["rule-template-size"]
    assert result.rulebook is None


@pytest.mark.parametrize(
    "text", ["rule_templates: 3\n", "rule_templates: []\n", "rule_templates: [3]\n", "rule_templates: [{}]\n"]
)
def test_sections_that_hold_no_templates(load, text):
    assert load({"templates.yaml": text}).rulebook is None
