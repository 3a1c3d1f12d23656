"""The page about webhooks names every scheme of signatures, and every key of a mapping."""

from __future__ import annotations

import re

import pytest

from answerby_connectors.kit.hook_mapping.reader import EVENT_KEYS, VALUE_KEYS
from answerby_connectors.kit.signing.signature_schemes import NAMES
from tests.kit.places import DOCS


@pytest.mark.parametrize("ending", ["", ".zh"])
def test_every_scheme_and_every_key_is_named(ending: str) -> None:
    page = (DOCS / "howto" / f"receive-webhooks-from-anything{ending}.md").read_text("utf-8")
    named = set(re.findall(r"`([\w.\[\]-]+)`", page))
    assert {*NAMES} <= named
    assert {*VALUE_KEYS} <= named
    assert {*EVENT_KEYS, "source", "zone"} - {"when"} <= named
    assert "events[].when" in named
