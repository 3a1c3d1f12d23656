"""Reads one case: its events, its expectations, its counts and schedules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from answerby.domain.event import OVERRIDE_PREFIX, ActorRole
from answerby.engine.history.merging import INTO
from answerby.engine.history.refold import CORRECTS, CORRECTS_SOURCE
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, SequenceNode
from answerby.workbench.rule_tests.cases import REQUEST, SOURCE, Case, CaseEvent, Checkpoint, default_id
from answerby.workbench.rule_tests.suite.expectations import ExpectationReader
from answerby.workbench.rule_tests.suite.given_facts import FactReader
from answerby.workbench.rule_tests.suite.name_reader import NameReader
from answerby.workbench.rule_tests.suite.parameters import EXAMPLES, EXPECT, MATRIX
from answerby.workbench.rule_tests.suite.times import read_aware_instant, read_span

CASE_KEYS = (
    *("name", "because", "now", "given", "events", "windows", "schedules", EXPECT, "then_after", "then_at"),
    *(MATRIX, EXAMPLES),
)
EVENT_KEYS = (
    *("type", "request", "after", "at", "happened", "id", "source", "actor", "actor_id", "facts"),
    EXPECT,
)
RECEIVED = "request.received"


@dataclass(frozen=True, slots=True)
class Defaults:
    """The values of a file for cases without their own."""

    start: datetime | None = None
    has_start: bool = False
    """Whether the file has a `now`, readable or not."""
    schedules: tuple[str, ...] = ()


class CaseReader:
    """Reads the cases of one file."""

    def __init__(self, names: NameReader, facts: FactReader) -> None:
        self._names = names
        self._report = names.report
        self._nodes = names.nodes
        self._facts = facts
        self.defaults = Defaults()

    def read(self, node: MappingNode, name: str, parameters: dict[str, str]) -> Case | None:
        """The case; None, reported, for one without a time, events or expectations."""
        mark = self._report.mark()
        keys = MappingKeys(self._nodes, node, "a case", CASE_KEYS)
        start = self._start(keys, node)
        requests, overridden = frozenset(_requests(node)), frozenset(_overridden_fields(node))
        expectations = ExpectationReader(self._names, requests, overridden)
        events = self._events(keys, node, expectations)
        windows = self._windows(keys.get("windows"))
        own_schedules = keys.get("schedules")
        schedules = self.defaults.schedules if own_schedules is None else self.read_schedules(own_schedules)
        checkpoints = self._checkpoints(keys, expectations)
        if not checkpoints and not any(event.expect for event in events):
            names_none = not any(keys.get(key) for key in (EXPECT, "then_after", "then_at"))
            if names_none or not self._report.errors_since(mark):
                message = f"the case {name} expects nothing"
                self._report.add(Code.TEST_NO_EXPECTATION, node, message, "add `expect`")
            return None
        if start is None or not events:
            return None  # both are reported
        case = Case(name, start, events, checkpoints, windows, schedules, parameters)
        self._check_order(case, keys)
        self._check_ids(case, keys)
        return case

    def read_schedules(self, node: Node | None) -> tuple[str, ...]:
        """The names of schedules, sorted; none without a node."""
        items = self._nodes.one_or_more(node, "schedules") if node is not None else ()
        known = sorted(self._names.names.schedules)
        names = (self._nodes.choice(item, "schedules", known) for item in items)
        return tuple(sorted({name for name in names if name is not None}))

    def _start(self, keys: MappingKeys, node: MappingNode) -> datetime | None:
        now = keys.get("now")
        if now is not None:
            return read_aware_instant(self._report, now, "now")
        if not self.defaults.has_start:
            hint = 'write now: "2026-03-02T10:00:00+08:00" in the case or at the top of the file'
            self._report.add(Code.MISSING_KEY, node, "a case needs to know when it happens", hint)
        return self.defaults.start

    def _events(self, keys: MappingKeys, node: MappingNode, expectations: ExpectationReader) -> tuple[CaseEvent, ...]:
        given, events = keys.get("given"), keys.get("events")
        if (given is None) == (events is None):
            both = "both `given` and `events`" if given is not None else "neither `given` nor `events`"
            self._report.add(Code.TEST_NO_EVENT, node, f"the case has {both}", "write one of them")
            return ()
        if given is not None:
            return (CaseEvent(facts=self._facts.read(given, "given")),)
        assert events is not None
        if isinstance(events, SequenceNode) and not events.items:
            self._report.add(Code.TEST_NO_EVENT, events, "nothing happens in this case", "add an event")
            return ()
        found = (self._event(item, expectations) for item in self._nodes.sequence(events, "events"))
        return tuple(event for event in found if event is not None)

    def _event(self, node: Node, expectations: ExpectationReader) -> CaseEvent | None:
        mapping = self._nodes.mapping(node, "an event")
        if mapping is None:
            return None
        keys = MappingKeys(self._nodes, mapping, "an event", EVENT_KEYS)
        facts, expect = keys.get("facts"), keys.get(EXPECT)
        after, at, actor = keys.get("after"), keys.get("at"), keys.get("actor")
        if after is not None and at is not None:
            self._report.add(Code.TEST_TIME_ORDER, at, "an event has `after` or `at`, not both", "keep one")
        happened = keys.get("happened")
        role = self._nodes.choice(actor, "actor", tuple(ActorRole)) if actor is not None else None
        return CaseEvent(
            type=self._event_type(keys.get("type")),
            request=keys.text("request", REQUEST),
            after=read_span(self._report, after, "after") if after is not None else timedelta(),
            at=read_aware_instant(self._report, at, "at") if at is not None else None,
            happened=read_aware_instant(self._report, happened, "happened") if happened is not None else None,
            id=keys.text("id"),
            source=keys.text("source", SOURCE),
            actor=ActorRole(role) if role else ActorRole.CUSTOMER,
            actor_id=keys.text("actor_id"),
            facts=self._facts.read(facts, "facts") if facts is not None else {},
            expect=expectations.read(expect, EXPECT) if expect is not None else (),
        )

    def _event_type(self, node: Node | None) -> str:
        text = self._nodes.text(node, "type") if node is not None else RECEIVED
        types = self._names.names.event_types
        if text is not None and text not in types:
            assert node is not None
            hint = self._report.suggest(text, types)
            self._report.add(Code.TEST_EVENT_TYPE, node, f"no rule knows events of type {text}", hint)
        return text or RECEIVED

    def _windows(self, node: Node | None) -> dict[str, int]:
        windows: dict[str, int] = {}
        mapping = self._nodes.mapping(node, "windows") if node is not None else None
        fields = {name for name, _ in self._names.names.compiled.windows}
        for key, value in mapping.entries if mapping else ():
            if key.text not in fields:
                hint = self._report.suggest(key.text, fields)
                self._report.add(Code.UNKNOWN_FIELD, key, f"{key.text} is no field that is counted", hint)
            else:
                windows[key.text] = self._nodes.integer(value, key.text, least=0) or 0
        return windows

    def _checkpoints(self, keys: MappingKeys, expectations: ExpectationReader) -> tuple[Checkpoint, ...]:
        checkpoints: list[Checkpoint] = []
        expect = keys.get(EXPECT)
        if expect is not None:
            checkpoints.append(Checkpoint("", expectations.read(expect, EXPECT)))
        for key, node in keys.items("then_after"):
            checks, after = expectations.read(node, key.text), read_span(self._report, key, key.text)
            checkpoints.append(Checkpoint(f"after {key.text}", checks, after=after))
        for key, node in keys.items("then_at"):
            at = read_aware_instant(self._report, key, "then_at")
            if at is not None:
                checkpoints.append(Checkpoint(f"at {key.text}", expectations.read(node, key.text), at=at))
        for name in ("then_after", "then_at"):
            moments = keys.get(name)
            if isinstance(moments, MappingNode) and not moments.entries:
                self._report.add(Code.TEST_NO_EXPECTATION, moments, f"{name} expects nothing")
        return tuple(checkpoint for checkpoint in checkpoints if checkpoint.checks)

    def _check_order(self, case: Case, keys: MappingKeys) -> None:
        """Reports events and checkpoints that lie before an earlier event of the case."""
        at = case.start
        for event in case.events:
            if event.at is not None and event.at < at:
                before, instant = at.isoformat(), event.at.isoformat()
                message = f"an event at {instant} lies before {before}, when the one before it is"
                self._report.add(Code.TEST_TIME_ORDER, keys.get("events") or keys.node, message)
            at = event.at or at + event.after
        for checkpoint in case.checkpoints:
            if checkpoint.at is not None and checkpoint.at < at:
                message = f"{checkpoint.at.isoformat()} lies before the last event, {at.isoformat()}"
                self._report.add(Code.TEST_TIME_ORDER, keys.get("then_at") or keys.node, message)

    def _check_ids(self, case: Case, keys: MappingKeys) -> None:
        """Reports events with the same id, and corrections of events that the case does not have."""
        at = keys.get("events") or keys.node
        ids = {(event.source, event.id or default_id(n)): event for n, event in enumerate(case.events, start=1)}
        if len(ids) < len(case.events):
            message = "two events of the case have the same id; the second would be taken for the first, sent again"
            self._report.add(Code.DUPLICATE_ID, at, message, "give each its own")
        for event in case.events:
            corrected = event.facts.get(CORRECTS)
            source = event.facts.get(CORRECTS_SOURCE) or event.source
            if isinstance(corrected, str) and (source, corrected) not in ids:
                known = sorted(name for _, name in ids)
                message = f"no event {corrected} from {source} is in this case to be corrected"
                self._report.add(Code.TEST_WRONG_FACT, at, message, self._report.suggest(corrected, known))


def _event_nodes(node: MappingNode) -> Iterable[MappingNode]:
    events = node.get("events")
    items = events.items if isinstance(events, SequenceNode) else ()
    yield from (item for item in items if isinstance(item, MappingNode))


def _requests(node: MappingNode) -> Iterable[str]:
    """The names of the requests that have an event, the notice of a merge included."""
    for event in _event_nodes(node):
        name = event.get("request")
        yield name.text if isinstance(name, ScalarNode) else REQUEST
        facts = event.get("facts")
        survivor = facts.get(INTO) if isinstance(facts, MappingNode) else None
        if isinstance(survivor, ScalarNode):
            yield survivor.text
    if node.get("given") is not None:
        yield REQUEST


def _overridden_fields(node: MappingNode) -> Iterable[str]:
    """The fields that the case sets by hand."""
    facts: list[Node | None] = [node.get("given"), *(event.get("facts") for event in _event_nodes(node))]
    for mapping in facts:
        if isinstance(mapping, MappingNode):
            names = mapping.keys()
            yield from (name.removeprefix(OVERRIDE_PREFIX) for name in names if name.startswith(OVERRIDE_PREFIX))
