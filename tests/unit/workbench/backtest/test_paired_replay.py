"""Playing two rulebooks at once comes to the same runs as playing each alone, over generated recordings."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.event import EventType
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import load_texts
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.rule_folder import read_folder
from answerby.workbench.backtest.paired_replay import PairedReplay, comparable
from answerby.workbench.backtest.recorded_request import RecordedEvent, RecordedRequest
from answerby.workbench.backtest.request_run import RequestRun
from answerby.workbench.backtest.single_replay import SingleReplay
from tests.kit.encoding import decision_bytes
from tests.kit.examples import examples
from tests.kit.histories import histories
from tests.kit.places import RULES
from tests.kit.rulebooks import REPAIRS, compiled
from tests.unit.workbench.backtest.repairs import NEW

SHIPPED = RULES
START = datetime(2026, 3, 2, 1, tzinfo=UTC)
KINDS = [
    EventType.UPDATED,
    EventType.REPLIED,
    EventType.CUSTOMER_REPLIED,
    EventType.ON_HOLD,
    EventType.RESUMED,
    EventType.BLOCKED,
    EventType.PROGRESS_REPORTED,
    EventType.ACKNOWLEDGED,
    EventType.COMPLETED,
    EventType.CLOSED,
    EventType.REOPENED,
    EventType.MERGED,
]
FACTS = {
    "channel": ["web", "phone"],
    "text.body": ["我要投诉，设备起火", "how do I pay", "thanks", "caught fire"],
    "customer.tier": ["vip", "standard"],
    "customer.id": ["c1", "c2"],
    "stated.urgency": ["urgent", "normal"],
    "stated.impact": ["wide", "group", "single"],
    "impact": ["low", "mid", "high"],
    "customer.value": ["high", "low"],
    "devices": [3, "many"],
    "override.priority": ["P0", "P1", None],
}
NAMES = ("A", "B", "C")


HISTORIES = histories(
    KINDS,
    FACTS,
    starts=[START, START + timedelta(hours=1), START + timedelta(hours=5)],
    most=6,
    gap=600,
    carried={EventType.MERGED: {"merged.into": NAMES}, EventType.RECEIVED: {"customer.id": ["c1", "c2"]}},
)


@st.composite
def recordings(draw: st.DrawFn) -> list[RecordedRequest]:
    """Requests of a few customers, some merged into others."""
    order = itertools.count()
    requests = []
    for name in NAMES:
        events = [
            (at, msgspec.structs.replace(event, id=f"{name}{event.id}", request_id=name))
            for at, event in draw(HISTORIES)
        ]
        recorded = [RecordedEvent(at, next(order), event) for at, event in events]
        requests.append(RecordedRequest(request_id=name, events=recorded))
    return requests


def told(request_run: RequestRun) -> bytes:
    """All of a course, as bytes; without the names of rules on clocks, which stay with what first set them."""
    decisions = [*request_run.steps.values(), *([request_run.last] if request_run.last is not None else [])]
    bare = [
        msgspec.structs.replace(
            d,
            state=None,
            clocks=[msgspec.structs.replace(c, rule="", revision="") for c in d.clocks],
            effects=[msgspec.structs.replace(e, payload={}) for e in d.effects],
            revision="",
        )
        for d in decisions
    ]
    figures = (
        request_run.breached,
        request_run.notices,
        request_run.tasks,
        request_run.cases,
        request_run.troubles,
        request_run.refused,
    )
    return decision_bytes((bare, figures, request_run.decisions, request_run.timers, request_run.cut))


def shipped(change: tuple[str, str] | None = None) -> CompiledRulebook:
    texts = read_folder(SHIPPED, DiagnosticReport())
    if change is not None:
        old, new = change
        assert sum(old in text.text for text in texts) == 1
        texts = [replace(text, text=text.text.replace(old, new)) for text in texts]
    rulebook = load_texts(texts).rulebook
    assert rulebook is not None
    return compile_rulebook(rulebook, "reference")


@pytest.fixture(scope="module")
def pairs() -> dict[str, tuple[CompiledRulebook, CompiledRulebook]]:
    feedback = REPAIRS | {
        "clocks.yaml": REPAIRS["clocks.yaml"]
        + "  - {id: news, because: A promise., calendar: always, start: [request.progress_reported],\n"
        + "     stop: [request.replied], ladder: plain, role: clerk}\n",
        "news.yaml": "stage: sla\nrules: [{id: news, because: x, then: {sla.news: 2h}}]\n",
    }
    later = feedback | {"news.yaml": feedback["news.yaml"].replace("2h", "3h")}
    return {
        "shipped, nothing changed": (shipped(), shipped()),
        "shipped, a row changed": (
            shipped(("- [medium, normal, single, P2]", "- [medium, normal, single, P1]")),
            shipped(),
        ),
        "desk": (compiled(NEW), compiled(REPAIRS)),
        "a target that no clock has yet": (compiled(later), compiled(feedback)),
    }


@pytest.mark.parametrize(
    "which", ["shipped, nothing changed", "shipped, a row changed", "desk", "a target that no clock has yet"]
)
@pytest.mark.parametrize("horizon", [START + timedelta(hours=12), None])
@examples(40)
@given(requests=recordings())
def test_twins_come_to_the_same_runs_as_each_alone(which: str, horizon, pairs, requests: list[RecordedRequest]) -> None:
    new, old = pairs[which]
    assert comparable(new, old)
    after, before = PairedReplay(new, old, 60).run(requests, horizon)
    for side, together, alone in (("new", after, SingleReplay(new, 60)), ("old", before, SingleReplay(old, 60))):
        runs = alone.run(requests, horizon)
        assert sorted(together) == sorted(runs), side
        for name, request_run in runs.items():
            assert told(together[name]) == told(request_run), (side, name)


@pytest.mark.parametrize(
    "changes",
    [
        {"clocks.yaml": REPAIRS["clocks.yaml"].replace("stop: [request.completed]", "stop: [request.closed]")},
        {"ladders.yaml": REPAIRS["ladders.yaml"].replace("50%", "60%")},
        {"vocabulary.yaml": REPAIRS["vocabulary.yaml"].replace("[P3, P2, P1]", "[P2, P3, P1]")},
    ],
)
def test_what_differs_in_more_than_rules_is_not_played_together(changes: dict[str, str]) -> None:
    assert not comparable(compiled(REPAIRS | changes), compiled(REPAIRS))
