"""The stand-in for a Jira, for the conformance kit."""

from __future__ import annotations

from typing import Any, ClassVar

from answerby.domain.event import Value
from answerby_connectors.conformance import Answer, Call, Stage
from answerby_connectors.jira import JiraConnector
from answerby_connectors.kit.base import Connector
from answerby_connectors.kit.notes.marker import marked
from tests.kit.platforms.jira import ANA, EMAIL, ISSUE, SECRET, TOKEN, Jira


class JiraStage(Stage):
    reference = ISSUE
    payload: ClassVar[dict[str, Value]] = {**Stage.payload, "due.resolution": "2026-01-07T18:00:00+08:00"}
    settings: ClassVar[dict[str, Any]] = {"fields": {"department": "Support group"}}

    def __init__(self) -> None:
        self.jira = Jira()
        self._echoes: list[tuple[dict[str, str], bytes]] = []

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        account = {"email": EMAIL, "token": TOKEN, "projects": ["CSR"], "webhook_secrets": [SECRET]}
        return JiraConnector("desk", {"url": url, "timeout": timeout, "settle": settle, **account, **self.settings})

    def handle(self, call: Call) -> Answer:
        sent = len(self.jira.hooks)
        answer = self.jira.handle(call)
        self._echoes += self.jira.hooks[sent:]
        return answer

    def writes(self, call: Call) -> bool:
        return call.method != "GET" and call.path != "/rest/api/3/search/jql"

    def seen(self, effect_id: str) -> int:
        return marked(self.notes(), effect_id)

    def notes(self) -> list[str]:
        return self.jira.notes()

    def state(self) -> object:
        return {name: value for name, value in self.jira.fields.items() if name != "status"}

    def person_writes(self) -> list[tuple[dict[str, str], bytes]]:
        after = "In Progress" if self.jira.fields["status"] != "In Progress" else "Waiting for customer"
        self.jira.move(after, ANA)
        return self.jira.hooks[-1:]

    def echoes(self) -> list[tuple[dict[str, str], bytes]]:
        return self._echoes
