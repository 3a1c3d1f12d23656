"""One score: the value of `score:`."""

from __future__ import annotations

from decimal import Decimal

from answerby.domain.condition import ALWAYS
from answerby.rules.model.score import FACTORS, Factor, Method, Rounding, Score, TieBreak
from answerby.rules.model.vocabulary import FieldType
from answerby.rules.sections.name_scope import NameKind
from answerby.rules.sections.scores.factor import read_factor
from answerby.rules.sections.scores.numbers import read_pair, report_unordered
from answerby.rules.sections.stages.conditions import ConditionCompiler
from answerby.rules.sections.stages.rule_keys import read_owner
from answerby.rules.sections.stages.stage_file import StageCompilation
from answerby.rules.sections.values.field_values import read_member
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, SequenceNode

SCORE_KEYS = (
    "id", "because", "owner", "description", "when", "method", "output",
    "factors", "bounds", "round", "rounding", "tie_break",
)  # fmt: skip


TIE_BREAK_KEYS = ("field", "order", "output")


MAX_DECIMAL_PLACES = 6


_RESULT = frozenset({FieldType.INTEGER, FieldType.DECIMAL})


class ScoreReader:
    """Reads one score. `root` is the file, `node` the value of `score:`."""

    def __init__(self, compilation: StageCompilation, stage: str, root: MappingNode, node: MappingNode) -> None:
        scope, order = compilation.scope, compilation.order
        self._scope = scope
        self._report = scope.report
        self._stage = stage
        self._order = order
        self._root = root
        self._keys = MappingKeys(scope.reader, node, "score", SCORE_KEYS)
        self._outputs = compilation.outputs_of(stage)
        self._conditions = ConditionCompiler(scope, lambda name, at: order.note_score_read(stage, name, at))

    def read(self) -> Score | None:
        """The score. None when a required part is missing or wrong. All mistakes are reported in any case."""
        keys, node = self._keys, self._keys.node
        id_node, when_node = keys.require("id"), keys.get("when")
        name = None if id_node is None else self._scope.reader.identifier(id_node, "score id")
        if id_node is not None and name is not None:
            self._scope.declare(NameKind.RULE, name, id_node)
        because = keys.because()
        when = ALWAYS if when_node is None else self._conditions.when(when_node)
        method = self._method()
        factors = self._factors(method)
        output, places = self._output()
        least, most = self._bounds()
        tie_break = self._tie_break()
        if name is None or method is None or output is None or not factors:
            return None
        score = Score(
            id=name,
            stage=self._stage,
            because=because,
            method=method,
            output=output,
            factors=factors,
            file=node.place.file,
            line=node.place.line,
            owner=read_owner(self._scope, keys) or self._owner_of_file(),
            when=when,
            at_least=least,
            at_most=most,
            places=places,
            rounding=self._rounding(),
            tie_break=tie_break,
        )
        for computed in score.outputs:
            self._order.note_score(computed, self._stage)
        return score

    def _owner_of_file(self) -> str:
        node = self._root.get("owner")
        return node.text if isinstance(node, ScalarNode) else ""

    def _method(self) -> Method | None:
        node = self._keys.require("method")
        found = None if node is None else self._scope.reader.choice(node, "method", tuple(Method))
        return Method(found) if found else None

    def _factors(self, method: Method | None) -> tuple[Factor, ...]:
        """All factors: the required ones in the order of the method, then the others by name."""
        node = self._keys.require("factors")
        mapping = None if node is None else self._scope.reader.mapping(node, "factors")
        if mapping is None:
            return ()
        if not mapping.entries:
            self._report.add(Code.EMPTY_LIST, mapping, "the score has no factors")
        needed = FACTORS[method] if method else ()
        for name in needed:
            if mapping.get(name) is None:
                message = f"{method} needs the factor `{name}`"
                hint = f"it takes {', '.join(needed)}, and others besides"
                self._report.add(Code.MISSING_KEY, mapping, message, hint)
        found: dict[str, Factor] = {}
        for key, value in mapping.entries:
            name_read = self._scope.reader.identifier(key, "factor")
            factor = name_read and read_factor(self._scope, self._conditions, method, key.text, value)
            if factor:
                found[factor.name] = factor
        if method is None or len(found) < len(mapping.entries) or any(name not in found for name in needed):
            return ()
        return tuple(found[name] for name in (*needed, *sorted(found.keys() - set(needed))))

    def _output(self) -> tuple[str | None, int]:
        """The field of the score, and the number of decimal places."""
        node = self._keys.require("output")
        name = None if node is None else self._derived(node, _RESULT, "a decimal or an integer")
        whole = name is not None and self._scope.fields[name].type is FieldType.INTEGER
        places = self._keys.integer("round", 0 if whole else 2, 0, MAX_DECIMAL_PLACES)
        round_node = self._keys.get("round")
        if whole and places and round_node is not None:
            message = f"{name} is an integer, which has no {places} decimal places"
            self._report.add(Code.SCORE_OUTPUT, round_node, message, f"declare {name} as decimal, or write `round: 0`")
        return name, places

    def _derived(self, node: Node, types: frozenset[FieldType], expected: str) -> str | None:
        """The name of a field of one of these types that this stage derives. None, with a diagnostic, otherwise."""
        if not self._outputs.may_set(node) or not isinstance(node, ScalarNode):
            return None
        field = self._scope.fields.get(node.text)
        if field is not None and field.type in types:
            return field.name
        kind = "no field" if field is None else f"of type {field.type}"
        message = f"{node.text} is {kind}, but a score must be {expected}"
        self._report.add(Code.SCORE_OUTPUT, node, message, "declare a field for it, `type: decimal`")
        return None

    def _bounds(self) -> tuple[Decimal | None, Decimal | None]:
        node = self._keys.get("bounds")
        pair = None if node is None else read_pair(self._scope, node, "bounds")
        if node is None or pair is None:
            return None, None
        if pair[0] >= pair[1]:
            self._report.add(Code.WRONG_VALUE, node, "the bounds must rise", "write bounds: [least, most]")
        return pair

    def _rounding(self) -> Rounding:
        node = self._keys.get("rounding")
        found = None if node is None else self._scope.reader.choice(node, "rounding", tuple(Rounding))
        return Rounding(found) if found else Rounding.HALF_UP

    def _tie_break(self) -> TieBreak | None:
        node = self._keys.mapping("tie_break")
        if node is None:
            return None
        keys = MappingKeys(self._scope.reader, node, "tie_break", TIE_BREAK_KEYS)
        field_node, order_node, output_node = (keys.require(key) for key in ("field", "order", "output"))
        name = None if field_node is None else self._conditions.field_name(field_node)
        output = output_node and self._derived(output_node, frozenset({FieldType.INTEGER}), "an integer")
        if field_node is None or name is None or order_node is None:
            return None
        field = self._scope.fields[name]
        if field.personal:
            message = f"{name} is personal, and a score is explained with what breaks its ties"
            self._report.add(Code.PERSONAL_FIELD, field_node, message, "use a field that may be shown")
            return None
        if field.type is not FieldType.ENUM:
            message = f"{name} is of type {field.type}; ties are broken by the values of an enum"
            self._report.add(Code.WRONG_TYPE, field_node, message)
            return None
        order: dict[str, None] = {}
        for item in self._scope.reader.sequence(order_node, "order"):
            value = read_member(self._scope, field, item)
            if value in order:
                self._report.add(Code.DUPLICATE_ID, item, f"{value} is in the order already")
            elif value is not None:
                order[value] = None
        if isinstance(order_node, SequenceNode):
            report_unordered(self._scope, field, order_node, set(order))
        return TieBreak(name, tuple(order), output) if output else None
