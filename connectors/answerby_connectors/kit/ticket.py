"""A platform's ticket as the kit sees it, the fields that a decision sets there, and the calls that set them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from answerby.domain.event import ActorRole, Value
from answerby_connectors.kit.forms import as_it_is

NOTE = "note"
"""The name of the internal note among the changes of a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of a ticket's history: a message, a note, the change of fields, or several of them.

    `id` is unique at the platform and never changes. `text` is what was said; `private`: by an internal note. `status`
    is the one before and the one after. `values` are the other new values by their field. `facts` go into the event.
    Without `actor`, the author of the ticket is a customer, everybody else an agent. Without `type`, the kit tells it.
    """

    id: str
    time: datetime
    author: str = ""
    actor: ActorRole | None = None
    text: str = ""
    private: bool = False
    status: tuple[str, str] | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    facts: Mapping[str, Value] = field(default_factory=dict)
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket, as far as the kit needs it.

    `values` are the present values by their field, in the form in which a call writes them. `notes` are the texts of
    all internal notes, as far back as the platform shows them, `messages` those that the customer can read. `facts` are
    those of the request when it arrived. `raw` is for the connector itself.
    """

    reference: str
    key: str = ""
    """The id that never changes, where the reference may."""
    created: datetime
    updated: datetime
    values: Mapping[str, object] = field(default_factory=dict)
    notes: Sequence[str] = ()
    messages: Sequence[str] = ()
    author: str = ""
    actor: ActorRole = ActorRole.CUSTOMER
    facts: Mapping[str, Value] = field(default_factory=dict)
    changes: Sequence[Change] = ()
    merged_into: str = ""
    raw: Any = None

    def change(self, id: str) -> Change | None:  # noqa: A002 - the field of a change
        """The change with this id, if the platform still shows it."""
        return next((one for one in self.changes if one.id == id), None)


@dataclass(frozen=True, slots=True)
class Field:
    """A value of a decision, and the field of theirs that shows it.

    `chosen`: the field takes the id of one of a list, and the connector's `choices` gives the list. Else `form` turns
    our value into theirs. `loose`: a value that no table lists has the same name there.
    """

    ours: str
    theirs: str
    chosen: bool = False
    loose: bool = False
    form: Callable[[Value], object] = as_it_is


@dataclass(frozen=True, slots=True)
class Call:
    """One call that writes. `carries` are the fields that it sets, NOTE among them.

    `headers`: those of this call alone, such as a condition.
    `read_back`: the platform drops what it does not like without a word, so the kit reads the ticket and compares.
    """

    what: str
    method: str
    path: str
    json: object
    carries: tuple[str, ...]
    read_back: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """What a decision wants to change. The note announces `announced`, and tells the remarks to people."""

    changes: dict[str, object] = field(default_factory=dict)
    announced: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


class NoteOrder(Enum):
    """When the note is written. Only a note that is not the first can tell what the platform refused."""

    FIRST = "before the fields"
    LAST = "after the fields"
    ALONG = "in the call of the fields"


def same(present: object, wanted: object) -> bool:
    """Whether the ticket shows the wanted value. Nothing and an empty text are the same, and the order of a list."""
    if isinstance(wanted, list | tuple) or isinstance(present, list | tuple):
        return _members(present) == _members(wanted)
    if present in (None, "") or wanted in (None, ""):
        return present in (None, "") and wanted in (None, "")
    return str(present) == str(wanted) or _instant(present) == _instant(wanted) is not None


def _members(value: object) -> set[str]:
    items = value if isinstance(value, list | tuple) else [value]
    return {str(item) for item in items if item not in (None, "")}


def _instant(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
