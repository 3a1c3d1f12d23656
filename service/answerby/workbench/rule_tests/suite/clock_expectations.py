"""Expectations of clocks: `clock.<name>` and `due.<name>`."""

from __future__ import annotations

import re

from answerby.domain.clock import ClockPhase, Target, TargetUnit, definition_id
from answerby.rules.sections.values.durations import parse_duration, read_duration
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode
from answerby.workbench.rule_tests.checks.clock_checks import DueCheck
from answerby.workbench.rule_tests.checks.difference import Check
from answerby.workbench.rule_tests.snapshot import NONE
from answerby.workbench.rule_tests.suite.name_reader import NameReader
from answerby.workbench.rule_tests.suite.times import read_aware_instant
from answerby.workbench.rule_tests.suite.word_expectations import read_word

CLOCK_WORDS = ("running", "paused", "met", "breached", ClockPhase.CANCELLED.value, NONE)
_INSTANT = re.compile(r"[0-9]{4}-")


class ClockExpectations:
    """Reads expectations of clocks."""

    def __init__(self, names: NameReader) -> None:
        self._names = names

    def read_state(self, key: ScalarNode, node: Node, *, negative: bool) -> list[Check]:
        name = self._names.clock(key, "clock.")
        if name is None:
            return []
        return read_word(self._names.nodes, f"clock.{name}", node, CLOCK_WORDS, negative=negative, stage="sla")

    def read_due(self, key: ScalarNode, node: Node, *, negative: bool) -> list[Check]:
        """An instant, a duration from the start, `{within: 2h, calendar: ...}`, or `none`."""
        name = self._names.clock(key, "due.")
        if name is None:
            return []
        if isinstance(node, MappingNode):
            target = self._target_with_calendar(key, node, name)
            return [DueCheck(name, target, negative)] if target else []
        text = node.text if isinstance(node, ScalarNode) else ""
        if text == NONE:
            return [DueCheck(name, None, negative)]
        if parse_duration(text) or not _INSTANT.match(text):
            target = self._target(node, name, "")
            return [DueCheck(name, target, negative)] if target else []
        instant = read_aware_instant(self._names.report, node, key.text)
        return [DueCheck(name, instant, negative)] if instant else []

    def _target_with_calendar(self, key: ScalarNode, node: MappingNode, clock: str) -> Target | None:
        keys = MappingKeys(self._names.nodes, node, key.text, ("within", "calendar"))
        within, calendar = keys.require("within"), keys.get("calendar")
        calendars = self._names.names.calendars
        name = self._names.known(calendar, "calendar", calendars, Code.UNKNOWN_CALENDAR) if calendar else ""
        return self._target(within, clock, name or "") if within is not None and name is not None else None

    def _target(self, node: Node, clock: str, calendar: str) -> Target | None:
        duration = read_duration(self._names.report, node, f"due.{clock}")
        if duration is None:
            return None
        calendar = calendar or self._names.names.compiled.rulebook.clocks[definition_id(clock)].calendar
        return Target(duration.amount, TargetUnit(duration.unit), calendar)
