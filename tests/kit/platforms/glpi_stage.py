"""The stand-in for a GLPI, for the conformance kit."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from answerby_connectors.conformance import Answer, Call, Stage
from answerby_connectors.glpi import GlpiConnector
from answerby_connectors.kit.base import Connector
from answerby_connectors.kit.notes.marker import marked
from tests.kit.platforms.glpi import ANA, SECRET, Glpi


class GlpiStage(Stage):
    reference = "4711"
    renews = (401,)
    settings: ClassVar[dict[str, Any]] = {
        "client": "client",
        "client_secret": "client-secret",
        "user": "answerby",
        "password": "pass-word",
        "webhook_secrets": [SECRET],
    }

    def __init__(self) -> None:
        self.glpi = Glpi()
        self._echoes: list[tuple[dict[str, str], bytes]] = []

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        return GlpiConnector("desk", {"url": url, **self.settings, "timeout": timeout, "settle": settle})

    def handle(self, call: Call) -> Answer:
        sent = len(self.glpi.hooks)
        answer = self.glpi.handle(call)
        self._echoes += self.glpi.hooks[sent:]
        return answer

    def writes(self, call: Call) -> bool:
        return call.method != "GET" and call.path != "/api.php/token"

    def seen(self, effect_id: str) -> int:
        return marked(self.notes(), effect_id)

    def notes(self) -> list[str]:
        return self.glpi.notes()

    def is_active(self, note: str) -> bool:
        """Whether there is any HTML, but for ends of lines."""
        return super().is_active(note) or re.search(r"[<>]", note.replace("<br>\n", "\n")) is not None

    def state(self) -> object:
        return self.glpi.ticket["priority"], self.glpi.ticket["category"], sorted(self.glpi.assigned())

    def person_writes(self) -> list[tuple[dict[str, str], bytes]]:
        self.glpi.update({"status": 4}, ANA)
        self.glpi.say("since when?", ANA)
        return self.glpi.hooks[-2:]

    def echoes(self) -> list[tuple[dict[str, str], bytes]]:
        return self._echoes
