"""The settings of the escalated connector."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from answerby_connectors.kit.settings import DeskSettings

PRIORITIES = {"P0": "critical", "P1": "high", "P2": "medium"}
CHANNELS = {"api": "other", "chat": "website"}


class EscalatedSettings(DeskSettings):
    token: str = Field(min_length=1, repr=False)
    webhook_secrets: tuple[str, ...] = Field((), repr=False)
    priorities: Mapping[str, str] = PRIORITIES
    priorities_back: Mapping[str, str] = {}
    departments: Mapping[str, str] = {}
    channels: Mapping[str, str] = CHANNELS
    timeout: float = Field(30.0, gt=0, le=300, description="Seconds.")
