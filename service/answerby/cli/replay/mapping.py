"""The mapping file: from the columns of an export to events. It is described in service/docs/howto/replay.md."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from answerby.cli.fail import CommandFailed
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import plain_data
from answerby.rules.text.yaml_parser import parse_yaml

Scalar = str | bool | int | float


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise ValueError(f'"{name}" is no IANA time zone; write one such as Europe/Berlin') from error
    return name


def as_tuple(value: object) -> object:
    return value if isinstance(value, list | tuple) or value is None else (value,)


def seconds(value: object) -> object:
    """A duration such as `90s`, `15m` or `2h` in seconds."""
    found = re.fullmatch(r"(\d+)([smh])", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("write a duration such as 90s, 15m or 2h")
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def pattern(value: object) -> object:
    try:
        return re.compile(str(value))
    except re.error as error:
        raise ValueError(f'"{value}" is no regular expression: {error}') from error


Zone = Annotated[str, AfterValidator(known_zone)]
Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]
Cells = Annotated[tuple[Scalar, ...], BeforeValidator(as_tuple)]


class ValueType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    SET = "set"


class Keep(Part):
    keep: Literal[True]


class ValueSpec(Part):
    """The source of a value and its conversion. Exactly one of `column`, `template` and `value` is set."""

    column: Names = ()
    template: str = ""
    value: Scalar | tuple[Scalar, ...] | None = None
    values: dict[str, Scalar] | None = None
    otherwise: Scalar | Keep | None = None
    default: Scalar | None = None
    type: ValueType | None = None
    extract: Annotated[re.Pattern[str], BeforeValidator(pattern)] | None = None
    split: str = ","
    time_formats: Names = ()
    timezone: Zone | None = None
    shifted: bool = False
    clear: bool = False
    within: Annotated[int, BeforeValidator(seconds)] = 0

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (bool(self.column) + bool(self.template) + (self.value is not None)) != 1:
            raise ValueError("say exactly one of column, template and value")
        return self


def value_spec(value: object) -> object:
    """Expands the short form: a column or a list of columns."""
    return {"column": value} if isinstance(value, str | list) else value


Value = Annotated[ValueSpec, BeforeValidator(value_spec)]


class Test(Part):
    """The test of one cell. All parts that are set must hold."""

    any_of: Cells = ()
    not_: Cells = Field(default=(), alias="not")
    is_: Literal["present", "missing"] | None = Field(default=None, alias="is")
    starts_with: Names = ()
    contains: Names = ()
    matches: Annotated[re.Pattern[str], BeforeValidator(pattern)] | None = None


def test(value: object) -> object:
    """Expands the short form: a cell or a list of cells, any of which matches."""
    return value if isinstance(value, dict) else {"any_of": value}


Conditions = dict[str, Annotated[Test, BeforeValidator(test)]]


class Guard(Part):
    """A condition: on the first event of a request, on the row, or on the row of the event before."""

    first: bool | None = None
    when: Conditions = {}
    previous: Conditions = {}


class TypeRule(Guard):
    is_: str = Field(alias="is", min_length=1)


def type_rules(value: object) -> object:
    return [{"is": value}] if isinstance(value, str) else value


class EventSpec(Guard):
    """One event that a row may give."""

    type: Annotated[tuple[TypeRule, ...], BeforeValidator(type_rules)]
    time: Value
    id: Value | None = None
    actor: Value | None = None
    actor_id: Value | None = None
    facts: dict[str, Value] = {}
    expect: dict[str, Value] = {}


class Mapping(Part):
    """The whole file."""

    name: str = Field(alias="mapping", min_length=1)
    description: str = ""
    source: str = ""
    format: Literal["csv", "jsonl"] | None = None
    encoding: str = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    nulls: tuple[str, ...] = ("",)
    timezone: Zone | None = None
    time_formats: Names = ()
    order: Literal["file", "time"] = "file"
    request_id: Value
    skip: tuple[Conditions, ...] = ()
    events: tuple[EventSpec, ...] = Field(min_length=1)
    facts: dict[str, Value] = {}
    expect: dict[str, Value] = {}
    cells: dict[str, Names] = {}
    groups: dict[str, Value] = {}

    @model_validator(mode="after")
    def _known_encoding(self) -> Self:
        try:
            "".encode(self.encoding)
        except LookupError as error:
            raise ValueError(f'encoding "{self.encoding}" is not known') from error
        return self

    @property
    def event_source(self) -> str:
        return self.source or f"replay/{self.name}"


def load_mapping(path: Path) -> Mapping:
    """Reads a mapping file. Raises CommandFailed that names every mistake, OSError if it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandFailed(f"{path} is not UTF-8: {error}") from error
    report = DiagnosticReport()
    root = parse_yaml(text, str(path), report)
    if report.has_errors or root is None:
        raise CommandFailed("\n".join(str(d) for d in report.sorted()) or f"{path} is empty")
    try:
        return Mapping.model_validate(plain_data(root))
    except ValidationError as error:
        raise CommandFailed(f"{path} is no valid mapping:\n" + "\n".join(describe(error))) from error


def describe(error: ValidationError) -> list[str]:
    lines = []
    for item in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in item["loc"]) or "the file"
        what = "unknown key" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        lines.append(f"  {where}: {what}")
    return lines
