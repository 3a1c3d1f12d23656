"""The cases that every connector passes. What is not claimed by a manifest is not asked."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, ClassVar

import pytest

from answerby.domain.effect import EffectKind
from answerby_connectors.conformance.certificate import untrusted
from answerby_connectors.conformance.hostile import HOSTILE
from answerby_connectors.conformance.inbound import InboundCases
from answerby_connectors.conformance.play import IMPATIENT, PATIENT, Play, playing
from answerby_connectors.conformance.stage import Stage
from answerby_connectors.conformance.wire import Answer, Call, Fault, Late, Server
from answerby_connectors.kit.base import DONE, LEASE_OVER, Guarantee, OutcomeKind

EFFECT, OTHER = "a1" * 16, "b2" * 16
MANY = 50
"""Effects whose writes land late."""
AT_A_TIME = 16
SLOW_TIMEOUT, SLOW_WRITE, SLOW_SETTLE = 0.5, 1.0, 1.0
"""Seconds: a write lands twice the timeout after it was sent, and half a timeout before the next attempt may look."""
REFUSES = (302, 400, 401, 403, 404, 410, 422)
"""Statuses that refuse: the effect ends, in whole, in part, or held for an operator."""
HOLDS = (401, 403, 410)
"""Statuses that refuse the whole connector when every call gets them."""


class Conformance(InboundCases):
    """The cases, as tests. A subclass names its `stage_type`."""

    stage_type: ClassVar[type[Stage]]

    def test_the_manifest_is_whole(self) -> None:
        async def case(play: Play) -> None:
            manifest = play.connector.manifest
            assert manifest.name
            assert manifest.effects
            assert manifest.description.endswith(".")
            assert all(sentence.endswith(".") for sentence in manifest.cannot)

        self._play(case)

    @pytest.mark.parametrize("kind", list(EffectKind))
    def test_each_kind_of_effect_is_done_once(self, kind: EffectKind) -> None:
        async def case(play: Play) -> None:
            if kind not in play.connector.manifest.effects:
                pytest.skip("its manifest does not name this kind")
            assert (await play.deliver(kind=kind))[-1].kind is OutcomeKind.DONE
            assert play.stage.seen(EFFECT) == 1

        self._play(case)

    def test_an_effect_that_is_there_is_not_written_again(self) -> None:
        async def case(play: Play) -> None:
            await play.deliver()
            wanted = play.stage.state()
            play.another()
            await play.deliver(previous_unknown=True, attempt=2)
            self._assert_done(play, wanted)

        self._play(case)

    def test_nothing_is_written_once_the_lease_is_over(self) -> None:
        """The lease ends before each write in turn."""

        async def case(play: Play) -> None:
            await play.deliver()
            wanted = play.stage.state()
            for writes in itertools.count():
                async with self._playing() as other:
                    asked = itertools.count()
                    taken = other.stage.delivery(leased=lambda asked=asked, writes=writes: next(asked) < writes)
                    outcome = await other.connector.deliver(taken)
                    if outcome is not LEASE_OVER:
                        break
                    assert next(asked) == writes + 1
                    await other.deliver(attempt=2)
                    self._assert_done(other, wanted)
            assert writes > 0

        self._play(case)

    @pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.RESET])
    def test_a_lost_connection_at_any_call_doubles_and_loses_nothing(self, fault: Fault) -> None:
        self._at_every_call(lambda: fault)

    def test_silence_at_any_call_doubles_and_loses_nothing(self) -> None:
        self._at_every_call(lambda: Fault.HANG, patience=IMPATIENT)

    @pytest.mark.parametrize("status", Stage.passes)
    def test_one_bad_moment_at_any_call_doubles_and_loses_nothing(self, status: int) -> None:
        if status not in self.stage_type.passes:
            pytest.skip("a refusal for good")
        self._at_every_call(lambda: Answer(status, {"Retry-After": "0"}))

    @pytest.mark.parametrize("status", REFUSES)
    def test_one_refusal_at_any_call_ends_and_doubles_nothing(self, status: int) -> None:
        """The effect is done, also in part, or failed with the status as the reason. No redirect is followed."""

        async def check(play: Play, _: object) -> None:
            last = (await play.deliver())[-1]
            told = f"{last.detail} {last.refused}"
            assert play.stage.seen(EFFECT) <= 1
            assert last == DONE or str(status) in told or "no such ticket" in told
            assert not [call for call in play.server.calls if call.path == "/elsewhere"]

        self._each_call(lambda: Answer(status, {"Location": "/elsewhere"}), check)

    @pytest.mark.parametrize("status", HOLDS)
    def test_a_refusal_of_everything_holds_the_connector(self, status: int) -> None:
        async def case(play: Play) -> None:
            play.server.watch = lambda _: Answer(status)
            outcome = await play.connector.deliver(play.stage.delivery())
            assert outcome.kind is OutcomeKind.HELD
            assert str(status) in outcome.detail
            play.server.watch = lambda _: None
            assert (await play.deliver(attempt=2))[-1].kind is OutcomeKind.DONE
            assert play.stage.seen(EFFECT) == 1

        self._play(case, http=True)

    def test_the_wait_that_a_platform_asks_for_is_passed_on(self) -> None:
        async def case(play: Play) -> None:
            play.server.faults = [Answer(429, {"Retry-After": "7"})]
            outcome = await play.connector.deliver(play.stage.delivery())
            assert (outcome.kind, outcome.retry_after) == (OutcomeKind.RETRY, 7.0)

        self._play(case, http=True)

    def test_an_outage_loses_and_doubles_nothing(self) -> None:
        """Down in every way that there is, one call after the other, and up again."""

        async def case(play: Play) -> None:
            trouble: list[Fault | Late | Answer | None] = [
                Fault.RESET,
                Answer(503),
                Fault.LOSE_ANSWER,
                Answer(500),
                Answer(502),
                Answer(504),
            ]
            play.server.faults = trouble * 4
            assert (await play.deliver())[-1].kind is OutcomeKind.DONE
            self._assert_seen(play)

        self._play(case, http=True)

    def test_a_platform_that_does_not_listen_is_tried_again(self) -> None:
        async def case(play: Play) -> None:
            gone = Server()
            await gone.start()
            await gone.stop()
            connector = play.stage.connect(gone.url, timeout=IMPATIENT, settle=0.0)
            outcome = await connector.deliver(play.stage.delivery())
            await connector.close()
            assert outcome.kind is OutcomeKind.RETRY

        self._play(case, http=True)

    def test_a_wrong_certificate_is_named_and_nothing_is_sent(self) -> None:
        async def case(play: Play) -> None:
            outcome = await play.connector.deliver(play.stage.delivery())
            assert outcome.kind in (OutcomeKind.HELD, OutcomeKind.RETRY)
            assert "certificate" in outcome.detail
            assert play.server.calls == []

        self._play(case, http=True, server=Server(untrusted()))

    @pytest.mark.parametrize("handled", [False, True], ids=["before", "after"])
    def test_a_crash_at_any_call_doubles_and_loses_nothing(self, handled: bool) -> None:
        """The worker dies while it waits for the answer. Another worker goes on."""

        async def case(play: Play) -> None:
            await play.deliver()
            wanted = play.stage.state()
            for at in itertools.count():
                async with self._playing() as other:
                    if not await other.crash(other.stage.delivery(), at, handled=handled):
                        break
                    other.another()
                    await other.deliver(attempt=2, previous_unknown=True)
                    self._assert_done(other, wanted)
            assert at == len(play.server.calls)

        self._play(case, http=True)

    def test_writes_that_land_late_are_not_doubled(self) -> None:
        """Each write lands long after its answer was given up, of fifty effects at the same ticket."""

        async def case(play: Play) -> None:
            if not play.stage.settles:
                pytest.skip("does not wait for late writes")
            late = set[bytes]()

            def watch(call: Call) -> Late | None:
                if not play.stage.writes(call) or call.body in late:
                    return None
                late.add(call.body)
                return Late(SLOW_WRITE)

            play.server.watch = watch
            gate = asyncio.Semaphore(AT_A_TIME)
            effects = [f"{number:032x}" for number in range(MANY)]

            async def one(effect_id: str) -> None:
                async with gate:
                    payload = {"text.en": f"notice {effect_id}"}
                    last = (await play.deliver(effect_id, kind=EffectKind.NOTIFY, payload=payload))[-1]
                    assert last == DONE

            await asyncio.gather(*map(one, effects))
            assert len(late) == MANY
            assert [play.stage.seen(effect_id) for effect_id in effects] == [1] * MANY

        self._play(case, http=True, patience=SLOW_TIMEOUT, settle=SLOW_SETTLE)

    def test_two_tenants_do_not_meet(self) -> None:
        async def case(play: Play) -> None:
            async with self._playing() as other:
                await asyncio.gather(play.deliver(EFFECT), other.deliver(OTHER, tenant="beta"))
                assert (play.stage.seen(EFFECT), play.stage.seen(OTHER)) == (1, 0)
                assert (other.stage.seen(EFFECT), other.stage.seen(OTHER)) == (0, 1)

        self._play(case)

    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
    def test_hostile_text_is_written_once_and_stays_text(self, text: str) -> None:
        async def case(play: Play) -> None:
            notice: dict[str, Any] = {"kind": EffectKind.NOTIFY, "payload": {"text.en": text}}
            assert (await play.deliver(**notice))[-1].kind is OutcomeKind.DONE
            play.another()
            assert (await play.deliver(previous_unknown=True, attempt=2, **notice))[-1].kind is OutcomeKind.DONE
            assert play.stage.seen(OTHER) == 0
            self._assert_seen(play)
            for note in play.stage.notes():
                assert not play.stage.is_active(note)

        self._play(case)

    # How the cases are run.

    def _play(
        self,
        case: Callable[[Play], Coroutine[object, object, None]],
        *,
        http: bool = False,
        patience: float = PATIENT,
        settle: float = 0.0,
        server: Server | None = None,
    ) -> None:
        """Runs a case on a new stage. `http`: it needs a platform that is called over HTTP."""
        if http and not self.stage_type.speaks_http:
            pytest.skip("calls no platform over HTTP")

        async def whole() -> None:
            async with self._playing(patience, settle, server) as play:
                await case(play)

        asyncio.run(whole())

    @contextlib.asynccontextmanager
    async def _playing(
        self, patience: float = PATIENT, settle: float = 0.0, server: Server | None = None
    ) -> AsyncIterator[Play]:
        async with playing(self.stage_type(), patience=patience, settle=settle, server=server) as play:
            yield play

    def _at_every_call(self, fault: Callable[[], Fault | Answer], patience: float = PATIENT) -> None:
        async def check(play: Play, wanted: object) -> None:
            assert (await play.deliver())[-1].kind is OutcomeKind.DONE
            self._assert_done(play, wanted)

        self._each_call(fault, check, patience)

    def _each_call(
        self,
        fault: Callable[[], Fault | Answer],
        check: Callable[[Play, object], Coroutine[object, object, None]],
        patience: float = PATIENT,
    ) -> None:
        """Checks one delivery for each of its calls, with the fault there."""

        async def case(play: Play) -> None:
            await play.deliver()
            wanted = play.stage.state()
            assert play.server.calls
            for at in range(len(play.server.calls)):
                async with self._playing(patience) as other:
                    other.server.faults = [*[None] * at, fault()]
                    await check(other, wanted)
                    assert other.server.faults == [], f"the fault at call {at} was not met"

        self._play(case, http=True)

    def _assert_done(self, play: Play, wanted: object) -> None:
        self._assert_seen(play)
        assert play.stage.state() == wanted

    def _assert_seen(self, play: Play) -> None:
        seen = play.stage.seen(EFFECT)
        assert seen == 1 or (seen > 1 and play.connector.manifest.guarantee is Guarantee.AT_LEAST_ONCE)
