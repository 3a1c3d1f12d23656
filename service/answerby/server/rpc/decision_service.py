"""DecisionService: decisions without storage, and explanations of stored decisions."""

# ruff: noqa: ARG002, N802 - names and arguments are those of the generated interface
from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from answerby.api.v1 import decision_service_pb2 as pb
from answerby.api.v1 import decision_service_pb2_grpc as rpc
from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError, FieldViolation, InvalidInput
from answerby.domain.event import ActorRole, Event, EventType
from answerby.domain.request import RequestState
from answerby.engine.case import Context as DecisionContext
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.engine.explanation.clock_account import ClockAccount, clock_accounts, statuses_of
from answerby.engine.history.lifecycle import counted
from answerby.server.base.config import Limits
from answerby.server.base.services import Services
from answerby.server.base.validate import identity_violations
from answerby.server.live.pointer import Live
from answerby.server.live.rulebooks import RulebookHolder
from answerby.server.rpc.clock_messages import comparison_to, ledger_to
from answerby.server.rpc.decision_messages import decision_to, encode_decision, nested
from answerby.server.rpc.errors import code_of, public
from answerby.server.rpc.event_messages import ACTOR_ROLES, event_from
from answerby.server.rpc.explain_messages import explained
from answerby.server.rpc.interceptors import Context, current_call
from answerby.server.rpc.request_service import check_batch_size
from answerby.server.rpc.values import instant_of, values_from
from answerby.sla.zones import load_zone
from answerby.store.records import LoadQuery
from answerby.workbench.counterfactual.inquiry import Inquiry, inquire
from answerby.workbench.counterfactual.rebuild import Rebuilt, rebuild
from answerby.workbench.counterfactual.search import MOST_CHANGES, Answered, Search
from answerby.workbench.what_if import Supposed, outlook_text, what_if

LANGUAGES = ("en", "zh")
YIELD_EVERY = 25
"""The number of events of a batch between two turns for other calls."""
DECISIONS_PER_TURN = 8
LONGEST_HISTORY = 1000
"""The number of events of a request that are decided again, to find the state before one event."""


