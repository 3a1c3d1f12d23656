"""The stand-in for a Salesforce org, for the conformance kit."""

from __future__ import annotations

from typing import Any, ClassVar

from answerby.domain.event import Value
from answerby_connectors.conformance import Answer, Call, Stage
from answerby_connectors.kit.base import Connector
from answerby_connectors.kit.notes.marker import marked
from answerby_connectors.salesforce import SalesforceConnector
from tests.kit.platforms.salesforce import ANA, CASE, CLIENT, SECRET, Salesforce


class SalesforceStage(Stage):
    reference = CASE
    payload: ClassVar[dict[str, Value]] = {**Stage.payload, "due.resolution": "2026-01-07T18:00:00+08:00"}
    settings: ClassVar[dict[str, Any]] = {"fields": {"due.resolution": "Answer_Due__c"}}
    renews = (401,)

    def __init__(self) -> None:
        self.salesforce = Salesforce()

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        own = {"client_id": CLIENT, "client_secret": SECRET, **self.settings}
        return SalesforceConnector("desk", {"url": url, "timeout": timeout, "settle": settle, **own})

    def handle(self, call: Call) -> Answer:
        return self.salesforce.handle(call)

    def writes(self, call: Call) -> bool:
        return call.method == "PATCH" or call.path.endswith("/CaseComment")

    def seen(self, effect_id: str) -> int:
        return marked(self.notes(), effect_id)

    def notes(self) -> list[str]:
        return self.salesforce.notes()

    def state(self) -> object:
        case = self.salesforce.case
        return {name: case[name] for name in ("Priority", "Type", "OwnerId", "Answer_Due__c")}

    def person_writes(self) -> list[tuple[dict[str, str], bytes]]:
        after = "On Hold" if self.salesforce.case["Status"] == "Working" else "Working"
        self.salesforce.update({"Status": after}, ANA)
        self.salesforce.say(f"at {self.salesforce.time}", ANA, published=True)
        return []
