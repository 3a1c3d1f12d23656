"""`answerby explain`: the reasons of a decision, and the changes that would have given another one."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import orjson

from answerby.api.v1 import decision_service_pb2 as pb
from answerby.api.v1.decision_service_pb2_grpc import DecisionServiceStub
from answerby.cli.check.source_lines import printable_lines
from answerby.cli.client import Server
from answerby.cli.decision_tables import print_json
from answerby.cli.event_lines import LineRefused, event_of
from answerby.cli.fail import CommandFailed
from answerby.cli.patience import Patience
from answerby.cli.zones import zone_asked
from answerby.domain.decision import Decision
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.engine.explanation.clock_account import clock_accounts, statuses_of
from answerby.rules.loader import load_rulebook
from answerby.rules.text.diagnostics import error_count_text
from answerby.server.rpc.clock_messages import ledger_to
from answerby.server.rpc.explain_messages import explained
from answerby.workbench.counterfactual.inquiry import Inquiry, inquire
from answerby.workbench.counterfactual.search import finish
from answerby.workbench.counterfactual.situation import Situation

CALL_SECONDS = 60.0
LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Question:
    """The subject and the form of an explanation."""

    inquiry: Inquiry
    language: str = "en"
    as_json: bool = False
    clocks: bool = False
    """Tell where the time of the clocks went, and nothing else."""
    zone: str = ""
    """The zone of times in words; empty: the rulebook's."""

    def __post_init__(self) -> None:
        zone_asked(self.zone)
        if self.language not in LANGUAGES:
            raise CommandFailed(f"--language {self.language}: must be en or zh")

    def show(self, response: pb.ExplainResponse) -> None:
        if self.as_json:
            print_json(response)
        elif self.clocks:
            print(printable_lines("\n".join(ledger.text for ledger in response.clocks)))
        else:
            print(printable_lines(response.text))


def explain_stored(server: Server, request_id: str, sequence: int, question: Question) -> None:
    """Asks a server. Raises grpc.RpcError."""
    inquiry = question.inquiry
    request = pb.ExplainRequest(
        request_id=request_id,
        sequence=sequence,
        language_code=question.language,
        why_not=inquiry.why_not,
        alternatives=inquiry.alternatives,
        keep=inquiry.keep,
        max_changes=inquiry.most_changes,
        clocks=question.clocks,
        time_zone=question.zone,
    )
    with server.connect() as channel:
        stub = DecisionServiceStub(channel)
        call = partial(stub.Explain, request, metadata=server.metadata, timeout=CALL_SECONDS)
        question.show(Patience(server.patience).ask(call))


def explain_event(file: Path, rules: Path, windows: Sequence[str], question: Question) -> None:
    """Decides the events of a file of one request, in order, and explains the last. Raises CommandFailed."""
    result = load_rulebook(rules)
    if result.rulebook is None:
        errors = [str(finding) for finding in result.diagnostics if finding.severity == "error"]
        raise CommandFailed(f"{rules}: {error_count_text(len(errors))}: {errors[0]}; see `answerby check {rules}`")
    compiled = compile_rulebook(result.rulebook)
    wanted_outcomes = question.inquiry.wanted_outcomes(compiled.rulebook)
    events = read_events_of(file, datetime.now(UTC))
    counts = dict(count_of(compiled, text) for text in windows)
    *earlier, last = events
    decisions = fold(compiled, earlier, Context(counts))
    state = decisions[-1].state if decisions else None
    situation = Situation(compiled, state, last, Context(counts), last.time)
    findings = finish(inquire(situation, wanted_outcomes, question.inquiry)) if question.inquiry else None
    decision: Decision = situation.base
    most = question.inquiry.most_changes
    zone = zone_asked(question.zone) or compiled.numbering_zone
    response = explained(decision, question.language, last.time, findings, most=most, zone=zone)
    if question.clocks:
        decisions = [*decisions, decision]
        statuses = statuses_of(events, result.rulebook.replies)
        accounts = clock_accounts(result.rulebook, decisions, statuses, last.time)
        response.clocks.extend(ledger_to(account, question.language, last.time, zone) for account in accounts)
    question.show(response)


def fold(compiled: CompiledRulebook, events: Sequence[Event], context: Context) -> list[Decision]:
    """The decisions on the events, each as of its own time."""
    state: RequestState | None = None
    decisions = []
    for place, event in enumerate(events):
        decision = decide(compiled, state, event, context._replace(history=events[:place]), event.time)
        decisions.append(decision)
        state = decision.state
    return decisions


def read_events_of(file: Path, now: datetime) -> list[Event]:
    """One event, a JSON list of events, or JSON lines, all of one request. Raises CommandFailed."""
    content = file.read_bytes().removeprefix(BOM_UTF8)
    try:
        records = as_records(content)
    except orjson.JSONDecodeError as error:
        raise CommandFailed(f"{file}: not valid JSON: {error}") from None
    events = []
    for number, record in enumerate(records, start=1):
        try:
            events.append(event_of(with_request(record), now))
        except LineRefused as error:
            raise CommandFailed(f"{file}: event {number}: {error}") from None
    if not events:
        raise CommandFailed(f"{file}: holds no event")
    others = sorted({event.request_id for event in events})
    if len(others) > 1:
        raise CommandFailed(f"{file}: holds events of {len(others)} requests ({', '.join(others[:3])}); give one")
    return events


def as_records(content: bytes) -> list[object]:
    try:
        record = orjson.loads(content)
    except orjson.JSONDecodeError:
        lines = [line for line in content.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [orjson.loads(line) for line in lines]
    return record if isinstance(record, list) else [record]


def with_request(record: object) -> object:
    """Adds a request id to an event that has none."""
    if isinstance(record, dict) and not record.get("request_id") and not record.get("subject"):
        return {**record, "request_id": "example"}
    return record


def count_of(compiled: CompiledRulebook, text: str) -> tuple[str, int]:
    """The counts in `customer.complaints_24h=2`: requests counted before this one. Raises CommandFailed."""
    name, found, number = text.partition("=")
    names = [window for window, _ in compiled.windows]
    if not found or name not in names or not number.isdecimal():
        raise CommandFailed(f"--count {text}: write it such as {(names or ['a.count'])[0]}=2; counted are {names}")
    return name, int(number)
