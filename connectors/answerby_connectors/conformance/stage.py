"""What a package says of its platform, so that the cases can run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import Value
from answerby_connectors.conformance.wire import Answer, Call
from answerby_connectors.kit.base import Connector, Delivery

Webhook = tuple[dict[str, str], bytes]
"""Headers and body."""


class Stage(ABC):
    """A platform in memory with one ticket. Every case makes a new one."""

    reference: ClassVar[str]
    """The ticket."""
    payload: ClassVar[dict[str, Value]] = {"category": "complaint", "priority": "P0", "department": "vip"}
    """A decision that changes the ticket."""
    speaks_http: ClassVar[bool] = True
    """Whether the connector calls a platform over HTTP. Without, only the cases that need no network run."""
    passes: ClassVar[tuple[int, ...]] = (409, 412, 429, 500, 503)
    """Statuses of one bad moment: nothing was written, or nobody knows, and another attempt goes through."""
    renews: ClassVar[tuple[int, ...]] = ()
    """Statuses after which the connector asks for another token and goes on within the same call."""
    settles: ClassVar[bool] = True
    """Whether the connector waits for late writes, by its setting `settle`."""
    signs_bodies: ClassVar[bool] = True
    """Whether the platform signs the body of its webhooks. Without, only a secret beside the body proves them."""

    @abstractmethod
    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        """A connector to the platform at this address. Times are seconds."""

    def handle(self, call: Call) -> Answer:
        """The platform's answer to a call, as its documents say."""
        raise NotImplementedError(f"{type(self).__name__} has no handle for {call.path}")

    @abstractmethod
    def seen(self, effect_id: str) -> int:
        """The number of times that the effect is to be seen at the platform."""

    def state(self) -> object:
        """The fields of the ticket that a decision sets, as they are now."""
        return None

    def notes(self) -> Sequence[str]:
        """The texts of all notes at the platform, as it got them."""
        return ()

    def is_active(self, note: str) -> bool:
        """Whether a note would do anything but show text, in the platform's text language."""
        return "\x00" in note or "\x1b" in note

    def writes(self, call: Call) -> bool:
        """Whether a call changes something."""
        return call.method not in ("GET", "HEAD")

    def close(self) -> None:
        """Removes what the stage made."""
        return

    def person_writes(self) -> Sequence[Webhook]:
        """A person changes the ticket. The webhooks that the platform sends for it, if it sends any."""
        raise NotImplementedError(f"{type(self).__name__} has no person_writes")

    def echoes(self) -> Sequence[Webhook]:
        """The webhooks that the platform sent for the writes of our account."""
        return ()

    def delivery(self, effect_id: str = "a1" * 16, **fields: Any) -> Delivery:
        """A delivery to the ticket; `kind` and `payload` are those of its effect."""
        kind = fields.pop("kind", EffectKind.UPDATE_REQUEST)
        effect = Effect(kind=kind, key="update", payload=fields.pop("payload", self.payload))
        given = {"tenant": "acme", "request_id": self.reference, "number": "202601-CSR-001", **fields}
        return Delivery(effect_id=effect_id, effect=effect, **given)
