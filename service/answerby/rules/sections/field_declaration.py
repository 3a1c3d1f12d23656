"""The declaration of one field in `fields:`."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from types import MappingProxyType

from answerby.rules.model.rulebook import STAGES
from answerby.rules.model.vocabulary import ANY_REQUEST, Field, FieldType, Window
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.scores.numbers import read_number
from answerby.rules.sections.values.durations import read_seconds
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.folding import fold
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode

FIELD_KEYS = (
    "type", "values", "aliases", "other", "default", "derived_by", "personal", "window", "parts", "always", "min",
    "max", "unit", "description",
)  # fmt: skip


WINDOW_KEYS = ("count", "of", "by", "within")


CATEGORY = "category"


_NUMERIC = frozenset({FieldType.INTEGER, FieldType.DECIMAL})


_TEXTUAL = frozenset({FieldType.TEXT, FieldType.STRING})


class FieldReader:
    """Reads the declaration of one field."""

    def __init__(self, scope: NameScope, key: ScalarNode, node: MappingNode) -> None:
        self._scope = scope
        self._reader = scope.reader
        self._name = key.text
        self._keys = MappingKeys(scope.reader, node, f"field {key.text}", FIELD_KEYS)
        self._type: FieldType | None = None

    def read(self) -> Field | None:
        """The field. None, with a diagnostic, when its type or the values of an enum are missing or wrong."""
        self._type = self._read_type()
        if self._type is None:
            return None
        values = self._values()
        if self._type is FieldType.ENUM and not values:
            return None
        return Field(
            name=self._name,
            type=self._type,
            values=values,
            aliases=MappingProxyType(self._aliases(values)),
            other=self._other(values),
            default=self._default(values),
            derived_by=self._derived_by(),
            personal=self._personal(),
            window=self._window(),
            parts=tuple(self._texts("parts")),
            always=self._always(),
            **self._range(),
        )

    def check_references(self) -> None:
        """Checks references to other fields. All fields must be known before."""
        self._check_parts()
        self._check_window()
        self._check_departments()

    def _read_type(self) -> FieldType | None:
        node = self._keys.require("type")
        found = None if node is None else self._reader.choice(node, "type", tuple(FieldType))
        return FieldType(found) if found else None

    def _texts(self, key: str) -> list[str]:
        node = self._keys.get(key)
        return [] if node is None else self._reader.texts(node, key)

    def _values(self) -> tuple[str, ...]:
        node = self._keys.get("values")
        if node is None:
            if self._type is FieldType.ENUM:
                self._keys.require("values")
            return ()
        if self._type not in {FieldType.ENUM, FieldType.SET}:
            self._misplaced("values", node, "an enum or a set")
            return ()
        found: dict[str, str] = {}
        for item in self._reader.sequence(node, "values"):
            value = self._reader.nonempty_text(item, "value")
            if value == "any":
                self._scope.report.add(Code.INVALID_ID, item, "`any` stands for no condition in tables")
            elif value is not None and fold(value) in found:
                message = f"the value {value} is listed twice"
                self._scope.report.add(Code.DUPLICATE_ID, item, message, "case and width make no difference")
            elif value is not None:
                found[fold(value)] = value
        return tuple(found.values())

    def _aliases(self, values: tuple[str, ...]) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, node in self._keys.items("aliases"):
            value = self._reader.choice(node, "value", values, Code.UNKNOWN_VALUE)
            alias = fold(key.text)
            if alias in found or alias in {fold(v) for v in values if v != value}:
                self._scope.report.add(Code.DUPLICATE_ID, key, f"the spelling {key.text} is already taken")
            elif value is not None:
                found[alias] = value
        return dict(sorted(found.items()))

    def _other(self, values: tuple[str, ...]) -> str:
        node = self._keys.get("other")
        return (node and self._reader.choice(node, "other", values, Code.UNKNOWN_VALUE)) or ""

    def _default(self, values: tuple[str, ...]) -> str | int | bool | None:
        node = self._keys.get("default")
        if node is None:
            return None
        match self._type:
            case FieldType.ENUM:
                return self._reader.choice(node, "default", values, Code.UNKNOWN_VALUE)
            case FieldType.BOOLEAN:
                return self._reader.boolean(node, "default")
            case FieldType.INTEGER:
                return self._reader.integer(node, "default")
            case FieldType.TEXT | FieldType.STRING:
                return self._reader.text(node, "default")
        self._misplaced("default", node, "an enum, a boolean, an integer or a text")
        return None

    def _derived_by(self) -> tuple[str, ...]:
        node = self._keys.get("derived_by")
        if node is None:
            return ()
        items = self._reader.one_or_more(node, "derived_by")
        found = {self._reader.choice(item, "stage", STAGES, Code.UNKNOWN_STAGE) or _near_stage(item) for item in items}
        return tuple(stage for stage in STAGES if stage in found)

    def _personal(self) -> bool:
        node = self._keys.get("personal")
        found = node is not None and self._keys.boolean("personal")
        if found and node is not None and self._keys.get("derived_by") is not None:
            message = "what rules derive goes out with every message, so it cannot be personal"
            self._scope.report.add(Code.PERSONAL_FIELD, node, message, "remove `personal`, or `derived_by`")
        return found

    def _always(self) -> bool:
        node = self._keys.get("always")
        if node is None or not self._keys.boolean("always"):
            return False
        others = [key for key in ("derived_by", "default", "window", "parts") if self._keys.get(key) is not None]
        if others:
            message = f"a field with `{others[0]}` cannot be `always` given"
            self._scope.report.add(Code.WRONG_VALUE, node, message, "keep one of the two")
        return not others

    def _range(self) -> dict[str, Decimal | None]:
        """The least and the most of a number."""
        found: dict[str, Decimal | None] = {}
        for name, key in (("least", "min"), ("most", "max")):
            node = self._keys.get(key)
            if node is not None and self._type not in _NUMERIC:
                self._misplaced(key, node, "an integer or a decimal")
            elif node is not None:
                found[name] = read_number(self._scope, node, key)
        least, most, default = found.get("least"), found.get("most"), self._keys.get("default")
        if least is not None and most is not None and most < least:
            self._scope.report.add(Code.NEVER_TRUE, self._keys.get("max") or self._keys.node, "max is less than min")
        elif default is not None and isinstance(default, ScalarNode) and isinstance(default.value, int):
            number = Decimal(default.value)
            if (least is not None and number < least) or (most is not None and number > most):
                self._scope.report.add(Code.WRONG_VALUE, default, "the default is out of the range of the field")
        return found

    def _window(self) -> Window | None:
        node = self._keys.mapping("window")
        if node is None:
            return None
        keys = MappingKeys(self._reader, node, "window", WINDOW_KEYS)
        if self._type is not FieldType.INTEGER:
            self._misplaced("window", node, "an integer")
        count, by, within = (keys.require(key) for key in ("count", "by", "within"))
        if count is None or by is None or within is None:
            return None
        seconds = read_seconds(self._scope.report, within, "within")
        category, owner = self._reader.text(count, "count"), self._reader.text(by, "by")
        if seconds is None or category is None or owner is None:
            return None
        return Window(category, owner, timedelta(seconds=seconds), keys.text("of", CATEGORY))

    def _check_parts(self) -> None:
        node = self._keys.get("parts")
        if node is None:
            return
        if self._type is not FieldType.TEXT:
            self._misplaced("parts", node, "a text")
        for item in self._reader.one_or_more(node, "parts"):
            part = self._scope.refer(NameKind.FIELD, item)
            field = self._scope.fields.get(part or "")
            if field and (field.type not in _TEXTUAL or field.parts or field.derived_by):
                message = f"{part} cannot be part of a text"
                self._scope.report.add(Code.WRONG_VALUE, item, message, "parts are given texts")
            elif field and field.personal and self._type is FieldType.TEXT and not self._keys.boolean("personal"):
                message = f"{part} is personal, and so is every text that it is part of"
                self._scope.report.add(Code.PERSONAL_FIELD, item, message, "add `personal: true` to the whole")

    def _check_window(self) -> None:
        node = self._keys.get("window")
        if not isinstance(node, MappingNode):
            return
        by, count = node.get("by"), node.get("count")
        owner = None if by is None else self._scope.fields.get(self._scope.refer(NameKind.FIELD, by) or "")
        if by is not None and owner is not None and (owner.derived_by or owner.type is not FieldType.STRING):
            self._scope.report.add(Code.WRONG_VALUE, by, "`by` must be a given string, such as customer.id")
        of = node.get("of")
        name = CATEGORY if of is None else self._scope.refer(NameKind.FIELD, of)
        counted = self._scope.fields.get(name or "")
        if of is not None and counted is not None and not _is_countable(counted):
            self._scope.report.add(Code.WRONG_VALUE, of, "`of` must be an enum that classification derives")
        elif isinstance(count, ScalarNode) and counted is not None and counted.values:
            known = {*counted.values, ANY_REQUEST}
            if count.text not in known:
                message = f'{name} has no value "{count.text}"'
                self._scope.report.add(
                    Code.UNKNOWN_VALUE, count, message, self._scope.report.suggest(count.text, known)
                )

    def _check_departments(self) -> None:
        """Checks that every department has a code. Request numbers contain the code of the department."""
        node = self._keys.get("values")
        if self._name == "department" and node is not None and list(self._scope.names(NameKind.DEPARTMENT)):
            self._scope.refer_all(NameKind.DEPARTMENT, node)

    def _misplaced(self, key: str, node: Node, owners: str) -> None:
        message = f"`{key}` is for {owners}, not for a field of type {self._type}"
        self._scope.report.add(Code.WRONG_TYPE, node, message, f"remove `{key}`, or correct the type")


def _near_stage(node: Node) -> str:
    """The stage nearest to a misspelt name. Without it every use of the field would be reported as well."""
    near = get_close_matches(node.text, STAGES, n=1) if isinstance(node, ScalarNode) else []
    return near[0] if near else ""


def _is_countable(field: Field) -> bool:
    return field.type is FieldType.ENUM and "classification" in field.derived_by