class DecisionServicer(rpc.DecisionServiceServicer):
    def __init__(self, services: Services, rulebooks: RulebookHolder, limits: Limits) -> None:
        self._store = services.store
        self._now = services.clock
        self._rulebooks = rulebooks
        self._limits = limits

    async def Evaluate(self, request: pb.EvaluateRequest, context: Context) -> Any:
        """An EvaluateResponse, encoded."""
        tenant = current_call.get().tenant
        now = _as_of(request, self._now())
        if len(request.history) > self._limits.history_events:
            problem = f"holds {len(request.history)} events; at most {self._limits.history_events} are taken"
            raise InvalidInput([FieldViolation("history", problem)])
        event = event_from(request.event, tenant, self._limits)
        history = [
            event_from(message, tenant, self._limits, path=f"history[{index}]")
            for index, message in enumerate(request.history)
        ]
        if any(earlier.request_id != event.request_id for earlier in history):
            raise InvalidInput([FieldViolation("history", "holds an event of another request")])
        with self._rulebooks.use() as live:
            counts = await self._counts(live, [event])
            decision = _fold(live, history, event, counts.get(0, {}), now)
        encoded = encode_decision(decision, now, brief=request.brief)
        return nested(pb.EvaluateResponse.DECISION_FIELD_NUMBER, encoded)

    async def EvaluateBatch(self, request: pb.EvaluateBatchRequest, context: Context) -> Any:
        """An EvaluateBatchResponse, encoded."""
        check_batch_size(len(request.events), self._limits.batch_events)
        tenant = current_call.get().tenant
        now = _as_of(request, self._now())
        events = [_read(message, tenant, self._limits) for message in request.events]
        results: list[bytes] = []
        with self._rulebooks.use() as live:
            counts = await self._counts(live, events)
            for index, event in enumerate(events):
                if index % YIELD_EVERY == YIELD_EVERY - 1:
                    await asyncio.sleep(0)
                result = _result(live, event, counts.get(index, {}), now, brief=request.brief)
                results.append(nested(pb.EvaluateBatchResponse.RESULTS_FIELD_NUMBER, result))
        return b"".join(results)

    async def Explain(self, request: pb.ExplainRequest, context: Context) -> pb.ExplainResponse:
        violations = identity_violations("request_id", request.request_id, self._limits)
        if request.sequence < 0:
            violations.append(FieldViolation("sequence", "must not be negative; 0 is the latest"))
        language = request.language_code or LANGUAGES[0]
        if language not in LANGUAGES:
            violations.append(FieldViolation("language_code", "must be en or zh"))
        asked_zone, wrong = zone_asked(request.time_zone)
        violations += wrong
        if violations:
            raise InvalidInput(violations)
        decision = await self._stored(request)
        zone, now = asked_zone or self._zone(), self._now()
        inquiry = _inquiry(request)
        if not inquiry:
            response = explained(decision, language, now, zone=zone)
        else:
            with self._rulebooks.use() as live:
                wanted_outcomes = inquiry.wanted_outcomes(live.compiled.rulebook)
                situation, same = await self._rebuilt(live.compiled, decision)
                findings = await _in_turns(inquire(situation, wanted_outcomes, inquiry))
            most = inquiry.most_changes
            response = explained(decision, language, now, findings, same=same, most=most, zone=zone)
        if request.clocks:
            accounts = await self._clock_accounts(decision, now, latest=request.sequence == 0)
            response.clocks.extend(ledger_to(account, language, now, zone) for account in accounts)
            response.text = "\n".join([response.text, *(ledger.text for ledger in response.clocks)])
        return response

    def _zone(self) -> tzinfo:
        """The zone of the active rulebook; UTC while there is none."""
        rulebook = self._rulebooks.active
        return UTC if rulebook is None else load_zone(rulebook.numbering.timezone)

    async def WhatIf(self, request: pb.WhatIfRequest, context: Context) -> pb.WhatIfResponse:
        violations = identity_violations("request_id", request.request_id, self._limits)
        language = request.language_code or LANGUAGES[0]
        if language not in LANGUAGES:
            violations.append(FieldViolation("language_code", "must be en or zh"))
        now = self._now()
        at = instant_of(request.at) if request.HasField("at") else now
        if at is None:
            violations.append(FieldViolation("at", "must be between the years 1970 and 2199"))
        asked_zone, wrong = zone_asked(request.time_zone)
        violations += wrong
        if violations or at is None:
            raise InvalidInput(violations)
        tenant = current_call.get().tenant
        state, history, _ = await self._store.requests.history(tenant, request.request_id)
        if state.decisions > LONGEST_HISTORY:
            raise InvalidInput([FieldViolation("request_id", f"has more than {LONGEST_HISTORY} decisions")])
        asked = Supposed(
            facts=values_from(request.facts),
            at=at,
            now=now,
            event_type=request.event_type or EventType.UPDATED,
            actor=ACTOR_ROLES.get(request.actor, ActorRole.AGENT) if request.actor else ActorRole.AGENT,
        )
        with self._rulebooks.use() as live:
            outlook = what_if(live.compiled, state, history, state.counts, asked)
            zone = asked_zone or live.compiled.numbering_zone
        message = pb.WhatIfResponse(decision=decision_to(outlook.decision, max(at, now)))
        message.clocks.extend(comparison_to(found, language, max(at, now), zone) for found in outlook.clocks)
        message.text = outlook_text(outlook, language, zone)
        return message

    async def _clock_accounts(self, decision: Decision, now: datetime, *, latest: bool) -> list[ClockAccount]:
        """The clocks of a decision. The latest decision has clocks up to now, and an earlier one up to its moment."""
        if decision.sequence > LONGEST_HISTORY:
            problem = f"clocks are told of the first {LONGEST_HISTORY} decisions of a request"
            raise InvalidInput([FieldViolation("sequence", problem)])
        tenant, request_id = decision.tenant, decision.request_id
        _, events, decisions = await self._store.requests.history(tenant, request_id)
        decisions = decisions[: decision.sequence]
        with self._rulebooks.use() as live:
            rulebook = live.compiled.rulebook
            statuses = statuses_of(events[: decision.sequence], rulebook.replies)
            return clock_accounts(rulebook, decisions, statuses, now if latest else decision.decided)

    async def _counts(self, live: Live, events: Sequence[Event | AnswerbyError]) -> dict[int, dict[str, int]]:
        """The stored counts for the events that need counts, by position."""
        queries = {
            index: LoadQuery(
                tenant=event.tenant,
                request_id=event.request_id,
                source=event.source,
                event_id=event.id,
                windows=windows,
            )
            for index, event in enumerate(events)
            if isinstance(event, Event) and (windows := live.windows.queries(event))
        }
        loaded = await self._store.requests.load_many(list(queries.values())) if queries else []
        counts = {}
        for index, item in zip(queries, loaded, strict=True):
            if isinstance(item, AnswerbyError):
                raise item
            counts[index] = item.counts
        return counts

    async def _stored(self, request: pb.ExplainRequest) -> Decision:
        tenant = current_call.get().tenant
        if request.sequence == 0:
            return await self._store.requests.latest_decision(tenant, request.request_id)
        return await self._store.requests.decision(tenant, request.request_id, request.sequence)

    async def _rebuilt(self, compiled: CompiledRulebook, decision: Decision) -> Rebuilt:
        """The situation of the decision, and whether the situation still gives the stored decision."""
        if decision.sequence > LONGEST_HISTORY:
            problem = f"counterfactuals are told of the first {LONGEST_HISTORY} decisions of a request"
            raise InvalidInput([FieldViolation("sequence", problem)])
        tenant, request_id = decision.tenant, decision.request_id
        state, events, decisions = await self._store.requests.history(tenant, request_id)
        decisions = decisions[: decision.sequence]
        return await _in_turns(rebuild(compiled, events[: decision.sequence], decisions, state.counts))


