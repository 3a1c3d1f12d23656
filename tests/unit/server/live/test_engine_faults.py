"""Faults of the rules engine: counted and logged once each."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from answerby.engine.facts.record import Record
from answerby.engine.matching.matcher import MatchSet
from answerby.server.base.logs import make_logger
from answerby.server.base.metrics import Metrics
from answerby.server.live.engine_faults import EngineWatch


@dataclass
class Faulty:
    name: str = "durable"
    fallback_reason: str = ""
    faults: int = 0
    last_fault: str = ""

    def match(self, stage: str, record: Record) -> MatchSet:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Watched:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.stream = io.StringIO()
        self.watch = EngineWatch(Metrics(self.registry), make_logger("info", self.stream))

    def value(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"answerby_engine_{name}")

    def lines(self) -> list[tuple[str, str]]:
        found = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [(line["event"], line["reason"]) for line in found]


def test_an_engine_without_faults_is_silent() -> None:
    watched = Watched()
    for _ in range(3):
        watched.watch.look(Faulty())
    assert (watched.value("faults_total"), watched.value("fallback")) == (0, 0)
    assert watched.lines() == []


def test_faults_are_counted_and_the_last_is_logged() -> None:
    watched, matcher = Watched(), Faulty()
    watched.watch.look(matcher)
    matcher.faults, matcher.last_fault = 2, "stage sla: code 7"
    watched.watch.look(matcher)
    watched.watch.look(matcher)
    assert watched.value("faults_total") == 2
    assert watched.lines() == [("engine fault", "stage sla: code 7")]


def test_falling_back_for_good_is_shown_until_another_matcher_comes() -> None:
    watched, matcher = Watched(), Faulty()
    watched.watch.look(matcher)
    matcher.fallback_reason = "failed 5 times"
    watched.watch.look(matcher)
    watched.watch.look(matcher)
    assert watched.value("fallback") == 1
    assert watched.lines() == [("reference matcher in use", "failed 5 times")]
    watched.watch.look(Faulty())
    assert watched.value("fallback") == 0
