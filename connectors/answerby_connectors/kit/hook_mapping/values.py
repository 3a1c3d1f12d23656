"""Values of a mapping: constants, texts with places, value tables, and times of every form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from answerby_connectors.kit.hook_mapping.paths import MISSING, Path, as_text, parse_path

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
"""Two braces that stand for one, or a place."""
EPOCH_SECONDS, EPOCH_MILLISECONDS, ISO = "epoch", "epoch_ms", "iso"
_LARGEST_EPOCH = 7_258_118_400
"""The year 2200 in seconds."""


@dataclass(frozen=True, slots=True)
class Template:
    """Constant texts with places between them. One place alone keeps the kind of its value, such as a list."""

    parts: tuple[str | Path, ...]

    def find(self, part: Any, root: Any) -> Any:
        """The value; MISSING when the body lacks one of the places."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Path):
            return self.parts[0].find(part, root)
        texts = []
        for each in self.parts:
            value = each.find(part, root) if isinstance(each, Path) else each
            if value is MISSING or value is None:
                return MISSING
            texts.append(as_text(value))
        return "".join(texts)


def parse_template(text: str) -> Template:
    """A text with `{path}` in it; two braces stand for one. Raises ValueError."""
    parts: list[str | Path] = []
    plain = ""
    end = 0
    for token in _TOKEN.finditer(text):
        plain += _plain(text[end : token.start()])
        end = token.end()
        if token[1] is None:
            plain += token[0][0]
            continue
        if plain:
            parts.append(plain)
            plain = ""
        parts.append(parse_path(token[1]))
    plain += _plain(text[end:])
    if plain or not parts:
        parts.append(plain)
    return Template(tuple(parts))


def _plain(text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError("a brace has no other; write {path} for a place, and {{ or }} for a brace itself")
    return text


@dataclass(frozen=True, slots=True)
class TimeForm:
    """How a platform writes a time. `zone` holds for times without an offset."""

    form: str = ISO
    zone: tzinfo = UTC

    def read(self, value: Any) -> datetime:
        """The moment, in UTC. Raises ValueError."""
        if self.form in (EPOCH_SECONDS, EPOCH_MILLISECONDS):
            return self._epoch(value)
        if not isinstance(value, str):
            raise ValueError("is no text")  # noqa: TRY004 - one error for every wrong time
        text = value.strip()
        moment = datetime.fromisoformat(text) if self.form == ISO else datetime.strptime(text, self.form)  # noqa: DTZ007
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=self.zone)).astimezone(UTC)

    def _epoch(self, value: Any) -> datetime:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError("is no number")  # noqa: TRY004 - one error for every wrong time
        seconds = float(value) / (1000 if self.form == EPOCH_MILLISECONDS else 1)
        if not 0 <= seconds < _LARGEST_EPOCH:
            raise ValueError("is no time between the years 1970 and 2199")
        return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True, slots=True)
class ValueSource:
    """Where a value comes from, and what becomes of it."""

    constant: Any = MISSING
    template: Template | None = None
    table: Mapping[str, Any] = field(default_factory=dict)
    """Value of the platform, as text -> ours. A value that the table lacks goes through as it is."""
    otherwise: Any = MISSING
    """For a value that the table lacks."""
    default: Any = MISSING
    """For a place that the body lacks, and for null."""
    time: TimeForm | None = None

    def find(self, part: Any, root: Any) -> Any:
        """The value; MISSING when the body lacks it. Raises ValueError for a time that cannot be read."""
        value = self.constant if self.template is None else self.template.find(part, root)
        if value is MISSING or value is None:
            return self.default
        if isinstance(value, list):
            return [self._mapped(each) for each in value]
        value = self._mapped(value)
        if self.time is None or value is MISSING:
            return value
        return self.time.read(value).isoformat()

    def _mapped(self, value: Any) -> Any:
        if not self.table:
            return value
        return self.table.get(as_text(value), value if self.otherwise is MISSING else self.otherwise)
