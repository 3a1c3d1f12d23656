"""Alerts: notices and cases in force. A notice is sent once, when its alert begins, and not at every event."""

from __future__ import annotations

URGENT, ACKNOWLEDGE = GRADES = ("urgent", "acknowledge")
"""What makes a message stronger than another of the same words: it waits for nothing; somebody must acknowledge it."""


class Alert:
    """One alert in force. Alerts with equal codes are equal."""

    __slots__ = ("code",)

    def __init__(self, code: str) -> None:
        self.code = code
        """The alert as stored states have it. Alerts are ordered by code."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alert) and self.code == other.code

    def __hash__(self) -> int:
        return hash(self.code)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r})"


class NoticeAlert(Alert):
    """A message to a role, by its template."""

    __slots__ = ("role", "template")

    def __init__(self, template: str, role: str) -> None:
        self.code = f"notify:{template}:{role}"
        self.template = template
        self.role = role


class GradeAlert(Alert):
    """A strong message to a role: a weaker one does not stand for it. Only of messages that come in several grades."""

    __slots__ = ()

    def __init__(self, grade: str, template: str, role: str) -> None:
        self.code = f"{grade}:{template}:{role}"


class CaseAlert(Alert):
    """A case that was opened."""

    __slots__ = ("case",)

    def __init__(self, case: str) -> None:
        self.code = f"case:{case}"
        self.case = case


def alert_of(code: str) -> Alert:
    """The alert with this code. Raises ValueError for a text that is no code."""
    kind, _, rest = code.partition(":")
    if kind == "case":
        return CaseAlert(rest)
    template, between, role = rest.rpartition(":")
    if kind not in ("notify", *GRADES) or not between:
        raise ValueError(f"{code!r} is no alert")
    return NoticeAlert(template, role) if kind == "notify" else GradeAlert(kind, template, role)
