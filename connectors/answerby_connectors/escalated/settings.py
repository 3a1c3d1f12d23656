"""The settings of the escalated connector."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from answerby.domain.event import EventType
from answerby_connectors.kit.base import Settings

PRIORITIES = {"P0": "critical", "P1": "high", "P2": "medium"}
PRIORITIES_BACK = {"critical": "P0", "urgent": "P0", "high": "P1", "medium": "P2", "low": "P2"}
STATUSES = {
    "in_progress": EventType.ACCEPTED,
    "waiting_on_customer": EventType.ON_HOLD,
    "waiting_on_agent": EventType.RESUMED,
    "resolved": EventType.COMPLETED,
    "closed": EventType.CLOSED,
    "reopened": EventType.REOPENED,
}
CHANNELS = {"api": "other", "chat": "website"}
FACTS = {
    "subject": "text.subject",
    "body": "text.body",
    "channel": "channel",
    "customer": "customer.id",
    "name": "contact.name",
    "email": "contact.email",
    "priority_by_hand": "override.priority",
    "department_by_hand": "override.department",
}


class EscalatedSettings(Settings):
    url: str
    token: str = Field(min_length=1, repr=False)
    webhook_secrets: tuple[str, ...] = Field((), repr=False)
    source: str = ""
    priorities: Mapping[str, str] = PRIORITIES
    priorities_back: Mapping[str, str] = {}
    departments: Mapping[str, str] = {}
    statuses: Mapping[str, str] = STATUSES
    channels: Mapping[str, str] = CHANNELS
    facts: Mapping[str, str] = {}
    note_flags: bool = Field(False, description="Notes of decisions name what was refused, in doubt or missing.")
    timeout: float = Field(30.0, gt=0, le=300, description="Seconds.")

    def fact(self, name: str) -> str:
        """The vocabulary's name of a value that we read. Empty: the value is left out."""
        return self.facts.get(name, FACTS.get(name, ""))

    def our_priority(self, theirs: str) -> str | None:
        """Our priority for a value of theirs. Without a reverse mapping, the first priority that maps to the value."""
        if theirs in self.priorities_back:
            return self.priorities_back[theirs]
        ours = next((mine for mine, value in self.priorities.items() if value == theirs), None)
        return PRIORITIES_BACK.get(theirs) if ours is None else ours

    def same_priority(self, ours: str, theirs: str) -> bool:
        """Whether their value matches ours already. A manual `urgent` need not become `critical`."""
        return self.priorities.get(ours) == theirs or self.our_priority(theirs) == ours

    def our_department(self, theirs: str) -> str:
        return next((mine for mine, value in self.departments.items() if value == theirs), theirs)
