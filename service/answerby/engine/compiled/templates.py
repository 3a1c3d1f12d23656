"""Message templates: `{name}` placeholders filled from a decision, in every language that the template has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from answerby.domain.event import Value

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^\W\d]\w*(?:\.\w+)*)\}")
"""`{{` and `}}` are braces themselves."""


class Segment(NamedTuple):
    """A piece of a template: its text, and for a placeholder the name of the value."""

    text: str
    name: str = ""


Template = tuple[tuple[str, tuple[Segment, ...]], ...]
"""`text.<language>` and the pieces, for every language of a template."""


def compile_template(languages: Mapping[str, str]) -> Template:
    return tuple((f"text.{language}", tuple(segments(text))) for language, text in sorted(languages.items()))


def segments(text: str) -> Iterator[Segment]:
    end = 0
    for match in PLACEHOLDER.finditer(text):
        yield Segment(text[end : match.start()])
        yield Segment(match[0], match[1]) if match[1] else Segment(match[0][0])
        end = match.end()
    yield Segment(text[end:])


def render(template: Template, values: Mapping[str, Value]) -> dict[str, Value]:
    """`text.<language>` for every language. A placeholder without a value stays as it is.

    The number of a new request is one: the commit allocates it, and delivery fills it in.
    """
    return {
        key: "".join([fill(segment, values) if segment.name else segment.text for segment in pieces])
        for key, pieces in template
    }


def fill(placeholder: Segment, values: Mapping[str, Value]) -> str:
    value = values.get(placeholder.name)
    if value in (None, ""):
        return placeholder.text
    return ", ".join(value) if isinstance(value, list) else str(value)
