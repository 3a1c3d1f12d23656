"""Submissions: batches of events, sent again until each event is confirmed.

A repeated event counts once, by its source and id. So an event without an answer can be sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import grpc

from answerby.api.v1 import request_service_pb2 as rpc
from answerby.api.v1 import resources_pb2 as pb
from answerby.cli.patience import Patience

CALL_SECONDS = 30.0
BATCH_BYTES = 2 * 1024 * 1024
"""The size of a batch. Servers limit the size of a message."""
NOT_ACCEPTED = frozenset({grpc.StatusCode.UNAVAILABLE.value[0], grpc.StatusCode.ABORTED.value[0]})
"""The codes of events that were not accepted: the store did not answer, or the request changed too often."""


class Submission:
    """One batch. Send `request`, pass its response or error on, wait for the returned seconds; None ends the batch."""

    def __init__(
        self, events: Sequence[pb.Event], patience: Patience, *, historical: bool, brief: bool = False
    ) -> None:
        self._events = events
        self._patience = patience
        self._historical = historical
        self._brief = brief
        self._results: list[rpc.SubmitEventResult | None] = [None] * len(events)
        self._open = list(range(len(events)))
        """The places of the events that are not confirmed."""

    @property
    def request(self) -> rpc.SubmitEventsRequest:
        """The call for the events that are not confirmed."""
        return rpc.SubmitEventsRequest(
            events=[self._events[place] for place in self._open], historical=self._historical, brief=self._brief
        )

    @property
    def results(self) -> list[rpc.SubmitEventResult]:
        """The results in the order of the events, after the end."""
        return [result for result in self._results if result is not None]

    def answered(self, response: rpc.SubmitEventsResponse) -> float | None:
        """The seconds until the rest is to be sent again; None at the end."""
        left = []
        for place, result in zip(self._open, response.results, strict=True):
            self._results[place] = result
            if result.code in NOT_ACCEPTED:
                left.append(place)
        if len(left) < len(self._open):
            self._patience.answered()
        self._open = left
        return self._patience.next_wait() if left else None

    def failed(self, error: grpc.RpcError) -> float:
        """The seconds until the batch is to be sent again. Raises the error when the server stays away or refuses."""
        return self._patience.wait_after(error)


def batches(messages: Sequence[pb.Event], most: int) -> Iterator[slice]:
    """Slices of at most `most` messages, each within BATCH_BYTES."""
    start = size = 0
    for position, message in enumerate(messages):
        length = message.ByteSize()
        if position > start and (position - start == most or size + length > BATCH_BYTES):
            yield slice(start, position)
            start, size = position, 0
        size += length
    if start < len(messages):
        yield slice(start, len(messages))
