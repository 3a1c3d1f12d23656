"""The stand-in for a HubSpot, for the conformance kit."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from answerby.domain.event import Value
from answerby_connectors.conformance import Answer, Call, Stage
from answerby_connectors.hubspot import HubSpotConnector
from answerby_connectors.kit.base import Connector
from answerby_connectors.kit.notes.marker import marked
from tests.kit.platforms.hubspot import HOOK, SECRET, TOKEN, HubSpot, signed


class HubSpotStage(Stage):
    reference = "4711"
    payload: ClassVar[dict[str, Value]] = {**Stage.payload, "due.resolution": "2026-01-07T18:00:00+08:00"}
    settings: ClassVar[dict[str, Any]] = {"fields": {"department": "hs_pipeline", "due.resolution": "answer_due"}}

    def __init__(self) -> None:
        self.hubspot = HubSpot()

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        hooks = {"webhook_url": HOOK, "webhook_secrets": [SECRET]}
        settings = {"url": url, "token": TOKEN, "timeout": timeout, "settle": settle, **hooks, **self.settings}
        return HubSpotConnector("desk", settings)

    def handle(self, call: Call) -> Answer:
        return self.hubspot.handle(call)

    def writes(self, call: Call) -> bool:
        return call.method == "PATCH" or call.path == "/crm/v3/objects/notes"

    def seen(self, effect_id: str) -> int:
        return marked(self.notes(), effect_id)

    def notes(self) -> list[str]:
        return self.hubspot.notes()

    def is_active(self, note: str) -> bool:
        """Whether there is any HTML, but for ends of lines."""
        return super().is_active(note) or re.search(r"[<>]", note.replace("<br>\n", "\n")) is not None

    def state(self) -> object:
        return self.hubspot.properties

    def person_writes(self) -> list[tuple[dict[str, str], bytes]]:
        after = "HIGH" if self.hubspot.properties["hs_ticket_priority"] != "HIGH" else "MEDIUM"
        self.hubspot.by_ana(hs_ticket_priority=after)
        return [signed(self.hubspot.hooks[-1:])]

    def echoes(self) -> list[tuple[dict[str, str], bytes]]:
        return [signed([one for one in self.hubspot.hooks if one["changeSource"] == "INTEGRATION"])]
