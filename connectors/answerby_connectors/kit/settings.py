"""The settings that every connector to a ticket platform has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field as Setting

from answerby_connectors.kit.base import Settings

FACTS = {
    "subject": "text.subject",
    "body": "text.body",
    "channel": "channel",
    "customer": "customer.id",
    "name": "contact.name",
    "email": "contact.email",
}
"""What platforms tell of a request, and the facts of the vocabulary for it."""
SETTLE = 5.0
"""The seconds beyond the timeout in which a write without an answer may still land."""


class DeskSettings(Settings):
    """The settings of every ticket platform."""

    url: str
    source: str = Setting("", description="Source of the events; by default the type and the connector's name.")
    timeout: float = Setting(10.0, gt=0, le=300, description="Seconds to wait for each answer.")
    settle: float | None = Setting(
        None, ge=0, le=600, description="Seconds until a write without an answer has landed; default timeout + 5."
    )
    allow_private: bool = Setting(True, description="Whether the platform may be at a private address.")
    authorities: Path | None = Setting(None, description="PEM file of the authorities that the platform's TLS needs.")
    note_flags: bool = Setting(False, description="Notes of decisions name what was refused, in doubt or missing.")
    statuses: Mapping[str, str] = Setting({}, description="Their status -> our event type.")
    fields: Mapping[str, str] = Setting({}, description="Our value -> their field; empty leaves the value out.")
    values: Mapping[str, Mapping[str, str]] = Setting({}, description="Our field -> our value -> their name for it.")
    values_back: Mapping[str, Mapping[str, str]] = Setting(
        {}, description="Our field -> their name -> our value, for what a person sets; default the reverse of `values`."
    )
    facts: Mapping[str, str] = Setting({}, description="Value at the platform -> our fact; empty leaves it out.")
    by_hand: tuple[str, ...] = Setting(
        ("category", "priority", "department"), description="Our fields whose change by a person is an override."
    )

    @property
    def settling(self) -> float:
        """Seconds until a write without an answer has landed."""
        return self.timeout + SETTLE if self.settle is None else self.settle