async def _in_turns(search: Search[Answered]) -> Answered:
    """Runs a search. Other calls have their turn between its decisions."""
    while True:
        for _ in range(DECISIONS_PER_TURN):
            try:
                next(search)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
        await asyncio.sleep(0)


def _inquiry(request: pb.ExplainRequest) -> Inquiry:
    return Inquiry(
        why_not=tuple(request.why_not),
        alternatives=request.alternatives,
        keep=tuple(request.keep),
        most_changes=request.max_changes or MOST_CHANGES,
    )


def _as_of(request: Any, now: datetime) -> datetime:
    """The moment of the decision. `now` when the request names none. Raises InvalidInput."""
    if not request.HasField("as_of"):
        return now
    moment = instant_of(request.as_of)
    if moment is None:
        raise InvalidInput([FieldViolation("as_of", "must be between the years 1970 and 2199")])
    return moment


def _read(message: Any, tenant: str, limits: Limits) -> Event | AnswerbyError:
    try:
        return event_from(message, tenant, limits)
    except InvalidInput as error:
        return error


def _fold(live: Live, history: list[Event], event: Event, counts: Mapping[str, int], now: datetime) -> Decision:
    """The decision on `event` after the earlier events. Each earlier event is decided as of its own time."""
    state: RequestState | None = None
    history = [counted(earlier, now) for earlier in history]
    for place, earlier in enumerate(history):
        context = DecisionContext(history=history[:place])
        state = decide(live.compiled, state, earlier, context, earlier.time, live.steps).state
    return decide(live.compiled, state, event, DecisionContext(counts, history), now, live.steps)


def _result(
    live: Live, event: Event | AnswerbyError, counts: Mapping[str, int], now: datetime, *, brief: bool
) -> bytes:
    """An encoded EvaluateResult."""
    try:
        if isinstance(event, AnswerbyError):
            raise event
        decision = _fold(live, [], event, counts, now)
    except AnswerbyError as failure:
        error = public(failure)
        return pb.EvaluateResult(code=code_of(error), reason=error.reason, message=error.message).SerializeToString()
    return nested(pb.EvaluateResult.DECISION_FIELD_NUMBER, encode_decision(decision, now, brief=brief))


def zone_asked(name: str) -> tuple[tzinfo | None, list[FieldViolation]]:
    """The zone of a request; None for an empty name, and for a wrong one, which is a violation."""
    if not name:
        return None, []
    try:
        return load_zone(name), []
    except (LookupError, ValueError, OSError):
        return None, [FieldViolation("time_zone", "must be an IANA name such as Asia/Shanghai")]
