"""Expectations of effects: `effects` and `no_effects`."""

from __future__ import annotations

from answerby.domain.effect import EffectKind
from answerby.domain.event import Value
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, SequenceNode, plain_data
from answerby.workbench.rule_tests.checks.difference import Check
from answerby.workbench.rule_tests.checks.effect_checks import EffectPattern, EffectsCheck, NoEffectsCheck
from answerby.workbench.rule_tests.suite.name_reader import NameReader

PATTERN_KEYS = ("kind", "role", "template", "clock", "case", "urgent", "acknowledge", "text", "count")


class EffectExpectations:
    """Reads expectations of effects."""

    def __init__(self, names: NameReader) -> None:
        self._names = names
        self._nodes = names.nodes

    def read(self, key: ScalarNode, node: Node, *, negative: bool) -> list[Check]:
        """The check of a list of patterns, or of `no_effects: true`."""
        if negative:
            self._nodes.wrong(key, "`not` does not take effects", "write no_effects")
            return []
        none = key.text == "no_effects"
        if none and isinstance(node, ScalarNode) and isinstance(node.value, bool):
            if node.value:
                return [NoEffectsCheck()]
            self._no_expectation(node, "no_effects: false expects nothing", "write effects")
            return []
        if isinstance(node, SequenceNode) and not node.items:
            self._no_expectation(node, f"{key.text} names nothing", "write no_effects: true for none at all")
            return []
        items = (node,) if isinstance(node, MappingNode) else self._nodes.sequence(node, key.text)
        patterns = [pattern for item in items if (pattern := self._pattern(item, none=none))]
        return [EffectsCheck(tuple(patterns), none)] if patterns else []

    def _pattern(self, node: Node, *, none: bool) -> EffectPattern | None:
        mapping = self._nodes.mapping(node, "an effect")
        if mapping is None:
            return None
        if not mapping.entries:
            self._no_expectation(node, "the effect has no properties")
            return None
        keys = MappingKeys(self._nodes, mapping, "an effect", PATTERN_KEYS)
        kind, role, count = keys.get("kind"), keys.get("role"), keys.get("count")
        if count is not None and none:
            self._nodes.wrong(count, "no_effects takes no count")
        known, names = self._names.known, self._names.names
        kinds = [kind.value for kind in EffectKind]
        return EffectPattern(
            shown=", ".join(f"{entry.text} {plain_data(value)}" for entry, value in mapping.entries),
            kind=(known(kind, "kind of effect", kinds, Code.TEST_UNKNOWN_EFFECT) or "") if kind else "",
            role=(known(role, "role", names.roles, Code.UNKNOWN_ROLE) or "") if role else "",
            urgent=keys.boolean("urgent") if keys.get("urgent") is not None else None,
            payload=self._payload(keys),
            text=keys.text("text"),
            count=self._nodes.integer(count, "count", least=0) if count is not None else None,
        )

    def _payload(self, keys: MappingKeys) -> tuple[tuple[str, Value], ...]:
        names = self._names.names
        payload: list[tuple[str, Value]] = []
        for name, known, code in (
            ("template", names.templates, Code.UNKNOWN_TEMPLATE),
            ("case", names.cases, Code.TEST_UNKNOWN_EFFECT),
        ):
            node = keys.get(name)
            if node is not None:
                payload.append((name, self._names.known(node, name, known, code)))
        clock = keys.get("clock")
        if clock is not None:
            payload.append(("clock", self._names.clock_name(clock)))
        if keys.get("acknowledge") is not None:
            payload.append(("acknowledge", keys.boolean("acknowledge")))
        return tuple(payload)

    def _no_expectation(self, node: Node, message: str, hint: str = "") -> None:
        self._names.report.add(Code.TEST_NO_EXPECTATION, node, message, hint)
