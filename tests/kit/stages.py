"""The platforms of the connectors that ship, for the conformance kit."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from answerby.domain.event import Value
from answerby_connectors.chatwoot import ChatwootConnector
from answerby_connectors.conformance import Answer, Call, Stage
from answerby_connectors.escalated import EscalatedConnector
from answerby_connectors.file.connector import FileConnector
from answerby_connectors.freshdesk import FreshdeskConnector
from answerby_connectors.kit.base import Connector
from answerby_connectors.kit.notes.marker import MARKER, marked
from answerby_connectors.redmine import RedmineConnector
from answerby_connectors.webhook.connector import WebhookConnector
from answerby_connectors.zammad import ZammadConnector
from answerby_connectors.zendesk import ZendeskConnector
from tests.kit.platforms.chatwoot import ACCOUNT, Chatwoot
from tests.kit.platforms.chatwoot import SECRET as CHATWOOT_SECRET
from tests.kit.platforms.chatwoot import TOKEN as CHATWOOT_TOKEN
from tests.kit.platforms.freshdesk import KEY as FRESHDESK_KEY
from tests.kit.platforms.freshdesk import NUMBER, Freshdesk
from tests.kit.platforms.help_desk import AGENT, BOT, HelpDesk
from tests.kit.platforms.redmine import ANA, KEY, Redmine
from tests.kit.platforms.zammad import ANA as ZAMMAD_ANA
from tests.kit.platforms.zammad import SECRET as ZAMMAD_SECRET
from tests.kit.platforms.zammad import TOKEN as ZAMMAD_TOKEN
from tests.kit.platforms.zammad import Zammad, html_of
from tests.kit.platforms.zendesk import ANA as ZENDESK_ANA
from tests.kit.platforms.zendesk import EMAIL, TOKEN, Zendesk

SECRET = "hook secret"


class FileStage(Stage):
    reference = "CRM-1"
    speaks_http = False

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp()
        self._path = Path(self._folder) / "effects.jsonl"

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        return FileConnector("out", {"path": str(self._path), "fsync": False})

    def seen(self, effect_id: str) -> int:
        lines = self._path.read_bytes().split(b"\n")[:-1] if self._path.exists() else []
        return sum(json.loads(line)["effect_id"] == effect_id for line in lines)

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        Path(self._folder).rmdir()


class WebhookStage(Stage):
    """A receiver that counts posts, and does not drop repeats."""

    reference = "CRM-1"
    settles = False
    passes = (429, 500, 503)

    def __init__(self) -> None:
        self._got: list[str] = []

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        secret = "whsec_" + "QUJD" * 10
        return WebhookConnector("out", {"url": url, "secrets": [secret], "timeout": timeout, "allow_private": True})

    def handle(self, call: Call) -> Answer:
        assert call.json["id"] == call.headers["webhook-id"]
        self._got.append(call.headers["webhook-id"])
        return Answer(202)

    def seen(self, effect_id: str) -> int:
        return self._got.count(effect_id)


class EscalatedStage(Stage):
    reference = "ESC-A1B2C3"

    def __init__(self) -> None:
        self.desk = HelpDesk()
        self._echoes: list[tuple[dict[str, str], bytes]] = []

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        settings = {"token": "secret-token", "webhook_secrets": [SECRET], "timeout": timeout, "settle": settle}
        return EscalatedConnector("desk", {"url": f"{url}/api", **settings})

    def handle(self, call: Call) -> Answer:
        before = self.desk.ticket["priority"]
        answer = self.desk.handle(call)
        action = call.path.strip("/").split("/")[-1]
        if answer.status < 400 and action == "reply":
            self._echo("note.created", reply_id=answer.content["data"]["id"])
        if answer.status < 400 and action == "priority":
            self._echo("ticket.priority_changed", old_priority=before, new_priority=self.desk.ticket["priority"])
        if answer.status < 400 and action == "macro":
            self._echo("ticket.department_changed", new_department_id=self.desk.ticket["department"]["id"])
        return answer

    def writes(self, call: Call) -> bool:
        return call.method != "GET" and not call.path.endswith("/validate/")

    def seen(self, effect_id: str) -> int:
        return marked(self.desk.notes, effect_id)

    def notes(self) -> list[str]:
        return self.desk.notes

    def state(self) -> object:
        return self.desk.ticket["priority"], self.desk.ticket["department"], self.desk.tag_names

    def person_writes(self) -> list[tuple[dict[str, str], bytes]]:
        before = self.desk.ticket["priority"]
        after = "high" if before == "medium" else "medium"
        self.desk.ticket["priority"] = after
        self.desk.log("priority_changed", {"old_priority": before, "new_priority": after}, AGENT)
        return [self._signed("ticket.priority_changed", AGENT["id"], old_priority=before, new_priority=after)]

    def echoes(self) -> list[tuple[dict[str, str], bytes]]:
        return self._echoes

    def _echo(self, event: str, **payload: Any) -> None:
        self._echoes.append(self._signed(event, BOT["id"], **payload))

    def _signed(self, event: str, user: int, **payload: Any) -> tuple[dict[str, str], bytes]:
        content = {"ticket_id": 1, "reference": self.reference, "user_id": user, **payload}
        body = json.dumps({"event": event, "payload": content, "timestamp": "2026-01-05T03:00:00+00:00"}).encode()
        return {"X-Escalated-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}, body


class RedmineStage(Stage):
    reference = "4711"
    payload: ClassVar[dict[str, Value]] = {**Stage.payload, "due.resolution": "2026-01-07T18:00:00+08:00"}

    def __init__(self) -> None:
        self.redmine = Redmine()
        self.redmine.new()

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        return RedmineConnector("desk", {"url": url, "key": KEY, "timeout": timeout, "settle": settle})

    def handle(self, call: Call) -> Answer:
        return self.redmine.handle(call)

    def seen(self, effect_id: str) -> int:
        return marked(self.notes(), effect_id)

    def notes(self) -> list[str]:
        return self.redmine.notes(4711)

    def is_active(self, note: str) -> bool:
        """Whether anything has a meaning in CommonMark, but for ends of lines and our mark."""
        text = MARKER.sub("", note.replace("\\\n", "\n"))
        return super().is_active(note) or re.search(r"(?<!\\)(?:\\\\)*[<>*_`#\[\]!{|]", text) is not None

    def state(self) -> object:
        issue = self.redmine.issues[4711]
        return {name: issue.get(name) for name in ("priority", "category", "assigned_to", "due_date")}

    def person_writes(self) -> list[tuple[dict[str, str], bytes]]:
        self.redmine.update(4711, {"notes": f"at {self.redmine.time}", "status_id": 2}, ANA)
        return []


class FreshdeskStage(Stage):
    reference = "4711"
    payload: ClassVar[dict[str, Value]] = {
        **Stage.payload,
        "due.resolution": "2097-01-07T18:00:00+08:00",
        "tags": ["vip-customer", "battery"],
    }

    def __init__(self) -> None:
        self.freshdesk = Freshdesk()
        self.freshdesk.new()

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        return FreshdeskConnector("desk", {"url": url, "key": FRESHDESK_KEY, "timeout": timeout, "settle": settle})

    def handle(self, call: Call) -> Answer:
        return self.freshdesk.handle(call)

    def seen(self, effect_id: str) -> int:
        return marked(self.notes(), effect_id)

    def notes(self) -> list[str]:
        return self.freshdesk.notes()

    def is_active(self, note: str) -> bool:
        """Whether anything is HTML but for ends of lines."""
        return super().is_active(note) or re.search(r"[<>\"']", note.replace("<br>", "")) is not None

    def state(self) -> object:
        ticket = self.freshdesk.tickets[NUMBER]
        return {name: ticket[name] for name in ("priority", "type", "group_id", "due_by", "fr_due_by", "tags")}

    def person_writes(self) -> list[tuple[dict[str, str], bytes]]:
        self.freshdesk.say(NUMBER, 7, f"at {self.freshdesk.time}")
        self.freshdesk.update(NUMBER, {"status": 3})
        return []


class ZendeskStage(Stage):
    reference = "4711"
    payload: ClassVar[dict[str, Value]] = {**Stage.payload, "due.resolution": "2026-01-07T18:00:00+08:00"}

    def __init__(self) -> None:
        self.zendesk = Zendesk()

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        settings = {"url": url, "email": EMAIL, "token": TOKEN, "timeout": timeout, "settle": settle}
        return ZendeskConnector("desk", settings)

    def handle(self, call: Call) -> Answer:
        return self.zendesk.handle(call)

    def seen(self, effect_id: str) -> int:
        return marked(self.notes(), effect_id)

    def notes(self) -> list[str]:
        return self.zendesk.notes()

    def is_active(self, note: str) -> bool:
        """Whether there is any HTML, but for ends of lines."""
        return super().is_active(note) or re.search(r"[<>]", note.replace("<br>\n", "\n")) is not None

    def state(self) -> object:
        return {name: self.zendesk.ticket[name] for name in ("priority", "tags", "group_id", "due_at", "type")}

    def person_writes(self) -> list[tuple[dict[str, str], bytes]]:
        after = "pending" if self.zendesk.ticket["status"] == "open" else "open"
        self.zendesk.update({"status": after, "comment": {"html_body": after, "public": True}}, ZENDESK_ANA)
        return []


class ZammadStage(Stage):
    reference = "4711"
    payload: ClassVar[dict[str, Value]] = {**Stage.payload, "due.resolution": "2026-01-07T18:00:00+08:00"}

    def __init__(self) -> None:
        self.zammad = Zammad()
        self._echoes: list[tuple[dict[str, str], bytes]] = []

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        settings = {"url": url, "token": ZAMMAD_TOKEN, "webhook_secrets": [ZAMMAD_SECRET], "timeout": timeout}
        return ZammadConnector("desk", {**settings, "settle": settle})

    def handle(self, call: Call) -> Answer:
        sent = len(self.zammad.hooks)
        answer = self.zammad.handle(call)
        self._echoes += self.zammad.hooks[sent:]
        return answer

    def seen(self, effect_id: str) -> int:
        return marked(self.notes(), effect_id)

    def notes(self) -> list[str]:
        return self.zammad.notes()

    def is_active(self, note: str) -> bool:
        """Whether there is any HTML, but for ends of lines."""
        return super().is_active(note) or re.search(r"[<>]", note.replace("<br>\n", "\n")) is not None

    def state(self) -> object:
        return {name: self.zammad.ticket[name] for name in ("priority", "group", "category", "due_at")}

    def person_writes(self) -> list[tuple[dict[str, str], bytes]]:
        after = "pending reminder" if self.zammad.ticket["state"] == "open" else "open"
        self.zammad.update({"state": after}, ZAMMAD_ANA)
        self.zammad.update({"article": html_of(after)}, ZAMMAD_ANA)
        return self.zammad.hooks[-2:]

    def echoes(self) -> list[tuple[dict[str, str], bytes]]:
        return self._echoes


class ChatwootStage(Stage):
    reference = "4711"
    payload: ClassVar[dict[str, Value]] = {**Stage.payload, "due.resolution": "2026-01-07T18:00:00+08:00"}

    def __init__(self) -> None:
        self.chatwoot = Chatwoot()
        self._echoes: list[tuple[dict[str, str], bytes]] = []

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        settings = {"url": url, "account": ACCOUNT, "token": CHATWOOT_TOKEN, "webhook_secrets": [CHATWOOT_SECRET]}
        return ChatwootConnector("desk", {**settings, "timeout": timeout, "settle": settle})

    def handle(self, call: Call) -> Answer:
        sent = len(self.chatwoot.hooks)
        answer = self.chatwoot.handle(call)
        self._echoes += self.chatwoot.hooks[sent:]
        return answer

    def seen(self, effect_id: str) -> int:
        return marked(self.notes(), effect_id)

    def notes(self) -> list[str]:
        return self.chatwoot.notes()

    def is_active(self, note: str) -> bool:
        """Whether anything has a meaning in CommonMark, but for ends of lines and our mark."""
        text = MARKER.sub("", note.replace("\\\n", "\n"))
        return super().is_active(note) or re.search(r"(?<!\\)(?:\\\\)*[<>*_`#\[\]!{|]", text) is not None

    def state(self) -> object:
        one = self.chatwoot
        return one.priority, one.team, one.labels, one.attributes

    def person_writes(self) -> list[tuple[dict[str, str], bytes]]:
        self.chatwoot.turn("snoozed" if self.chatwoot.status == "open" else "open")
        self.chatwoot.agent_says(f"since when? {self.chatwoot.seconds}")
        return self.chatwoot.hooks[-2:]

    def echoes(self) -> list[tuple[dict[str, str], bytes]]:
        return self._echoes
