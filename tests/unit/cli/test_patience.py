"""How long a command waits for a server that does not answer, and which events it sends again."""

from __future__ import annotations

import grpc
import pytest

from answerby.api.v1 import request_service_pb2 as rpc
from answerby.api.v1 import resources_pb2 as pb
from answerby.cli.patience import TELL_AFTER, Patience
from answerby.cli.submission import Submission, batches

ABORTED, UNAVAILABLE = grpc.StatusCode.ABORTED.value[0], grpc.StatusCode.UNAVAILABLE.value[0]


class Failure(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> None:
        super().__init__()
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code


class Time:
    """A clock that only a wait moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def patience(self, seconds: float) -> Patience:
        return Patience(seconds, clock=self.clock, sleep=self.sleep)


def test_a_silent_server_is_asked_until_the_time_is_up() -> None:
    time = Time()
    asked: list[float] = []

    def call() -> None:
        asked.append(time.now - 100.0)
        raise Failure

    with pytest.raises(Failure):
        time.patience(5.0).ask(call)

    assert asked == pytest.approx([0.0, 0.2, 0.6, 1.4, 3.0, 5.0])


def test_without_patience_the_first_failure_is_the_last() -> None:
    with pytest.raises(Failure):
        Time().patience(0).outlast(Failure())


def test_a_call_that_a_server_cancels_as_it_ends_is_made_again() -> None:
    answers = iter([Failure(grpc.StatusCode.CANCELLED), "answer"])

    def call() -> str:
        answer = next(answers)
        if isinstance(answer, Failure):
            raise answer
        return answer

    assert Time().patience(5.0).ask(call) == "answer"


def test_a_refusal_is_not_waited_out() -> None:
    time = Time()
    with pytest.raises(Failure):
        time.patience(30).outlast(Failure(grpc.StatusCode.PERMISSION_DENIED))
    assert time.now == 100.0


def test_an_answer_gives_the_next_silence_the_whole_time() -> None:
    time = Time()
    patience = time.patience(1.0)
    for _ in range(20):
        patience.outlast(Failure())
        patience.outlast(Failure())
        patience.answered()
    assert time.now == pytest.approx(100.0 + 20 * 0.6)


def test_a_silence_that_lasts_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    patience = Time().patience(30)
    for _ in range(TELL_AFTER - 1):
        patience.outlast(Failure())
    assert capsys.readouterr().err == ""
    for _ in range(4):
        patience.outlast(Failure())
    assert capsys.readouterr().err == "answerby: the server does not answer; trying for 29 s more\n"


def results(*codes: int) -> rpc.SubmitEventsResponse:
    return rpc.SubmitEventsResponse(results=[rpc.SubmitEventResult(code=code) for code in codes])


def ids(submission: Submission) -> list[str]:
    return [event.id for event in submission.request.events]


def test_only_events_that_are_not_confirmed_are_sent_again() -> None:
    submission = Submission([pb.Event(id=name) for name in "abcd"], Time().patience(30), historical=True)

    assert submission.failed(Failure()) == pytest.approx(0.2)
    assert ids(submission) == ["a", "b", "c", "d"]
    assert submission.answered(results(0, UNAVAILABLE, 3, ABORTED)) == pytest.approx(0.2)
    assert ids(submission) == ["b", "d"]
    assert submission.answered(results(0, 0)) is None

    assert [result.code for result in submission.results] == [0, 0, 3, 0]
    assert submission.request.historical


def test_what_stays_refused_is_given_back_as_refused() -> None:
    time = Time()
    submission = Submission([pb.Event(id="a"), pb.Event(id="b")], time.patience(3), historical=False)

    wait = submission.answered(results(0, UNAVAILABLE))
    while wait is not None:
        time.sleep(wait)
        wait = submission.answered(results(UNAVAILABLE))

    assert [result.code for result in submission.results] == [0, UNAVAILABLE]
    assert time.now == pytest.approx(103.0)


def test_a_batch_ends_before_it_is_too_large() -> None:
    events = [pb.Event(id="x" * 1_000_000) for _ in range(5)]
    assert [(part.start, part.stop) for part in batches(events, 500)] == [(0, 2), (2, 4), (4, 5)]
    assert [(part.start, part.stop) for part in batches([pb.Event(id="x")] * 5, 2)] == [(0, 2), (2, 4), (4, 5)]
