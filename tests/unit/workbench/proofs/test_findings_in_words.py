"""The findings as `answerby check` shows them: place, code, words, and the facts of a request that shows them."""

from pathlib import Path

import pytest

from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import load_texts
from answerby.rules.text.rule_folder import RuleText
from answerby.rules.text.severities import PROOF_CODES
from answerby.workbench.proofs.witnessed_findings import analysis_diagnostics

FOLDER = Path(__file__).parent / "findings"
FIELDS = """
fields:
  tier: {type: enum, values: [standard, silver, gold, vip], default: standard}
  urgency: {type: enum, values: [normal, urgent], default: normal}
  users: {type: integer}
  fire: {type: boolean, default: false}
  text.body: {type: text}
  text: {type: text, parts: [text.body]}
  category: {type: enum, values: [other, fault, wish], derived_by: classification}
  priority: {type: enum, values: [P2, P1, P0], derived_by: priority}
  team: {type: string, derived_by: routing}
rulebook:
  stages:
    classification: {default: {category: other}, on_error: {category: other}}
    priority: {default: {priority: P2}, on_error: {priority: P0}}
    routing: {on_error: {team: desk}}
"""


def cases() -> dict[str, tuple[str, str]]:
    read = {}
    for path in sorted(FOLDER.glob("*.txt")):
        for part in path.read_text("utf-8").split("=== ")[1:]:
            title, _, body = part.partition("\n")
            given, _, expected = body.partition(">>>\n")
            read[f"{path.stem}: {title}"] = (given, expected.strip())
    return read


CASES = cases()


def found(given: str) -> str:
    files = {"fields.yaml": FIELDS}
    for file in given.split("@@ ")[1:]:
        name, _, files[name] = file.partition("\n")
    result = load_texts(RuleText(path, text, "0" * 64) for path, text in files.items())
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    diagnostics = analysis_diagnostics(compile_rulebook(result.rulebook, "reference"), result.clock_places)
    return "\n".join(
        "\n".join([f"{d.file}:{d.line} {d.severity} {d.code} {d.message}", *d.details]) for d in diagnostics
    )


@pytest.mark.parametrize("title", CASES)
def test_a_finding_says_what_and_where_and_shows_it(title: str) -> None:
    given, expected = CASES[title]
    assert found(given) == expected


def test_every_code_of_the_proofs_has_a_case() -> None:
    shown = "\n".join(expected for _, expected in CASES.values())
    assert all(f" {code.value} " in shown for code in PROOF_CODES)
