"""The page of invariants names a test beside each statement, the same in both languages, and leaves no test out."""

from __future__ import annotations

import importlib
import re

import pytest

from tests.kit.places import DOCS

MODULE = "tests.unit.engine.clocks.test_invariants"
NUMBER = re.compile(r"^(\d+)\. ", re.MULTILINE)
NAMED = re.compile(rf"`{MODULE.replace('.', '/')}\.py::(test_\w+)`")


@pytest.mark.parametrize("page", ["invariants.md", "invariants.zh.md"])
def test_every_statement_has_its_test(page: str) -> None:
    text = (DOCS / "explanation" / page).read_text("utf-8")
    statements = re.split(NUMBER, text)
    numbers, paragraphs = statements[1::2], statements[2::2]
    tests = [name for name in vars(importlib.import_module(MODULE)) if name.startswith("test_")]

    assert numbers == [str(number) for number in range(1, len(tests) + 1)]
    assert [NAMED.findall(paragraph) for paragraph in paragraphs] == [[name] for name in tests]


@pytest.mark.parametrize("page", ["invariants.md", "invariants.zh.md"])
def test_every_test_that_is_named_exists(page: str) -> None:
    text = (DOCS / "explanation" / page).read_text("utf-8")
    for path, name in re.findall(r"`(tests/[\w/]+)\.py::(test_\w+)`", text):
        assert hasattr(importlib.import_module(path.replace("/", ".")), name), (path, name)
