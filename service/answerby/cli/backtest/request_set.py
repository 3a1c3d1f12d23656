"""The requests of a backtest, compressed until a process takes them, and grouped by shared values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from answerby.rules.model.vocabulary import Vocabulary
from answerby.workbench.backtest.partition import Partition
from answerby.workbench.backtest.recorded_request import RecordedRequest
from answerby.workbench.backtest.recording import recorded_request

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(RecordedRequest)


class PackedRequest(msgspec.Struct, frozen=True, array_like=True):
    """One request.

    `position` is -1 if the bytes are a recorded request, else the index of the line in its recording.
    """

    content: bytes
    position: int
    compared: bool


Groups = list[list[PackedRequest]]
_groups = msgspec.msgpack.Decoder(Groups)


def unpack(packed: PackedRequest, *, with_decisions: bool) -> RecordedRequest:
    """Raises RecordingDamaged."""
    if packed.position < 0:
        return _decoder.decode(packed.content)
    return recorded_request(
        packed.content, packed.position, compared=packed.compared, with_decisions=with_decisions and packed.compared
    )


def encode_groups(groups: Groups) -> bytes:
    return _encode(groups)


def decode_groups(content: bytes) -> Groups:
    return _groups.decode(content)


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """One waiting request: compressed, with its beginning and its number of events."""

    request_id: str
    packed: PackedRequest
    start: datetime
    events: int


@dataclass
class RequestSet:
    """All requests of a backtest. Each is added once."""

    partition: Partition
    waiting: list[WaitingRequest] = field(default_factory=list)
    ended: datetime | None = None
    """The latest moment of all events."""
    recorded: bool = True
    """Whether the decisions are known. False for a recording without them."""
    name: str = ""

    @property
    def events(self) -> int:
        return sum(unit.events for unit in self.waiting)

    @property
    def compared(self) -> int:
        return sum(unit.packed.compared for unit in self.waiting)

    def note_moment(self, moment: datetime) -> None:
        if self.ended is None or moment > self.ended:
            self.ended = moment

    def chunks(self, parts: int) -> list[tuple[int, bytes]]:
        """Chunks of whole groups, at least `parts` if there are as many groups.

        The chunk with the most requests comes first.
        """
        groups: dict[Hashable, list[WaitingRequest]] = defaultdict(list)
        for unit in self.waiting:
            groups[self.partition.group_of(unit.request_id)].append(unit)
        ordered = sorted(groups.values(), key=lambda g: (-_weight(g), g[0].start, g[0].request_id))
        size = max(1, self.events // max(1, parts))
        chunks: list[tuple[int, bytes]] = []
        taken: Groups = []
        weight = requests = 0
        for group in ordered:
            taken.append([unit.packed for unit in group])
            weight += _weight(group)
            requests += len(group)
            if weight >= size:
                chunks.append((requests, encode_groups(taken)))
                taken, weight, requests = [], 0, 0
        if taken:
            chunks.append((requests, encode_groups(taken)))
        return chunks


def empty_request_set(vocabularies: Iterable[Vocabulary]) -> RequestSet:
    """An empty set. Requests that either vocabulary counts together will be replayed together."""
    return RequestSet(Partition(vocabularies))


def _weight(group: list[WaitingRequest]) -> int:
    return sum(unit.events for unit in group)
