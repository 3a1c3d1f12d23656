"""The page for contributors names every variable that points a test at a real platform."""

from __future__ import annotations

import re

from tests.kit.places import DOCS, ROOT

VARIABLE = re.compile(r"ANSWERBY_TEST_(?:ESCALATED|REDMINE|DJANGO_HELPDESK|RT)_[A-Z_]*[A-Z]")
ENDINGS = re.compile(r"ANSWERBY_TEST_(\w+)_\{name\}.*?for name in \((.*?)\)", re.DOTALL)


def test_the_page_names_each_variable_of_the_platform_tests():
    page = (DOCS / "contributing.md").read_text("utf-8")
    named = set(VARIABLE.findall(page))
    asked = set()
    for path in (ROOT / "tests" / "integration" / "connectors").glob("*.py"):
        source = path.read_text("utf-8")
        asked |= set(VARIABLE.findall(source))
        for platform, names in ENDINGS.findall(source):
            asked |= {f"ANSWERBY_TEST_{platform}_{name}" for name in re.findall(r'"(\w+)"', names)}
    assert named == asked


def test_the_target_runs_the_tests_of_the_marker():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = makefile.partition("\ntest-platforms:")[2].partition("\n\n")[0]
    assert "-m platform" in recipe
    assert "-rs" in recipe
