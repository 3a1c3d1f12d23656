"""The django-helpdesk of the conformance kit."""

from __future__ import annotations

import re
from typing import ClassVar

from answerby.domain.event import Value
from answerby_connectors.conformance import Answer, Call, Stage
from answerby_connectors.django_helpdesk import DjangoHelpdeskConnector
from answerby_connectors.kit.base import Connector
from answerby_connectors.kit.notes.marker import MARKER, marked
from tests.kit.platforms.django_helpdesk import ANA, BOT, QUEUES, SECRET, TOKEN, DjangoHelpdesk


class DjangoHelpdeskStage(Stage):
    reference = "4711"
    payload: ClassVar[dict[str, Value]] = {**Stage.payload, "due.resolution": "2026-01-07T18:00:00+08:00"}
    signs_bodies = False

    def __init__(self) -> None:
        self.desk = DjangoHelpdesk()
        self.desk.new()
        self._echoes: list[tuple[dict[str, str], bytes]] = []

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        settings = {"url": f"{url}/api", "token": TOKEN, "account": BOT, "queues": QUEUES}
        fields = {"category": "custom_category"}
        times = {"timeout": timeout, "settle": settle}
        return DjangoHelpdeskConnector("desk", {**settings, **times, "fields": fields, "webhook_secrets": [SECRET]})

    def handle(self, call: Call) -> Answer:
        sent = len(self.desk.hooks)
        answer = self.desk.handle(call)
        self._echoes += self.desk.hooks[sent:]
        return answer

    def seen(self, effect_id: str) -> int:
        return marked(self.notes(), effect_id)

    def notes(self) -> list[str]:
        return self.desk.notes()

    def is_active(self, note: str) -> bool:
        """Whether anything has a meaning in Markdown, to Django or as a link to a ticket, but for our mark."""
        text = re.sub(r"&(?:amp|lt|#[0-9]+);", "", MARKER.sub("", note))
        return super().is_active(note) or re.search(r"(?<!\\)(?:\\\\)*[<>*_`#\[\]!{}&~=]", text) is not None

    def state(self) -> object:
        ticket = self.desk.tickets[4711]
        return {name: ticket[name] for name in ("priority", "queue", "assigned_to", "due_date", "custom_category")}

    def person_writes(self) -> list[tuple[dict[str, str], bytes]]:
        self.desk.say(4711, ANA, f"at {self.desk.time}", public=True)
        return self.desk.hooks[-1:]

    def echoes(self) -> list[tuple[dict[str, str], bytes]]:
        return self._echoes
