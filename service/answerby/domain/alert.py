"""Alerts: what the rules want told or opened, in force as long as a rule asks for it, so that it is done once."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Alert(ABC):
    """One alert in force. Equal codes are equal alerts; alerts are ordered by their codes."""

    __slots__ = ()

    @property
    @abstractmethod
    def code(self) -> str:
        """The alert as stored states have it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alert) and self.code == other.code

    def __hash__(self) -> int:
        return hash(self.code)

    def __lt__(self, other: Alert) -> bool:
        return self.code < other.code

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r})"


class NoticeAlert(Alert):
    """A message to a role, by its template."""

    __slots__ = ("role", "template")

    def __init__(self, template: str, role: str) -> None:
        self.template = template
        self.role = role

    @property
    def code(self) -> str:
        return f"notify:{self.template}:{self.role}"


class CaseAlert(Alert):
    """A case that was opened."""

    __slots__ = ("case",)

    def __init__(self, case: str) -> None:
        self.case = case

    @property
    def code(self) -> str:
        return f"case:{self.case}"


def alert_of(code: str) -> Alert:
    """The alert with this code. Raises ValueError for a text that is none."""
    kind, _, rest = code.partition(":")
    if kind == "case":
        return CaseAlert(rest)
    template, between, role = rest.rpartition(":")
    if kind != "notify" or not between:
        raise ValueError(f"{code!r} is no alert")
    return NoticeAlert(template, role)
