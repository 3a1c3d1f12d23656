"""What the page of a connector tells, in either language: a configuration, and the table of statuses."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.kit.places import DOCS


def page_texts(name: str) -> Any:
    """A fixture `text`: the page of this connector, in English and in Chinese."""
    pages = [DOCS / "howto" / f"{name}{language}.md" for language in ("", ".zh")]

    @pytest.fixture(params=pages, ids=lambda page: page.name, name="text")
    def text(request: pytest.FixtureRequest) -> str:
        return request.param.read_text("utf-8")

    return text


def told_entry(text: str, secret: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The entry of the configuration, and its settings with a secret in place of the file that holds it."""
    (entry,) = tomllib.loads(re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1])["connectors"]
    settings = {**entry["settings"], secret: "s"}
    del settings[f"{secret}_file"]
    return entry, settings


def told_statuses(text: str, first: str) -> dict[str, str]:
    """The row of statuses that begins with `first`: their statuses, and the event that each brings."""
    row = re.search(rf"^\| ({first}[,、].*?) \| (.*?) \|$", text, re.MULTILINE)
    statuses, events = re.split(r", |、", row[1]), re.findall(r"`([\w.]+)`", row[2])
    return dict(zip(statuses, events, strict=True))
