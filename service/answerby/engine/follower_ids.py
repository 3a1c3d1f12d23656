"""The ids of requests that follow a finished one: `<id>+1`, or the next number that belongs to no other request."""

# Stays interpreted: such requests are rare.
from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

from answerby.domain.event import INTERNAL_SOURCE, Event
from answerby.domain.request import RequestState

SOURCE = f"{INTERNAL_SOURCE}replies"
"""Source of the events that a finished request sends to the one that follows it."""
FOLLOWS, FOLLOWS_SOURCE = "follows.request", "follows.source"
"""Facts of what is sent to a request that follows a finished one: the id and the source of that one."""
LONGEST = 256
"""Most characters of a request id, where the settings of the server do not say otherwise."""
_ROOM = 4
"""Characters for the number with its sign, such as +999."""
_DIGITS = 8
"""Hexadecimal digits that keep apart long ids with the same beginning."""
_NUMBER = re.compile(r"\+[1-9][0-9]*$")


class FollowerIds(NamedTuple):
    """What a decision knows of the ids that a request after this one may have."""

    taken: frozenset[str] = frozenset()
    """Those that belong to other requests."""
    longest: int = LONGEST

    def free(self, finished: str) -> str:
        """The id of the request that follows the finished one."""
        return next(name for name in candidates(finished, self.longest) if name not in self.taken)


ANY_FOLLOWER = FollowerIds()


def candidates(finished: str, longest: int = LONGEST) -> Iterator[str]:
    """The ids that the request after the finished one may have, the first choice first."""
    stem = stem_of(finished, longest)
    return (f"{stem}+{number}" for number in count(1))


def stem_of(finished: str, longest: int = LONGEST) -> str:
    """What stands before the number: the id, or the beginning of a long one and a digest of all of it.

    So the id that follows can be used wherever an id can, at most `longest` characters long.
    """
    if len(finished) + _ROOM <= longest:
        return finished
    digest = hashlib.sha256(finished.encode()).hexdigest()[:_DIGITS]
    return f"{finished[: longest - _ROOM - _DIGITS - 1]}~{digest}"


def before_number(request_id: str) -> str:
    """The id without the number that makes it the id of a request that follows; the id itself if it has none."""
    return _NUMBER.sub("", request_id)


def ids_for(finished: str, longest: int, known: Callable[[str], RequestState | None]) -> FollowerIds:
    """What the requests known say of the ids."""
    taken: set[str] = set()
    for name in candidates(finished, longest):
        if not belongs_to_another(known(name), finished):
            break
        taken.add(name)
    return FollowerIds(frozenset(taken), longest)


def belongs_to_another(state: RequestState | None, finished: str) -> bool:
    """Whether the request exists and does not follow the finished one."""
    return state is not None and state.follows != finished


def address(event: Event, state: RequestState | None, longest: int = LONGEST) -> str:
    """The request that an event is for, where `state` is the request that it was sent to.

    What a finished request sends goes to no request but the one that follows it. Its id was free when it was chosen;
    another request may have taken it since. The next id is then to be looked at.
    """
    finished = event.data.get(FOLLOWS)
    if event.source != SOURCE or not isinstance(finished, str) or not belongs_to_another(state, finished):
        return event.request_id
    stem = stem_of(finished, longest)
    tried = event.request_id.removeprefix(f"{stem}+") if before_number(event.request_id) == stem else ""
    return f"{stem}+{int(tried or 0) + 1}"
