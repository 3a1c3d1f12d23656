"""`fields:` to the vocabulary of all fields."""

from __future__ import annotations

import re
from types import MappingProxyType

from answerby.rules.model.builtin_fields import BUILTIN_FIELDS
from answerby.rules.model.vocabulary import Vocabulary
from answerby.rules.sections.field_declaration import FieldReader
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import MappingNode, Node, Place, ScalarNode

_NAME = re.compile(r"[^\W\d]\w*(\.\w+)*\Z")
_RESERVED = frozenset({"all", "any", "not", "notify", "open_case", "require"})
_RESERVED_PREFIXES = ("sla.", "ladder.", "event.", "request.", "override.")


def compile_vocabulary(scope: NameScope, sections: list[Node]) -> Vocabulary:
    """The vocabulary of all `fields:` sections and the built-in fields."""
    fields = {field.name: field for field in BUILTIN_FIELDS}
    for name in fields:
        scope.declare(NameKind.FIELD, name, ScalarNode(Place("", 0, 0), name, name, plain=True))
    nodes: list[tuple[ScalarNode, MappingNode]] = []
    for section in sections:
        mapping = scope.reader.mapping(section, "fields")
        for key, node in mapping.entries if mapping else ():
            if _is_field_name(scope, key) and scope.declare(NameKind.FIELD, key.text, key):
                declaration = scope.reader.mapping(node, f"field {key.text}")
                if declaration:
                    nodes.append((key, declaration))
    readers = [FieldReader(scope, key, node) for key, node in nodes]
    for reader in readers:
        field = reader.read()
        if field is not None:
            fields[field.name] = field
    scope.fields = fields
    for reader in readers:
        reader.check_references()
    return Vocabulary(MappingProxyType(dict(sorted(fields.items()))))


def _is_field_name(scope: NameScope, key: ScalarNode) -> bool:
    name = key.text
    if not _NAME.match(name) or len(name) > 64:
        message = f'"{name[:40]}" is not a field name'
        scope.report.add(Code.INVALID_ID, key, message, "use letters, digits and _, with dots between the parts")
        return False
    if name in _RESERVED or name.startswith(_RESERVED_PREFIXES):
        known = any(field.name == name for field in BUILTIN_FIELDS)
        message = f"{name} is built in" if known else f"{name} has a meaning of its own"
        scope.report.add(Code.INVALID_ID, key, message, "choose another name")
        return False
    return True
