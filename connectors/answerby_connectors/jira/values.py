"""The values of Jira's fields: as it shows them, as it takes them, and as its histories tell them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from answerby.domain.event import Value
from answerby_connectors.kit.forms import as_date, as_it_is
from answerby_connectors.kit.notes.adf import adf_text
from answerby_connectors.kit.notes.markup import ADF

REQUEST_TYPE = "sd-customerrequesttype"
WRAPS = {"priority": "id", "component": "id", "user": "accountId", "option": "value", "group": "name"}
"""Type of a field -> the member by which it takes its value."""
BY_ID = frozenset({"priority", "component", "user", "date", "datetime"})
"""Types whose histories tell the value by `to`; by `toString` they tell a text for people."""


def as_local(value: Value) -> object:
    """An instant as `2026-01-05T09:15:00.000+0800`: with milliseconds, and an offset without colon."""
    return datetime.fromisoformat(str(value)).strftime("%Y-%m-%dT%H:%M:%S.000%z")


def as_number(value: Value) -> object:
    """A number as Jira shows it. What is none stays as it is, for Jira to refuse."""
    try:
        return float(str(value))
    except ValueError:
        return value


FORMS: Mapping[str, Callable[[Value], object]] = {
    "datetime": as_local,
    "date": as_date,
    "number": as_number,
    "array": as_it_is,
}


def shown(value: Any) -> object:
    """The value of a field, in the plain form that the kit compares."""
    if isinstance(value, list):
        return [shown(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "doc":
        return adf_text(value)
    if "requestType" in value:
        return (value["requestType"] or {}).get("id")
    return next((value[name] for name in ("accountId", "value", "id", "name") if name in value), None)


def sent(schema: Mapping[str, Any], value: object) -> object:
    """The value in the form that the field takes."""
    kind = str(schema.get("type"))
    if kind == "array":
        members = value if isinstance(value, list) else [value]
        return [sent({"type": schema.get("items")}, one) for one in members]
    if str(schema.get("custom")).endswith(":textarea"):
        *lines, last = str(value).split("\n")
        return ADF.wrap(lines, last)
    return {WRAPS[kind]: value} if kind in WRAPS else value


def logged(schema: Mapping[str, Any], item: Mapping[str, Any], present: object) -> object:
    """The value that an item of a history set. Of a request type the history tells no id: the present one counts."""
    kind = str(schema.get("items") if schema.get("type") == "array" else schema.get("type"))
    if kind == REQUEST_TYPE:
        return present
    return item.get("to" if kind in BY_ID else "toString") or ""
