"""A small right rule folder, and what the loader says of changes to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from answerby.rules.loader import LoadResult, load_texts
from answerby.rules.text.rule_folder import RuleText

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def base() -> Mapping[str, str]:
    """The files of the right folder: path to text."""
    return {path.name: path.read_text("utf-8") for path in sorted((HERE / "base").glob("*.yaml"))}


@pytest.fixture(scope="session")
def load(base: Mapping[str, str]) -> Callable[..., LoadResult]:
    """Loads the right folder with some files replaced or added (None: left out)."""

    def load_changed(changes: Mapping[str, str | None] | None = None, today: date | None = None) -> LoadResult:
        files = {**base, **(changes or {})}
        texts = (
            RuleText(path, text, hashlib.sha256(text.encode()).hexdigest())
            for path, text in files.items()
            if text is not None
        )
        return load_texts(texts, today)

    return load_changed
