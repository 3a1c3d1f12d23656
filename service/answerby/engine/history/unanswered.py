"""Unanswered messages of a request that is merged: they go on in its survivor.

A clock that a customer's message begins runs as long as the message is unanswered. So does one from the receipt that
only an answer meets. The notice of a merge names these clocks of the merged request, each with the time of the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from answerby.domain.clock import ClockPhase, ClockState
from answerby.domain.clock_definition import ClockDefinition, Occasion, Reopen, events_of
from answerby.domain.event import ActorRole, EventType, Value
from answerby.domain.request import RequestState
from answerby.engine.history import lifecycle
from answerby.sla.clock_inputs import MessageStart
from answerby.sla.clocks import LIVE, definition_of

WAITING = "absorbed.waiting"
"""Fact of a merge's notice: a line for each clock of an unanswered message, with its start and its pauses."""
UNANSWERED = "absorbed.unanswered"
"""Fact of a merge's notice. True: nobody answered the merged request, or the customer's last message to it."""
MET = "absorbed.met"
"""Fact of a merge's notice: the clocks from the receipt that the merged request has met."""
_MESSAGES = frozenset({EventType.RECEIVED, EventType.CUSTOMER_REPLIED, EventType.SUPPLEMENTED})
_ANSWERS = lifecycle.STAFF_MESSAGES - {EventType.ACKNOWLEDGED}
_BETWEEN = "/"


def waiting_lines(definitions: Mapping[str, ClockDefinition], request: RequestState, merged_at: datetime) -> list[str]:
    """The clocks of unanswered messages at the merge, each as `name start pause/end ...`."""
    lines = []
    for name, clock in sorted(request.clocks.items()):
        definition = definition_of(definitions, name)
        if clock.phase in LIVE and definition is not None and _waits_for_an_answer(definition):
            lines.append(" ".join([name, clock.started.isoformat(), *_pauses(definition, clock, merged_at)]))
    return lines


def awaits_answer(definitions: Mapping[str, ClockDefinition], request: RequestState) -> bool:
    """Whether a clock that an answer of staff would meet still runs."""
    live = [definition_of(definitions, name) for name, clock in request.clocks.items() if clock.phase in LIVE]
    return any(_ends_with_an_answer(definition) for definition in live if definition is not None)


def met_clocks(definitions: Mapping[str, ClockDefinition], request: RequestState) -> list[str]:
    """The clocks from the receipt that the request has met."""
    clocks = request.clocks.items()
    return sorted(n for n, c in clocks if c.phase is ClockPhase.STOPPED and not _starts_by_event(definitions, n))


def message_starts(lines: Value) -> dict[str, MessageStart]:
    """The clocks of a notice by name. Lines that cannot be read are left out; answerby writes them itself."""
    found = {}
    for line in lines if isinstance(lines, list) else ():
        name, *times = line.split(" ")
        try:
            started, pauses = datetime.fromisoformat(times[0]), [_pause(text) for text in times[1:]]
        except (ValueError, IndexError):
            continue
        found[name] = MessageStart(started, pauses)
    return found


def begun_by_events(
    definitions: Mapping[str, ClockDefinition], starts: Mapping[str, MessageStart]
) -> dict[str, MessageStart]:
    """The starts of those clocks that an event of their own begins. The others come back with their request."""
    return {name: start for name, start in starts.items() if _starts_by_event(definitions, name)}


def _waits_for_an_answer(definition: ClockDefinition) -> bool:
    """Whether a message of the customer begins the clock, or nothing but an answer meets it.

    A first response that stays as it ended (`reopen: frozen`) is owed once for both requests.
    """
    if definition.start:
        return any(_is_message(occasion) for occasion in definition.start)
    met_by = {kind for o in definition.stop for kind in events_of(o)}
    return definition.reopen is not Reopen.FROZEN and EventType.REPLIED in met_by and met_by <= _ANSWERS


def _is_message(occasion: Occasion) -> bool:
    if isinstance(occasion, str):
        return occasion in _MESSAGES
    if occasion.actors and ActorRole.CUSTOMER not in occasion.actors:
        return False
    return any(kind in _MESSAGES for kind in occasion.events)


def _ends_with_an_answer(definition: ClockDefinition) -> bool:
    return any(EventType.REPLIED in events_of(occasion) for occasion in definition.stop)


def _starts_by_event(definitions: Mapping[str, ClockDefinition], name: str) -> bool:
    definition = definition_of(definitions, name)
    return definition is None or bool(definition.start)


def _pauses(definition: ClockDefinition, clock: ClockState, until: datetime) -> list[str]:
    pauses = list(clock.pauses)
    if clock.paused_since is not None and until > clock.paused_since and definition.paused_time == "excluded":
        pauses.append((clock.paused_since, until))
    return [f"{since.isoformat()}{_BETWEEN}{end.isoformat()}" for since, end in pauses]


def _pause(text: str) -> tuple[datetime, datetime]:
    since, _, end = text.partition(_BETWEEN)
    return datetime.fromisoformat(since), datetime.fromisoformat(end)
