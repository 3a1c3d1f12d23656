"""Message templates: `{name}` placeholders filled from a decision, in every language that the template has."""

from __future__ import annotations

import re
from collections.abc import Mapping

from service.domain.event import Value
from service.rules.model import Rulebook

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^\W\d]\w*(?:\.\w+)*)\}")
"""`{{` and `}}` are braces themselves."""


def render(rulebook: Rulebook, template: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """`text.<language>` for every language. An unknown or not yet known placeholder stays as it is:
    the request number is allocated when the decision is committed, and filled in on delivery.
    """
    languages = rulebook.templates.get(template, {})
    return {f"text.{language}": fill(text, values) for language, text in sorted(languages.items())}


def fill(text: str, values: Mapping[str, Value]) -> str:
    def value_of(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        value = values.get(match[1])
        if value in (None, ""):
            return match[0]
        return ", ".join(value) if isinstance(value, list) else str(value)

    return PLACEHOLDER.sub(value_of, text)
