"""The page of the configuration names every key, with its default and its meaning."""

from __future__ import annotations

import re

import pytest

from answerby.server.base.config import reference
from tests.kit.places import REFERENCE

UNSET = {"None", "()", "{}"}
ROLE = re.compile(r"\(<Role\.\w+: '(\w+)'>,\)")


@pytest.mark.parametrize(("key", "default", "meaning"), reference())
def test_every_key_is_documented(key: str, default: str, meaning: str) -> None:
    lines = (REFERENCE / "configuration.md").read_text(encoding="utf-8").splitlines()

    (line,) = [line for line in lines if line.startswith(f"| `{key}` |")]
    shown, said = (cell.strip(" `") for cell in line.strip("|").split(" | ", 2)[1:])
    assert said == meaning
    assert shown == ("" if default in UNSET else ROLE.sub(r"\1", default))


def test_no_other_key_is_documented() -> None:
    text = (REFERENCE / "configuration.md").read_text(encoding="utf-8")

    rows = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(key for key, _, _ in reference())
