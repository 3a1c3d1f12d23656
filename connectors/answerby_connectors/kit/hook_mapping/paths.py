"""Paths into a JSON body: `ticket.tags[].name`, `fields[id=360].value`, `rows[0]`, `["a.b"].c`, `$.account.id`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

_STEP = re.compile(
    r"""
    (?P<dot>\.)?
    (?: (?P<name>[^\s.\[\]{}"=$][^\s.\[\]{}"=]*)
      | \["(?P<quoted>[^"]+)"\]
      | \[(?P<index>-?\d{1,6})\]
      | \[(?P<key>[^\s.\[\]{}"=]+)=(?P<value>[^\[\]{}"]*)\]
      | (?P<all>\[\])
    )""",
    re.VERBOSE,
)
ROOT = "$"
HELP = 'write names joined by dots, such as ticket.tags[].name, fields[id=360].value, rows[0] or ["a.b"]'


class Missing(Enum):
    """A place that the body does not have."""

    MISSING = "missing"


MISSING = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Member:
    """The member of a list whose field `key` has the value, written as text."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Every:
    """All members of a list."""


Step = str | int | Member | Every


@dataclass(frozen=True, slots=True)
class Path:
    """A place in a body, from the member that an event is made of, or from the root."""

    steps: tuple[Step, ...]
    from_root: bool = False

    def find(self, part: Any, root: Any) -> Any:
        """The value there; MISSING where the body has no such place. A null is a value."""
        return _find(self.steps, root if self.from_root else part)


def parse_path(text: str) -> Path:
    """Raises ValueError, with the form of a path."""
    rest = text.strip()
    from_root = rest.startswith(ROOT)
    if from_root:
        rest = rest.removeprefix(ROOT)
        if not rest:
            return Path((), from_root=True)
    steps: list[Step] = []
    place = 0
    while place < len(rest):
        found = _STEP.match(rest, place)
        is_first = not steps and not from_root
        if found is None or (found["dot"] is None) != (is_first or found["name"] is None):
            raise ValueError(f"{text!r} is no path; {HELP}")
        steps.append(_step(found))
        place = found.end()
    if not steps:
        raise ValueError(f"a path is empty; {HELP}")
    return Path(tuple(steps), from_root)


def _step(found: re.Match[str]) -> Step:
    if found["name"] is not None:
        return found["name"]
    if found["quoted"] is not None:
        return found["quoted"]
    if found["index"] is not None:
        return int(found["index"])
    return Every() if found["all"] is not None else Member(found["key"], found["value"])


def _find(steps: Sequence[Step], value: Any) -> Any:
    for place, step in enumerate(steps):
        match step:
            case Every():
                if not isinstance(value, list):
                    return MISSING
                found = [_find(steps[place + 1 :], member) for member in value]
                return [each for each in found if each is not MISSING]
            case Member():
                members = value if isinstance(value, list) else []
                value = next((each for each in members if _has(each, step)), MISSING)
            case int():
                inside = isinstance(value, list) and -len(value) <= step < len(value)
                value = value[step] if inside else MISSING
            case str():
                value = value.get(step, MISSING) if isinstance(value, dict) else MISSING
        if value is MISSING:
            return MISSING
    return value


def _has(member: Any, step: Member) -> bool:
    return isinstance(member, dict) and step.key in member and as_text(member[step.key]) == step.value


def as_text(value: Any) -> str:
    """The value as a table of a mapping names it: true, false, null, 1, 1.5, text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
