"""Message templates: `{name}` placeholders filled from a decision, in every language that the template has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from answerby.domain.event import Value
from answerby.domain.message_words import INSTANT, INSTANTS, instant_words, span_words

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^\W\d]\w*(?:\.\w+)*)(?:\|(\w+))?\}")
"""`{{` and `}}` are braces themselves. `{name|form}` asks for a form of a time."""


class Segment(NamedTuple):
    """A piece of a template: its text, and for a placeholder the name of the value and how it is shown."""

    text: str
    name: str = ""
    shape: str = ""
    """Empty: as it is. `instant`, or a form of answerby.domain.message_words."""


Template = tuple[tuple[str, tuple[Segment, ...]], ...]
"""The language and the pieces, for every language of a template."""


def compile_template(languages: Mapping[str, str], instants: frozenset[str] = frozenset()) -> Template:
    """The template. `instants` are the names of facts that are instants."""
    return tuple((language, tuple(segments(text, instants))) for language, text in sorted(languages.items()))


def segments(text: str, instants: frozenset[str]) -> Iterator[Segment]:
    end = 0
    for match in PLACEHOLDER.finditer(text):
        yield Segment(text[end : match.start()])
        name = match[1]
        if not name:
            yield Segment(match[0][0])
        else:
            default = INSTANT if name in INSTANTS or name in instants else ""
            yield Segment(match[0], name, match[2] or default)
        end = match.end()
    yield Segment(text[end:])


def render(template: Template, values: Mapping[str, Value], zone: tzinfo = UTC) -> dict[str, Value]:
    """`text.<language>` for every language, with instants in the local time of `zone`.

    A placeholder without a value stays as it is. The number of a new request is one: the commit allocates it, and
    delivery fills it in.
    """
    return {
        f"text.{language}": "".join(
            [fill(segment, values, language, zone) if segment.name else segment.text for segment in pieces]
        )
        for language, pieces in template
    }


def fill(placeholder: Segment, values: Mapping[str, Value], language: str, zone: tzinfo) -> str:
    value = values.get(placeholder.name)
    if value in (None, ""):
        return placeholder.text
    if placeholder.shape:
        return _in_shape(value, placeholder.shape, language, zone)
    return ", ".join(value) if isinstance(value, list) else str(value)


def _in_shape(value: Value, shape: str, language: str, zone: tzinfo) -> str:
    """The value in a form. A dash, which stands for no value, stays as it is."""
    if isinstance(value, int | float):
        return span_words(int(value), language)
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return instant_words(instant.astimezone(zone), language, shape)
