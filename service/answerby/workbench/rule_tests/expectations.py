"""`expect` mappings to checks. What nothing can be compared with is a mistake, never an expectation that holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from answerby.domain.clock import ClockPhase, Target, TargetUnit
from answerby.domain.effect import EffectKind
from answerby.domain.event import Value
from answerby.domain.request import RequestStatus
from answerby.engine.facts.coercion import UNKNOWN_VALUE, Refused, Typed
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.rules.sections.values.dates import read_instant
from answerby.rules.sections.values.durations import parse_duration, read_duration
from answerby.rules.text.codes import Code
from answerby.rules.text.diagnostic import Report
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, SequenceNode, describe, plain_data
from answerby.rules.text.reader import Keys, Reader
from answerby.workbench.rule_tests.checks import (
    Check,
    DueCheck,
    EffectsCheck,
    ExplanationCheck,
    FactCheck,
    Mode,
    NamesCheck,
    Pattern,
    RequestsCheck,
    SilenceCheck,
    WordCheck,
)
from answerby.workbench.rule_tests.scene import NONE
from answerby.workbench.rule_tests.words import FLAGS, Words

CLOCK_WORDS = ("running", "paused", "met", "breached", ClockPhase.CANCELLED.value, NONE)
NAMES = {
    "breached": "sla",
    "decided_by": "",
    "matched": "",
    "flags": "",
    "missing": "completeness",
    "notified": "escalation",
    "opened": "escalation",
    "tasks": "sla",
}
"""Expectations that are lists of names, and the stage that they are the work of."""
WORDS = ("status", "number_prefix", "effects", "no_effects", "explanation", "not", "requests", *NAMES)
MODES = (Mode.NOT, Mode.HAS, Mode.AT_LEAST, Mode.AT_MOST)
ORDERED = (FieldType.INTEGER, FieldType.DECIMAL, FieldType.DURATION, FieldType.INSTANT)
PATTERN_KEYS = ("kind", "role", "template", "clock", "case", "urgent", "acknowledge", "text", "count")
_INSTANT = re.compile(r"[0-9]{4}-")
_PREFIX = re.compile(r"[0-9]{6}-[A-Z0-9]+\Z")


@dataclass(slots=True)
class ExpectationReader:
    """Reads the expectations of one test file."""

    words: Words
    report: Report
    requests: Collection[str] = ()
    """The requests of the case."""
    overridden: Collection[str] = ()
    """Fields that the case sets by hand, to whatever value."""

    @property
    def _reader(self) -> Reader:
        return Reader(self.report)

    def read(self, node: Node, what: str, *, negative: bool = False) -> tuple[Check, ...]:
        """The checks of a mapping; with `negative` each says that something is not so."""
        mapping = self._reader.mapping(node, what)
        if mapping is None:
            return ()
        if not mapping.entries:
            self.report.add(Code.TEST_NO_EXPECTATION, node, f"{what} expects nothing")
        found: list[Check] = []
        for key, value in mapping.entries:
            found += self._entry(key, value, negative=negative)
        return tuple(found)

    def _entry(self, key: ScalarNode, value: Node, *, negative: bool) -> list[Check]:
        name = key.text
        if isinstance(value, ScalarNode) and value.value is None:
            self._reader.wrong(value, f"{name} expects nothing", "write {is: missing} for a fact that has no value")
            return []
        if name.startswith("due."):
            return self._due(key, value, negative=negative)
        if name.startswith("clock."):
            return self._clock(key, value, negative=negative)
        if name in NAMES:
            return self._names(name, value, NAMES[name], self._name_reader(name), negative=negative)
        match name:
            case "status":
                known = tuple(status.value for status in RequestStatus)
                return self._word(name, value, known, negative=negative)
            case "number_prefix":
                return self._prefix(value, negative=negative)
            case "explanation":
                return [ExplanationCheck(tuple(self._texts(value, name)), negative)]
            case "effects" | "no_effects":
                return self._effects(key, value, negative=negative)
            case "not" | "requests" if not negative:
                return [*self.read(value, name, negative=True)] if name == "not" else self._requests(value)
        field = self.words.fields.get(name)
        if field is None:
            self._unknown(key)
            return []
        return self._fact(field, value, negative=negative)

    def _unknown(self, key: ScalarNode) -> None:
        known = [*self.words.fields, *WORDS]
        known += [f"{prefix}.{clock}" for clock in self.words.clocks for prefix in ("due", "clock")]
        hint = "did you mean decided_by?" if key.text == "won_by" else self.report.suggest(key.text, known)
        self.report.add(Code.TEST_UNKNOWN_EXPECTATION, key, f"nothing is called {key.text}", hint)

    # Facts

    def _fact(self, field: Field, node: Node, *, negative: bool) -> list[Check]:
        stage = field.derived_by.split(",")[0].strip()
        if field.type is FieldType.SET:
            return self._names(field.name, node, stage, lambda n: self._member(field, n), negative=negative)
        mode, operand = self._mode(field, node)
        if mode is None or operand is None:
            return []
        if mode in (Mode.MISSING, Mode.PRESENT):
            if negative:
                mode = Mode.PRESENT if mode is Mode.MISSING else Mode.MISSING
            return [FactCheck(field.name, mode, (), stage)]
        if negative and mode is not Mode.IS:
            self._reader.wrong(node, "within `not` write the value or a list of values")
            return []
        mode = Mode.NOT if negative else mode
        if mode is Mode.NOT:
            items = self._reader.one_or_more(operand, field.name)
        elif isinstance(operand, SequenceNode):
            self._reader.wrong(operand, f"{field.name} has one value", "write {not: [...]} for several that it is not")
            return []
        else:
            items = (operand,)
        values = [value for value in (self._operand(field, item) for item in items) if value is not None]
        order = field.values if mode in (Mode.AT_LEAST, Mode.AT_MOST) else ()
        return [FactCheck(field.name, mode, tuple(values), stage, order)] if len(values) == len(items) else []

    def _mode(self, field: Field, node: Node) -> tuple[Mode | None, Node | None]:
        """How a field of one value is compared: `P0`, or `{not: P0}`, `{at_least: P1}`, `{is: missing}`."""
        if not isinstance(node, MappingNode):
            return Mode.IS, node
        allowed = ["is", Mode.NOT.value]
        if field.type in ORDERED or (field.type is FieldType.ENUM and field.values):
            allowed += [Mode.AT_LEAST.value, Mode.AT_MOST.value]
        if len(node.entries) != 1 or node.entries[0][0].text not in allowed:
            Keys(self._reader, node, field.name, allowed)
            if len(node.entries) != 1:
                self._reader.wrong(node, f"{field.name} must have one of {', '.join(allowed)}")
            return None, None
        key, operand = node.entries[0]
        if key.text == "is":
            word = self._reader.choice(operand, "is", (Mode.MISSING.value, Mode.PRESENT.value))
            return (Mode(word) if word else None), operand
        return Mode(key.text), operand

    def _operand(self, field: Field, node: Node) -> Typed | None:
        """The value as records hold it."""
        value = plain_data(node)
        if field.name in self.words.values and field.name not in self.overridden:
            return self._made(field, node)
        flags: list[object] = []
        try:
            typed = self.words.compiled.plan.coercers[field.name](value, flags)  # type: ignore[arg-type]
        except Refused as refused:
            if field.values and isinstance(value, str):
                self._no_value(field, node, value, field.values)
            else:
                self._reader.wrong(node, f"{field.name} {refused}")
            return None
        if any(getattr(flag, "code", "") == UNKNOWN_VALUE for flag in flags):
            self._no_value(field, node, str(value), field.values)
            return None
        if typed is None:
            self._reader.wrong(node, f"{field.name} expects an empty text", "write {is: missing}")
        return typed

    def _made(self, field: Field, node: Node) -> str | None:
        text = self._reader.text(node, field.name)
        known = self.words.values[field.name]
        if text is None or text in known:
            return text
        self._no_value(field, node, text, known)
        return None

    def _no_value(self, field: Field, node: Node, text: str, known: Collection[str]) -> None:
        what = "no rule gives" if field.name in self.words.values else "the vocabulary does not know"
        hint = self.report.suggest(text, known)
        self.report.add(Code.UNKNOWN_VALUE, node, f'{what} {field.name} the value "{text[:40]}"', hint)

    def _member(self, field: Field, node: Node) -> str | None:
        if field.name in self.words.values:
            return self._made(field, node) if field.name not in self.overridden else self._reader.text(node, field.name)
        text = self._reader.text(node, field.name)
        if text is None or not field.values or text in field.values:
            return text
        self._no_value(field, node, text, field.values)
        return None

    # Lists of names

    def _names(
        self, name: str, node: Node, stage: str, read: Callable[[Node], str | None], *, negative: bool
    ) -> list[Check]:
        mode = Mode.HAS if name in ("decided_by", "matched") else Mode.IS
        if isinstance(node, MappingNode):
            keys = Keys(self._reader, node, name, (Mode.HAS.value, Mode.NOT.value))
            chosen = [Mode(key.text) for key, _ in node.entries if key.text in (Mode.HAS, Mode.NOT)]
            if not chosen and not node.entries:
                self.report.add(Code.TEST_NO_EXPECTATION, node, f"{name} expects nothing")
            if negative:
                self._reader.wrong(node, "within `not` write a name or a list of names")
                return []
            return [c for m in chosen if (n := keys.get(m.value)) for c in self._name_list(name, n, stage, read, m)]
        return self._name_list(name, node, stage, read, Mode.NOT if negative else mode)

    def _name_list(
        self, name: str, node: Node, stage: str, read: Callable[[Node], str | None], mode: Mode
    ) -> list[Check]:
        items = node.items if isinstance(node, SequenceNode) else (node,)
        if not items and mode is not Mode.IS:
            self.report.add(Code.TEST_NO_EXPECTATION, node, f"{name} names nothing")
        found = [read(item) for item in items]
        if None in found:
            return []
        names = tuple(item for item in found if item is not None)
        if name in ("decided_by", "matched") and names:
            stage = self.words.rules[names[0]].stage
        return [NamesCheck(name, mode, names, stage)] if names or mode is Mode.IS else []

    def _name_reader(self, name: str) -> Callable[[Node], str | None]:
        match name:
            case "decided_by" | "matched":
                return lambda node: self._known(node, "rule or table row", self.words.rules, Code.TEST_UNKNOWN_RULE)
            case "breached":
                return lambda node: self._known(node, "clock", self.words.clocks, Code.UNKNOWN_CLOCK)
            case "flags":
                return lambda node: self._known(node, "flag", FLAGS, Code.TEST_UNKNOWN_FLAG)
            case "missing":
                return lambda node: self._known(node, "field", self.words.fields, Code.UNKNOWN_FIELD)
            case "opened":
                return lambda node: self._known(node, "case", self.words.cases, Code.TEST_UNKNOWN_EFFECT)
            case _:
                return lambda node: self._known(node, "role", self.words.roles, Code.UNKNOWN_ROLE)

    def _known(self, node: Node, what: str, known: Collection[str], code: Code) -> str | None:
        text = self._reader.text(node, what)
        if text is None or text in known:
            return text
        self.report.add(code, node, f"there is no {what} {text[:80]}", self.report.suggest(text, known))
        return None

    # Clocks

    def _clock_name(self, key: ScalarNode, prefix: str) -> str | None:
        name = key.text.removeprefix(prefix)
        if name in self.words.clocks:
            return name
        hint = self.report.suggest(name, self.words.clocks)
        self.report.add(Code.UNKNOWN_CLOCK, key, f"there is no clock {name}", hint)
        return None

    def _clock(self, key: ScalarNode, node: Node, *, negative: bool) -> list[Check]:
        name = self._clock_name(key, "clock.")
        return self._word(f"clock.{name}", node, CLOCK_WORDS, negative=negative, stage="sla") if name else []

    def _word(self, name: str, node: Node, known: tuple[str, ...], *, negative: bool, stage: str = "") -> list[Check]:
        if isinstance(node, MappingNode) and [*node.keys()] == ["not"] and not negative:
            return self._word(name, node.entries[0][1], known, negative=True, stage=stage)
        items = self._reader.one_or_more(node, name) if negative else (node,)
        found = [self._reader.choice(item, name, known) for item in items]
        words = tuple(word for word in found if word is not None)
        return [WordCheck(name, words, negative, stage)] if words and len(words) == len(items) else []

    def _prefix(self, node: Node, *, negative: bool) -> list[Check]:
        text = self._reader.text(node, "number_prefix")
        if text is None:
            return []
        numbering = self.words.compiled.rulebook.numbering
        codes = {numbering.default_code, *numbering.department_codes.values()}
        if not _PREFIX.match(text) or text.partition("-")[2] not in codes:
            hint = f"write year, month and a department code, such as 202609-{numbering.default_code}"
            self.report.add(Code.WRONG_VALUE, node, f'"{text[:40]}" begins no request number', hint)
            return []
        return [WordCheck("number_prefix", (text,), negative, "routing")]

    def _due(self, key: ScalarNode, node: Node, *, negative: bool) -> list[Check]:
        name = self._clock_name(key, "due.")
        if name is None:
            return []
        if isinstance(node, MappingNode):
            keys = Keys(self._reader, node, key.text, ("within", "calendar"))
            within, calendar = keys.require("within"), keys.get("calendar")
            known = self._known(calendar, "calendar", self.words.calendars, Code.UNKNOWN_CALENDAR) if calendar else ""
            target = self._target(within, name, known or "") if within is not None and known is not None else None
            return [DueCheck(name, target, negative)] if target else []
        text = node.text if isinstance(node, ScalarNode) else ""
        if text == NONE:
            return [DueCheck(name, None, negative)]
        if parse_duration(text) or not _INSTANT.match(text):
            target = self._target(node, name, "")
            return [DueCheck(name, target, negative)] if target else []
        instant = self.instant(node, key.text)
        return [DueCheck(name, instant, negative)] if instant else []

    def _target(self, node: Node, clock: str, calendar: str) -> Target | None:
        duration = read_duration(self.report, node, f"due.{clock}")
        if duration is None:
            return None
        calendar = calendar or self.words.compiled.rulebook.clocks[clock].calendar
        return Target(duration.amount, TargetUnit(duration.unit), calendar)

    def instant(self, node: Node, what: str) -> datetime | None:
        """An instant with its offset, as the file writes it."""
        text = node.text if isinstance(node, ScalarNode) else ""
        if len(text) <= len("2026-01-31"):
            message = f"{what} must be an instant, not {describe(node)}"
            self.report.add(Code.INVALID_DATE, node, message, 'write "2026-01-31T10:00:00+08:00"')
            return None
        if read_instant(self.report, node, what, ZoneInfo("UTC")) is None:
            return None
        return datetime.fromisoformat(text)

    # Effects

    def _effects(self, key: ScalarNode, node: Node, *, negative: bool) -> list[Check]:
        if negative:
            self._reader.wrong(key, "`not` does not take effects", "write no_effects")
            return []
        none = key.text == "no_effects"
        if none and isinstance(node, ScalarNode) and isinstance(node.value, bool):
            if node.value:
                return [SilenceCheck()]
            self.report.add(Code.TEST_NO_EXPECTATION, node, "no_effects: false expects nothing", "write effects")
            return []
        if isinstance(node, SequenceNode) and not node.items:
            hint = "write no_effects: true for none at all"
            self.report.add(Code.TEST_NO_EXPECTATION, node, f"{key.text} names nothing", hint)
            return []
        items = (node,) if isinstance(node, MappingNode) else self._reader.sequence(node, key.text)
        patterns = [pattern for pattern in (self._pattern(item, none=none) for item in items) if pattern]
        return [EffectsCheck(tuple(patterns), none)] if patterns else []

    def _pattern(self, node: Node, *, none: bool) -> Pattern | None:
        mapping = self._reader.mapping(node, "an effect")
        if mapping is None:
            return None
        if not mapping.entries:
            self.report.add(Code.TEST_NO_EXPECTATION, node, "the effect has no properties")
            return None
        keys = Keys(self._reader, mapping, "an effect", PATTERN_KEYS)
        payload: list[tuple[str, Value]] = []
        for name, known, code in (
            ("template", self.words.templates, Code.UNKNOWN_TEMPLATE),
            ("clock", self.words.clocks, Code.UNKNOWN_CLOCK),
            ("case", self.words.cases, Code.TEST_UNKNOWN_EFFECT),
        ):
            value = keys.get(name)
            if value is not None:
                payload.append((name, self._known(value, name, known, code)))
        if keys.get("acknowledge") is not None:
            payload.append(("acknowledge", keys.boolean("acknowledge")))
        kind, role, count = keys.get("kind"), keys.get("role"), keys.get("count")
        if count is not None and none:
            self._reader.wrong(count, "no_effects takes no count")
        kinds = [kind.value for kind in EffectKind]
        return Pattern(
            shown=", ".join(f"{name} {value}" for name, value in _plain(mapping)),
            kind=(self._known(kind, "kind of effect", kinds, Code.TEST_UNKNOWN_EFFECT) or "") if kind else "",
            role=(self._known(role, "role", self.words.roles, Code.UNKNOWN_ROLE) or "") if role else "",
            urgent=keys.boolean("urgent") if keys.get("urgent") is not None else None,
            payload=tuple(payload),
            text=keys.text("text"),
            count=self._reader.integer(count, "count", least=0) if count is not None else None,
        )

    # The rest

    def _texts(self, node: Node, what: str) -> list[str]:
        found = (self._reader.filled(item, what) for item in self._reader.one_or_more(node, what))
        return [text for text in found if text is not None]

    def _requests(self, node: Node) -> list[Check]:
        mapping = self._reader.mapping(node, "requests")
        checks: dict[str, tuple[Check, ...]] = {}
        for key, value in mapping.entries if mapping else ():
            if key.text in self.requests:
                checks[key.text] = self.read(value, key.text)
            else:
                hint = self.report.suggest(key.text, self.requests)
                message = f"nothing happens to a request {key.text} in this case"
                self.report.add(Code.TEST_UNKNOWN_REQUEST, key, message, hint)
        if mapping is not None and not mapping.entries:
            self.report.add(Code.TEST_NO_EXPECTATION, node, "requests names none")
        return [RequestsCheck(checks)] if checks else []


def _plain(mapping: MappingNode) -> list[tuple[str, object]]:
    return [(key.text, plain_data(value)) for key, value in mapping.entries]
