"""What a connector to a ticket platform says of its platform. The kit decides what to write and when.

A connector writes `auth`, `whoami`, `read`, `write`, and `choices` where fields take ids. See the howto "Connect a
platform" for each of them by example.
"""

from __future__ import annotations

import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

import httpx2
import msgspec

from answerby.domain.event import Value
from answerby_connectors.kit.base import Outcome, OutcomeKind
from answerby_connectors.kit.http.answer import Answer, unreadable
from answerby_connectors.kit.http.auth import Auth
from answerby_connectors.kit.mapping import Tables
from answerby_connectors.kit.notes.markup import PLAIN, Markup
from answerby_connectors.kit.notes.note import LIMIT
from answerby_connectors.kit.settings import FACTS, DeskSettings
from answerby_connectors.kit.ticket import Call, Field, NoteOrder, Ticket

REFUSALS = frozenset({400, 422})
"""The statuses of a refusal that names fields."""
COMPLAINT = 200
"""The limit of what an outcome repeats of a refusal, in characters."""
ODD = (KeyError, TypeError, ValueError, AttributeError, IndexError, msgspec.MsgspecError)
"""What the reading of an answer raises that has another form than documented."""


S = TypeVar("S", bound=DeskSettings)


class Platform(ABC, Generic[S]):
    """A platform, as its connector describes it."""

    settings: S
    platform: ClassVar[str]
    """The type in the configuration, such as `redmine`."""
    settings_type: ClassVar[type[DeskSettings]]
    description: ClassVar[str]
    cannot: ClassVar[tuple[str, ...]] = ()
    """What the platform cannot do, a sentence each."""
    inbound: ClassVar[bool] = False
    """Whether it takes webhooks."""
    fields: ClassVar[tuple[Field, ...]] = ()
    """The platform's fields. `ours` is the value that a field shows unless the settings say otherwise; may be empty."""
    statuses: ClassVar[Mapping[str, str]] = {}
    """Their status -> our event type, unless the settings say otherwise."""
    status_field: ClassVar[str] = ""
    """The field whose choices name the statuses, when histories tell ids."""
    values: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """Our field -> our value -> their name, unless the settings say otherwise. A field without table: the same name."""
    values_back: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """Our field -> their name -> our value, for names that `values` does not lead to."""
    note_order: ClassVar[NoteOrder] = NoteOrder.LAST
    note_limit: ClassVar[int] = LIMIT
    """The limit of a note, in characters, without its mark."""
    notes_may_be_public: ClassVar[bool] = False
    """Whether the platform makes a note public without a word when the account may not write internal ones."""
    complaints: ClassVar[str] = ""
    """The member of a refusal's body that lists what was refused, in texts without content of the ticket."""
    reference: ClassVar[re.Pattern[str]] = re.compile(r"[^\s\x00-\x1f]{1,200}")
    """What a ticket's reference looks like. Any other is no ticket."""

    @abstractmethod
    def auth(self, http: httpx2.AsyncClient) -> Auth:
        """The credentials of each call."""

    @abstractmethod
    async def whoami(self) -> str:
        """The id of our account, as histories name it."""

    @abstractmethod
    async def read(self, reference: str) -> Ticket:
        """The ticket, with all its internal notes. Raises Gone for a ticket that is not there."""

    @abstractmethod
    def write(self, ticket: Ticket, changes: Mapping[str, object]) -> Sequence[Call]:
        """The calls that set these fields. NOTE is the field of the internal note."""

    async def choices(self, field: str, scope: str) -> Mapping[str, object]:
        """Name -> id of what the field may take."""
        raise NotImplementedError(f"{self.platform} has no choices of {field}")

    def scope(self, field: str, ticket: Ticket) -> str:  # noqa: ARG002
        """What the choices of a field depend on, such as the ticket's project."""
        return ""

    def check_scopes(self, field: str) -> Sequence[str]:  # noqa: ARG002
        """The scopes in which a check asks for the choices of a field, such as the projects of the settings."""
        return ("",)

    def tables(self) -> Tables:
        """The names of values on both sides."""
        return Tables({**self.values, **self.settings.values}, self.values_back, self.settings.values_back)

    def judge(self, answer: Answer) -> Outcome | None:
        """The outcome of an answer whose status does not say all; None: the status says it."""
        body = answer.peek if self.complaints and answer.status in REFUSALS else None
        texts = body.get(self.complaints) if isinstance(body, dict) else None
        if not isinstance(texts, list):
            return None
        return Outcome(OutcomeKind.FAILED, f"HTTP {answer.status}: {'; '.join(map(str, texts))}"[:COMPLAINT])

    def forbids(self, answer: Answer) -> bool:
        """Whether our account lacks the right to what a call asked for, while its token is good."""
        return answer.status == httpx2.codes.FORBIDDEN

    def blame(self, answer: Answer | None, carried: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG002
        """Field -> reason, as far as a refusal names fields. Without, each field is tried alone."""
        return {}

    def note_id(self, answer: Answer) -> str:  # noqa: ARG002
        """The id of the note that a call wrote, when the answer tells it."""
        return ""

    @property
    def markup(self) -> Markup:
        """The language of notes."""
        return PLAIN

    @property
    def statuses_of(self) -> Mapping[str, str]:
        """Their status -> our event type."""
        return self.settings.statuses or self.statuses

    def named(self, facts: Mapping[str, Value]) -> dict[str, Value]:
        """The facts under the vocabulary's names. Empty facts and facts without a name are left out."""
        names = {**FACTS, **self.settings.facts}
        return {names[n]: value for n, value in facts.items() if names.get(n) and value not in (None, "", [])}


@contextlib.contextmanager
def understood(what: str, kind: OutcomeKind = OutcomeKind.FAILED) -> Iterator[None]:
    """Turns what the reading of an odd answer raises into CallFailed. `kind` is the outcome of the call."""
    try:
        yield
    except ODD as error:
        raise unreadable(what, error, kind) from error
