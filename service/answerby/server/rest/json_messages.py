"""Messages as JSON, by the rules of protobuf, with the names of the .proto files, and with plain facts.

A fact is written as what it is: "text", 5, 1.5, true, ["a"], null. The long form of protobuf is read too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message

from answerby.domain.errors import FieldViolation, InvalidInput

FACT = "answerby.v1.FactValue"
DEEPEST = 20
_KINDS = frozenset(
    name + ending for name in ("string", "int", "double", "bool", "list") for ending in ("_value", "Value")
)
_INTEGERS = frozenset(
    {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64}
)


def fill(message: Message, content: Mapping[str, Any]) -> None:
    """Fills a message from its JSON. Raises InvalidInput."""
    try:
        ParseDict(walk(content, message.DESCRIPTOR, _long_fact), message, max_recursion_depth=DEEPEST)
    except (ParseError, RecursionError, ValueError, TypeError) as error:
        raise InvalidInput([FieldViolation("body", _words(error))]) from error


def plain(message: Message) -> dict[str, Any]:
    """The JSON of a message. Fields with the default value are left out, lists and maps too."""
    found: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    shortened: dict[str, Any] = walk(found, message.DESCRIPTOR, _short_fact)
    return shortened


def walk(content: Any, kind: Any, fact: Callable[[Any], Any], depth: int = 0) -> Any:
    """The JSON of a message of this kind with its facts changed. What has another form stays for the parser."""
    if not isinstance(content, Mapping) or depth > DEEPEST:
        return content
    changed = {}
    for name, value in content.items():
        field = kind.fields_by_name.get(name) or kind.fields_by_camelcase_name.get(name)
        changed[name] = value if field is None else _changed(value, field, fact, depth)
    return changed


def _changed(value: Any, field: FieldDescriptor, fact: Callable[[Any], Any], depth: int) -> Any:
    inner = field.message_type
    if inner is None:
        return value
    if inner.GetOptions().map_entry:
        inner = inner.fields_by_name["value"].message_type
        if inner is None or not isinstance(value, Mapping):
            return value
        return {key: _one(each, inner, fact, depth) for key, each in value.items()}
    if isinstance(value, list) and field.is_repeated:
        return [_one(each, inner, fact, depth) for each in value]
    return _one(value, inner, fact, depth)


def _one(value: Any, kind: Any, fact: Callable[[Any], Any], depth: int) -> Any:
    return fact(value) if kind.full_name == FACT else walk(value, kind, fact, depth + 1)


def _long_fact(value: Any) -> Any:
    match value:
        case None:
            return {}
        case bool():
            return {"bool_value": value}
        case str():
            return {"string_value": value}
        case int():
            return {"int_value": value}
        case float():
            return {"double_value": value}
        case list():
            return {"list_value": {"values": value}}
        case dict() if value.keys() <= _KINDS:
            return value
    raise InvalidInput([FieldViolation("facts", "a fact is a text, a number, true, false, null or a list of texts")])


def _short_fact(value: Any) -> Any:
    if not isinstance(value, dict) or not value:
        return None
    name, found = next(iter(value.items()))
    if name == "int_value":
        return int(found)
    return found.get("values", []) if name == "list_value" else found


def parameter(field: FieldDescriptor, text: str) -> Any:
    """The JSON value of a query parameter. Raises InvalidInput."""
    if field.type == FieldDescriptor.TYPE_BOOL:
        if text not in ("true", "false"):
            raise InvalidInput([FieldViolation(field.name, "must be true or false")])
        return text == "true"
    if field.type in _INTEGERS and not text.removeprefix("-").isdigit():
        raise InvalidInput([FieldViolation(field.name, "must be a whole number")])
    return text


def _words(error: Exception) -> str:
    """What is wrong, without the value, which may be a person's."""
    text = str(error).split("\n")[0]
    return text.partition(": ")[0][:200] if isinstance(error, ParseError) else "has another form than the request"
