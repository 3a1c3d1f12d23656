"""A Request Tracker with one ticket, for the conformance kit."""

from __future__ import annotations

from typing import ClassVar

from answerby.domain.event import Value
from answerby_connectors.conformance import Answer, Call, Stage
from answerby_connectors.kit.base import Connector
from answerby_connectors.kit.notes.marker import marked
from answerby_connectors.rt import RtConnector
from tests.kit.platforms.rt import ANA, BOT, TOKEN, WANG, Rt


class RtStage(Stage):
    reference = "4711"
    payload: ClassVar[dict[str, Value]] = {**Stage.payload, "due.resolution": "2026-01-07T18:00:00+08:00"}

    def __init__(self) -> None:
        self.rt = Rt()
        self.rt.new()

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        settings = {"url": url, "account": BOT, "token": TOKEN, "timeout": timeout, "settle": settle}
        return RtConnector("desk", {**settings, "fields": {"category": "cf_2"}})

    def handle(self, call: Call) -> Answer:
        return self.rt.handle(call)

    def seen(self, effect_id: str) -> int:
        return marked(self.notes(), effect_id)

    def notes(self) -> list[str]:
        return self.rt.notes()

    def state(self) -> object:
        ticket = self.rt.tickets[4711]
        return {name: ticket[name] for name in ("Priority", "Queue", "Owner", "Due", "Status", "custom")}

    def person_writes(self) -> list[tuple[dict[str, str], bytes]]:
        self.rt.say(4711, WANG, f"at {self.rt.time}")
        self.rt.update(4711, {"Status": "stalled", "Priority": "50"}, ANA)
        return []
